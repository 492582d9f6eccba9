//! The one way to the disk, and files that are whole or absent.

pub(crate) mod atomic_file;
pub(crate) mod layer;
