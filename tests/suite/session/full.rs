//! A journal that cannot grow: the run stops before the next effect, and goes on when there is room.

use palinode_replay::lab::Digest;
use palinode_tests::binary::{Desk, Out};
use palinode_tests::power::{Disk, System};
use palinode_tests::worlds::{jobs, settled};
use palinode_tests::{skip, synthetic};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs until the journal is full, requires that nothing happened that is not recorded, and goes on with room. The
/// disk is filled when three runs are recorded: the next one outgrows the journal's first mebibyte.
fn fills_up(desk: &Desk, journal: &str, run: &dyn Fn(&[&str]) -> Out, fill: &dyn Fn(), make_room: &dyn Fn()) {
    let mut number = 0;
    let out = loop {
        number += 1;
        if number == 4 {
            fill();
        }
        assert!(number < 20, "the journal never fills up");
        let lab = format!("lab{number}");
        let out = run(&["run", "crio-to-docker", "--journal", journal, "--lab-state", &lab]);
        if out.code != Some(0) {
            break out;
        }
    };
    let lab = desk.path().join(format!("lab{number}"));
    let out = out.exits(8).complains(&["error: ", "because ", "next: make room", "palinode resume"]);
    assert_eq!(out.stdout, "", "{out}");
    assert!(out.stderr.contains("done in"), "it stops in the middle: {out}");
    let recorded = || {
        let log = desk.json(&["log", "--journal", journal]);
        let all = log.as_array().expect("a list").iter();
        let intents = all.filter(|entry| entry["entry"]["event"]["Intent"].is_object());
        intents.filter_map(|entry| entry["id"].as_str().map(str::to_owned)).collect::<BTreeSet<String>>()
    };
    let (intents, (claimed, effective)) = (recorded(), jobs(&lab));
    assert!(!effective.is_empty());
    assert!(claimed.is_subset(&intents), "{:?}", claimed.difference(&intents));
    assert!(effective.is_subset(&intents));
    desk.run(&["status", "--journal", journal]).exits(0).says(&["interrupted", "palinode resume"]);
    desk.run(&["verify", "--journal", journal]).exits(0).says(&["sound"]);

    // What the last attempt to grow did get may still be used; after that, nothing more is done.
    run(&["resume", "--journal", journal]).exits(8).complains(&["next: make room"]);
    let (intents, now) = (recorded(), jobs(&lab));
    assert!(now.0.is_subset(&intents) && now.1.is_subset(&intents));
    run(&["resume", "--journal", journal]).exits(8);
    assert_eq!((recorded(), jobs(&lab)), (intents, now));
    let stopped = desk.json(&["status", "--journal", journal])["run"].as_str().expect("an id").to_owned();
    let refused = run(&["run", "crio-to-docker", "--journal", journal, "--lab-state", "another"]);
    assert_eq!(refused.code, Some(8), "{refused}");
    // A shorter entry may still find room where a longer one did not; without one, nothing is done in a new run either.
    let (intents, now) = (recorded(), jobs(&desk.path().join("another")));
    assert!(now.0.is_subset(&intents) && now.1.is_subset(&intents), "{now:?}");

    make_room();
    desk.run(&["resume", &stopped, "--journal", journal]).exits(0).says(&["crio-to-docker: done"]);
    desk.run(&["verify", "--journal", journal]).exits(0).says(&["sound"]);
    let (intents, (claimed, effective)) = (recorded(), jobs(&lab));
    assert!(claimed.is_subset(&intents) && effective.is_subset(&intents));
    let differs = settled(&desk.path().join("lab1")).diff(&settled(&lab));
    assert!(differs.is_empty(), "it ends as the first run did, which nothing stopped: {differs:#?}");
}

#[test]
fn a_journal_that_may_not_grow_stops_the_run_before_the_next_effect() {
    let desk = Desk::in_memory();
    fills_up(&desk, "journal", &|args| desk.run_limited(1024, args), &|| {}, &|| {});
}

/// A file system of its own, unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    /// None if this user may not mount: that is noted as a skipped test.
    fn new(test: &str, at: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir(&at).expect("a folder can be made");
        let done =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(&at).output();
        match done {
            Ok(out) if out.status.success() => Some(Self(at)),
            Ok(out) => {
                skip::skip(test, String::from_utf8_lossy(&out.stderr).trim());
                None
            }
            Err(error) => {
                skip::skip(test, &format!("mount: {error}"));
                None
            }
        }
    }
}

/// Fills a disk but for this many bytes.
fn fill(disk: &Path, left: u64) {
    let mut file = std::fs::File::create(disk.join("filler")).expect("a file can be made");
    let zeros = [0; 4096];
    let mut size = 0;
    while file.write_all(&zeros).is_ok() {
        size += zeros.len() as u64;
    }
    file.set_len(size.saturating_sub(left)).expect("a file can be made shorter");
    // What ext4 frees can be used after its next commit.
    file.sync_all().expect("a file can be synced");
}

