//! The two states of every file and folder, and the changes between them.

use super::operation::Operation;
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path};

/// The unit in which a disk writes: all of it or nothing.
pub(super) const SECTOR: usize = 512;

/// A file's or folder's number.
pub(super) type Number = usize;

#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) operation: Operation,
    pub(super) number: u64,
    /// Of a write: so many bytes are written nevertheless.
    pub(super) keep: usize,
}

/// A change of a file that is not durable yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// Its length.
    Size(usize),
    /// What a sector holds, zeros behind the end of the file.
    Sector(usize, Vec<u8>),
}

/// A change of a folder that is not durable yet.
#[derive(Debug, Clone)]
pub(super) enum Naming {
    Link(OsString, Number),
    Unlink(OsString),
    Rename(OsString, OsString, Number),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Plain {
    pub(super) live: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) pending: Vec<(u64, Change)>,
    pub(super) locked: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Folder {
    pub(super) live: BTreeMap<OsString, Number>,
    pub(super) durable: BTreeMap<OsString, Number>,
    pub(super) pending: Vec<(u64, Naming)>,
}

#[derive(Debug, Clone)]
pub(super) enum Node {
    Plain(Plain),
    Folder(Folder),
}

#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(super) nodes: Vec<Node>,
    /// Numbers the changes in the order in which they were made.
    clock: u64,
    pub(super) counts: [u64; Operation::ALL.len()],
    pub(super) faults: Vec<Fault>,
    pub(super) freeze_at_sync: Option<u64>,
    pub(super) freeze_at_operation: Option<u64>,
    pub(super) frozen: bool,
    pub(super) capacity: Option<u64>,
}

impl Default for State {
    fn default() -> Self {
        Self::of(vec![Node::Folder(Folder::default())])
    }
}

pub(super) fn error(of: Errno) -> io::Error {
    of.into()
}

impl Folder {
    pub(super) fn apply(names: &mut BTreeMap<OsString, Number>, naming: &Naming) {
        match naming {
            Naming::Link(name, number) => drop(names.insert(name.clone(), *number)),
            Naming::Unlink(name) => drop(names.remove(name)),
            Naming::Rename(from, to, number) => {
                names.remove(from);
                names.insert(to.clone(), *number);
            }
        }
    }

    fn change(&mut self, at: u64, naming: Naming) {
        Self::apply(&mut self.live, &naming);
        self.pending.push((at, naming));
    }
}

impl Plain {
    /// Puts changes into bytes: the last size counts, and what sectors hold behind it does not.
    pub(super) fn apply<'a>(bytes: &mut Vec<u8>, changes: impl Iterator<Item = &'a Change>) {
        let mut size = bytes.len();
        for change in changes {
            match change {
                Change::Size(length) => size = *length,
                Change::Sector(index, held) => {
                    let start = index * SECTOR;
                    bytes.resize(bytes.len().max(start + SECTOR), 0);
                    bytes[start..start + SECTOR].copy_from_slice(held);
                }
            }
        }
        bytes.resize(size, 0);
    }

    fn sector(&self, index: usize) -> Vec<u8> {
        let start = (index * SECTOR).min(self.live.len());
        let end = (start + SECTOR).min(self.live.len());
        let mut held = self.live[start..end].to_vec();
        held.resize(SECTOR, 0);
        held
    }

    /// Notes the sectors of a range, and the length if it is another.
    fn changed(&mut self, at: u64, was: usize, start: usize, end: usize) {
        for index in start / SECTOR..end.div_ceil(SECTOR) {
            let held = self.sector(index);
            self.pending.push((at, Change::Sector(index, held)));
        }
        if self.live.len() != was {
            self.pending.push((at, Change::Size(self.live.len())));
        }
    }
}

impl State {
    pub(super) fn of(nodes: Vec<Node>) -> Self {
        Self {
            nodes,
            clock: 0,
            counts: Default::default(),
            faults: Vec::new(),
            freeze_at_sync: None,
            freeze_at_operation: None,
            frozen: false,
            capacity: None,
        }
    }

