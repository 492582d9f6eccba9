//! From a runbook to a plan: parameters, hosts and `each` are filled in, every action becomes typed.

use super::finding::Finding;
use super::node::{At, Node, Value};
use super::parse::Runbook;
use super::step::Maker;
use super::template::{Known, fill, names};
use super::values::Values;
use crate::id::{HostName, Label};
use crate::inventory::model::Reading;
use crate::run::plan::{LaneKind, Plan};
use crate::run::rules::version::RULES;
use crate::shown::Shown as _;
use crate::suggest::{correct, nearest};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a runbook is expanded with.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Parameters as given on the command line.
    pub parameters: BTreeMap<String, String>,
    /// The path of the inventory, and what it says.
    pub inventory: Option<(String, Arc<Reading>)>,
    /// Only these hosts of the group; empty means all.
    pub only: Vec<String>,
}

/// What a check of a runbook found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Everything that is wrong, sorted by its place.
    pub findings: Vec<Finding>,
    /// The name of the runbook, as far as it can be read.
    pub name: String,
    /// How many steps are written in it.
    pub steps: usize,
    /// The hosts that it was expanded for; none without an inventory.
    pub hosts: Option<usize>,
    /// The parameters whose values are not known.
    pub unknown: Vec<String>,
}

/// Whether everything must be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// For a plan.
    Plan,
    /// For a check: without an inventory and without values for parameters.
    Check,
}

impl Runbook {
    /// Makes the plan; every finding at once.
    pub fn expand(&self, given: &Given) -> Result<Plan, Vec<Finding>> {
        let (plan, findings, _) = self.expand_as(given, Aim::Plan);
        match plan {
            Some(plan) if findings.is_empty() => Ok(plan),
            _ => Err(sorted(findings)),
        }
    }

    /// Reads a runbook and makes the plan; every finding of both at once.
    pub fn plan(text: &str, given: &Given) -> Result<Plan, Vec<Finding>> {
        let (runbook, mut findings) = Self::read(text);
        let Some(runbook) = runbook else { return Err(sorted(findings)) };
        let (plan, more, _) = runbook.expand_as(given, Aim::Plan);
        findings.extend(more);
        match plan {
            Some(plan) if findings.is_empty() => Ok(plan),
            _ => Err(sorted(findings)),
        }
    }

    /// Looks for everything that is wrong in a runbook. Without an inventory it is read as for some host, and without a value
    /// a parameter fits wherever it stands.
    pub fn check(text: &str, given: &Given) -> Checked {
        let (runbook, mut findings) = Self::read(text);
        let Some(runbook) = runbook else { return Checked { findings: sorted(findings), ..Checked::default() } };
        let (plan, more, values) = runbook.expand_as(given, Aim::Check);
        findings.extend(more);
        let hosts = |plan: Plan| plan.lanes.iter().filter(|lane| matches!(lane.kind, LaneKind::Host(_))).count();
        Checked {
            findings: sorted(findings),
            steps: runbook.sections().iter().map(|(_, steps)| steps.len()).sum(),
            hosts: given.inventory.as_ref().and(plan).map(hosts),
            unknown: values.unknown.into_iter().collect(),
            name: runbook.name,
        }
    }

