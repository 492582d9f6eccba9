//! The simulated disk as a file layer.

use super::state::{Folder, Node, Number, Plain};
use super::{Operation, SimDisk};
use crate::file::layer::{FileKind, FileLayer, Handle, Item};
use std::io;
use std::path::Path;

fn kind(node: &Node) -> FileKind {
    match node {
        Node::Plain(_) => FileKind::File,
        Node::Folder(_) => FileKind::Folder,
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

impl FileLayer for SimDisk {
    fn read_from(&self, path: &Path, offset: u64) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        state.enter(Operation::Read)?;
        let number = state.find(path)?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(state.plain(number)?.live.get(offset..).unwrap_or_default().to_vec())
    }

    fn read_plain(&self, path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let mut state = self.state();
        state.enter(Operation::Read)?;
        let number = state.find(path)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(match &state.nodes[number] {
            Node::Plain(plain) => Some(plain.live[..plain.live.len().min(limit)].to_vec()),
            Node::Folder(_) => None,
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Item>> {
        let mut state = self.state();
        state.enter(Operation::Read)?;
        let folder = state.folder(state.find(dir)?)?;
        let items = folder.live.iter();
        Ok(items.map(|(name, number)| Item { name: name.clone(), kind: kind(&state.nodes[*number]) }).collect())
    }

    fn kind(&self, path: &Path) -> io::Result<Option<FileKind>> {
        let mut state = self.state();
        state.enter(Operation::Read)?;
        match state.find(path) {
            Ok(number) => Ok(Some(kind(&state.nodes[number]))),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.enter(Operation::MakeDir)?;
        state.make(path, Node::Folder(Folder::default())).map(drop)
    }

    fn make_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let mut state = self.state();
        state.enter(Operation::MakeFile)?;
        let number = state.make(path, Node::Plain(Plain::default()))?;
        Ok(Box::new(SimFile { disk: self.clone(), number, locked: false }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let mut state = self.state();
        state.enter(Operation::Read)?;
        let number = state.find(path)?;
        state.plain(number)?;
        Ok(Box::new(SimFile { disk: self.clone(), number, locked: false }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.enter(Operation::Rename)?;
        state.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.enter(Operation::Remove)?;
        let number = state.find(path)?;
        state.plain(number)?;
        state.remove(path)
    }

    fn remove_all(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.enter(Operation::Remove)?;
        state.remove(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.enter(Operation::SyncDir)?;
        state.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Handle>>> {
        let mut state = self.state();
        state.enter(Operation::Read)?;
        let number = state.find(path)?;
        let plain = state.plain_mut(number)?;
        if std::mem::replace(&mut plain.locked, true) {
            return Ok(None);
        }
        Ok(Some(Box::new(SimFile { disk: self.clone(), number, locked: true })))
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        let mut state = self.state();
        state.enter(Operation::Read)?;
        let number = state.find(path)?;
        Ok(state.plain(number)?.locked)
    }
}

/// A file open for writing; it lives on without a name.
#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    number: Number,
    locked: bool,
}

impl SimFile {
    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        match state.enter(Operation::Sync) {
            Ok(()) => state.sync(self.number),
            Err(error) if state.frozen => Err(error),
            Err(error) => state.forget(self.number).and(Err(error)),
        }
    }
}

impl Handle for SimFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        if let Err((error, keep)) = state.begin(Operation::Write) {
            let kept = &bytes[..keep.min(bytes.len())];
            return state.write(self.number, kept, offset).and(Err(error));
        }
        state.write(self.number, bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.enter(Operation::SetLen)?;
        state.set_len(self.number, len)
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = self.disk.state();
        state.enter(Operation::Read)?;
        Ok(state.plain(self.number)?.live.len() as u64)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        if self.locked
            && let Ok(plain) = self.disk.state().plain_mut(self.number)
        {
            plain.locked = false;
        }
    }
}
