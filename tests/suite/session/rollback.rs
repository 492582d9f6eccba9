//! What is said of a rollback is true: `rolled-back` only where nothing is left, and nothing taken back that is not.

use palinode_tests::binary::{Desk, Out};
use std::collections::BTreeMap;

const HOST: &str = "gluster1.demo";
const UNKNOWN: &str = "not known what it changed";

/// A command of the lab, with nothing said of what it changes.
const BARE: &str = "command: { run: [/sbin/atomic-openshift-excluder, unexclude] }";

fn book(desk: &Desk, steps: &str) {
    desk.write("book.yml", format!("runbook: book\nabout: A book\nhosts: {{ group: glusterfs }}\neach_host:\n{steps}"));
}

fn run(desk: &Desk, more: &[&str]) -> Out {
    desk.run(&[&["run", "book.yml", "--lab"][..], more].concat())
}

/// Runs the book on one host to its good end; the run's id.
fn done(desk: &Desk) -> String {
    let out = run(desk, &["--host", HOST, "-o", "json"]).exits(0);
    out.value()["run"].as_str().expect("an id").to_owned()
}

#[track_caller]
fn replays(desk: &Desk) {
    desk.run(&["verify"]).exits(0);
    desk.run(&["replay", "--strict"]).exits(0);
}

#[track_caller]
fn lacks(out: &Out, words: &[&str]) {
    for word in words {
        assert!(!out.stdout.contains(word) && !out.stderr.contains(word), "{word} is not to be said: {out}");
    }
}

#[test]
fn a_command_without_inverse_is_a_residue_before_and_after() {
    let desk = Desk::new();
    book(&desk, &format!("  - cordon: {{ kube.cordon: {{}} }}\n  - bare: {{ {BARE} }}\n"));
    let id = done(&desk);
    let preview = desk.run(&["rollback", "--dry-run"]).exits(0).says(&[
        "step:gluster1.demo/bare",
        UNKNOWN,
        "passed, though it is not known what they changed",
        "exit 6",
    ]);
    lacks(&preview, &["Everything can be restored", "nothing to restore"]);
    let out = desk.run(&["rollback", "-o", "json"]).exits(6);
    let value = out.value();
    assert_eq!(value["state"], "partly-rolled-back", "{out}");
    assert_eq!(value["residues"][0]["key"], "step:gluster1.demo/bare", "{out}");
    assert_eq!(value["residues"][0]["loss"], "unknown-effect", "{out}");
    // Nobody says that it was taken back.
    let shown = desk.run(&["show", "gluster1.demo/bare", "--run", &id]).exits(0).says(&[UNKNOWN, "passed by"]);
    lacks(&shown, &["compensated", "undone by"]);
    assert_eq!(desk.json(&["show", "gluster1.demo/bare", "--run", &id])["stage"], "unknown-effect");
    desk.run(&["show", "gluster1.demo/cordon", "--run", &id]).exits(0).says(&["compensated", "undone by"]);
    replays(&desk);
}

#[test]
fn a_runbook_made_from_it_does_not_say_that_it_was_taken_back() {
    let desk = Desk::new();
    book(
        &desk,
        &format!(
            "  - cordon: {{ kube.cordon: {{}} }}\n  - bare: {{ {BARE} }}\n  - schedulable: {{ kube.uncordon: {{}} }}\n"
        ),
    );
    let id = done(&desk);
    desk.run(&["rollback", "--step", "gluster1.demo/bare"]).exits(6).tells(&[UNKNOWN]);
    let made = desk.run(&["runbook", "from-run", &id]);
    assert!(made.stdout.contains(UNKNOWN) || made.stderr.contains(UNKNOWN), "{made}");
    lacks(&made, &["taken back since"]);
    replays(&desk);
}

#[test]
fn a_typed_command_is_a_residue_too() {
    let desk = Desk::new();
    let command = ["exec", "--lab-state", "a", HOST, "--", "/sbin/atomic-openshift-excluder", "unexclude"];
    desk.run(&command).exits(0);
    desk.run(&["undo", "@", "--dry-run"]).exits(0).says(&[UNKNOWN]);
    let out = desk.run(&["undo", "@", "-o", "json"]).exits(6);
    assert_eq!(out.value()["state"], "partly-rolled-back", "{out}");
    desk.run(&["undo", "@"]).exits(0).complains(&["nothing to take back"]);
    replays(&desk);
}

