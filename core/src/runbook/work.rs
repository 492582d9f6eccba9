//! What a step does: the action or gate that its values are read as, and the keys that say something of it.

use super::finding::Finding;
use super::gather::{Gathered, gather};
use super::node::{At, Key, Node, Value, Wrong};
use super::parse::StepSpec;
use super::step::Maker;
use crate::action::{Action, CheckError};
use crate::gate::Gate;
use crate::id::HostName;
use crate::run::plan::Work;
use crate::shown::Shown as _;
use crate::span::Span;
use crate::suggest::nearest;
use serde::de::DeserializeOwned;

/// Values under the name of their action or gate.
fn under<T: DeserializeOwned>(name: &str, at: At, params: &Node) -> Result<T, Wrong> {
    let key = Key { at, text: name.to_owned() };
    Node { at: params.at, value: Value::Map(vec![(key, params.clone())]) }.read_as()
}

/// Where a check failed: at the value of its field, or at all of them.
fn place_of(error: CheckError, params: &Node) -> Finding {
    let field = match (&params.value, error.field) {
        (Value::Map(entries), Some(field)) => entries.iter().find(|(key, _)| key.text == field),
        _ => None,
    };
    Finding::new(field.map_or(params.at, |(_, value)| value.at), error.reason, "correct the value")
}

fn find<'a>(params: &'a Node, name: &str) -> Option<&'a Node> {
    let Value::Map(entries) = &params.value else { return None };
    entries.iter().find(|(key, _)| key.text == name).map(|(_, value)| value)
}

/// What is read and then looked at.
trait Checks: DeserializeOwned {
    fn checked(&self) -> Result<(), CheckError>;
}

impl Checks for Action {
    fn checked(&self) -> Result<(), CheckError> {
        self.check()
    }
}

impl Checks for Gate {
    fn checked(&self) -> Result<(), CheckError> {
        self.check()
    }
}

/// What a look at values finds: a field that is wrong is noted and taken out, and the rest is looked at again. Nothing is
/// said of the fields `cut`, of which something was taken out before.
fn failures<T: Checks>(name: &str, at: At, params: &Node, cut: &[String]) -> Vec<Finding> {
    let checked = |params: &Node| under::<T>(name, at, params).map(|value| value.checked().err());
    let mut findings = Vec::new();
    let mut params = params.clone();
    let whole = cut.is_empty();
    while let Ok(Some(error)) = checked(&params) {
        let Some(field) = error.field.filter(|field| find(&params, field).is_some()) else {
            // Of several fields together nothing can be said once one is gone.
            if whole && findings.is_empty() {
                findings.push(place_of(error, &params));
            }
            break;
        };
        if !cut.iter().any(|cut| cut == field) {
            let items = one_by_one(&params, field, |one| checked(one).ok().flatten());
            // What is wrong with all of them together is not wrong with one.
            match items.iter().any(|finding| finding.what == error.reason) {
                true => findings.extend(items),
                false => findings.push(place_of(error, &params)),
            }
        }
        let Value::Map(entries) = &mut params.value else { break };
        entries.retain(|(key, _)| key.text != field);
    }
    findings
}

/// The items of a list that are wrong, each by itself and at its place.
fn one_by_one(params: &Node, field: &str, check: impl Fn(&Node) -> Option<CheckError>) -> Vec<Finding> {
    let Some(Value::List(items)) = find(params, field).map(|node| &node.value) else { return Vec::new() };
    let mut findings = Vec::new();
    // Copied without the list: a long one would be copied for each of its items.
    let Value::Map(entries) = &params.value else { return findings };
    let without: Vec<(Key, Node)> = entries.iter().filter(|(key, _)| key.text != field).cloned().collect();
    let Some((key, list)) = entries.iter().find(|(key, _)| key.text == field) else { return findings };
    for item in items {
        let mut entries = without.clone();
        entries.push((key.clone(), Node { at: list.at, value: Value::List(vec![item.clone()]) }));
        let one = Node { at: params.at, value: Value::Map(entries) };
        if let Some(error) = check(&one).filter(|error| error.field == Some(field)) {
            findings.push(Finding::new(item.at, error.reason, "correct the value"));
        }
    }
    findings
}

