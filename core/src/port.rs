//! The ports: a journal that makes entries durable, and an executor that looks at the world and acts on it.

use crate::action::{Action, Target};
use crate::cluster::ClusterId;
use crate::event::{Actor, Answer, Class, Draft, Entry, Owner, Sealed, Why};
use crate::id::{Attempt, BlobId, BodyId, EntryId, Epoch, HostName, Label, Micros, ResourceKey, RunId, Seq, StepPath};
use crate::progress::Told;
use crate::resource::{CONTROL, Footprint, Image, Kind, Residue};
use crate::shown::Shown as _;
use crate::span::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An error from behind a port: what failed, and the cause. Implementations bring their own types; the rules above
/// only need to know which of the few reactions fits.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the journal could not record. Whatever it is, the run stops before the next effect.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Disk full, I/O error, lost store. The handle is poisoned: every later call fails too.
    #[error("cannot record: {what}")]
    Failed {
        /// What was being written.
        what: String,
        /// The cause.
        #[source]
        cause: Cause,
    },
    /// An earlier write failed, so what is on disk is unknown to this handle.
    #[error("cannot record: an earlier write failed; open the journal anew")]
    Poisoned,
    /// One entry is too long to store.
    #[error("cannot record: an entry of {0} bytes is longer than {limit} bytes", limit = crate::event::ENTRY_LIMIT)]
    TooLong(usize),
    /// The value has no canonical form.
    #[error("cannot record: the entry has no canonical form")]
    Encode(#[from] crate::canon::EncodeError),
    /// This handle does not own the journal, or owns it no more.
    #[error("cannot record: this process does not own the journal")]
    NotOwner,
    /// The journal was moved, removed or replaced while this handle had it: what is there now is not what it owns.
    #[error(
        "cannot record: the journal was moved or replaced while this process wrote it; {file} is not the file any more that it opened"
    )]
    Replaced {
        /// The file, relative to the journal.
        file: String,
    },
}

/// Why something could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What is on disk is not what was written: file and offset say where.
    #[error("{file} is damaged at byte {offset}: {what}")]
    Damaged {
        /// The file, relative to the journal.
        file: String,
        /// Offset of the first wrong byte that can be named.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// An I/O error.
    #[error("cannot read {file}")]
    Io {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// No such thing in the journal.
    #[error("the journal has no {0}")]
    Missing(String),
}

/// Why a body could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Its data key was erased; its digest and place in the history stay.
    #[error("its key was erased")]
    Erased,
    /// The journal has no body of that id.
    #[error("the journal has no body {0}")]
    Missing(BodyId),
    /// Reading it failed or it is damaged.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Writing it failed.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// An entry with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: EntryId,
    /// The entry.
    pub entry: Entry,
}

/// Entries in order, read lazily.
pub type Entries<'a> = Box<dyn Iterator<Item = Result<Stored, ReadError>> + 'a>;

/// Seals bodies of one run family and opens them again.
pub trait Vault: Send + Sync {
    /// Keyed digest of a plaintext.
    fn digest(&self, bytes: &[u8]) -> Result<BodyId, BodyError>;
    /// Seals a body. A long one is on stable storage as a blob when this returns; a short one rides in the entry.
    fn seal(&self, class: Class, bytes: &[u8]) -> Result<(BodyId, Sealed), BodyError>;
    /// Opens a body; checked against its id.
    fn open(&self, id: BodyId, sealed: &Sealed) -> Result<Vec<u8>, BodyError>;
}

/// The reading half of a journal. Readers need no lock and may run beside a live writer.
pub trait JournalRead {
    /// All entries from a sequence number on, in order, each checked against the chain.
    fn read(&self, from: Seq) -> Result<Entries<'_>, ReadError>;
    /// A public blob, checked against its address.
    fn public(&self, id: BlobId) -> Result<Vec<u8>, ReadError>;
    /// The vault of a run family, whose keys must exist.
    fn vault(&self, keys: RunId) -> Result<Arc<dyn Vault>, BodyError>;
}

