//! A step as a runbook has it, made from those that a plan has of it.

use palinode_core::action::{Action, UndoClass};
use palinode_core::id::{HostName, Label};
use palinode_core::record::SkipWhy;
use palinode_core::run::effect;
use palinode_core::run::in_force::InForce;
use palinode_core::run::life::Stage;
use palinode_core::run::plan::{Plan, Step, Work};
use palinode_core::run::state::StepState;
use serde_json::{Map, Value, json};

use crate::render::words;

/// A step, and why it is not to be done again, if it is not. Two that say the same are equal, whatever became of them.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) name: String,
    /// The action or gate, and the modifiers, in their order.
    pub(super) body: Vec<(&'static str, Value)>,
    /// Steps that it names: it cannot stand without those of the first list, and says less without the others.
    pub(super) needs: Vec<Label>,
    /// What it does, in words.
    pub(super) words: String,
    pub(super) left_out: Option<String>,
    /// What is to be known about it.
    pub(super) notes: Vec<String>,
}

impl PartialEq for Draft {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.body) == (&other.name, &other.body)
    }
}

/// A step of a run, as it stands after all rollbacks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stands<'a> {
    pub(super) step: &'a Step,
    pub(super) known: &'a StepState,
    pub(super) in_force: InForce,
}

/// Why a step that ended like this is left out.
fn left_out(of: Stands<'_>) -> Option<String> {
    let Stands { step, known, in_force } = of;
    match (known.stage, &known.skipped) {
        (Stage::Succeeded, _) | (Stage::Skipped, Some(SkipWhy::When)) => None,
        (Stage::Compensated, _) => match in_force {
            InForce::Yes => None,
            InForce::Partly => Some("taken back since, and that in part too".to_owned()),
            InForce::No => Some(words::not_taken_back(step, known).unwrap_or_else(|| "taken back since".to_owned())),
        },
        (Stage::Pending, _) => Some("it did not come to it".to_owned()),
        _ => Some(words::step(known, words::Driven::No)),
    }
}

/// The part of a path behind the step's name: an item of a list.
fn item(step: &Step) -> Option<&str> {
    let label = format!("/{}/", step.label);
    step.path.as_str().split_once(&label).map(|(_, item)| item)
}

/// The drafts of one lane, in its order.
pub(super) fn drafts(plan: &Plan, steps: &[Stands<'_>]) -> Vec<Draft> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(Stands { step: first, .. }) = steps.get(at) {
        let same = |of: &&Stands<'_>| {
            of.step.label == first.label && of.step.target.host == first.target.host && item(of.step).is_some()
        };
        let group = steps[at..].iter().take_while(same).count().max(1);
        let group = &steps[at..at + group];
        at += group.len();
        // Items that are not to be done again leave the list.
        let (kept, rest): (Vec<_>, Vec<_>) = group.iter().copied().partition(|of| left_out(*of).is_none());
        let joined = if kept.is_empty() { None } else { list(plan, &kept) };
        match joined {
            Some(mut draft) if item(first).is_some() => {
                draft.notes.extend(rest.iter().map(|of| {
                    format!("without {}: {}", item(of.step).unwrap_or_default(), left_out(*of).unwrap_or_default())
                }));
                all.push(draft);
            }
            _ => all.extend(group.iter().map(|of| single(plan, *of, item(of.step)))),
        }
    }
    all
}

