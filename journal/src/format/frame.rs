//! Frames and batches: how entries stand in a segment.
//!
//! Frame: length (u32 LE, 1 to the entry limit), checksum (first 4 bytes of BLAKE3 of length and entry), entry.
//! Commit: marker `ff ff ff ff`, checksum over the rest, first sequence (u64 LE), count (u32 LE), BLAKE3 of the batch's
//! frames (32 bytes). A batch is frames and their commit; zeros to the end of the file follow the last one.

use crate::format::record::Wrong;
use palinode_core::id::Context;
use palinode_core::record::ENTRY_LIMIT;
use std::ops::Range;
use std::sync::LazyLock;

const MARKER: [u8; 4] = [0xff; 4];
const HEADER: usize = 8;
const COMMIT: usize = HEADER + 8 + 4 + 32;
const BATCH_CONTEXT: &str = "palinode 2026-11 batch v1";

fn checksum(parts: [&[u8]; 2]) -> [u8; 4] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    let hash = hasher.finalize();
    let [a, b, c, d, ..] = *hash.as_bytes();
    [a, b, c, d]
}

/// The hash of a batch's frames.
fn batch_hash(frames: &[u8]) -> [u8; 32] {
    static CONTEXT: LazyLock<Context> = LazyLock::new(|| Context::new(BATCH_CONTEXT));
    CONTEXT.hash(frames)
}

/// A batch under construction.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    bytes: Vec<u8>,
    count: u32,
}

impl Builder {
    /// Adds an entry's stored bytes.
    pub(crate) fn push(&mut self, entry: &[u8]) {
        let length = (entry.len() as u32).to_le_bytes();
        self.bytes.extend_from_slice(&length);
        self.bytes.extend_from_slice(&checksum([&length, entry]));
        self.bytes.extend_from_slice(entry);
        self.count += 1;
    }

    /// How many entries are in it.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// The batch with its commit; the builder is empty then.
    pub(crate) fn finish(&mut self, first: u64) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.bytes);
        let hash = batch_hash(&bytes);
        let mut body = Vec::with_capacity(COMMIT - HEADER);
        body.extend_from_slice(&first.to_le_bytes());
        body.extend_from_slice(&self.count.to_le_bytes());
        body.extend_from_slice(&hash);
        bytes.extend_from_slice(&MARKER);
        bytes.extend_from_slice(&checksum([&MARKER, &body]));
        bytes.extend_from_slice(&body);
        self.count = 0;
        bytes
    }
}

/// What stands at a place in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A complete batch: the entries' places, and where it ends.
    Batch { entries: Vec<Range<usize>>, end: usize },
    /// Nothing but zeros.
    End,
    /// A batch that is not complete, or damaged.
    Broken(Wrong),
}

/// The commit at a place, if one is there: first sequence, count and hash.
fn commit(bytes: &[u8], at: usize) -> Option<(u64, u32, [u8; 32])> {
    let all = bytes.get(at..at.checked_add(COMMIT)?)?;
    let body = &all[HEADER..];
    if all[..4] != MARKER || all[4..HEADER] != checksum([&MARKER, body]) {
        return None;
    }
    Some((
        u64::from_le_bytes(*body.first_chunk()?),
        u32::from_le_bytes(*body[8..].first_chunk()?),
        *body[12..].first_chunk()?,
    ))
}

/// Looks at the place `at`, where the entry `first` should stand.
pub(crate) fn look(bytes: &[u8], at: usize, first: u64) -> Found {
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.first_chunk::<HEADER>().is_none_or(|header| *header == [0; HEADER]) {
        return match rest.iter().position(|byte| *byte != 0) {
            None => Found::End,
            Some(found) => Found::Broken(Wrong::at(at + found, "bytes that belong to no batch")),
        };
    }
    match batch(bytes, at, first) {
        Ok((entries, end)) => Found::Batch { entries, end },
        Err(wrong) => Found::Broken(wrong),
    }
}

