//! `runbook check`: everything that is wrong in a runbook, in one pass and without a host.

use palinode_core::action::runbook_names;
use palinode_tests::binary::Desk;
use palinode_tests::snapshot::{repository, snapshot};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The broken runbooks, by name.
fn broken() -> Vec<(String, String)> {
    let folder = repository().join("tests/fixtures/runbooks");
    let files =
        std::fs::read_dir(&folder).expect("the folder is there").map(|entry| entry.expect("it can be read").path());
    let mut all: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|ending| ending == "yml")).collect();
    all.sort();
    let named = |path: PathBuf| {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("it has a name").to_owned();
        (name, std::fs::read_to_string(&path).expect("it can be read"))
    };
    all.into_iter().map(named).collect()
}

/// What is said of each finding: line, column, what is wrong.
fn places(findings: &Value) -> BTreeSet<(u64, u64, String)> {
    let of = |finding: &Value| {
        assert!(finding["next"].as_str().is_some_and(|next| !next.is_empty()), "{finding}");
        let number = |key: &str| finding[key].as_u64().unwrap_or_default();
        (number("line"), number("column"), finding["what"].as_str().unwrap_or_default().to_owned())
    };
    findings.as_array().into_iter().flatten().map(of).collect()
}

#[test]
fn twenty_broken_runbooks_are_told_all_their_findings() {
    let all = broken();
    assert!(all.len() >= 20, "{} runbooks", all.len());
    let desk = Desk::new();
    for (name, text) in all {
        let file = format!("{name}.yml");
        desk.write(&file, &text);
        let out = desk.run(&["runbook", "check", &file]).exits(2);
        assert_eq!(out.stderr, "", "{name}");
        // Each name is listed. Which they are is no matter of this snapshot.
        let names = runbook_names().collect::<Vec<_>>().join(", ");
        let told = out.stdout.replace(&format!("; actions are {names};"), "; actions are (every name);");
        snapshot(&format!("tests/fixtures/runbooks/{name}.txt"), &told);
        let data = desk.run(&["runbook", "check", &file, "-o", "json"]).exits(2).value();
        let findings = data[0]["findings"].as_array().expect("findings are a list");
        let lines: Vec<u64> = findings.iter().filter_map(|finding| finding["line"].as_u64()).collect();
        assert!(lines.is_sorted(), "{name}: {lines:?}");
        assert_eq!(places(&data[0]["findings"]).len(), findings.len(), "{name}: each is told once");
        assert_eq!(out.stdout.matches("    next: ").count(), findings.len(), "{name}: text and data are the same");
        assert_eq!(data[0]["good"], false);
    }
}

#[test]
fn run_tells_the_same_findings() {
    let desk = Desk::new();
    for (name, text) in broken() {
        let file = format!("{name}.yml");
        desk.write(&file, &text);
        let data = desk.run(&["runbook", "check", &file, "-o", "json"]).exits(2).value();
        let run = desk.run(&["run", &file, "--lab", "-o", "json"]).exits(2);
        let error: Value = serde_json::from_str(&run.stderr).unwrap_or_else(|why| unreachable!("{name}: {why}: {run}"));
        let (checked, ran) = (places(&data[0]["findings"]), places(&error["findings"]));
        let lacking: Vec<_> = checked.difference(&ran).collect();
        assert!(lacking.is_empty(), "{name}: `run` does not tell {lacking:?}");
    }
    assert!(!desk.path().join(".palinode").exists(), "nothing was begun");
}

