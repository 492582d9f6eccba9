//! From YAML values to a runbook: keys, steps, modifiers. Nothing is filled in yet.

use super::finding::Finding;
use super::keys;
use super::node::{At, Key, Node, Value};
use crate::action;
use crate::gate;
use crate::id::Label;
use crate::shown::Shown as _;
use crate::suggest::nearest;
use std::collections::{BTreeMap, BTreeSet};

/// A runbook as written.
#[derive(Debug, Clone)]
pub struct Runbook {
    /// Its name.
    pub name: String,
    /// What it is for, in one line.
    pub about: String,
    /// Its parameters.
    pub parameters: BTreeMap<Label, Param>,
    /// Which hosts, and how many at a time.
    pub hosts: Hosts,
    /// Checked before anything is touched.
    pub preflight: Vec<StepSpec>,
    /// Done once, before the hosts.
    pub before: Vec<StepSpec>,
    /// Done on each host.
    pub each_host: Vec<StepSpec>,
    /// Done once, after the hosts.
    pub after: Vec<StepSpec>,
    /// What could not be read, so that nothing is said of what hangs on it.
    pub(super) lost: Lost,
}

/// Names of what stands in a runbook and could not be read.
#[derive(Debug, Clone, Default)]
pub(super) struct Lost {
    /// Whether the hosts are not known.
    pub(super) hosts: bool,
    pub(super) parameters: BTreeSet<Label>,
    pub(super) steps: BTreeSet<Label>,
    pub(super) captures: BTreeSet<Label>,
}

/// A value that is given when the plan is made, as the runbook declares it.
#[derive(Debug, Clone)]
pub struct Param {
    /// Its default; without one it must be given.
    pub default: Option<Node>,
    /// What it is for.
    pub about: Option<String>,
}

/// The hosts of a runbook.
#[derive(Debug, Clone)]
pub struct Hosts {
    /// The inventory group, perhaps a template.
    pub group: Node,
    /// How many side by side: a number or a percentage.
    pub serial: Node,
    /// How many may fail before no further host begins.
    pub max_fail: u32,
}

/// What a step is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An action, by name.
    Action(String),
    /// A gate, by name.
    Gate(String),
}

/// A step as written.
#[derive(Debug, Clone)]
pub struct StepSpec {
    /// Its name.
    pub name: Label,
    /// Where it stands.
    pub at: At,
    /// What it is.
    pub kind: Kind,
    /// The values of the action or gate.
    pub params: Node,
    /// Its modifiers, by key.
    pub modifiers: BTreeMap<String, Node>,
}

impl StepSpec {
    /// A modifier's value.
    pub(crate) fn modifier(&self, key: &str) -> Option<&Node> {
        self.modifiers.get(key)
    }
}

fn unknown(key: &Key, known: &[keys::Key]) -> Finding {
    let names = keys::names(known);
    let near = nearest(&key.text, names.iter().copied());
    let what = format!("unknown key `{}`, known are {}", key.text.shown(), names.join(", "));
    Finding::unknown(key.at, what, near, "correct or remove the key")
}

fn label(at: At, text: &str, what: &str) -> Result<Label, Finding> {
    Label::new(text).map_err(|bad| {
        Finding::new(at, format!("cannot use `{}` as the name of a {what}: {bad}", text.shown()), "choose another name")
    })
}

/// What is found while a runbook is read.
#[derive(Default)]
struct Notes {
    findings: Vec<Finding>,
    lost: Lost,
}

impl Notes {
    fn add(&mut self, at: At, what: impl Into<String>, next: impl Into<String>) {
        self.findings.push(Finding::new(at, what, next));
    }

    /// Notes what is wrong; the value, if nothing is.
    fn note<T>(&mut self, result: Result<T, Finding>) -> Option<T> {
        result.map_err(|finding| self.findings.push(finding)).ok()
    }

    /// Whether a key stands there that was probably meant to be this one.
    fn misspelt(&self, name: &str) -> bool {
        self.findings.iter().any(|finding| finding.is_misspelt(name))
    }

    /// The entries of a map, with keys that do not belong there noted.
    fn entries<'n>(&mut self, node: &'n Node, what: &str, known: &[keys::Key]) -> &'n [(Key, Node)] {
        let entries = node.map(what);
        let entries = self.note(entries).unwrap_or_default();
        let strange = entries.iter().filter(|(key, _)| !keys::has(known, &key.text));
        self.findings.extend(strange.map(|(key, _)| unknown(key, known)));
        entries
    }
}

fn get<'n>(entries: &'n [(Key, Node)], name: &str) -> Option<&'n Node> {
    entries.iter().find(|(key, _)| key.text == name).map(|(_, value)| value)
}

impl Runbook {
    /// Reads a runbook; every finding at once.
    pub fn parse(text: &str) -> Result<Self, Vec<Finding>> {
        match Self::read(text) {
            (Some(runbook), findings) if findings.is_empty() => Ok(runbook),
            (_, findings) => Err(findings),
        }
    }

