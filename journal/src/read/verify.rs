//! Checking everything: each byte up to the head, and what stands behind it.

use crate::body::blob;
use crate::body::key_ring::{Ring, WRAP};
use crate::file::atomic_file::{TEMP, damaged, unread};
use crate::file::layer::{FileKind, FileLayer, Os, Root};
use crate::format::head::{HEAD, Head, Runs};
use crate::format::id::{self, ID_FILE};
use crate::format::layout::{self, BLOBS, INBOX, KEYS, SEGMENTS, TORN, blob_file, key_file, names, segment_file};
use crate::format::record::{Kind, Slot, Wrong};
use crate::read::reader::{OpenReadError, check_format};
use crate::read::segment::{Next, Scan};
use crate::write::lock::{self, LOCK, LockRecord};
use palinode_core::id::{BlobId, EntryId, RunId, Seq};
use palinode_core::port::{OwnerState, ReadError, Stored};
use palinode_core::record::{Event, HostKeys, Place, ShownStates};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Why a journal does not verify.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no journal, or none that this program reads.
    #[error(transparent)]
    Open(#[from] OpenReadError),
    /// Something is not as it was written, or cannot be read.
    #[error("the journal does not verify")]
    Damaged(#[from] ReadError),
}

impl VerifyError {
    /// The file and the offset of the first wrong byte, where they can be named.
    pub fn place(&self) -> Option<(&str, u64)> {
        match self {
            Self::Open(OpenReadError::Format { .. }) => Some((layout::FORMAT_FILE, 0)),
            Self::Open(OpenReadError::Read(error)) | Self::Damaged(error) => match error {
                ReadError::Damaged { file, offset, .. } => Some((file, *offset)),
                ReadError::Io { file, .. } => Some((file, 0)),
                ReadError::Missing(_) => None,
            },
            Self::Open(OpenReadError::None(_)) => None,
        }
    }
}

/// Something worth knowing that is no damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The last owner died while it wrote a batch; the next one cuts these bytes and keeps them.
    TornTail {
        /// The segment.
        file: String,
        /// Where the batch begins.
        offset: u64,
    },
    /// The last owner died, and one half of the head is not of its last write; the other one is sound. The next owner
    /// rewrites both.
    TornHead,
    /// A living owner is writing; what it wrote since we began was not looked at.
    Alive,
    /// A file that is no part of a journal.
    Unknown(String),
    /// Sound blobs that no entry names: their owner died before it recorded them.
    Unnamed(u64),
}

/// What was checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// How many were read and checked.
    pub entries: u64,
    /// How many appends they came in.
    pub batches: u64,
    /// Blobs.
    pub blobs: u64,
    /// Bytes of batches and blobs.
    pub bytes: u64,
    /// Runs opened.
    pub runs: u64,
    /// The last entry; none in an empty journal.
    pub last: Option<(Seq, EntryId)>,
    /// What else is worth knowing.
    pub notices: Vec<Notice>,
}

/// Checks the whole journal. A changed bit anywhere up to the head is an error that names file and offset.
pub fn verify(dir: &Path) -> Result<Verified, VerifyError> {
    verify_on(Os::shared(), dir)
}

/// [`verify`] on a layer.
pub fn verify_on(files: Arc<dyn FileLayer>, dir: &Path) -> Result<Verified, VerifyError> {
    let root = &Root::new(files, dir);
    let minor = check_format(root)?;
    let state = lock::look(root)?;
    let alive = matches!(state, OwnerState::Alive { .. });
    slots::<LockRecord>(root, &LOCK, alive)?;
    let (heads, torn) = match (slots::<Head>(root, &HEAD, alive), &state) {
        (Ok(heads), _) => (heads.into(), false),
        // The head is not synced, so its owner's death may have mixed its halves.
        (Err(error), OwnerState::Dead { .. }) => (sound::<Head>(root, &HEAD).ok_or(error)?, true),
        (Err(error), _) => return Err(error.into()),
    };
    let newest = heads.last().map(|slot| slot.value.clone()).unwrap_or_default();
    // Whoever takes a journal up to a newer minor may die between the two halves of the head.
    let fits = |head: &Slot<Head>| head.value.format.1 == minor || (torn && minor < head.value.format.1);
    if !heads.iter().any(fits) {
        let what = "it names another version than the head";
        return Err(damaged(layout::FORMAT_FILE, Wrong::at(0, what)).into());
    }
    id::read(root, minor)?;
    let heads = heads.into_iter().map(|slot| slot.value).collect();
    let mut walk = Walk { state, alive, head: newest, heads, ..Walk::new(root) };
    walk.found.notices.extend(torn.then_some(Notice::TornHead));
    walk.segments()?;
    walk.blobs()?;
    walk.keys()?;
    for name in names(root, ".")? {
        let known =
            [layout::FORMAT_FILE, ID_FILE, LOCK.file, HEAD.file, SEGMENTS, BLOBS, KEYS, INBOX, TORN, layout::JOBS];
        if !known.contains(&name.as_str())
            && !["checkpoints", "index", layout::CLAIMS, layout::DIAGNOSTICS].contains(&name.as_str())
        {
            walk.found.notices.push(Notice::Unknown(name));
        }
    }
    if alive {
        walk.found.notices.push(Notice::Alive);
    }
    Ok(walk.found)
}

