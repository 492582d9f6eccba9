//! From YAML values to a runbook: keys, steps, modifiers. Nothing is filled in yet.

use super::Finding;
use super::node::{At, Key, Node, Value};
use crate::action;
use crate::gate;
use crate::id::Label;
use crate::shown::Shown as _;
use std::collections::BTreeMap;

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
}

/// A parameter.
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
    pub fn modifier(&self, key: &str) -> Option<&Node> {
        self.modifiers.get(key)
    }
}

const TOP: &[&str] = &["runbook", "about", "parameters", "hosts", "preflight", "before", "each_host", "after"];
const MODIFIERS: &[&str] = &["when", "capture", "undo_after", "touches", "recovery", "undo", "timeout", "each"];
const HOSTS: &[&str] = &["group", "serial", "max_fail", "on_failure"];

fn unknown(key: &Key, known: &[&str]) -> Finding {
    Finding::new(
        key.at,
        format!("unknown key `{}`, known are {}", key.text.shown(), known.join(", ")),
        "correct or remove the key",
    )
}

fn label(at: At, text: &str, what: &str) -> Result<Label, Finding> {
    Label::new(text).map_err(|bad| {
        Finding::new(at, format!("cannot use `{}` as the name of a {what}: {bad}", text.shown()), "choose another name")
    })
}

impl Runbook {
    /// Reads a runbook; every complaint at once.
    pub fn parse(text: &str) -> Result<Self, Vec<Finding>> {
        let root = Node::parse(text).map_err(|finding| vec![finding])?;
        let mut findings = Vec::new();
        let entries = root.map("a runbook: a map with the keys runbook, hosts, each_host").map_err(|f| vec![f])?;
        let mut note = |finding: Finding| findings.push(finding);
        for (key, _) in entries {
            if !TOP.contains(&key.text.as_str()) {
                note(unknown(key, TOP));
            }
        }
        let get = |name: &str| entries.iter().find(|(key, _)| key.text == name).map(|(_, value)| value);
        let text_of = |name: &str| get(name).map(|node| node.text("text")).transpose();
        let name = match text_of("runbook") {
            Ok(Some(name)) => name,
            Ok(None) => {
                note(Finding::new(root.at, "the runbook has no name", "begin it with `runbook: NAME`"));
                String::new()
            }
            Err(finding) => {
                note(finding);
                String::new()
            }
        };
        if !name.is_empty()
            && let Err(finding) = label(get("runbook").map_or(root.at, |node| node.at), &name, "runbook")
        {
            note(finding);
        }
        let about = text_of("about").unwrap_or_else(|finding| {
            note(finding);
            None
        });
        let parameters = get("parameters").map_or_else(|| Ok(BTreeMap::new()), parameters).unwrap_or_else(|finding| {
            note(finding);
            BTreeMap::new()
        });
        let hosts = match get("hosts").map(hosts) {
            Some(Ok(hosts)) => Some(hosts),
            Some(Err(finding)) => {
                note(finding);
                None
            }
            None => {
                note(Finding::new(root.at, "the runbook does not say on which hosts", "add `hosts: { group: NAME }`"));
                None
            }
        };
        let mut section = |name: &str| match get(name) {
            Some(node) => steps(node, &mut note),
            None => Vec::new(),
        };
        let (preflight, before) = (section("preflight"), section("before"));
        let (each_host, after) = (section("each_host"), section("after"));
        if preflight.is_empty() && before.is_empty() && each_host.is_empty() && after.is_empty() && findings.is_empty()
        {
            findings.push(Finding::new(root.at, "the runbook has no steps", "add steps under `each_host:`"));
        }
        match (hosts, findings.is_empty()) {
            (Some(hosts), true) => Ok(Self {
                name,
                about: about.unwrap_or_default(),
                parameters,
                hosts,
                preflight,
                before,
                each_host,
                after,
            }),
            _ => Err(findings),
        }
    }
}

fn parameters(node: &Node) -> Result<BTreeMap<Label, Param>, Finding> {
    let mut all = BTreeMap::new();
    for (key, value) in node.map("a map from parameter names to { default, about }")? {
        let name = label(key.at, &key.text, "parameter")?;
        if ["host", "item", "inventory"].contains(&name.as_str()) {
            return Err(Finding::new(
                key.at,
                format!("`{name}` is a name that Palinode sets itself"),
                "choose another name",
            ));
        }
        let mut param = Param { default: None, about: None };
        if value.value != Value::Null {
            for (key, value) in value.map("{ default: VALUE, about: TEXT }")? {
                match key.text.as_str() {
                    "default" => param.default = Some(value.clone()),
                    "about" => param.about = Some(value.text("text")?),
                    _ => return Err(unknown(key, &["default", "about"])),
                }
            }
        }
        if all.insert(name, param).is_some() {
            return Err(Finding::new(
                key.at,
                format!("the parameter `{}` stands twice", key.text),
                "remove one of them",
            ));
        }
    }
    Ok(all)
}

