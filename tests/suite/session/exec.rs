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

/// Whether a lab's node is cordoned, by the image of a look at it.
#[track_caller]
fn node(desk: &Desk, action: &str, shown: &str) {
    desk.run(&["show", &format!("{HOST}/{action}")]).exits(0).says(&[shown]);
}

#[test]
fn a_node_of_the_lab_is_changed_by_typed_actions_and_each_is_taken_back() {
    let desk = Desk::new();
    let exec = |words: &[&str]| desk.run(&[&["exec", "--lab-state", "a", HOST], words].concat());
    exec(&["cordon"]).exits(0);
    node(&desk, "kube.cordon", "after");
    desk.run(&["undo", "@", "-o", "json"]).exits(0).says(&["\"state\": \"rolled-back\""]);
    exec(&["taint", "dedicated=x:NoSchedule", "other:NoExecute"]).exits(0);
    exec(&["taint", "dedicated-"]).exits(0);
    exec(&["taint", "dedicated-"]).exits(2).complains(&["no such taint `dedicated`", "it has other=:NoExecute"]);
    desk.run(&["undo", "@"]).exits(0);
    exec(&["taint", "dedicated:NoSchedule-", "other-"]).exits(0);
    exec(&["taint", "other-"]).exits(2).complains(&["no taints but the cluster's own"]);
    exec(&["label", "zone=b", "glusterfs-"]).exits(0);
    desk.run(&["undo", "@"]).exits(0);
    // It cordons first, as a step of its own.
    exec(&["drain", "emptydir=delete"]).exits(0);
    desk.run(&["show", "@"]).exits(0).says(&[&format!("{HOST}/kube.cordon"), &format!("{HOST}/kube.drain")]);
    desk.run(&["undo", "@"]).exits(6);
    exec(&["approve-csr"]).exits(0);
    exec(&["uncordon"]).exits(0);
    desk.run(&["verify"]).exits(0);
    desk.run(&["replay", "--strict"]).exits(0);
    desk.run(&["exec", "--lab-state", "a", &format!("node/{HOST}"), "cordon"]).exits(0);
}

#[test]
fn what_is_no_typed_action_is_refused_with_what_was_probably_meant() {
    let desk = Desk::new();
    let table: [(&[&str], &[&str]); 13] = [
        (&["crodon"], &["`crodon` is no typed action", "did you mean `cordon`?", "exec --help"]),
        (&["drian"], &["did you mean `drain`?"]),
        (&["zebra"], &["`zebra` is no typed action", "exec --help"]),
        (&["cordon", "now"], &["`cordon` takes no more words", "`now`"]),
        (&["drain", "emptydri=delete"], &["did you mean `emptydir`?", "timeout=15m"]),
        (&["drain", "timeout=soon"], &["90s, 15m or 2h"]),
        (&["taint"], &["which taint", "KEY=VALUE:EFFECT"]),
        (&["taint", "a=b:noschedule"], &["did you mean `NoSchedule`?"]),
        (&["taint", "node.kubernetes.io/unschedulable-"], &["own hand"]),
        (&["label"], &["which label", "KEY=VALUE"]),
        (&["label", "a"], &["`a` is no label"]),
        (&["label", "a=b", "-n", "x"], &["--namespace is for objects"]),
        (&["patch", "{a: b}"], &["which object is meant", "KIND/NAME -n NAMESPACE"]),
    ];
    for (words, wanted) in table {
        desk.run(&[&["exec", "--lab-state", "a", HOST], words].concat()).exits(2).complains(wanted);
    }
    let object = ["exec", "--lab-state", "a", "deployment/web", "-n", "shop", "delete"];
    desk.run(&object).exits(2).complains(&["the lab has no objects of the API"]);
    desk.run(&["exec", "--lab-state", "a", "deployment/web", "cordon"]).exits(2).complains(&["no node"]);
    assert!(desk.files("").is_empty(), "nothing was made");
}
