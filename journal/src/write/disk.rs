//! The journal on disk, as its one owner writes it.

use crate::body::blob::{Blobs, DiskBlobs};
use crate::body::key_ring::{DataKeys, Ring};
use crate::file::atomic_file::{damaged, unwritten};
use crate::file::layer::Root;
use crate::format::batch::{Tip, prepare};
use crate::format::frame::Builder;
use crate::format::head::Runs;
use crate::format::id::JournalId;
use crate::format::layout::{LOG, key_file};
use crate::format::record::Wrong;
use crate::read::reader::JournalReader;
use crate::write::inbox;
use crate::write::lock::{Lock, LockRecord};
use crate::write::options::Options;
use crate::write::tail::{Batch, Tail};
use palinode_core::id::{BlobId, EntryId, Epoch, RunId, Seq};
use palinode_core::port::{BodyError, Entries, Handed, Journal, JournalRead, ReadError, RecordError, Stored, Vault};
use palinode_core::record::{Class, Draft, Entry, Owner};
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::error;

/// So many posted entries wait for an append; one more, and they are written as a batch of their own.
const POSTED_LIMIT: u32 = 256;

/// Where what is damaged before it was written would be.
const MEMORY: &str = "memory";

/// The journal, owned by this process until the value is closed or dropped.
///
/// Posted entries that no `append` followed are written by [`DiskJournal::close`], and by dropping as far as that
/// succeeds; a process that is killed loses them.
pub struct DiskJournal {
    pub(crate) reader: JournalReader,
    pub(crate) id: JournalId,
    pub(crate) options: Options,
    pub(crate) lock: Lock,
    pub(crate) owner: Owner,
    /// Behind a lock of its own, so that entries get their place while others are written: see [`crate::GroupCommit`].
    pub(crate) tail: Arc<Mutex<Tail>>,
    /// The last entry that has a place, posted ones included.
    pub(crate) tip: Tip,
    pub(crate) runs: Runs,
    pub(crate) builder: Builder,
    /// What has a place and is not known to be on disk, by id, as it will be stored: few read it, and a copy of every
    /// entry would cost more than its bytes.
    pub(crate) posted: VecDeque<(Seq, EntryId, Vec<u8>)>,
    pub(crate) poisoned: Arc<AtomicBool>,
    pub(crate) closed: bool,
}

/// Why a class of bodies could not be erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The run has no keys here.
    #[error(
        "the journal has no keys of run {0}; `palinode runs` lists the runs, a rollback's bodies are with the run it takes back"
    )]
    NoKeys(RunId),
    /// The keys cannot be read.
    #[error("cannot erase: the keys cannot be read")]
    Read(#[from] ReadError),
    /// The new key file could not be written; the class may or may not be erased.
    #[error("cannot erase: {file} could not be replaced; open the journal anew and erase again")]
    Write {
        /// By its path.
        file: String,
        /// What the layer below said.
        #[source]
        cause: io::Error,
    },
}

impl DiskJournal {
    /// The folder that the journal lies in, as it was opened.
    pub fn root(&self) -> &Path {
        self.reader.root()
    }

    /// What targets know it by.
    pub fn id(&self) -> &JournalId {
        &self.id
    }

    fn place(&self) -> &Root {
        &self.reader.root
    }

    /// A reader of the same journal; it sees what is durable.
    pub fn reader(&self) -> &JournalReader {
        &self.reader
    }

    /// The open runs and where each begins, oldest first; posted entries count.
    pub fn open_runs(&self) -> Vec<(RunId, Seq)> {
        self.runs.list()
    }

    /// Destroys the key of a run family's class; false if it was gone already. Its bodies cannot be opened any more,
    /// and with `Content` go the digests. Vaults that were made before keep their keys until they are dropped.
    pub fn erase(&mut self, run: RunId, class: Class) -> Result<bool, EraseError> {
        let file = key_file(run);
        if self.poisoned.load(Ordering::SeqCst) {
            return Err(EraseError::Write { file, cause: io::Error::other("an earlier write failed") });
        }
        let ring = Ring::open(self.place())?;
        let mut keys = ring.load(self.place(), run)?.ok_or(EraseError::NoKeys(run))?;
        if !keys.erase(class) {
            return Ok(false);
        }
        ring.replace(self.place(), run, &keys).map_err(|cause| {
            self.poisoned.store(true, Ordering::SeqCst);
            EraseError::Write { file, cause }
        })?;
        Ok(true)
    }

    /// Writes what was posted and lets the journal go, so that the next owner knows that nothing was cut short.
    pub fn close(mut self) -> Result<(), RecordError> {
        self.release()
    }

