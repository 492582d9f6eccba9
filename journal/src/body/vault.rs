//! Sealing bodies and opening them again.

use crate::body::blob::Blobs;
use crate::body::key_ring::{DataKeys, class_name, decrypt, encrypt};
use crate::file::atomic_file::{damaged, random, unwritten};
use crate::format::layout::blob_file;
use crate::format::record::Wrong;
use palinode_core::id::BodyId;
use palinode_core::port::{BodyError, ReadError, RecordError, Vault};
use palinode_core::record::{Class, INLINE_LIMIT, Place, Sealed};
use std::io::Read;
use std::sync::Arc;

const DIGEST_CONTEXT: &str = "palinode 2026-11 body digest v1";
const LEVEL: i32 = 3;

/// Bodies of one run family. It keeps the keys it was made with: an erasure reaches vaults that are made later.
pub(crate) struct SealingVault {
    keys: DataKeys,
    blobs: Arc<dyn Blobs>,
    inline: usize,
    /// Nonces from the content instead of chance, so that tests and the lab give the same bytes each time.
    fixed: bool,
}

impl SealingVault {
    pub(crate) fn new(keys: DataKeys, blobs: Arc<dyn Blobs>) -> Self {
        Self { keys, blobs, inline: INLINE_LIMIT, fixed: false }
    }

    pub(crate) fn inline_up_to(self, inline: usize) -> Self {
        Self { inline, ..self }
    }

    pub(crate) fn fixed(self) -> Self {
        Self { fixed: true, ..self }
    }
}

/// What the ciphertext is bound to: class, id and length of the plaintext.
fn bound(class: Class, id: BodyId, len: u64) -> Vec<u8> {
    [class_name(class).as_bytes(), &[0], &id.0, &len.to_le_bytes()].concat()
}

/// Unpacks exactly `len` bytes; never holds more than that, whatever the frame claims.
fn unpack(packed: &[u8], len: u64) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let decoder = zstd::stream::read::Decoder::with_buffer(packed).ok()?;
    decoder.take(len.saturating_add(1)).read_to_end(&mut plain).ok()?;
    (plain.len() as u64 == len).then_some(plain)
}

impl Vault for SealingVault {
    fn digest(&self, bytes: &[u8]) -> Result<BodyId, BodyError> {
        let key = self.keys.digest.as_ref().ok_or(BodyError::Erased)?;
        let key = blake3::derive_key(DIGEST_CONTEXT, key);
        Ok(BodyId(*blake3::keyed_hash(&key, bytes).as_bytes()))
    }

    fn seal(&self, class: Class, bytes: &[u8]) -> Result<(BodyId, Sealed), BodyError> {
        let id = self.digest(bytes)?;
        let key = self.keys.classes.get(&class).ok_or(BodyError::Erased)?;
        let len = bytes.len() as u64;
        let packed = zstd::bulk::compress(bytes, LEVEL).map_err(unwritten("a body"))?;
        let nonce = if self.fixed {
            let hash = blake3::keyed_hash(key, &bound(class, id, len));
            std::array::from_fn(|index| hash.as_bytes()[index])
        } else {
            random().map_err(unwritten("a body"))?
        };
        let sealed = encrypt(key, nonce, &bound(class, id, len), &packed).map_err(unwritten("a body"))?;
        let place =
            if sealed.len() <= self.inline { Place::Inline(sealed) } else { Place::Blob(self.blobs.put(&sealed)?) };
        Ok((id, Sealed { class, len, place }))
    }

    fn open(&self, id: BodyId, sealed: &Sealed) -> Result<Vec<u8>, BodyError> {
        let key = self.keys.classes.get(&sealed.class).ok_or(BodyError::Erased)?;
        let (file, bytes) = match &sealed.place {
            Place::Inline(bytes) => (format!("body {id}"), bytes.clone()),
            Place::Blob(blob) => (blob_file(*blob), self.blobs.get(*blob)?),
        };
        let bad = |what: &str| BodyError::Read(damaged(&file, Wrong::at(0, what)));
        let packed = decrypt(key, &bound(sealed.class, id, sealed.len), &bytes)
            .ok_or_else(|| bad("it is not the body that was sealed under this id, class and length"))?;
        let plain = unpack(&packed, sealed.len).ok_or_else(|| bad("it does not unpack to its recorded length"))?;
        // The cipher already bound it to the id; where the digest key is left, the id is recomputed as well.
        match self.digest(&plain) {
            Ok(found) if found != id => Err(bad("its content does not match its id")),
            _ => Ok(plain),
        }
    }
}

/// A vault for those who may read and not write: long bodies cannot be sealed.
pub(crate) struct ReadOnly(pub(crate) Arc<dyn Blobs>);

impl Blobs for ReadOnly {
    fn put(&self, _: &[u8]) -> Result<palinode_core::id::BlobId, RecordError> {
        Err(RecordError::NotOwner)
    }

    fn get(&self, id: palinode_core::id::BlobId) -> Result<Vec<u8>, ReadError> {
        self.0.get(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::blob::MemBlobs;
    use palinode_core::id::RunId;

    fn vault() -> SealingVault {
        SealingVault::new(DataKeys::fixed(RunId([1; 8])), Arc::new(MemBlobs::default()))
    }

    #[test]
    fn a_bomb_is_bounded_by_the_recorded_length() {
        let packed = zstd::bulk::compress(&vec![0; 50_000_000], LEVEL).expect("packs");
        assert_eq!(unpack(&packed, 1000), None);
        assert_eq!(unpack(&packed, 50_000_001), None);
        assert_eq!(unpack(b"not zstd", 8), None);
        assert_eq!(unpack(&packed, u64::MAX), None);
    }

    #[test]
    fn a_body_opens_only_as_what_it_was_sealed() {
        let vault = vault();
        let (id, sealed) = vault.seal(Class::Content, b"secret").expect("seals");
        assert_eq!(vault.open(id, &sealed).expect("opens"), b"secret");
        let other = vault.digest(b"other").expect("digest");
        assert!(vault.open(other, &sealed).is_err());
        assert!(vault.open(id, &Sealed { class: Class::Output, ..sealed.clone() }).is_err());
        assert!(vault.open(id, &Sealed { len: 7, ..sealed.clone() }).is_err());
        let Place::Inline(bytes) = &sealed.place else { unreachable!("short") };
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(vault.open(id, &Sealed { place: Place::Inline(bytes), ..sealed.clone() }).is_err(), "bit {bit}");
        }
        assert!(vault.open(id, &Sealed { place: Place::Inline(vec![1, 2]), ..sealed }).is_err());
    }

    #[test]
    fn the_limit_decides_between_entry_and_blob() {
        // 24 bytes of nonce and 16 of tag, and what zstd adds to bytes it cannot pack.
        let noise: Vec<u8> = (0..200u64).flat_map(|n| *blake3::hash(&n.to_le_bytes()).as_bytes()).collect();
        let inline = |length: usize| {
            let (id, sealed) = vault().seal(Class::Output, &noise[..length]).expect("seals");
            let opened = vault().open(id, &sealed).is_ok();
            assert_eq!(opened, matches!(sealed.place, Place::Inline(_)), "another vault has other blobs");
            opened
        };
        assert!(inline(4000) && !inline(4096));
    }
}
