//! A journal that cannot grow: the run stops before the next effect, and goes on when there is room.

use palinode_executors::{DiskFiles, InventoryFiles};
use palinode_replay::lab::{Lab, Surroundings, What};
use palinode_tests::binary::{Desk, Out};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The names of all jobs that a lab's targets ever saw, and of those that changed something.
fn jobs(folder: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
    let around = Surroundings {
        read_inventory: Box::new(|| Ok(Vec::new())),
        inventory_path: "hosts".to_owned(),
        control: Box::new(InventoryFiles::new(DiskFiles)),
    };
    let lab = Lab::open(folder, around).expect("the lab is sound");
    let claimed = lab.lines().into_iter().filter_map(|line| match line.what {
        What::Claimed { job, .. } => Some(job.to_string()),
        _ => None,
    });
    (claimed.collect(), lab.effects().into_iter().map(|effect| effect.job.to_string()).collect())
}

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
    let refused = run(&["run", "crio-to-docker", "--journal", journal, "--lab-state", "another"]);
    assert_eq!(refused.code, Some(8), "{refused}");
    // A shorter entry may still find room where a longer one did not; without one, nothing is done in a new run either.
    let (intents, now) = (recorded(), jobs(&desk.path().join("another")));
    assert!(now.0.is_subset(&intents) && now.1.is_subset(&intents), "{now:?}");

    make_room();
    desk.run(&["resume", "--journal", journal]).exits(0).says(&["crio-to-docker: done"]);
    desk.run(&["verify", "--journal", journal]).exits(0).says(&["sound"]);
    let (intents, (claimed, effective)) = (recorded(), jobs(&lab));
    assert!(claimed.is_subset(&intents) && effective.is_subset(&intents));
}

#[test]
fn a_journal_that_may_not_grow_stops_the_run_before_the_next_effect() {
    let desk = Desk::in_memory();
    fills_up(&desk, "journal", &|args| desk.run_limited(1024, args), &|| {}, &|| {});
}

/// A file system of its own, unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    /// None if this user may not mount.
    fn new(at: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir(&at).expect("a folder can be made");
        let done =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(&at).output();
        match done {
            Ok(out) if out.status.success() => Some(Self(at)),
            Ok(out) => {
                println!("skipped: cannot mount: {}", String::from_utf8_lossy(&out.stderr).trim());
                None
            }
            Err(error) => {
                println!("skipped: cannot mount: {error}");
                None
            }
        }
    }

    /// Fills it but for this many bytes.
    fn fill(&self, left: u64) {
        let mut file = std::fs::File::create(self.0.join("filler")).expect("a file can be made");
        let zeros = [0; 4096];
        let mut size = 0;
        while file.write_all(&zeros).is_ok() {
            size += zeros.len() as u64;
        }
        file.set_len(size.saturating_sub(left)).expect("a file can be made shorter");
    }

    fn empty(&self) {
        std::fs::remove_file(self.0.join("filler")).expect("the filler can be removed");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_stops_the_run_before_the_next_effect() {
    let desk = Desk::new();
    let Some(disk) = Mount::new(desk.path().join("disk"), "8m") else { return };
    fills_up(&desk, "disk/journal", &|args| desk.run(args), &|| disk.fill(64 << 10), &|| disk.empty());
}
