//! A disk that fails under the real binary, at a write, a sync, a rename or a new file of the journal: the run stops
//! before the next effect, and goes on to the same end when the disk is mended.

use palinode_replay::lab::Digest;
use palinode_tests::binary::{Desk, Out};
use palinode_tests::faults::{Faults, How, Seen};
use palinode_tests::{skip, worlds};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const RUN: [&str; 6] = ["run", "crio-to-docker", "--host", "gluster1.demo", "--lab-state", "lab"];
const JOURNAL: [&str; 2] = ["--journal", "journal"];

/// The kinds of calls, and how each can fail.
const KINDS: [(&str, &[How]); 5] = [
    ("write", &[How::Eio, How::Full, How::Torn]),
    ("fdatasync", &[How::Eio, How::Full]),
    ("fsync", &[How::Eio, How::Full]),
    ("rename", &[How::Eio, How::Full]),
    ("create", &[How::Eio, How::Full]),
];

fn run(desk: &Desk, calls: &'static str, at: u64, how: How, stay: bool, args: &[&str]) -> (Out, Seen) {
    let faults = Faults { below: desk.path().join("journal"), calls, at, how, stay };
    desk.run_faulty(&faults, &ledger(desk), &[args, &JOURNAL].concat())
}

fn ledger(desk: &Desk) -> PathBuf {
    desk.path().join("lab/ledger.jsonl")
}

/// What an unbroken run does: how many calls of each kind, and the world in the end.
fn unbroken() -> (Vec<u64>, Digest) {
    let mut calls = Vec::new();
    let mut end = None;
    for (kind, _) in KINDS {
        let desk = Desk::in_memory();
        let (out, seen) = run(&desk, kind, 0, How::Eio, false, &RUN);
        out.exits(0);
        assert_eq!(seen.watched, None, "nothing fails at 0");
        assert!(seen.calls > 2, "{kind}: {} calls, so it is a call that the journal makes", seen.calls);
        calls.push(seen.calls);
        end = Some(worlds::settled(&desk.path().join("lab")));
    }
    (calls, end.expect("there are kinds"))
}

/// Runs it with a fault: it stops, and nothing happens after the failure.
fn strikes(desk: &Desk, kind: &'static str, at: u64, how: How, stay: bool, args: &[&str]) -> u64 {
    let (out, Seen { calls, watched }) = run(desk, kind, at, how, stay, args);
    if calls >= at {
        let length = ledger(desk).metadata().map_or(0, |file| file.len());
        assert_eq!(length, watched.unwrap_or(0), "the ledger is as it was when the disk failed: {out}");
    }
    match out.code {
        Some(8) => drop(out.complains(&["error: cannot ", "because ", "next: "])),
        // The run's end was recorded, and only letting the journal go failed.
        Some(0) => assert_eq!(desk.json(&[&["status"], &JOURNAL[..]].concat())["state"], "done", "{out}"),
        _ => unreachable!("neither stopped nor done: {out}"),
    }
    calls
}

/// One fault, and what becomes of the run.
fn check(kind: &'static str, at: u64, how: How, stay: bool, end: &Digest) {
    let desk = Desk::in_memory();
    let calls = strikes(&desk, kind, at, how, stay, &RUN);
    assert!(calls >= at, "the fault strikes: {calls} calls");
    let with = |words: &[&str]| desk.run(&[words, &JOURNAL].concat());
    let there = desk.path().join("journal/format").exists();
    if there && !with(&["log", "-o", "json"]).value()[0].is_null() {
        with(&["verify"]).exits(0).says(&["sound"]);
        let state = || with(&["status", "-o", "json"]).exits(0).value()["state"].clone();
        if state() == "interrupted" && at.is_multiple_of(2) {
            // The disk fails again as soon as the run goes on.
            strikes(&desk, kind, 1 + at % 9, how, stay, &["resume"]);
            with(&["verify"]).exits(0).says(&["sound"]);
        }
        if state() == "interrupted" {
            with(&["resume"]).exits(0).says(&["crio-to-docker: done"]);
        }
        assert_eq!(state(), "done");
    } else {
        assert_eq!(ledger(&desk).metadata().map_or(0, |file| file.len()), 0, "nothing was done unrecorded");
        with(&RUN).exits(0);
    }
    with(&["verify"]).exits(0).says(&["sound"]);
    let differs = end.diff(&worlds::settled(&desk.path().join("lab")));
    assert!(differs.is_empty(), "it ends elsewhere: {differs:#?}");
}

#[test]
fn a_failing_disk_stops_the_run_before_the_next_effect() {
    let (calls, end) = unbroken();
    let mut points = Vec::new();
    for ((kind, hows), calls) in KINDS.into_iter().zip(calls) {
        // At each call there is: its way to fail changes from call to call, all of them in a long campaign.
        let spread = if skip::long() { calls } else { calls.min(7) };
        for number in 0..spread {
            let at = 1 + number * (calls - 1) / (spread - 1).max(1);
            let several = if skip::long() { hows.len() as u64 } else { 1 };
            for turn in 0..several {
                points.push((kind, at, hows[((number + turn) % hows.len() as u64) as usize], (number + turn) % 2 == 1));
            }
        }
    }
    let next = AtomicUsize::new(0);
    let failures: Mutex<Vec<String>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&(kind, at, how, stay)) = points.get(number) else { return };
                    if std::panic::catch_unwind(|| check(kind, at, how, stay, &end)).is_err() {
                        let what = format!("{kind} {at}, {how:?}, {}", if stay { "for good" } else { "once" });
                        failures.lock().expect("no lock is poisoned").push(what);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no lock is poisoned");
    println!("{} faults", points.len());
    assert!(failures.is_empty(), "{} of {} faults: {failures:#?}", failures.len(), points.len());
}
