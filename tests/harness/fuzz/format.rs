//! Frames, batches, records and two-slot files by the words of `FORMAT.md`, with none of the journal's code.

use std::ops::Range;

const MARKER: [u8; 4] = [0xff; 4];
const COMMIT: usize = 52;
const ENTRY: usize = 61440;

/// `H(context, bytes)`.
pub(super) fn hash(context: &str, bytes: &[u8]) -> [u8; 32] {
    blake3::derive_key(&format!("palinode 2026-11 {context} v1"), bytes)
}

fn sum(bytes: &[u8]) -> [u8; 4] {
    *blake3::hash(bytes).as_bytes().first_chunk().expect("a hash is longer")
}

fn number(bytes: &[u8]) -> Option<usize> {
    Some(u32::from_le_bytes(*bytes.first_chunk()?) as usize)
}

/// A batch.
pub(super) fn batch(entries: &[&[u8]], first: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        let length = u32::try_from(entry.len()).expect("an entry is short").to_le_bytes();
        bytes.extend_from_slice(&length);
        bytes.extend_from_slice(&sum(&[&length, *entry].concat()));
        bytes.extend_from_slice(entry);
    }
    let count = u32::try_from(entries.len()).expect("a batch is short");
    let body = [&first.to_le_bytes()[..], &count.to_le_bytes(), &hash("batch", &bytes)].concat();
    bytes.extend_from_slice(&MARKER);
    bytes.extend_from_slice(&sum(&[&MARKER, &body[..]].concat()));
    bytes.extend_from_slice(&body);
    bytes
}

/// Puts every checksum in a segment right, as far as frames can be told, or only those of commits; lengths stay.
pub(super) fn mend_segment(bytes: &mut [u8], frames: bool) {
    let (mut at, mut begin) = (0, 0);
    while let Some(length) = bytes.get(at..).and_then(number) {
        if bytes[at..at + 4] == MARKER {
            let Some(end) = at.checked_add(COMMIT).filter(|end| *end <= bytes.len()) else { return };
            let whole = hash("batch", &bytes[begin..at]);
            bytes[at + 20..end].copy_from_slice(&whole);
            let own = sum(&[&bytes[at..at + 4], &bytes[at + 8..end]].concat());
            bytes[at + 4..at + 8].copy_from_slice(&own);
            (at, begin) = (end, end);
        } else {
            let Some(end) = at.checked_add(8 + length).filter(|end| *end <= bytes.len()) else { return };
            if length == 0 || length > ENTRY {
                return;
            }
            if frames {
                let own = sum(&[&bytes[at..at + 4], &bytes[at + 8..end]].concat());
                bytes[at + 4..at + 8].copy_from_slice(&own);
            }
            at = end;
        }
    }
}

/// A record.
pub(super) fn record(context: &str, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a payload is short").to_le_bytes();
    [&length, &hash(context, payload)[..], payload].concat()
}

/// The payload of a sound record that begins the bytes, and what follows it.
pub(super) fn open_record<'a>(context: &str, bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (payload, rest) = bytes.get(36..)?.split_at_checked(number(bytes)?)?;
    (bytes[4..36] == hash(context, payload)).then_some((payload, rest))
}

/// Puts the checksum of the record in a range right.
pub(super) fn mend_record(context: &str, bytes: &mut [u8], range: Range<usize>) {
    let Some(bytes) = bytes.get_mut(range) else { return };
    let Some(payload) = number(bytes).and_then(|length| bytes.get(36..)?.get(..length)) else { return };
    let own = hash(context, payload);
    bytes[4..36].copy_from_slice(&own);
}

/// Which bytes of a two-slot file are its slots.
pub(super) fn slots(size: usize) -> [Range<usize>; 2] {
    [0..size, size..2 * size]
}
