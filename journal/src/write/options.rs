//! What an owner may choose.

/// Sizes that tests make small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// A segment that would grow beyond this is left for a new one.
    pub segment_bytes: u64,
    /// Segments grow by at least this many zeros at a time, synced, so that most appends change no file size.
    pub grow_bytes: u64,
    /// Ciphertexts up to this length ride in the entry.
    pub inline_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        let inline_bytes = palinode_core::record::INLINE_LIMIT;
        Self { segment_bytes: 16 << 20, grow_bytes: 1 << 20, inline_bytes }
    }
}
