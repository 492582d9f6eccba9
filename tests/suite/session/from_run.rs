//! A runbook of what was done: it is accepted, does the same, and tells nothing that is sealed.

use palinode_tests::binary::Desk;
use serde_json::Value;
use std::collections::BTreeMap;

/// Of each step of the latest run: what it did, what was there before and after, and whose undo it follows.
fn steps(desk: &Desk) -> BTreeMap<String, Value> {
    let shown = desk.json(&["show", "@"]);
    let paths = shown["plan_steps"].as_array().expect("steps").clone();
    let mut all = BTreeMap::new();
    for path in paths.iter().filter_map(|step| step["step"].as_str()) {
        let shown = desk.json(&["show", path]);
        let event = |kind: &str| {
            let entries = shown["entries"].as_array().expect("entries");
            entries.iter().find_map(|entry| entry["entry"]["event"].get(kind)).cloned().unwrap_or_default()
        };
        let (intent, outcome) = (event("Intent"), event("Outcome"));
        let plain = |value: &Value| {
            // Another journal names bodies otherwise, and another world pods and nodes.
            let mut value = value.clone();
            forget(&mut value);
            value
        };
        let told = serde_json::json!({
            "action": plain(&intent["action"]), "before": plain(&intent["before"]), "after": plain(&outcome["after"]),
            "undo_after": shown["step"]["undo_after"], "touches": shown["step"]["touches"],
            "when": shown["step"]["when"], "capture": shown["step"]["capture"], "class": shown["step"]["class"],
            "recovery": shown["step"]["recovery"], "stage": shown["stage"], "work": plain(&shown["step"]["work"]),
        });
        all.insert(path.to_owned(), told);
    }
    all
}

