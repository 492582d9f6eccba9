//! One owner, many readers, and a box for what others have to say.

use crate::support::{SMALL, actor, all, closed, copy, draft, draft_of, new_journal, open, opened, owner};
use palinode_core::id::{BlobId, Epoch, RunId, Seq};
use palinode_core::port::{HandedDecision, Journal, JournalRead, OwnedBy, Verb};
use palinode_journal::{
    CreateError, DiskJournal, HandInError, JournalReader, OpenError, OpenReadError, OwnerState, Previous, create,
    find_root, hand_in, verify,
};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[test]
fn a_living_owner_is_left_alone_and_a_dead_one_is_taken_over() {
    let (folder, root) = new_journal();
    let reader = JournalReader::open(&root).expect("opens");
    assert_eq!(reader.owner().expect("looks"), OwnerState::None);
    let first = open(&root, 1);
    assert_eq!((first.previous, first.journal.epoch()), (None, Epoch(1)));
    let refused = DiskJournal::open(&root, owner(2), SMALL).err();
    assert!(
        matches!(&refused, Some(OpenError::Owned(OwnedBy { owner: Some(of), epoch: Epoch(1) })) if *of == owner(1))
    );
    let alive = OwnerState::Alive { owner: Some(owner(1)), epoch: Epoch(1) };
    assert_eq!(reader.owner().expect("looks"), alive);

    let dead = folder.path().join("dead");
    copy(&root, &dead);
    let state = JournalReader::open(&dead).expect("opens").owner().expect("looks");
    assert_eq!(state, OwnerState::Dead { owner: owner(1), epoch: Epoch(1) });
    let second = open(&dead, 2);
    assert_eq!(second.previous, Some(Previous { owner: owner(1), epoch: Epoch(1), released: false }));
    assert_eq!((second.journal.epoch(), second.journal.owner()), (Epoch(2), &owner(2)));

    first.journal.close().expect("closes");
    assert_eq!(reader.owner().expect("looks"), OwnerState::None);
    let third = open(&root, 3);
    assert_eq!(third.previous, Some(Previous { owner: owner(1), epoch: Epoch(1), released: true }));
    assert_eq!(third.journal.epoch(), Epoch(2));
}

#[test]
fn readers_and_verify_beside_a_writer_see_whole_batches() {
    let (_folder, root) = new_journal();
    let mut journal = open(&root, 1).journal;
    let (done, looks) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let reader = JournalReader::open(&root).expect("opens");
            while !done.load(Ordering::SeqCst) {
                let seen = all(&reader);
                assert!(seen.len().is_multiple_of(3), "batches are of three");
                assert!(seen.iter().enumerate().all(|(index, one)| one.entry.seq == Seq(index as u64 + 1)));
                let (head, _) = reader.head().expect("a head");
                assert!(reader.read(Seq(head.0 + 1)).expect("reads").all(|one| one.is_ok()));
                verify(&root).expect("verifies");
                looks.fetch_add(1, Ordering::SeqCst);
            }
        });
        // However busy the machine is, there are looks between the appends.
        for index in 0..20_000 {
            journal.append(vec![draft("a"), draft(&format!("{index}")), draft("c")]).expect("appends");
            if looking.is_finished() || index >= 300 && looks.load(Ordering::SeqCst) >= 5 {
                break;
            }
        }
        done.store(true, Ordering::SeqCst);
        looking.join().expect("no panic");
        assert!(looks.load(Ordering::SeqCst) >= 5);
    });
}

