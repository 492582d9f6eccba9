//! Whose a journal is, whose a host is, and which machine it is: whole sessions through the binary.

use palinode_tests::binary::{Desk, binary};
use palinode_tests::faults::{Faults, How};
use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const FIRST: &str = "gluster1.demo";
const SECOND: &str = "gluster2.demo";
const NOBODY: u32 = 65534;

/// Waits for a person after its first step.
const BAD: &str = "\
runbook: bad
hosts: { group: glusterfs }
each_host:
  - first: { command: { run: [/bin/sh, -c, 'echo first >>/root/count'], changes: [/root/count] } }
  - bad: { command: { run: [test, -e, /root/mended], changes: [/root/count] } }
  - last: { command: { run: [/bin/sh, -c, 'echo last >>/root/count'], changes: [/root/count] } }
";

const BAD_RUN: [&str; 5] = ["run", "./bad.yml", "-i", "hosts", "--yes"];

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn sh(script: &str) -> Output {
    let out = Command::new("sh").args(["-c", script]).output().expect("a shell can be started");
    assert!(out.status.success(), "{script}: {}", String::from_utf8_lossy(&out.stderr));
    out
}

fn copy(from: &Path, to: &Path) {
    sh(&format!("rm -rf '{}' && cp -a '{}' '{}'", to.display(), from.display(), to.display()));
}

/// A journal with a closed run in a lab.
fn in_a_lab() -> Desk {
    let desk = Desk::new();
    desk.run(&["exec", "--lab-state", "lab", FIRST, "service", "docker", "stopped"]).exits(0);
    desk
}

