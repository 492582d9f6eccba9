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