fn empty(disk: &Path) {
    std::fs::remove_file(disk.join("filler")).expect("the filler can be removed");
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_stops_the_run_before_the_next_effect() {
    let desk = Desk::new();
    let Some(disk) = Mount::new("a full disk", desk.path().join("disk"), "8m") else { return };
    fills_up(&desk, "disk/journal", &|args| desk.run(args), &|| fill(&disk.0, 64 << 10), &|| empty(&disk.0));
}

/// Bytes of a segment that are in use.
fn used(journal: &Path) -> u64 {
    let bytes = std::fs::read(journal.join("segments/00000000000000000001.seg")).expect("the segment can be read");
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at as u64 + 1)
}

/// A point at which a disk is full.
#[derive(Debug, Clone, Copy)]
struct Point {
    /// How far the journal is from the end of its first mebibyte, after which it has to grow; none: it is new.
    near: Option<u64>,
    /// Bytes that the disk has left.
    left: u64,
}

/// No room for a journal, none for its first segment; for an entry at the beginning, in the middle, and late; then room
/// for all.
const POINTS: [Point; 8] = [
    Point { near: None, left: 0 },
    Point { near: None, left: 600 << 10 },
    Point { near: Some(3 << 10), left: 64 << 10 },
    Point { near: Some(15 << 10), left: 64 << 10 },
    Point { near: Some(30 << 10), left: 64 << 10 },
    Point { near: Some(45 << 10), left: 64 << 10 },
    Point { near: Some(60 << 10), left: 64 << 10 },
    Point { near: None, left: 3 << 20 },
];

/// How many entries are measured, to know how long a journal of some length is.
const SAMPLE: u64 = 2000;

/// A run on a disk that is full at some point. Gives how many of its entries were recorded when it stopped, if it did.
fn stops(disk: &Path, point: Point, sample: u64, end: &Digest) -> Option<usize> {
    let desk = Desk::in_memory();
    let path = disk.join("journal");
    let journal = path.to_str().expect("a path in UTF-8");
    let run = [&RUN[..], &["--journal", journal]].concat();
    let before = point.near.map_or(0, |near| ((1 << 20) - near) * SAMPLE / sample) as usize;
    if before > 0 {
        synthetic::journal(&path, 1, before);
    }
    fill(disk, point.left);
    let out = desk.run(&run);
    let with = |words: &[&str]| desk.run(&[words, &["--journal", journal]].concat());
    let recorded = match path.join("format").exists().then(|| with(&["log", "-o", "json"]).value()) {
        Some(serde_json::Value::Array(all)) => all[before..].to_vec(),
        _ => Vec::new(),
    };
    if out.code == Some(0) {
        empty(disk);
    } else {
        let out = out.exits(8).complains(&["error: cannot ", "because ", "next: make room"]);
        let intents = recorded.iter().filter(|entry| entry["entry"]["event"]["Intent"].is_object());
        let intents: BTreeSet<String> = intents.filter_map(|entry| entry["id"].as_str().map(str::to_owned)).collect();
        if desk.path().join("lab/world.json").exists() {
            assert!(
                jobs(&desk.path().join("lab")).0.is_subset(&intents),
                "nothing is done that is not recorded: {out}"
            );
        }
        if recorded.is_empty() {
            empty(disk);
            desk.run(&run).exits(0);
        } else {
            with(&["status"]).exits(0).says(&["interrupted", "palinode resume"]);
            with(&["verify"]).exits(0).says(&["sound"]);
            empty(disk);
            with(&["resume"]).exits(0).says(&["crio-to-docker: done"]);
        }
    }
    with(&["verify"]).exits(0).says(&["sound"]);
    let differs = end.diff(&settled(&desk.path().join("lab")));
    assert!(differs.is_empty(), "{point:?} ends elsewhere: {differs:#?}");
    std::fs::remove_dir_all(path).expect("a folder can be removed");
    (point.left < 3 << 20).then_some(recorded.len())
}

const RUN: [&str; 6] = ["run", "crio-to-docker", "--host", "gluster1.demo", "--lab-state", "lab"];

#[test]
fn a_disk_that_is_full_anywhere_on_the_way_stops_the_run_there() {
    let test = "a disk that is full anywhere";
    let desk = Desk::in_memory();
    let Some(tmpfs) = Mount::new(test, desk.path().join("disk"), "8m") else { return };
    let Some(ext4) = Disk::new(test, System::Ext4, 16) else { return };
    desk.run(&RUN).exits(0);
    let end = settled(&desk.path().join("lab"));
    let sample = desk.path().join("sample");
    synthetic::journal(&sample, 1, SAMPLE as usize);
    let sample = used(&sample);
    for disk in [tmpfs.0.clone(), ext4.path()] {
        let stopped: Vec<Option<usize>> = POINTS.map(|point| stops(&disk, point, sample, &end)).to_vec();
        println!("entries when the disk was full: {stopped:?}");
        assert_eq!((stopped[0], stopped[1], stopped[7]), (Some(0), Some(0), None));
        let middle: BTreeSet<usize> = stopped[2..7].iter().flatten().copied().collect();
        assert!(middle.len() == 5 && !middle.contains(&0), "it is full at five points of the run: {stopped:?}");
    }
}