    fn release(&mut self) -> Result<(), RecordError> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        self.flush()?;
        self.guard("the head and the lock", |journal| {
            locked(&journal.tail).head_file.sync_data()?;
            let LockRecord { owner, epoch, .. } = journal.lock.record.clone();
            journal.lock.write(LockRecord { owner, epoch, released: true })
        })
    }

    /// Runs a write; any failure poisons the handle, because nobody knows then what is on disk.
    fn guard<T>(&mut self, what: &str, write: impl FnOnce(&mut Self) -> io::Result<T>) -> Result<T, RecordError> {
        if self.poisoned.load(Ordering::SeqCst) {
            return Err(RecordError::Poisoned);
        }
        let done = write(self);
        done.map_err(|cause| {
            self.poisoned.store(true, Ordering::SeqCst);
            unwritten(what)(cause)
        })
    }

    fn blobs(&self) -> DiskBlobs {
        DiskBlobs { root: self.place().clone(), poisoned: Arc::clone(&self.poisoned) }
    }

    fn sealing(&self, run: RunId) -> Result<Arc<dyn Vault>, BodyError> {
        let vault = self.reader.sealing(run, Arc::new(self.blobs()))?;
        Ok(Arc::new(vault.inline_up_to(self.options.inline_bytes)))
    }

    /// Gives drafts their place and keeps them for the next batch.
    pub(crate) fn admit(&mut self, drafts: Vec<Draft>) -> Result<Vec<Stored>, RecordError> {
        if self.poisoned.load(Ordering::SeqCst) {
            return Err(RecordError::Poisoned);
        }
        let ready = prepare(self.tip, self.lock.record.epoch, drafts, &self.blobs())?;
        let mut stored = Vec::with_capacity(ready.len());
        for (entry, bytes) in ready {
            self.builder.push(&bytes);
            self.tip = Tip { seq: entry.entry.seq, id: entry.id };
            self.runs.apply(&entry);
            self.posted.push_back((entry.entry.seq, entry.id, bytes));
            stored.push(entry);
        }
        Ok(stored)
    }

    /// What a committer needs of it: where batches go, and the flag that stops everything.
    pub(crate) fn back(&self) -> (Arc<Mutex<Tail>>, Arc<AtomicBool>) {
        (Arc::clone(&self.tail), Arc::clone(&self.poisoned))
    }

    /// Everything that has a place and is not written yet; none if there is nothing.
    pub(crate) fn take_batch(&mut self) -> Option<Batch> {
        if self.builder.count() == 0 {
            return None;
        }
        Some(Batch { entries: std::mem::take(&mut self.builder), tip: self.tip, runs: self.runs.list() })
    }

    /// Forgets the posted entries up to one that is durable: they are read from the disk from now on.
    pub(crate) fn written(&mut self, upto: Seq) {
        let count = self.posted.iter().take_while(|(seq, ..)| *seq <= upto).count();
        self.posted.drain(..count);
    }

    /// Writes everything that has a place as one batch, with one sync.
    fn flush(&mut self) -> Result<(), RecordError> {
        if self.poisoned.load(Ordering::SeqCst) {
            return Err(RecordError::Poisoned);
        }
        let Some(batch) = self.take_batch() else { return Ok(()) };
        let upto = batch.tip.seq;
        let done = locked(&self.tail).commit(batch);
        if done.is_err() {
            error!(target: LOG, seq = upto.0, "batch cannot be written, nothing more is recorded");
            self.poisoned.store(true, Ordering::SeqCst);
        }
        done.inspect(|()| self.written(upto))
    }
}

/// The tail. A thread that died while it held the lock has poisoned the journal as well, by not answering.
pub(crate) fn locked(tail: &Mutex<Tail>) -> MutexGuard<'_, Tail> {
    tail.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for DiskJournal {
    fn drop(&mut self) {
        // Best effort. While a panic unwinds, nothing is written: the next owner finds a dead one and looks closely.
        if !std::thread::panicking() {
            let _ = self.release();
        }
    }
}

impl JournalRead for DiskJournal {
    fn read(&self, from: Seq) -> Result<Entries<'_>, ReadError> {
        let durable = self.tip.seq.0 - self.posted.len() as u64;
        let posted = self.posted.iter().filter(move |(seq, ..)| *seq >= from).map(|(_, id, bytes)| {
            let entry = Entry::decode(bytes).map_err(|error| damaged(MEMORY, Wrong::at(0, error.to_string())))?;
            Ok(Stored { id: *id, entry })
        });
        if from.0 > durable {
            return Ok(Box::new(posted));
        }
        Ok(Box::new(self.reader.read(from)?.chain(posted)))
    }

    fn public(&self, id: BlobId) -> Result<Vec<u8>, ReadError> {
        self.blobs().get(id)
    }

    fn vault(&self, keys: RunId) -> Result<Arc<dyn Vault>, BodyError> {
        self.sealing(keys)
    }
}

