//! A killed process: everything it had acknowledged is there, and the next owner goes on at once.

use crate::support::{all, draft, new_journal, open};
use palinode_core::port::Journal;
use palinode_journal::{JournalReader, OwnerState, verify};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const ROOT: &str = "PALINODE_TEST_VICTIM";

/// Not a test of its own: the process that the test below kills.
#[test]
#[ignore = "run by the test below"]
fn victim() {
    let Some(root) = std::env::var_os(ROOT).map(PathBuf::from) else { return };
    let mut journal = open(&root, std::process::id()).journal;
    loop {
        journal.post(vec![draft("posted")]).expect("posts");
        let stored = journal.append(vec![draft("a"), draft("b")]).expect("appends");
        println!("acknowledged {}", stored[1].entry.seq);
    }
}

#[test]
fn acknowledged_entries_survive_a_kill() {
    let (_folder, root) = new_journal();
    let reader = JournalReader::open(&root).expect("opens");
    for round in 1..=8u64 {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "kill::victim", "--ignored", "--nocapture"])
            .env(ROOT, &root)
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut acknowledged = lines
            .map(|line| line.expect("text"))
            .filter_map(|line| line.rsplit_once("acknowledged ").and_then(|(_, seq)| seq.parse::<usize>().ok()));
        acknowledged.nth(round as usize * 7).expect("works");
        child.kill().expect("kills");
        child.wait().expect("ends");
        let last = acknowledged.last();
        let OwnerState::Dead { owner, epoch } = reader.owner().expect("looks") else {
            unreachable!("the owner is dead")
        };
        assert_eq!((owner.pid, epoch.0), (child.id(), round));
        let entries = all(&reader);
        assert!(last.is_none_or(|seq| entries.len() >= seq), "{last:?} of {}", entries.len());
        assert!(entries.len().is_multiple_of(3), "batches are whole");
        assert_eq!(verify(&root).expect("verifies").entries, entries.len() as u64);
    }
    let opened = open(&root, 1);
    assert_eq!(opened.journal.epoch().0, 9);
    assert!(opened.previous.is_some_and(|previous| !previous.released));
}
