//! Failures of commands: their kind, what happened with its causes, and what to type next.

use crate::render::{hints, one_line};
use palinode_core::port::{BodyError, OwnError, OwnedBy, ReadError, RecordError};
use palinode_core::record::{PauseWhy, RunEnd};
use palinode_core::run::compensate::CompensateError;
use palinode_core::run::history::LoadError;
use palinode_core::runbook::Finding;
use palinode_journal::index::IndexError;
use palinode_journal::{CreateError, HandInError, OpenError, OpenReadError, VerifyError};
use palinode_replay::driver::{DriveError, Stopped};
use std::error::Error;
use std::fmt::Write as _;

pub(crate) use palinode_core::exit::Exit;

/// The exit code of a run or rollback that stopped.
pub(crate) fn exit_of(stopped: &Stopped) -> Exit {
    match stopped {
        Stopped::Closed(RunEnd::Done | RunEnd::RolledBack) | Stopped::Looked => Exit::Done,
        Stopped::Closed(RunEnd::Failed) => Exit::Failed,
        Stopped::Closed(RunEnd::PartlyRolledBack) => Exit::PartlyRolledBack,
        Stopped::Paused(PauseWhy::InDoubt) => Exit::InDoubt,
        Stopped::Paused(_) | Stopped::Left => Exit::Paused,
    }
}

/// A command that did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    /// What kind of failure it is, for scripts.
    kind: Exit,
    /// What happened; its sources are the causes.
    error: Box<dyn Error>,
    /// What to type next, each a way of its own.
    hints: Vec<String>,
    findings: Option<Findings>,
}

/// What is wrong in a runbook.
#[derive(Debug)]
struct Findings {
    name: String,
    text: String,
    all: Vec<Finding>,
}

/// What happened, where no error of a library says it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Words(String);

impl Failure {
    /// A failure in words, with the next thing to do.
    pub(crate) fn new(kind: Exit, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::from_error(kind, Words(what.into()), [next.into()])
    }

    /// A wrong command line.
    pub(crate) fn usage(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what, next)
    }

    /// A failure from an error with its causes, and any number of hints.
    pub(crate) fn from_error(kind: Exit, error: impl Error + 'static, hints: impl IntoIterator<Item = String>) -> Self {
        let hints = hints.into_iter().collect();
        Self(Box::new(Inner { kind, error: Box::new(error), hints, findings: None }))
    }

    /// Findings in a runbook, shown with the lines they are about.
    pub(crate) fn findings(name: &str, text: &str, all: Vec<Finding>) -> Self {
        let what = match all.len() {
            1 => format!("the runbook {name} cannot be used; nothing was touched"),
            count => format!("the runbook {name} cannot be used, for {count} reasons; nothing was touched"),
        };
        let findings = Some(Findings { name: name.to_owned(), text: text.to_owned(), all });
        Self(Box::new(Inner { kind: Exit::Usage, error: Box::new(Words(what)), hints: Vec::new(), findings }))
    }

    /// What happened, for one line of a terminal.
    pub(crate) fn what(&self) -> String {
        one_line(&self.0.error.to_string())
    }

    /// The causes, outermost first; one that says what the one before it says is left out.
    fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut cause = self.0.error.source();
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        causes.dedup();
        causes
    }

    /// Prints it to standard error and returns the exit code.
    pub(crate) fn report(&self, json: bool) -> Exit {
        let text = if json { format!("{}\n", self.as_json()) } else { self.as_text() };
        crate::render::to_stderr(&text);
        self.0.kind
    }

    fn as_json(&self) -> serde_json::Value {
        let Inner { kind, error, hints, findings } = &*self.0;
        let findings = findings.iter().flat_map(|findings| &findings.all);
        serde_json::json!({
            "error": error.to_string(),
            "causes": self.causes(),
            "next": hints.first(),
            "hints": hints,
            "exit": kind.code(),
            "findings": findings.map(|finding| serde_json::json!({
                "line": finding.at.line, "column": finding.at.column, "what": finding.what, "next": finding.next,
            })).collect::<Vec<_>>(),
        })
    }

    fn as_text(&self) -> String {
        let Inner { error, hints, findings, .. } = &*self.0;
        let mut text = format!("error: {}\n", one_line(&error.to_string()));
        for cause in self.causes() {
            let _ = writeln!(text, "  because {}", one_line(&cause));
        }
        if let Some(Findings { name, text: source, all }) = findings {
            for finding in all {
                text.push_str(&crate::render::finding(name, source, finding));
            }
        }
        for hint in hints {
            let _ = writeln!(text, "next: {}", one_line(hint));
        }
        text
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
        Self::from_error(exit, error, (exit == Exit::Damaged).then(damaged))
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Read(error) => error.into(),
            error => Self::from_error(Exit::Damaged, error, Some(damaged())),
        }
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Read(error) => error.into(),
            BodyError::Record(error) => Self::from_error(Exit::CannotRecord, error, Some(disk())),
            error => Self::from_error(Exit::Failed, error, []),
        }
    }
}