    fn expand_as(&self, given: &Given, aim: Aim) -> (Option<Plan>, Vec<Finding>, Values) {
        let (values, mut findings) = self.fill_parameters(given, aim);
        let hosts = if self.lost.hosts { Ok(None) } else { self.find_hosts(given, &values) };
        let hosts = hosts.unwrap_or_else(|more| {
            findings.extend(more);
            None
        });
        if hosts.is_none() && aim == Aim::Plan && !self.lost.hosts && given.inventory.is_none() {
            let what = "there is no inventory to find the hosts in";
            findings.push(Finding::new(self.hosts.group.at, what, "give one with -i FILE"));
        }
        let count = hosts.as_ref().map_or(1, Vec::len);
        let serial = self.find_serial(&values, count).unwrap_or_else(|more| {
            findings.extend(more);
            1
        });
        // What is wrong in a step is wrong for any host.
        let hosts = hosts.unwrap_or_else(|| HostName::new("host.example").into_iter().collect());
        let path = given.inventory.as_ref().map_or("inventory", |(path, _)| path);
        let named = given.inventory.as_ref().map(|(_, reading)| Arc::clone(reading));
        let mut maker = Maker::new(&values, Value::Text(path.to_owned()), named, &self.lost);
        maker.all(self, &hosts);
        let Maker { steps, lanes, findings: more, .. } = maker;
        findings.extend(more);
        let mut paths = BTreeSet::new();
        if let Some(step) = steps.iter().find(|step| !paths.insert(&step.path)) {
            let what = format!("two steps would have the path {}", step.path);
            findings.push(Finding::new(
                At::default(),
                what,
                "rename a step, or the host that is called like a section",
            ));
        }
        let parameters = values.known.iter().map(|(name, node)| (name.clone(), show(&node.value))).collect();
        let plan = findings.is_empty().then(|| Plan {
            runbook: self.name.clone(),
            about: self.about.clone(),
            rules: RULES,
            parameters,
            inventory: given.inventory.as_ref().map(|(path, _)| path.clone()),
            serial,
            max_fail: self.hosts.max_fail,
            lanes,
            steps,
            compensates: None,
        });
        (plan, findings, values)
    }

    fn fill_parameters(&self, given: &Given, aim: Aim) -> (Values, Vec<Finding>) {
        let mut findings = Vec::new();
        for name in given.parameters.keys() {
            if !self.parameters.keys().any(|known| known.as_str() == name) {
                let known = self.parameters.keys().map(Label::as_str);
                let all: Vec<&str> = known.clone().collect();
                let all = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
                let what = format!("the runbook {} has no parameter `{}`, known are {all}", self.name, name.shown());
                let next = correct("the name after --set", name, known);
                findings.push(Finding::new(At::default(), what, next));
            }
        }
        let mut values = Values::default();
        for (name, param) in &self.parameters {
            let value = match (given.parameters.get(name.as_str()), &param.default) {
                (Some(text), default) => typed(name, text, default.as_ref()),
                (None, Some(default)) => Ok(default.clone()),
                (None, None) => {
                    values.unknown.insert(name.to_string());
                    if aim == Aim::Plan && !self.lost.parameters.contains(name) {
                        let what = format!("the parameter `{name}` has no default and was not given");
                        findings.push(Finding::new(At::default(), what, format!("add --set {name}=VALUE")));
                    }
                    continue;
                }
            };
            match value {
                Ok(node) => {
                    values.known.insert(name.clone(), node);
                }
                Err(finding) => {
                    values.unknown.insert(name.to_string());
                    findings.push(finding);
                }
            }
        }
        self.fill_defaults(&mut values, &mut findings);
        (values, findings)
    }