#[test]
fn what_did_not_start_left_nothing() {
    let desk = Desk::new();
    book(&desk, &format!("  - cordon: {{ kube.cordon: {{}} }}\n  - bare: {{ {BARE} }}\n"));
    run(&desk, &["--host", HOST, "--die", "gluster1.demo/bare:not-begun"]).killed();
    let out = desk.run(&["rollback"]).exits(0);
    lacks(&out, &[UNKNOWN]);
    replays(&desk);
}

#[test]
fn a_reason_in_the_runbook_is_the_one_way_to_make_less_of_it() {
    let desk = Desk::new();
    let step = |undo: &str| format!("  - cordon: {{ kube.cordon: {{}} }}\n  - bare: {{ {BARE}{undo} }}\n");
    for (undo, words) in [
        (", undo: no-undo", &["takes a reason", "undo: { no-undo: "][..]),
        (", undo: { no-undo: '' }", &["not empty"]),
        (", undo: { reversible: 'it is' }", &["takes no reason"]),
        (", undo: reversible", &["stricter"]),
    ] {
        book(&desk, &step(undo));
        run(&desk, &["--host", HOST]).exits(2).complains(words);
    }
    book(&desk, &step(", undo: { no-undo: it only looks }"));
    let id = done(&desk);
    desk.run(&["rollback", "--dry-run"])
        .exits(0)
        .says(&["gluster1.demo/bare: it only looks", "Everything can be restored"]);
    desk.run(&["rollback"]).exits(0).tells(&["rolled-back", "it only looks"]);
    let shown = desk.run(&["show", "gluster1.demo/bare", "--run", &id]).exits(0);
    shown.says(&["nothing takes it back: it only looks"]);
    desk.run(&["show", "@"]).exits(0).says(&["step:gluster1.demo/bare"]);
    replays(&desk);
}

#[test]
fn declared_changes_and_an_undo_are_restored_as_before() {
    for more in ["changes: [/etc/yum.conf]", "undo: [/sbin/atomic-openshift-excluder, exclude]"] {
        let desk = Desk::new();
        book(
            &desk,
            &format!("  - told: {{ command: {{ run: [/sbin/atomic-openshift-excluder, unexclude], {more} }} }}\n"),
        );
        run(&desk, &["--host", HOST]).exits(0);
        let out = desk.run(&["rollback"]).exits(0).tells(&["rolled-back"]);
        lacks(&out, &[UNKNOWN]);
    }
}

#[test]
fn an_undo_that_a_person_passed_over_is_a_residue() {
    let desk = Desk::new();
    book(&desk, "  - cordon: { kube.cordon: {} }\n  - stop: { service: { unit: crio, state: stopped } }\n");
    run(&desk, &["--host", HOST]).exits(0);
    desk.run(&["rollback", "--fail", "undo/gluster1.demo/stop"]).exits(3);
    desk.run(&["skip", "undo/gluster1.demo/stop", "--reason", "started by hand"]).exits(0);
    let out = desk.run(&["resume", "-o", "json"]).exits(6);
    assert_eq!(out.value()["state"], "partly-rolled-back", "{out}");
    let text = out.value()["residues"].to_string();
    assert!(text.contains("gluster1.demo/unit/crio") && text.contains("not-undone"), "{out}");
    // It can be taken back another time, and then nothing is left.
    desk.run(&["show", "@"]).exits(0).says(&["was not taken back"]);
    replays(&desk);
}

/// The third storage node stands half done, its bricks away: no other one is taken down beside it.
#[test]
fn a_host_is_not_taken_back_while_another_stands_half_done() {
    let desk = Desk::new();
    desk.run(&["run", "crio-to-docker", "--lab", "--fail", "gluster3.demo/leave"]).exits(3);
    let entries = desk.entries().len();
    for scope in [&["--host", HOST][..], &["--step", "gluster1.demo/packages"]] {
        for more in [&["--dry-run"][..], &[]] {
            let out = desk.run(&[&["rollback"][..], scope, more].concat()).exits(1);
            let words =
                ["gluster3.demo stands half done", "gluster3.demo/leave", "--host gluster3.demo", "palinode resume"];
            out.complains(&words);
        }
    }
    assert_eq!(desk.entries().len(), entries, "what is refused is not recorded");
    // What stands half done goes first, and its own bricks, which are away, keep nobody waiting.
    let preview = desk.json(&["rollback", "--dry-run"]);
    assert_eq!(preview["steps"][0]["step"], "undo/gluster3.demo/healed/before", "{preview}");
    desk.run(&["rollback", "--host", "gluster3.demo"]).exits(6);
    desk.run(&["log", "--step", "undo/gluster3.demo/healed/before"]).exits(0).says(&["without gluster3.demo"]);
    // Once it is back, the next one may go, and counts in full.
    desk.run(&["rollback", "--host", HOST]).exits(6);
    let log = desk.run(&["log", "--step", "undo/gluster1.demo/healed/before"]).exits(0);
    lacks(&log.says(&["bricks 12/12", "peers 3/3"]), &["without"]);
    replays(&desk);
}

