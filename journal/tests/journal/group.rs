//! Many writers, one committer: order, durability, and what everyone is told when a write fails.

use crate::support::{RUN, SMALL, draft, owner};
use palinode_core::id::{EntryId, Seq};
use palinode_core::port::{Journal, JournalRead, RecordError, Stored};
use palinode_core::record::{Class, Draft};
use palinode_journal::sim::{Bound, Operation, SimDisk};
use palinode_journal::{DiskJournal, GroupCommit, Options, create_on, verify_on};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, current, park, scope};

const ROOT: &str = "/journal";

fn new_disk() -> SimDisk {
    let disk = SimDisk::new();
    create_on(disk.layer(), Path::new(ROOT)).expect("creates");
    disk
}

fn open(disk: &SimDisk, pid: u32, options: Options) -> DiskJournal {
    DiskJournal::open_on(disk.layer(), Path::new(ROOT), owner(pid), options).expect("opens").journal
}

fn read(journal: &impl JournalRead) -> Vec<Stored> {
    journal.read(Seq(1)).and_then(Iterator::collect).expect("reads")
}

/// Wakes a thread that waits for a future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => park(),
        }
    }
}

/// What a writer does until it cannot record: the entries it was told of, and the error.
fn write(group: &GroupCommit, name: usize, count: usize) -> (Vec<(Seq, EntryId)>, Option<RecordError>) {
    let mut told = Vec::new();
    for number in 0..count {
        let drafts: Vec<Draft> = (0..=number % 3).map(|part| draft(&format!("{name} {number} {part}"))).collect();
        // Half of them wait as threads do, half as futures do.
        let done = group.append(drafts).and_then(|pending| match number % 2 {
            0 => pending.wait(),
            _ => block_on(pending),
        });
        match done {
            Ok(stored) => told.extend(stored.iter().map(|stored| (stored.entry.seq, stored.id))),
            Err(error) => return (told, Some(error)),
        }
    }
    (told, None)
}

#[test]
fn many_writers_get_one_history_and_it_is_durable_when_they_are_told() {
    let disk = new_disk();
    let mut journal = open(&disk, 1, SMALL);
    let before = journal.post(vec![draft("posted before")]).expect("posts");
    let group = GroupCommit::start(journal).expect("starts");
    let vault = group.create_keys(RUN).expect("keys");
    let blob = group.put_public(b"public").expect("a blob");
    let told: Vec<Vec<(Seq, EntryId)>> = scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|name| {
                scope.spawn({
                    let group = &group;
                    move || write(group, name, 30)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a writer ends").0).collect()
    });
    let mut entry = draft("with a body");
    let body = vault.seal(Class::Output, b"words").expect("seals");
    entry.bodies.extend([body]);
    let last = group.append(vec![entry]).expect("appends");
    assert_eq!(last.stored().len(), 1);
    let journal = group.finish().expect("finishes");
    // What was told is there although nobody closed the journal: its power is cut now.
    disk.freeze();
    drop(journal);
    for image in disk.images(Bound { all: 4, sample: 4, seed: 1 }).iter() {
        let journal = open(&image, 2, SMALL);
        let stored = read(&journal);
        let at = |seq: Seq| &stored[usize::try_from(seq.0 - 1).expect("few")];
        assert_eq!(at(before[0].entry.seq).id, before[0].id);
        for (seq, id) in told.iter().flatten() {
            assert_eq!(at(*seq).id, *id);
        }
        for one in &told {
            assert_eq!(one.len(), 60);
            assert!(one.is_sorted(), "each writer's entries stand in its order");
        }
        assert_eq!(stored.len(), 1 + 8 * 60 + 1);
        assert_eq!(journal.public(blob).expect("the blob"), b"public");
        drop(journal);
        verify_on(image.layer(), Path::new(ROOT)).expect("verifies");
    }
}

#[test]
fn a_failed_write_is_told_to_everyone_and_nothing_told_before_is_lost() {
    for operation in [Operation::Write, Operation::Sync] {
        for number in 1..30 {
            let disk = new_disk();
            let group = GroupCommit::start(open(&disk, 1, SMALL)).expect("starts");
            disk.fail(operation, disk.count(operation) + number);
            let ends: Vec<_> = scope(|scope| {
                let threads: Vec<_> = (0..4)
                    .map(|name| {
                        scope.spawn({
                            let group = &group;
                            move || write(group, name, 200)
                        })
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().expect("a writer ends")).collect()
            });
            let what = format!("{operation:?} {number}");
            for (_, error) in &ends {
                let error = error.as_ref().unwrap_or_else(|| unreachable!("{what}: a writer was told of no failure"));
                assert!(matches!(error, RecordError::Failed { .. } | RecordError::Poisoned), "{what}: {error:?}");
            }
            assert!(group.append(vec![draft("late")]).is_err(), "{what}");
            assert!(group.put_public(b"late").is_err(), "{what}");
            assert!(group.finish().is_err(), "{what}");
            let mut next = open(&disk.killed(), 2, SMALL);
            let stored = read(&next);
            for (seq, id) in ends.iter().flat_map(|(told, _)| told) {
                assert_eq!(stored[usize::try_from(seq.0 - 1).expect("few")].id, *id, "{what}");
            }
            next.append(vec![draft("the next owner's")]).expect("appends");
        }
    }
}
