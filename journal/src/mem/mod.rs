//! The journal and its store in memory.

pub(crate) mod journal;
pub(crate) mod store;