/// Both slots of a two-slot file, the older first. A live owner may be writing one, so then a second look is fair.
fn slots<T: DeserializeOwned>(root: &Root, kind: &Kind, alive: bool) -> Result<[Slot<T>; 2], ReadError> {
    let mut tries = if alive { 10 } else { 1 };
    loop {
        let bytes = root.read(kind.file).map_err(unread(kind.file))?;
        tries -= 1;
        let wrong = match kind.read::<T>(&bytes) {
            [Ok(a), Ok(b)] if a.generation + 1 == b.generation => return Ok([a, b]),
            [Ok(a), Ok(b)] if b.generation + 1 == a.generation => return Ok([b, a]),
            [Ok(_), Ok(_)] => Wrong::at(0, "its two halves are not of successive writes"),
            [Err(wrong), _] | [_, Err(wrong)] => wrong,
        };
        if tries == 0 {
            return Err(damaged(kind.file, wrong));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The sound slots of a two-slot file, the older first; none if neither is.
fn sound<T: DeserializeOwned>(root: &Root, kind: &Kind) -> Option<Vec<Slot<T>>> {
    let bytes = root.read(kind.file).ok()?;
    let mut found: Vec<_> = kind.read::<T>(&bytes).into_iter().flatten().collect();
    found.sort_by_key(|slot| slot.generation);
    (!found.is_empty()).then_some(found)
}

struct Walk<'a> {
    root: &'a Root,
    state: OwnerState,
    alive: bool,
    /// The newest head.
    head: Head,
    /// Those that have yet to be met on the way.
    heads: Vec<Head>,
    open: Runs,
    named: BTreeMap<BlobId, Seq>,
    families: BTreeSet<RunId>,
    found: Verified,
}

impl<'a> Walk<'a> {
    fn new(root: &'a Root) -> Self {
        Self {
            root,
            state: OwnerState::None,
            alive: false,
            head: Head::default(),
            heads: Vec::new(),
            open: Runs::default(),
            named: BTreeMap::new(),
            families: BTreeSet::new(),
            found: Verified::default(),
        }
    }

    fn segments(&mut self) -> Result<(), ReadError> {
        let list = layout::segments(self.root)?;
        let strange = list.strange.into_iter().map(|name| Notice::Unknown(format!("{SEGMENTS}/{name}")));
        self.found.notices.extend(strange);
        if list.firsts.first() != Some(&1) {
            return Err(damaged(&segment_file(1), Wrong::at(0, "the segment is missing")));
        }
        let mut scan = Scan::open(self.root, 1, None)?;
        self.meet(&scan)?;
        for (index, first) in list.firsts.iter().enumerate() {
            let file = segment_file(*first);
            if index > 0 {
                scan = Scan::open(self.root, *first, scan.prev)?;
            }
            let went_on = list.firsts.get(index + 1);
            if !self.segment(&mut scan, &file, went_on.is_some())? {
                return Ok(());
            }
            if let Some(next) = went_on.filter(|next| **next != scan.next) {
                let what = format!("it ends after entry {}, the next segment begins at {next}", scan.next - 1);
                return Err(damaged(&file, Wrong { offset: scan.offset(), what }));
            }
            if went_on.is_none() && scan.next <= self.head.seq.0 {
                let what = format!("it ends after entry {}, the head names entry {}", scan.next - 1, self.head.seq);
                return Err(damaged(&file, Wrong { offset: scan.offset(), what }));
            }
        }
        match self.heads.first() {
            None => Ok(()),
            Some(_) => Err(damaged(HEAD.file, Wrong::at(0, "it names a place where no batch ends"))),
        }
    }

    /// Walks one segment; false if the rest is a living owner's business.
    fn segment(&mut self, scan: &mut Scan, file: &str, went_on: bool) -> Result<bool, ReadError> {
        loop {
            let offset = scan.offset();
            if self.alive && scan.next > self.head.seq.0 && self.heads.is_empty() {
                return Ok(false);
            }
            match scan.next() {
                Next::Batch => {
                    self.found.batches += 1;
                    self.found.bytes += scan.offset() - offset;
                    while let Some(stored) = scan.entry(0) {
                        self.note(&stored.map_err(|wrong| damaged(file, wrong))?);
                    }
                    self.meet(scan)?;
                }
                Next::End => return Ok(true),
                Next::Broken(wrong) => {
                    let behind = !went_on && scan.next > self.head.seq.0;
                    if behind && lock::look(self.root)? != self.state {
                        return Ok(false);
                    }
                    let died = matches!(self.state, OwnerState::Dead { .. });
                    if !behind || !died || scan.later_commit() {
                        return Err(damaged(file, wrong));
                    }
                    self.found.notices.push(Notice::TornTail { file: file.to_owned(), offset });
                    return Ok(true);
                }
            }
        }
    }

    fn note(&mut self, stored: &Stored) {
        let entry = &stored.entry;
        self.open.apply(stored);
        self.found.entries += 1;
        self.found.last = Some((entry.seq, stored.id));
        for sealed in entry.bodies.values() {
            if let Place::Blob(id) = sealed.place {
                self.named.entry(id).or_insert(entry.seq);
            }
        }
        if let Event::RunOpened(opened) = &entry.event {
            self.found.runs += 1;
            self.named.entry(opened.plan_blob).or_insert(entry.seq);
            self.families.insert(opened.keys);
        }
        let (host_keys, found) = match &entry.event {
            Event::RunOpened(opened) => (opened.host_keys.as_ref(), opened.found.as_deref()),
            Event::OwnerChanged { host_keys, found, .. } => (host_keys.as_deref(), found.as_deref()),
            _ => (None, None),
        };
        for named in host_keys.into_iter().chain(found.and_then(|found| found.machines.as_ref())) {
            if let HostKeys::Blob(blob) = named {
                self.named.entry(*blob).or_insert(entry.seq);
            }
        }
        if let Some(ShownStates::Blob(blob)) = found.and_then(|found| found.shown.as_ref()) {
            self.named.entry(*blob).or_insert(entry.seq);
        }
        if let Event::RunClosed(closed) = &entry.event
            && let Some(lists) = closed.lists
        {
            self.named.entry(lists).or_insert(entry.seq);
        }
    }

    /// Compares the heads that name this end of a batch with what is there.
    fn meet(&mut self, scan: &Scan) -> Result<(), ReadError> {
        let (seq, id) = self.found.last.unwrap_or((Seq(0), EntryId([0; 32])));
        if self.heads.iter().all(|head| head.seq != seq) {
            return Ok(());
        }
        let open = self.open.list();
        let agrees = |head: &Head| {
            head.entry == id
                && (head.segment.0, head.offset) == (scan.first, scan.offset())
                && head.runs.as_ref().is_none_or(|runs| *runs == open)
        };
        if self.heads.iter().any(|head| head.seq == seq && !agrees(head)) {
            let what = format!("it does not agree with {} about entry {seq}", segment_file(scan.first));
            return Err(damaged(HEAD.file, Wrong::at(0, what)));
        }
        self.heads.retain(|head| head.seq != seq);
        Ok(())
    }

    fn blobs(&mut self) -> Result<(), ReadError> {
        let mut unnamed = 0;
        for folder in names(self.root, BLOBS)? {
            let shown = format!("{BLOBS}/{folder}");
            if !matches!(self.root.files.kind(&self.root.at(&shown)), Ok(Some(FileKind::Folder))) {
                if !folder.starts_with(TEMP) {
                    self.found.notices.push(Notice::Unknown(shown));
                }
                continue;
            }
            for name in names(self.root, &shown)? {
                let file = format!("{shown}/{name}");
                let Some(id) = name.parse().ok().filter(|id| blob_file(*id) == file) else {
                    self.found.notices.push(Notice::Unknown(file));
                    continue;
                };
                let bytes = self.root.read(&file).map_err(unread(&file))?;
                blob::check(id, &bytes)?;
                self.found.blobs += 1;
                self.found.bytes += bytes.len() as u64;
                unnamed += u64::from(self.named.remove(&id).is_none());
            }
        }
        if let Some((id, seq)) = self.named.first_key_value() {
            let what = format!("it is missing; entry {seq} names it");
            return Err(damaged(&blob_file(*id), Wrong::at(0, what)));
        }
        if unnamed > 0 && !self.alive {
            self.found.notices.push(Notice::Unnamed(unnamed));
        }
        Ok(())
    }

    fn keys(&mut self) -> Result<(), ReadError> {
        let ring = Ring::open(self.root)?;
        for name in names(self.root, KEYS)? {
            match name.parse::<RunId>() {
                Ok(run) => {
                    ring.load(self.root, run)?;
                    self.families.remove(&run);
                }
                Err(_) if name == WRAP || name.starts_with(TEMP) => {}
                Err(_) => self.found.notices.push(Notice::Unknown(format!("{KEYS}/{name}"))),
            }
        }
        match self.families.first() {
            None => Ok(()),
            Some(run) => Err(damaged(&key_file(*run), Wrong::at(0, "it is missing; an entry says that it was made"))),
        }
    }
}