impl Maker<'_> {
    pub(super) fn action(
        &mut self,
        spec: &StepSpec,
        name: &str,
        params: Node,
        host: Option<&HostName>,
    ) -> Option<Action> {
        // `file` is about paths that go, or about one that is written.
        let name = if name == "file" && find(&params, "content").is_some() { "file.write" } else { name };
        let meant = super::objects::meant(name, params);
        let (meant, mut params) = self.note(meant)?;
        let mut whole = true;
        // Whatever has a mode has one of permission bits.
        let form = find(&params, "mode").and_then(|_| super::form_of(&meant));
        if form.is_some_and(|form| form.fields.iter().any(|field| field.name == "mode")) {
            let octal = octal_mode(&mut params);
            if self.note(octal).is_none() {
                whole = false;
                let Value::Map(entries) = &mut params.value else { return None };
                entries.retain(|(key, _)| key.text != "mode");
            }
        }
        let name = meant.as_str();
        // The inventory of the run is what these act on, unless they say otherwise.
        let default = match name {
            "inventory.edit" => Some("file"),
            "ansible.playbook" => Some("inventory"),
            _ => None,
        };
        if let (Some(default), None) = (default, default.and_then(|default| find(&params, default)))
            && let Value::Map(entries) = &mut params.value
        {
            let key = Key { at: spec.at, text: default.to_owned() };
            entries.push((key, Node { at: spec.at, value: self.inventory.clone() }));
        }
        let action: Action = self.gathered(name, spec.at, &params).filter(|_| whole)?;
        if action.needs_host() && host.is_none() {
            let what = format!("`{name}` needs a host, and this section has none");
            self.findings.push(Finding::new(spec.at, what, "move the step to `each_host`"));
        }
        let named = match &action {
            Action::Restore(restore) => Some(("step", &restore.step)),
            Action::InventoryEdit(edit) => edit.home_of.as_ref().map(|label| ("home_of", label)),
            _ => None,
        };
        if let Some((field, label)) = named {
            let earlier = self.steps.iter().any(|step| step.label == *label && step.target.host.as_ref() == host);
            if !earlier {
                let at = find(&params, field).map_or(params.at, |node| node.at);
                self.earlier_step(at, label.as_str(), &spec.name);
            }
        }
        Some(action)
    }

    /// Reads values as an action or a gate; notes everything that is wrong with them.
    fn gathered<T: Checks>(&mut self, name: &str, at: At, params: &Node) -> Option<T> {
        match gather(params, |node| under::<T>(name, at, node), |text| self.unfilled(text)) {
            Gathered::Good(value) => {
                if value.checked().is_err() {
                    self.findings.extend(failures::<T>(name, at, params, &[]));
                }
                Some(value)
            }
            Gathered::Bad { findings, rest } => {
                // What is read stops at the first key that is missing, and one that is misspelt is not missing.
                let form = super::form_of(name);
                let required = form.iter().flat_map(|form| &form.fields).filter(|field| field.required);
                for field in required.filter(|field| find(params, &field.name).is_none()) {
                    let known = findings.iter().any(|finding| finding.is_missing(&field.name));
                    if matches!(params.value, Value::Map(_)) && !known {
                        self.findings.push(Finding::missing(params.at, &field.name));
                    }
                }
                // What could be read is looked at too, but for fields of which something was taken out.
                let cut = |key: &Key| find(params, &key.text) != find(&rest, &key.text);
                let cut: Vec<String> = match &params.value {
                    Value::Map(entries) => {
                        entries.iter().filter(|(key, _)| cut(key)).map(|(key, _)| key.text.clone()).collect()
                    }
                    _ => Vec::new(),
                };
                self.findings.extend(failures::<T>(name, at, &rest, &cut));
                self.findings.extend(findings);
                None
            }
        }
    }

    pub(super) fn gate(&mut self, at: At, name: &str, mut params: Node, timeout: Option<&Node>) -> Option<Work> {
        let before = self.findings.len();
        let mut samples = Some(1);
        let mut every = None;
        if let Value::Map(entries) = &mut params.value {
            if let Some(position) = entries.iter().position(|(key, _)| key.text == "samples") {
                let (key, node) = entries.remove(position);
                samples = self.read(&node);
                if samples.is_some_and(|samples| !(1..=100).contains(&samples)) {
                    self.findings.push(Finding::new(key.at, "`samples` takes a number from 1 to 100", "correct it"));
                }
            }
            if let Some(position) = entries.iter().position(|(key, _)| key.text == "every") {
                let (_, node) = entries.remove(position);
                every = self.read(&node);
            }
        }
        self.documented(name, &mut params);
        let gate: Option<Gate> = self.gathered(name, at, &params);
        if let Some(gate) = &gate {
            self.known_to_inventory(at, gate, &params);
        }
        let timeout = match timeout {
            Some(node) => self.read(node),
            None => Some(Span::seconds(3600)),
        };
        let gate = gate.filter(|_| self.findings.len() == before)?;
        Some(Work::Gate { every: every.unwrap_or(gate.every()), gate, samples: samples?, timeout: Some(timeout?) })
    }

    /// Takes out keys that a runbook does not give a gate, and notes them: some keys of its are a rollback's.
    fn documented(&mut self, name: &str, params: &mut Node) {
        let Value::Map(entries) = &mut params.value else { return };
        let form = super::form_of(name);
        let known: Vec<&str> = form.iter().flat_map(|form| &form.fields).map(|field| field.name.as_str()).collect();
        entries.retain(|(key, _)| {
            let fits = known.contains(&key.text.as_str());
            if !fits {
                self.findings.push(Wrong::key(&key.text, &known).or_at(key.at).into_finding());
            }
            fits
        });
    }

    /// The hosts that a gate asks are of the inventory, which says how they are reached.
    fn known_to_inventory(&mut self, at: At, gate: &Gate, params: &Node) {
        let Some(inventory) = &self.named else { return };
        let Some(host) = gate.asks().iter().find(|host| !inventory.has_host(host.as_str())) else { return };
        let what = format!("`{}` asks {host}, which the inventory does not name", gate.name());
        let next = match nearest(host.as_str(), inventory.hosts("all")) {
            Some(near) => format!("did you mean `{}`?", near.shown()),
            None => "correct the name, or add the host to the inventory".to_owned(),
        };
        let at = find(params, "hosts").map_or(at, |node| node.at);
        self.findings.push(Finding::new(at, what, next));
    }
}

