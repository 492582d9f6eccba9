//! What is documented is what is read.

use super::kind::{Sort, expanded};
use super::{Field, KindDoc, Subject, actions, everything, gates, lookup};
use crate::action::{Action, TABLE};
use crate::gate::{GATE_EXAMPLES, GATES};
use crate::inventory::model::Reading;
use crate::run::plan::Work;
use crate::runbook::node::{Node, Value as Yaml};
use crate::runbook::{Checked, Given, Kind, Runbook, StepSpec, keys};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// An inventory to expand with.
fn of_text(text: &str) -> Option<(String, Arc<Reading>)> {
    let reading = Reading::of_text("hosts", text.as_bytes()).expect("it is good");
    Some(("hosts".to_owned(), Arc::new(reading)))
}

/// A runbook with one step after those that it needs.
fn check(step: &str) -> Checked {
    let text = format!(
        "runbook: demo\nhosts: {{ group: nodes }}\neach_host:\n  - cordon: {{ kube.cordon: {{}} }}\n  - it: {{ {step} }}\n"
    );
    Runbook::check(&text, &Given::default())
}

fn usable() -> Vec<KindDoc> {
    actions().into_iter().chain(gates()).filter(|kind| kind.sort != Sort::Inverse).collect()
}

#[test]
fn every_action_and_gate_of_a_runbook_is_described_and_no_other() {
    for row in TABLE {
        assert_eq!(row.runbook, !(row.forms)().is_empty(), "{}: forms are for what runbooks use", row.name);
        assert_eq!(row.runbook, !row.examples.is_empty(), "{}: examples are for what runbooks use", row.name);
    }
    assert_eq!(GATE_EXAMPLES.iter().map(|(name, _)| *name).collect::<Vec<_>>(), GATES);
    for kind in usable() {
        assert!(!kind.summary.is_empty() && !kind.summary.contains('\n'), "{}: {:?}", kind.name, kind.summary);
        assert!(kind.facts.iter().all(|fact| !fact.is.is_empty()), "{}: {:?}", kind.name, kind.facts);
        for field in kind.forms.iter().flat_map(|form| &form.fields) {
            described(kind.name, field);
        }
    }
}

/// Every field and every choice says what it does, in words that are no code.
fn described(of: &str, field: &Field) {
    let name = format!("{of}.{}", field.name);
    let words = field.about.split_whitespace().count();
    assert!(words > 2, "{name} is not described: {:?}", field.about);
    assert!(!field.about.contains("(T") && !field.about.contains("[`"), "{name} speaks of the code: {}", field.about);
    for below in &field.fields {
        described(&name, below);
    }
    for choice in field.choices.iter().filter(|choice| !choice.takes.is_empty()) {
        described(&name, choice);
    }
}

#[test]
fn every_example_is_read_and_becomes_what_it_is_an_example_of() {
    for kind in usable() {
        for example in &kind.examples {
            let wide = example.lines().find(|line| line.chars().count() > 78);
            assert_eq!(wide, None, "{}: an example is read in 80 columns", kind.name);
            let (runbook, plan) = expanded(example).unwrap_or_else(|all| unreachable!("{example}: {all:?}"));
            let own = |spec: &&StepSpec| match &spec.kind {
                Kind::Action(name) | Kind::Gate(name) => name == kind.name,
            };
            assert!(runbook.each_host.iter().any(|spec| own(&spec)), "{example} has no {}", kind.name);
            assert!(!plan.steps.is_empty());
        }
    }
    for topic in super::topics().iter().filter(|topic| topic.name == "runbook") {
        let inventory = of_text("[glusterfs]\na.example\n");
        let given = Given { inventory, ..Given::default() };
        assert!(Runbook::plan(topic.example, &given).is_ok(), "{}", topic.name);
    }
}

/// The keys that are read are told by what refuses another one.
#[test]
fn a_field_is_documented_if_and_only_if_it_is_read() {
    for kind in usable() {
        for form in &kind.forms {
            let content = form.fields.iter().any(|field| field.name == "content") && kind.name == "file";
            let object = form.fields.iter().any(|field| field.name == "object") && kind.name == "kube.delete";
            let manifest = kind.name == "kube.apply";
            let patch = kind.name == "kube.patch";
            let values = match () {
                () if content => "content: x, nothing_such: 1",
                () if object => "object: { kind: Service, name: x }, nothing_such: 1",
                () if manifest => "manifest: { a: 1 }, nothing_such: 1",
                () if patch => "merge: { a: 1 }, nothing_such: 1",
                () => "nothing_such: 1",
            };
            let found = check(&format!("{}: {{ {values} }}", kind.name)).findings;
            let unknown = found.iter().find(|finding| finding.what.contains("nothing_such"));
            let what = &unknown.unwrap_or_else(|| unreachable!("{}: {found:?}", kind.name)).what;
            if manifest {
                continue;
            }
            let mut known: BTreeSet<&str> = match what.split_once("known are ") {
                Some((_, known)) => known.split(", ").collect(),
                None => BTreeSet::new(),
            };
            // What only the host says, once it was asked.
            known.retain(|name| kind.name != "package" || !["named", "units"].contains(name));
            let told: BTreeSet<&str> = form.fields.iter().map(|field| field.name.as_str()).collect();
            assert_eq!(known, told, "{}", kind.name);
        }
    }
}

