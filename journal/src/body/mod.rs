//! Sealed bodies: the keys they are sealed under, and the blobs that large ones are stored as.

pub(crate) mod blob;
pub(crate) mod key_ring;
pub(crate) mod vault;