/// The journal as its one owner sees it.
///
/// - `append` returns when every entry of the batch, and every entry posted before, is on stable storage. A batch is
///   all or nothing across a crash.
/// - `post` gives entries their place in order at once; they become durable with the next `append`.
/// - After any failed write the handle is poisoned.
/// - Sequence numbers have no gaps, and each entry names the one before by its hash.
pub trait Journal: JournalRead {
    /// Appends durably.
    fn append(&mut self, drafts: Vec<Draft>) -> Result<Vec<Stored>, RecordError>;
    /// Appends without waiting.
    fn post(&mut self, drafts: Vec<Draft>) -> Result<Vec<Stored>, RecordError>;
    /// Stores a public blob durably.
    fn put_public(&mut self, bytes: &[u8]) -> Result<BlobId, RecordError>;
    /// Creates the data keys of a new run family and returns its vault.
    fn create_keys(&mut self, run: RunId) -> Result<Arc<dyn Vault>, RecordError>;
    /// Who owns it: this process.
    fn owner(&self) -> &Owner;
    /// The epoch of this ownership.
    fn epoch(&self) -> Epoch;
    /// Decisions that other processes handed in, oldest first. A file that is not a decision is set aside, not lost.
    fn inbox(&mut self) -> Result<Vec<Handed>, ReadError>;
    /// Removes a decision from the inbox, after the entry that records it is durable.
    fn take(&mut self, name: &str) -> Result<(), RecordError>;
}

/// A decision with the name it has in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// Its name.
    pub name: String,
    /// The decision.
    pub decision: Handout,
}

/// What a person decides about a run, handed to the live driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handout {
    /// The run.
    pub run: RunId,
    /// What.
    pub verb: Verb,
    /// Who.
    pub by: Actor,
    /// Why, in their words.
    pub reason: Option<String>,
    /// The last entry of the journal that they saw: what happened to the step since then is news to them. None in what
    /// releases before 1.5 handed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seq>,
}

/// The decisions a person can hand in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Settle or retry a step.
    Answer {
        /// The step.
        step: StepPath,
        /// The answer.
        answer: Answer,
    },
    /// Pass over a step.
    Skip {
        /// The step.
        step: StepPath,
    },
    /// Finish what runs and pause.
    Pause,
}

/// Bodies as an executor sees them: what it reads from a target becomes a body, what it restores comes from one.
pub trait Bodies {
    /// Seals bytes for the entry that is being prepared.
    fn put(&self, class: Class, bytes: &[u8]) -> Result<BodyId, BodyError>;
    /// Opens a recorded body.
    fn get(&self, id: BodyId) -> Result<Vec<u8>, BodyError>;
}

/// A look at the target before an intent: what only the target knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// The node name of the target's host, if the cluster knows it.
    pub node: Option<String>,
    /// The boot id of the target's host.
    pub boot: Option<String>,
    /// Resources beyond those the action declares: the rest of a package transaction, its configuration files.
    pub more: Vec<Footprint>,
    /// States of the action's own resources that were looked at in the same round trip. Those that are missing are
    /// asked for.
    pub seen: Image,
}

/// Why a target could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// It cannot be reached now.
    #[error("cannot reach {target}")]
    Unreachable {
        /// The target.
        target: String,
        /// The cause.
        #[source]
        cause: Option<Cause>,
    },
    /// The target answered, and the answer is an error: unknown host, missing privilege.
    #[error("cannot look at {target}: {why}")]
    Refused {
        /// The target.
        target: String,
        /// Its words.
        why: String,
    },
    /// A body could not be sealed or opened.
    #[error("cannot keep what was found")]
    Body(#[from] BodyError),
}

/// An attempt of a step, as a job on its target.
#[derive(Debug, Clone)]
pub struct Job {
    /// Names the job on the target: the id of the intent.
    pub name: EntryId,
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: StepPath,
    /// The position of the intent in the journal.
    pub seq: Seq,
    /// The attempt.
    pub attempt: Attempt,
    /// The action.
    pub action: Action,
    /// Whom it acts for.
    pub target: Target,
    /// Boot id in this attempt's intent: what tells whether its claim could have been lost. A reboot is keyed by the
    /// boot in `before` instead, which a retry keeps.
    pub boot: Option<String>,
    /// The before-image in the intent: UIDs to act on, states to expect.
    pub before: Arc<Image>,
    /// What this attempt found when it looked, if it is about to begin. A retry's before-image may be an older one.
    pub seen: Option<Arc<Image>>,
    /// What is looked at once it ended.
    pub look: Arc<[ResourceKey]>,
    /// The number of the last thing it told that is recorded; 0 if nothing is.
    pub heard: u64,
}

