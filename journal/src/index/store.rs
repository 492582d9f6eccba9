//! The store: opened only when it is as it was closed, brought up to date, sealed, or thrown away.

use super::build::Builder;
use super::keys::{META, RUNS};
use super::place::Folder;
use super::quiet::quietly;
use super::run::Run;
use super::seal::{self, Stamp};
use crate::index::meta::{LAYOUT, Meta, digest};
use crate::read::reader::JournalReader;
use palinode_core::canon;
use palinode_core::id::Seq;
use palinode_core::port::{JournalRead, ReadError};
use std::io;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// sled's own default is a gigabyte.
const CACHE: u64 = 32 << 20;

/// What a rebuilt index holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Where it is.
    pub folder: PathBuf,
    /// Entries in it.
    pub entries: u64,
    /// Runs in it.
    pub runs: u64,
    /// Keys in it.
    pub keys: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// Why an index could not be built. Nothing but `reindex` ever fails for it.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Another process has it open.
    #[error("another process is using the index in {0}")]
    Used(PathBuf),
    /// It cannot be written.
    #[error("cannot write the index in {folder}")]
    Write {
        /// Its folder.
        folder: PathBuf,
        /// What the layer below said.
        #[source]
        cause: io::Error,
    },
    /// What came back is not what was put in.
    #[error("the index in {0} does not give back what was put in")]
    Lost(PathBuf),
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What goes wrong inside.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] sled::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It does not hold what it should.
    #[error("it does not hold what it should")]
    Lost,
}

/// Takes a pair.
type Take<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), Trouble> + 'a;

/// An open index.
pub(crate) struct Index {
    folder: Rc<Folder>,
    /// Dropped on purpose only: after a panic its threads may wait for each other for ever.
    db: ManuallyDrop<sled::Db>,
    stamp: Vec<Stamp>,
    pub(crate) meta: Meta,
    pub(crate) runs: Vec<Run>,
}

/// How an index is to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Use it if it is there; build it or bring it up to date when it lags so many entries behind.
    Use { lag: u64 },
    /// Build it anew.
    Rebuild,
}

impl Index {
    /// Opens the index of a journal, by the ladder: as it is; built anew; none.
    pub(crate) fn open(reader: &JournalReader, wish: Wish) -> Result<Option<Self>, IndexError> {
        let path = Folder::of(reader.root());
        let end = reader.head()?.0.0;
        let lag = match wish {
            Wish::Use { lag } if end < lag && path.symlink_metadata().is_err() => return Ok(None),
            Wish::Use { lag } => lag.max(1),
            Wish::Rebuild => 0,
        };
        let write = |cause| IndexError::Write { folder: path.clone(), cause };
        let folder = Folder::take(reader.root()).map_err(write)?.ok_or_else(|| IndexError::Used(path.clone()))?;
        match quietly(|| Self::at(&Rc::new(folder), reader, wish, end, lag)) {
            Some(Ok(index)) => Ok(index),
            Some(Err(Trouble::Read(error))) => Err(error.into()),
            Some(Err(Trouble::Io(error) | Trouble::Store(sled::Error::Io(error)))) => Err(write(error)),
            Some(Err(Trouble::Store(error))) => Err(write(io::Error::other(error))),
            Some(Err(Trouble::Lost)) | None => Err(IndexError::Lost(path.clone())),
        }
    }

    fn at(
        folder: &Rc<Folder>,
        reader: &JournalReader,
        wish: Wish,
        end: u64,
        lag: u64,
    ) -> Result<Option<Self>, Trouble> {
        let mut found = None;
        if wish != Wish::Rebuild && seal::holds(folder)? {
            let index = Self::start(folder)?;
            if index.belongs(reader)? {
                found = Some(index);
            } else {
                index.shut()?;
            }
        }
        let index = match found {
            Some(index) => index,
            None => {
                folder.clear(|_| false)?;
                if end < lag {
                    return Ok(None);
                }
                Self::start(folder)?
            }
        };
        if wish == Wish::Rebuild || index.meta.seq.0.saturating_add(lag) <= end {
            return index.update(reader).map(Some);
        }
        Ok(Some(index))
    }

