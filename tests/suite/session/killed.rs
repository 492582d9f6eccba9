//! A hundred deaths by SIGKILL, with the journal on disk: each run is resumed, or rolled back, to the end it would
//! have had.

use palinode_executors::{DiskFiles, InventoryFiles};
use palinode_replay::lab::{Digest, Lab, Surroundings};
use palinode_tests::binary::Desk;
use palinode_tests::worlds::settled;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const HOST: [&str; 5] = ["run", "crio-to-docker", "--lab", "--host", "gluster1.demo"];

/// What two worlds differ in, as keys without their place.
fn difference(one: &Digest, other: &Digest) -> BTreeSet<String> {
    one.diff(other).into_iter().map(|(key, ..)| key).collect()
}

/// An unbroken run, and its rollback.
struct Unbroken {
    first: Digest,
    after: Digest,
    /// What a rollback of the unbroken run does not restore.
    lost: BTreeSet<String>,
    entries: Vec<Value>,
}

fn unbroken() -> Unbroken {
    let desk = Desk::in_memory();
    let start = desk.path().join("start");
    std::fs::create_dir(&start).expect("a folder can be made");
    let around = Surroundings {
        read_inventory: Box::new(|| Ok(palinode_replay::lab::inventory_text().into_bytes())),
        inventory_path: "hosts".to_owned(),
        control: Box::new(InventoryFiles::new(DiskFiles)),
    };
    drop(Lab::create(&start, palinode_replay::lab::World::demo(), around).expect("a lab"));
    let first = settled(&start);
    desk.run(&HOST).exits(0);
    let after = settled(&desk.lab());
    let entries = desk.entries();
    desk.run(&["rollback"]).exits(6);
    let lost = difference(&first, &settled(&desk.lab()));
    assert!(!first.diff(&after).is_empty());
    Unbroken { first, after, lost, entries }
}

/// The moments to die at: every entry, and three in every action; a hundred of them, spread evenly.
fn points(entries: &[Value]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for entry in entries {
        let (seq, event) = (&entry["entry"]["seq"], &entry["entry"]["event"]);
        all.push(vec!["--die-after".to_owned(), seq.to_string()]);
        if let Some(step) = event["Intent"]["step"].as_str() {
            all.extend(["not-begun", "half", "done"].map(|at| vec!["--die".to_owned(), format!("{step}:{at}")]));
        }
    }
    // After the last entry nothing is left to resume.
    all.retain(|point| point[1] != entries.len().to_string());
    assert!(all.len() >= 100, "{}", all.len());
    (0..100).map(|number| all[number * all.len() / 100].clone()).collect()
}

fn check(number: usize, point: &[String], unbroken: &Unbroken) {
    let desk = Desk::in_memory();
    let point: Vec<&str> = point.iter().map(String::as_str).collect();
    let dead = desk.run(&[&HOST[..], &point].concat());
    assert_eq!(dead.signal, Some(9), "{point:?}: {dead}");
    assert_eq!(dead.stdout, "", "{point:?}");
    desk.run(&["status"]).exits(0).says(&["interrupted"]);
    if number % 10 == 9 {
        let out = desk.run(&["rollback"]);
        assert!(matches!(out.code, Some(0 | 6)), "{point:?}: {out}");
        assert_eq!(desk.inventory(), palinode_replay::lab::inventory_text(), "{point:?}");
        let lost = difference(&unbroken.first, &settled(&desk.lab()));
        let more: Vec<&String> = lost.difference(&unbroken.lost).collect();
        assert!(more.is_empty(), "{point:?} loses more than a whole rollback does: {more:?}\n{out}");
    } else {
        let out = desk.run(&["resume"]).exits(0);
        let differs = unbroken.after.diff(&settled(&desk.lab()));
        assert!(differs.is_empty(), "{point:?} ends elsewhere: {differs:#?}\n{out}");
    }
    desk.run(&["verify"]).exits(0).says(&["sound"]);
}

#[test]
fn a_hundred_killed_runs_end_where_an_unbroken_one_does() {
    let began = Instant::now();
    let unbroken = unbroken();
    let points = points(&unbroken.entries);
    let kinds: BTreeSet<&str> = points.iter().map(|point| point[1].rsplit(':').next().unwrap_or_default()).collect();
    assert!(["not-begun", "half", "done"].iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    let next = AtomicUsize::new(0);
    let failures: Mutex<Vec<String>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(point) = points.get(number) else { return };
                    let checked = std::panic::catch_unwind(|| check(number, point, &unbroken));
                    if checked.is_err() {
                        failures.lock().expect("no lock is poisoned").push(point.join(" "));
                    }
                }
            });
        }
    });
    println!("{} points in {:?}", points.len(), began.elapsed());
    let failures = failures.into_inner().expect("no lock is poisoned");
    assert!(failures.is_empty(), "{} of {} points fail: {failures:#?}", failures.len(), points.len());
}

#[test]
fn a_killed_rollback_is_resumed_and_never_begun_twice() {
    let desk = Desk::in_memory();
    desk.run(&HOST).exits(0);
    let preview = desk.json(&["rollback", "--dry-run"]);
    let seq = (desk.entries().len() + 40).to_string();
    desk.run(&["rollback", "--die-after", &seq]).killed();
    let status = desk.run(&["status"]).exits(0);
    let status = status.says(&["rollback of crio-to-docker", "interrupted", "undoes", "palinode resume"]);
    assert!(!status.stdout.contains("palinode rollback"), "{status}");
    desk.run(&["rollback"]).exits(2).complains(&["being taken back already", "next: type `palinode resume "]);
    let out = desk.run(&["resume", "-o", "json"]).exits(6);
    assert_eq!(out.value()["state"], "partly-rolled-back");
    assert_eq!(out.value()["plan"], preview["plan"]);
    assert_eq!(desk.inventory(), palinode_replay::lab::inventory_text());
    desk.run(&["verify"]).exits(0);
}
