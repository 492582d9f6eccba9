//! Both implementations keep the port's word; the one in memory keeps some of its own.

use crate::story::{empty, open_on, root};
use crate::support::{RUN, SMALL, all, copy, draft, new_journal, open, opened, owner};
use palinode_core::id::{BlobId, Epoch};
use palinode_core::port::{BodyError, Journal, JournalRead, RecordError};
use palinode_core::record::Class;
use palinode_journal::sim::{Bound, Operation};
use palinode_journal::test_util::conformance;
use palinode_journal::{DiskJournal, MemJournal, Options, create_on};
use std::cell::{Cell, RefCell};
use std::fs;

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
fn on_disk_across_crashes() {
    // A copy of the folder is what the next process finds: the cut comes before the append began, or behind its end.
    let (folder, root) = new_journal();
    let (place, round) = (RefCell::new(root.clone()), Cell::new(0));
    let checked = conformance::check_crashes(
        || open(&root, 1).journal,
        |mut journal, batch| {
            round.set(round.get() + 1);
            let next = folder.path().join(round.get().to_string());
            if round.get() % 4 == 0 {
                journal.append(batch).expect("appends");
            }
            copy(&place.borrow(), &next);
            place.replace(next.clone());
            open(&next, round.get()).journal
        },
    );
    checked.expect("conforms");
    // Each append of this one needs a new segment, and these names are in its way.
    let options = Options { segment_bytes: 1, ..SMALL };
    let (_folder, root) = new_journal();
    let checked = conformance::check_poisoning(
        || DiskJournal::open(&root, owner(1), options).expect("opens").journal,
        |_| (1..10).for_each(|seq| fs::create_dir(root.join(format!("segments/.tmp-{seq}"))).expect("a folder")),
    );
    checked.expect("conforms");
}

#[test]
fn on_a_simulated_disk() {
    let checked = conformance::check(|| {
        let disk = empty();
        create_on(disk.layer(), root()).expect("creates");
        let options = Options { segment_bytes: 1200, grow_bytes: 64, ..Options::default() };
        open_on(&disk, 1, options).expect("opens").journal
    });
    checked.expect("conforms");
    for seed in 0..24 {
        let disk = RefCell::new(empty());
        create_on(disk.borrow().layer(), root()).expect("creates");
        let checked = conformance::check_crashes(
            || open_on(&disk.borrow(), 1, SMALL).expect("opens").journal,
            |mut journal, batch| {
                let cut = disk.borrow().clone();
                if batch.is_empty() {
                    cut.freeze();
                } else {
                    cut.freeze_at_sync(cut.syncs() + 1 + seed % 3);
                    assert!(journal.append(batch).is_err() || !cut.is_frozen());
                    cut.freeze();
                }
                drop(journal);
                let images = cut.images(Bound { all: 64, sample: 9, seed });
                let image = images.get(seed as usize * 7 % images.len()).expect("an image");
                disk.replace(image.clone());
                open_on(&image, 2, SMALL).expect("opens").journal
            },
        );
        checked.unwrap_or_else(|broken| unreachable!("{seed}: {broken}"));
    }
    let disk = empty();
    create_on(disk.layer(), root()).expect("creates");
    let checked = conformance::check_poisoning(
        || open_on(&disk, 1, SMALL).expect("opens").journal,
        |_| disk.fail(Operation::Write, disk.count(Operation::Write) + 1),
    );
    checked.expect("conforms");
}

#[test]
fn in_memory() {
    for make in [MemJournal::new, MemJournal::with_fixed_keys] {
        conformance::check(|| make(owner(1))).expect("conforms");
        let checked =
            conformance::check_crashes(|| make(owner(1)), |journal, _| journal.crashed().taken_over(owner(2)));
        checked.expect("conforms");
        let spoil = |journal: &mut MemJournal| journal.fail_from(journal.appends());
        conformance::check_poisoning(|| make(owner(1)), spoil).expect("conforms");
    }
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
