//! `palinode doctor --disk`: it tells good disks from bad ones, touches nothing, and puts everything away.

use palinode_tests::binary::Desk;
use palinode_tests::faults::{Faults, How};
use palinode_tests::power::{Disk, System};
use palinode_tests::skip;
use rustix::process::Signal;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

const LOOK: [&str; 2] = ["doctor", "--disk"];
const CUT: [&str; 3] = ["doctor", "--disk", "--power-cut"];

/// A folder on the disk that programs are built on: nobody builds in memory that a reboot takes.
fn on_disk() -> Desk {
    let me = std::env::current_exe().expect("a test has a path");
    Desk::under(me.parent().expect("it is in a folder"))
}

#[track_caller]
fn nothing_is_left(folder: &Path) {
    let left: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder can be read")
        .map(|item| item.expect("a folder can be read").file_name())
        .filter(|name| name.to_string_lossy().starts_with(".palinode-doctor"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("mounts are listed");
    assert!(!mounts.contains(&format!("{}/", folder.display())), "{mounts}");
}

#[test]
fn an_ordinary_disk_is_measured_beside_a_journal_that_is_not_touched() {
    let desk = on_disk();
    desk.run(&["run", "crio-to-docker", "--lab", "--host", "gluster1.demo"]).exits(0);
    let before = desk.files(".palinode");
    let out = desk.run(&LOOK).exits(0).says(&[
        "the disk under ",
        ".palinode\n",
        "file system",
        "entries",
        "write + sync",
        "tried and working: lock, rename, folder sync, private files",
        "not measured: ",
        "sound: nothing that was measured breaks a promise",
    ]);
    // A path is not broken, however long it is.
    let folder = desk.path().to_string_lossy().into_owned();
    assert!(out.stdout.lines().all(|line| line.contains(&folder) || line.chars().count() <= 80), "{out}");
    let value = desk.json(&LOOK);
    assert_eq!(value["sound"], true, "{value}");
    let speed = &value["speed"];
    assert!(speed["synced"]["median_ns"].as_u64() > speed["plain"]["median_ns"].as_u64(), "{speed}");
    assert!(speed["synced"]["p99_ns"].as_u64() <= speed["synced"]["worst_ns"].as_u64(), "{speed}");
    assert!(value["room"]["bytes"].as_u64() > Some(0), "{value}");
    assert_eq!(desk.files(".palinode"), before);
    nothing_is_left(desk.path());
}

#[test]
fn memory_is_no_disk() {
    let desk = Desk::in_memory();
    let value = desk.json(&LOOK);
    if value["file_system"]["kind"] != "tmpfs" {
        return skip::skip("doctor in memory", "there is no tmpfs to be had");
    }
    assert_eq!(value["sound"], false);
    desk.run(&LOOK).exits(1).says(&["BROKEN  tmpfs is memory", "-> put the journal on a local disk", "not sound: "]);
}

#[test]
fn a_sync_that_does_nothing_is_found_out() {
    let desk = on_disk();
    let lies = Faults { below: desk.path().to_owned(), calls: "fdatasync", at: 1, how: How::Lie, stay: true };
    let out = desk.run_with(&lies.settings(), &LOOK).exits(1);
    out.says(&["BROKEN  a sync costs nothing", "eatmydata", "not sound"]);
}

#[test]
fn what_a_file_system_is_mounted_with_and_has_left_is_seen() {
    let test = "doctor on a disk of its own";
    let Some(disk) = Disk::new(test, System::Ext4, 32) else { return };
    let desk = Desk::in_memory();
    let place = disk.path();
    let look = [&LOOK[..], &[place.to_str().expect("a path in UTF-8")]].concat();
    let remount = |options: &str| {
        let done = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&place).status();
        assert!(done.expect("mount can be started").success());
    };
    let told = desk.json(&look);
    let findings = |value: &serde_json::Value| value["findings"].to_string();
    // Sound, but for the little room; the syncs reach the loop device.
    assert_eq!((&told["sound"], &told["file_system"]["kind"]), (&true.into(), &"ext4".into()), "{told}");
    assert!(findings(&told).contains("there is little room") && findings(&told).contains("the syncs reach loop"));
    std::fs::create_dir(place.join(".palinode-doctor-999999999")).expect("a folder can be made");
    desk.run(&look).exits(0).says(&[".palinode-doctor-999999999 is left", "-> unmount"]);
    std::fs::remove_dir(place.join(".palinode-doctor-999999999")).expect("a folder can be removed");
    remount("nobarrier");
    let told = desk.json(&look);
    assert_eq!(told["sound"], false);
    assert!(findings(&told).contains("mounted without barriers"), "{told}");
    assert!(findings(&told).contains("not one of"), "no sync reaches the loop device: {told}");
    remount("barrier");
    std::fs::write(place.join("filler"), vec![0; 20 << 20]).expect("there is room");
    desk.run(&look).exits(1).says(&["BROKEN  there is no room for a run", "-> make room"]);
    remount("ro");
    desk.run(&look).exits(1).says(&["BROKEN  nothing can be written there: ", "BROKEN  mounted read-only"]);
    nothing_is_left(&place);
}

/// Whether the power can be cut here.
fn can_cut(test: &str) -> bool {
    match Disk::new(test, System::Ext4, 32) {
        Some(_) if Command::new("xfs_io").arg("-V").output().is_err() => {
            skip::skip(test, "xfs_io is not installed");
            false
        }
        found => found.is_some(),
    }
}

#[test]
fn a_power_cut_is_tried_and_put_away() {
    if !can_cut("doctor cuts the power") {
        return;
    }
    let desk = on_disk();
    desk.run(&CUT).exits(0).says(&["good    5 power cuts, of ", "sound: "]);
    let json = [&CUT[..], &["-o", "json"]].concat();
    let found = &desk.run(&json).exits(0).value()["power_cut"];
    assert_eq!((&found["cuts"], &found["telling"]), (&5.into(), &5.into()), "{found}");
    for kind in ["records", "names"] {
        assert!(found[kind]["acknowledged"].as_u64() > Some(0) && found[kind]["lost"] == 0, "{found}");
    }
    nothing_is_left(desk.path());
    // The trial sees losses: the same with syncs that do nothing.
    let lies = Faults { below: desk.path().to_owned(), calls: "fdatasync,fsync", at: 1, how: How::Lie, stay: true };
    let value = desk.run_with(&lies.settings(), &json).exits(1).value();
    assert_eq!(value["power_cut"]["records"]["acknowledged"], value["power_cut"]["records"]["lost"], "{value}");
    assert!(value["findings"].to_string().contains("5 power cuts of "), "{value}");
    nothing_is_left(desk.path());
}

/// Containers that start meanwhile hold the file system that is cut off in mount namespaces of their own.
#[test]
fn a_power_cut_beside_containers_is_no_loss() {
    if !can_cut("doctor cuts the power beside containers") {
        return;
    }
    let desk = on_disk();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                let mut held = Command::new("unshare");
                held.args(["--mount", "--propagation", "private", "sleep", "0.3"]);
                assert!(held.status().expect("a namespace can be made").success());
            }
        });
        let out = desk.run(&CUT);
        over.store(true, Ordering::SeqCst);
        out.exits(0).says(&["good    5 power cuts, of "]);
    });
    nothing_is_left(desk.path());
}

#[test]
fn an_interrupted_look_puts_everything_away() {
    if !can_cut("doctor is interrupted") {
        return;
    }
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let desk = on_disk();
        let mut live = desk.spawn(&CUT);
        live.until("cutting the power");
        live.signal(signal);
        let out = live.end().exits(1).complains(&["error: ", "stopped", "removed"]);
        assert_eq!(out.stdout, "");
        nothing_is_left(desk.path());
    }
}

#[test]
fn what_cannot_be_looked_at_is_said() {
    let desk = Desk::in_memory();
    desk.run(&["doctor"]).exits(2).complains(&["--disk"]);
    desk.run(&["doctor", "--disk", "nowhere"]).exits(2).complains(&["there is no folder nowhere", "next: "]);
    if can_cut("doctor without its tools") {
        let path = desk.path().join("empty");
        let out = desk.run_with(&[("PATH", path)], &CUT);
        // The usual folders are looked through all the same.
        assert!(!out.stderr.contains("is not installed"), "{out}");
    }
}
