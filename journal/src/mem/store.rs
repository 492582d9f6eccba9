//! The place of a journal in memory, shared by the threads of one process.

use crate::format::head::Runs;
use crate::mem::journal::MemJournal;
use palinode_core::id::{BlobId, Epoch, RunId, Seq};
use palinode_core::port::{
    BodyError, Cause, ClaimNotes, Entries, Handed, HandedDecision, Journal, JournalRead, Opened, OwnError, OwnedBy,
    OwnerState, Previous, ReadError, RecordError, Store, StoreRead, Stored, Vault,
};
use palinode_core::record::{Draft, Event, Owner};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A journal in memory that is made, owned, left and read like one on disk. Clones are the same place.
#[derive(Clone, Default)]
pub struct MemStore(Arc<Mutex<Option<Kept>>>);

/// What a place holds.
struct Kept {
    id: String,
    journal: MemJournal,
    notes: BTreeSet<RunId>,
    owner: OwnerState,
    /// The last owner, once there was one, and whether it let go in good order.
    last: Option<Previous>,
}

/// Why something cannot be done with a journal in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MemStoreError {
    /// None was made yet.
    #[error("there is no journal in this memory; make one")]
    None,
    /// One was made already.
    #[error("there is a journal in this memory already")]
    Exists,
}

fn locked(place: &Mutex<Option<Kept>>) -> MutexGuard<'_, Option<Kept>> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemStore {
    fn with<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> Result<T, MemStoreError> {
        locked(&self.0).as_mut().map(look).ok_or(MemStoreError::None)
    }
}

impl Store for MemStore {
    type Reader = MemReader;
    type Journal = MemOwned;
    type Id = String;
    type ReadError = MemStoreError;
    type OpenError = MemStoreError;
    type CreateError = MemStoreError;
    type HandInError = MemStoreError;

    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn exists(&self) -> bool {
        locked(&self.0).is_some()
    }

    fn create(&self, id: &String) -> Result<(), MemStoreError> {
        let mut place = locked(&self.0);
        if place.is_some() {
            return Err(MemStoreError::Exists);
        }
        let journal = MemJournal::unowned();
        let (notes, owner) = (BTreeSet::new(), OwnerState::None);
        *place = Some(Kept { id: id.clone(), journal, notes, owner, last: None });
        Ok(())
    }

    fn id(&self) -> Result<Option<String>, MemStoreError> {
        self.with(|kept| Some(kept.id.clone()))
    }

    fn reader(&self) -> Result<MemReader, MemStoreError> {
        self.with(|_| MemReader(self.clone()))
    }

    fn own(&self, owner: Owner) -> Result<Opened<MemOwned>, OwnError<MemStoreError>> {
        let taken = self.with(|kept| {
            if let OwnerState::Alive { owner, epoch } = &kept.owner {
                return Err(OwnError::Owned(OwnedBy { owner: owner.clone(), epoch: *epoch }));
            }
            let previous = kept.last.take();
            kept.journal = kept.journal.crashed().taken_over(owner.clone());
            let epoch = Journal::epoch(&kept.journal);
            kept.owner = OwnerState::Alive { owner: Some(owner.clone()), epoch };
            Ok(Opened { journal: MemOwned { place: self.clone(), owner, epoch, died: false }, previous, torn: None })
        });
        taken.map_err(OwnError::Failed)?
    }

    fn hand_in(&self, decision: &HandedDecision) -> Result<String, MemStoreError> {
        self.with(|kept| kept.journal.hand_in(decision.clone()))
    }
}

/// Reads what is durable in a [`MemStore`].
#[derive(Clone)]
pub struct MemReader(MemStore);

fn gone(error: MemStoreError) -> ReadError {
    ReadError::Missing(error.to_string())
}

impl MemReader {
    fn durable(&self) -> Result<Vec<Stored>, ReadError> {
        self.0.with(|kept| kept.journal.durable()).map_err(gone)
    }
}

impl JournalRead for MemReader {
    fn read(&self, from: Seq) -> Result<Entries<'_>, ReadError> {
        Ok(Box::new(self.durable()?.into_iter().filter(move |stored| stored.entry.seq >= from).map(Ok)))
    }

    fn public(&self, id: BlobId) -> Result<Vec<u8>, ReadError> {
        self.0.with(|kept| kept.journal.public(id)).map_err(gone)?
    }

    fn vault(&self, keys: RunId) -> Result<Arc<dyn Vault>, BodyError> {
        self.0.with(|kept| kept.journal.vault(keys)).map_err(gone)?
    }
}