impl From<DriveError> for Failure {
    fn from(error: DriveError) -> Self {
        match error {
            DriveError::Record(error @ RecordError::Replaced { .. }) => {
                Self::from_error(Exit::CannotRecord, error, Some(replaced()))
            }
            DriveError::Record(error) => Self::from_error(Exit::CannotRecord, error, Some(disk())),
            DriveError::Body(error) => error.into(),
            DriveError::Read(error) => error.into(),
            DriveError::Load(error) => error.into(),
            DriveError::Refused(refused) => {
                Self::from_error(Exit::Usage, refused, Some(status("where the steps stand")))
            }
            DriveError::NoRun(_) => {
                let next = format!("type `{}` to see the runs", hints::command("runs"));
                Self::from_error(Exit::Usage, error, Some(next))
            }
            DriveError::Compensate(CompensateError::HostsAtWork { run, ref others, .. }) => {
                let run = run.short();
                let first = others.first().map_or("HOST", |other| other.host.as_str());
                let hint = format!(
                    "type `{}` to finish {first}, or `{}` to take it back first",
                    hints::command(&format!("resume {run}")),
                    hints::command(&format!("rollback {run} --host {first}")),
                );
                Self::from_error(Exit::Failed, error, Some(hint))
            }
            DriveError::Compensate(_) => Self::from_error(
                Exit::Failed,
                error,
                Some("roll back a smaller or larger scope, with --host or --step".to_owned()),
            ),
            error => Self::from_error(Exit::Failed, error, []),
        }
    }
}

impl From<OpenReadError> for Failure {
    fn from(error: OpenReadError) -> Self {
        match error {
            OpenReadError::Read(error) => error.into(),
            error => Self::from_error(Exit::Usage, error, []),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Read(error) => error.into(),
            OpenError::Owned(by) => by.into(),
            OpenError::Write { .. } => Self::from_error(Exit::CannotRecord, error, Some(disk())),
            error => Self::from_error(Exit::Usage, error, []),
        }
    }
}

impl From<OwnedBy> for Failure {
    fn from(error: OwnedBy) -> Self {
        let next = format!("type `{}` to see what it is doing", hints::command("status"));
        Self::from_error(Exit::Owned, error, Some(next))
    }
}

impl<E: Error + Into<Self> + 'static> From<OwnError<E>> for Failure {
    fn from(error: OwnError<E>) -> Self {
        match error {
            OwnError::Owned(by) => by.into(),
            OwnError::Failed(error) => error.into(),
        }
    }
}

impl From<CreateError> for Failure {
    fn from(error: CreateError) -> Self {
        let next = match error {
            CreateError::Exists(_) => None,
            CreateError::Io { .. } => {
                Some("make room or mend the disk, then type it again; nothing was done".to_owned())
            }
        };
        Self::from_error(Exit::CannotRecord, error, next)
    }
}

