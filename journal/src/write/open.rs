//! Opening for writing: take the lock, find the end, cut a torn tail, say what was found.

use crate::file::atomic_file::{self, damaged, sweep, unread};
use crate::file::layer::{FileLayer, Os, Root};
use crate::format::batch::Tip;
use crate::format::head::{HEAD, Head, Runs, newest};
use crate::format::id;
use crate::format::layout::{self, BLOBS, KEYS, LOG, SEGMENTS, TORN, segment_file};
use crate::format::record::{Slot, TOO_FAR, Wrong};
use crate::read::reader::{JournalReader, OpenReadError, check_format};
use crate::read::segment::{Next, Scan};
use crate::write::disk::DiskJournal;
use crate::write::lock::{self, Lock, LockRecord};
use crate::write::options::Options;
use crate::write::tail::{Current, Tail};
use palinode_core::id::{EntryId, Epoch, Seq};
use palinode_core::port::{self, OwnedBy, OwnerState, Previous, ReadError, Torn};
use palinode_core::record::{FORMAT, Owner};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tracing::{info, warn};

/// Why a journal could not be opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot even be read.
    #[error(transparent)]
    Read(#[from] OpenReadError),
    /// Written by a newer version: writing into it would lose what that version knows.
    #[error("the journal has format {}.{found}, this program writes {}.{}; use the newer palinode", FORMAT.0, FORMAT.0, FORMAT.1)]
    Newer {
        /// Its minor version.
        found: u32,
    },
    /// A living process owns it.
    #[error(transparent)]
    Owned(OwnedBy),
    /// A write failed while opening.
    #[error(
        "cannot write {file} while opening the journal; see that the disk has room and is writable, then try again"
    )]
    Write {
        /// The file or folder.
        file: String,
        /// What the layer below said.
        #[source]
        cause: io::Error,
    },
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        Self::Read(error.into())
    }
}

/// A journal that was opened, and what was found.
pub type Opened = port::Opened<DiskJournal>;

/// Where a scan ended.
struct End {
    tip: Tip,
    /// Segment and offset of the end of the last batch.
    place: (u64, u64),
    epoch: Epoch,
    runs: Runs,
    scan: Scan,
    broken: Option<Wrong>,
}

impl DiskJournal {
    /// Opens the journal in this directory for writing, as this process.
    pub fn open(dir: &Path, owner: Owner, options: Options) -> Result<Opened, OpenError> {
        Self::open_on(Os::shared(), dir, owner, options)
    }

