//! The index behind `log` and `show`: the same answers with it, without it, and whatever became of it; and no other
//! command so much as looks at it.

use palinode_tests::binary::{Desk, Out, binary};
use palinode_tests::skip::{long as long_campaigns, skip};
use palinode_tests::synthetic;
use rustix::fs::{CWD, FlockOperation, Mode, flock, mkfifoat};
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// What people ask during an incident.
const ASKED: &[&[&str]] = &[
    &["log", "-n", "20"],
    &["log", "--kind", "run-opened"],
    &["log", "--host", "node0003.synthetic", "--action", "service", "-n", "30"],
    &["log", "--resource", "node0001.synthetic/unit/unit01"],
    &["log", "@", "--step", "node0002.synthetic/stop-unit03"],
    &["log", "@", "--since", "10m", "--kind", "gate-sampled"],
    &["log", "--since", "2026-11-01T01:00:00Z", "--until", "2026-11-01T01:05:00Z"],
    &["log", "--host", "nobody"],
    &["log", "--run", "nothing"],
    &["show", "@"],
    &["show", "node0001.synthetic/stop-unit02"],
    &["show", "node0001.synthetic/nothing"],
    &["show", "4321"],
    &["show", "999999"],
];

fn answers(desk: &Desk) -> Vec<Out> {
    ASKED.iter().map(|asked| desk.run(asked)).collect()
}

/// A journal of 6000 entries in twelve runs: long enough that `log` makes an index by itself.
fn long(desk: &Desk) {
    synthetic::journal(&desk.path().join(".palinode"), 12, 500);
}

/// What the binary answers where it can have no index: another process has it locked.
fn without(desk: &Desk) -> Vec<Out> {
    let index = desk.path().join(".palinode/index");
    fs::create_dir_all(&index).expect("a folder");
    let held = File::open(&index).expect("opens");
    flock(&held, FlockOperation::NonBlockingLockExclusive).expect("locks");
    let found = answers(desk);
    assert_eq!(fs::read_dir(&index).expect("reads").count(), 0, "nothing was written");
    drop(held);
    fs::remove_dir(&index).expect("removes");
    found
}

#[test]
fn log_and_show_answer_alike_whatever_became_of_the_index() {
    let desk = Desk::in_memory();
    long(&desk);
    let expected = without(&desk);
    assert!(expected.iter().filter(|out| out.stdout.lines().count() > 10).count() >= 8, "the questions are good ones");
    let index = desk.path().join(".palinode/index");
    assert_eq!(answers(&desk), expected);
    assert!(index.join("seal").exists(), "it was made on the way");
    assert_eq!(answers(&desk), expected);
    let damages: &[(&str, &dyn Fn())] = &[
        ("gone", &|| fs::remove_dir_all(&index).expect("removes")),
        ("a flipped bit", &|| {
            let db = File::options().read(true).write(true).open(index.join("db")).expect("opens");
            let mut byte = [0];
            db.read_exact_at(&mut byte, 70_001).expect("reads");
            db.write_all_at(&[byte[0] ^ 4], 70_001).expect("writes");
        }),
        ("cut short", &|| {
            File::options().write(true).open(index.join("db")).expect("opens").set_len(99_999).expect("cuts");
        }),
        ("garbage", &|| fs::write(index.join("db"), vec![0x5a; 600_000]).expect("writes")),
        ("a snapshot that was being written", &|| {
            fs::write(index.join("snap.0000000000000009.generating"), "?").expect("writes");
        }),
        ("a file in its place", &|| {
            fs::remove_dir_all(&index).expect("removes");
            fs::write(&index, "?").expect("writes");
        }),
        ("a pipe in its place", &|| {
            fs::remove_dir_all(&index).expect("removes");
            mkfifoat(CWD, &index, Mode::RUSR | Mode::WUSR).expect("a pipe");
        }),
    ];
    for (what, damage) in damages {
        damage();
        assert_eq!(answers(&desk), expected, "{what}");
        assert!(index.join("seal").exists(), "{what}: it is there again");
    }
    let built = desk.json(&["reindex"]);
    assert_eq!((&built["entries"], &built["runs"]), (&6000.into(), &12.into()));
    desk.run(&["reindex"]).exits(0).says(&["6000 entries of 12 runs"]);
    let held = File::open(index.join("db")).expect("opens");
    flock(&held, FlockOperation::NonBlockingLockExclusive).expect("locks");
    assert_eq!(answers(&desk), expected, "locked");
    desk.run(&["reindex"]).exits(9).complains(&["another process is using the index"]);
}

