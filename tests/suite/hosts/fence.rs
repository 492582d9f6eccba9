//! A driver that stood still while someone else went on: what it still asks for is refused on the host.

use palinode_tests::binary::Desk;
use palinode_tests::binary::{Live, Out};
use palinode_tests::faults::{Faults, How};
use palinode_tests::hosts::{Hosts, Kind};
use palinode_tests::instrumented_host::{Gate, InstrumentedHost};
use palinode_tests::inventory_dir::InventoryDir;
use serde_json::Value;
use std::process::Command;
use std::time::{Duration, Instant};

const HOST: &str = "gluster1.demo";

const RUN: [&str; 5] = ["run", "./two.yml", "-i", "hosts", "--yes"];

const TWO: &str = "\
runbook: two
hosts: { group: glusterfs }
each_host:
  - first: { command: { run: [/bin/sh, -c, 'echo first >>/root/count'], changes: [/root/count] } }
  - second: { command: { run: [/bin/sh, -c, 'echo second >>/root/count'], changes: [/root/count] } }
";

/// Another's run, which waits for a person after its first step.
const OTHER: &str = "\
runbook: other
hosts: { group: glusterfs }
each_host:
  - third: { command: { run: [/bin/sh, -c, 'echo third >>/root/other'], changes: [/root/other] } }
  - bad: { command: { run: ['false'] } }
";

fn site(test: &str) -> Option<InventoryDir> {
    let site = InventoryDir::new(test, Kind::default(), &[HOST])?;
    site.desk.write("two.yml", TWO);
    site.desk.write("other.yml", OTHER);
    Some(site)
}

/// A run that stands still: its intent for this step is on the disk, and the host was not asked for it yet.
fn stands_before(site: &InventoryDir, step: &str) -> Live {
    let faults =
        Faults { below: site.desk.path().join(".palinode"), calls: "fdatasync", at: 1, how: How::Stop, stay: true };
    let mut live = site.desk.spawn_with(&faults.settings(), &site.args(&RUN));
    let path = format!("{HOST}/{step}");
    let began = Instant::now();
    loop {
        assert!(!live.has_ended() && began.elapsed() < Duration::from_secs(60), "{}", live.stderr());
        if live.is_stopped() {
            let log = site.desk.run(&["log", "-o", "json"]);
            let log: Vec<Value> = serde_json::from_str(&log.stdout).unwrap_or_default();
            if log.last().is_some_and(|last| last["entry"]["event"]["Intent"]["step"] == *path) {
                return live;
            }
            live.signal(rustix::process::Signal::CONT);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Lets it go on, to its end.
fn goes_on(mut live: Live) -> Out {
    while !live.has_ended() {
        if live.is_stopped() {
            live.signal(rustix::process::Signal::CONT);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    live.end()
}

fn count(hosts: &Hosts) -> String {
    hosts.inside(HOST, "cat /root/count").text()
}

/// The last step was recorded as not started.
#[track_caller]
fn was_not_started(site: &InventoryDir, step: &str) {
    let events = site.events();
    let mut outcomes = events.iter().filter(|event| event["Outcome"]["step"] == format!("{HOST}/{step}"));
    let last = outcomes.next_back().expect("it has an outcome")["Outcome"].clone();
    assert_eq!((&last["ending"], &last["why"]), (&"failed".into(), &"not-started".into()), "{last}");
    assert_eq!(last["code"], Value::Null, "{last}");
}

#[test]
fn what_a_driver_asks_for_too_late_is_refused_while_another_journal_has_the_host() {
    let Some(site) = site("fence: another journal has the host") else { return };
    let live = stands_before(&site, "second");
    let other = ["--journal", "another", "run", "./other.yml", "-i", "hosts", "--yes"];
    site.run(&other).exits(9).complains(&["claimed by another journal", "--take-over"]);
    site.run(&[&other[..], &["--take-over"]].concat()).exits(3);
    let run = site.desk.json(&["--journal", "another", "status"])["run"].as_str().expect("a run").to_owned();
    let out = goes_on(live).exits(3);
    assert_eq!(count(&site.hosts), "first", "{out}");
    out.says(&["another journal has the host", &run]);
    was_not_started(&site, "second");
    // As long as the other has the host, nothing goes on here; afterwards all of it does.
    site.run(&["retry", &format!("{HOST}/second")]).exits(0);
    site.run(&["resume"]).exits(9).complains(&["claimed by another journal", &run]);
    site.run(&["--journal", "another", "skip", &format!("{HOST}/bad"), "--reason", "enough"]).exits(0);
    site.run(&["--journal", "another", "resume"]).exits(0);
    site.run(&["resume"]).exits(0);
    assert_eq!(count(&site.hosts), "first\nsecond");
    site.is_sound();
}

#[test]
fn what_a_driver_asks_for_too_late_is_refused_after_another_journal_had_the_host() {
    let Some(site) = site("fence: another journal had the host") else { return };
    let live = stands_before(&site, "second");
    site.desk.write("third.yml", OTHER.lines().take(4).map(|line| format!("{line}\n")).collect::<String>());
    site.run(&["--journal", "another", "run", "./third.yml", "-i", "hosts", "--yes", "--take-over"]).exits(0);
    let out = goes_on(live).exits(3).says(&["another journal took the host over"]);
    assert_eq!(count(&site.hosts), "first", "{out}");
    was_not_started(&site, "second");
    // A new driver looks again, and a person said that it should.
    site.run(&["retry", &format!("{HOST}/second")]).exits(0);
    site.run(&["resume"]).exits(0);
    assert_eq!(count(&site.hosts), "first\nsecond");
    site.is_sound();
}

#[test]
fn a_question_that_the_host_answers_too_late_starts_nothing() {
    let Some(site) = site("fence: between the question and the start") else { return };
    let machine = InstrumentedHost::new(&site.hosts, HOST);
    machine.watch(&[], Some(Gate::Claim));
    let live = site.spawn(&RUN);
    // The host found that the journal has it, and did not claim the job yet.
    machine.reached(Gate::Claim);
    site.run(&["--journal", "another", "run", "./other.yml", "-i", "hosts", "--yes", "--take-over"]).exits(3);
    machine.open(Gate::Claim);
    live.end().exits(3);
    machine.inside("test ! -e /root/count").exits(0);
    was_not_started(&site, "first");
    site.is_sound();
}

#[test]
fn a_journal_that_went_on_elsewhere_is_refused_where_it_was() {
    let Some(site) = site("fence: a copy of the journal") else { return };
    let live = stands_before(&site, "second");
    let elsewhere = Desk::new();
    let copied = Command::new("cp").arg("-a").arg(site.desk.path().join(".palinode")).arg(elsewhere.path()).status();
    assert!(copied.expect("cp can be started").success());
    let there = |args: &[&str]| elsewhere.run(&site.args(args));
    // It is the same journal to the host, and the newer one from now on.
    there(&["resume"]).exits(0);
    assert_eq!(count(&site.hosts), "first\nsecond");
    let out = goes_on(live).exits(3);
    assert_eq!(count(&site.hosts), "first\nsecond", "{out}");
    was_not_started(&site, "second");
    site.is_sound();
    elsewhere.run(&["verify"]).exits(0);
    elsewhere.run(&["replay", "--strict"]).exits(0);
}