    /// Defaults may use other parameters; each round fills in those that are final by now.
    fn fill_defaults(&self, values: &mut Values, findings: &mut Vec<Finding>) {
        let unfit: BTreeSet<String> = self.parameters.keys().map(ToString::to_string).collect();
        let unknown = values.unknown.clone();
        let mut bad = BTreeSet::new();
        for _ in 0..=values.known.len() {
            let done: BTreeMap<Label, Node> = values
                .known
                .iter()
                .filter(|(_, node)| !open(node))
                .map(|(name, node)| (name.clone(), node.clone()))
                .collect();
            for (name, node) in values.known.iter_mut().filter(|(_, node)| open(node)) {
                let more = fill(node, &|name| match done.iter().find(|(known, _)| known.as_str() == name) {
                    Some((_, node)) => Known::Value(&node.value),
                    None if unfit.contains(name) => Known::Later,
                    None => Known::No(Known::meant(nearest(name, unfit.iter().map(String::as_str)))),
                });
                if !more.is_empty() {
                    bad.insert(name.to_string());
                }
                findings.extend(more.into_iter().filter(|finding| !findings.contains(finding)).collect::<Vec<_>>());
            }
        }
        // What hangs on something unknown is not known either; what is left hangs on itself.
        let mut waiting: BTreeSet<String> = unknown.union(&bad).cloned().collect();
        let stuck: Vec<(Label, Node)> = values
            .known
            .iter()
            .filter(|(_, node)| open(node))
            .map(|(name, node)| (name.clone(), node.clone()))
            .collect();
        for _ in 0..=stuck.len() {
            let more: Vec<String> = stuck
                .iter()
                .filter(|(_, node)| all_names(node).iter().any(|name| waiting.contains(name)))
                .map(|(name, _)| name.to_string())
                .collect();
            waiting.extend(more);
        }
        for (name, node) in stuck {
            if !waiting.contains(name.as_str()) {
                let what = format!("the parameter `{name}` is defined by itself");
                findings.push(Finding::new(node.at, what, "break the circle"));
            }
            values.known.remove(&name);
            values.unknown.insert(name.to_string());
        }
    }
}

/// Findings by their place, each once: every host repeats the same ones about the same line.
fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    // A value that was refused as it stands is not of another type besides.
    let refused: BTreeSet<At> =
        findings.iter().filter(|finding| finding.is_unreadable()).map(|finding| finding.at).collect();
    findings.retain(|finding| finding.is_unreadable() || !refused.contains(&finding.at));
    let mut seen = BTreeSet::new();
    findings.retain(|finding| seen.insert((finding.at, finding.what.clone())));
    findings.sort_by_key(|finding| finding.at);
    findings
}

/// Whether templates are left in a value.
fn open(node: &Node) -> bool {
    match &node.value {
        Value::Text(text) => text.contains("{{"),
        Value::List(items) => items.iter().any(open),
        Value::Map(entries) => entries.iter().any(|(_, value)| open(value)),
        _ => false,
    }
}

/// The names that the texts of a value use.
fn all_names(node: &Node) -> Vec<String> {
    match &node.value {
        Value::Text(text) => names(text),
        Value::List(items) => items.iter().flat_map(all_names).collect(),
        Value::Map(entries) => entries.iter().flat_map(|(_, value)| all_names(value)).collect(),
        _ => Vec::new(),
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::List(items) => items.iter().map(|item| show(&item.value)).collect::<Vec<_>>().join(","),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| format!("{}={}", key.text, show(&value.value)))
            .collect::<Vec<_>>()
            .join(","),
    }
}

/// A parameter given as text, of the type of its default.
fn typed(name: &Label, text: &str, default: Option<&Node>) -> Result<Node, Finding> {
    let at = At::default();
    let value = match default.map(|node| &node.value) {
        Some(Value::Int(_)) => text.parse().map(Value::Int).map_err(|_| {
            Finding::new(at, format!("the parameter `{name}` takes a number, not `{}`", text.shown()), "give a number")
        })?,
        Some(Value::Bool(_)) => text.parse().map(Value::Bool).map_err(|_| {
            Finding::new(
                at,
                format!("the parameter `{name}` takes true or false, not `{}`", text.shown()),
                "give true or false",
            )
        })?,
        Some(Value::List(_)) => Value::List(
            text.split(',')
                .filter(|item| !item.is_empty())
                .map(|item| Node { at, value: Value::Text(item.trim().to_owned()) })
                .collect(),
        ),
        _ => Value::Text(text.to_owned()),
    };
    if text.chars().any(char::is_control) || text.contains("{{") {
        let what = format!("the parameter `{name}` contains control characters or {{{{");
        return Err(Finding::new(at, what, "give a plain value"));
    }
    Ok(Node { at, value })
}