fn forget(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            for (key, mut value) in std::mem::take(entries) {
                match key.as_str() {
                    "body" | "list" | "file" | "inventory" => value = Value::Null,
                    _ => forget(&mut value),
                }
                entries.insert(if key.ends_with("/hosts") { "hosts".to_owned() } else { key }, value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        Value::String(text) if text.contains("/hosts") => "hosts".clone_into(text),
        _ => {}
    }
}

#[test]
fn a_whole_migration_is_done_again_from_its_run() {
    let desk = Desk::new();
    desk.run(&["run", "crio-to-docker", "--lab", "--reason", "a secret reason"]).exits(0);
    let out = desk.run(&["runbook", "from-run", "@"]).exits(0).complains(&["of 1 run, 0 left out"]);
    for sealed in ["a secret reason", "nameserver", "BOOTSTRAP_CONFIG_NAME="] {
        assert!(!out.stdout.contains(sealed), "{sealed}: {out}");
    }
    desk.run(&["runbook", "from-run", "@", "--reasons"]).exits(0).says(&["#     a secret reason"]);
    let again = Desk::new();
    again.write("made.yml", &out.stdout);
    again.run(&["run", "./made.yml", "--lab"]).exits(0);
    let (first, second) = (steps(&desk), steps(&again));
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (path, step) in &first {
        assert_eq!(step, &second[path], "{path}\n{}", out.stdout);
    }
    // It is taken back as the first one is.
    again.run(&["rollback"]).exits(6);
    again.run(&["replay", "--strict"]).exits(0);
}

#[test]
fn a_nights_work_becomes_a_runbook() {
    let desk = Desk::new();
    let exec = |host: &str, words: &[&str]| {
        desk.run(&[&["exec", "--lab-state", "a", host], words].concat()).exits(0);
        desk.json(&["status"])["run"].as_str().expect("an id").to_owned()
    };
    let (one, two) = ("gluster1.demo", "gluster2.demo");
    exec(one, &["service", "crio", "stopped"]);
    exec(two, &["service", "crio", "stopped"]);
    exec(one, &["service", "dnsmasq", "started"]);
    let mistake = exec(two, &["service", "NetworkManager", "stopped"]);
    desk.run(&["undo", "@"]).exits(0);
    let last = exec(one, &["service", "crio", "started"]);
    let out = desk.run(&["runbook", "from-run", "--since", "24h", "--name", "night"]).exits(0);
    let out = out.complains(&["3 steps of 5 runs, 1 left out"]).says(&[
        "runbook: night\n",
        "# left out: service-NetworkManager, stop NetworkManager: taken back since",
        "  - service-crio: { service: { unit: crio, state: stopped } }\n",
        "when: \"{{ host }} == gluster1.demo\"",
        "  - service-crio-2: {",
    ]);
    out.clone().complains(&["palinode run FILE -i INVENTORY --set group=VALUE`"]);
    // Nobody does it on all hosts by mistake: a group must be named.
    desk.write("night.yml", &out.stdout);
    desk.run(&["run", "./night.yml", "--lab"]).exits(2).complains(&["--set group=VALUE"]);
    let again = Desk::new();
    again.write("night.yml", &out.stdout);
    let only = ["--set", "group=glusterfs", "--host", one, "--host", two];
    again.run(&[&["run", "./night.yml", "--lab"][..], &only].concat()).exits(0);
    let stages: BTreeMap<String, String> = again.json(&["show", "@"])["plan_steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| (step["step"].to_string(), step["stage"].to_string()))
        .collect();
    assert_eq!(stages["\"gluster1.demo/service-dnsmasq\""], "\"succeeded\"");
    assert_eq!(stages["\"gluster2.demo/service-dnsmasq\""], "\"skipped\"");
    assert_eq!(stages["\"gluster2.demo/service-crio\""], "\"succeeded\"");

    let named = desk.run(&["runbook", "from-run", &last, &mistake]).exits(0);
    assert!(named.stdout.contains("1 step") || named.stderr.contains("1 step of 2 runs, 1 left out"), "{named}");
    desk.run(&["runbook", "from-run", &mistake]).exits(2).complains(&["nothing of that is to be done again"]);
    desk.run(&["runbook", "from-run"]).exits(2);
    desk.run(&["runbook", "from-run", "@", "--name", "a b"]).exits(2).complains(&["as a runbook's name"]);
}

#[test]
fn what_failed_or_was_not_reached_is_named_and_left_out() {
    let desk = Desk::new();
    desk.run(&["run", "crio-to-docker", "--lab", "--host", "gluster1.demo", "--fail", "gluster1.demo/drain"]).exits(3);
    let out = desk.run(&["runbook", "from-run", "@"]).exits(0).says(&[
        "# left out: drain, drain the node, for at most 15m: failed: ",
        "# left out: reboot, reboot: it did not come to it",
        "  - cordon: { kube.cordon: {} }",
    ]);
    assert!(!out.stdout.contains("\n  - drain:"), "{out}");
    desk.run(&["rollback"]).exits(6);
    desk.run(&["runbook", "from-run", "@"]).exits(2).complains(&["takes another one back"]);
}

#[test]
fn what_is_in_force_after_all_undos_is_in_it() {
    let desk = Desk::new();
    let run = |args: &[&str]| desk.run(args).exits(0);
    run(&["exec", "--lab-state", "a", "gluster1.demo", "service", "crio", "stopped"]);
    let first = desk.json(&["status"])["run"].as_str().expect("an id").to_owned();
    let made = || desk.run(&["runbook", "from-run", &first]);
    let step = "  - service-crio: { service: { unit: crio, state: stopped } }";
    for round in 0..3 {
        made().exits(0).says(&[step]).complains(&["1 step of 1 run, 0 left out"]);
        run(&["undo", "@"]);
        made().exits(2).complains(&["nothing of that is to be done again"]);
        // That is taken back too.
        let out = run(&["undo", "@"]);
        assert!(!out.stderr.contains("nothing to take back"), "{round}: {out}");
        let out = desk.run(&["runbook", "from-run", "@"]).exits(2);
        out.complains(&["takes another one back", &format!("palinode runbook from-run {}", &first[..4])]);
    }
    run(&["verify"]);
    run(&["replay", "--strict"]);

    // A step alone, out of a run of many: the others stay.
    let desk = Desk::new();
    desk.write(
        "two.yml",
        "runbook: two\nhosts: { group: glusterfs }\neach_host:\n  - docker: { service: { unit: docker, state: stopped } }\n  \
         - crio: { service: { unit: crio, state: stopped } }\n",
    );
    desk.run(&["run", "./two.yml", "--lab", "--host", "gluster1.demo"]).exits(0);
    let first = desk.json(&["status"])["run"].as_str().expect("an id").to_owned();
    desk.run(&["rollback", "--step", "gluster1.demo/crio"]).exits(0);
    let out = desk.run(&["runbook", "from-run", &first]).exits(0).complains(&["1 step of 1 run, 1 left out"]);
    out.says(&["# left out: crio, stop crio: taken back since"]);
    desk.run(&["undo", "@"]).exits(0);
    desk.run(&["runbook", "from-run", &first]).exits(0).complains(&["2 steps of 1 run, 0 left out"]);
}

#[test]
fn what_must_be_set_is_told_with_the_group_if_all_runs_had_one() {
    let desk = Desk::new();
    let steps =
        "hosts: { group: \"{{ group }}\" }\neach_host:\n  - crio: { service: { unit: crio, state: stopped } }\n";
    desk.write("book.yml", format!("runbook: book\nparameters: {{ group: {{}} }}\n{steps}"));
    let run = |group: &str| {
        let set = format!("group={group}");
        desk.run(&["run", "./book.yml", "--lab-state", "a", "--set", &set]).exits(0);
    };
    run("glusterfs");
    let out = desk.run(&["runbook", "from-run", "@"]).exits(0);
    out.complains(&["palinode run FILE -i INVENTORY`"]).says(&["default: glusterfs"]);
    run("glusterfs");
    desk.run(&["runbook", "from-run", "--since", "24h"]).exits(0).complains(&["INVENTORY --set group=glusterfs`"]);
    run("masters");
    desk.run(&["runbook", "from-run", "--since", "24h"]).exits(0).complains(&["INVENTORY --set group=VALUE`"]);
}
