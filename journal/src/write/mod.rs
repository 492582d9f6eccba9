//! Writing, as the one owner that the lock names.

pub(crate) mod claims;
pub(crate) mod create;
pub(crate) mod disk;
pub(crate) mod group;
pub(crate) mod inbox;
pub(crate) mod lock;
pub(crate) mod open;
pub(crate) mod options;
pub(crate) mod tail;