impl From<HandInError> for Failure {
    fn from(error: HandInError) -> Self {
        Self::from_error(Exit::CannotRecord, error, Some(disk()))
    }
}

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Read(error) => error.into(),
            IndexError::Used(_) => Self::from_error(Exit::Owned, error, Some("try again when it is done".to_owned())),
            error => Self::from_error(
                Exit::CannotRecord,
                error,
                Some(
                    "see that the disk has room and is writable; `log` and `show` do without the index meanwhile"
                        .to_owned(),
                ),
            ),
        }
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        let hint = "keep a copy of the journal as it is; do not resume on it".to_owned();
        Self::from_error(Exit::Damaged, error, Some(hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;
    use std::path::Path;

    #[test]
    fn a_failure_tells_its_causes_and_each_way_on() {
        let cause = std::io::Error::other("no space\nleft \u{1b}[31m");
        let error = RecordError::Failed { what: "a segment".to_owned(), cause: Box::new(cause) };
        let hints = ["make room".to_owned(), "or name another disk".to_owned()];
        let failure = Failure::from_error(Exit::CannotRecord, error, hints);
        let text = failure.as_text();
        assert!(text.starts_with("error: cannot record: a segment\n  because no space"), "{text}");
        assert!(text.ends_with("next: make room\nnext: or name another disk\n"), "{text}");
        assert!(!text.contains('\u{1b}') && text.lines().count() == 4, "{text}");
        let json = failure.as_json();
        assert_eq!((&json["exit"], &json["next"]), (&8.into(), &"make room".into()), "{json}");
        assert_eq!(json["hints"].as_array().map(Vec::len), Some(2), "{json}");
    }

    /// Codes and meanings in the rows of Markdown tables that begin with a code: `| 3 | paused |`.
    fn rows(text: &str) -> Vec<(u8, String)> {
        let row = |line: &str| {
            let mut cells = line.trim().strip_prefix('|')?.split('|');
            let code = cells.next()?.trim().trim_matches('`').parse().ok()?;
            Some((code, cells.next()?.trim().to_lowercase()))
        };
        text.lines().filter_map(row).collect()
    }

    /// The same from a sentence: `Exit codes: 0 done, 1 failed, ... 9 owned.`
    fn listed(text: &str) -> Vec<(u8, String)> {
        let Some((_, rest)) = text.split_once("Exit codes: ") else { return Vec::new() };
        let sentence =
            rest.split(['.', ';']).next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let entry = |part: &str| {
            let (code, words) = part.trim().split_once(' ')?;
            Some((code.parse().ok()?, words.to_lowercase()))
        };
        sentence.split(", ").filter_map(entry).collect()
    }

    #[test]
    fn the_help_lists_every_exit_code() {
        let about =
            crate::commands::CommandLine::command().get_long_about().map(ToString::to_string).unwrap_or_default();
        let all: Vec<(u8, String)> = Exit::ALL.iter().map(|exit| (exit.code(), exit.words().to_owned())).collect();
        assert_eq!(listed(&about), all);
    }

    #[test]
    fn the_documents_list_every_exit_code() {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
        let pages = std::fs::read_dir(top.join("cli/docs")).into_iter().flatten().flatten().map(|page| page.path());
        let pages = pages.filter(|page| page.extension().is_some_and(|ending| ending == "md"));
        let mut lists = 0;
        for page in pages.chain([top.join("README.md")]) {
            let text = std::fs::read_to_string(&page).expect("a document can be read");
            let table = rows(&text);
            for found in [table, listed(&text)].into_iter().filter(|found| found.iter().any(|(code, _)| *code == 0)) {
                let codes: Vec<u8> = found.iter().map(|(code, _)| *code).collect();
                assert_eq!(codes, Exit::ALL.map(Exit::code), "{}: {found:?}", page.display());
                for (exit, (_, meaning)) in Exit::ALL.iter().zip(&found) {
                    let word = exit.words().split(' ').next().unwrap_or_default();
                    let known = [word, "journal damaged"].iter().any(|word| meaning.contains(word));
                    assert!(known, "{}: {} is not `{meaning}`", page.display(), exit.code());
                }
                lists += 1;
            }
        }
        assert!(lists > 0, "no document lists the exit codes");
    }
}
