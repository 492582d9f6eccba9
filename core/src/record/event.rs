//! Events and entries: the stored forms, and their versions.
//!
//! Stored forms are MessagePack with named fields in the canonical form of [`crate::canon`]. What is public stands in
//! the event: keys, verdicts, states of units, packages, nodes and boots, the structure of inverses. What came from a
//! host, a file or a person as free text is a *body*: sealed, and named in the event by its keyed digest.

use crate::action::{Action, Recovery, Target, Undo, UndoClass, Verdict};
use crate::canon;
use crate::cluster::ClusterId;
use crate::id::{
    Attempt, BlobId, BodyId, Context, EntryId, Epoch, HostName, Label, Micros, PlanDigest, ResourceKey, RunId, Seq,
    StepPath,
};
use crate::record::Progress;
use crate::resource::{Footprint, Image, Residue, State};
pub use crate::run::rules::version::{RULES, RULES_KNOWN};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

/// Version of the stored forms: a reader may read a newer minor, a writer refuses to write into one.
pub const FORMAT: (u32, u32) = (1, 5);

/// An entry's stored bytes may not be longer: transparency tiles and etcd need that.
pub const ENTRY_LIMIT: usize = 60 * 1024;

/// Sealed bodies up to this many bytes ride inside the entry; longer ones are blobs.
pub const INLINE_LIMIT: usize = 4 * 1024;

/// Lists of a closed run beyond this many bytes rest in a blob.
const LISTS_LIMIT: usize = ENTRY_LIMIT / 2;

const ENTRY_CONTEXT: &str = "palinode 2026-11 entry v1";
const PLAN_CONTEXT: &str = "palinode 2026-11 plan v1";
const BLOB_CONTEXT: &str = "palinode 2026-11 blob v1";

/// Id of an entry: BLAKE3 with a context of its own over the stored bytes.
pub fn entry_id(bytes: &[u8]) -> EntryId {
    static CONTEXT: LazyLock<Context> = LazyLock::new(|| Context::new(ENTRY_CONTEXT));
    EntryId(CONTEXT.hash(bytes))
}

/// Digest of a plan's canonical bytes.
pub fn plan_digest(bytes: &[u8]) -> PlanDigest {
    PlanDigest(blake3::derive_key(PLAN_CONTEXT, bytes))
}

/// Address of a blob's stored bytes.
pub fn blob_id(bytes: &[u8]) -> BlobId {
    BlobId(blake3::derive_key(BLOB_CONTEXT, bytes))
}

/// One record of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Position, from 1, without gaps.
    pub seq: Seq,
    /// The run it belongs to.
    pub run: RunId,
    /// The owner's epoch when it was written.
    pub epoch: Epoch,
    /// When: UTC, or the world's virtual time in a lab run.
    pub time: Micros,
    /// In a lab run, the wall time beside.
    pub wall: Option<Micros>,
    /// Id of the entry before; zeros for the first.
    pub prev: EntryId,
    /// What happened.
    pub event: Event,
    /// The sealed bodies that this entry brings.
    pub bodies: BTreeMap<BodyId, Sealed>,
}

impl Entry {
    /// The canonical stored bytes.
    pub fn encode(&self) -> Result<Vec<u8>, canon::EncodeError> {
        canon::encode(self)
    }

    /// Reads stored bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, canon::DecodeError> {
        canon::decode(bytes)
    }
}

/// What an entry will be once the journal gives it its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The run it belongs to.
    pub run: RunId,
    /// When.
    pub time: Micros,
    /// In a lab run, the wall time beside.
    pub wall: Option<Micros>,
    /// What happened.
    pub event: Event,
    /// The sealed bodies that it brings.
    pub bodies: BTreeMap<BodyId, Sealed>,
}

/// Why bytes are kept; each class has a data key of its own within a run, so that one can be erased and the rest stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// What a command or playbook printed.
    Output,
    /// Content of files, manifests and images: a rollback needs it.
    Content,
    /// Words of a person: reasons, answers.
    Words,
}

