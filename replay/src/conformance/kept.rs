//! Bodies in memory, addressed by their content.

use palinode_core::event::Class;
use palinode_core::id::BodyId;
use palinode_core::port::{Bodies, BodyError};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Keeps every body it is given.
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
