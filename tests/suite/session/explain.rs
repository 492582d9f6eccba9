//! What a runbook can say: explained, on the reference pages, and as a schema for editors.

use palinode_core::describe::{KindDoc, Sort, actions, everything, gates, page, topics};
use palinode_core::runbook::node::{Node, Value as Yaml};
use palinode_tests::binary::Desk;
use palinode_tests::reference_page::{Reference, words};
use palinode_tests::snapshot::snapshot;
use serde_json::Value;
use std::path::PathBuf;

/// What `explain` prints of a name, which fits into a terminal.
fn told(desk: &Desk, name: &str) -> String {
    let out = desk.run(&["explain", name]).exits(0);
    assert_eq!(out.stderr, "", "{name}");
    // What is to be typed stands on one line.
    let mut folded = out.stdout.lines().filter(|line| !line.starts_with("next: "));
    let wide = folded.find(|line| line.chars().count() > 80 && line.trim().contains(' '));
    assert_eq!(wide, None, "{name}: a terminal has 80 columns");
    out.stdout
}

#[test]
fn every_action_gate_key_and_field_is_explained_as_the_reference_pages_say() {
    let (desk, pages) = (Desk::new(), Reference::read());
    let topics: Vec<&str> = topics().iter().map(|topic| topic.name).collect();
    assert_eq!(words(&desk.run(&["explain"]).exits(0).stdout), pages.overview(&topics));
    let mut fields = 0;
    for subject in everything() {
        let name = subject.name();
        let text = told(&desk, name);
        assert_eq!(words(&text), pages.explained(&subject), "{name}");
        for line in pages.examples(name) {
            assert!(text.lines().any(|told| told == format!("  {line}").trim_end()), "{name}: {line:?} in\n{text}");
        }
        for (name, page) in pages.below(&subject) {
            assert_eq!(words(&told(&desk, &name)), page, "{name}");
            fields += 1;
        }
    }
    assert!(fields > 200, "{fields} fields are explained");
}

/// How it looks: one of each sort. What it says of the others stands on the pages.
const SHOWN: [&str; 5] = ["kube.drain", "kube.drain.terminating", "kube.delete", "gluster.healed", "hosts.serial"];

#[test]
fn what_is_explained_looks_as_recorded() {
    let desk = Desk::new();
    let mut recorded = String::new();
    for name in SHOWN {
        recorded.push_str(&format!("$ palinode explain {name}\n{}\n", told(&desk, name)));
    }
    let out = desk.run(&["explain", "kube.drian.timeout"]).exits(2);
    recorded.push_str(&format!("$ palinode explain kube.drian.timeout\n{}", out.stderr));
    snapshot("tests/fixtures/explain.txt", &recorded);
}

#[test]
fn a_wide_terminal_is_used_and_a_narrow_one_is_no_obstacle() {
    let desk = Desk::new();
    let widest = |columns: &str| {
        let out =
            desk.run_with(&[("COLUMNS", PathBuf::from(columns))], &["explain", "kube.drain.terminating"]).exits(0);
        out.stdout.lines().map(|line| line.chars().count()).max().unwrap_or_default()
    };
    let (narrow, usual, wide) = (widest("60"), widest("80"), widest("300"));
    assert!(narrow <= 60 && narrow < usual && usual <= 80 && usual < wide && wide <= 110, "{narrow}, {usual}, {wide}");
    // What is no width is as if nothing was said.
    assert_eq!((widest("x"), widest("1")), (usual, usual));
}

