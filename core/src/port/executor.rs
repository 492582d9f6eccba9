//! The executor: looks at the world and acts on it. And what controls a driver meanwhile.

use super::error::{BodyError, LookError};
use super::journal::Bodies;
use crate::action::{Action, Target};
use crate::cluster::ClusterId;
use crate::gate::Gate;
use crate::id::{Attempt, BodyId, EntryId, HostName, Label, Micros, ResourceKey, RunId, Seq, StepPath};
use crate::record::{ProgressKind, Why};
use crate::resource::{CONTROL, Footprint, Image, Kind, Residue};
use crate::span::Span;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A look at the target before an intent: what only the target knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// The node name of the target's host, if the cluster knows it.
    pub node: Option<String>,
    /// The boot id of the target's host.
    pub boot: Option<String>,
    /// The action with what only the target could tell filled in; none if it stands as it was asked for.
    pub action: Option<Action>,
    /// Resources beyond those the action declares: the rest of a package transaction, its configuration files.
    pub more: Vec<Footprint>,
    /// States of the action's own resources that were looked at in the same round trip. Those that are missing are
    /// asked for.
    pub seen: Image,
}

/// An attempt of a step, as a job on its target.
#[derive(Debug, Clone)]
pub struct Job {
    /// Names the job on the target: the id of the intent.
    pub name: EntryId,
    /// By its id, sixteen hexadecimal digits.
    pub run: RunId,
    /// By its path in the plan, such as `gluster1.demo/stop`.
    pub step: StepPath,
    /// The position of the intent in the journal.
    pub seq: Seq,
    /// Counted from 1 for each step; a retry is the next one.
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
    pub what: ProgressKind,
    /// Its words.
    pub evidence: Option<BodyId>,
}

/// How a job finished.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Finished {
    /// None if it finished well.
    pub why: Option<Why>,
    /// As a shell tells it; none where no process ended.
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

/// One look at a gate's condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// Whether it holds.
    pub pass: bool,
    /// Whether it can no longer come true.
    pub hopeless: bool,
    /// What was measured, by name; shown while a gate is closed.
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
    /// Tells of a job whose end is durable in the journal: what it was made of and what it printed is needed on its target
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
    /// Tells of a target that cannot be reached now: when it is tried again, and how much longer after that.
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
