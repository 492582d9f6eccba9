//! Exit codes, and failures with what, why and the next command to type.

use crate::render::{hints, one_line};
use palinode_core::port::{BodyError, ReadError, RecordError};
use palinode_core::record::{PauseWhy, RunEnd};
use palinode_core::run::compensate::CompensateError;
use palinode_core::run::history::LoadError;
use palinode_core::runbook::Finding;
use palinode_journal::index::IndexError;
use palinode_journal::{CreateError, HandInError, OpenError, OpenReadError, VerifyError};
use palinode_replay::driver::{DriveError, Stopped};
use std::error::Error;
use std::fmt::Write as _;
use std::process::ExitCode;

/// The exit codes of every command; scripts may rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Did what was asked, a complete rollback included.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The command line, the runbook or the inventory is wrong; nothing was touched.
    Usage = 2,
    /// Waits for a person.
    Paused = 3,
    /// Steps are in doubt and only a person can say.
    InDoubt = 4,
    /// Taken back but for the residues.
    PartlyRolledBack = 6,
    /// The journal is not what was written.
    Damaged = 7,
    /// Cannot record, so nothing more is done.
    CannotRecord = 8,
    /// Another process owns the journal.
    Owned = 9,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// The exit of a run or rollback that stopped.
    pub(crate) fn of(stopped: &Stopped) -> Self {
        match stopped {
            Stopped::Closed(RunEnd::Done | RunEnd::RolledBack) | Stopped::Looked => Self::Done,
            Stopped::Closed(RunEnd::Failed) => Self::Failed,
            Stopped::Closed(RunEnd::PartlyRolledBack) => Self::PartlyRolledBack,
            Stopped::Paused(PauseWhy::InDoubt) => Self::InDoubt,
            Stopped::Paused(_) | Stopped::Left => Self::Paused,
        }
    }
}

/// A command that did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    told: Box<Told>,
}

/// What is said of a failure.
#[derive(Debug, Default)]
struct Told {
    what: String,
    causes: Vec<String>,
    next: Option<String>,
    /// A runbook's name and text, with what is wrong in it.
    findings: Option<(String, String, Vec<Finding>)>,
}

impl Failure {
    /// A failure in words, with the next thing to do.
    pub(crate) fn new(exit: Exit, what: impl Into<String>, next: impl Into<String>) -> Self {
        let told = Told { what: what.into(), next: Some(next.into()), ..Told::default() };
        Self { exit, told: Box::new(told) }
    }

    /// A wrong command line.
    pub(crate) fn usage(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what, next)
    }

    /// A failure from an error with causes.
    pub(crate) fn from_error(exit: Exit, error: &(dyn Error + 'static), next: Option<&str>) -> Self {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        causes.dedup();
        let told = Told { what: error.to_string(), causes, next: next.map(str::to_owned), findings: None };
        Self { exit, told: Box::new(told) }
    }

    /// Findings in a runbook, shown with the lines they are about.
    pub(crate) fn findings(name: &str, text: &str, findings: Vec<Finding>) -> Self {
        let what = match findings.len() {
            1 => format!("the runbook {name} cannot be used; nothing was touched"),
            count => format!("the runbook {name} cannot be used, for {count} reasons; nothing was touched"),
        };
        let findings = Some((name.to_owned(), text.to_owned(), findings));
        Self { exit: Exit::Usage, told: Box::new(Told { what, findings, ..Told::default() }) }
    }

    /// What happened, for one line of a terminal.
    pub(crate) fn what(&self) -> String {
        one_line(&self.told.what)
    }

    /// Prints it to standard error and returns the exit code.
    pub(crate) fn report(&self, json: bool) -> Exit {
        let mut text = String::new();
        let told = &*self.told;
        if json {
            let findings: Vec<_> = told.findings.iter().flat_map(|(_, _, all)| all).collect();
            let value = serde_json::json!({
                "error": told.what,
                "causes": told.causes,
                "next": told.next,
                "exit": self.exit as u8,
                "findings": findings.iter().map(|finding| serde_json::json!({
                    "line": finding.at.line, "column": finding.at.column, "what": finding.what, "next": finding.next,
                })).collect::<Vec<_>>(),
            });
            let _ = writeln!(text, "{value}");
        } else {
            let _ = writeln!(text, "error: {}", one_line(&told.what));
            for cause in &told.causes {
                let _ = writeln!(text, "  because {}", one_line(cause));
            }
            if let Some((name, source, findings)) = &told.findings {
                for finding in findings {
                    text.push_str(&crate::render::finding(name, source, finding));
                }
            }
            if let Some(next) = &told.next {
                let _ = writeln!(text, "next: {}", one_line(next));
            }
        }
        crate::render::to_stderr(&text);
        self.exit
    }
}

