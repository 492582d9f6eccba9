//! The version of the stored forms, and their limits.

/// Version of the stored forms: a reader may read a newer minor, a writer refuses to write into one.
pub const FORMAT: (u32, u32) = (1, 7);

/// An entry's stored bytes may not be longer: transparency tiles and etcd need that.
pub const ENTRY_LIMIT: usize = 60 * 1024;

/// Sealed bodies up to this many bytes ride inside the entry; longer ones are blobs.
pub const INLINE_LIMIT: usize = 4 * 1024;