/// One thing that a job told while it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its number among all that this attempt told, from 1, growing.
    pub number: u64,
    /// What it was, as far as that is public.
    pub what: Told,
    /// Its words.
    pub evidence: Option<BodyId>,
}

/// How a job finished.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Finished {
    /// None if it finished well.
    pub why: Option<Why>,
    /// Exit code.
    pub code: Option<i32>,
    /// A message for people.
    pub message: Option<String>,
    /// What it printed.
    pub output: Option<BodyId>,
    /// The value it read, for `file.read`.
    pub value: Option<Box<str>>,
    /// What of its effects may be lost again, with the power of its host. Boxed, for this is a large type and the list is rarely there.
    pub losses: Option<Box<Vec<Residue>>>,
    /// States of [`Job::look`] that were looked at after its end, in the same round trip. Those that are missing are
    /// asked for.
    pub seen: Image,
}

/// How an execution ended, from the driver's side of the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The job finished, and this is what it said.
    Finished(Finished),
    /// It certainly did not start, and will not.
    NotStarted(String),
    /// The same, since a resource was no more as this attempt had found it: the step looks again.
    Moved(String),
    /// Nobody knows: the link was lost.
    Unknown(String),
    /// It goes on, or ended and told more than this before; `attach` goes on waiting.
    Telling(Vec<Report>),
}

/// What is left of a job that died without a status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remains {
    /// A message for people.
    pub message: Option<String>,
    /// What it had printed.
    pub output: Option<BodyId>,
}

/// What a job says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobStatus {
    /// It finished.
    Finished(Finished),
    /// It is running; `attach` waits for it.
    Running,
    /// It started and died without a status.
    Interrupted(Remains),
    /// It did not start.
    NotStarted,
    /// It was revoked.
    Revoked,
    /// The target cannot tell.
    Unknown,
}

/// A condition that must hold before going on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gate {
    /// Every volume is healed: all bricks and peers there, nothing to heal, no split brain.
    #[serde(rename = "gluster.healed")]
    GlusterHealed {
        /// So many members of the storage cluster, at least, have to say so.
        #[serde(default = "two")]
        vantage_points: u32,
        /// The hosts that are asked, each a member; without them the pods are. A step's own host is asked only where
        /// the others are too few.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        hosts: Vec<HostName>,
        /// Only these volumes; without them all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        volumes: Vec<String>,
        /// Hosts that may be away: on the way back, the one whose own unfinished steps took it away.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        without: Vec<HostName>,
    },
    /// Every one of these packages that is installed could be installed again in exactly that version.
    #[serde(rename = "package.restorable")]
    PackageRestorable {
        /// Package names.
        names: Vec<String>,
    },
    /// The target's node is Ready, and so are the DaemonSet pods on it.
    #[serde(rename = "node.ready")]
    NodeReady {},
}

/// The names of the gates, for messages and documents.
pub const GATES: &[&str] = &["gluster.healed", "node.ready", "package.restorable"];

fn two() -> u32 {
    2
}

impl Gate {
    /// Every volume, looked at from so many pods.
    pub fn gluster_healed(vantage_points: u32) -> Self {
        Self::GlusterHealed { vantage_points, hosts: Vec::new(), volumes: Vec::new(), without: Vec::new() }
    }

    /// The gate as it holds before the host of its step is taken back: what it says of the others. None if it says
    /// something of that host alone. `away`: the host, if its own unfinished steps may have taken it away.
    pub fn before(&self, away: Option<&HostName>) -> Option<Self> {
        match self {
            Self::GlusterHealed { vantage_points, hosts, volumes, .. } => Some(Self::GlusterHealed {
                vantage_points: *vantage_points,
                hosts: hosts.clone(),
                volumes: volumes.clone(),
                without: away.into_iter().cloned().collect(),
            }),
            Self::PackageRestorable { .. } | Self::NodeReady {} => None,
        }
    }

