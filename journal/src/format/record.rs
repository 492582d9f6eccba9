//! Small checked records, and files that hold the last two of them so that a cut write leaves one.
//!
//! A record is: length of the payload (u32, little endian), BLAKE3 of the payload under the record's own context (32
//! bytes), payload (canonical MessagePack).

use crate::file::layer::Handle;
use palinode_core::canon;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io;

const PREFIX: usize = 4 + 32;

/// What every disk writes as a whole.
const SECTOR: usize = 512;

/// No count in a journal comes so far. One that claims to is damage, and whoever counts on from a smaller one never
/// comes to the end of the numbers.
pub(crate) const TOO_FAR: u64 = u64::MAX / 2;

/// Bytes on disk that are not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) offset: u64,
    pub(crate) what: String,
}

impl Wrong {
    pub(crate) fn at(offset: usize, what: impl Into<String>) -> Self {
        Self { offset: offset as u64, what: what.into() }
    }

    pub(crate) fn moved(self, by: usize) -> Self {
        Self { offset: self.offset + by as u64, what: self.what }
    }
}

/// Makes a record.
pub(crate) fn seal<T: Serialize>(context: &str, value: &T) -> Result<Vec<u8>, canon::EncodeError> {
    let payload = canon::encode(value)?;
    let mut bytes = Vec::with_capacity(PREFIX + payload.len());
    bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&blake3::derive_key(context, &payload));
    bytes.extend_from_slice(&payload);
    Ok(bytes)
}

/// Reads a record at the beginning of `bytes`; what follows it must be zero.
pub(crate) fn open<T: DeserializeOwned>(context: &str, bytes: &[u8]) -> Result<T, Wrong> {
    let (prefix, rest) = bytes.split_at_checked(PREFIX).ok_or_else(|| Wrong::at(bytes.len(), "it is cut off"))?;
    let length = u32::from_le_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]) as usize;
    let (payload, padding) =
        rest.split_at_checked(length).ok_or_else(|| Wrong::at(0, "its length is beyond its end"))?;
    if blake3::derive_key(context, payload) != prefix[4..] {
        return Err(Wrong::at(0, "it does not match its checksum"));
    }
    if let Some(at) = padding.iter().position(|byte| *byte != 0) {
        return Err(Wrong::at(PREFIX + length + at, "bytes behind it are not zero"));
    }
    canon::decode(payload).map_err(|error| Wrong::at(PREFIX, error.to_string()))
}

/// Like [`open`], for files that hold one record and nothing else.
pub(crate) fn open_exact<T: DeserializeOwned>(context: &str, bytes: &[u8]) -> Result<T, Wrong> {
    let value = open(context, bytes)?;
    let length = bytes.first_chunk::<4>().map_or(0, |prefix| u32::from_le_bytes(*prefix) as usize);
    if bytes.len() > PREFIX + length {
        return Err(Wrong::at(PREFIX + length, "bytes behind it"));
    }
    Ok(value)
}

/// What a two-slot file holds: its size and context.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) file: &'static str,
    pub(crate) slot: usize,
    pub(crate) context: &'static str,
}

/// A value with its place in time; generation n stands in slot n mod 2.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Slot<T> {
    pub(crate) generation: u64,
    pub(crate) value: T,
}

impl Kind {
    /// The bytes of one slot, zero-padded.
    fn slot<T: Serialize>(&self, generation: u64, value: &T) -> io::Result<Vec<u8>> {
        let mut bytes = seal(self.context, &Slot { generation, value }).map_err(io::Error::other)?;
        if bytes.len() > self.slot {
            return Err(io::Error::other(format!("a record of {} bytes does not fit {}", bytes.len(), self.file)));
        }
        bytes.resize(self.slot, 0);
        Ok(bytes)
    }

    /// Whether a value fits into the slot's first sector. A disk writes a sector as a whole: so even a slot that was
    /// never synced is sound after a power cut, as far as its record keeps to one.
    pub(crate) fn fits<T: Serialize>(&self, value: &T) -> bool {
        seal(self.context, &Slot { generation: u64::MAX, value }).is_ok_and(|bytes| bytes.len() <= SECTOR)
    }

    /// The bytes of a new file: generations 0 and 1 of the same value.
    pub(crate) fn fresh<T: Serialize>(&self, value: &T) -> io::Result<Vec<u8>> {
        Ok([self.slot(0, value)?, self.slot(1, value)?].concat())
    }

    /// Both slots, each as far as it is sound.
    pub(crate) fn read<T: DeserializeOwned>(&self, bytes: &[u8]) -> [Result<Slot<T>, Wrong>; 2] {
        [0, 1].map(|index| {
            let start = index * self.slot;
            let end = if index == 1 { bytes.len() } else { bytes.len().min(self.slot) };
            let slice = bytes.get(start..end).unwrap_or_default();
            if slice.len() != self.slot {
                return Err(Wrong::at(bytes.len(), format!("it must be {} bytes long", 2 * self.slot)));
            }
            let slot: Slot<T> = open(self.context, slice).map_err(|wrong| wrong.moved(start))?;
            if slot.generation % 2 != index as u64 {
                return Err(Wrong::at(start, "it stands in the wrong slot"));
            }
            if slot.generation >= TOO_FAR {
                return Err(Wrong::at(start, "nobody has written it so often"));
            }
            Ok(slot)
        })
    }

    /// The newest sound slot.
    pub(crate) fn newest<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<Slot<T>, Wrong> {
        match self.read(bytes) {
            [Ok(a), Ok(b)] => Ok(if a.generation > b.generation { a } else { b }),
            [Ok(only), Err(_)] | [Err(_), Ok(only)] => Ok(only),
            [Err(wrong), Err(_)] => Err(wrong),
        }
    }

    /// Writes the next generation over the older slot. Not synced.
    pub(crate) fn write<T: Serialize>(&self, file: &dyn Handle, generation: u64, value: &T) -> io::Result<()> {
        let start = if generation.is_multiple_of(2) { 0 } else { self.slot as u64 };
        file.write_all_at(&self.slot(generation, value)?, start)
    }
}
