//! Every operation fails once, and the disk is full at every size: the handle is poisoned, and the next owner finds
//! what was acknowledged.

use crate::story::{End, empty, refuses, tell};
use palinode_journal::create_on;
use palinode_journal::sim::{Bound, Operation, SimDisk};

/// What must hold of a disk whose trouble is over, also if its power is then cut.
fn mended(disk: &SimDisk, told: &crate::story::Told, end: Result<(), End>, what: &str) {
    match end {
        Ok(()) | Err(End::Close) => {}
        Err(End::Create(error)) => {
            // Only the last step, the sync of its name, leaves something: then it is whole.
            let there = disk.layer().kind(crate::story::root()).expect("looks").is_some();
            assert!(there || create_on(disk.layer(), crate::story::root()).is_ok(), "{what}: {error:?}");
        }
        Err(End::Open) => assert!(told.created, "{what}"),
        Err(End::Record(journal, error)) => {
            assert!(!matches!(error, palinode_core::port::RecordError::Poisoned), "{what}: {error:?}");
            refuses(journal);
        }
    }
    let mut taken = told.clone();
    taken.take_over(disk).unwrap_or_else(|wrong| unreachable!("{what}: {wrong}"));
    for image in disk.images(Bound { all: 4, sample: 2, seed: 3 }).iter() {
        taken.check(&image).unwrap_or_else(|wrong| unreachable!("{what}, then a power cut: {wrong}"));
    }
}

#[test]
fn any_operation_that_fails_poisons_and_loses_nothing() {
    let whole = empty();
    assert!(tell(&whole).1.is_ok());
    for operation in Operation::ALL.into_iter().filter(|operation| *operation != Operation::Read) {
        let count = whole.count(operation);
        let first = empty().count(operation);
        let mut stopped = 0;
        for number in first + 1..=count {
            let disk = empty();
            disk.fail(operation, number);
            let (told, end) = tell(&disk);
            // Handing in and taking out are not recording: they fail alone.
            assert!(end.is_err() || told.hitches > 0 || told.torn == 0, "{operation:?} {number}: nobody noticed");
            stopped += usize::from(end.is_err());
            mended(&disk, &told, end, &format!("{operation:?} {number}"));
        }
        println!("{operation:?}: {count} operations, {stopped} of them stopped the journal");
        assert!(stopped > 0 || matches!(operation, Operation::Remove | Operation::SetLen), "{operation:?}");
    }
}

#[test]
fn a_failed_read_loses_nothing_either() {
    let whole = empty();
    assert!(tell(&whole).1.is_ok());
    for number in empty().count(Operation::Read) + 1..=whole.count(Operation::Read) {
        let disk = empty();
        disk.fail(Operation::Read, number);
        let (told, end) = tell(&disk);
        drop(end);
        if told.created {
            let mut taken = told.clone();
            taken.take_over(&disk).unwrap_or_else(|wrong| unreachable!("read {number}: {wrong}"));
        }
    }
}

#[test]
fn a_full_disk_stops_it_at_any_byte_and_room_lets_it_go_on() {
    let whole = empty();
    assert!(tell(&whole).1.is_ok());
    let used = whole.used();
    let mut stopped = 0;
    for capacity in (0..used).step_by(31) {
        let disk = empty();
        disk.set_capacity(Some(capacity));
        let (told, end) = tell(&disk);
        assert!(end.is_err() || told.hitches > 0, "{capacity} of {used}");
        stopped += usize::from(end.is_err());
        disk.set_capacity(None);
        mended(&disk, &told, end, &format!("room for {capacity} of {used} bytes"));
    }
    println!("{used} bytes, stopped at {stopped} sizes");
}
