//! How the journal lies on the disk: names, records, frames, and the head. `FORMAT.md` draws every byte.

pub(crate) mod batch;
pub(crate) mod frame;
pub(crate) mod head;
pub(crate) mod id;
pub(crate) mod layout;
pub(crate) mod record;
