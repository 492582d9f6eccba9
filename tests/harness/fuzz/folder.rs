//! A whole journal on disk, changed in ways that bytes describe: verified, read, opened, written to.

use super::format;
use crate::memory::RUN;
use crate::owner::owner;
use palinode_core::id::{Micros, Seq, StepPath};
use palinode_core::port::{Journal, JournalRead};
use palinode_core::record::{Draft, Event};
use palinode_journal::{DiskJournal, JournalReader, Options, verify};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// The files of a journal, by their names in it.
type Files = BTreeMap<String, Vec<u8>>;

/// Segments and growth so small that a few entries fill several.
const SMALL: Options = Options { segment_bytes: 6000, grow_bytes: 2048, inline_bytes: 4096 };

/// How many entries the journal has.
const ENTRIES: usize = 14;

/// A folder in memory, where there is such a place and nobody wants another.
pub(super) fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    let free = std::env::var_os("TMPDIR").is_none() && memory.is_dir();
    let made = if free { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder can be made")
}

struct Desk {
    folder: TempDir,
    /// The journal as it was written; its keys are chance, everything else about it is not.
    whole: Files,
}

thread_local! {
    static DESK: RefCell<Desk> = RefCell::new(Desk::new());
}

/// Nothing that is on disk lets verifying, reading or opening panic; no change that hides behind no checksum verifies;
/// what verifies can be read, opened and written to, and verifies again.
pub(super) fn folder(bytes: &[u8]) {
    DESK.with_borrow_mut(|desk| desk.check(bytes));
}

impl Desk {
    fn new() -> Self {
        let folder = scratch();
        let root = folder.path().join("journal");
        palinode_journal::create(&root).expect("a journal can be made");
        let mut journal = DiskJournal::open(&root, owner(1), SMALL).expect("it opens").journal;
        journal.create_keys(RUN).expect("keys can be made");
        for (draft, plan) in super::seeds::drafts().into_iter().take(ENTRIES) {
            if let Some(plan) = plan {
                journal.put_public(&plan).expect("the plan can be stored");
            }
            journal.append(vec![draft]).expect("it can be written");
        }
        journal.close().expect("it closes");
        let mut whole = Files::new();
        gather(&root, "", &mut whole);
        let found = verify(&root).expect("it verifies");
        assert_eq!(found.entries, ENTRIES as u64);
        assert!(whole.keys().filter(|name| name.starts_with("segments/")).count() > 2, "{:?}", whole.keys());
        Self { folder, whole }
    }

    fn check(&mut self, bytes: &[u8]) {
        let root = self.folder.path().join("journal");
        let mut files = self.whole.clone();
        let mended = change(&mut files, bytes);
        lay(&root, &files);
        let found = verify(&root);
        if found.is_ok() && !mended {
            assert!(told(&files) == told(&self.whole), "a change that nobody notices: {found:?}");
        }
        let read = read(&root);
        let found = found.ok();
        if let Some(found) = &found {
            assert_eq!(read, Some(found.entries), "what verifies can be read");
        }
        let written = write(&root);
        if let Some(found) = &found {
            assert!(written, "what verifies can be written to");
            let again = verify(&root).expect("what was written verifies");
            assert_eq!(again.entries, found.entries + 1);
        }
    }
}

fn gather(dir: &Path, name: &str, files: &mut Files) {
    for item in fs::read_dir(dir).expect("a folder can be read") {
        let item = item.expect("a folder can be read");
        let name = format!("{name}{}", item.file_name().to_string_lossy());
        if item.path().is_dir() {
            gather(&item.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(item.path()).expect("a file can be read"));
        }
    }
}

fn lay(root: &Path, files: &Files) {
    fs::remove_dir_all(root).expect("the folder can be removed");
    for folder in ["segments", "blobs", "keys", "inbox", "torn"] {
        fs::create_dir_all(root.join(folder)).expect("a folder can be made");
    }
    for (name, bytes) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
        fs::write(path, bytes).expect("a file can be written");
    }
}

/// What must be told apart: zeros at the end of a segment may be there or not, as may a last segment of nothing else,
/// and sequences begin at 1.
fn told(files: &Files) -> Files {
    let mut files = files.clone();
    files.remove("segments/00000000000000000000.seg");
    for (name, bytes) in &mut files {
        if name.starts_with("segments/") {
            let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            bytes.truncate(end);
        }
    }
    files.retain(|name, bytes| !bytes.is_empty() || !name.starts_with("segments/"));
    files
}

/// Carries out changes, each `what, file, place u16, length, bytes`; true if a checksum was put right after one.
fn change(files: &mut Files, mut bytes: &[u8]) -> bool {
    let mut mended = false;
    while let Some(([what, file, low, high, length], rest)) = bytes.split_first_chunk() {
        let (data, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        bytes = rest;
        let names: Vec<String> = files.keys().cloned().collect();
        let Some(name) = names.get(usize::from(*file) % names.len().max(1)) else { return mended };
        let content = files.entry(name.clone()).or_default();
        let place = usize::from(u16::from_le_bytes([*low, *high])) % (content.len() + 1);
        match what % 8 {
            0 => {
                content.resize(content.len().max(place + data.len()), 0);
                content[place..][..data.len()].copy_from_slice(data);
            }
            1 => content.truncate(place),
            2 => drop(content.splice(place..place, data.iter().copied())),
            3 => drop(files.remove(name)),
            4 if place < content.len() => content[place] ^= 1 << (length % 8),
            5 => mended |= mend(name, content),
            6 => *content = data.to_vec(),
            7 => {
                let copy = content.clone();
                files.insert(format!("segments/{place:020}.seg"), copy);
            }
            _ => {}
        }
    }
    mended
}

fn mend(name: &str, content: &mut [u8]) -> bool {
    let slots = |context: &str, size: usize, content: &mut [u8]| {
        format::slots(size).into_iter().for_each(|range| format::mend_record(context, content, range));
    };
    match name {
        "head" => slots("head", 1024, content),
        "lock" => slots("lock", 512, content),
        "keys/wrap" => format::mend_record("wrap", content, 0..content.len()),
        name if name.starts_with("keys/") => format::mend_record("keys", content, 0..content.len()),
        name if name.starts_with("segments/") => format::mend_segment(content, true),
        _ => return false,
    }
    true
}

/// How many entries can be read; none if it ends in an error.
fn read(root: &Path) -> Option<u64> {
    let reader = JournalReader::open(root).ok()?;
    let (head, owner, runs) = (reader.head(), reader.owner(), reader.open_runs());
    let mut count = 0;
    for stored in reader.read(Seq(1)).ok()? {
        let stored = stored.ok()?;
        count += 1;
        assert_eq!(stored.entry.seq, Seq(count), "no gaps");
        if let Event::RunOpened(opened) = &stored.entry.event {
            let _ = reader.public(opened.plan_blob);
            let _ = reader.vault(opened.keys);
        }
    }
    (head.is_ok() && owner.is_ok() && runs.is_ok()).then_some(count)
}

/// Opens it as the next owner, writes an entry and closes it.
fn write(root: &Path) -> bool {
    let Ok(opened) = DiskJournal::open(root, owner(2), SMALL) else { return false };
    let mut journal = opened.journal;
    let _ = journal.inbox();
    let event = Event::TimerFired { step: StepPath::new("host/step").expect("a path") };
    let draft = Draft { run: RUN, time: Micros(0), wall: None, event, bodies: BTreeMap::new() };
    journal.append(vec![draft]).is_ok() && journal.close().is_ok()
}
