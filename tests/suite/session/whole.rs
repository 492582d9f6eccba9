//! The shipped procedure with the real binary: there, looked at from every side, and back.

use palinode_tests::binary::Desk;
use serde_json::Value;

fn migrated() -> (Desk, Value) {
    let desk = Desk::new();
    let out = desk.run(&["run", "crio-to-docker", "--lab", "--reason", "CRI-O goes", "-o", "json"]).exits(0);
    let value = out.value();
    (desk, value)
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| unreachable!("`{key}` is a text in {value}"))
}

#[test]
fn a_run_says_on_standard_output_what_came_of_it_and_nothing_else() {
    let desk = Desk::new();
    let out = desk.run(&["run", "crio-to-docker", "--lab"]).exits(0);
    let journal = desk.path().join(".palinode");
    let out = out.says(&[
        "crio-to-docker: done",
        "3 of 3 done: gluster1.demo, gluster2.demo, gluster3.demo",
        "  steps ",
        "  gates ",
        "  time ",
        "  residues ",
        "  journal ",
        &journal.display().to_string(),
        "next\n",
        "palinode rollback --dry-run",
        "palinode show ",
    ]);
    assert!(out.stderr.lines().count() > 60, "{out}");
    assert!(out.stderr.contains("gluster2.demo   packages"), "{out}");
    assert!(!out.stdout.contains("done in"), "progress goes to standard error: {out}");
}

#[test]
fn a_run_prints_one_object_with_all_that_scripts_need() {
    let (desk, value) = migrated();
    assert_eq!(keys(&value), ["journal", "plan", "residues", "run", "state", "steps"]);
    assert_eq!(text(&value, "state"), "done");
    assert_eq!(text(&value, "journal"), desk.path().join(".palinode").to_string_lossy());
    assert_eq!((text(&value, "run").len(), text(&value, "plan").len()), (16, 64));
    assert!(value["steps"]["succeeded"].as_u64().is_some_and(|count| count > 75), "{value}");
    let residues = value["residues"].as_array().expect("a list");
    assert!(!residues.is_empty() && residues.iter().all(|residue| keys(residue) == ["key", "loss"]), "{value}");
}

#[test]
fn everything_that_was_recorded_can_be_looked_at() {
    let (desk, value) = migrated();
    let run = text(&value, "run");
    let before = desk.files(".palinode");

    desk.run(&["status"]).exits(0).says(&["crio-to-docker ", ": done", "CRI-O goes", "25/25", "palinode log"]);
    let status = desk.json(&["status", &run[..6]]);
    assert_eq!((&status["state"], &status["run"]), (&"done".into(), &run.into()));
    assert_eq!(status["lanes"].as_array().map(Vec::len), Some(4));

    let entries = desk.entries();
    for (number, entry) in entries.iter().enumerate() {
        assert_eq!(entry["entry"]["seq"].as_u64(), Some(number as u64 + 1));
    }
    let log = desk.run(&["log"]).exits(0);
    assert_eq!(log.stdout.lines().filter(|line| line.starts_with(' ')).count(), entries.len());
    assert_eq!(desk.run(&["log", "-n", "3"]).exits(0).stdout.lines().count(), 4);
    let steps = desk.run(&["log", "--step", "gluster2.demo/packages"]).exits(0);
    assert!(steps.stdout.lines().skip(1).all(|line| line.contains("gluster2.demo packages")), "{steps}");

    // An entry by its number and by its id, a run by its id and by @, a step by its path: the same in both forms.
    let intent = entries
        .iter()
        .find(|entry| entry["entry"]["event"]["Intent"]["step"] == "gluster1.demo/packages")
        .expect("the packages were removed");
    let (seq, id) = (intent["entry"]["seq"].to_string(), text(intent, "id"));
    for name in [seq.as_str(), id, &id[..12]] {
        desk.run(&["show", name]).exits(0).says(&[id, "intent", "remove"]);
        assert_eq!(desk.json(&["show", name]), *intent, "{name}");
    }
    for name in ["@", run, &run[..5]] {
        desk.run(&["show", name]).exits(0).says(&[run, "gluster3.demo/schedulable", "openshift_version"]);
        assert_eq!(text(&desk.json(&["show", name]), "run"), run);
    }
    let step = desk.run(&["show", "gluster1.demo/packages"]).exits(0);
    step.says(&["succeeded", "before", "after", "undo", "gluster1.demo/package/cri-o", "attempts  1"]);
    assert_eq!(desk.json(&["show", "gluster1.demo/packages"])["stage"], "succeeded");
    for name in ["nothing", "gluster1.demo/nothing", "ffffffffffff", "9999", ""] {
        let out = desk.run(&["show", name]).exits(2).complains(&["next: "]);
        assert_eq!(out.stdout, "", "{name}");
    }

    desk.run(&["verify"]).exits(0).says(&["sound: ", "1 run", &format!("last entry {}", entries.len())]);
    let sound = desk.json(&["verify"]);
    assert_eq!((&sound["sound"], sound["entries"].as_u64()), (&true.into(), Some(entries.len() as u64)));
    assert_eq!(desk.files(".palinode"), before, "looking changes nothing");

    // A bit in the middle of history is found, named, and has an exit code of its own.
    let segment = ".palinode/segments/00000000000000000001.seg";
    let mut bytes = std::fs::read(desk.path().join(segment)).expect("the segment can be read");
    bytes[20_000] ^= 1;
    desk.write(segment, bytes);
    let out = desk.run(&["verify"]).exits(7).complains(&["segments/00000000000000000001.seg", "byte", "next: "]);
    assert_eq!(out.stdout, "");
}

