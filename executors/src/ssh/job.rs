//! Jobs on a host: claimed once, started so that they outlive the link, asked how they ended.
//!
//! What happens on the host is in `prelude.sh`, which claims and asks, and in `starter.sh`, which starts. One question
//! starts a job, waits for its end and looks at what it left.

use super::Fleet;
use super::channel::Reply;
use super::claim::{Claim, refusal};
use super::link_error::LinkError;
use super::local_shell::{LocalShell, SOON};
use super::words::{decoded, quoted};
use palinode_core::id::{EntryId, HostName, Seq};
use std::fmt::Write as _;
use std::time::Duration;

/// So long is one question about a job waited for on the host, in seconds; then it is asked again.
const WAIT: u64 = 10;

/// How long an answer may take that waits for a job, and then looks.
const TIME: Duration = Duration::from_secs(60 + WAIT);

/// The line that what was looked at after a job's end comes after.
const AFTER: &str = "# after";

/// The exit code of a start that certainly failed.
const NOT_STARTED: i32 = 71;

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
    Interrupted {
        /// What it had printed, as far as it was kept.
        out: Vec<u8>,
    },
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
    /// What it printed beyond what was shown, while it runs.
    pub(crate) more: Vec<u8>,
    /// The answer of what was to be looked at after its end.
    pub(crate) after: Option<String>,
}

/// How a job is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch<'a> {
    /// Looks at what it left, once it ended.
    pub(crate) look: &'a str,
    /// So many bytes of its output were shown already, and more of them end the waiting; none if nobody wants to know.
    pub(crate) shown: Option<u64>,
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

/// Where jobs are.
#[derive(Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// On a host.
    Host(&'a Fleet, &'a HostName),
    /// On this machine.
    Local(&'a LocalShell),
}

impl Asked<'_> {
    async fn ask(self, script: &str) -> Result<Reply, LinkError> {
        match self {
            Self::Host(fleet, host) => fleet.ask(host, script).await,
            Self::Local(shell) => shell.ask(false, script, SOON).await,
        }
    }

    async fn ask_jobs(self, script: &str) -> Result<Reply, LinkError> {
        match self {
            Self::Host(fleet, host) => fleet.ask_jobs(host, script, TIME).await,
            Self::Local(shell) => shell.ask(true, script, TIME).await,
        }
    }
}

/// The jobs of one host, or of this machine.
pub(crate) struct Jobs<'a>(pub(crate) Asked<'a>);

impl Jobs<'_> {
    /// Claims and starts a job that does `act`, a piece of shell, and waits a while for its end. A job of that name that
    /// was claimed before is not started again.
    ///
    /// With a claim the host is claimed first; if another journal has it, nothing is started. If this journal had it
    /// already (the second word), nothing is started either after another one had it in between.
    pub(crate) async fn start(
        &self,
        (name, seq): (EntryId, Seq),
        act: &str,
        claim: Option<(&Claim, bool)>,
        watch: Watch<'_>,
    ) -> Result<Said, JobError> {
        self.started((name, seq), act, claim, watch, WAIT).await
    }

    /// The same without waiting for its end.
    pub(crate) async fn start_only(
        &self,
        intent: (EntryId, Seq),
        act: &str,
        claim: (&Claim, bool),
    ) -> Result<Said, JobError> {
        self.started(intent, act, Some(claim), Watch { look: "", shown: None }, 0).await
    }

    async fn started(
        &self,
        (name, seq): (EntryId, Seq),
        act: &str,
        claim: Option<(&Claim, bool)>,
        watch: Watch<'_>,
        seconds: u64,
    ) -> Result<Said, JobError> {
        let mut script = String::new();
        let mut journal = "''".to_owned();
        if let Some((claim, had)) = claim {
            journal = quoted(&claim.journal);
            script.push_str(&claim.makes(had));
            script.push_str(&claim.fences(seq, name));
        }
        let _ = writeln!(script, "p_start {name} {} {journal} || exit", quoted(act));
        script.push_str(&watch.script(name, seconds));
        let reply = self.0.ask_jobs(&script).await?;
        if reply.code == NOT_STARTED {
            return Err(JobError::NotStarted(reply.why()));
        }
        let what = match self.0 {
            Asked::Host(..) => "the host",
            Asked::Local(_) => "the inventory",
        };
        refusal(&reply, what).map_or_else(|| said(&reply), |why| Err(JobError::NotStarted(why)))
    }

    /// Asks for the job's own word.
    pub(crate) async fn status(&self, name: EntryId) -> Result<Said, JobError> {
        let watch = Watch { look: "", shown: None };
        said(&self.0.ask(&watch.script(name, 0)).await?)
    }

    /// Waits a while for its end, or for more of its output.
    pub(crate) async fn wait(&self, name: EntryId, watch: Watch<'_>) -> Result<Said, JobError> {
        said(&self.0.ask_jobs(&watch.script(name, WAIT)).await?)
    }

    /// Makes sure that a job that did not begin never will; false if it did begin.
    pub(crate) async fn revoke(&self, name: EntryId) -> Result<bool, JobError> {
        let reply = self.0.ask(&format!("p_revoke {name}")).await?;
        match (reply.code, reply.lines().last()) {
            (0, Some("revoked")) => Ok(true),
            (1, Some("began")) => Ok(false),
            _ => Err(JobError::Nonsense(reply.why())),
        }
    }
}

impl Watch<'_> {
    fn script(self, name: EntryId, seconds: u64) -> String {
        let shown = self.shown.map_or_else(|| "-".to_owned(), |shown| shown.to_string());
        let mut script = format!("p_status {name} {seconds} {shown}\n");
        if !self.look.is_empty() {
            let _ = write!(script, "if p_ended \"$p_d\"; then\necho '{AFTER}'\n{}fi\n:\n", self.look);
        }
        script
    }
}

fn said(reply: &Reply) -> Result<Said, JobError> {
    let text = reply.text();
    let (text, after) = match text.split_once(&format!("\n{AFTER}\n")) {
        Some((text, after)) => (text, Some(after.to_owned())),
        None => (text, None),
    };
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let nonsense = || JobError::Nonsense(reply.why());
    let word = match field("state").filter(|_| reply.code == 0).ok_or_else(nonsense)? {
        "finished" => Word::Finished {
            code: field("rc").and_then(|rc| rc.parse().ok()).ok_or_else(nonsense)?,
            out: field("out").and_then(decoded).ok_or_else(nonsense)?,
            dropped: field("dropped").and_then(|count| count.parse().ok()),
        },
        "running" => Word::Running,
        "claimed" => Word::Claimed,
        "interrupted" => {
            Word::Interrupted { out: field("out").map_or_else(|| Some(Vec::new()), decoded).ok_or_else(nonsense)? }
        }
        "none" => Word::None,
        "revoked" => Word::Revoked,
        _ => return Err(nonsense()),
    };
    let boot = field("boot").ok_or_else(nonsense)?.to_owned();
    let more = field("more").and_then(decoded).unwrap_or_default();
    Ok(Said { word, boot, claimed: field("claimed").map(str::to_owned), more, after })
}