    pub(super) fn killed(&self) -> Self {
        let mut nodes = self.nodes.clone();
        for node in &mut nodes {
            if let Node::Plain(plain) = node {
                plain.locked = false;
            }
        }
        Self { clock: self.clock, ..Self::of(nodes) }
    }

    pub(super) fn used(&self) -> u64 {
        let mut found = BTreeSet::new();
        let mut folders = vec![0];
        let mut used = 0;
        while let Some(folder) = folders.pop() {
            for number in self.folder(folder).map(|folder| folder.live.values()).into_iter().flatten() {
                match &self.nodes[*number] {
                    Node::Plain(plain) if found.insert(*number) => used += plain.live.len() as u64,
                    Node::Folder(_) => folders.push(*number),
                    Node::Plain(_) => {}
                }
            }
        }
        used
    }

    /// Counts an operation; fails if it is to fail. Of a failing write, the bytes that are written nevertheless.
    pub(super) fn begin(&mut self, operation: Operation) -> Result<(), (io::Error, usize)> {
        let cut = || (io::Error::other("the power is cut"), 0);
        if self.frozen {
            return Err(cut());
        }
        self.counts[operation as usize] += 1;
        let number = self.counts[operation as usize];
        let syncs = self.counts[Operation::Sync as usize] + self.counts[Operation::SyncDir as usize];
        let is_sync = matches!(operation, Operation::Sync | Operation::SyncDir);
        self.frozen = (is_sync && self.freeze_at_sync == Some(syncs))
            || self.freeze_at_operation == Some(self.counts.iter().sum::<u64>());
        if self.frozen {
            return Err(cut());
        }
        match self.faults.iter().find(|fault| fault.operation == operation && fault.number == number) {
            Some(fault) => Err((error(Errno::IO), fault.keep)),
            None => Ok(()),
        }
    }

