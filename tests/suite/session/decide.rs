//! What people decide: about failed steps, steps in doubt, and through the inbox of a live driver.

use palinode_tests::binary::{Desk, Live};
use serde_json::Value;

const PACKAGES: &str = "gluster1.demo/packages";

/// The entries of one kind about one step.
fn of<'a>(entries: &'a [Value], kind: &str, step: &str) -> Vec<&'a Value> {
    let all = entries.iter().map(|entry| &entry["entry"]["event"][kind]);
    all.filter(|event| event["step"].as_str() == Some(step)).collect()
}

fn user() -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").expect("there are users");
    let uid = rustix::process::getuid().as_raw().to_string();
    let line = passwd.lines().find(|line| line.split(':').nth(2) == Some(&uid)).expect("this user has a name");
    line.split(':').next().unwrap_or_default().to_owned()
}

fn failed() -> Desk {
    let desk = Desk::new();
    let out = desk.run(&["run", "crio-to-docker", "--lab", "--host", "gluster1.demo", "--fail", PACKAGES]).exits(3);
    out.says(&[
        "crio-to-docker: paused",
        "a step failed",
        "gluster1.demo/packages: attempt 1: failed: it ended with an error",
        "failed because --fail said so",
        "palinode retry gluster1.demo/packages",
        "palinode skip gluster1.demo/packages --reason TEXT",
    ])
    .complains(&["FAILED"]);
    desk
}

#[test]
fn a_failed_step_is_tried_again_from_what_the_first_attempt_found() {
    let desk = failed();
    desk.run(&["status"]).exits(0).says(&["paused", "palinode retry gluster1.demo/packages"]);
    desk.run(&["retry", PACKAGES, "--reason", "the mirror is back"]).exits(0).says(&["palinode resume"]);
    desk.run(&["resume"]).exits(0).says(&["crio-to-docker: done"]);
    let entries = desk.entries();
    let intents = of(&entries, "Intent", PACKAGES);
    assert_eq!(intents.len(), 2);
    assert_eq!((&intents[0]["attempt"], &intents[1]["attempt"]), (&1.into(), &2.into()));
    assert_eq!(intents[0]["before"], intents[1]["before"]);
    assert_eq!(intents[0]["inverse"], intents[1]["inverse"]);
    let outcomes = of(&entries, "Outcome", PACKAGES);
    assert_ne!(outcomes[0]["after"], intents[0]["before"], "the first attempt did a part of it");
    let log = desk.run(&["log", "--step", PACKAGES]).exits(0);
    log.says(&["try again, says", &user(), "the mirror is back", "attempt 2"]);
}

#[test]
fn a_step_is_passed_over_with_a_reason_only() {
    let desk = failed();
    let before = desk.files(".palinode/segments");
    for args in [&["skip", PACKAGES][..], &["skip", PACKAGES, "--reason", ""], &["skip", PACKAGES, "--reason", " \t "]]
    {
        let out = desk.run(args).exits(2).complains(&["--reason"]);
        assert_eq!(out.stdout, "");
    }
    for (args, words) in [
        (&["retry", "gluster1.demo/cordon"][..], "succeeded"),
        (&["skip", "gluster1.demo/cordon", "--reason", "x"], "succeeded"),
        (&["retry", "gluster1.demo/nothing"], "no step gluster1.demo/nothing"),
        (&["resolve", PACKAGES, "--not-applied"], "failed"),
        (&["retry", PACKAGES, "--run", "ffff"], "no run"),
    ] {
        let out = desk.run(args).exits(2).complains(&[words, "next: "]);
        assert_eq!(out.stdout, "", "{args:?}");
    }
    assert_eq!(desk.files(".palinode/segments"), before, "what is refused is not recorded");
    let value = desk.json(&["skip", PACKAGES, "--reason", "removed by hand"]);
    assert_eq!(value["handed_to_driver"], false);
    let log = desk.run(&["log", "--step", PACKAGES]).exits(0);
    log.says(&["skipped", "passed over by an operator", &user(), "removed by hand"]);
    desk.run(&["status"]).exits(0).says(&["palinode resume"]);
    desk.run(&["show", PACKAGES]).exits(0).says(&["skipped: passed over by an operator"]);
}

const SIDE_BY_SIDE: &str = "\
runbook: side-by-side
about: Two hosts at a time, the second one long at its gate
hosts: { group: glusterfs, serial: 2, max_fail: 1 }
each_host:
  - cordon: { kube.cordon: {} }
  - storage: { gate: { gluster.healed: { samples: 100, every: 10s } }, timeout: 5h }
  - schedulable: { restore: { step: cordon, fields: [unschedulable] } }
";

/// A driver with one host failed and another that waits at its gate.
fn waiting(desk: &Desk, times: u32) -> Live {
    desk.write("side.yml", SIDE_BY_SIDE);
    let fail = format!("gluster1.demo/cordon={times}");
    let hosts = ["--host", "gluster1.demo", "--host", "gluster2.demo"];
    let mut driver = desk.spawn(&[&["run", "side.yml", "--lab", "--pace", "60", "--fail", &fail][..], &hosts].concat());
    driver.until_it("a failed host beside a waiting one", |text| {
        text.contains("FAILED") && text.lines().any(|line| line.contains("gluster2.demo   cordon"))
    });
    driver
}