    /// Opens the store and reads what it says of itself; an empty one says nothing.
    fn start(folder: &Rc<Folder>) -> Result<Self, Trouble> {
        let stamp = seal::stamp(folder)?;
        let db = sled::Config::default()
            .path(folder.path())
            .cache_capacity(CACHE)
            // No thread of its own that writes: what is written is flushed at the end of each update.
            .flush_every_ms(None)
            .mode(sled::Mode::HighThroughput)
            .open()?;
        let (db, meta, runs) = (ManuallyDrop::new(db), Meta::default(), Vec::new());
        let mut index = Self { folder: Rc::clone(folder), db, stamp, meta, runs };
        let Some(meta) = index.db.get(META)? else { return Ok(index) };
        index.meta = canon::decode(&meta).unwrap_or_default();
        let mut sum = 0u64;
        for pair in index.db.scan_prefix([RUNS]) {
            let (key, value) = pair?;
            sum = sum.wrapping_add(digest(&key, &value));
            index.runs.extend(canon::decode::<Run>(&value));
        }
        if sum != index.meta.runs_digest || index.runs.len() as u64 != index.meta.runs {
            index.meta = Meta::default();
        }
        Ok(index)
    }

    /// Whether the last entry that the index knows is the journal's.
    fn belongs(&self, reader: &JournalReader) -> Result<bool, ReadError> {
        let known = self.meta.layout == LAYOUT && self.meta.seq > Seq(0);
        let here = if known { reader.entries_at(&[self.meta.seq])? } else { Vec::new() };
        Ok(here.first().is_some_and(|stored| stored.id == self.meta.entry))
    }

    /// Reads on to the journal's end, and seals what came of it once it was seen to be whole.
    fn update(self, reader: &JournalReader) -> Result<Self, Trouble> {
        seal::lift(&self.folder)?;
        let mut builder = Builder::new(&self.db, self.meta.clone(), &self.runs);
        for stored in reader.read(Seq(self.meta.seq.0 + 1))? {
            builder.add(&stored?)?;
        }
        let (meta, _) = builder.finish()?;
        let folder = Rc::clone(&self.folder);
        self.shut()?;
        let index = Self::start(&folder)?;
        if index.meta != meta || !index.is_whole()? {
            index.shut()?;
            return Err(Trouble::Lost);
        }
        // Reading everything made the store tidy up: from here on, reading leaves its files as they are.
        index.shut()?;
        seal::put(&folder)?;
        Self::start(&folder)
    }

    /// Whether everything that was put in comes back.
    fn is_whole(&self) -> Result<bool, Trouble> {
        let (mut pairs, mut sum) = (0, 0u64);
        for pair in self.db.iter() {
            let (key, value) = pair?;
            if key != META && key.first() != Some(&RUNS) {
                pairs += 1;
                sum = sum.wrapping_add(digest(&key, &value));
            }
        }
        Ok((pairs, sum) == (self.meta.pairs, self.meta.digest))
    }

    /// Every pair whose key begins like this, in order.
    pub(crate) fn each(&self, prefix: &[u8], take: &mut Take<'_>) -> Result<(), Trouble> {
        for pair in self.db.scan_prefix(prefix) {
            let (key, value) = pair?;
            take(&key, &value)?;
        }
        Ok(())
    }

    fn shut(self) -> io::Result<()> {
        drop(ManuallyDrop::into_inner(self.db));
        self.folder.settle()
    }

    /// Closes it. If the store wrote anything on its own, it is sealed again as it is now.
    pub(crate) fn close(self) {
        let (folder, stamp) = (Rc::clone(&self.folder), self.stamp.clone());
        // Best effort: without a seal that fits, it is built anew.
        let _ = quietly(|| {
            if self.shut().is_ok() && seal::stamp(&folder).is_ok_and(|now| now != stamp) {
                let _ = seal::put(&folder);
            }
        });
    }

    /// It lied, or panicked: what is in it is thrown away when it is opened next.
    pub(crate) fn abandon(self) {
        let _ = seal::lift(&self.folder);
        std::mem::forget(self);
    }
}

/// Throws the index away and builds it anew.
pub fn reindex(reader: &JournalReader) -> Result<Built, IndexError> {
    let folder = Folder::of(reader.root());
    let index = Index::open(reader, Wish::Rebuild)?.ok_or_else(|| IndexError::Lost(folder.clone()))?;
    let meta = index.meta.clone();
    index.close();
    let size = |folder: &Path| {
        let all = std::fs::read_dir(folder)?.map(|item| item.and_then(|item| item.metadata()).map(|meta| meta.len()));
        all.sum::<io::Result<u64>>()
    };
    let bytes = size(&folder).map_err(|cause| IndexError::Write { folder: folder.clone(), cause })?;
    let keys = meta.pairs + meta.runs + 1;
    Ok(Built { folder, entries: meta.seq.0, runs: meta.runs, keys, bytes })
}