/// The binary in a folder below, and as another user if one is named.
fn below(folder: &Path, user: Option<u32>, args: &[&str]) -> (Option<i32>, String) {
    let mut command = match user {
        None => Command::new(binary()),
        Some(uid) => {
            let mut command = Command::new("setpriv");
            let uid = uid.to_string();
            command.args(["--reuid", &uid, "--regid", &uid, "--clear-groups", "--"]).arg(binary());
            command
        }
    };
    let out = command.args(args).current_dir(folder).stdin(Stdio::null()).output().expect("it can be started");
    (out.status.code(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
}

#[track_caller]
fn refused(found: &(Option<i32>, String), words: &[&str]) {
    assert_eq!(found.0, Some(2), "{}", found.1);
    for word in words {
        assert!(found.1.contains(word), "`{word}` in {}", found.1);
    }
}

#[test]
fn a_journal_of_another_user_is_used_only_if_it_is_named() {
    if !is_root() {
        return palinode_tests::skip::skip("a journal of another user", "only root makes one");
    }
    let desk = in_a_lab();
    let root = desk.path().join(".palinode");
    let inside = desk.path().join("below");
    fs::create_dir(&inside).expect("it can be made");
    assert_eq!(below(&inside, None, &["status"]).0, Some(0));
    sh(&format!("chown -R {NOBODY} '{}'", root.display()));
    let before = sh(&format!("cd '{}' && find . -type f -exec md5sum {{}} + | sort", root.display())).stdout;
    for args in [
        &["status"][..],
        &["log"],
        &["show", "@"],
        &["verify"],
        &["resume"],
        &["undo", "@"],
        &["rollback", "--dry-run"],
        &["replay", "--strict"],
        &["reindex"],
        &["pause"],
        &["exec", "--lab-state", "lab", FIRST, "service", "docker", "started"],
    ] {
        let found = below(&inside, None, args);
        refused(&found, &["found by looking upwards", "belongs to the user with uid 65534", "--journal "]);
    }
    let after = sh(&format!("cd '{}' && find . -type f -exec md5sum {{}} + | sort", root.display())).stdout;
    assert_eq!(before, after, "nothing was written");
    // Named, it is used.
    let named = root.to_str().expect("a path in UTF-8");
    assert_eq!(below(&inside, None, &["--journal", named, "status"]).0, Some(0));
    // Whatever of it belongs to a third user is not.
    for part in ["keys", "jobs", "index"] {
        fs::create_dir_all(root.join(part)).expect("it can be made");
        chown(root.join(part), Some(NOBODY - 1), None).expect("root may");
        refused(&below(&inside, None, &["--journal", named, "status"]), &[part, "belongs to the user with uid 65533"]);
        chown(root.join(part), Some(NOBODY), None).expect("root may");
    }
    // A link that another user laid, to a journal that is one's own.
    sh(&format!("chown -R 0 '{}'", root.display()));
    let own = desk.path().join("own");
    fs::rename(&root, &own).expect("it can be moved");
    sh(&format!("ln -s own '{0}' && chown -h {NOBODY} '{0}'", root.display()));
    refused(&below(&inside, None, &["status"]), &["belongs to the user with uid 65534"]);
    sh(&format!("chown -h 0 '{}'", root.display()));
    assert_eq!(below(&inside, None, &["status"]).0, Some(0), "a link of one's own is followed");
    // Another may write it.
    fs::set_permissions(&own, PermissionsExt::from_mode(0o777)).expect("it is ours");
    refused(&below(&inside, None, &["status"]), &["other users may write", "0777"]);
}

#[test]
fn root_s_journal_is_not_called_missing_where_it_may_not_be_read() {
    let desk = in_a_lab();
    let mut may = Command::new("setpriv");
    may.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(binary()).arg("--version");
    if !is_root() || !may.output().is_ok_and(|out| out.status.success()) {
        return palinode_tests::skip::skip("a journal that may not be read", "nobody cannot run the binary here");
    }
    fs::set_permissions(desk.path(), PermissionsExt::from_mode(0o755)).expect("it is ours");
    let found = below(desk.path(), Some(NOBODY), &["status"]);
    assert_eq!(found.0, Some(2), "{}", found.1);
    assert!(!found.1.contains("there is no journal"), "{}", found.1);
}

#[test]
fn a_driver_whose_journal_is_moved_away_stops_before_its_next_step() {
    let desk = Desk::new();
    let mut live = desk.spawn(&["run", "crio-to-docker", "--lab", "--pace", "60"]);
    live.until("done in");
    let root = desk.path().join(".palinode");
    let away = desk.path().join("away");
    fs::rename(&root, &away).expect("it can be moved");
    let out = live.end().exits(8);
    out.complains(&["the journal was moved or replaced", "--journal"]);
    desk.run(&["--journal", "away", "verify"]).exits(0);
    // A copy in its place has an owner of its own: the first one is told, the second one goes on.
    let mut live = desk.spawn(&["--journal", "away", "resume", "--pace", "60"]);
    live.until("done in");
    copy(&away, &root);
    fs::rename(&away, desk.path().join("older")).expect("it can be moved");
    copy(&root, &away);
    let out = live.end().exits(8);
    out.complains(&["the journal was moved or replaced"]);
    desk.run(&["--journal", "away", "verify"]).exits(0);
}

fn claimed(site: &InventoryDir, host: &str) -> String {
    site.hosts.run(host, "cat /var/lib/palinode/claim 2>/dev/null || :").text()
}

fn count(site: &InventoryDir) -> String {
    site.hosts.run(FIRST, "cat /root/count 2>/dev/null || :").text()
}

#[test]
fn a_host_tells_two_journals_apart_and_the_newest_state_of_each_from_older_ones() {
    let Some(site) = InventoryDir::new("claims: journals and their copies", Kind::default(), &[FIRST]) else { return };
    site.desk.write("bad.yml", BAD);
    let root = site.desk.path().join(".palinode");
    // Two containers with one machine id and the same path in each.
    let place = tempfile::tempdir().expect("a folder");
    let other = Desk::new();
    other.write("bad.yml", BAD);
    other.write("hosts", format!("[glusterfs]\n{FIRST}\n"));
    let contained = |desk: &Desk, args: &[&str]| -> (Option<i32>, String) {
        let args: Vec<String> = site.args(args).iter().map(|arg| format!("'{arg}'")).collect();
        let script = format!(
            "mount --bind '{}' '{1}' && cd '{1}' && exec '{2}' {3}",
            desk.path().display(),
            place.path().display(),
            binary().display(),
            args.join(" ")
        );
        let out = Command::new("unshare").args(["-m", "sh", "-c", &script]).stdin(Stdio::null()).output();
        let out = out.expect("unshare can be started");
        (out.status.code(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
    };
    let (code, text) = contained(&site.desk, &BAD_RUN);
    assert_eq!(code, Some(3), "{text}");
    let claim = claimed(&site, FIRST);
    let (code, text) = contained(&other, &BAD_RUN);
    assert!(code == Some(9) && text.contains("claimed by another journal: run "), "{text}");
    assert_eq!(claimed(&site, FIRST), claim, "it stays whose it is");
    assert_eq!(count(&site), "first");
    // Outside the inventory of that path is there too.
    fs::write(place.path().join("hosts"), format!("[glusterfs]\n{FIRST}\n")).expect("it can be written");

    // A backup, made while the run waits; what is done after it is not done again.
    let backup = site.desk.path().join("backup");
    copy(&root, &backup);
    site.hosts.run(FIRST, "touch /root/mended").exits(0);
    site.run(&["retry", &format!("{FIRST}/bad")]).exits(0);
    site.run(&["resume"]).exits(0);
    assert_eq!(count(&site), "first\nlast");
    let newest = site.desk.path().join("newest");
    copy(&root, &newest);
    copy(&backup, &root);
    site.run(&["retry", &format!("{FIRST}/bad")]).exits(0);
    let words = ["which is not in it", "older copy of the journal", "nothing was touched", "--take-over"];
    site.run(&["resume"]).exits(9).complains(&words);
    // However often it is opened.
    for _ in 0..3 {
        site.run(&["resume"]).exits(9);
    }
    site.run(&["exec", FIRST, "--", "sh", "-c", "echo again >>/root/count"]).exits(9).complains(&words);
    site.run(&["rollback", "--yes"]).exits(9).complains(&words);
    assert_eq!(count(&site), "first\nlast");

    // The newest one goes on, also from another place.
    copy(&newest, &root);
    fs::rename(&root, site.desk.path().join("moved")).expect("it can be moved");
    site.run(&["--journal", "moved", "exec", FIRST, "--", "sh", "-c", "echo moved >>/root/count"]).exits(0);
    // A copy of before that one.
    site.run(&["--journal", "newest", "exec", FIRST, "--", "sh", "-c", "echo copy >>/root/count"])
        .exits(9)
        .complains(&["another copy of it went on"]);
    assert_eq!(count(&site), "first\nlast\nmoved");
    // A person may say so, and that is recorded.
    site.run(&["--journal", "newest", "exec", "--take-over", FIRST, "--", "true"]).exits(0);
    site.run(&["--journal", "newest", "log"])
        .exits(0)
        .says(&["gluster1.demo taken over from: a newer or another copy"]);
    site.run(&["--journal", "moved", "exec", FIRST, "--", "true"]).exits(9).complains(&["which is not in it"]);
    site.desk.run(&["--journal", "newest", "verify"]).exits(0);
}

#[test]
fn whose_a_host_was_is_recorded_before_it_is_taken_and_told_afterwards() {
    let Some(site) = InventoryDir::new("claims: taken over", Kind::default(), &[FIRST, SECOND]) else { return };
    site.desk.write("bad.yml", BAD.replace("hosts: { group: glusterfs }", "hosts: { group: glusterfs, serial: 2 }"));
    site.desk.write("one", format!("[glusterfs]\n{FIRST}\n"));
    let one = ["--journal", "another", "run", "./bad.yml", "-i", "one", "--yes"];
    site.run(&BAD_RUN).exits(3);
    let run = site.desk.json(&["status"])["run"].as_str().expect("a run").to_owned();
    let claim = claimed(&site, FIRST);
    // Whoever cannot have their own journal takes nothing.
    site.desk
        .run(&["--journal", "another", "exec", "--lab-state", "lab", FIRST, "service", "docker", "stopped"])
        .exits(0);
    let lock = site.desk.path().join("another/lock");
    let holder = fs::File::open(&lock).expect("it is there");
    rustix::fs::flock(&holder, rustix::fs::FlockOperation::LockExclusive).expect("it is free");
    site.run(&[&one[..], &["--take-over"]].concat()).exits(9).complains(&["owned by"]);
    assert_eq!(claimed(&site, FIRST), claim, "nothing was taken");
    drop(holder);
    // Taken, and recorded whose it was.
    site.hosts.run(FIRST, "touch /root/mended").exits(0);
    site.run(&[&one[..], &["--take-over"]].concat()).exits(0);
    let taken = format!("gluster1.demo taken over from: run {run} of ");
    site.run(&["--journal", "another", "log"]).exits(0).says(&[&taken]);
    site.run(&["--journal", "another", "show", "@"]).exits(0).says(&["taken     gluster1.demo from: run "]);
    let theirs = site.desk.json(&["--journal", "another", "status"])["run"].as_str().expect("a run").to_owned();
    // It was ours, and is no more.
    let told = format!("gluster1.demo was claimed by run {}", &run[..4]);
    let by = format!("taken over by run {theirs}");
    site.run(&["resume"]).exits(3).complains(&[&told, "is no more", &by]);
    assert_eq!(claimed(&site, FIRST), "", "nothing was done there since");

    // Another has the second host: the first one is taken back all the same.
    site.desk.write("two", format!("[glusterfs]\n{SECOND}\n"));
    site.run(&["--journal", "third", "run", "./bad.yml", "-i", "two", "--yes", "--take-over"]).exits(3);
    site.run(&["rollback", "--yes"]).exits(9).complains(&["gluster2.demo is claimed by another journal"]);
    site.run(&["rollback", "--host", FIRST, "--yes", "--force"]).exits(0);
    assert_eq!(count(&site), "", "it was taken back");
}

#[test]
fn a_host_that_became_another_machine_is_not_acted_on_unless_a_person_says_so() {
    let Some(site) = InventoryDir::new("claims: another machine", Kind::default(), &[FIRST]) else { return };
    site.desk.write("bad.yml", BAD);
    let other = "tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id; cat /etc/machine-id";
    site.run(&["exec", FIRST, "service", "docker", "stopped"]).exits(0);
    let now = site.hosts.run(FIRST, other).text();
    let active = || site.hosts.run(FIRST, "systemctl is-active docker; true").text();
    let words =
        ["gluster1.demo is another machine than the one that was recorded", &now, "--host-changed gluster1.demo"];
    site.run(&["undo", "@", "--yes"]).exits(2).complains(&words);
    site.run(&["rollback", "--yes"]).exits(2).complains(&words);
    assert_eq!(active(), "inactive", "nothing was touched");
    site.run(&["undo", "@", "--yes", "--host-changed", "nowhere"]).exits(2).complains(&["`nowhere`"]);
    site.run(&["undo", "@", "--yes", "--host-changed", FIRST]).exits(0);
    assert_eq!(active(), "active");
    site.run(&["log"]).exits(0).says(&["gluster1.demo is another machine than recorded"]);
    site.run(&["show", "@"]).exits(0).says(&[&now, "another than recorded before"]);

    // A run that waits, and a retry of its step.
    site.run(&BAD_RUN).exits(3);
    site.hosts.run(FIRST, other).exits(0);
    site.run(&["retry", &format!("{FIRST}/bad")]).exits(0);
    site.run(&["resume"]).exits(2).complains(&["is another machine", "--host-changed"]);
    assert_eq!(count(&site), "first");
    site.hosts.run(FIRST, "touch /root/mended").exits(0);
    site.run(&["resume", "--host-changed", FIRST]).exits(0);
    assert_eq!(count(&site), "first\nlast");
    // Now that one is known.
    site.run(&["rollback", "--yes"]).exits(0);
    // Only the key changed: that is told, and no more.
    site.run(&["exec", FIRST, "service", "docker", "stopped"]).exits(0);
    let keys = "rm /etc/ssh/ssh_host_*; ssh-keygen -A >/dev/null; systemctl reload-or-restart ssh sshd 2>/dev/null; cat /etc/ssh/ssh_host_ed25519_key.pub";
    let key = site.hosts.run(FIRST, keys).text();
    let key: Vec<&str> = key.split(' ').collect();
    let known = site.hosts.folder().join("known_hosts");
    let text = fs::read_to_string(&known).expect("it can be read");
    let fresh: String = text
        .lines()
        .map(|line| match line.split_once(' ') {
            Some((names, _)) if names.contains(FIRST) => format!("{names} {} {}\n", key[0], key[1]),
            _ => format!("{line}\n"),
        })
        .collect();
    fs::write(&known, fresh).expect("it can be written");
    site.run(&["undo", "@", "--yes"])
        .exits(0)
        .complains(&["gluster1.demo is now known by", "it is the same machine by its machine id"]);
    // Nobody tells: a notice at most.
    site.run(&["exec", FIRST, "service", "docker", "stopped"]).exits(0);
    site.hosts.run(FIRST, "rm /etc/machine-id").exits(0);
    site.run(&["undo", "@", "--yes"]).exits(0);
    site.is_sound();
}

#[test]
fn what_a_dead_driver_left_is_given_up_and_nothing_begins_beside_its_job() {
    let Some(site) = InventoryDir::new("claims: a dead driver", Kind::default(), &[FIRST]) else { return };
    // It dies between the end of the run and giving the host up.
    let faults =
        Faults { below: site.desk.path().join(".palinode"), calls: "fdatasync", at: 1, how: How::Stop, stay: true };
    site.desk.run(&["exec", "--lab-state", "lab", FIRST, "service", "docker", "stopped"]).exits(0);
    let args = site.args(&["exec", FIRST, "--", "sh", "-c", "echo one >>/root/count"]);
    let mut live = site.desk.spawn_with(&faults.settings(), &args);
    let began = Instant::now();
    loop {
        assert!(!live.has_ended() && began.elapsed() < Duration::from_secs(90), "{}", live.stderr());
        if live.is_stopped() {
            let last = site.desk.run(&["log", "-o", "json"]);
            let log: Vec<serde_json::Value> = serde_json::from_str(&last.stdout).unwrap_or_default();
            let ended = log.last().is_some_and(|last| last["entry"]["event"]["RunClosed"].is_object());
            if ended && claimed(&site, FIRST).contains("run ") && !log.is_empty() && count(&site) == "one" {
                break;
            }
            live.signal(rustix::process::Signal::CONT);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    live.kill();
    assert_ne!(claimed(&site, FIRST), "", "it stays claimed");
    site.run(&["resume"]).exits(2).complains(&["its claims were not given up; they are now"]);
    assert_eq!(claimed(&site, FIRST), "", "it is given up");
    let again = site.run(&["resume"]).exits(2);
    assert!(!again.stderr.contains("given up"), "{again}");

    // A job that goes on, of a driver that died.
    let mut live = site.spawn(&["exec", FIRST, "--", "sh", "-c", "sleep 6; echo two >>/root/count"]);
    live.until("run ");
    site.hosts.until(FIRST, "pgrep -f 'sleep [6]' >/dev/null");
    live.kill();
    let three = ["exec", FIRST, "--", "sh", "-c", "echo three >>/root/count"];
    site.run(&three).exits(4).complains(&["is in doubt", "type `palinode resume ", "nothing was touched"]);
    assert_eq!(count(&site), "one");
    site.run(&["resume"]).exits(0);
    site.run(&three).exits(0);
    assert_eq!(count(&site), "one\ntwo\nthree");
    site.is_sound();
}
