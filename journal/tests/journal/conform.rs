//! Both implementations keep the port's word; the one in memory keeps some of its own.

use crate::support::{RUN, all, draft, new_journal, opened, owner};
use palinode_core::event::Class;
use palinode_core::id::{BlobId, Epoch};
use palinode_core::port::{BodyError, Journal, JournalRead, RecordError};
use palinode_journal::{DiskJournal, MemJournal, Options, conformance};

#[test]
fn on_disk() {
    for options in [Options { segment_bytes: 1200, grow_bytes: 64, ..Options::default() }, Options::default()] {
        let mut kept = Vec::new();
        let checked = conformance::check(|| {
            let (folder, root) = new_journal();
            kept.push(folder);
            DiskJournal::open(&root, owner(1), options).expect("opens").journal
        });
        checked.expect("conforms");
    }
}

#[test]
fn in_memory() {
    conformance::check(|| MemJournal::new(owner(1))).expect("conforms");
    conformance::check(|| MemJournal::with_fixed_keys(owner(1))).expect("conforms");
}

#[test]
fn memory_fails_forgets_and_repeats_as_asked() {
    let story = || {
        let mut journal = MemJournal::with_fixed_keys(owner(1));
        let vault = journal.create_keys(RUN).expect("keys");
        let mut first = opened(RUN, BlobId([0; 32]));
        first.bodies.extend([vault.seal(Class::Words, b"because").expect("seals")]);
        journal.append(vec![first]).expect("appends");
        journal.post(vec![draft("lost")]).expect("posts");
        journal.fail_from(1);
        journal
    };
    let mut journal = story();
    assert_eq!(all(&journal), all(&story()), "the same story gives the same bytes");
    assert!(matches!(journal.append(vec![draft("x")]), Err(RecordError::Failed { .. })));
    assert!(matches!(journal.append(vec![draft("x")]), Err(RecordError::Poisoned)));
    assert!(matches!(journal.post(vec![draft("x")]), Err(RecordError::Poisoned)));
    assert_eq!((journal.len(), journal.crashed().len(), journal.truncated(0).len()), (2, 1, 0));
    let mut next = journal.crashed().taken_over(owner(2));
    let stored = next.append(vec![draft("y")]).expect("the copy is sound");
    assert_eq!((stored[0].entry.seq.0, stored[0].entry.epoch), (2, Epoch(2)));
    assert!(next.erase(RUN, Class::Words) && !next.erase(RUN, Class::Words));
    let first = all(&next).remove(0);
    let (id, sealed) = first.entry.bodies.first_key_value().expect("a body");
    let erased = next.vault(RUN).expect("a vault").open(*id, sealed);
    assert!(matches!(erased, Err(BodyError::Erased)));
    assert_eq!(journal.vault(RUN).expect("a vault").open(*id, sealed).expect("a snapshot keeps it"), b"because");
}
