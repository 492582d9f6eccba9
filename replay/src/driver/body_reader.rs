//! The reading side of bodies, for those who show them.

use super::bodies::BodyStore;
use palinode_core::id::{BodyId, RunId};
use palinode_core::port::{BodyError, JournalRead};
use palinode_core::record::{ImageRef, Sealed};
use palinode_core::resource::Image;
use palinode_core::run::history::History;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// Opens recorded bodies and images of one run family.
pub struct BodyReader(BodyStore);

impl BodyReader {
    /// The bodies that a run may open.
    pub fn of(journal: &impl JournalRead, history: &History, run: RunId) -> Result<Self, BodyError> {
        let keys = history.runs.get(&run).map_or(run, |state| state.opened.keys);
        let vault = journal.vault(keys)?;
        Ok(Self(BodyStore { vault, places: RefCell::new(history.bodies.clone()) }))
    }

    /// Bodies under the keys of a run family, found without folding the whole history.
    pub fn over(
        journal: &impl JournalRead,
        keys: RunId,
        bodies: HashMap<BodyId, Arc<Sealed>>,
    ) -> Result<Self, BodyError> {
        Ok(Self(BodyStore { vault: journal.vault(keys)?, places: RefCell::new(Arc::new(bodies)) }))
    }

    /// Where the bodies are.
    pub(super) fn into_store(self) -> BodyStore {
        self.0
    }

    /// A body's plaintext.
    pub fn open(&self, id: BodyId) -> Result<Vec<u8>, BodyError> {
        self.0.open(id)
    }

    /// The image behind a reference.
    pub fn image(&self, image: &ImageRef) -> Result<Image, BodyError> {
        self.0.image(image)
    }
}