/// The batch that begins at `start`. Its hash covers every byte before the commit, so a batch that matches it needs no
/// look at the checksums of its frames: they are there to name the place when it does not.
fn batch(bytes: &[u8], start: usize, first: u64) -> Result<(Vec<Range<usize>>, usize), Wrong> {
    if let Some((entries, at)) = frames(bytes, start)
        && let Some((begins, count, hash)) = commit(bytes, at)
        && begins == first
        && count as usize == entries.len()
        && count > 0
        && batch_hash(&bytes[start..at]) == hash
    {
        return Ok((entries, at + COMMIT));
    }
    Err(wrong(bytes, start, first))
}

/// The frames from `start` on, by their lengths alone, and where the marker of a commit follows them.
fn frames(bytes: &[u8], start: usize) -> Option<(Vec<Range<usize>>, usize)> {
    let mut entries = Vec::new();
    let mut at = start;
    loop {
        let length: &[u8; 4] = bytes.get(at..)?.first_chunk()?;
        if *length == MARKER {
            return Some((entries, at));
        }
        let size = u32::from_le_bytes(*length) as usize;
        if size == 0 || size > ENTRY_LIMIT {
            return None;
        }
        let begin = at + HEADER;
        entries.push(begin..begin + size);
        at = begin + size;
    }
}

/// What is wrong with a batch that does not match its commit, and where.
fn wrong(bytes: &[u8], start: usize, first: u64) -> Wrong {
    let mut at = start;
    let mut count = 0;
    loop {
        let cut = || Wrong::at(at, "the batch is cut off");
        let Some(header) = bytes.get(at..).and_then(|rest| rest.first_chunk::<HEADER>()) else { return cut() };
        let (length, sum) = header.split_at(4);
        if length == MARKER {
            return match commit(bytes, at) {
                None => Wrong::at(at, "the commit is cut off or does not match its checksum"),
                Some((begins, counted, _)) if begins != first || counted != count || count == 0 => {
                    Wrong::at(at, "the commit is of another batch")
                }
                Some(_) => Wrong::at(start, "the batch does not match its hash"),
            };
        }
        let size = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
        if size == 0 || size > ENTRY_LIMIT {
            return Wrong::at(at, format!("an entry cannot be {size} bytes long"));
        }
        let begin = at + HEADER;
        let Some(entry) = bytes.get(begin..begin + size) else { return cut() };
        if *sum != checksum([length, entry]) {
            return Wrong::at(at, "the entry does not match its checksum");
        }
        count += 1;
        at = begin + size;
    }
}

/// Whether a later batch than the one that begins with `first` was completed behind `at`. Each batch is synced before
/// the next is written, so then the break at `at` is no torn tail.
pub(crate) fn later_commit(bytes: &[u8], at: usize, first: u64) -> Option<usize> {
    let rest = bytes.get(at..).unwrap_or_default();
    let places = rest.windows(4).enumerate().filter(|(_, window)| *window == MARKER);
    places.map(|(place, _)| at + place).find(|place| commit(bytes, *place).is_some_and(|(begins, ..)| begins > first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_reads_back_and_no_flipped_bit_passes() {
        let mut builder = Builder::default();
        builder.push(b"one");
        builder.push(b"two and more");
        let mut bytes = builder.finish(7);
        let end = bytes.len();
        bytes.resize(end + 20, 0);
        let Found::Batch { entries, end: found } = look(&bytes, 0, 7) else {
            unreachable!("a complete batch");
        };
        assert_eq!((entries.len(), &bytes[entries[0].clone()], found), (2, &b"one"[..], end));
        assert_eq!(look(&bytes, end, 9), Found::End);
        assert!(matches!(look(&bytes, 0, 8), Found::Broken(_)));
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let first = look(&bytes, 0, 7);
            let ok = matches!(first, Found::Batch { .. }) && look(&bytes, end, 9) == Found::End;
            assert!(!ok, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for length in 1..end {
            assert!(matches!(look(&bytes[..length], 0, 7), Found::Broken(_)), "{length}");
        }
    }

    #[test]
    fn a_later_commit_tells_damage_from_a_torn_tail() {
        let mut builder = Builder::default();
        builder.push(b"one");
        let mut bytes = builder.finish(1);
        bytes[9] ^= 1;
        assert_eq!(later_commit(&bytes, 0, 1), None);
        let place = bytes.len();
        builder.push(b"two");
        bytes.extend(builder.finish(2));
        assert!(later_commit(&bytes, 0, 1).is_some_and(|found| found > place));
    }
}