/// What the first step of an example becomes, as values.
fn acted(step: &str) -> Value {
    let text = format!("- cordon: {{ kube.cordon: {{}} }}\n- it: {{ {step} }}\n");
    let (_, plan) = expanded(&text).unwrap_or_else(|all| unreachable!("{step}: {all:?}"));
    match &plan.steps[1].work {
        Work::Act(action) => serde_json::to_value(action).expect("it has a form"),
        gate @ Work::Gate { .. } => serde_json::to_value(gate).expect("it has a form"),
    }
}

/// The values of a form with which it is still read, out of its example: what need not be there is taken out.
fn least(kind: &KindDoc, form: usize) -> Vec<(String, String)> {
    let example = kind.examples.get(form).unwrap_or_else(|| unreachable!("{} has an example of each form", kind.name));
    let (runbook, _) = expanded(example).unwrap_or_else(|all| unreachable!("{example}: {all:?}"));
    let own = |spec: &&StepSpec| matches!(&spec.kind, Kind::Action(name) | Kind::Gate(name) if name == kind.name);
    let spec = runbook.each_host.iter().find(own).unwrap_or_else(|| unreachable!("{example} uses {}", kind.name));
    let entries = spec.params.map("values").expect("values are a map");
    let mut values: Vec<(String, String)> =
        entries.iter().map(|(key, value)| (key.text.clone(), json(value).to_string())).collect();
    let mut at = 0;
    while at < values.len() {
        let mut fewer = values.clone();
        fewer.remove(at);
        match check(&format!("{}: {}", kind.name, map(&fewer))).findings.is_empty() {
            true => values = fewer,
            false => at += 1,
        }
    }
    values
}