    /// Reads as much of a runbook as can be read, with every finding. None if it is no runbook at all.
    pub(super) fn read(text: &str) -> (Option<Self>, Vec<Finding>) {
        let (root, findings) = Node::parse_all(text);
        let Some(root) = root else { return (None, findings) };
        let mut notes = Notes { findings, lost: Lost::default() };
        if let Err(finding) = root.map("a runbook: a map with the keys runbook, hosts, each_host") {
            return (None, vec![finding]);
        }
        let entries = notes.entries(&root, "a map", keys::TOP);
        let mut text_of = |name: &str| get(entries, name).and_then(|node| notes.note(node.text("text")));
        let (name, about) = (text_of("runbook"), text_of("about"));
        match get(entries, "runbook") {
            Some(node) => {
                let name = name.as_deref().map(|name| label(node.at, name, "runbook"));
                name.map(|name| notes.note(name));
            }
            None if notes.misspelt("runbook") => {}
            None => notes.add(root.at, "the runbook has no name", "begin it with `runbook: NAME`"),
        }
        let parameters = get(entries, "parameters").map(|node| parameters(node, &mut notes)).unwrap_or_default();
        let hosts = match get(entries, "hosts") {
            Some(node) => hosts(node, &mut notes),
            None => {
                if !notes.misspelt("hosts") {
                    notes.add(root.at, "the runbook does not say on which hosts", "add `hosts: { group: NAME }`");
                }
                notes.lost.hosts = true;
                None
            }
        };
        let mut section = |name: &str| get(entries, name).map(|node| steps(node, &mut notes)).unwrap_or_default();
        let (preflight, before) = (section("preflight"), section("before"));
        let (each_host, after) = (section("each_host"), section("after"));
        let none = [&preflight, &before, &each_host, &after].iter().all(|steps| steps.is_empty());
        if none && notes.findings.is_empty() {
            notes.add(root.at, "the runbook has no steps", "add steps under `each_host:`");
        }
        let empty = Node { at: root.at, value: Value::Null };
        let serial = Node { at: root.at, value: Value::Int(1) };
        let hosts = hosts.unwrap_or(Hosts { group: empty, serial, max_fail: 0 });
        let name = name.unwrap_or_default();
        let about = about.unwrap_or_default();
        let lost = notes.lost;
        let read = Self { name, about, parameters, hosts, preflight, before, each_host, after, lost };
        (Some(read), notes.findings)
    }