/// A body as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Its class.
    pub class: Class,
    /// Length of the plaintext in bytes.
    pub len: u64,
    /// Where the ciphertext is.
    pub place: Place,
}

/// Where a ciphertext is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the entry.
    Inline(#[serde(serialize_with = "serde_bytes::serialize", deserialize_with = "crate::id::byte_string")] Vec<u8>),
    /// In a blob file.
    Blob(BlobId),
}

fn uids(image: &Image) -> impl Iterator<Item = &str> {
    image.values().filter_map(|state| if let State::Node(node) = state { Some(node.uid.as_str()) } else { None })
}

/// An image in an event: as it is, or, when it is long, its keys and a sealed body. A clone shares the image: the fold
/// keeps the last one of every resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageRef {
    /// The image itself.
    Here(Arc<Image>),
    /// A long image: its canonical bytes are a body of class content.
    Sealed {
        /// The resources in it.
        keys: Vec<ResourceKey>,
        /// The UIDs of the Nodes in it: which ones were ever seen must be known also without the key.
        #[serde(default)]
        uids: BTreeSet<String>,
        /// The body.
        body: BodyId,
    },
}

impl ImageRef {
    /// The resources in the image.
    pub fn keys(&self) -> Box<dyn Iterator<Item = &ResourceKey> + '_> {
        match self {
            Self::Here(image) => Box::new(image.keys()),
            Self::Sealed { keys, .. } => Box::new(keys.iter()),
        }
    }

    /// An image that stands in the event.
    pub fn here(image: Image) -> Self {
        Self::Here(Arc::new(image))
    }

    /// A long image whose canonical bytes were sealed.
    pub fn sealed(image: Image, body: BodyId) -> Self {
        let uids = uids(&image).map(str::to_owned).collect();
        Self::Sealed { keys: image.into_keys().collect(), uids, body }
    }

    /// Tells the UIDs of the Nodes in the image.
    pub fn each_uid(&self, mut tell: impl FnMut(&str)) {
        match self {
            Self::Here(image) => uids(image).for_each(tell),
            Self::Sealed { uids, .. } => uids.iter().for_each(|uid| tell(uid)),
        }
    }
}

/// Who started something, as far as the system tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// Effective user.
    pub user: String,
    /// The user behind sudo.
    pub sudo_user: Option<String>,
    /// The kernel's login uid: survives su and sudo; none if unset.
    pub login_uid: Option<u32>,
    /// Host name of the machine.
    pub host: String,
    /// Boot id of the machine.
    pub boot: String,
}

/// A process that drives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// Host name of its machine.
    pub host: String,
    /// Boot id of its machine.
    pub boot: String,
    /// Its process id.
    pub pid: u32,
    /// When the process started, in clock ticks since boot, so that a reused pid is not taken for it.
    pub started: u64,
}

/// Where a run acts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// Real hosts.
    Real,
    /// A simulated world, by the folder that holds it.
    Lab {
        /// The folder.
        folder: String,
    },
}

/// What a rollback takes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The whole run.
    Run,
    /// The steps of one host.
    Host(crate::id::HostName),
    /// One step.
    Step(StepPath),
}

/// Which run a rollback takes back, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compensates {
    /// The run.
    pub run: RunId,
    /// How much of it.
    pub scope: Scope,
}

/// Marks a rollback's step as (part of) the undo of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undoes {
    /// The run whose step is taken back.
    pub run: RunId,
    /// That step.
    pub step: StepPath,
    /// Whether this is the last action of that step's undo.
    pub last: bool,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Done, and what it promises was seen.
    Succeeded,
    /// Ended, but not well.
    Failed,
    /// It may have happened or not: the link or the process was lost.
    Unknown,
}