/// Values as YAML, which JSON is.
fn map(values: &[(String, String)]) -> String {
    let all: Vec<String> = values.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
    format!("{{ {} }}", all.join(", "))
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

#[test]
fn a_documented_default_is_what_is_read_where_nothing_is_written() {
    let mut compared = 0;
    for kind in usable() {
        for (number, form) in kind.forms.iter().enumerate() {
            let values = least(&kind, number);
            let plain = acted(&format!("{}: {}", kind.name, map(&values)));
            for field in &form.fields {
                let needed = values.iter().any(|(name, _)| *name == field.name);
                let Some(default) = field.default.as_ref().filter(|_| !needed) else { continue };
                let mut more = values.clone();
                more.push((field.name.clone(), default.to_string()));
                let written = acted(&format!("{}: {}", kind.name, map(&more)));
                assert_eq!(written, plain, "{}.{} is not {default} by itself", kind.name, field.name);
                compared += 1;
            }
        }
    }
    assert!(compared > 25, "{compared} defaults are compared");
}

#[test]
fn a_field_is_documented_as_required_if_and_only_if_nothing_is_read_without_it() {
    for kind in usable() {
        for (number, form) in kind.forms.iter().enumerate() {
            let values = least(&kind, number);
            let several = TABLE.iter().find(|row| row.name == kind.name).map_or(&[][..], |row| row.one_of);
            let needed: BTreeSet<&str> =
                values.iter().map(|(name, _)| name.as_str()).filter(|name| !several.contains(name)).collect();
            let required: BTreeSet<&str> =
                form.fields.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
            assert_eq!(required, needed, "{}", kind.name);
            let given = values.iter().any(|(name, _)| several.contains(&name.as_str()));
            assert_eq!(given, !several.is_empty(), "{}: one of {several:?} has to be given", kind.name);
        }
    }
}

#[test]
fn the_defaults_of_keys_are_the_real_ones() {
    let plan = |hosts: &str, step: &str| {
        let text = format!("runbook: demo\nhosts: {{ group: nodes{hosts} }}\neach_host:\n  - it: {{ {step} }}\n");
        let inventory = of_text("[nodes]\na.example\n");
        Runbook::plan(&text, &Given { inventory, ..Given::default() }).expect(&text)
    };
    let plain = plan("", "node.ready: {}");
    for key in keys::HOSTS.iter().filter(|key| key.default.is_some()) {
        let default = key.default.unwrap_or_default();
        assert_eq!(plan(&format!(", {}: {default}", key.name), "node.ready: {}"), plain, "{}", key.name);
    }
    for key in keys::GATE {
        let default = key.default.unwrap_or_default();
        assert_eq!(plan("", &format!("node.ready: {{ {}: {default} }}", key.name)), plain, "{}", key.name);
    }
    assert_eq!(plan("", "node.ready: {}, timeout: 1h"), plain);
    assert_eq!(plan("", "wait: { port: 22 }, timeout: 5m"), plan("", "wait: { port: 22 }"));
    let told = keys::STEP.iter().find(|key| key.name == "timeout").map(keys::Key::schema).unwrap_or_default();
    assert!(told["description"].as_str().is_some_and(|text| text.contains("1h") && text.contains("5m")), "{told}");
}

#[test]
fn every_name_and_every_field_is_found_and_a_typo_finds_what_was_meant() {
    fn below(path: &str, subject: &Subject, count: &mut usize) {
        for field in subject.fields() {
            let path = format!("{path}.{}", field.name);
            let found = lookup(&path).unwrap_or_else(|unknown| unreachable!("{path}: {unknown}"));
            assert_eq!(found.name(), field.name, "{path}");
            *count += 1;
            below(&path, &found, count);
        }
    }
    let mut count = 0;
    for subject in everything() {
        assert_eq!(lookup(subject.name()).as_ref(), Ok(&subject));
        below(subject.name(), &subject, &mut count);
    }
    assert!(count > 150, "{count} fields are found");
    for (name, meant) in [
        ("kube.drian", "`kube.drain`"),
        ("kube.drain.timout", "`kube.drain.timeout`"),
        ("kube.drian.timeout", "`kube.drain.timeout`"),
        ("drain", "`kube.drain`"),
        ("runbok", "`runbook`"),
        ("hosts.serail", "`hosts.serial`"),
        ("package.restorabel", "`package.restorable`"),
        ("kube.drain.terminating.forse", "`kube.drain.terminating.force`"),
        ("quantum", "palinode explain"),
        ("", "palinode explain"),
        ("kube.drain.x.y", "the fields of `kube.drain` are"),
    ] {
        let unknown = lookup(name).expect_err(name);
        assert!(unknown.next.contains(meant), "{name}: {unknown:?}");
    }
}

#[test]
fn kinds_say_what_a_rollback_does_about_them() {
    let fact = |name: &str, fact: &str| match lookup(name) {
        Ok(Subject::Kind(kind)) => kind.facts.iter().find(|own| own.name == fact).map(|own| own.is.clone()),
        other => unreachable!("{name}: {other:?}"),
    };
    for (name, about, words) in [
        ("kube.drain", "rollback", "(reversible)"),
        ("kube.drain", "acts", "API"),
        ("reboot", "rollback", "(no-undo)"),
        ("reboot", "in doubt", "(ask)"),
        ("command", "rollback", "(unknown-effect)"),
        ("dns.check", "sections", "preflight"),
        ("inventory.edit", "sections", "before, after"),
        ("kube.put-back", "done by", "rollback"),
    ] {
        assert!(fact(name, about).is_some_and(|told| told.contains(words)), "{name}: {:?}", fact(name, about));
    }
    let changes = fact("service", "sections").unwrap_or_default();
    assert!(!changes.contains("preflight") && !changes.contains("before"), "{changes}");
}

/// An action that is stored under another name is described by the name that runbooks use.
#[test]
fn what_is_described_is_the_form_of_runbooks() {
    let action = acted("kube.apply: { manifest: { apiVersion: v1, kind: Service, metadata: { name: x } } }");
    let action: Action = serde_json::from_value(action).expect("it is an action");
    assert_eq!(action.name(), "kube.patch");
    assert!(matches!(lookup("kube.apply.manifest"), Ok(Subject::Field { .. })));
    assert!(lookup("kube.apply.body").is_err() && lookup("gluster.healed.without").is_err());
}

/// The keys of a gate that is stored, but for what only a rollback says.
#[test]
fn the_keys_of_gates_are_those_that_are_read() {
    for kind in gates() {
        let text = format!("{{\"{}\": {{}}}}", kind.name);
        let node = Node::parse(&text.replace("{}", "{ nothing_such: 1 }")).expect("it is YAML");
        let refused = node.read::<crate::gate::Gate>().expect_err("an unknown key");
        let known: BTreeSet<&str> =
            refused.what.split_once("known are ").map_or(BTreeSet::new(), |(_, all)| all.split(", ").collect());
        let own: BTreeSet<&str> = kind
            .forms
            .iter()
            .flat_map(|form| &form.fields)
            .map(|field| field.name.as_str())
            .filter(|name| !keys::has_gate(name))
            .collect();
        assert_eq!(known.into_iter().filter(|name| *name != "without").collect::<BTreeSet<_>>(), own, "{}", kind.name);
    }
}