    /// Its sections by their names, in their order.
    pub(super) fn sections(&self) -> [(&'static str, &[StepSpec]); 4] {
        [
            ("preflight", &self.preflight),
            ("before", &self.before),
            ("each_host", &self.each_host),
            ("after", &self.after),
        ]
    }
}

fn parameters(node: &Node, notes: &mut Notes) -> BTreeMap<Label, Param> {
    let mut all = BTreeMap::new();
    let entries = notes.note(node.map("a map from parameter names to { default, about }")).unwrap_or_default();
    for (key, value) in entries {
        let Some(name) = notes.note(label(key.at, &key.text, "parameter")) else { continue };
        if ["host", "item", "inventory"].contains(&name.as_str()) {
            notes.add(key.at, format!("`{name}` is a name that Palinode sets itself"), "choose another name");
            continue;
        }
        let mut param = Param { default: None, about: None };
        if value.value != Value::Null {
            let before = notes.findings.len();
            let entries = notes.entries(value, "{ default: VALUE, about: TEXT }", keys::PARAMETER);
            param.default = get(entries, "default").cloned();
            param.about = get(entries, "about").and_then(|node| notes.note(node.text("text")));
            if notes.findings.len() > before && param.default.is_none() {
                notes.lost.parameters.insert(name.clone());
            }
        }
        if all.insert(name, param).is_some() {
            notes.add(key.at, format!("the parameter `{}` stands twice", key.text), "remove one of them");
        }
    }
    all
}

fn hosts(node: &Node, notes: &mut Notes) -> Option<Hosts> {
    let entries = notes.entries(node, "{ group: NAME, serial: 1 }", keys::HOSTS);
    let group = get(entries, "group");
    notes.lost.hosts = group.is_none();
    if group.is_none() && matches!(node.value, Value::Map(_)) && !notes.misspelt("group") {
        notes.add(node.at, "`hosts` does not name a group", "add `group: NAME`");
    }
    if let Some(value) = get(entries, "on_failure") {
        let word = notes.note(value.text("text"));
        if word.is_some_and(|word| word != "pause") {
            notes.add(
                value.at,
                "`on_failure` knows `pause` only",
                "write `on_failure: pause`, and roll back with `palinode rollback` when you decide to",
            );
        }
    }
    let number = |name: &str| Node { at: node.at, value: Value::Int(keys::number(keys::HOSTS, name)) };
    let serial = get(entries, "serial").cloned().unwrap_or_else(|| number("serial"));
    let max_fail = get(entries, "max_fail").cloned().unwrap_or_else(|| number("max_fail"));
    let max_fail = notes.note(max_fail.read()).unwrap_or(0);
    let group = group.cloned().unwrap_or(Node { at: node.at, value: Value::Null });
    Some(Hosts { group, serial, max_fail })
}

fn steps(node: &Node, notes: &mut Notes) -> Vec<StepSpec> {
    let mut steps: Vec<StepSpec> = Vec::new();
    let list = node.list("a list of steps").map_err(|finding| Finding {
        next: "write a list, in which each step begins with `- NAME:`".to_owned(),
        ..finding
    });
    for item in notes.note(list).unwrap_or_default() {
        let Some(step) = step(item, notes) else { continue };
        if steps.iter().any(|other| other.name == step.name) {
            notes.add(step.at, format!("the step `{}` stands twice", step.name), "give one of them another name");
        }
        // Its values are looked at too: everything that is wrong is told at once.
        steps.push(step);
    }
    steps
}

fn step(item: &Node, notes: &mut Notes) -> Option<StepSpec> {
    const FORM: &str = "a step: `- NAME: { ACTION: { ... } }`";
    let entries = notes.note(item.map(FORM))?;
    let [(key, body)] = entries else {
        let next = "write `- NAME: { ACTION: { ... } }`, with deeper lines indented";
        notes.add(item.at, "a step has one name", next);
        notes.lost.steps.extend(entries.iter().filter_map(|(key, _)| Label::new(&key.text).ok()));
        return None;
    };
    let name = notes.note(label(key.at, &key.text, "step"))?;
    let before = notes.findings.len();
    let step = body_of(name.clone(), key, body, notes);
    if step.is_none() || notes.findings.len() > before {
        notes.lost.steps.insert(name);
        let capture = body.map("a step").ok().and_then(|entries| get(entries, "capture"));
        notes.lost.captures.extend(capture.and_then(|node| node.read().ok()));
    }
    step
}

/// What stands behind the name of a step.
fn body_of(name: Label, key: &Key, body: &Node, notes: &mut Notes) -> Option<StepSpec> {
    let mut kind = None;
    let mut modifiers = BTreeMap::new();
    let mut acts = false;
    let entries = notes.note(body.map("{ ACTION: { ... } }"))?;
    for (key, value) in entries {
        let word = key.text.as_str();
        let found = if word == "gate" {
            gate_of(value, notes)
        } else if keys::has(keys::STEP, word) {
            modifiers.insert(word.to_owned(), value.clone());
            continue;
        } else {
            let found = known(word).map(|kind| (kind, value.clone()));
            if found.is_none() {
                notes.findings.push(no_action(key));
            }
            found
        };
        if acts && found.is_some() {
            notes.add(key.at, "a step has one action", "make it two steps");
            continue;
        }
        acts = true;
        kind = found;
    }
    if !acts {
        notes.add(key.at, format!("the step `{name}` has no action"), "add one, such as `kube.cordon: {}`");
    }
    let (kind, mut params) = kind?;
    if params.value == Value::Null {
        params.value = Value::Map(Vec::new());
    }
    Some(StepSpec { name, at: key.at, kind, params, modifiers })
}

/// The action or gate of a name.
fn known(word: &str) -> Option<Kind> {
    if action::runbook_names().any(|name| name == word) {
        return Some(Kind::Action(word.to_owned()));
    }
    gate::GATES.contains(&word).then(|| Kind::Gate(word.to_owned()))
}

fn gate_of(value: &Node, notes: &mut Notes) -> Option<(Kind, Node)> {
    const FORM: &str = "write `gate: { gluster.healed: {} }`";
    let entries = value.map("{ GATE: { ... } }").map_err(|finding| Finding { next: FORM.to_owned(), ..finding });
    let [(key, value)] = notes.note(entries)? else {
        notes.add(value.at, "a gate has one condition", FORM);
        return None;
    };
    if !gate::GATES.contains(&key.text.as_str()) {
        let what = format!("unknown gate `{}`, known are {}", key.text.shown(), gate::GATES.join(", "));
        let near = nearest(&key.text, gate::GATES.iter().copied());
        notes.findings.push(Finding::unknown(key.at, what, near, "correct the name"));
        return None;
    }
    Some((Kind::Gate(key.text.clone()), value.clone()))
}

/// A key of a step that is no action, no gate and no other key.
fn no_action(key: &Key) -> Finding {
    let keys = keys::names(keys::STEP);
    let all = action::runbook_names().chain(gate::GATES.iter().copied());
    if let Some(near) = nearest(&key.text, all.chain(keys.iter().copied())) {
        let noun = if keys.contains(&near) { "key" } else { "action" };
        return Finding::unknown(key.at, format!("unknown {noun} `{}`", key.text.shown()), Some(near), "");
    }
    Finding::new(
        key.at,
        format!(
            "unknown action `{}`; actions are {}; gates are {}; other keys of a step are {}",
            key.text.shown(),
            action::runbook_names().collect::<Vec<_>>().join(", "),
            gate::GATES.join(", "),
            keys.join(", ")
        ),
        "correct the name",
    )
}