    /// [`Self::open`] on a layer.
    pub fn open_on(files: Arc<dyn FileLayer>, dir: &Path, owner: Owner, options: Options) -> Result<Opened, OpenError> {
        let root = Root::new(files, dir);
        let minor = check_format(&root)?;
        if minor > FORMAT.1 {
            return Err(OpenError::Newer { found: minor });
        }
        let Some(mut lock) = Lock::acquire(&root)? else {
            let (owner, epoch) = match lock::look(&root)? {
                OwnerState::Alive { owner, epoch } => (owner, epoch),
                OwnerState::Dead { epoch, .. } => (None, epoch),
                OwnerState::None => (None, Epoch(0)),
            };
            let pid = owner.as_ref().map(|owner: &Owner| owner.pid);
            warn!(target: LOG, epoch = epoch.0, pid, "journal is owned by another process");
            return Err(OpenError::Owned(OwnedBy { owner, epoch }));
        };
        let before = lock.record.clone();
        let slot: Slot<Head> = newest(&HEAD, || root.read(HEAD.file))
            .map_err(unread(HEAD.file))?
            .map_err(|wrong| damaged(HEAD.file, wrong))?;
        let end = find_end(&root, &slot.value, before.released)?;
        let Epoch(last) = before.epoch.max(end.epoch);
        if last >= TOO_FAR {
            return Err(damaged(lock::LOCK.file, Wrong::at(0, format!("no journal had an epoch {last}"))).into());
        }
        let epoch = Epoch(last + 1);
        let write = |file: &str| {
            let file = file.to_owned();
            move |cause| OpenError::Write { file, cause }
        };
        let record = LockRecord { owner: Some(owner.clone()), epoch, released: false };
        lock.write(record).map_err(write(lock::LOCK.file))?;
        for folder in [SEGMENTS, BLOBS, KEYS] {
            // A process that died may have left names unsynced that this one is going to rely on.
            sweep(&root, folder).and_then(|()| root.sync_dir(folder)).map_err(write(folder))?;
        }
        sync_name(&root).map_err(write("the folder that holds the journal"))?;
        let segment = segment_file(end.scan.first);
        let (current, torn) = settle(&root, &slot.value, &end).map_err(write(&segment))?;
        let head_file = root.open(HEAD.file).map_err(write(HEAD.file))?;
        let (generation, place) = (slot.generation, end.place);
        let opened = [(lock::LOCK.file, lock.identity()), (HEAD.file, head_file.identity())];
        let opened = opened.into_iter().map(|(file, identity)| Ok((file, identity.map_err(write(file))?)));
        let opened = opened.collect::<Result<_, OpenError>>()?;
        let mut tail = Tail { root: root.clone(), options, head_file, generation, current, end: place, opened };
        // Both, so that a slot that was cut short is made good; one at a time, so that the other is there meanwhile.
        let mut write_head = || {
            let written = tail.write_head(end.tip, end.runs.list()).and_then(|()| tail.head_file.sync_data());
            written.map_err(write(HEAD.file))
        };
        write_head()?;
        let id = match id::read(&root, minor)? {
            Some(id) => id,
            // Durable before the format says that every journal has one.
            None => id::give(&root).map_err(write(id::ID_FILE))?,
        };
        if minor < FORMAT.1 {
            // Before anything that an older writer would not know. At every moment one half of the head says the same.
            let text = layout::format_text();
            let taken_up = atomic_file::place(&root, SEGMENTS, ".", layout::FORMAT_FILE, text.as_bytes());
            taken_up.map_err(write(layout::FORMAT_FILE))?;
        }
        write_head()?;
        let journal = DiskJournal {
            reader: JournalReader::at(root),
            id,
            options,
            lock,
            owner,
            tail: Arc::new(Mutex::new(tail)),
            tip: end.tip,
            runs: end.runs,
            builder: Default::default(),
            posted: Default::default(),
            poisoned: Default::default(),
            closed: false,
        };
        let LockRecord { owner, epoch, released } = before;
        let previous = owner.map(|owner| Previous { owner, epoch, released });
        let (seq, pid) = (journal.tip.seq.0, previous.as_ref().map(|previous| previous.owner.pid));
        let torn_bytes = torn.as_ref().map(|torn: &Torn| torn.bytes);
        info!(target: LOG, epoch = journal.lock.record.epoch.0, seq, previous_pid = pid, released, torn_bytes, "journal opened");
        Ok(Opened { journal, previous, torn })
    }
}