/// Why an attempt did not succeed, in public terms; the words of the host are in the message body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The program said so by its exit code.
    ExitCode,
    /// A precondition did not hold. Before rules 4 also that it did not start.
    Precondition,
    /// It took longer than allowed.
    Timeout,
    /// It ended well but the promised state is not there.
    Unmet,
    /// Someone else changed the same thing.
    Conflict,
    /// The link to the target was lost.
    LinkLost,
    /// The job was revoked by a later owner.
    Revoked,
    /// Taken as partly applied: by the operator's word, or because a partial effect is not safe to repeat.
    Partial,
    /// It certainly did not start, and never will: nothing was changed.
    NotStarted,
}

impl Why {
    /// Whether the attempt was refused: what is there now is what others made of it.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Precondition | Self::Conflict | Self::Revoked | Self::NotStarted)
    }
}

/// By which rule an in-doubt step was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The job's own status on the target.
    Job,
    /// The action's declared probe.
    Probe,
    /// Declared safe to repeat.
    Repeat,
    /// None of them: the operator is asked.
    Ask,
}

/// What follows from a look at an in-doubt step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It happened and is as promised.
    Succeeded,
    /// It ended, and not well.
    Failed,
    /// It goes on: attach and look again.
    Wait,
    /// It did not happen, or is safe to repeat: a new attempt.
    Again,
    /// A part of it happened and it is not safe to repeat.
    FailedPartial,
    /// Ask the operator.
    Ask,
}

/// An operator's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It happened.
    Applied,
    /// It did not: a new attempt.
    NotApplied,
    /// A part of it happened.
    Partial,
    /// Try the failed step again.
    Retry,
}

/// Why a step was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipWhy {
    /// Its `when` was false.
    When,
    /// An operator said so, with a reason.
    Operator,
    /// A rollback found the resources already as they were.
    AlreadyThere,
}

/// Why a run stopped although it is not closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PauseWhy {
    /// Steps failed.
    Failed,
    /// Steps are in doubt and nothing decides them but the operator.
    InDoubt,
    /// An operator asked for it.
    Asked,
    /// A resource is not as last recorded, and the step would overwrite someone's change.
    Drift(ResourceKey),
    /// A step could not even be prepared: its target cannot be reached, or refuses to be looked at.
    Blocked(StepPath),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunEnd {
    /// Every step done or skipped.
    Done,
    /// Ended with failed steps that the runbook tolerates.
    Failed,
    /// Everything is as before.
    RolledBack,
    /// Taken back but for the residues.
    PartlyRolledBack,
}

/// A resource that is not what it was before the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The resource.
    pub key: ResourceKey,
    /// What it was.
    pub was: State,
    /// What it is.
    pub is: State,
}

