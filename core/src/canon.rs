//! Canonical MessagePack: one byte form for one value, checked on the bytes themselves.
//!
//! rmp-serde reads more than it writes: wide integers, duplicate keys, trailing bytes. What is hashed must have one
//! form only, so every read walks the bytes first. The walker knows MessagePack and nothing of our types: a reader
//! can therefore check entries of a newer minor version, whose fields it does not know.

use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeSet;

/// Arrays and maps inside each other beyond this are refused; our deepest type uses about ten.
const DEPTH: u32 = 32;

/// Bytes that are MessagePack but not in canonical form, or not MessagePack at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset} is not canonical: {why}")]
pub struct NotCanonical {
    /// Offset of the offending byte.
    pub offset: usize,
    /// What is wrong there.
    pub why: &'static str,
}

/// Why a value could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The serializer refused the value.
    #[error("cannot encode the value")]
    Encode(#[from] rmp_serde::encode::Error),
    /// The value's form is not canonical (a float, say): a mistake in the type, not in the data.
    #[error("the type has no canonical form")]
    Form(#[from] NotCanonical),
}

/// Why bytes could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are damaged or were not written by Palinode.
    #[error(transparent)]
    Form(#[from] NotCanonical),
    /// The bytes are canonical but not of this type.
    #[error("the bytes are not of the expected type")]
    Type(#[from] rmp_serde::decode::Error),
}

/// Encodes with named fields and byte strings as bin; refuses a type without canonical form.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::with_capacity(512);
    let mut to =
        rmp_serde::Serializer::new(&mut bytes).with_struct_map().with_bytes(rmp_serde::config::BytesMode::ForceAll);
    value.serialize(&mut to)?;
    walk(&bytes)?;
    Ok(bytes)
}

/// Decodes after checking the canonical form.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    walk(bytes)?;
    Ok(rmp_serde::from_slice(bytes)?)
}

/// Checks that `bytes` are exactly one MessagePack value in canonical form: integers and lengths in their shortest
/// form, string keys without duplicates, valid UTF-8, no floats, no extensions, nothing behind the value.
pub fn walk(bytes: &[u8]) -> Result<(), NotCanonical> {
    let mut walker = Walker { bytes, at: 0 };
    walker.value(DEPTH)?;
    if walker.at == bytes.len() { Ok(()) } else { Err(walker.wrong(walker.at, "bytes behind the value")) }
}

struct Walker<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// So many keys of a map are searched one by one; our structs have fewer.
const FEW: usize = 16;

/// The keys of a map so far. A few are searched, more are kept sorted: hostile input cannot make it quadratic, and the
/// usual map costs no allocation.
#[derive(Default)]
struct Keys<'a> {
    few: [&'a [u8]; FEW],
    count: usize,
    many: BTreeSet<&'a [u8]>,
}

impl<'a> Keys<'a> {
    /// Adds a key; false if it was there.
    fn insert(&mut self, key: &'a [u8]) -> bool {
        if self.few[..self.count].contains(&key) || self.many.contains(key) {
            return false;
        }
        match self.few.get_mut(self.count) {
            Some(free) => {
                *free = key;
                self.count += 1;
            }
            None => drop(self.many.insert(key)),
        }
        true
    }
}

