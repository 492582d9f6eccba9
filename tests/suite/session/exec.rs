//! One action without a runbook, in the lab.

use palinode_tests::binary::Desk;

const HOST: &str = "gluster1.demo";

/// What a lab says of a unit, by the image that an action on it found.
#[track_caller]
fn unit(desk: &Desk, shown: &str) {
    desk.run(&["show", &format!("{HOST}/service-crio")]).exits(0).says(&[shown]);
}

#[test]
fn an_action_in_the_lab_is_recorded_and_taken_back_there() {
    let desk = Desk::new();
    let exec = ["exec", "--lab-state", "a", HOST];
    let out = desk.run(&[&exec[..], &["service", "crio", "stopped", "disabled"]].concat()).exits(0);
    assert!(out.stderr.contains("in the lab ") && out.stdout.is_empty(), "{out}");
    unit(&desk, "before\n  gluster1.demo/unit/crio: active, enabled");
    unit(&desk, "after\n  gluster1.demo/unit/crio: inactive, disabled");
    // A lab asks nobody.
    desk.run(&["undo", "@", "-o", "json"]).exits(0).says(&["\"state\": \"rolled-back\""]);
    // The world goes on: the next action finds what the last one left.
    desk.run(&[&exec[..], &["service", "crio", "stopped"]].concat()).exits(0);
    unit(&desk, "before\n  gluster1.demo/unit/crio: active, enabled");
    let out = desk.run(&[&exec[..], &["service", "crio", "stopped", "-o", "json"]].concat()).exits(0);
    assert_eq!(out.value()["state"], "done", "{out}");
    unit(&desk, "before\n  gluster1.demo/unit/crio: inactive, enabled");
    desk.run(&["verify"]).exits(0);
    desk.run(&["replay", "--strict"]).exits(0);
}

#[test]
fn what_a_lab_does_not_have_is_refused_before_it_is_made() {
    let desk = Desk::new();
    let exec = ["exec", "--lab-state", "a"];
    desk.run(&[&exec[..], &["nobody", "reboot"]].concat()).exits(2).complains(&["the lab has no host nobody"]);
    desk.run(&[&exec[..], &[HOST, "--", "rm", "-rf", "/"]].concat())
        .exits(2)
        .complains(&["the lab cannot run the command `rm -rf /`"]);
    desk.run(&[&exec[..], &[HOST, "reboot", "--take-over"]].concat()).exits(2);
    assert!(desk.files("").is_empty(), "nothing was made");
}
