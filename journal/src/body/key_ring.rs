//! Data keys: one for each run family and class, wrapped, each erasable by itself.
//!
//! A family has one more key, from which the digests of its bodies come. It lives and dies with the content key: only
//! content is ever compared with what a host has now, and once content is erased nobody may test guesses against it.

use crate::file::atomic_file::{damaged, place, random, unread, write_new};
use crate::file::layer::Root;
use crate::format::layout::{KEYS, key_file};
use crate::format::record::{self, Wrong};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use palinode_core::id::RunId;
use palinode_core::port::ReadError;
use palinode_core::record::Class;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use std::io;

/// The file that wraps the others.
pub(crate) const WRAP: &str = "wrap";

const WRAP_CONTEXT: &str = "palinode 2026-11 wrap v1";
const KEYS_CONTEXT: &str = "palinode 2026-11 keys v1";
const NONCE: usize = 24;
const CLASSES: [Class; 3] = [Class::Output, Class::Content, Class::Words];

/// One secret key.
pub(crate) type Key = [u8; 32];

/// How the data keys are wrapped.
#[derive(Serialize, Deserialize)]
enum Wrap {
    /// By the random key in this file.
    #[serde(rename = "file")]
    File(ByteBuf),
}

/// A run family's key file. A class that is not there was erased.
#[derive(Serialize, Deserialize)]
struct KeyFile {
    run: RunId,
    digest: Option<ByteBuf>,
    classes: BTreeMap<Class, ByteBuf>,
}

/// The data keys of one run family.
#[derive(Clone, Default)]
pub(crate) struct DataKeys {
    pub(crate) digest: Option<Key>,
    pub(crate) classes: BTreeMap<Class, Key>,
}

/// A class's name in associated data.
pub(crate) fn class_name(class: Class) -> &'static str {
    match class {
        Class::Output => "output",
        Class::Content => "content",
        Class::Words => "words",
    }
}

/// Encrypts; the nonce stands before the ciphertext.
pub(crate) fn encrypt(key: &Key, nonce: [u8; NONCE], aad: &[u8], msg: &[u8]) -> io::Result<Vec<u8>> {
    let cipher = XChaCha20Poly1305::new(key.into());
    let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg, aad });
    let sealed = sealed.map_err(|_| io::Error::other("the bytes are too long to encrypt"))?;
    Ok([&nonce[..], &sealed].concat())
}

/// Decrypts; none if anything about it is not what was encrypted.
pub(crate) fn decrypt(key: &Key, aad: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let (nonce, msg) = bytes.split_first_chunk::<NONCE>()?;
    XChaCha20Poly1305::new(key.into()).decrypt(&XNonce::from(*nonce), Payload { msg, aad }).ok()
}

fn wrapped_for(run: RunId, name: &str) -> Vec<u8> {
    [&run.0[..], name.as_bytes()].concat()
}

impl DataKeys {
    /// New random keys.
    pub(crate) fn random() -> io::Result<Self> {
        let classes = CLASSES.into_iter().map(|class| Ok((class, random()?))).collect::<io::Result<_>>()?;
        Ok(Self { digest: Some(random()?), classes })
    }

    /// Always the same keys for a run: for tests and the simulated lab only.
    pub(crate) fn fixed(run: RunId) -> Self {
        let key = |name: &str| blake3::derive_key("palinode 2026-11 fixed test key", &wrapped_for(run, name));
        let classes = CLASSES.into_iter().map(|class| (class, key(class_name(class)))).collect();
        Self { digest: Some(key("digest")), classes }
    }

    /// Forgets a class; tells whether it was there.
    pub(crate) fn erase(&mut self, class: Class) -> bool {
        if class == Class::Content {
            self.digest = None;
        }
        self.classes.remove(&class).is_some()
    }
}

/// The wrapping key, by which key files are read and written.
#[derive(Clone)]
pub(crate) struct Ring {
    wrap: Key,
}

impl Ring {
    /// Makes the wrapping key of a new journal.
    pub(crate) fn create(root: &Root) -> io::Result<()> {
        let key = ByteBuf::from(random::<32>()?);
        let bytes = record::seal(WRAP_CONTEXT, &Wrap::File(key)).map_err(io::Error::other)?;
        write_new(root, &format!("{KEYS}/{WRAP}"), &bytes)
    }

    /// Reads the wrapping key.
    pub(crate) fn open(root: &Root) -> Result<Self, ReadError> {
        let file = format!("{KEYS}/{WRAP}");
        let bytes = root.read(&file).map_err(unread(&file))?;
        let Wrap::File(key) = record::open_exact(WRAP_CONTEXT, &bytes).map_err(|wrong| damaged(&file, wrong))?;
        let wrap = key.as_slice().try_into();
        let wrap = wrap.map_err(|_| damaged(&file, Wrong::at(0, "the key is not 32 bytes long")))?;
        Ok(Self { wrap })
    }

    /// The keys of a run family; none if it has no key file.
    pub(crate) fn load(&self, root: &Root, run: RunId) -> Result<Option<DataKeys>, ReadError> {
        // A file that is just being replaced is overwritten after its successor got its name: look again then.
        self.load_once(root, run).or_else(|_| self.load_once(root, run))
    }

    fn load_once(&self, root: &Root, run: RunId) -> Result<Option<DataKeys>, ReadError> {
        let file = key_file(run);
        let bytes = match root.read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unread(&file)(error)),
        };
        let bad = |what: &str| damaged(&file, Wrong::at(0, what));
        let stored: KeyFile = record::open_exact(KEYS_CONTEXT, &bytes).map_err(|wrong| damaged(&file, wrong))?;
        if stored.run != run {
            return Err(bad("it holds the keys of another run"));
        }
        let unwrap = |name: &str, bytes: &[u8]| {
            let key = decrypt(&self.wrap, &wrapped_for(run, name), bytes).and_then(|key| key.try_into().ok());
            key.ok_or_else(|| bad("a key in it cannot be unwrapped"))
        };
        let digest = stored.digest.map(|bytes| unwrap("digest", &bytes)).transpose()?;
        let classes = stored.classes.iter().map(|(class, bytes)| Ok((*class, unwrap(class_name(*class), bytes)?)));
        Ok(Some(DataKeys { digest, classes: classes.collect::<Result<_, ReadError>>()? }))
    }

    /// Writes the keys of a run family, durable on return.
    pub(crate) fn store(&self, root: &Root, run: RunId, keys: &DataKeys) -> io::Result<()> {
        let wrap =
            |name: &str, key: &Key| encrypt(&self.wrap, random()?, &wrapped_for(run, name), key).map(ByteBuf::from);
        let digest = keys.digest.as_ref().map(|key| wrap("digest", key)).transpose()?;
        let classes = keys.classes.iter().map(|(class, key)| Ok((*class, wrap(class_name(*class), key)?)));
        let file = KeyFile { run, digest, classes: classes.collect::<io::Result<_>>()? };
        let bytes = record::seal(KEYS_CONTEXT, &file).map_err(io::Error::other)?;
        place(root, KEYS, KEYS, &run.to_string(), &bytes)
    }

    /// Replaces the keys of a run family and overwrites the file they were in, as far as the file system lets us.
    pub(crate) fn replace(&self, root: &Root, run: RunId, keys: &DataKeys) -> io::Result<()> {
        let old = root.open(key_file(run))?;
        let length = usize::try_from(old.len()?).unwrap_or(0);
        self.store(root, run, keys)?;
        old.write_all_at(&vec![0; length], 0)?;
        old.sync_all()?;
        root.sync_dir(KEYS)
    }
}