#[test]
fn a_good_runbook_is_told_so_with_what_was_not_checked() {
    let desk = Desk::new();
    let out = desk.run(&["runbook", "check", "crio-to-docker"]).exits(0);
    out.says(&["crio-to-docker: good, ", " steps", "not checked: the hosts", "-i FILE"]);
    desk.write("hosts", "[glusterfs]\na.example\nb.example\n");
    let out = desk.run(&["runbook", "check", "crio-to-docker", "-i", "hosts"]).exits(0);
    assert!(!out.stdout.contains("not checked: the hosts"), "{out}");
    out.says(&["for 2 hosts"]);
    let data = desk.json(&["runbook", "check", "crio-to-docker", "-i", "hosts"]);
    assert_eq!((&data[0]["good"], &data[0]["hosts"]), (&Value::from(true), &Value::from(2)));
    let new = desk.run(&["runbook", "new", "mine"]).stdout;
    desk.write("mine.yml", &new);
    desk.run(&["runbook", "check", "mine.yml", "crio-to-docker"])
        .exits(0)
        .says(&["mine.yml: good", "crio-to-docker: good"]);
}

#[test]
fn an_inventory_is_checked_if_it_is_given() {
    let desk = Desk::new();
    let head = "runbook: demo\nhosts: { group: glusterf }\neach_host:\n";
    desk.write(
        "book.yml",
        format!("{head}  - a: {{ gate: {{ gluster.healed: {{ hosts: [a.example, c.example] }} }} }}\n"),
    );
    desk.run(&["runbook", "check", "book.yml"]).exits(0);
    desk.write("hosts", "[glusterfs]\na.example\nb.example\n");
    let out = desk.run(&["runbook", "check", "book.yml", "-i", "hosts"]).exits(2);
    out.says(&[
        "book.yml:2:",
        "no group `glusterf`",
        "did you mean `glusterfs`?",
        "book.yml:4:",
        "c.example",
        "2 findings",
    ]);
    desk.run(&["runbook", "check", "book.yml", "-i", "nowhere"]).exits(2).complains(&["cannot read the inventory"]);
}

#[test]
fn a_parameter_without_a_value_fits_wherever_it_stands() {
    let desk = Desk::new();
    let text = "runbook: demo\nparameters:\n  minutes:\n  port: { about: a port }\n  all:\nhosts: { group: \"{{ all }}\", serial: \"{{ port }}\" }\n\
                each_host:\n  - a: { wait: { port: \"{{ port }}\" }, timeout: \"{{ minutes }}\" }\n  \
                - b: { service: { units: \"{{ all }}\", state: stopped, enabled: \"{{ all }}\" }, undo_after: a }\n  \
                - c: { fetch: { path: \"/x/{{ item }}\" }, each: \"{{ all }}\" }\n";
    desk.write("book.yml", text);
    let out = desk.run(&["runbook", "check", "book.yml"]).exits(0);
    out.says(&["book.yml: good, 3 steps", "all, minutes, port", "--set NAME=VALUE"]);
    // With a value it is looked at.
    let set = ["runbook", "check", "book.yml", "--set", "minutes=soon"];
    desk.run(&set).exits(2).says(&["book.yml:8:", "span of time"]);
    desk.run(&["runbook", "check", "book.yml", "--set", "minute=5m"]).exits(2).says(&["did you mean `minutes`?"]);
    desk.run(&["runbook", "check", "book.yml", "--set", "minutes"]).exits(2).complains(&["has no ="]);
}

#[test]
fn several_files_are_checked_and_one_that_is_not_there_is_told() {
    let desk = Desk::new();
    desk.write("one.yml", "runbook: one\nhosts: { group: g }\neach_host: [ { a: { kube.cordn: {} } } ]\n");
    desk.write("two.yml", "runbook: two\nhosts: { group: g }\neach_host: [ { a: { kube.cordon: {} } } ]\n");
    let out = desk.run(&["runbook", "check", "one.yml", "two.yml"]).exits(2);
    out.says(&["one.yml:3:", "one.yml: 1 finding", "two.yml: good, 1 step"]);
    let out = desk.run(&["runbook", "check", "three.yml", "one.yml", "four.yml"]).exits(2);
    let out = out.complains(&["there is no runbook `three.yml`", "there is no runbook `four.yml`"]);
    out.says(&["one.yml: 1 finding"]);
    desk.write("evil\u{1b}[2J.yml", "runbook: \"\\e[2J\"\n");
    desk.run(&["runbook", "check", "evil\u{1b}[2J.yml"]).exits(2).says(&["\\u{1b}[2J"]);
}
