//! `status` in a cold process, on long journals beside a live writer that holds the index.

use crate::cold;
use crate::place;
use crate::rounds::{Figures, goal, rounds, table};
use palinode_journal::{DiskJournal, JournalReader, Options, index};
use palinode_tests::owner::owner;
use palinode_tests::synthetic;
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::path::Path;

/// Runs `status` in every round; its milliseconds, and the most memory of all rounds.
fn status(dir: &Path) -> (Figures, f64) {
    let mut memory: f64 = 0.0;
    let mut ours = || {
        let cost = cold::run(dir, &["--journal", "journal", "status"], 0);
        memory = memory.max(cost.mebibytes);
        cost.seconds * 1e3
    };
    let figures = rounds(&mut [("palinode status", &mut ours)]).remove(0);
    (figures, memory)
}

fn figure(of: &Figures) -> (f64, f64, f64) {
    let (least, most) = of.spread();
    (of.median(), least, most)
}

pub(crate) fn many_runs() {
    println!("status: 1,000,000 entries in 200 runs, the last one open, beside a live writer, the index held");
    let dir = place::folder("status-many");
    let root = dir.path().join("journal");
    synthetic::journal(&root, 200, 5_000);
    index::reindex(&JournalReader::open(&root).expect("opens")).expect("an index can be built");
    let writer = DiskJournal::open(&root, owner(2), Options::default()).expect("opens").journal;
    let held = File::open(root.join("index")).expect("the index");
    flock(&held, FlockOperation::NonBlockingLockExclusive).expect("nobody else has it");
    let (figures, memory) = status(dir.path());
    drop((writer, held));
    print!("{}", table("ms", std::slice::from_ref(&figures)));
    goal("ms in a cold process", figure(&figures), figures.median() <= 200.0, "at most 200 ms");
    goal("MiB at most", (memory, memory, memory), memory <= 100.0, "at most 100 MiB");
}

pub(crate) fn one_run() {
    println!("status: one run of 250,000, 500,000 and 1,000,000 entries");
    let mut all = Vec::new();
    for entries in [250_000, 500_000, 1_000_000] {
        let dir = place::folder("status-one");
        synthetic::journal(&dir.path().join("journal"), 1, entries);
        let (figures, memory) = status(dir.path());
        println!("  {entries} entries: {memory:.0} MiB at most");
        print!("{}", table("ms", std::slice::from_ref(&figures)));
        all.push(figures);
    }
    goal("ms for 1,000,000", figure(&all[2]), all[2].median() <= 3000.0, "at most 3,000 ms");
    let growth = all[2].median() / all[0].median();
    goal("1,000,000 over 250,000", (growth, growth, growth), growth <= 4.4, "linear, about 4");
}