#[test]
fn open_runs_are_known_from_the_head() {
    let (folder, root) = new_journal();
    let mut journal = open(&root, 1).journal;
    let run = |number: u8| RunId([number; 8]);
    let reader = JournalReader::open(&root).expect("opens");
    // More than the head has room for: then they are read from the history.
    for number in 0..80 {
        journal.append(vec![opened(run(number), BlobId([0; 32])), draft("x")]).expect("appends");
        assert_eq!(reader.open_runs().expect("reads").len(), usize::from(number) + 1);
    }
    let dead = folder.path().join("dead");
    copy(&root, &dead);
    let next = open(&dead, 2).journal;
    assert_eq!(next.open_runs(), journal.open_runs());
    for number in 0..78 {
        journal.append(vec![closed(run(number))]).expect("appends");
    }
    journal.post(vec![closed(run(78))]).expect("posts");
    assert_eq!(reader.open_runs().expect("reads"), [(run(78), Seq(157)), (run(79), Seq(159))]);
    assert_eq!(journal.open_runs(), [(run(79), Seq(159))]);
}

#[test]
fn a_journal_is_private_and_found_from_below() {
    let (folder, root) = new_journal();
    let mode = |path: &str| fs::metadata(root.join(path)).expect("is there").permissions().mode() & 0o777;
    assert_eq!([mode(""), mode("keys"), mode("keys/wrap"), mode("head")], [0o700, 0o700, 0o600, 0o600]);
    let below = folder.path().join("a/b");
    fs::create_dir_all(&below).expect("folders");
    fs::create_dir(below.join(".palinode")).expect("a folder that is no journal");
    assert_eq!(find_root(&below), Some(root.clone()));
    assert!(matches!(create(&root), Err(CreateError::Exists(_))));
    assert!(matches!(create(&folder.path().join("no/where")), Err(CreateError::Io { .. })));
    assert!(matches!(JournalReader::open(&below), Err(OpenReadError::None(_))));
    assert_eq!(fs::read_dir(folder.path()).expect("reads").count(), 2, "nothing is left behind");
}

fn pause(reason: &str) -> HandedDecision {
    HandedDecision { run: RunId([1; 8]), verb: Verb::Pause, by: actor(), reason: Some(reason.to_owned()), seen: None }
}

#[test]
fn decisions_come_in_order_and_hostile_files_are_set_aside() {
    let (_folder, root) = new_journal();
    let mut journal = open(&root, 1).journal;
    let names: Vec<_> = (0..5).map(|index| hand_in(&root, &pause(&index.to_string())).expect("hands in")).collect();
    let inbox = root.join("inbox");
    let good = fs::read(inbox.join(&names[0])).expect("reads");
    fs::write(inbox.join("empty"), "").expect("writes");
    fs::write(inbox.join("long"), vec![0; 70_000]).expect("writes");
    fs::write(inbox.join("good content, bad name"), &good).expect("writes");
    fs::write(inbox.join(".tmp-half"), "half").expect("writes");
    symlink("/dev/zero", inbox.join("link")).expect("links");
    fs::create_dir(inbox.join("folder")).expect("a folder");
    fs::write(inbox.join(OsStr::from_bytes(b"\xff not text")), &good).expect("writes");
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if bit % 97 == 0 {
            fs::write(inbox.join(format!("{:020}-{bit:016x}.handout", 5)), bytes).expect("writes");
        }
    }
    let handed = journal.inbox().expect("reads");
    assert_eq!(handed.iter().map(|one| &one.name).collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
    assert_eq!(handed[3].decision, pause("3"));
    let left = |folder: &str| fs::read_dir(root.join(folder)).expect("reads").count();
    assert_eq!(left("inbox"), 6, "five decisions, one under construction");
    assert!(left("torn") >= 10 && left("torn").is_multiple_of(2), "each with its note");
    for bad in ["../head", "", ".", "/etc/passwd", "00000000000000000001-000000000000000g.handout"] {
        assert!(journal.take(bad).is_err(), "{bad}");
    }
    journal.take(&names[0]).expect("takes");
    journal.take(&names[0]).expect("is gone");
    assert_eq!(journal.inbox().expect("reads").len(), 4);
    assert!(matches!(hand_in(&root, &pause(&"x".repeat(70_000))), Err(HandInError::TooLong(_))));
    assert!(journal.append(vec![draft("x"), draft_of(RunId([1; 8]), draft("y").event)]).is_ok(), "nothing is poisoned");
}
