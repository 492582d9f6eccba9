//! Keys of the index, and the blocks of places under them.

use super::terms::Field;

/// No value is longer: sled keeps long ones in files of their own, and loses those.
pub(crate) const VALUE: usize = 512;

/// Entries whose times are told together.
pub(crate) const SPELL: u64 = 1024;

/// So many bytes of an entry's or body's id are kept; the entry is looked at anyway.
pub(crate) const ENTRY_PREFIX: usize = 6;

pub(crate) const BODY_PREFIX: usize = 8;

/// Kinds of keys.
pub(crate) const TERM: u8 = b't';

pub(crate) const ENTRIES: u8 = b'i';

pub(crate) const BODIES: u8 = b'b';

pub(crate) const TIMES: u8 = b'c';

pub(crate) const RUNS: u8 = b'r';

pub(crate) const META: &[u8] = b"meta";

/// The beginning of a word's keys; without the end, of all words that begin like it.
pub(crate) fn term(field: Field, word: &str, whole: bool) -> Vec<u8> {
    let mut key = vec![TERM, field.byte()];
    key.extend_from_slice(word.as_bytes());
    if whole {
        // No word has a zero in it.
        key.push(0);
    }
    key
}

/// A key that ends in a place.
pub(crate) fn at(mut key: Vec<u8>, seq: u64) -> Vec<u8> {
    key.extend_from_slice(&seq.to_be_bytes());
    key
}

/// Writes a number in groups of seven bits.
pub(crate) fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Reads a number; none if it is cut off or too long.
pub(crate) fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Writes places as blocks: the first in the key, the distances to the others in the value.
pub(crate) fn blocks(key: &[u8], places: &[u64], put: &mut dyn FnMut(Vec<u8>, Vec<u8>)) {
    let mut places = places.iter().copied().peekable();
    while let Some(first) = places.next() {
        let (mut value, mut before) = (Vec::new(), first);
        while let Some(place) = places.next_if(|_| value.len() + 10 <= VALUE) {
            put_number(&mut value, place - before);
            before = place;
        }
        put(at(key.to_vec(), first), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_from_their_blocks() {
        let places: Vec<u64> = (1..2000u64).map(|number| number * number * number).collect();
        let mut back = Vec::new();
        blocks(b"k", &places, &mut |key, value| {
            assert!(value.len() <= VALUE);
            let mut place = u64::from_be_bytes(*key.last_chunk().expect("a place"));
            back.push(place);
            let mut rest = value.as_slice();
            while !rest.is_empty() {
                place += number(&mut rest).expect("a number");
                back.push(place);
            }
        });
        assert_eq!(back, places);
        assert_eq!(number(&mut [0x80].as_slice()), None);
        assert_eq!(number(&mut [0xff; 11].as_slice()), None);
    }
}