fn exit_of_read(error: &ReadError) -> Exit {
    match error {
        ReadError::Damaged { .. } => Exit::Damaged,
        _ => Exit::Failed,
    }
}

fn damaged() -> String {
    format!("keep a copy of the journal as it is, then type `{}` for every detail", hints::command("verify"))
}

fn disk() -> String {
    let resume = hints::of_run("resume");
    format!("make room or mend the disk, then type `{resume}`; nothing was done that is not recorded")
}

fn status(to_see: &str) -> String {
    format!("type `{}` to see {to_see}", hints::of_run("status"))
}

fn replaced() -> String {
    format!(
        "nothing was begun that is not recorded where this process wrote; find out which copy of the journal is the newest, put \
         it in its place or name it with --journal, then type `{}`",
        hints::of_run("resume")
    )
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let exit = exit_of_read(&error);
        Self::from_error(exit, &error, (exit == Exit::Damaged).then(damaged).as_deref())
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Read(error) => error.into(),
            error => Self::from_error(Exit::Damaged, &error, Some(&damaged())),
        }
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Read(error) => error.into(),
            BodyError::Record(error) => Self::from_error(Exit::CannotRecord, &error, Some(&disk())),
            error => Self::from_error(Exit::Failed, &error, None),
        }
    }
}

impl From<DriveError> for Failure {
    fn from(error: DriveError) -> Self {
        match error {
            DriveError::Record(error @ RecordError::Replaced { .. }) => {
                Self::from_error(Exit::CannotRecord, &error, Some(&replaced()))
            }
            DriveError::Record(error) => Self::from_error(Exit::CannotRecord, &error, Some(&disk())),
            DriveError::Body(error) => error.into(),
            DriveError::Read(error) => error.into(),
            DriveError::Load(error) => error.into(),
            DriveError::Refused(refused) => {
                Self::from_error(Exit::Usage, &refused, Some(&status("where the steps stand")))
            }
            DriveError::NoRun(_) => {
                let next = format!("type `{}` to see the runs", hints::command("runs"));
                Self::from_error(Exit::Usage, &error, Some(&next))
            }
            DriveError::Compensate(CompensateError::HostsAtWork { run, ref others, .. }) => {
                let run = run.short();
                let first = others.first().map_or("HOST", |other| other.host.as_str());
                let hint = format!(
                    "type `{}` to finish {first}, or `{}` to take it back first",
                    hints::command(&format!("resume {run}")),
                    hints::command(&format!("rollback {run} --host {first}")),
                );
                Self::from_error(Exit::Failed, &error, Some(&hint))
            }
            DriveError::Compensate(_) => Self::from_error(
                Exit::Failed,
                &error,
                Some("roll back a smaller or larger scope, with --host or --step"),
            ),
            error => Self::from_error(Exit::Failed, &error, None),
        }
    }
}

impl From<OpenReadError> for Failure {
    fn from(error: OpenReadError) -> Self {
        match error {
            OpenReadError::Read(error) => error.into(),
            error => Self::from_error(Exit::Usage, &error, None),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Read(error) => error.into(),
            OpenError::Owned { .. } => {
                let next = format!("type `{}` to see what it is doing", hints::command("status"));
                Self::from_error(Exit::Owned, &error, Some(&next))
            }
            OpenError::Write { .. } => Self::from_error(Exit::CannotRecord, &error, Some(&disk())),
            error => Self::from_error(Exit::Usage, &error, None),
        }
    }
}

impl From<CreateError> for Failure {
    fn from(error: CreateError) -> Self {
        let next = match error {
            CreateError::Exists(_) => None,
            CreateError::Io { .. } => Some("make room or mend the disk, then type it again; nothing was done"),
        };
        Self::from_error(Exit::CannotRecord, &error, next)
    }
}

impl From<HandInError> for Failure {
    fn from(error: HandInError) -> Self {
        Self::from_error(Exit::CannotRecord, &error, Some(&disk()))
    }
}

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Read(error) => error.into(),
            IndexError::Used(_) => Self::from_error(Exit::Owned, &error, Some("try again when it is done")),
            error => Self::from_error(
                Exit::CannotRecord,
                &error,
                Some("see that the disk has room and is writable; `log` and `show` do without the index meanwhile"),
            ),
        }
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        Self::from_error(Exit::Damaged, &error, Some("keep a copy of the journal as it is; do not resume on it"))
    }
}