/// Everything that can happen. The serialized variant name is the kind of the entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A run begins.
    RunOpened(Box<RunOpened>),
    /// Another process drives from here. Every intent without outcome is in doubt.
    OwnerChanged {
        /// The new owner.
        owner: Owner,
        /// Virtual time that passed unattended, in a lab run.
        gap: Option<Micros>,
        /// Who started it.
        actor: Actor,
        /// Whether it may overwrite drift.
        force: bool,
        /// The hosts' keys that it found and that the run did not have recorded so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host_keys: Option<Box<HostKeys>>,
        /// What else it found, where it found anything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<Box<FoundThere>>,
    },
    /// About to act.
    Intent(Arc<Intent>),
    /// What a job told while it runs.
    Progress(Box<Progress>),
    /// What came of it.
    Outcome(Box<Outcome>),
    /// A look at an in-doubt step, and what follows from it.
    Probed(Box<Probed>),
    /// An operator's answer about a step.
    Resolved {
        /// The step.
        step: StepPath,
        /// The answer.
        answer: Answer,
        /// Who.
        by: Actor,
        /// Their reason.
        reason: Option<BodyId>,
        /// Whether the answer overrules what the journal knew: the step was not in doubt. Left out where it does not.
        #[serde(default, skip_serializing_if = "is_false")]
        overruled: bool,
    },
    /// A step is passed over.
    Skipped {
        /// The step.
        step: StepPath,
        /// Why.
        why: SkipWhy,
        /// Who, when it was a person.
        by: Option<Actor>,
        /// Their reason.
        reason: Option<BodyId>,
        /// In a rollback: what it would have undone.
        undoes: Option<Undoes>,
    },
    /// One look at a gate's condition.
    GateSampled {
        /// The gate's step.
        step: StepPath,
        /// Whether the condition held.
        pass: bool,
        /// Whether it can no longer come true (a split brain).
        hopeless: bool,
        /// The figures, by name.
        facts: BTreeMap<String, String>,
        /// What the targets printed.
        evidence: Option<BodyId>,
        /// How long the gate was waited for when this sample came: time that passed in the processes that waited, by a
        /// clock that nobody sets. Left out before format 1.5.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waited: Option<Micros>,
    },
    /// A gate opened, or failed for good.
    GateDecided {
        /// The gate's step.
        step: StepPath,
        /// Whether it opened.
        passed: bool,
    },
    /// A gate's time is up.
    TimerFired {
        /// The gate's step.
        step: StepPath,
    },
    /// The run stops here for now.
    Paused {
        /// Why.
        why: PauseWhy,
        /// Who, when it was a person.
        by: Option<Actor>,
        /// Their reason.
        reason: Option<BodyId>,
    },
    /// A resource was not as last recorded.
    DriftFound {
        /// The step that found it.
        step: StepPath,
        /// The resource.
        key: ResourceKey,
        /// The last recorded state.
        expected: State,
        /// What was found.
        found: State,
        /// Whether the step went on regardless.
        forced: bool,
    },
    /// The run is over.
    RunClosed(Box<RunClosed>),
}

/// See [`Event::RunOpened`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOpened {
    /// Name of the runbook.
    pub runbook: String,
    /// Digest of the plan.
    pub plan: PlanDigest,
    /// The public blob that holds the plan.
    pub plan_blob: BlobId,
    /// Version of the rules.
    pub rules: u32,
    /// Where it acts.
    pub world: World,
    /// Who started it.
    pub actor: Actor,
    /// The process that drives.
    pub owner: Owner,
    /// `--reason`.
    pub reason: Option<BodyId>,
    /// `--change`: number of a change request.
    pub change: Option<String>,
    /// For a rollback: what it takes back.
    pub compensates: Option<Compensates>,
    /// Whether it may overwrite drift.
    pub force: bool,
    /// The run whose data keys seal the bodies: itself, or for a rollback the run it began from.
    pub keys: RunId,
    /// On real hosts: the keys by which they were known when it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_keys: Option<HostKeys>,
    /// The cluster that it acts on, if it acts on one: it is not continued on another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Box<ClusterId>>,
    /// What else was found where it acts, where anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Box<FoundThere>>,
}

/// What a process found where a run acts, when it opened the run or took it over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct FoundThere {
    /// The machine ids of hosts (`/etc/machine-id`) that the run did not have recorded so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machines: Option<HostKeys>,
    /// Claims that this process takes from other journals, by host, node or inventory: the words of each claim.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub taken: BTreeMap<String, BodyId>,
    /// Hosts that are other machines than recorded, and that a person said to go on with.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub host_changed: BTreeSet<HostName>,
}

impl FoundThere {
    /// Itself, if there is anything in it.
    pub fn some(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

/// By which key each host was known: what ssh's strict check accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostKeys {
    /// Type and fingerprint, by host.
    Here(BTreeMap<HostName, String>),
    /// The public blob with them, where they are too many for an entry.
    Blob(BlobId),
}

impl HostKeys {
    /// The canonical bytes to store as a public blob, if there are too many for an entry.
    pub fn too_long(keys: &BTreeMap<HostName, String>) -> Result<Option<Vec<u8>>, canon::EncodeError> {
        let bytes = canon::encode(keys)?;
        Ok((bytes.len() > LISTS_LIMIT).then_some(bytes))
    }

