//! Several runs in one journal: in one world they share what was recorded, in two worlds they share nothing.

use palinode_tests::binary::Desk;
use serde_json::Value;

fn drifts(desk: &Desk) -> Vec<String> {
    let entries = desk.entries();
    let keys = entries.iter().map(|entry| &entry["entry"]["event"]["DriftFound"]["key"]);
    keys.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn text(desk: &Desk, file: &str) -> String {
    std::fs::read_to_string(desk.path().join(file)).expect("the lab has an inventory")
}

#[test]
fn a_run_in_another_lab_is_no_drift_and_stands_in_nobodys_way() {
    let desk = Desk::new();
    let first = desk.json(&["run", "crio-to-docker", "--lab-state", "a"]);
    desk.run(&["run", "crio-to-docker", "--lab-state", "b"]).exits(0);
    assert_eq!(drifts(&desk), Vec::<String>::new());
    let second = text(&desk, "b/hosts");
    let preview = desk.json(&["rollback", first["run"].as_str().expect("an id"), "--dry-run"]);
    let out = desk.run(&["rollback", first["run"].as_str().expect("an id"), "-o", "json"]).exits(6);
    assert_eq!(out.value()["residues"], preview["residues"]);
    assert_eq!(text(&desk, "a/hosts"), palinode_replay::lab::inventory_text());
    assert_eq!(text(&desk, "b/hosts"), second);
    assert_eq!(drifts(&desk), Vec::<String>::new());
    desk.run(&["rollback"]).exits(6);
    assert_eq!(text(&desk, "b/hosts"), palinode_replay::lab::inventory_text());
}

#[test]
fn a_later_run_in_the_same_lab_knows_what_the_first_one_left() {
    let desk = Desk::new();
    let run = |host: &str| desk.json(&["run", "crio-to-docker", "--lab-state", "a", "--host", host]);
    let first = run("gluster1.demo");
    run("gluster2.demo");
    assert_eq!(drifts(&desk), Vec::<String>::new(), "equal contents are equal under the keys of another run");

    // Somebody edits the inventory by hand between two runs.
    let edited = text(&desk, "a/hosts").replace("[OSEv3:vars]", "[OSEv3:vars]\nedited_by_hand=yes");
    desk.write("a/hosts", &edited);
    run("gluster3.demo");
    let found = drifts(&desk);
    assert!(!found.is_empty() && found.iter().all(|key| key.ends_with("a/hosts")), "{found:?}");

    // The first run is taken back around what came later.
    let lines = |host: &str| {
        let inventory = text(&desk, "a/hosts");
        inventory.lines().filter(|line| line.starts_with(host)).map(str::to_owned).collect::<Vec<_>>()
    };
    let later = (lines("gluster2.demo"), lines("gluster3.demo"));
    let out = desk.run(&["rollback", first["run"].as_str().expect("an id"), "--host", "gluster1.demo"]).exits(6);
    assert_eq!((lines("gluster2.demo"), lines("gluster3.demo")), later, "{out}");
    assert!(text(&desk, "a/hosts").contains("edited_by_hand=yes"));
    let original: Vec<String> = palinode_replay::lab::inventory_text()
        .lines()
        .filter(|line| line.starts_with("gluster1.demo"))
        .map(str::to_owned)
        .collect();
    assert_eq!(lines("gluster1.demo"), original, "{out}");
    desk.run(&["verify"]).exits(0);
}