/// What stands half done is away; a host that is whole is not taken down before it is back.
#[test]
fn hosts_that_stand_half_done_are_taken_back_before_the_others() {
    let desk = Desk::new();
    let steps = "  - cordon: { kube.cordon: {} }\n  - stop: { service: { unit: crio, state: stopped } }\n";
    let head = "runbook: book\nabout: A book\nhosts: { group: glusterfs, max_fail: 1 }\neach_host:\n";
    desk.write("book.yml", format!("{head}{steps}"));
    run(&desk, &["--fail", "gluster1.demo/stop", "--fail", "gluster3.demo/stop"]).exits(3);
    let preview = desk.json(&["rollback", "--dry-run"]);
    let all = preview["steps"].as_array().expect("steps");
    let mut hosts: Vec<&str> = all.iter().filter_map(|step| step["step"].as_str()?.split('/').nth(1)).collect();
    hosts.dedup();
    assert_eq!(hosts, ["gluster3.demo", "gluster1.demo", "gluster2.demo"], "{preview}");
    desk.run(&["rollback"]).exits(0).tells(&["rolled-back"]);
    replays(&desk);
}

#[test]
fn a_gate_that_was_not_needed_is_not_waited_for() {
    let desk = Desk::new();
    let gate =
        "{ gate: { gluster.healed: { samples: 100, every: 10m } }, timeout: 5h, when: \"{{ name }} == nothing\" }";
    let steps = format!(
        "  - name: {{ file.read: {{ path: /etc/sysconfig/atomic-openshift-node, key: BOOTSTRAP_CONFIG_NAME }}, capture: name }}\n  \
         - stop: {{ service: {{ unit: crio, state: stopped }} }}\n  - healed: {gate}\n"
    );
    book(&desk, &steps);
    run(&desk, &["--host", HOST]).exits(0);
    let preview = desk.run(&["rollback", "--dry-run"]).exits(0);
    lacks(&preview, &["gate gluster.healed"]);
    desk.run(&["rollback"]).exits(0);
    replays(&desk);
}

#[test]
fn a_step_of_the_run_that_was_taken_back_is_shown_and_an_open_rollback_is_gone_on_with() {
    let desk = Desk::new();
    let path = "gluster1.demo/file.write-etc-motd";
    let motd = |desk: &Desk, journal: &[&str], text: &str| {
        let words = ["exec", "--lab-state", "lab", "gluster1.demo", "file", "/etc/motd", "content", text];
        desk.run(&[journal, &words].concat()).exits(0);
    };
    motd(&desk, &[], "one");
    let first = desk.json(&["status"])["run"].as_str().expect("an id").to_owned();
    let step = desk.json(&["show", "@"])["plan_steps"][0]["step"].as_str().expect("a path").to_owned();
    assert!(step.starts_with("gluster1.demo/"), "{step} {path}");
    motd(&desk, &["--journal", "other"], "two");
    desk.run(&["undo", "@"]).exits(3).tells(&["is not as it was last recorded"]);
    let back = desk.json(&["status"])["run"].as_str().expect("an id").to_owned();
    // A second rollback would be refused, so it is not advised.
    let out = desk.run(&["rollback", "--dry-run"]).exits(0);
    out.clone().says(&[&format!("palinode resume {}", &back[..4])]);
    lacks(&out, &["next\n  palinode rollback"]);
    assert_eq!(desk.json(&["rollback", "--dry-run"])["taken_back_by"], back.as_str());
    // The latest run has no such step; the one that it takes back has.
    let out = desk.run(&["show", &step]).exits(0);
    out.says(&[&format!("run       {}", &first[..4]), "before\n", "after\n"]);
    desk.run(&["resume", "--force"]).exits(0);
    assert_eq!(desk.json(&["show", &step])["run"], first.as_str());
    desk.run(&["undo", "@"]);
    assert_eq!(desk.json(&["show", &step])["run"], first.as_str());
    desk.run(&["show", "gluster1.demo/nothing"]).exits(2).complains(&["has no step"]);
    let out = desk.run(&["rollback", "--dry-run", &first]).exits(0);
    lacks(&out, &["palinode resume"]);
    assert!(desk.json(&["rollback", "--dry-run", &first])["taken_back_by"].is_null());
}

