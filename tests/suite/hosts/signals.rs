//! INT, TERM and HUP sent to the real binary while it looks: nothing begins after them, the run stands where it stood, and
//! `resume` goes on.

use palinode_tests::binary::{Live, Out};
use palinode_tests::hosts::Kind;
use palinode_tests::instrumented_host::{Gate, InstrumentedHost};
use palinode_tests::inventory_dir::InventoryDir;
use rustix::process::Signal;
use std::time::{Duration, Instant};

const HOST: &str = "gluster1.demo";

const BOOK: &str = "\
runbook: three
hosts: { group: glusterfs }
each_host:
  - first: { command: { run: [/bin/sh, -c, 'echo first >>/root/count'], changes: [/root/count] } }
  - second: { STEP }
  - last: { command: { run: [/bin/sh, -c, 'echo last >>/root/count'], changes: [/root/count] } }
";

/// A step whose look stands still: its words, the call that the look makes, and what tells that it was done.
struct Kinded {
    step: &'static str,
    call: &'static str,
    done: &'static str,
}

const KINDS: [Kinded; 3] = [
    Kinded {
        step: "service: { units: [docker], state: stopped }",
        call: "systemctl show *",
        done: "! systemctl is-active -q docker",
    },
    Kinded { step: "package: { names: [criu], state: present }", call: "rpm -q*", done: "rpm -q criu" },
    Kinded { step: "file: { path: /root/new, content: 'x' }", call: "stat -c %u* -- /root", done: "test -e /root/new" },
];

const RUN: [&str; 5] = ["run", "./three.yml", "-i", "hosts", "--yes"];

fn site(test: &str) -> Option<InventoryDir> {
    let site = InventoryDir::new(test, Kind::default(), &[HOST])?;
    let more = "for p in rpm stat; do ln -sf /srv/rig/program /usr/sbin/$p; done; systemctl start docker";
    InstrumentedHost::new(&site.hosts, HOST).inside(more).exits(0);
    Some(site)
}

fn count(site: &InventoryDir) -> String {
    site.hosts.inside(HOST, "cat /root/count 2>/dev/null; true").text()
}

fn intents(site: &InventoryDir, step: &str) -> usize {
    let step = format!("{HOST}/{step}");
    site.events().iter().filter(|event| event["Intent"]["step"].as_str() == Some(&step)).count()
}

/// A driver whose second step is being looked at.
fn looking(site: &InventoryDir, kind: &Kinded, more: &[&str]) -> Live {
    site.desk.write("three.yml", BOOK.replace("{ STEP }", &format!("{{ {} }}", kind.step)));
    let machine = InstrumentedHost::new(&site.hosts, HOST);
    machine.watch(&[], Some(Gate::End));
    let live = site.spawn(&[&RUN[..], more].concat());
    machine.reached(Gate::End);
    // The first step ends, and the second one is looked at.
    machine.watch(&[kind.call], Some(Gate::Effect));
    machine.open(Gate::End);
    machine.reached(Gate::Effect);
    live
}

/// Back to a host and a journal that know of nothing.
fn anew(site: &InventoryDir) {
    InstrumentedHost::new(&site.hosts, HOST).rest();
    let back = "rm -rf /root/count /root/new /var/lib/palinode; systemctl start docker; rpm -e criu 2>/dev/null; true";
    site.hosts.inside(HOST, back).exits(0);
    let _ = std::fs::remove_dir_all(site.desk.path().join(".palinode"));
}

#[track_caller]
fn stands(site: &InventoryDir, kind: &Kinded, out: Out) {
    let out = out.exits(3);
    assert!(out.stdout.contains("palinode resume") || out.stderr.contains("palinode resume"), "{out}");
    assert_eq!(intents(site, "second"), 0, "{}: nothing began", kind.step);
    assert_eq!(count(site), "first");
    assert_ne!(site.hosts.inside(HOST, kind.done).code, Some(0), "{}: nothing was done", kind.step);
    site.desk.run(&["status"]).exits(0).says(&["palinode resume"]);
    site.is_sound();
}

#[track_caller]
fn goes_on(site: &InventoryDir, kind: &Kinded) {
    InstrumentedHost::new(&site.hosts, HOST).rest();
    site.run(&["resume"]).exits(0);
    assert_eq!(count(site), "first\nlast");
    site.hosts.inside(HOST, kind.done).exits(0);
    assert_eq!((intents(site, "first"), intents(site, "second"), intents(site, "last")), (1, 1, 1));
    site.is_sound();
    site.run(&["rollback", "--yes"]).exits(0);
    assert_eq!(count(site), "");
    site.is_sound();
}

#[test]
fn a_signal_during_a_look_begins_nothing() {
    let Some(site) = site("signals: during a look") else { return };
    for kind in &KINDS {
        for (signal, more) in [(Signal::INT, &[][..]), (Signal::TERM, &[]), (Signal::HUP, &["--on-hangup", "pause"])] {
            let mut live = looking(&site, kind, more);
            live.signal(signal);
            live.until("finishing what runs");
            // A look is not waited for: nothing comes of it that is missed.
            let began = Instant::now();
            let out = live.end();
            assert!(began.elapsed() < Duration::from_secs(20), "{signal:?} {}: {out}", kind.step);
            out.clone().says(&["paused", "someone asked for a pause"]);
            InstrumentedHost::new(&site.hosts, HOST).open(Gate::Effect);
            std::thread::sleep(Duration::from_secs(2));
            stands(&site, kind, out);
            goes_on(&site, kind);
            anew(&site);
        }
    }
}