fn hosts(node: &Node) -> Result<Hosts, Finding> {
    let entries = node.map("{ group: NAME, serial: 1 }")?;
    for (key, _) in entries {
        if !HOSTS.contains(&key.text.as_str()) {
            return Err(unknown(key, HOSTS));
        }
    }
    let get = |name: &str| entries.iter().find(|(key, _)| key.text == name).map(|(_, value)| value);
    let group = get("group")
        .ok_or_else(|| Finding::new(node.at, "`hosts` does not name a group", "add `group: NAME`"))?
        .clone();
    if let Some(value) = get("on_failure")
        && value.text("text")? != "pause"
    {
        return Err(Finding::new(
            value.at,
            "`on_failure` knows `pause` only",
            "write `on_failure: pause`, and roll back with `palinode rollback` when you decide to",
        ));
    }
    let serial = get("serial").cloned().unwrap_or(Node { at: node.at, value: Value::Int(1) });
    let max_fail = get("max_fail").map(Node::read).transpose()?.unwrap_or(0);
    Ok(Hosts { group, serial, max_fail })
}

fn steps(node: &Node, note: &mut impl FnMut(Finding)) -> Vec<StepSpec> {
    let items = match node.list("a list of steps") {
        Ok(items) => items,
        Err(finding) => {
            note(finding);
            return Vec::new();
        }
    };
    let mut steps: Vec<StepSpec> = Vec::new();
    for item in items {
        match step(item) {
            Ok(step) if steps.iter().any(|other| other.name == step.name) => {
                note(Finding::new(
                    step.at,
                    format!("the step `{}` stands twice", step.name),
                    "give one of them another name",
                ));
            }
            Ok(step) => steps.push(step),
            Err(finding) => note(finding),
        }
    }
    steps
}

fn step(item: &Node) -> Result<StepSpec, Finding> {
    const FORM: &str = "a step: `- NAME: { ACTION: { ... } }`";
    let [(key, body)] = item.map(FORM)? else {
        return Err(Finding::new(
            item.at,
            "a step has one name",
            "write `- NAME: { ACTION: { ... } }`, with deeper lines indented",
        ));
    };
    let name = label(key.at, &key.text, "step")?;
    let mut kind = None;
    let mut modifiers = BTreeMap::new();
    for (key, value) in body.map("{ ACTION: { ... } }")? {
        let word = key.text.as_str();
        let found = if action::runbook_names().any(|name| name == word) {
            Some((Kind::Action(word.to_owned()), value.clone()))
        } else if gate::GATES.contains(&word) {
            Some((Kind::Gate(word.to_owned()), value.clone()))
        } else if word == "gate" {
            let [(key, value)] = value.map("{ GATE: { ... } }")? else {
                return Err(Finding::new(value.at, "a gate has one condition", "write `gate: { gluster.healed: {} }`"));
            };
            if !gate::GATES.contains(&key.text.as_str()) {
                return Err(Finding::new(
                    key.at,
                    format!("unknown gate `{}`, known are {}", key.text.shown(), gate::GATES.join(", ")),
                    "correct the name",
                ));
            }
            Some((Kind::Gate(key.text.clone()), value.clone()))
        } else if MODIFIERS.contains(&word) {
            modifiers.insert(word.to_owned(), value.clone());
            None
        } else {
            return Err(Finding::new(
                key.at,
                format!(
                    "unknown action `{}`; actions are {}; gates are {}; modifiers are {}",
                    word.shown(),
                    action::runbook_names().collect::<Vec<_>>().join(", "),
                    gate::GATES.join(", "),
                    MODIFIERS.join(", ")
                ),
                "correct the name",
            ));
        };
        if let Some(found) = found {
            if kind.is_some() {
                return Err(Finding::new(key.at, "a step has one action", "make it two steps"));
            }
            kind = Some(found);
        }
    }
    let (kind, mut params) = kind.ok_or_else(|| {
        Finding::new(key.at, format!("the step `{name}` has no action"), "add one, such as `kube.cordon: {}`")
    })?;
    if params.value == Value::Null {
        params.value = Value::Map(Vec::new());
    }
    Ok(StepSpec { name, at: key.at, kind, params, modifiers })
}