impl<'a> Walker<'a> {
    fn wrong(&self, offset: usize, why: &'static str) -> NotCanonical {
        NotCanonical { offset, why }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], NotCanonical> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.wrong(self.bytes.len(), "the value is cut off"))?;
        let slice = &self.bytes[self.at..end];
        self.at = end;
        Ok(slice)
    }

    /// A big-endian unsigned number of `width` bytes that must not fit a shorter form: at least `least`.
    fn number(&mut self, width: usize, least: u64) -> Result<u64, NotCanonical> {
        let start = self.at;
        let number = self.take(width)?.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        if number < least {
            return Err(self.wrong(start, "a number or length in a longer form than needed"));
        }
        Ok(number)
    }

    fn negative(&mut self, width: usize, below: i64) -> Result<(), NotCanonical> {
        let start = self.at;
        let bytes = self.take(width)?;
        let fill = if bytes[0] & 0x80 == 0 { 0 } else { u64::MAX };
        let number = bytes.iter().fold(fill, |sum, byte| sum << 8 | u64::from(*byte)).cast_signed();
        if number >= below {
            return Err(self.wrong(start, "a signed number in a longer form than needed"));
        }
        Ok(())
    }

    fn length(&self, number: u64) -> Result<usize, NotCanonical> {
        usize::try_from(number).map_err(|_| self.wrong(self.at, "a length beyond memory"))
    }

    fn text(&mut self, length: u64) -> Result<&'a [u8], NotCanonical> {
        let start = self.at;
        let bytes = self.take(self.length(length)?)?;
        // Nearly all of it is short and ASCII, which is seen faster.
        match bytes.is_ascii() || std::str::from_utf8(bytes).is_ok() {
            true => Ok(bytes),
            false => Err(self.wrong(start, "text that is not UTF-8")),
        }
    }

    fn array(&mut self, length: u64, depth: u32) -> Result<(), NotCanonical> {
        (0..length).try_for_each(|_| self.value(depth))
    }

    fn map(&mut self, length: u64, depth: u32) -> Result<(), NotCanonical> {
        let mut seen = Keys::default();
        for _ in 0..length {
            let start = self.at;
            let key = self.key()?;
            if !seen.insert(key) {
                return Err(self.wrong(start, "a key that stands twice in one map"));
            }
            self.value(depth)?;
        }
        Ok(())
    }

    /// Keys are strings, or byte strings (a map from hashes).
    fn key(&mut self) -> Result<&'a [u8], NotCanonical> {
        let start = self.at;
        let marker = self.take(1)?[0];
        match marker {
            0xa0..=0xbf => self.text(u64::from(marker & 0x1f)),
            0xd9 => self.number(1, 32).and_then(|length| self.text(length)),
            0xda => self.number(2, 0x100).and_then(|length| self.text(length)),
            0xc4 => {
                let length = self.number(1, 0)?;
                self.take(self.length(length)?)
            }
            _ => Err(self.wrong(start, "a map key that is neither text nor bytes")),
        }
    }

    fn value(&mut self, depth: u32) -> Result<(), NotCanonical> {
        let start = self.at;
        let deeper = depth.checked_sub(1).ok_or_else(|| self.wrong(start, "values nested too deeply"))?;
        let marker = self.take(1)?[0];
        match marker {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => Ok(()),
            0x80..=0x8f => self.map(u64::from(marker & 0x0f), deeper),
            0x90..=0x9f => self.array(u64::from(marker & 0x0f), deeper),
            0xa0..=0xbf => self.text(u64::from(marker & 0x1f)).map(drop),
            0xc4..=0xc6 => {
                let (width, least) = [(1, 0), (2, 0x100), (4, 0x1_0000)][usize::from(marker - 0xc4)];
                let length = self.number(width, least)?;
                self.take(self.length(length)?).map(drop)
            }
            0xcc => self.number(1, 0x80).map(drop),
            0xcd => self.number(2, 0x100).map(drop),
            0xce => self.number(4, 0x1_0000).map(drop),
            0xcf => self.number(8, 0x1_0000_0000).map(drop),
            0xd0 => self.negative(1, -32),
            0xd1 => self.negative(2, i64::from(i8::MIN)),
            0xd2 => self.negative(4, i64::from(i16::MIN)),
            0xd3 => self.negative(8, i64::from(i32::MIN)),
            0xd9..=0xdb => {
                let (width, least) = [(1, 32), (2, 0x100), (4, 0x1_0000)][usize::from(marker - 0xd9)];
                let length = self.number(width, least)?;
                self.text(length).map(drop)
            }
            0xdc => self.number(2, 16).and_then(|length| self.array(length, deeper)),
            0xdd => self.number(4, 0x1_0000).and_then(|length| self.array(length, deeper)),
            0xde => self.number(2, 16).and_then(|length| self.map(length, deeper)),
            0xdf => self.number(4, 0x1_0000).and_then(|length| self.map(length, deeper)),
            0xca | 0xcb => Err(self.wrong(start, "a float")),
            _ => Err(self.wrong(start, "a reserved or extension marker")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn refuses_every_second_form() {
        let table: &[(&[u8], &str)] = &[
            (&[0xcc, 0x05], "longer form"),
            (&[0xcd, 0x00, 0xff], "longer form"),
            (&[0xcf, 0, 0, 0, 0, 0, 0, 0, 5], "longer form"),
            (&[0xd0, 0x05], "longer form"),
            (&[0xd0, 0xff], "longer form"),
            (&[0xd1, 0xff, 0x80], "longer form"),
            (&[0xd9, 0x01, b'a'], "longer form"),
            (&[0xc5, 0x00, 0x01, 0x00], "longer form"),
            (&[0xdc, 0x00, 0x01, 0x01], "longer form"),
            (&[0x82, 0xa1, b'a', 1, 0xa1, b'a', 2], "stands twice"),
            (&[0x81, 0x01, 0x02], "neither text nor bytes"),
            (&[0xca, 0, 0, 0, 0], "a float"),
            (&[0xd4, 0, 0], "extension"),
            (&[0xc1], "reserved"),
            (&[0xa1, 0xff], "not UTF-8"),
            (&[0x01, 0x01], "behind the value"),
            (&[0xa5, b'a'], "cut off"),
            (&[0xdf, 0xff, 0xff, 0xff, 0xff], "cut off"),
            (&[], "cut off"),
        ];
        for (bytes, why) in table {
            let error = walk(bytes).expect_err("not canonical");
            assert!(error.why.contains(why), "{bytes:x?}: {error}");
        }
        assert!(walk(&[0x91; 40]).expect_err("deep").why.contains("deeply"));
    }

    proptest! {
        #[test]
        fn what_is_encoded_walks_and_decodes(
            numbers in proptest::collection::vec(any::<i64>(), 0..40),
            naturals in proptest::collection::vec(any::<u64>(), 0..40),
            texts in proptest::collection::btree_map(".{0,40}", proptest::option::of(any::<bool>()), 0..40),
        ) {
            let value = (numbers, naturals, texts);
            let bytes = encode(&value).expect("encodes");
            let back: (Vec<i64>, Vec<u64>, BTreeMap<String, Option<bool>>) = decode(&bytes).expect("decodes");
            prop_assert_eq!(&back, &value);
            prop_assert_eq!(encode(&back).expect("encodes"), bytes);
        }

        #[test]
        fn canonical_bytes_have_one_form(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if walk(&bytes).is_ok() && let Ok(value) = rmp_serde::from_slice::<serde_json::Value>(&bytes) {
                // Byte strings become arrays in JSON; values without them must encode to the same bytes.
                if !bytes.iter().any(|byte| (0xc4..=0xc6).contains(byte)) && !value.to_string().contains("null,") {
                    prop_assert!(encode(&value).is_ok());
                }
            }
        }
    }
}
