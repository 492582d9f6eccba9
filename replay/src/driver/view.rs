//! The reading side of bodies, for those who show them.

use super::desk::Shelf;
use palinode_core::event::ImageRef;
use palinode_core::history::History;
use palinode_core::id::{BodyId, RunId};
use palinode_core::port::{BodyError, JournalRead};
use palinode_core::resource::Image;
use std::cell::RefCell;

/// Opens recorded bodies and images of one run family.
pub struct ShelfView(Shelf);

impl ShelfView {
    /// The bodies that a run may open.
    pub fn of(journal: &impl JournalRead, history: &History, run: RunId) -> Result<Self, BodyError> {
        let keys = history.runs.get(&run).map_or(run, |state| state.opened.keys);
        let vault = journal.vault(keys)?;
        Ok(Self(Shelf { vault, places: RefCell::new(history.bodies.clone()) }))
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
