//! Reading everything back: verify and strict replay, against a bare loop that hashes and decodes the same entries.

use crate::driver;
use crate::rounds::{Figures, goal, ratio, rounds, table};
use palinode_core::record::{Entry, entry_id};
use palinode_core::run::history::History;
use palinode_journal::{DiskJournal, JournalReader, Options, create, verify};
use palinode_replay::strict::strict;
use palinode_tests::owner::owner;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Steps of the run that is read; each leaves an intent and an outcome.
const STEPS: usize = 20_000;

/// Keeps this thread, and those it starts, on one core until it is dropped.
struct OneCore(CpuSet);

impl OneCore {
    fn hold() -> Self {
        let all = sched_getaffinity(None).expect("the cores are known");
        let first = (0..CpuSet::MAX_CPU).find(|core| all.is_set(*core)).expect("there is a core");
        let mut one = CpuSet::new();
        one.set(first);
        sched_setaffinity(None, &one).expect("a thread can stay on one core");
        Self(all)
    }
}

impl Drop for OneCore {
    fn drop(&mut self) {
        sched_setaffinity(None, &self.0).expect("a thread can go back to all cores");
    }
}

/// Reads the segments, and hashes and decodes every entry in them; how many there were.
fn bare(root: &Path) -> u64 {
    let mut count = 0;
    let mut names: Vec<_> =
        fs::read_dir(root.join("segments")).expect("segments").map(|item| item.expect("a segment").path()).collect();
    names.sort();
    for name in names {
        let bytes = fs::read(name).expect("a segment");
        let mut at = 0;
        while let Some(length) =
            bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).map(|four| u32::from_le_bytes(*four))
        {
            match length {
                0 => break,
                u32::MAX => at += 8 + 8 + 4 + 32,
                length => {
                    let entry = &bytes[at + 8..at + 8 + length as usize];
                    std::hint::black_box(entry_id(entry));
                    std::hint::black_box(rmp_serde::from_slice::<Entry>(entry).expect("an entry"));
                    count += 1;
                    at += 8 + length as usize;
                }
            }
        }
    }
    count
}

pub(crate) fn run() {
    println!("reading {} entries back, one core, warm cache", 2 * STEPS + 2);
    let _one = OneCore::hold();
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
    let root = dir.path().join("journal");
    create(&root).expect("a journal can be made");
    let mut journal = DiskJournal::open(&root, owner(1), Options::default()).expect("opens").journal;
    driver::drive(&mut journal, STEPS, 8);
    journal.close().expect("closes");
    let entries = bare(&root);
    let rate = |count: u64, began: Instant| count as f64 / 1e3 / began.elapsed().as_secs_f64();
    let mut loops = || {
        let began = Instant::now();
        rate(bare(&root), began)
    };
    let mut verifies = || {
        let began = Instant::now();
        rate(verify(&root).expect("verifies").entries, began)
    };
    let mut folds = || {
        let began = Instant::now();
        let history = History::load(&JournalReader::open(&root).expect("opens")).expect("folds");
        rate(history.seq.0, began)
    };
    let mut replays = || {
        let began = Instant::now();
        let reader = JournalReader::open(&root).expect("opens");
        rate(strict(&reader, None).expect("replays").entries, began)
    };
    assert_eq!(verify(&root).expect("verifies").entries, entries);
    let figures: Vec<Figures> = rounds(&mut [
        ("BLAKE3 and rmp-serde decode", &mut loops),
        ("verify", &mut verifies),
        ("strict replay", &mut replays),
        ("fold alone (resume, rollback)", &mut folds),
    ]);
    print!("{}", table("thousand entries/s", &figures));
    let found = ratio(&figures[1], &figures[0]);
    goal("verify over the bare loop", found, found.0 >= 0.6, "at least 0.6");
    let found = ratio(&figures[2], &figures[0]);
    goal("strict replay over the bare loop", found, found.0 >= 0.3, "at least 0.3");
}