    /// All of them; `public` fetches the blob.
    pub fn all(
        &self,
        public: impl FnOnce(BlobId) -> Result<Vec<u8>, crate::port::ReadError>,
    ) -> Result<BTreeMap<HostName, String>, HostKeysError> {
        match self {
            Self::Here(keys) => Ok(keys.clone()),
            Self::Blob(blob) => Ok(canon::decode(&public(*blob)?)?),
        }
    }
}

/// Why recorded host keys cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum HostKeysError {
    /// The blob cannot be read.
    #[error(transparent)]
    Read(#[from] crate::port::ReadError),
    /// The blob holds something else.
    #[error("the recorded host keys cannot be understood")]
    Decode(#[from] canon::DecodeError),
}

/// See [`Event::Intent`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The step.
    pub step: StepPath,
    /// The attempt.
    pub attempt: Attempt,
    /// The action, with every capture filled in.
    pub action: Action,
    /// Whom it acts for.
    pub target: Target,
    /// Boot id of the host when it was looked at; a job without claim never started only under the same boot.
    pub boot: Option<String>,
    /// The resources, with the fields that count.
    pub footprint: Vec<Footprint>,
    /// What was there: of the first attempt, whatever attempt this is.
    pub before: ImageRef,
    /// How to take it back, from that.
    pub inverse: Vec<Undo>,
    /// Its undo class.
    pub class: UndoClass,
    /// Its recovery rule.
    pub recovery: Recovery,
    /// What will be lost for good.
    pub losses: Vec<Residue>,
    /// In a rollback: what it undoes.
    pub undoes: Option<Undoes>,
}

/// See [`Event::Outcome`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The step.
    pub step: StepPath,
    /// The attempt.
    pub attempt: Attempt,
    /// How it ended.
    pub ending: Ending,
    /// Why not well.
    pub why: Option<Why>,
    /// Exit code, where there is one.
    pub code: Option<i32>,
    /// A message for people.
    pub message: Option<BodyId>,
    /// What was printed.
    pub output: Option<BodyId>,
    /// What is there now; empty if nobody could look.
    pub after: ImageRef,
    /// Captured public values.
    pub captures: BTreeMap<Label, String>,
    /// What of its effects may be lost again: it is not known to be on a disk. Left out where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Residue>,
}

/// See [`Event::Probed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// The step.
    pub step: StepPath,
    /// The attempt in doubt.
    pub attempt: Attempt,
    /// What the look says.
    pub verdict: Verdict,
    /// The rule that decided.
    pub rule: Rule,
    /// What follows.
    pub decision: Decision,
    /// What the job on the target said of itself.
    pub job: JobWord,
    /// What is there now; counts as the last recorded state.
    pub observed: ImageRef,
    /// Evidence for people.
    pub evidence: Option<BodyId>,
    /// What the job printed, if its own word was heard only now, or if it was cut short. Left out if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<BodyId>,
    /// Captured public values, when it turned out to have succeeded.
    pub captures: BTreeMap<Label, String>,
    /// The job's exit code, where its own word was heard only now and it did not end well. Left out if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
}

/// What a job on the target says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobWord {
    /// It finished well.
    FinishedWell,
    /// It finished, not well.
    FinishedBadly,
    /// It runs.
    Running,
    /// It started and died.
    Interrupted,
    /// It never started, and cannot any more.
    NotStarted,
    /// It was revoked.
    Revoked,
    /// The target cannot say.
    Unknown,
}