#[test]
fn a_full_disk_costs_the_index_and_no_answer() {
    let desk = Desk::new();
    long(&desk);
    let expected = without(&desk);
    for (asked, expected) in ASKED.iter().zip(&expected).take(5) {
        let out = desk.run_limited(300, asked);
        assert_eq!((out.code, &out.stdout), (expected.code, &expected.stdout), "{out}");
        assert!(out.stderr.is_empty() || out.stdout.is_empty(), "{out}");
    }
    desk.run_limited(300, &["reindex"]).exits(8).complains(&["cannot write the index"]);
    assert_eq!(answers(&desk), expected);
}

#[test]
fn a_journal_that_may_only_be_read_is_answered_from() {
    let desk = Desk::new();
    long(&desk);
    let expected = without(&desk);
    let root = desk.path().join(".palinode");
    // Root may write everywhere, so somebody else asks.
    let nobody = rustix::process::geteuid().is_root();
    let tool = desk.path().join("palinode");
    fs::copy(binary(), &tool).expect("copies");
    if nobody {
        let mut all = vec![desk.path().to_owned()];
        while let Some(path) = all.pop() {
            chown(&path, Some(65_534), Some(65_534)).expect("gives away");
            if path.is_dir() {
                all.extend(fs::read_dir(&path).expect("reads").map(|item| item.expect("an item").path()));
            }
        }
    }
    let mode = |mode| fs::set_permissions(&root, fs::Permissions::from_mode(mode)).expect("changes the mode");
    mode(0o500);
    let ask = |asked: &[&str]| {
        let mut command = Command::new(&tool);
        if nobody {
            command.uid(65_534).gid(65_534);
        }
        command.args(asked).arg("--journal").arg(&root).current_dir(desk.path()).output()
    };
    let found: Vec<_> = ASKED.iter().map(|asked| ask(asked)).collect();
    mode(0o700);
    for (found, expected) in found.into_iter().zip(expected) {
        match found {
            Ok(out) => {
                assert_eq!(String::from_utf8_lossy(&out.stdout), expected.stdout);
                assert_eq!(out.status.code(), expected.code);
            }
            Err(error) => return skip("a_journal_that_may_only_be_read_is_answered_from", &error.to_string()),
        }
    }
    assert!(!root.join("index").exists());
}

#[test]
fn nothing_that_decides_looks_at_the_index() {
    /// A pipe where the index should be: whoever opened it would wait for ever, whoever tidied it would remove it.
    fn poison(desk: &Desk) {
        mkfifoat(CWD, desk.path().join(".palinode/index"), Mode::RUSR | Mode::WUSR).expect("a pipe");
    }
    let desk = Desk::in_memory();
    desk.run(&["run", "crio-to-docker", "--lab", "--host", "gluster1.demo", "--fail", "gluster1.demo/packages"])
        .exits(3);
    poison(&desk);
    desk.run(&["status"]).exits(0);
    let verified = desk.json(&["verify"]);
    assert_eq!(verified["notices"], serde_json::json!([]));
    desk.run(&["retry", "gluster1.demo/packages", "--reason", "mended"]).exits(0);
    desk.run(&["resume"]).exits(0);
    desk.run(&["rollback", "--dry-run"]).exits(0);
    desk.run(&["rollback"]).exits(6);
    desk.run(&["verify"]).exits(0);
    let kind = fs::symlink_metadata(desk.path().join(".palinode/index")).expect("is there").file_type();
    assert!(std::os::unix::fs::FileTypeExt::is_fifo(&kind), "the pipe is where it was");
    // Those who do look at it are not held up.
    desk.run(&["log", "-n", "3"]).exits(0);
    desk.run(&["show", "@"]).exits(0);
}