impl Journal for DiskJournal {
    fn append(&mut self, drafts: Vec<Draft>) -> Result<Vec<Stored>, RecordError> {
        let stored = self.admit(drafts)?;
        self.flush()?;
        Ok(stored)
    }

    fn post(&mut self, drafts: Vec<Draft>) -> Result<Vec<Stored>, RecordError> {
        let stored = self.admit(drafts)?;
        if self.builder.count() > POSTED_LIMIT {
            self.flush()?;
        }
        Ok(stored)
    }

    fn put_public(&mut self, bytes: &[u8]) -> Result<BlobId, RecordError> {
        self.blobs().put(bytes)
    }

    fn create_keys(&mut self, run: RunId) -> Result<Arc<dyn Vault>, RecordError> {
        if self.poisoned.load(Ordering::SeqCst) {
            return Err(RecordError::Poisoned);
        }
        let file = key_file(run);
        let place = self.place();
        let there = place.files.kind(&place.at(&file)).map_err(unwritten(&file))?.is_some();
        if !there {
            self.guard(&file, |journal| {
                let ring = Ring::open(journal.place()).map_err(io::Error::other)?;
                ring.store(journal.place(), run, &DataKeys::random()?)
            })?;
        }
        self.sealing(run).map_err(|error| RecordError::Failed { what: file, cause: Box::new(error) })
    }

    fn owner(&self) -> &Owner {
        &self.owner
    }

    fn epoch(&self) -> Epoch {
        self.lock.record.epoch
    }

    fn inbox(&mut self) -> Result<Vec<Handed>, ReadError> {
        // What stands there now may be another owner's. Whoever records next is told.
        if locked(&self.tail).is_ours().is_err() {
            return Ok(Vec::new());
        }
        inbox::read(self.place())
    }

    fn take(&mut self, name: &str) -> Result<(), RecordError> {
        // Nothing that was recorded hangs on it, so a failure here does not poison.
        inbox::take(self.place(), name).map_err(unwritten("the inbox"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::layer::Handle;
    use palinode_core::id::{Micros, StepPath};
    use palinode_core::record::Event;
    use std::collections::BTreeMap;

    fn draft() -> Vec<Draft> {
        let step = StepPath::new("host/step").expect("a path");
        let event = Event::TimerFired { step };
        vec![Draft { run: RunId([1; 8]), time: Micros(0), wall: None, event, bodies: BTreeMap::new() }]
    }

    /// Anything written to it fails as on a full disk.
    fn full() -> Box<dyn Handle> {
        Box::new(std::fs::File::options().write(true).open("/dev/full").expect("a full device"))
    }

    #[test]
    fn a_failed_write_poisons_everything_and_the_next_owner_finds_what_was_acknowledged() {
        for part in ["segment", "head"] {
            let folder = tempfile::tempdir().expect("a folder");
            let root = folder.path().join("journal");
            crate::create(&root).expect("creates");
            let owner = Owner { host: "h".to_owned(), boot: "b".to_owned(), pid: 1, started: 1 };
            let mut journal = DiskJournal::open(&root, owner.clone(), Options::default()).expect("opens").journal;
            let vault = journal.create_keys(RunId([1; 8])).expect("keys");
            journal.append(draft()).expect("appends");
            match part {
                "segment" => locked(&journal.tail).current.file = full(),
                _ => locked(&journal.tail).head_file = full(),
            }
            assert!(matches!(journal.append(draft()), Err(RecordError::Failed { .. })), "{part}");
            assert!(matches!(journal.append(draft()), Err(RecordError::Poisoned)), "{part}");
            assert!(matches!(journal.post(draft()), Err(RecordError::Poisoned)), "{part}");
            assert!(matches!(journal.append(Vec::new()), Err(RecordError::Poisoned)), "{part}");
            assert!(matches!(journal.put_public(b"x"), Err(RecordError::Poisoned)), "{part}");
            assert!(matches!(journal.create_keys(RunId([2; 8])), Err(RecordError::Poisoned)), "{part}");
            let noise: Vec<u8> = (0..200u64).flat_map(|n| *blake3::hash(&n.to_le_bytes()).as_bytes()).collect();
            let sealed = vault.seal(Class::Output, &noise);
            assert!(matches!(sealed, Err(BodyError::Record(RecordError::Poisoned))), "{part}");
            assert!(journal.close().is_err(), "{part}");
            let opened = DiskJournal::open(&root, owner, Options::default()).expect("opens");
            assert!(opened.previous.is_some_and(|previous| !previous.released), "{part}");
            let durable = opened.journal.tip.seq.0;
            assert_eq!(durable, if part == "segment" { 1 } else { 2 }, "{part}");
        }
    }
}