/// A mode is octal, and a number without a zero before it may be either: 420 is what 0644 becomes where a program reads
/// it as a number.
fn octal_mode(params: &mut Node) -> Result<(), Finding> {
    let Value::Map(entries) = &mut params.value else { return Ok(()) };
    let Some((_, mode)) = entries.iter_mut().find(|(key, _)| key.text == "mode") else { return Ok(()) };
    let at = mode.at;
    match &mut mode.value {
        Value::Text(text) => {
            if let Some(digits) = text.strip_prefix("0o") {
                *text = format!("{digits:0>4}");
            }
            Ok(())
        }
        Value::Int(number) => {
            let decimal = u32::try_from(*number).ok().filter(|bits| *bits <= 0o7777).map(|bits| format!("{bits:04o}"));
            let digits = number.to_string();
            let octal = digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit)) && digits.len() <= 4;
            let octal = octal.then(|| format!("{digits:0>4}"));
            let (reads, next) = match (octal, decimal) {
                (Some(octal), Some(decimal)) if octal != decimal => (
                    format!("it may mean {octal}, or be the decimal number that {decimal} is"),
                    format!("write `mode: {octal}` or `mode: {decimal}`, whichever is meant"),
                ),
                (Some(one), _) | (None, Some(one)) => {
                    (format!("modes are octal, and it is {one}"), format!("write `mode: {one}`"))
                }
                (None, None) => ("modes are octal".to_owned(), "write a mode such as `mode: 0644`".to_owned()),
            };
            Err(Finding::new(at, format!("the mode {number} is a number without a zero before it: {reads}"), next))
        }
        _ => Ok(()),
    }
}
