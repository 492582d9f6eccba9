//! The journal in memory: the same rules, for rehearsals and tests by the thousand.

use crate::body::blob::{Blobs, MemBlobs};
use crate::body::key_ring::DataKeys;
use crate::body::vault::SealingVault;
use crate::file::atomic_file::unwritten;
use crate::format::batch::{Tip, prepare};
use palinode_core::id::{BlobId, EntryId, Epoch, RunId, Seq};
use palinode_core::port::{
    BodyError, Entries, Handed, HandedDecision, Journal, JournalRead, ReadError, RecordError, Stored, Vault,
};
use palinode_core::record::{Class, Draft, Owner};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// A journal in memory. A clone is a snapshot: it goes its own way, and shares nothing but blobs, which never change.
#[derive(Clone)]
pub struct MemJournal {
    entries: Vec<Arc<Stored>>,
    durable: usize,
    blobs: Arc<MemBlobs>,
    keys: BTreeMap<RunId, DataKeys>,
    /// Whether keys and nonces are the same each time.
    fixed: bool,
    /// Whether only the last entry is kept.
    forgets: bool,
    owner: Owner,
    epoch: Epoch,
    inbox: BTreeMap<String, HandedDecision>,
    handed: u64,
    appends: u64,
    fail_from: Option<u64>,
    poisoned: bool,
}

impl MemJournal {
    /// An empty journal with random keys, as a real one has.
    pub fn new(owner: Owner) -> Self {
        Self {
            entries: Vec::new(),
            durable: 0,
            blobs: Arc::default(),
            keys: BTreeMap::new(),
            fixed: false,
            forgets: false,
            owner,
            epoch: Epoch(1),
            inbox: BTreeMap::new(),
            handed: 0,
            appends: 0,
            fail_from: None,
            poisoned: false,
        }
    }

    /// An empty journal of no owner yet: the first that takes it over has epoch 1.
    pub(crate) fn unowned() -> Self {
        let nobody = Owner { host: String::new(), boot: String::new(), pid: 0, started: 0 };
        Self { epoch: Epoch(0), ..Self::new(nobody) }
    }

    /// Makes what was posted durable, as an owner does that lets go.
    pub(crate) fn flush(&mut self) {
        self.durable = self.entries.len();
    }

    /// What a reader sees: the durable entries.
    pub(crate) fn durable(&self) -> Vec<Stored> {
        self.entries().take(self.durable).cloned().collect()
    }

    /// An empty journal whose keys and nonces follow from the run's id and the content: the same story gives the same
    /// entries, byte for byte. Its bodies are no secrets.
    pub fn with_fixed_keys(owner: Owner) -> Self {
        Self { fixed: true, ..Self::new(owner) }
    }

    /// An empty journal that keeps only its last entry, as a journal on disk keeps none in memory: to measure what
    /// writes to it. Reading it finds no more than that one.
    pub fn forgetful(owner: Owner) -> Self {
        Self { forgets: true, ..Self::new(owner) }
    }

    /// How many entries have a place.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many calls of `append` succeeded.
    pub fn appends(&self) -> u64 {
        self.appends
    }

