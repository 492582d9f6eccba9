//! One driver: what other processes may do while it works, and how it lets go.

use palinode_tests::binary::{Desk, Live};
use rustix::process::Signal;

const ONE: [&str; 5] = ["run", "crio-to-docker", "--lab", "--host", "gluster1.demo"];

/// A driver in the middle of a run, watched at this many virtual seconds in a real one.
fn at_work(desk: &Desk, pace: &str, step: &str) -> Live {
    let mut driver = desk.spawn(&[&ONE[..], &["--pace", pace]].concat());
    driver.until_it(step, |text| text.lines().any(|line| line.contains(&format!(" {step} ")) && line.contains("done")));
    driver
}

/// The steps whose last intent is not settled.
fn running(desk: &Desk) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    for entry in desk.entries() {
        let event = &entry["entry"]["event"];
        if let Some(step) = event["Intent"]["step"].as_str() {
            open.push(step.to_owned());
        } else if let Some(step) = event["Outcome"]["step"].as_str().or_else(|| event["Probed"]["step"].as_str()) {
            open.retain(|other| other != step);
        }
    }
    open
}

#[test]
fn a_live_driver_is_looked_at_by_all_and_taken_over_by_none() {
    let desk = Desk::new();
    let driver = at_work(&desk, "60", "cordon");
    let pid = driver.pid().to_string();
    let named = format!("process {pid}");
    for args in [&["resume"][..], &["rollback"], &["rollback", "--host", "gluster1.demo"], &ONE] {
        let out = desk.run(args).exits(9).complains(&[&pid, "next: type `palinode status`"]);
        assert_eq!(out.stdout, "", "{args:?}");
        let labs = std::fs::read_dir(desk.path().join(".palinode-lab")).expect("there is a lab").count();
        assert_eq!(labs, 1, "a refused run makes no lab: {args:?}");
    }
    desk.run(&["status"]).exits(0).says(&["running", &named, "gluster1.demo", "palinode pause"]);
    assert_eq!(desk.json(&["status"])["state"], "running");
    desk.run(&["log"]).exits(0).says(&["run-opened", "cordon the node"]);
    desk.run(&["show", "@"]).exits(0).says(&["gluster1.demo/cordon"]);
    desk.run(&["rollback", "--dry-run"]).exits(0);
    desk.run(&["verify"]).exits(0).says(&["sound", "a living process is writing"]);

    driver.kill().killed();
    desk.run(&["status"]).exits(0).says(&["interrupted", &format!("{named} died"), "palinode resume"]);
    assert_eq!(desk.json(&["status"])["state"], "interrupted");
    desk.run(&["verify"]).exits(0).says(&["sound"]);
    desk.run(&["resume"]).exits(0).complains(&[&named, "taken over"]).says(&["crio-to-docker: done", "1 of 1 done"]);
    desk.run(&["verify"]).exits(0).says(&["sound"]);
    let state = desk.json(&["status"]);
    assert_eq!(state["state"], "done");
    assert_eq!(running(&desk), Vec::<String>::new());
}

#[test]
fn a_signal_finishes_the_action_and_pauses() {
    for signal in [Signal::INT, Signal::TERM] {
        let desk = Desk::new();
        let driver = at_work(&desk, "60", "dns");
        // The removal of the packages takes most of a real second now.
        while running(&desk) != ["gluster1.demo/packages"] {}
        driver.signal(signal);
        let out = driver.end().exits(3).says(&["paused", "someone asked for a pause", "palinode resume"]);
        assert!(out.stderr.contains("finishing what runs"), "{out}");
        let last = out.stderr.lines().rfind(|line| line.contains("done in")).expect("something was done");
        assert!(last.contains(" packages "), "the action was finished, and no other begun: {out}");
        assert_eq!(running(&desk), Vec::<String>::new());
        desk.run(&["status"]).exits(0).says(&["paused", "someone asked for a pause", "none\n", "palinode resume"]);
        desk.run(&["resume"]).exits(0).says(&["crio-to-docker: done"]);
        desk.run(&["verify"]).exits(0);
    }
}

#[test]
fn a_second_signal_leaves_at_once_and_the_job_goes_on() {
    let desk = Desk::new();
    let mut driver = at_work(&desk, "60", "dns");
    while running(&desk) != ["gluster1.demo/packages"] {}
    driver.signal(Signal::INT);
    driver.until("finishing what runs");
    driver.signal(Signal::INT);
    let out = driver.end().exits(3).complains(&["leaving", "palinode resume"]);
    assert!(out.stdout.contains("palinode resume"), "{out}");
    desk.run(&["status"]).exits(0).says(&["gluster1.demo/packages", "palinode resume"]);
    let out = desk.run(&["resume"]).exits(0);
    assert!(out.stderr.contains("was done (by the job's own word)"), "{out}");
    let intents = desk
        .entries()
        .into_iter()
        .filter(|entry| entry["entry"]["event"]["Intent"]["step"].as_str() == Some("gluster1.demo/packages"));
    assert_eq!(intents.count(), 1, "its job was found, not started again");
}

#[test]
fn a_hangup_is_ignored_or_pauses_as_asked() {
    let desk = Desk::new();
    let mut driver = desk.spawn(&[&ONE[..], &["--pace", "600"]].concat());
    driver.until("cordon ");
    driver.signal(Signal::HUP);
    driver.end().exits(0).says(&["crio-to-docker: done"]);
    let desk = Desk::new();
    let mut driver = desk.spawn(&[&ONE[..], &["--pace", "60", "--on-hangup", "pause"]].concat());
    driver.until("cordon ");
    driver.signal(Signal::HUP);
    driver.end().exits(3).says(&["someone asked for a pause"]);
}