impl StoreRead for MemReader {
    fn describe(&self) -> String {
        self.0.describe()
    }

    fn owner(&self) -> Result<OwnerState, ReadError> {
        self.0.with(|kept| kept.owner.clone()).map_err(gone)
    }

    fn open_runs(&self) -> Result<Vec<(RunId, Seq)>, ReadError> {
        let mut runs = Runs::default();
        self.durable()?.iter().for_each(|stored| runs.apply(stored));
        Ok(runs.list())
    }

    fn last_opened(&self) -> Result<Option<(RunId, Seq)>, ReadError> {
        let opened = self.durable()?.into_iter().rfind(|stored| matches!(stored.entry.event, Event::RunOpened(_)));
        Ok(opened.map(|stored| (stored.entry.run, stored.entry.seq)))
    }

    fn entries_at(&self, places: &[Seq]) -> Result<Vec<Stored>, ReadError> {
        let all = self.durable()?;
        Ok(all.into_iter().filter(|stored| places.contains(&stored.entry.seq)).collect())
    }
}

/// The journal of a [`MemStore`] as its owner writes it.
pub struct MemOwned {
    place: MemStore,
    owner: Owner,
    epoch: Epoch,
    died: bool,
}

impl MemOwned {
    /// Leaves the journal as a killed process would: what was posted and not appended is lost.
    pub fn die(mut self) {
        self.died = true;
    }

    fn with<T>(&self, look: impl FnOnce(&mut MemJournal) -> T) -> Result<T, MemStoreError> {
        self.place.with(|kept| look(&mut kept.journal))
    }
}

impl Drop for MemOwned {
    fn drop(&mut self) {
        let released = !self.died;
        // Without a journal there is nothing to let go.
        let _ = self.place.with(|kept| {
            if released {
                kept.journal.flush();
            }
            let (owner, epoch) = (self.owner.clone(), self.epoch);
            kept.owner = match released {
                true => OwnerState::None,
                false => OwnerState::Dead { owner: owner.clone(), epoch },
            };
            kept.last = Some(Previous { owner, epoch, released });
        });
    }
}

impl JournalRead for MemOwned {
    fn read(&self, from: Seq) -> Result<Entries<'_>, ReadError> {
        let all: Result<Vec<Stored>, ReadError> =
            self.with(|journal| journal.read(from).and_then(Iterator::collect)).map_err(gone)?;
        Ok(Box::new(all?.into_iter().map(Ok)))
    }

    fn public(&self, id: BlobId) -> Result<Vec<u8>, ReadError> {
        self.with(|journal| journal.public(id)).map_err(gone)?
    }

    fn vault(&self, keys: RunId) -> Result<Arc<dyn Vault>, BodyError> {
        self.with(|journal| journal.vault(keys)).map_err(gone)?
    }
}

fn unowned(_: MemStoreError) -> RecordError {
    RecordError::NotOwner
}

impl Journal for MemOwned {
    fn append(&mut self, drafts: Vec<Draft>) -> Result<Vec<Stored>, RecordError> {
        self.with(|journal| journal.append(drafts)).map_err(unowned)?
    }

    fn post(&mut self, drafts: Vec<Draft>) -> Result<Vec<Stored>, RecordError> {
        self.with(|journal| journal.post(drafts)).map_err(unowned)?
    }

    fn put_public(&mut self, bytes: &[u8]) -> Result<BlobId, RecordError> {
        self.with(|journal| journal.put_public(bytes)).map_err(unowned)?
    }

    fn create_keys(&mut self, run: RunId) -> Result<Arc<dyn Vault>, RecordError> {
        self.with(|journal| journal.create_keys(run)).map_err(unowned)?
    }

    fn owner(&self) -> &Owner {
        &self.owner
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn inbox(&mut self) -> Result<Vec<Handed>, ReadError> {
        self.with(MemJournal::inbox).map_err(gone)?
    }

    fn take(&mut self, name: &str) -> Result<(), RecordError> {
        self.with(|journal| journal.take(name)).map_err(unowned)?
    }
}

impl ClaimNotes for MemOwned {
    fn note_claims(&self, run: RunId) -> Result<(), Cause> {
        self.place.with(|kept| kept.notes.insert(run))?;
        Ok(())
    }

    fn noted_claims(&self) -> Result<Vec<RunId>, Cause> {
        Ok(self.place.with(|kept| kept.notes.iter().copied().collect())?)
    }

    fn forget_claims(&self, run: RunId) -> Result<(), Cause> {
        self.place.with(|kept| kept.notes.remove(&run))?;
        Ok(())
    }
}