#[test]
fn decisions_reach_a_live_driver() {
    let desk = Desk::new();
    let mut driver = waiting(&desk, 2);
    desk.run(&["status"]).exits(0).says(&["running", "gluster1.demo/cordon", "palinode retry gluster1.demo/cordon"]);
    let out = desk.run(&["retry", "gluster1.demo/cordon", "--reason", "the API answers again"]).exits(0);
    out.says(&["handed to the driver"]);
    driver.until_it("a second failure", |text| text.matches("FAILED").count() == 2);
    let out = desk.run(&["skip", "gluster1.demo/cordon", "--reason", " "]).exits(2);
    assert_eq!(out.stdout, "");
    let value = desk.json(&["skip", "gluster1.demo/cordon", "--reason", "cordoned by hand"]);
    assert_eq!(value["handed_to_driver"], true);
    driver.until("passed over by an operator");
    desk.run(&["pause", "--reason", "lunch"]).exits(0).says(&["handed to the driver: it finishes what runs"]);
    driver.end().exits(3).says(&["someone asked for a pause"]);
    let log = desk.run(&["log"]).exits(0);
    log.says(&["the API answers again", "cordoned by hand", &user(), "someone asked for a pause", "lunch"]);
    assert_eq!(desk.files(".palinode/inbox").len(), 0, "what was taken is gone");
    desk.run(&["resume"]).exits(0).says(&["side-by-side: done"]);
    desk.run(&["verify"]).exits(0);
}

const DOUBT: &str = "\
runbook: doubt
about: A command that nothing can be asked about
hosts: { group: glusterfs }
each_host:
  - cordon: { kube.cordon: {} }
  - unexclude: { command: { run: [/sbin/atomic-openshift-excluder, unexclude], changes: [] }, recovery: ask }
  - schedulable: { restore: { step: cordon, fields: [unschedulable] } }
";
const UNEXCLUDE: &str = "gluster1.demo/unexclude";

fn asking() -> Desk {
    let desk = Desk::new();
    desk.write("doubt.yml", DOUBT);
    let die = format!("{UNEXCLUDE}:half");
    desk.run(&["run", "doubt.yml", "--lab", "--host", "gluster1.demo", "--die", &die]).killed();
    desk.run(&["status"]).exits(0).says(&["interrupted", UNEXCLUDE, "its outcome is not"]);
    desk.run(&["resume"]).exits(4).says(&["doubt: in-doubt", "only you can say"]);
    desk
}

#[test]
fn a_step_that_nothing_decides_asks_and_is_never_done_blindly() {
    let desk = asking();
    let status = desk.run(&["status"]).exits(0);
    status.says(&[
        "doubt ",
        ": in-doubt",
        "palinode resolve gluster1.demo/unexclude --applied --reason TEXT",
        "palinode resolve gluster1.demo/unexclude --not-applied --reason TEXT",
        "palinode resolve gluster1.demo/unexclude --partial --reason TEXT",
    ]);
    assert_eq!(desk.json(&["status"])["state"], "in-doubt");
    desk.run(&["resume"]).exits(4);
    assert_eq!(of(&desk.entries(), "Intent", UNEXCLUDE).len(), 1, "asking again does nothing");
    desk.run(&["rollback"]).exits(4).complains(&["still in doubt", "palinode resolve"]);
    for args in [&["resolve", UNEXCLUDE][..], &["resolve", UNEXCLUDE, "--applied", "--partial"]] {
        desk.run(args).exits(2);
    }
}

#[test]
fn an_answer_leads_where_the_table_says() {
    let desk = asking();
    desk.run(&["resolve", UNEXCLUDE, "--applied", "--reason", "yum.conf has no exclude"]).exits(0);
    desk.run(&["resume"]).exits(0).says(&["doubt: done"]);
    assert_eq!(of(&desk.entries(), "Intent", UNEXCLUDE).len(), 1);
    desk.run(&["log"]).exits(0).says(&["it happened, says", &user(), "yum.conf has no exclude"]);

    let desk = asking();
    desk.run(&["resolve", UNEXCLUDE, "--not-applied", "--reason", "yum.conf is untouched"]).exits(0);
    desk.run(&["resume"]).exits(0).says(&["doubt: done"]);
    let entries = desk.entries();
    let intents = of(&entries, "Intent", UNEXCLUDE);
    assert_eq!(intents.len(), 2, "it is tried again");
    assert_eq!(intents[0]["before"], intents[1]["before"]);

    let desk = asking();
    desk.run(&["resolve", UNEXCLUDE, "--partial", "--reason", "half a line"]).exits(0);
    desk.run(&["resume"]).exits(3).says(&["a step failed", "palinode retry gluster1.demo/unexclude"]);
    assert_eq!(of(&desk.entries(), "Intent", UNEXCLUDE).len(), 1);
    desk.run(&["retry", UNEXCLUDE]).exits(0);
    desk.run(&["resume"]).exits(0).says(&["doubt: done"]);
}