#[test]
fn a_name_that_is_not_known_is_refused_with_the_one_that_was_meant() {
    let desk = Desk::new();
    for (name, meant) in [
        ("kube.drian", "did you mean `kube.drain`?"),
        ("kube.drain.timeuot", "did you mean `kube.drain.timeout`?"),
        ("kube.drian.timeout", "did you mean `kube.drain.timeout`?"),
        ("gluster.haeled", "did you mean `gluster.healed`?"),
        ("service.untis", "did you mean `service.units`?"),
        ("hsots", "did you mean `hosts`?"),
        ("step.undo_afer", "did you mean `step.undo_after`?"),
        ("kube.drain.timeout.x", "`kube.drain.timeout` has no fields"),
        ("nonsense", "palinode explain"),
        ("\u{1b}[2J", "palinode explain"),
    ] {
        let out = desk.run(&["explain", name]).exits(2);
        assert_eq!(out.stdout, "", "{name}");
        out.complains(&["error: nothing is called", "next: ", meant]);
        let out = desk.run(&["explain", name, "-o", "json"]).exits(2);
        let error: Value = serde_json::from_str(&out.stderr).expect("an error is one JSON value");
        assert!(error["next"].is_string(), "{out}");
    }
    desk.run(&["run", "crio-to-dokcer", "--lab"]).exits(2).complains(&["did you mean `crio-to-docker`?"]);
    assert!(desk.files("").is_empty());
}

