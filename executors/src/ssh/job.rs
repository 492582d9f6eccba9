//! Jobs on a host: claimed once, started so that they outlive the link, asked how they ended.

use super::channel::Reply;
use super::{Fleet, LinkError, quoted};
use palinode_core::id::{EntryId, HostName};
use std::fmt::Write as _;
use std::time::Duration;

/// What a job's program does around what the job is to do.
const RUNNER: &str = include_str!("runner.sh");

/// So long is one question about a job waited for on the host, in tenths of a second; then it is asked again.
const TENTHS: u64 = 100;

/// The exit code of a start that certainly failed.
const NOT_STARTED: i32 = 71;

/// The exit code of a start on a host that another journal claims.
const CLAIMED: i32 = 73;

/// A job's own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// It ended.
    Finished {
        /// Its exit code.
        code: i32,
        /// What it printed, as far as it was kept.
        out: Vec<u8>,
        /// How many bytes more it printed; none if nobody counted to the end.
        dropped: Option<u64>,
    },
    /// It runs.
    Running,
    /// There is a claim; it did not begin yet.
    Claimed,
    /// It began and is gone without a status.
    Interrupted,
    /// There is no such job.
    None,
    /// It was revoked before it began.
    Revoked,
}

/// What a host says of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// The job's own word.
    pub(crate) word: Word,
    /// The host's boot id now.
    pub(crate) boot: String,
    /// The boot id when it was claimed.
    pub(crate) claimed: Option<String>,
}

/// Why nothing is known of a job.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    /// It certainly did not start.
    #[error("{0}")]
    NotStarted(String),
    /// The link failed; if something was asked before, nobody knows.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The host answered something else.
    #[error("the host's answer about the job makes no sense: {0}")]
    Nonsense(String),
}

/// The jobs of one host.
pub(crate) struct Jobs<'a> {
    pub(crate) fleet: &'a Fleet,
    pub(crate) host: &'a HostName,
}

/// In whose name a host is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Names the journal, on whatever machine it is: a word of letters, digits and dashes.
    pub journal: String,
    /// Who, which run, since when: what another person is told.
    pub words: String,
}

impl Jobs<'_> {
    /// Claims and starts a job that does `act`, a piece of shell, and waits a while for its end. A job of that name that
    /// was claimed before is not started again.
    ///
    /// With a claim the host is claimed first; if another journal has it, nothing is started.
    pub(crate) async fn start(&self, name: EntryId, act: &str, claim: Option<&Claim>) -> Result<Said, JobError> {
        let facts = self.fleet.facts(self.host).await?;
        let how = if facts.systemd { "systemd" } else { "setsid" };
        let end = format!("end-of-{name}");
        let mut script = claim.map_or_else(String::new, |claim| {
            format!("p_claim {} {} || exit\n", quoted(&claim.journal), quoted(&claim.words))
        });
        let _ = write!(script, "p_start {name} {how} <<'{end}' || exit\nact() {{\n{act}\n}}\n{RUNNER}");
        let _ = write!(script, "{end}\np_status {name} {TENTHS}");
        let reply = self.fleet.ask(self.host, &script).await?;
        match reply.code {
            NOT_STARTED => Err(JobError::NotStarted(reply.why())),
            CLAIMED => Err(JobError::NotStarted(format!("another journal has the host: {}", reply.why()))),
            _ => said(&reply),
        }
    }

    /// Asks for the job's own word; with `wait`, for some time until it ends.
    pub(crate) async fn status(&self, name: EntryId, wait: bool) -> Result<Said, JobError> {
        let tenths = if wait { TENTHS } else { 0 };
        let time = Duration::from_secs(60 + TENTHS / 10);
        said(&self.fleet.ask_for(self.host, &format!("p_status {name} {tenths}"), time).await?)
    }

    /// Makes sure that a job that did not begin never will; false if it did begin.
    pub(crate) async fn revoke(&self, name: EntryId) -> Result<bool, JobError> {
        let reply = self.fleet.ask(self.host, &format!("p_revoke {name}")).await?;
        match (reply.code, reply.lines().last()) {
            (0, Some("revoked")) => Ok(true),
            (1, Some("began")) => Ok(false),
            _ => Err(JobError::Nonsense(reply.why())),
        }
    }
}

fn said(reply: &Reply) -> Result<Said, JobError> {
    let field = |name: &str| reply.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let nonsense = || JobError::Nonsense(reply.why());
    let word = match field("state").filter(|_| reply.code == 0).ok_or_else(nonsense)? {
        "finished" => Word::Finished {
            code: field("rc").and_then(|rc| rc.trim().parse().ok()).ok_or_else(nonsense)?,
            out: field("out").and_then(super::decoded).ok_or_else(nonsense)?,
            dropped: field("dropped").and_then(|count| count.trim().parse().ok()),
        },
        "running" => Word::Running,
        "claimed" => Word::Claimed,
        "interrupted" => Word::Interrupted,
        "none" => Word::None,
        "revoked" => Word::Revoked,
        _ => return Err(nonsense()),
    };
    let boot = field("boot").ok_or_else(nonsense)?.to_owned();
    Ok(Said { word, boot, claimed: field("claimed").map(str::to_owned) })
}
