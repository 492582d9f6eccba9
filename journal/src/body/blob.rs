//! Blobs: large bodies and public plans, each a file named by the hash of its bytes.

use crate::file::atomic_file::{damaged, place, unread, unwritten};
use crate::file::layer::Root;
use crate::format::layout::{BLOBS, blob_file, blob_place};
use crate::format::record::Wrong;
use palinode_core::id::BlobId;
use palinode_core::port::{ReadError, RecordError};
use palinode_core::record::blob_id;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Where blobs are kept.
pub(crate) trait Blobs: Send + Sync {
    /// Stores bytes durably under their address.
    fn put(&self, bytes: &[u8]) -> Result<BlobId, RecordError>;
    /// Reads bytes, checked against their address.
    fn get(&self, id: BlobId) -> Result<Vec<u8>, ReadError>;
}

/// Blobs in a journal's directory.
pub(crate) struct DiskBlobs {
    pub(crate) root: Root,
    /// The same flag as in the journal's handle: after a failed write nothing more is written, wherever it failed.
    pub(crate) poisoned: Arc<AtomicBool>,
}

impl DiskBlobs {
    fn write(&self, id: BlobId, bytes: &[u8]) -> io::Result<()> {
        let (folder, name) = blob_place(id);
        let dir = format!("{BLOBS}/{folder}");
        match self.root.files.make_dir(&self.root.at(&dir)) {
            Ok(()) => self.root.sync_dir(BLOBS)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        match self.root.read(blob_file(id)) {
            // The same bytes are there, but a process that died may not have synced their name.
            Ok(there) if there == bytes => self.root.sync_dir(&dir),
            _ => place(&self.root, BLOBS, &dir, &name, bytes),
        }
    }
}

impl Blobs for DiskBlobs {
    fn put(&self, bytes: &[u8]) -> Result<BlobId, RecordError> {
        if self.poisoned.load(Ordering::SeqCst) {
            return Err(RecordError::Poisoned);
        }
        let id = blob_id(bytes);
        self.write(id, bytes).map_err(|cause| {
            self.poisoned.store(true, Ordering::SeqCst);
            unwritten(&blob_file(id))(cause)
        })?;
        Ok(id)
    }

    fn get(&self, id: BlobId) -> Result<Vec<u8>, ReadError> {
        let file = blob_file(id);
        let bytes = self.root.read(&file).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => ReadError::Missing(format!("blob {id}")),
            _ => unread(&file)(cause),
        })?;
        check(id, &bytes)?;
        Ok(bytes)
    }
}

/// Whether bytes are those that the address names.
pub(crate) fn check(id: BlobId, bytes: &[u8]) -> Result<(), ReadError> {
    if blob_id(bytes) == id {
        return Ok(());
    }
    Err(damaged(&blob_file(id), Wrong::at(0, "its content does not match its name")))
}

/// Blobs in memory. Content-addressed, so copies of a journal can use the same ones.
#[derive(Default)]
pub(crate) struct MemBlobs(Mutex<BTreeMap<BlobId, Arc<[u8]>>>);

impl Blobs for MemBlobs {
    fn put(&self, bytes: &[u8]) -> Result<BlobId, RecordError> {
        let id = blob_id(bytes);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert_with(|| bytes.into());
        Ok(id)
    }

    fn get(&self, id: BlobId) -> Result<Vec<u8>, ReadError> {
        let blobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        blobs.get(&id).map(|bytes| bytes.to_vec()).ok_or_else(|| ReadError::Missing(format!("blob {id}")))
    }
}