    /// [`Self::begin`] for what is not a write.
    pub(super) fn enter(&mut self, operation: Operation) -> io::Result<()> {
        self.begin(operation).map_err(|(error, _)| error)
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    pub(super) fn folder(&self, number: Number) -> io::Result<&Folder> {
        match &self.nodes[number] {
            Node::Folder(folder) => Ok(folder),
            Node::Plain(_) => Err(error(Errno::NOTDIR)),
        }
    }

    fn folder_mut(&mut self, number: Number) -> io::Result<&mut Folder> {
        match &mut self.nodes[number] {
            Node::Folder(folder) => Ok(folder),
            Node::Plain(_) => Err(error(Errno::NOTDIR)),
        }
    }

    pub(super) fn plain(&self, number: Number) -> io::Result<&Plain> {
        match &self.nodes[number] {
            Node::Plain(plain) => Ok(plain),
            Node::Folder(_) => Err(error(Errno::ISDIR)),
        }
    }

    pub(super) fn plain_mut(&mut self, number: Number) -> io::Result<&mut Plain> {
        match &mut self.nodes[number] {
            Node::Plain(plain) => Ok(plain),
            Node::Folder(_) => Err(error(Errno::ISDIR)),
        }
    }

    /// What a path leads to. There are no links here, and the working folder is `/`.
    pub(super) fn find(&self, path: &Path) -> io::Result<Number> {
        let mut trail = vec![0];
        for part in path.components() {
            let here = trail.last().copied().unwrap_or(0);
            match part {
                Component::Normal(name) => {
                    let next = self.folder(here)?.live.get(name);
                    trail.push(*next.ok_or_else(|| error(Errno::NOENT))?);
                }
                Component::ParentDir if trail.len() > 1 => drop(trail.pop()),
                _ => {}
            }
        }
        Ok(trail.last().copied().unwrap_or(0))
    }

    /// The folder of a path, and the name in it.
    fn split(&self, path: &Path) -> io::Result<(Number, OsString)> {
        let name = path.file_name().ok_or_else(|| error(Errno::INVAL))?;
        let parent = self.find(path.parent().unwrap_or_else(|| Path::new("/")))?;
        self.folder(parent)?;
        Ok((parent, name.to_owned()))
    }

    pub(super) fn make(&mut self, path: &Path, node: Node) -> io::Result<Number> {
        let (parent, name) = self.split(path)?;
        if self.folder(parent)?.live.contains_key(&name) {
            return Err(error(Errno::EXIST));
        }
        if self.capacity.is_some_and(|capacity| self.used() >= capacity) {
            return Err(error(Errno::NOSPC));
        }
        let (number, at) = (self.nodes.len(), self.tick());
        self.nodes.push(node);
        self.folder_mut(parent)?.change(at, Naming::Link(name, number));
        Ok(number)
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        let (parent, name) = self.split(path)?;
        if !self.folder(parent)?.live.contains_key(&name) {
            return Err(error(Errno::NOENT));
        }
        let at = self.tick();
        self.folder_mut(parent)?.change(at, Naming::Unlink(name));
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let number = self.find(from)?;
        let (old, name) = self.split(from)?;
        let (new, other) = self.split(to)?;
        if let Some(there) = self.folder(new)?.live.get(&other) {
            match (&self.nodes[number], &self.nodes[*there]) {
                (Node::Folder(_), Node::Plain(_)) => return Err(error(Errno::NOTDIR)),
                (Node::Plain(_), Node::Folder(_)) => return Err(error(Errno::ISDIR)),
                (_, Node::Folder(folder)) if !folder.live.is_empty() => return Err(error(Errno::NOTEMPTY)),
                _ => {}
            }
        }
        let at = self.tick();
        if old == new {
            self.folder_mut(old)?.change(at, Naming::Rename(name, other, number));
        } else {
            self.folder_mut(new)?.change(at, Naming::Link(other, number));
            let at = self.tick();
            self.folder_mut(old)?.change(at, Naming::Unlink(name));
        }
        Ok(())
    }

    pub(super) fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        let number = self.find(path)?;
        let folder = self.folder_mut(number)?;
        folder.durable = folder.live.clone();
        folder.pending.clear();
        Ok(())
    }

    pub(super) fn write(&mut self, number: Number, bytes: &[u8], offset: u64) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let was = self.plain(number)?.live.len();
        let room = self.capacity.map(|capacity| capacity.saturating_sub(self.used()));
        let room = room.map_or(usize::MAX, |room| usize::try_from(room).unwrap_or(usize::MAX));
        let fits = was.saturating_add(room).saturating_sub(offset).min(bytes.len());
        let end = offset + fits;
        let at = self.tick();
        let plain = self.plain_mut(number)?;
        if fits > 0 {
            plain.live.resize(was.max(end), 0);
            plain.live[offset..end].copy_from_slice(&bytes[..fits]);
            // A write behind the end leaves a hole of zeros, whose sectors hold nothing to be written.
            plain.changed(at, was, offset, end);
        }
        if fits < bytes.len() { Err(error(Errno::NOSPC)) } else { Ok(()) }
    }

    pub(super) fn set_len(&mut self, number: Number, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        let at = self.tick();
        let plain = self.plain_mut(number)?;
        let was = plain.live.len();
        plain.live.resize(len, 0);
        plain.changed(at, was, len.min(was), was);
        Ok(())
    }

    pub(super) fn sync(&mut self, number: Number) -> io::Result<()> {
        let plain = self.plain_mut(number)?;
        let pending = std::mem::take(&mut plain.pending);
        Plain::apply(&mut plain.durable, pending.iter().map(|(_, change)| change));
        Ok(())
    }

    /// The sync failed: nothing of what was written is durable, and no later sync makes it so.
    pub(super) fn forget(&mut self, number: Number) -> io::Result<()> {
        self.plain_mut(number)?.pending.retain(|(_, change)| matches!(change, Change::Size(_)));
        Ok(())
    }
}