#[test]
fn what_is_explained_is_data_too() {
    let desk = Desk::new();
    let field = desk.json(&["explain", "kube.drain.timeout"]);
    assert_eq!(field["of"], "kube.drain");
    assert_eq!(field["type"], "span of time");
    assert_eq!(field["default"], "15m");
    assert_eq!(field["required"], false);
    assert!(field["unit"].as_str().is_some_and(|unit| unit.contains("15m")), "{field}");
    let kind = desk.json(&["explain", "kube.drain"]);
    let names: Vec<&str> = kind["forms"][0]["fields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|field| field["name"].as_str())
        .collect();
    assert_eq!(names, ["bare", "emptydir", "grace", "retry-denied", "terminating", "timeout"]);
    assert_eq!(kind["sort"], "action");
    let list = desk.json(&["explain"]);
    let told = |key: &str| list[key].as_array().map_or(0, Vec::len);
    assert_eq!(told("actions"), actions().iter().filter(|kind| kind.sort == Sort::Action).count());
    assert_eq!((told("gates"), told("runbook")), (gates().len(), topics().len()));
}

#[test]
fn the_reference_pages_are_those_of_today() {
    snapshot("cli/docs/actions.md", &page::actions_page());
    snapshot("cli/docs/runbook-language.md", &page::runbook_page());
}

fn json(node: &Node) -> Value {
    match &node.value {
        Yaml::Null => Value::Null,
        Yaml::Bool(truth) => Value::from(*truth),
        Yaml::Int(number) => Value::from(*number),
        Yaml::Text(text) => Value::from(text.as_str()),
        Yaml::List(items) => items.iter().map(json).collect(),
        Yaml::Map(entries) => entries.iter().map(|(key, value)| (key.text.clone(), json(value))).collect(),
    }
}

/// The first complaints of a validator about a runbook.
fn complaints(validator: &jsonschema::Validator, text: &str) -> Vec<String> {
    let node = Node::parse(text).unwrap_or_else(|finding| unreachable!("{finding}: {text}"));
    let of = |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
    validator.iter_errors(&json(&node)).map(of).collect()
}

fn validator(desk: &Desk) -> jsonschema::Validator {
    let schema = desk.run(&["util", "schema"]).exits(0).value();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(jsonschema::meta::is_valid(&schema), "it is a schema itself");
    jsonschema::validator_for(&schema).expect("it is a schema")
}

const HEAD: &str = "runbook: demo\nhosts: { group: nodes }\neach_host:\n";

fn with(example: &str) -> String {
    let steps: String = example.lines().map(|line| format!("  {line}\n")).collect();
    format!("{HEAD}{steps}")
}

fn usable() -> Vec<KindDoc> {
    actions().into_iter().chain(gates()).filter(|kind| kind.sort != Sort::Inverse).collect()
}

#[test]
fn the_schema_accepts_what_is_good() {
    let desk = Desk::new();
    let validator = validator(&desk);
    let shipped = desk.run(&["runbook", "show", "crio-to-docker"]).stdout;
    let new = desk.run(&["runbook", "new", "mine"]).stdout;
    let mut good = vec![shipped, new];
    good.extend(topics().into_iter().filter(|keys| keys.name == "runbook").map(|keys| keys.example.to_owned()));
    good.extend(usable().iter().flat_map(|kind| kind.examples.iter().map(|example| with(example))));
    // A template may stand wherever a value does, and text may be written without quotes.
    good.extend(
        [
            "- a: { kube.drain: { timeout: \"{{ x }}\", emptydir: \"{{ x }}\" } }",
            "- a: { kube.drain: { timeout: \"{{ x }}m\", grace: 30 } }",
            "- a: { wait: { port: \"{{ x }}\" }, timeout: \"{{ x }}\" }",
            "- a: { service: { units: \"{{ x }}\", state: stopped, enabled: \"{{ x }}\" } }",
            "- a: { record: \"{{ x }}\" }",
            "- a: { gluster.healed: { samples: \"{{ x }}\", hosts: \"{{ x }}\" } }",
            "- a: { file: { path: /etc/x, content: 7, mode: \"0644\" } }",
            "- a: { kube.cordon: , recovery: ask, when: \"{{ a }} == b\" }",
            "- a: { kube.patch: { object: \"{{ x }}\", merge: '{\"a\":1}' } }",
            "- a: { command: { run: [a, 1, true, { secret: env:A }] }, undo: { no-undo: x } }",
            "- a: { kube.patch-node: { labels: { a: null, b: c, d: 1 } } }",
            "- a: { fetch: { path: \"/{{ item }}\" }, each: \"{{ x }}\", undo_after: [b, c], touches: d }",
        ]
        .map(with),
    );
    good.push(with("- a: { kube.cordon: {} }").replace("nodes", "\"{{ g }}\", serial: \"{{ n }}\""));
    good.push(with("- a: { kube.cordon: {} }").replace("nodes", "nodes, serial: 30%, max_fail: 1, on_failure: pause"));
    for text in good {
        assert_eq!(complaints(&validator, &text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn the_schema_refuses_what_can_be_told_from_the_shape() {
    let desk = Desk::new();
    let validator = validator(&desk);
    let mut bad: Vec<String> = [
        "- a: { kube.cordn: {} }",
        "- a: { kube.cordon: { force: true } }",
        "- a: { kube.drain: { timeout: soon } }",
        "- a: { kube.drain: { timout: 5m } }",
        "- a: { kube.drain: { emptydir: burn } }",
        "- a: { service: { unit: crio, state: sleeping } }",
        "- a: { service: { units: 7, state: stopped } }",
        "- a: { file.read: { path: /etc/x } }",
        "- a: { file: { path: /etc/x, state: absent } }",
        "- a: { kube.cordon: {}, kube.uncordon: {} }",
        "- a: {}",
        "- a: { kube.cordon: {}, timeot: 5m }",
        "- a: { gate: { gluster.heald: {} } }",
        "- a: { gluster.healed: { samples: 0 } }",
        "- a: { gluster.healed: { without: [x] } }",
        "- a: { kube.put-back: {} }",
        "- a: { wait: { port: 70000 } }",
        "- a: { kube.wait: { object: { kind: Pod, name: x }, until: { condtion: x } } }",
        "- a: { inventory.edit: { edits: [ { set_host_vars: {} } ] } }",
        "- a: { kube.cordon: {}, recovery: maybe }",
        "- a: { kube.cordon: {}, when: x }",
        "- a b: { kube.cordon: {} }",
        "- kube.cordon",
    ]
    .map(with)
    .into();
    let plain = with("- a: { kube.cordon: {} }");
    bad.push(plain.replace("runbook: demo\n", ""));
    bad.push(plain.replace("hosts:", "host:"));
    bad.push(plain.replace("nodes", "nodes, serial: 0"));
    bad.push(plain.replace("nodes", "nodes, max_fail: -1"));
    bad.push(plain.replace("nodes", "nodes, on_failure: rollback"));
    bad.push(plain.replace("each_host", "preflight"));
    bad.push(plain.replace("each_host:", "stages:"));
    for text in bad {
        assert_ne!(complaints(&validator, &text), Vec::<String>::new(), "{text}");
    }
}
