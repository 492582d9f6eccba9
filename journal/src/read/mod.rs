//! Reading without a lock, checking each byte on the way.

pub(crate) mod entries;
pub(crate) mod random_access;
pub(crate) mod read_ahead;
pub(crate) mod reader;
pub(crate) mod segment;
pub(crate) mod verify;