/// See [`Event::RunClosed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunClosed {
    /// How it ended.
    pub end: RunEnd,
    /// Steps by state.
    pub steps: BTreeMap<String, u64>,
    /// What a rollback could not restore.
    pub residues: Vec<Residue>,
    /// Resources that are not what they were.
    pub differences: Vec<Difference>,
    /// Resources that only steps without undo changed: listed, not counted.
    pub passed: Vec<ResourceKey>,
    /// The public blob with these three lists, where they are too long for an entry: they are empty here then.
    #[serde(default)]
    pub lists: Option<BlobId>,
    /// Who closed it, when it was a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
    /// Their reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<BodyId>,
}

/// The lists of a run that was closed, as they stand in a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lists {
    residues: Vec<Residue>,
    differences: Vec<Difference>,
    passed: Vec<ResourceKey>,
}

impl RunClosed {
    /// Takes lists out that are too long to stand in the entry: a drained cluster leaves more residues than an entry
    /// holds. The bytes are to be stored as a public blob, whose address is then put in [`Self::lists`].
    pub fn take_lists(&mut self) -> Result<Option<Vec<u8>>, canon::EncodeError> {
        if canon::encode(self)?.len() <= LISTS_LIMIT {
            return Ok(None);
        }
        let lists = Lists {
            residues: std::mem::take(&mut self.residues),
            differences: std::mem::take(&mut self.differences),
            passed: std::mem::take(&mut self.passed),
        };
        canon::encode(&lists).map(Some)
    }

    /// Puts the lists of a blob back in.
    pub fn put_lists(&mut self, bytes: &[u8]) -> Result<(), canon::DecodeError> {
        let lists: Lists = canon::decode(bytes)?;
        (self.residues, self.differences, self.passed) = (lists.residues, lists.differences, lists.passed);
        Ok(())
    }
}

/// The kinds of events, as people read and ask for them.
pub const KINDS: &[&str] = &[
    "drift-found",
    "gate-decided",
    "gate-sampled",
    "intent",
    "outcome",
    "owner-changed",
    "paused",
    "probed",
    "progress",
    "resolved",
    "run-closed",
    "run-opened",
    "skipped",
    "timer-fired",
];

impl Event {
    /// The kind, as people read it in a log; one of [`KINDS`].
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RunOpened(_) => "run-opened",
            Self::OwnerChanged { .. } => "owner-changed",
            Self::Intent(_) => "intent",
            Self::Progress(_) => "progress",
            Self::Outcome(_) => "outcome",
            Self::Probed(_) => "probed",
            Self::Resolved { .. } => "resolved",
            Self::Skipped { .. } => "skipped",
            Self::GateSampled { .. } => "gate-sampled",
            Self::GateDecided { .. } => "gate-decided",
            Self::TimerFired { .. } => "timer-fired",
            Self::Paused { .. } => "paused",
            Self::DriftFound { .. } => "drift-found",
            Self::RunClosed(_) => "run-closed",
        }
    }

    /// The step it is about, if one.
    pub fn step(&self) -> Option<&StepPath> {
        match self {
            Self::Intent(intent) => Some(&intent.step),
            Self::Progress(progress) => Some(&progress.step),
            Self::Outcome(outcome) => Some(&outcome.step),
            Self::Probed(probed) => Some(&probed.step),
            Self::Resolved { step, .. }
            | Self::Skipped { step, .. }
            | Self::GateSampled { step, .. }
            | Self::GateDecided { step, .. }
            | Self::TimerFired { step }
            | Self::DriftFound { step, .. } => Some(step),
            Self::RunOpened(_) | Self::OwnerChanged { .. } | Self::Paused { .. } | Self::RunClosed(_) => None,
        }
    }

    /// Whether the driver waits until it is on stable storage; the rest becomes durable with the next that is.
    pub fn waited(&self) -> bool {
        !matches!(
            self,
            Self::Probed(_)
                | Self::Progress(_)
                | Self::GateSampled { .. }
                | Self::GateDecided { .. }
                | Self::TimerFired { .. }
                | Self::DriftFound { .. }
        )
    }
}