    /// The hosts that it asks beside the one that it is about.
    pub fn asks(&self) -> &[HostName] {
        match self {
            Self::GlusterHealed { hosts, .. } => hosts,
            Self::PackageRestorable { .. } | Self::NodeReady {} => &[],
        }
    }

    /// Those of them that are asked for a step: not its own host, which may be the one that is sick, unless the others are
    /// too few. One that may be away is not asked.
    pub fn asked_for(&self, own: Option<&HostName>) -> Vec<&HostName> {
        let Self::GlusterHealed { vantage_points, hosts, without, .. } = self else { return Vec::new() };
        let there = || hosts.iter().filter(|host| !without.contains(host));
        let mut asked: Vec<&HostName> = there().filter(|host| Some(*host) != own).collect();
        if asked.len() < *vantage_points as usize {
            asked.extend(there().filter(|host| Some(*host) == own));
        }
        asked
    }

    /// How many members have to agree: no more than are left where some may be away.
    pub fn voices(&self) -> u32 {
        let Self::GlusterHealed { vantage_points, hosts, without, .. } = self else { return 0 };
        let there = hosts.iter().filter(|host| !without.contains(host)).count();
        match without.is_empty() || hosts.is_empty() {
            true => *vantage_points,
            false => (*vantage_points).min(u32::try_from(there).unwrap_or(u32::MAX)).max(1),
        }
    }

    /// Whether it can ever open, and its values are ones that may reach a target.
    pub fn check(&self) -> Result<(), String> {
        let Self::GlusterHealed { vantage_points, hosts, volumes, .. } = self else { return Ok(()) };
        if *vantage_points == 0 {
            return Err("`vantage_points` is at least 1".to_owned());
        }
        if let Some((_, host)) = hosts.iter().enumerate().find(|(at, host)| hosts[..*at].contains(host)) {
            return Err(format!("the host {host} stands twice"));
        }
        if !hosts.is_empty() && hosts.len() < *vantage_points as usize {
            return Err(format!(
                "{} hosts are named, and {vantage_points} have to agree: name more, or fewer `vantage_points`",
                hosts.len()
            ));
        }
        volumes.iter().try_for_each(|name| match name.contains("{{") {
            true => Err(format!("the volume `{}` is not known before the run begins", name.shown())),
            false => crate::action::volume(name),
        })
    }

    /// The name that runbooks and logs use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::GlusterHealed { .. } => "gluster.healed",
            Self::PackageRestorable { .. } => "package.restorable",
            Self::NodeReady {} => "node.ready",
        }
    }

    /// How long to wait between samples, unless the runbook says otherwise.
    pub fn every(&self) -> Span {
        Span::seconds(15)
    }
}

/// One look at a gate's condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// Whether it holds.
    pub pass: bool,
    /// Whether it can no longer come true.
    pub hopeless: bool,
    /// The figures.
    pub facts: BTreeMap<String, String>,
    /// What the targets printed.
    pub evidence: Option<BodyId>,
}

/// The world stopped: the process is to die here (a rehearsal of a crash).
#[derive(Debug, thiserror::Error)]
#[error("the lab stopped the process here")]
pub struct Halted;