/// What a preview says of its steps: what each would find.
fn foreseen(preview: &serde_json::Value) -> BTreeMap<String, String> {
    let steps = preview["looked"]["steps"].as_array().expect("steps").iter();
    steps.map(|step| (text(&step["step"]), text(&step["found"]))).collect()
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_preview_finds_what_the_rollback_finds_and_changes_nothing() {
    let desk = Desk::new();
    desk.run(&["run", "crio-to-docker", "--lab", "--host", "gluster1.demo"]).exits(0);
    let before = desk.files("");
    let preview = desk.json(&["rollback", "--dry-run"]);
    desk.run(&["rollback", "--dry-run"]).exits(0).says(&["looked at just now", "as it was last recorded, in"]);
    assert_eq!(desk.files(""), before, "nothing was written, in the journal or in the lab");
    let seen = foreseen(&preview);
    assert!(preview["looked"]["failed"].is_null() && seen.len() > 20, "{preview}");
    assert!(seen.values().all(|found| ["as-recorded", "already-there", "later"].contains(&found.as_str())), "{seen:?}");
    desk.run(&["rollback"]).exits(6);
    let back = desk.json(&["show", "@"]);
    let stages: BTreeMap<String, String> = back["plan_steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| (text(&step["step"]), text(&step["stage"])))
        .collect();
    let mut compared = 0;
    for (step, found) in &seen {
        match found.as_str() {
            "already-there" => assert_eq!(stages[step], "skipped", "{step}"),
            "as-recorded" => assert_eq!(stages[step], "succeeded", "{step}"),
            _ => continue,
        }
        compared += 1;
    }
    assert!(compared > 20, "{seen:?}");
}

#[test]
fn a_preview_names_what_someone_changed_and_what_differs() {
    let desk = Desk::new();
    let exec = |journal: &[&str], words: &[&str]| {
        desk.run(&[journal, &["exec", "--lab-state", "lab", "gluster1.demo"], words].concat()).exits(0);
    };
    exec(&[], &["file", "/etc/motd", "content", "one", "mode", "0644"]);
    let journal = desk.files(".palinode");
    exec(&["--journal", "other"], &["file", "/etc/motd", "content", "four", "mode", "0600"]);
    let out = desk.run(&["rollback", "--dry-run"]).exits(0);
    out.says(&[
        "gluster1.demo/file:/etc/motd is not as it was last recorded, so the rollback would stop at undo/gluster1.demo/",
        "0644",
        "0600",
        " --force-resource gluster1.demo/file:/etc/motd  overwrite what was changed since of this one",
        " --force  of all, once it is shown",
    ]);
    let preview = desk.json(&["undo", "@", "--dry-run"]);
    assert_eq!(preview["looked"]["steps"][0]["found"], "drift", "{preview}");
    assert_eq!(preview["looked"]["steps"][0]["drift"][0]["resource"], "gluster1.demo/file:/etc/motd");
    assert_eq!(desk.files(".palinode"), journal);
    desk.run(&["undo", "@"]).exits(3);

    // Two steps on one resource: what the first puts back is not taken for someone's change.
    let desk = Desk::new();
    book(
        &desk,
        "  - stop: { service: { unit: crio, state: stopped } }\n  - start: { service: { unit: crio, state: started } }\n",
    );
    done(&desk);
    let found: Vec<String> = foreseen(&desk.json(&["rollback", "--dry-run"])).into_values().collect();
    assert_eq!(found, ["as-recorded", "later"]);
    desk.run(&["rollback"]).exits(0);

    // A lab that is gone: the plan is shown, and what is not known is said.
    done(&desk);
    let lab = desk.path().join(".palinode-lab");
    std::fs::rename(&lab, desk.path().join("gone")).expect("it is there");
    let out = desk.run(&["rollback", "--dry-run"]).exits(0);
    out.says(&["This is a preview", "not looked at, so whether someone changed something since is not known"]);
}