/// A run, its rollback and their words, told from the index as they are told from the journal.
#[test]
fn real_runs_are_told_alike_with_an_index() {
    let desk = Desk::in_memory();
    let whole = desk.json(&["run", "crio-to-docker", "--lab", "--reason", "swap", "--host", "gluster1.demo"]);
    desk.run(&["rollback", "--reason", "back", "--host", "gluster1.demo"]);
    desk.run(&["run", "crio-to-docker", "--lab-state", "b", "--host", "gluster2.demo"]).exits(0);
    let run = whole["run"].as_str().expect("an id");
    let ids: Vec<String> =
        desk.entries().iter().map(|entry| entry["id"].as_str().expect("an id")[..9].to_owned()).collect();
    let mut asked: Vec<Vec<&str>> = vec![
        vec!["log", "-n", "40"],
        vec!["log", run],
        vec!["log", "--run", run, "--since", "20m"],
        vec!["log", "--host", "gluster1.demo"],
        vec!["log", "--action", "inventory.edit"],
        vec!["log", "--action", "kube.drain", "--kind", "outcome"],
        vec!["log", "--resource", "gluster1.demo/package/docker"],
        vec!["log", "--step", "undo/", "-n", "9"],
        vec!["show", run],
        vec!["show", "gluster1.demo/packages", "--run", run],
        vec!["show", "@"],
    ];
    asked.extend(ids.iter().step_by(17).map(|id| vec!["show", id.as_str()]));
    let ask = || asked.iter().map(|asked| desk.run(asked).exits(0)).collect::<Vec<_>>();
    let expected = ask();
    assert!(!desk.path().join(".palinode/index").exists(), "a short journal needs none");
    desk.run(&["reindex"]).exits(0);
    assert_eq!(ask(), expected);
    // What is selected is what the whole log shows of it.
    let whole = desk.run(&["log"]).exits(0).stdout;
    let drains = desk.run(&["log", "--action", "kube.drain", "--host", "gluster1.demo"]).exits(0).stdout;
    assert!(drains.lines().any(|line| line.contains("intent")) && drains.lines().any(|line| line.contains("outcome")));
    assert!(drains.lines().all(|line| whole.contains(line)), "{drains}");
    assert!(drains.lines().skip(1).all(|line| line.contains("drain")), "{drains}");
    let kinds = desk.json(&["log", "--kind", "run-closed"]);
    assert_eq!(kinds.as_array().map(Vec::len), Some(3), "{kinds}");
    let all = desk.entries();
    let latest = all.last().expect("entries")["entry"]["time"].as_i64().expect("a time");
    let recent = desk.json(&["log", "--since", "10m"]);
    let fit = all.iter().filter(|entry| entry["entry"]["time"].as_i64() >= Some(latest - 600_000_000)).count();
    assert_eq!(recent.as_array().map(Vec::len), Some(fit));
    assert!(fit > 0 && fit < all.len());
    let out = desk.run(&["log", "--host", "gluster1.demoo"]).exits(2).complains(&["did you mean `gluster1.demo`"]);
    assert_eq!(out.stdout, "");
    desk.run(&["log", "--since", "yesterday"]).exits(2).complains(&["such as"]);
    desk.run(&["log", "--kind", "drain"]).exits(2).complains(&["gate-sampled"]);
    desk.run(&["log", "--since", "1h", "--until", "2h"]).exits(2).complains(&["--until is before --since"]);
    assert!(Path::new(&desk.path().join(".palinode/index/seal")).exists());
}

/// How long a million entries take: printed, and the index must be worth its while.
#[test]
fn a_long_journal_is_searched_quickly() {
    if !long_campaigns() {
        return skip("a_long_journal_is_searched_quickly", "it takes minutes: tests/run --long");
    }
    for runs in [40, 200] {
        let desk = Desk::new();
        synthetic::journal(&desk.path().join(".palinode"), runs, 5000);
        let run = synthetic::run(runs / 2).to_string();
        let asked = ["log", "--run", &run, "-n", "20"];
        let timed = |args: &[&str]| {
            let began = Instant::now();
            (desk.run(args).exits(0), began.elapsed())
        };
        fs::create_dir(desk.path().join(".palinode/index")).expect("a folder");
        let index = File::open(desk.path().join(".palinode/index")).expect("opens");
        flock(&index, FlockOperation::NonBlockingLockExclusive).expect("locks");
        let (expected, scanned) = timed(&asked);
        drop(index);
        let (built, building) = timed(&["reindex"]);
        let (found, searched) = timed(&asked);
        assert_eq!(found, expected);
        eprintln!(
            "{runs} runs: built in {building:?}: {}log by reading {scanned:?}, by the index {searched:?}",
            built.stdout
        );
        assert!(searched * 4 < scanned, "{searched:?} {scanned:?}");
    }
}
