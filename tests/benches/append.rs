//! Writing: one writer and many, against a bare loop that writes the same bytes in the same batches and syncs each.

use crate::place;
use crate::rounds::{goal, ratio, rounds, table};
use futures_util::future::join_all;
use palinode_core::id::{Micros, RunId, StepPath};
use palinode_core::port::Journal;
use palinode_core::record::{Draft, Event};
use palinode_journal::{DiskJournal, GroupCommit, Options, create};
use palinode_tests::owner::owner;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

const RUN: RunId = RunId([5; 8]);

/// So many appends of one writer in a round.
const APPENDS: usize = 1500;

/// So many writers, and so many entries of each in a round.
const WRITERS: usize = 64;
const EACH: usize = 2000;

/// An entry of the usual length: about 450 bytes as it is stored.
fn draft(writer: usize, number: usize) -> Draft {
    let step = StepPath::new(format!("node{writer}.demo/wait-for-heal")).expect("a path");
    let facts = (0..8).map(|fact| (format!("volume-{fact}"), format!("{number} entries to heal, 3 of 3 bricks")));
    let event =
        Event::GateSampled { step, pass: false, hopeless: false, facts: facts.collect(), evidence: None, waited: None };
    Draft { run: RUN, time: Micros(1_700_000_000_000_000), wall: None, event, bodies: BTreeMap::new() }
}

/// An empty journal in a folder of the disk that is measured.
fn new_journal(dir: &Path) -> DiskJournal {
    let root = dir.join("journal");
    let _ = fs::remove_dir_all(&root);
    create(&root).expect("a journal can be made");
    DiskJournal::open(&root, owner(1), Options::default()).expect("opens").journal
}

/// The batches of a journal: what the bare loop has to write.
fn batches(dir: &Path) -> Vec<Vec<u8>> {
    let items = fs::read_dir(dir.join("journal/segments")).expect("segments");
    let mut names: Vec<_> = items.map(|item| item.expect("a segment").path()).collect();
    names.sort();
    let mut found = Vec::new();
    for name in names {
        let bytes = fs::read(name).expect("a segment");
        let (mut start, mut at) = (0, 0);
        while let Some(length) =
            bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|four| u32::from_le_bytes(*four))
        {
            match length {
                0 => break,
                u32::MAX => {
                    // A commit: marker, checksum, first sequence, count, hash.
                    at += 8 + 8 + 4 + 32;
                    found.push(bytes[start..at].to_vec());
                    start = at;
                }
                length => at += 8 + length as usize,
            }
        }
    }
    found
}

/// Writes and syncs each batch; the file grows by the same amounts of zeros as segments do.
fn bare(dir: &Path, batches: &[Vec<u8>]) -> (f64, Vec<f64>) {
    let path = dir.join("bare");
    let _ = fs::remove_file(&path);
    let file = File::options().read(true).write(true).create_new(true).open(&path).expect("a file");
    let Options { grow_bytes, segment_bytes, .. } = Options::default();
    let (mut offset, mut len) = (0u64, 0u64);
    let mut syncs = Vec::with_capacity(batches.len());
    let began = Instant::now();
    for batch in batches {
        let one = Instant::now();
        let end = offset + batch.len() as u64;
        if end > len {
            let next = end.max(len + len.min(segment_bytes)).next_multiple_of(grow_bytes);
            let zeros = vec![0; grow_bytes as usize];
            (len..next).step_by(zeros.len()).for_each(|at| file.write_all_at(&zeros, at).expect("writes"));
            file.sync_all().expect("syncs");
            len = next;
        }
        file.write_all_at(batch, offset).expect("writes");
        file.sync_data().expect("syncs");
        offset = end;
        syncs.push(one.elapsed().as_secs_f64() * 1e6);
    }
    (began.elapsed().as_secs_f64(), syncs)
}

fn percentile(mut all: Vec<f64>, of: f64) -> f64 {
    all.sort_by(f64::total_cmp);
    all[((all.len() - 1) as f64 * of) as usize]
}

pub(crate) fn one() {
    println!("one writer, every entry durable before the next");
    let dir = place::folder("append-one");
    let mut ours = || {
        let mut journal = new_journal(dir.path());
        let drafts: Vec<Draft> = (0..APPENDS).map(|number| draft(1, number)).collect();
        let began = Instant::now();
        for draft in drafts {
            journal.append(vec![draft]).expect("appends");
        }
        let took = began.elapsed().as_secs_f64() * 1e6 / APPENDS as f64;
        journal.close().expect("closes");
        took
    };
    ours();
    let all = batches(dir.path());
    assert_eq!(all.len(), APPENDS);
    let mut loops = || bare(dir.path(), &all).0 * 1e6 / APPENDS as f64;
    let figures = rounds(&mut [("the journal", &mut ours), ("write and fdatasync", &mut loops)]);
    print!("{}", table("µs an entry", &figures));
    let found = ratio(&figures[0], &figures[1]);
    goal("the journal over the bare loop", found, found.0 <= 1.3, "at most 1.3");
}