/// One step.
fn single(plan: &Plan, of: Stands<'_>, item: Option<&str>) -> Draft {
    let Stands { step, known, .. } = of;
    let name = match item {
        Some(item) => format!("{}-{item}", step.label),
        None => step.label.to_string(),
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_-".contains(c) { c } else { '-' };
    let name = if Label::new(&name).is_ok() { name } else { name.chars().map(plain).take(60).collect() };
    let mut notes = Vec::new();
    if known.skipped == Some(SkipWhy::When) {
        notes.push("it was not needed then".to_owned());
    }
    let (body, needs) = body(plan, step, work(plan, step));
    Draft { name, body, needs, words: does(step), left_out: left_out(of), notes }
}

/// One step from those of a list: `units` of a service, or `each`.
fn list(plan: &Plan, steps: &[Stands<'_>]) -> Option<Draft> {
    let of = *steps.first()?;
    let first = of.step;
    let mut items = Vec::new();
    let mut works: Vec<(&'static str, Value)> = Vec::new();
    for Stands { step, .. } in steps {
        let (kind, mut value) = work(plan, step);
        let name = item(step)?;
        let found = leaf(&value, &|text| slug(text) == name)?;
        replace(&mut value, &|text| (text == found).then(|| "{{ item }}".to_owned()));
        items.push(Value::String(found));
        works.push((kind, value));
    }
    if works.iter().any(|work| *work != works[0]) {
        return None;
    }
    let (kind, mut value) = works.swap_remove(0);
    let is_units = kind == "service" && value.get("unit") == Some(&json!("{{ item }}"));
    if let (true, Value::Object(entries)) = (is_units, &mut value) {
        entries.remove("unit");
        entries.insert("units".to_owned(), Value::Array(items.clone()));
    }
    let (mut body, needs) = body(plan, first, (kind, value));
    if steps
        .iter()
        .any(|other| self::body(plan, other.step, ("", Value::Null)).0 != self::body(plan, first, ("", Value::Null)).0)
    {
        return None;
    }
    if !is_units {
        body.push(("each", Value::Array(items)));
    }
    Some(Draft {
        name: first.label.to_string(),
        body,
        needs,
        words: does(first),
        left_out: left_out(of),
        notes: Vec::new(),
    })
}

/// As a list's item becomes part of a path.
fn slug(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".-_@".contains(c) { c } else { '-' };
    text.chars().map(plain).collect::<String>().trim_start_matches('-').to_owned()
}

/// The first text in a value that is like that.
fn leaf(value: &Value, is: &dyn Fn(&str) -> bool) -> Option<String> {
    match value {
        Value::String(text) if is(text) => Some(text.clone()),
        Value::Array(items) => items.iter().find_map(|item| leaf(item, is)),
        Value::Object(entries) => entries.values().find_map(|value| leaf(value, is)),
        _ => None,
    }
}

/// Replaces texts in a value.
pub(super) fn replace(value: &mut Value, change: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = change(text) {
                *text = new;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, change)),
        Value::Object(entries) => entries.values_mut().for_each(|value| replace(value, change)),
        _ => {}
    }
}

/// What it does, in words.
fn does(step: &Step) -> String {
    match &step.work {
        Work::Act(action) => action.words(),
        Work::Gate { gate, .. } => format!("wait until {} holds", gate.name()),
    }
}

/// The action or gate with its values. What stands for the host or the inventory of that run stands for those of the
/// next one.
fn work(plan: &Plan, step: &Step) -> (&'static str, Value) {
    let (kind, name, mut value) = match &step.work {
        Work::Act(action) => (action.name(), action.name(), serde_json::to_value(action).unwrap_or_default()),
        Work::Gate { gate, .. } => ("gate", gate.name(), serde_json::to_value(gate).unwrap_or_default()),
    };
    let mut params = value.get_mut(name).map(Value::take).unwrap_or(Value::Object(Map::new()));
    if params.is_null() {
        params = Value::Object(Map::new());
    }
    if let Value::Object(entries) = &mut params {
        if let Work::Gate { samples, every, gate, .. } = &step.work {
            if *samples != 1 {
                entries.insert("samples".to_owned(), json!(samples));
            }
            if *every != gate.every() {
                entries.insert("every".to_owned(), json!(every));
            }
        }
        let own = match name {
            "inventory.edit" => Some("file"),
            "ansible.playbook" => Some("inventory"),
            _ => None,
        };
        if let (Some(key), Some(path)) = (own, &plan.inventory)
            && entries.get(key).and_then(Value::as_str) == Some(path)
        {
            entries.remove(key);
        }
        // That no host must be among those it ran on is something.
        entries.retain(|key, value| !is_nothing(value) || (key == "ran_on" && value.is_array()));
    }
    strip(&mut params);
    let kind = match &step.work {
        Work::Act(action) => object(action, &mut params).unwrap_or(kind),
        Work::Gate { .. } => kind,
    };
    // Whom a gate asks is the same for every host.
    if let (Some(host), true) = (&step.target.host, kind != "gate") {
        replace(&mut params, &|text| named(text, host));
    }
    if let Some(path) = &plan.inventory {
        replace(&mut params, &|text| (text == path).then(|| "{{ inventory }}".to_owned()));
    }
    let value = if kind == "gate" { json!({ name: params }) } else { params };
    (kind, value)
}

/// Objects of the API as a runbook writes them: manifests and fields as maps.
fn object(action: &Action, params: &mut Value) -> Option<&'static str> {
    let patch = match action {
        Action::PatchObject(patch) => patch,
        Action::RemoveObject(_) => return Some("kube.delete"),
        _ => return None,
    };
    let merge: Value = serde_json::from_str(&patch.merge).ok()?;
    let meta = &merge["metadata"];
    let is = |value: &Value, text: &str| value.as_str() == Some(text);
    let says_which = is(&merge["apiVersion"], &patch.object.api)
        && is(&merge["kind"], &patch.object.kind)
        && is(&meta["name"], &patch.object.name)
        && meta["namespace"].as_str() == patch.object.namespace.as_deref();
    if patch.create && says_which {
        *params = json!({ "manifest": merge });
        return Some("kube.apply");
    }
    params["merge"] = merge;
    Some("kube.patch")
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

/// Takes values out that are not there.
fn strip(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            entries.retain(|_, value| !value.is_null());
            entries.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// A text in which the host's own name is the next host's, if it stands there as a whole.
fn named(text: &str, host: &HostName) -> Option<String> {
    let part = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let mut out = String::new();
    let mut rest = text;
    let mut before = None;
    while let Some(at) = rest.find(host.as_str()) {
        let end = at + host.as_str().len();
        let left = rest[..at].chars().next_back().or(before);
        let whole = !left.is_some_and(part) && !rest[end..].chars().next().is_some_and(part);
        out.push_str(&rest[..at]);
        out.push_str(if whole { "{{ host }}" } else { host.as_str() });
        before = host.as_str().chars().next_back();
        rest = &rest[end..];
    }
    out.push_str(rest);
    (out != text).then_some(out)
}

/// The action or gate with the modifiers behind it, and the steps that the whole names.
fn body(plan: &Plan, step: &Step, (kind, value): (&'static str, Value)) -> (Vec<(&'static str, Value)>, Vec<Label>) {
    let mut body = vec![(kind, value)];
    if let Work::Gate { timeout, .. } = &step.work {
        body.extend(timeout.map(|timeout| ("timeout", json!(timeout))));
    }
    if let Some(when) = &step.when {
        let side = |side: &str| {
            if side.is_empty() || (!side.starts_with("{{") && side.contains([' ', '=', '!'])) {
                format!("'{side}'")
            } else {
                side.to_owned()
            }
        };
        let sign = if when.equal { "==" } else { "!=" };
        body.push(("when", json!(format!("{} {sign} {}", side(&when.left), side(&when.right)))));
    }
    if let Some(capture) = &step.capture {
        body.push(("capture", json!(capture)));
    }
    let labels = |paths: &[palinode_core::id::StepPath]| {
        let mut labels: Vec<&Label> = Vec::new();
        for step in paths.iter().filter_map(|path| plan.steps.iter().find(|step| step.path == *path)) {
            if !labels.contains(&&step.label) {
                labels.push(&step.label);
            }
        }
        labels.into_iter().map(|label| json!(label)).collect::<Vec<_>>()
    };
    for (name, paths) in [("undo_after", &step.undo_after), ("touches", &step.touches)] {
        let labels = labels(paths);
        if !labels.is_empty() {
            body.push((name, Value::Array(labels)));
        }
    }
    let mut needs = Vec::new();
    if let Work::Act(action) = &step.work {
        if step.recovery != action.recovery() {
            body.push(("recovery", json!(step.recovery)));
        }
        match &step.undo_reason {
            Some(reason) => body.push(("undo", json!({ "no-undo": reason }))),
            // Plans of older releases had no other class for what is not known: said anew it would need a reason.
            None if step.class == UndoClass::NoUndo && effect::effect_unknown(step, None) => {}
            None if step.class != action.class() => body.push(("undo", json!(step.class))),
            None => {}
        }
        match action {
            Action::Restore(restore) => needs.push(restore.step.clone()),
            Action::InventoryEdit(edit) => needs.extend(edit.home_of.clone()),
            _ => {}
        }
    }
    (body, needs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hosts_name_is_the_next_hosts_where_it_stands_alone() {
        let host = HostName::new("node1.demo").expect("a host name");
        for (text, found) in [
            ("node1.demo", Some("{{ host }}")),
            ("/backup/node1.demo/etc", Some("/backup/{{ host }}/etc")),
            ("node1.demo,node1.demo", Some("{{ host }},{{ host }}")),
            ("node1.demo2 xnode1.demo node1.demo.org", None),
            ("node1.demonode1.demo", None),
            ("node2.demo", None),
            ("", None),
        ] {
            assert_eq!(named(text, &host).as_deref(), found, "{text}");
        }
    }
}