#[test]
fn a_look_that_ends_right_after_a_signal_begins_nothing() {
    let Some(site) = site("signals: at the end of a look") else { return };
    let kind = &KINDS[0];
    for signal in [Signal::INT, Signal::TERM, Signal::INT, Signal::TERM] {
        let mut live = looking(&site, kind, &[]);
        // It stands still while the answer and the signal come.
        live.signal(Signal::STOP);
        InstrumentedHost::new(&site.hosts, HOST).pass(Gate::Effect);
        std::thread::sleep(Duration::from_secs(1));
        live.signal(signal);
        live.signal(Signal::CONT);
        live.until("finishing what runs");
        let out = live.end();
        stands(&site, kind, out);
        goes_on(&site, kind);
        anew(&site);
    }
}

#[test]
fn a_second_signal_during_a_look_leaves_at_once() {
    let Some(site) = site("signals: twice during a look") else { return };
    for (kind, signals) in
        KINDS.iter().zip([[Signal::INT, Signal::INT], [Signal::TERM, Signal::INT], [Signal::INT, Signal::TERM]])
    {
        let live = looking(&site, kind, &[]);
        let began = Instant::now();
        // Both before it could have done anything between them.
        live.signal(Signal::STOP);
        live.signal(signals[0]);
        live.signal(Signal::CONT);
        live.signal(signals[1]);
        let out = live.end();
        assert!(began.elapsed() < Duration::from_secs(20), "{out}");
        InstrumentedHost::new(&site.hosts, HOST).open(Gate::Effect);
        std::thread::sleep(Duration::from_secs(2));
        stands(&site, kind, out);
        goes_on(&site, kind);
        anew(&site);
    }
}

#[test]
fn a_hangup_during_a_look_is_nothing_unless_it_is_asked_for() {
    let Some(site) = site("signals: a hangup") else { return };
    let kind = &KINDS[0];
    let live = looking(&site, kind, &[]);
    live.signal(Signal::HUP);
    std::thread::sleep(Duration::from_millis(500));
    InstrumentedHost::new(&site.hosts, HOST).open(Gate::Effect);
    live.end().exits(0);
    assert_eq!(count(&site), "first\nlast");
    site.is_sound();
}

#[test]
fn a_signal_while_an_undo_looks_begins_nothing() {
    let Some(site) = site("signals: during the look of an undo") else { return };
    let kind = &KINDS[0];
    let machine = InstrumentedHost::new(&site.hosts, HOST);
    for signal in [Signal::INT, Signal::TERM] {
        site.desk.write("three.yml", BOOK.replace("{ STEP }", &format!("{{ {} }}", kind.step)));
        site.run(&RUN).exits(0);
        machine.watch(&[], Some(Gate::End));
        let mut live = site.spawn(&["rollback", "--yes"]);
        machine.reached(Gate::End);
        machine.watch(&[kind.call], Some(Gate::Effect));
        machine.open(Gate::End);
        machine.reached(Gate::Effect);
        let begun = || site.events().iter().filter(|event| event["Intent"].is_object()).count();
        assert_eq!(begun(), 4, "three steps and the first undo: it looks: {}", live.stderr());
        live.signal(signal);
        live.until("finishing what runs");
        let out = live.end().exits(3);
        assert_eq!(begun(), 4, "{out}");
        machine.open(Gate::Effect);
        std::thread::sleep(Duration::from_secs(2));
        assert_eq!(count(&site), "first", "{out}");
        assert_ne!(site.hosts.inside(HOST, "systemctl is-active -q docker").code, Some(0), "it is not taken back yet");
        site.is_sound();
        machine.rest();
        site.run(&["resume"]).exits(0);
        assert_eq!(count(&site), "");
        site.hosts.inside(HOST, "systemctl is-active -q docker").exits(0);
        site.is_sound();
        anew(&site);
    }
}

/// Nothing is recorded yet, and nothing is on the host.
#[test]
fn a_signal_before_the_run_is_opened_leaves_nothing() {
    let Some(site) = site("signals: before the run") else { return };
    site.desk.write("three.yml", BOOK.replace("{ STEP }", "{ service: { units: [docker], state: stopped } }"));
    site.hosts.cut_link(HOST);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let live = site.spawn(&RUN);
        std::thread::sleep(Duration::from_secs(2));
        live.signal(signal);
        let out = live.end();
        println!("{signal:?}: {out}");
        assert_ne!(out.code, Some(0), "{out}");
        assert!(!site.desk.path().join(".palinode").exists(), "{out}");
    }
    site.hosts.mend_link(HOST);
    while site.hosts.run(HOST, "true").code != Some(0) {
        std::thread::sleep(Duration::from_millis(200));
    }
    site.run(&RUN).exits(0);
    assert_eq!(count(&site), "first\nlast");
    site.is_sound();
}

/// A host that does not answer is asked for minutes; a person who wants to stop does not wait for it.
#[test]
fn a_signal_while_a_host_does_not_answer_pauses() {
    let Some(site) = site("signals: a host that does not answer") else { return };
    let kind = &KINDS[0];
    for signal in [Signal::INT, Signal::TERM] {
        let mut live = looking(&site, kind, &[]);
        site.hosts.cut_link(HOST);
        live.signal(signal);
        live.until("finishing what runs");
        let began = Instant::now();
        let out = live.end();
        assert!(began.elapsed() < Duration::from_secs(60), "{out}");
        site.hosts.mend_link(HOST);
        InstrumentedHost::new(&site.hosts, HOST).open(Gate::Effect);
        std::thread::sleep(Duration::from_secs(2));
        stands(&site, kind, out);
        goes_on(&site, kind);
        anew(&site);
    }
}