/// Reads from the head's segment to the end, and tells a torn tail from damage.
fn find_end(root: &Root, head: &Head, released: bool) -> Result<End, ReadError> {
    let mut segments = layout::segments(root)?.firsts;
    segments.retain(|first| *first >= head.segment.0);
    if segments.first() != Some(&head.segment.0) {
        return Err(damaged(&segment_file(head.segment.0), Wrong::at(0, "the segment is missing")));
    }
    let none = EntryId([0; 32]);
    let mut end = End {
        tip: Tip { seq: Seq(0), id: none },
        place: (head.segment.0, head.offset),
        epoch: Epoch(0),
        runs: head.runs.as_deref().map(Runs::new).unwrap_or_default(),
        scan: Scan::open(root, head.segment.0, None)?,
        broken: None,
    };
    let mut reached = head.seq.0 == 0 && head.offset == 0;
    for (index, first) in segments.iter().enumerate() {
        let file = segment_file(*first);
        if index > 0 {
            end.scan = Scan::open(root, *first, end.scan.prev)?;
        }
        end.broken = loop {
            match end.scan.next() {
                Next::Batch => {
                    while let Some(stored) = end.scan.entry(0) {
                        let stored = stored.map_err(|wrong| damaged(&file, wrong))?;
                        let seq = stored.entry.seq;
                        if seq == head.seq && stored.id != head.entry {
                            let what = format!("entry {seq} is not the one that the head names");
                            return Err(damaged(&file, Wrong { offset: end.scan.offset(), what }));
                        }
                        if seq > head.seq {
                            end.runs.apply(&stored);
                        }
                        end.epoch = end.epoch.max(stored.entry.epoch);
                        end.tip = Tip { seq, id: stored.id };
                    }
                    end.place = (*first, end.scan.offset());
                    reached |= end.tip.seq == head.seq && end.scan.offset() == head.offset && index == 0;
                }
                Next::End => break None,
                Next::Broken(wrong) => break Some(wrong),
            }
        };
        let went_on = segments.get(index + 1);
        if let Some(wrong) = &end.broken
            && (went_on.is_some() || !reached || released || end.scan.later_commit())
        {
            return Err(damaged(&file, wrong.clone()));
        }
        let offset = end.scan.offset();
        if !reached {
            let what = format!("it ends after entry {}, the head names entry {}", end.scan.next - 1, head.seq);
            return Err(damaged(&file, Wrong { offset, what }));
        }
        if let Some(next) = went_on.filter(|next| **next != end.scan.next) {
            let what = format!("it ends after entry {}, the next segment begins at {next}", end.scan.next - 1);
            return Err(damaged(&file, Wrong { offset, what }));
        }
    }
    if head.runs.is_none() {
        // Too many open runs for the head: they are collected from the whole history.
        for stored in JournalReader::at(root.clone()).entries(Seq(1))? {
            end.runs.apply(&stored?);
        }
    }
    Ok(end)
}

/// The process that made the journal may have died before its name was synced.
fn sync_name(root: &Root) -> io::Result<()> {
    match root.sync_dir("..") {
        // A folder that this user may not look into was not made by a process of theirs just now.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        done => done,
    }
}

/// Keeps and cuts a torn tail, and opens the last segment for writing.
fn settle(root: &Root, head: &Head, end: &End) -> io::Result<(Current, Option<Torn>)> {
    let offset = end.scan.offset();
    let file = root.open(segment_file(end.scan.first))?;
    let mut len = end.scan.len();
    let mut torn = None;
    if end.broken.is_some() {
        let rest = end.scan.rest();
        let length = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        torn = Some(keep(root, end.scan.next, &rest[..length])?);
        // Cut, not overwritten with zeros: a cut that is itself cut short leaves the tail whole or gone.
        file.set_len(offset)?;
        len = offset;
    }
    // Batches behind the head may be complete in memory only: their writer may have died before the sync, or poisoned
    // itself because the sync failed. Linux takes pages for clean after a failed one, so they are written again.
    let from = if head.segment.0 == end.scan.first { head.offset } else { 0 };
    file.write_all_at(end.scan.passed(from), from)?;
    file.sync_all()?;
    let identity = file.identity()?;
    Ok((Current { file, identity, first: end.scan.first, offset, len }, torn))
}

fn keep(root: &Root, seq: u64, bytes: &[u8]) -> io::Result<Torn> {
    let mut count = 0;
    let (name, file) = loop {
        let name = format!("{TORN}/{seq:020}-{count}.bin");
        match root.files.make_file(&root.at(&name)) {
            Ok(file) => break (name, file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => count += 1,
            Err(error) => return Err(error),
        }
    };
    file.write_all_at(bytes, 0)?;
    file.sync_all()?;
    root.sync_dir(TORN)?;
    Ok(Torn { file: name, bytes: bytes.len() as u64 })
}
