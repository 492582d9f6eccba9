//! Files in the inbox of a journal: whoever may write there may write anything.

use super::format;
use crate::owner::owner;
use palinode_core::canon;
use palinode_core::port::{HandedDecision, Journal};
use palinode_journal::{DiskJournal, Options};
use std::cell::RefCell;
use std::fs;
use tempfile::TempDir;

const NAME: &str = "00001700000000000000-0123456789abcdef.handout";

struct Desk {
    folder: TempDir,
    journal: DiskJournal,
}

impl Desk {
    fn new() -> Self {
        let folder = super::folder::scratch();
        let root = folder.path().join("journal");
        palinode_journal::create(&root).expect("a journal can be made");
        let journal = DiskJournal::open(&root, owner(1), Options::default()).expect("it opens").journal;
        Self { folder, journal }
    }
}

thread_local! {
    static DESK: RefCell<Desk> = RefCell::new(Desk::new());
}

/// A file is a decision exactly if it is a record of one; everything else is set aside with a note, and nothing stays.
pub(super) fn inbox(bytes: &[u8]) {
    let Some((mode, bytes)) = bytes.split_first() else { return };
    let file = if mode % 2 == 1 { format::record("handout", bytes) } else { bytes.to_vec() };
    DESK.with_borrow_mut(|desk| desk.check(mode / 2 % 8 == 7, &file));
}

impl Desk {
    fn check(&mut self, misnamed: bool, file: &[u8]) {
        let root = self.folder.path().join("journal");
        let (inbox, torn) = (root.join("inbox"), root.join("torn"));
        let name = if misnamed { "decision" } else { NAME };
        fs::write(inbox.join(name), file).expect("the inbox can be written");
        let short = (file.len() <= 64 * 1024).then_some(file);
        let payload = short.and_then(|file| format::open_record("handout", file));
        let payload = payload.and_then(|(payload, rest)| rest.is_empty().then_some(payload));
        let expected = payload.and_then(|payload| canon::decode::<HandedDecision>(payload).ok()).filter(|_| !misnamed);
        let found = self.journal.inbox().expect("the inbox can be read");
        let decisions: Vec<_> = found.iter().map(|handed| &handed.decision).collect();
        assert_eq!(decisions, expected.iter().collect::<Vec<_>>());
        for handed in &found {
            assert_eq!(handed.name, NAME);
            self.journal.take(&handed.name).expect("it can be taken");
        }
        assert_eq!(fs::read_dir(&inbox).expect("reads").count(), 0, "nothing stays");
        let kept: Vec<_> = fs::read_dir(&torn).expect("reads").map(|item| item.expect("reads").path()).collect();
        assert_eq!(kept.len(), if expected.is_some() { 0 } else { 2 }, "{kept:?}");
        for path in kept {
            let is_note = path.extension().is_some_and(|end| end == "note");
            let read = fs::read(&path).expect("reads");
            assert!(if is_note { !read.is_empty() } else { read == file }, "{}", path.display());
            fs::remove_file(path).expect("it can be removed");
        }
    }
}
