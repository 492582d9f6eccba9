//! What the suite needs of an executor beside the port: a world that can be made anew, disturbed and cut.

use palinode_core::id::{BodyId, EntryId, ResourceKey};
use palinode_core::port::{Bodies, BodyError, Executor, Halted, Job, Journal};
use palinode_core::record::Class;
use palinode_core::span::Span;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// A subject that cannot do what the suite asks of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(pub String);

/// Where an attempt is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// The process dies before the job is claimed on its target.
    BeforeStart,
    /// Process and job die with about half of the job's work done.
    Half,
    /// Process and job die when all of the job's work is done, before it could say so.
    Silent,
    /// The job ends, and the process dies before it hears of it.
    AfterEnd,
    /// The link is lost after the start; process and job live on.
    Link,
}

/// Something that others do to the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A pod without a controller is bound to a node.
    BarePod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The node.
        node: String,
    },
    /// Someone writes a file on a host.
    WriteFile {
        /// The host.
        host: String,
        /// The path.
        path: String,
        /// Its new text.
        text: String,
    },
    /// A package is installed on a host, in the version that the repositories have.
    Installed {
        /// The host.
        host: String,
        /// The package.
        package: String,
    },
    /// Someone edits the inventory: the first occurrence of a text is replaced.
    EditInventory {
        /// What is replaced; must be there.
        from: String,
        /// By what.
        to: String,
    },
}

/// What someone else does to a resource while a step is about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meddling {
    /// It becomes another state of the same thing: another content, cordoned, stopped.
    Edit,
    /// Another thing takes its place: one with another UID, a link instead of a file; something where nothing was.
    Replace,
}

/// An executor under test, with its world.
///
/// The suite runs in one thread and waits through [`Self::drive`]. A subject with real hosts blocks there on its
/// runtime; a simulated one moves its clock.
pub trait Subject {
    /// The executor.
    type Executor: Executor;

    /// What a driver records in, for the rules that need one.
    type Journal: Journal;

    /// The executor. After [`Self::revive`] it may be another one.
    fn executor(&self) -> &Self::Executor;

    /// Where bodies are kept while a case runs. Equal contents have equal ids; [`Kept`] does that.
    fn bodies(&self) -> &dyn Bodies;

    /// Makes the world as every case expects to find it.
    fn fresh(&mut self) -> Result<(), Trouble>;

    /// Lets someone else change the world.
    fn change(&mut self, change: &Change) -> Result<(), Trouble>;

    /// Lets someone else act on one resource, also while the executor is at work. False if nobody but the executor does
    /// that to such a resource here; every other state of the world then is as it was.
    fn meddle(&self, key: &ResourceKey, how: Meddling) -> Result<bool, Trouble>;

    /// An empty journal.
    fn journal(&self) -> Self::Journal;

    /// Drives a future to its end, or until a cut kills the process.
    fn drive<T>(&self, future: impl Future<Output = T>) -> Result<T, Halted>;

    /// Cuts this job, once, when it is executed.
    fn arm(&mut self, job: &Job, cut: Cut) -> Result<(), Trouble>;

    /// After a cut: another process takes the place of the dead one.
    fn revive(&mut self) -> Result<(), Trouble>;

    /// Lets that much time pass, or waits until nothing changes by itself any more.
    fn settle(&mut self, span: Span) -> Result<(), Trouble>;

    /// All of the world that can be looked at, by resource key where there is one, without what changes by itself:
    /// times, UIDs, boot ids, generated names.
    fn fingerprint(&mut self) -> Result<BTreeMap<String, String>, Trouble>;

    /// How many changes a job has made so far; nothing where that cannot be told.
    fn effects(&self, job: EntryId) -> Option<usize>;

    /// Whether targets keep what became of a job, so that one that was cut can be asked about. The API of a cluster does
    /// not: there it is what is found that tells, and a repetition does what is left.
    fn remembers_jobs(&self) -> bool {
        true
    }

    /// Whether a job that a precondition kept from beginning says so. On a host it is an exit code as any other.
    fn tells_preconditions(&self) -> bool {
        true
    }

    /// What an archive of a directory tree holds: relative paths, each with mode, owner and a digest of the content.
    /// Executors archive in their own formats; only what is in there is compared.
    fn tree(&self, archive: &[u8]) -> Result<BTreeMap<String, String>, Trouble>;
}

/// Bodies in memory, addressed by their content: keeps every one it is given.
#[derive(Debug, Default)]
pub struct Kept(RefCell<BTreeMap<BodyId, Vec<u8>>>);

impl Bodies for Kept {
    fn put(&self, _: Class, bytes: &[u8]) -> Result<BodyId, BodyError> {
        let id = BodyId(*blake3::hash(bytes).as_bytes());
        self.0.borrow_mut().insert(id, bytes.to_vec());
        Ok(id)
    }

    fn get(&self, id: BodyId) -> Result<Vec<u8>, BodyError> {
        self.0.borrow().get(&id).cloned().ok_or(BodyError::Missing(id))
    }
}