/// One writer: each entry waits until the one before is durable. How long each took.
async fn write(group: &GroupCommit, drafts: Vec<Draft>) -> Vec<f64> {
    let mut took = Vec::with_capacity(EACH);
    for draft in drafts {
        let one = Instant::now();
        group.append(vec![draft]).expect("takes it").await.expect("appends");
        took.push(one.elapsed().as_secs_f64() * 1e6);
    }
    took
}

/// All writers on one task, as a driver's hosts are: seconds, and how long each entry took.
fn many(journal: DiskJournal) -> (f64, Vec<f64>, DiskJournal) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let group = GroupCommit::start(journal).expect("a thread can be had");
    let drafts = |writer: usize| (0..EACH).map(|number| draft(writer, number)).collect::<Vec<_>>();
    let all: Vec<Vec<Draft>> = (0..WRITERS).map(drafts).collect();
    let began = Instant::now();
    let took = runtime.block_on(join_all(all.into_iter().map(|drafts| write(&group, drafts))));
    let seconds = began.elapsed().as_secs_f64();
    (seconds, took.concat(), group.finish().expect("it ends"))
}

pub(crate) fn sixty_four() {
    println!("{WRITERS} writers on one task, one committer, each writer waits until its entry is durable");
    let dir = place::folder("append-many");
    let bytes = std::cell::RefCell::new(Vec::new());
    let waits = std::cell::RefCell::new(Vec::new());
    let syncs = std::cell::RefCell::new(Vec::new());
    let floors = std::cell::RefCell::new(Vec::new());
    let mut ours = || {
        let (seconds, took, journal) = many(new_journal(dir.path()));
        journal.close().expect("closes");
        *bytes.borrow_mut() = batches(dir.path());
        waits.borrow_mut().push((percentile(took.clone(), 0.5), percentile(took, 0.99)));
        (WRITERS * EACH) as f64 / seconds
    };
    let mut loops = || {
        let all = bytes.borrow();
        let (seconds, took) = bare(dir.path(), &all);
        let pairs: Vec<f64> = took.windows(2).map(|two| two[0] + two[1]).collect();
        floors.borrow_mut().push(percentile(pairs, 0.99) / percentile(took.clone(), 0.5));
        syncs.borrow_mut().push((percentile(took.clone(), 0.5), percentile(took, 0.99)));
        (WRITERS * EACH) as f64 / seconds
    };
    let figures = rounds(&mut [("the journal", &mut ours), ("write and fdatasync, same batches", &mut loops)]);
    print!("{}", table("entries/s", &figures));
    println!(
        "  {} batches of {:.1} entries",
        bytes.borrow().len(),
        (WRITERS * EACH) as f64 / bytes.borrow().len() as f64
    );
    let found = ratio(&figures[0], &figures[1]);
    goal("the journal over the bare loop", found, found.0 >= 0.7, "at least 0.7");
    // A writer's wait and a batch's sync, each as median and p99.
    type Pair = ((f64, f64), (f64, f64));
    let held = |what: fn(&Pair) -> f64| {
        // Without the unmeasured round.
        let pairs = waits.borrow().iter().copied().zip(syncs.borrow().iter().copied()).skip(1).collect::<Vec<_>>();
        let mut all: Vec<f64> = pairs.iter().map(what).collect();
        all.sort_by(f64::total_cmp);
        (all[all.len() / 2], all[0], all[all.len() - 1])
    };
    let found = held(|((_, wait), (sync, _))| wait / sync);
    goal("p99 of a writer's wait over the median sync", found, found.0 <= 4.0, "at most 4");
    // Whoever comes while a batch is synced waits for it and for their own: what the disk alone would let them wait.
    let mut floors = floors.borrow()[1..].to_vec();
    floors.sort_by(f64::total_cmp);
    let (found, least, most) = (floors[floors.len() / 2], floors[0], floors[floors.len() - 1]);
    println!("  {:<44} {found:>10.2}  ({least:.2} to {most:.2})", "two syncs in a row of the bare loop: the same");
    let (found, least, most) = held(|((wait, _), (sync, _))| wait / sync);
    println!("  {:<44} {found:>10.2}  ({least:.2} to {most:.2})", "median over median");
    let (found, least, most) = held(|((_, wait), (_, sync))| wait / sync);
    println!("  {:<44} {found:>10.2}  ({least:.2} to {most:.2})", "p99 over p99");
}