#[test]
fn a_rollback_is_what_its_preview_said_and_restores_the_inventory_to_the_byte() {
    let (desk, value) = migrated();
    let original = palinode_replay::lab::inventory_text();
    assert_ne!(desk.inventory(), original, "the run edits it");
    let before = (desk.files(".palinode"), desk.files(".palinode-lab"));
    desk.run(&["rollback", "--dry-run"]).exits(0).says(&[
        "This is a preview; nothing is changed",
        "20 things cannot be restored",
        "partly rolled back (exit 6)",
        "gluster1.demo/reboot",
        &format!("next\n  palinode rollback {}\n", &value["run"].as_str().expect("an id")[..4]),
    ]);
    let preview = desk.json(&["rollback", "--dry-run"]);
    assert_eq!(before, (desk.files(".palinode"), desk.files(".palinode-lab")), "a preview changes nothing");

    let out = desk.run(&["rollback", "--reason", "the customer called", "-o", "json"]).exits(6);
    let back = out.value();
    assert_eq!(text(&back, "state"), "partly-rolled-back");
    assert_eq!(back["plan"], preview["plan"]);
    assert_eq!(back["residues"], preview["residues"]);
    assert_eq!(preview["run"], value["run"]);
    assert_ne!(back["run"], value["run"]);
    assert_eq!(desk.inventory(), original);
    desk.run(&["status"]).exits(0).says(&["rollback of crio-to-docker", "partly-rolled-back", "the customer called"]);
    let first = desk.run(&["status", text(&value, "run")]).exits(0);
    first.says(&["crio-to-docker ", ": done"]);
    desk.run(&["verify"]).exits(0).says(&["2 runs"]);

    let last = desk.entries().len();
    let again = desk.run(&["rollback"]).exits(0).complains(&["nothing to take back"]);
    assert_eq!(again.stdout, "");
    desk.run(&["rollback", "--host", "gluster2.demo"]).exits(0).complains(&["nothing to take back"]);
    assert_eq!(desk.entries().len(), last, "nothing was recorded for nothing");
    desk.run(&["resume"]).exits(2).complains(&["no run is open", "next: "]);
}

/// The lines of an inventory that name a host.
fn lines_of<'a>(inventory: &'a str, host: &str) -> Vec<&'a str> {
    inventory.lines().filter(|line| line.split_whitespace().next() == Some(host)).collect()
}

#[test]
fn one_host_is_taken_back_and_the_edits_for_the_others_stay() {
    let (desk, value) = migrated();
    let original = palinode_replay::lab::inventory_text();
    let migrated = desk.inventory();
    let preview = desk.json(&["rollback", "--host", "gluster1.demo", "--dry-run"]);
    let out = desk.run(&["rollback", "--host", "gluster1.demo", "-o", "json"]).exits(6);
    assert_eq!(out.value()["residues"], preview["residues"]);
    assert_eq!(out.value()["plan"], preview["plan"]);
    let now = desk.inventory();
    assert_eq!(lines_of(&now, "gluster1.demo"), lines_of(&original, "gluster1.demo"));
    for host in ["gluster2.demo", "gluster3.demo"] {
        assert_ne!(lines_of(&migrated, host), lines_of(&original, host));
        assert_eq!(lines_of(&now, host), lines_of(&migrated, host), "{host}");
    }
    assert!(now.contains("openshift_pkg_version=-3.11.161"), "what was done before all hosts stays:\n{now}");
    let status = desk.json(&["status", text(&value, "run")]);
    assert_eq!(status["state"], "done", "a closed run stays closed");
    let lanes = status["lanes"].as_array().expect("a list");
    let states: Vec<&str> = lanes.iter().map(|lane| text(lane, "state")).collect();
    assert_eq!(states, ["done", "taken back", "done", "done"]);

    desk.run(&["rollback"]).exits(6);
    assert_eq!(desk.inventory(), original);
    desk.run(&["rollback"]).exits(0).complains(&["nothing to take back"]);
    desk.run(&["verify"]).exits(0).says(&["3 runs"]);
}

/// Equal words of a run and its rollback are recorded once, with the run; status reads from the rollback on.
#[test]
fn status_of_a_rollback_knows_the_words_that_its_run_recorded_first() {
    let desk = Desk::new();
    let hosts = ["--host", "gluster1.demo"];
    desk.run(&[&["run", "crio-to-docker", "--lab", "--reason", "the night of CHG-7"][..], &hosts].concat()).exits(0);
    desk.run(&["rollback", "--reason", "the night of CHG-7"]).exits(6);
    let out = desk.run(&["status"]).exits(0).says(&["the night of CHG-7"]);
    assert!(!out.stdout.contains("cannot be opened"), "{out}");
}