/// What looks at the world and acts on it.
///
/// Futures run on the driver's own task, so they need not be `Send`. Dropping a future must not undo or stop what it
/// started on the target: a job outlives its watcher.
pub trait Executor {
    /// Looks at what only the target knows about an action. Read-only.
    fn survey(
        &self,
        target: &Target,
        action: &Action,
        bodies: &dyn Bodies,
    ) -> impl Future<Output = Result<Survey, LookError>>;
    /// The name by which the cluster knows the node of a target's host: what a gate asks about. None if the target has no
    /// host. Read-only.
    fn node_of(&self, target: &Target) -> impl Future<Output = Result<Option<String>, LookError>>;
    /// The states of resources. Read-only; one round trip for many resources of a host.
    fn observe(&self, keys: &[ResourceKey], bodies: &dyn Bodies) -> impl Future<Output = Result<Image, LookError>>;
    /// Starts the job and waits for its end.
    fn execute(&self, job: &Job, bodies: &dyn Bodies) -> impl Future<Output = Ended>;
    /// Asks the target about a job.
    fn status(&self, job: &Job, bodies: &dyn Bodies) -> impl Future<Output = Result<JobStatus, LookError>>;
    /// What a job told beyond [`Job::heard`], a batch of it; asked for before its status.
    fn told(&self, job: &Job, bodies: &dyn Bodies) -> impl Future<Output = Result<Vec<Report>, LookError>> {
        let _ = (job, bodies);
        async { Ok(Vec::new()) }
    }
    /// Waits for the end of a running job.
    fn attach(&self, job: &Job, bodies: &dyn Bodies) -> impl Future<Output = Ended>;
    /// Makes sure that a job that did not start never does; false if it did start meanwhile.
    fn revoke(&self, job: &Job) -> impl Future<Output = Result<bool, LookError>>;
    /// Told of a job whose end is durable in the journal: what it was made of and what it printed is needed on its target
    /// no more, and may hold secrets. That there was such a job, and how it ended, must stay known there.
    fn recorded(&self, job: EntryId, action: &Action, target: &Target) {
        let _ = (job, action, target);
    }
    /// Sees to what is left to do for such jobs, when a driver is about to rest. In bounded time; what fails is done by
    /// the next owner.
    fn settle(&self) -> impl Future<Output = ()> {
        async {}
    }
    /// Looks at a gate's condition once. Read-only.
    fn sample(
        &self,
        target: &Target,
        gate: &Gate,
        bodies: &dyn Bodies,
    ) -> impl Future<Output = Result<Sample, LookError>>;
    /// Told of a target that cannot be reached now: when it is tried again, and how much longer after that.
    fn unanswered(&self, why: &LookError, again: Span, left: Span) {
        let _ = (why, again, left);
    }
    /// The keys by which hosts were known that were reached so far, type and fingerprint: what ssh's strict check
    /// accepted. Worlds without ssh have none.
    fn host_keys(&self) -> BTreeMap<HostName, String> {
        BTreeMap::new()
    }
    /// The machine ids of the hosts that were reached so far (`/etc/machine-id`): a host that was installed anew or
    /// cloned has another one. Worlds without such hosts have none.
    fn machines(&self) -> BTreeMap<HostName, String> {
        BTreeMap::new()
    }
    /// The cluster that is acted on, if one is.
    fn cluster(&self) -> Option<ClusterId> {
        None
    }
    /// Now: UTC, or the world's virtual time.
    fn now(&self) -> Micros;
    /// Whether [`Self::now`] is virtual.
    fn is_virtual(&self) -> bool;
    /// Waits until a time.
    fn sleep(&self, until: Micros) -> impl Future<Output = ()>;
    /// Called when every other future waits. Real worlds wait for ever; a virtual one moves its clock.
    fn idle(&self) -> impl Future<Output = Result<(), Halted>>;
}

/// A captured name and value.
pub type Captures = BTreeMap<Label, String>;

/// Files of the control side: what inventory actions act on. The lab calls the same implementation as real runs do.
pub trait Control {
    /// The state of a file; its content becomes a body.
    fn observe(&self, path: &str, bodies: &dyn Bodies) -> Result<crate::resource::State, LookError>;
    /// Carries out `inventory.edit` or `inventory.restore`.
    fn run(&self, action: &Action, bodies: &dyn Bodies) -> Result<Finished, BodyError>;
    /// Compares the job's files with what its attempt found. Returns the reason not to begin if one has changed since:
    /// what was made of the old content would take the change back.
    fn moved(&self, job: &Job, bodies: &dyn Bodies) -> Option<String> {
        job.seen.iter().flat_map(|seen| seen.iter()).find_map(|(key, seen)| {
            let Some(Kind::File(CONTROL, path)) = key.kind() else { return None };
            match self.observe(path, bodies) {
                Ok(now) if now == *seen => None,
                Ok(_) => Some(format!("{path} was changed since the step looked at it; nothing was written")),
                Err(error) => Some(format!("{path} could not be compared with what the step found: {error}")),
            }
        })
    }
}