    /// Every entry so far, the first one first.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Stored> {
        self.entries.iter().map(AsRef::as_ref)
    }

    /// A sound copy with the first `count` entries, all of them durable: what a crash may leave. It never fails.
    pub fn truncated(&self, count: usize) -> Self {
        let mut copy = Self { entries: Vec::new(), fail_from: None, poisoned: false, ..self.clone_without_entries() };
        copy.entries.extend(self.entries.iter().take(count).cloned());
        copy.durable = copy.entries.len();
        copy
    }

    /// A sound copy with what is durable: what a crash now leaves.
    pub fn crashed(&self) -> Self {
        self.truncated(self.durable)
    }

    fn clone_without_entries(&self) -> Self {
        Self {
            entries: Vec::new(),
            blobs: Arc::clone(&self.blobs),
            keys: self.keys.clone(),
            owner: self.owner.clone(),
            inbox: self.inbox.clone(),
            ..*self
        }
    }

    /// The same journal under the next owner.
    pub fn taken_over(mut self, owner: Owner) -> Self {
        self.owner = owner;
        self.epoch.0 += 1;
        self
    }

    /// Lets every `append` fail from the one with this number on, counted from 0 over the journal's whole life.
    pub fn fail_from(&mut self, append: u64) {
        self.fail_from = Some(append);
    }

    /// Destroys the key of a run family's class; false if it was not there.
    pub fn erase(&mut self, run: RunId, class: Class) -> bool {
        self.keys.get_mut(&run).is_some_and(|keys| keys.erase(class))
    }

    /// Puts a decision into the inbox; gives its name there.
    pub fn hand_in(&mut self, decision: HandedDecision) -> String {
        self.handed += 1;
        let name = format!("{:020}-{:016x}.handout", self.handed, 0);
        self.inbox.insert(name.clone(), decision);
        name
    }

    fn sealing(&self, keys: &DataKeys) -> Arc<dyn Vault> {
        let vault = SealingVault::new(keys.clone(), Arc::clone(&self.blobs) as Arc<dyn Blobs>);
        Arc::new(if self.fixed { vault.fixed() } else { vault })
    }

    fn admit(&mut self, drafts: Vec<Draft>) -> Result<Vec<Stored>, RecordError> {
        if self.poisoned {
            return Err(RecordError::Poisoned);
        }
        let tip = self
            .entries
            .last()
            .map_or(Tip { seq: Seq(0), id: EntryId([0; 32]) }, |last| Tip { seq: last.entry.seq, id: last.id });
        let ready = prepare(tip, self.epoch, drafts, &*self.blobs)?;
        let stored: Vec<Stored> = ready.into_iter().map(|(stored, _)| stored).collect();
        if self.forgets && !stored.is_empty() {
            self.entries.clear();
        }
        self.entries.extend(stored.iter().cloned().map(Arc::new));
        Ok(stored)
    }
}

impl JournalRead for MemJournal {
    fn read(&self, from: Seq) -> Result<Entries<'_>, ReadError> {
        let skip = usize::try_from(from.0.saturating_sub(1)).unwrap_or(usize::MAX);
        Ok(Box::new(self.entries.iter().skip(skip).map(|stored| Ok(Stored::clone(stored)))))
    }

    fn public(&self, id: BlobId) -> Result<Vec<u8>, ReadError> {
        self.blobs.get(id)
    }

    fn vault(&self, keys: RunId) -> Result<Arc<dyn Vault>, BodyError> {
        let found = self.keys.get(&keys).ok_or_else(|| ReadError::Missing(format!("keys of run {keys}")))?;
        Ok(self.sealing(found))
    }
}

impl Journal for MemJournal {
    fn append(&mut self, drafts: Vec<Draft>) -> Result<Vec<Stored>, RecordError> {
        if !self.poisoned && self.fail_from.is_some_and(|from| self.appends >= from) {
            self.poisoned = true;
            return Err(unwritten("the journal in memory")(io::ErrorKind::StorageFull.into()));
        }
        let stored = self.admit(drafts)?;
        self.durable = self.entries.len();
        self.appends += 1;
        Ok(stored)
    }

    fn post(&mut self, drafts: Vec<Draft>) -> Result<Vec<Stored>, RecordError> {
        self.admit(drafts)
    }

    fn put_public(&mut self, bytes: &[u8]) -> Result<BlobId, RecordError> {
        if self.poisoned { Err(RecordError::Poisoned) } else { self.blobs.put(bytes) }
    }

    fn create_keys(&mut self, run: RunId) -> Result<Arc<dyn Vault>, RecordError> {
        if self.poisoned {
            return Err(RecordError::Poisoned);
        }
        if !self.keys.contains_key(&run) {
            let keys = if self.fixed { DataKeys::fixed(run) } else { DataKeys::random().map_err(unwritten("keys"))? };
            self.keys.insert(run, keys);
        }
        Ok(self.sealing(&self.keys[&run]))
    }

    fn owner(&self) -> &Owner {
        &self.owner
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn inbox(&mut self) -> Result<Vec<Handed>, ReadError> {
        let handed = self.inbox.iter();
        Ok(handed.map(|(name, decision)| Handed { name: name.clone(), decision: decision.clone() }).collect())
    }

    fn take(&mut self, name: &str) -> Result<(), RecordError> {
        self.inbox.remove(name);
        Ok(())
    }
}
