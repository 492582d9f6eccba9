//! Values that Ansible takes for something else than they look like (T8).
//!
//! One rule finds most of them: what is read is no text, and a template prints it otherwise than it is written.

use crate::check::finding::{At, Finding};
use crate::check::names::SMART;
use crate::edit::definitions;
use crate::ini::text::{Inventory, LineKind, Written};
use crate::literal;
use crate::literal::python::{Literal, literal};
use crate::model::value::Value;
use crate::span::Span;
use crate::yaml;
use crate::yaml::scalar::{kind_of, value_of};
use crate::yaml::tree::{Kind, Node};
use std::collections::BTreeSet;

/// Looks through the text of a file: an inventory or a file of variables. `refused` says that not all of it can be read.
pub(crate) fn findings(file: &str, text: &str, inventory: bool, refused: bool, findings: &mut Vec<Finding>) {
    let mut found = Found { file, findings };
    let root = yaml::parse(text).ok().filter(|root| root.entries().is_some());
    let is_yaml = !inventory || yaml::is_yaml(text) || [".yml", ".yaml", ".json"].iter().any(|end| file.ends_with(end));
    match root.filter(|_| is_yaml) {
        Some(root) => found.yaml(text, &root),
        None if is_yaml => {}
        None => found.ini(&Inventory::parse(text), refused),
    }
}

struct Found<'a> {
    file: &'a str,
    findings: &'a mut Vec<Finding>,
}

/// A value, and how the file writes it.
struct Spelled<'a> {
    name: &'a str,
    raw: &'a str,
    /// What stands between a name and a value there.
    is: &'static str,
    /// The value as a text, as it would have to be written.
    quoted: &'a dyn Fn(&str) -> String,
}

impl Found<'_> {
    fn add(&mut self, line: usize, kind: &'static str, what: String, next: impl Into<String>) {
        self.findings.push(Finding::new(&At::new(self.file, line), kind, what, next));
    }

    fn ini(&mut self, inventory: &Inventory, refused: bool) {
        let text = inventory.text();
        let names = names_of(inventory);
        for (index, line) in inventory.lines().iter().enumerate() {
            let number = index + 1;
            match &line.kind {
                LineKind::Host(host) => {
                    if text.get(host.span.end..).is_some_and(|rest| rest.starts_with('#')) {
                        let cut = Span::new(host.span.end, line.content.end).of(text);
                        let what = format!("the # ends the line for ansible, so {cut:?} is lost");
                        self.add(number, "cut-off", what, "put the value in quotes, or a space before a comment");
                    }
                    for var in &host.vars {
                        let quoted = |raw: &str| format!("\"'{raw}'\"");
                        let spelled = Spelled { name: &var.name, raw: var.value.raw(), is: "=", quoted: &quoted };
                        self.value(number, &spelled, &var.value.value());
                        self.glued(number, &var.name, var.span.of(text), &names);
                    }
                }
                LineKind::Var { name, value, value_span } => {
                    let raw = value_span.of(text);
                    let quoted = |raw: &str| format!("'{raw}'");
                    let value = self.group_value(number, name, raw, value);
                    let spelled = Spelled { name, raw, is: "=", quoted: &quoted };
                    self.value(number, &spelled, &value);
                    self.glued(number, name, Span::new(line.content.start, value_span.end).of(text), &names);
                }
                // The first is told of already. Ansible would stop at each.
                LineKind::Wrong(wrong) if refused => {
                    self.add(number, "not-understood", wrong.why.clone(), wrong.mend);
                }
                LineKind::Wrong(_)
                | LineKind::Blank
                | LineKind::Comment
                | LineKind::Header
                | LineKind::Child { .. } => {}
            }
        }
    }

    /// What is told of values in `[group:vars]` alone, where a whole line is one value.
    fn group_value(&mut self, number: usize, name: &str, raw: &str, value: &Written) -> Value {
        let read = value.value().into_owned();
        if !value.is_literal() && raw.contains(" #") {
            let what =
                format!("{name} is {:?}: behind a text, ansible takes the comment for a part of it", value.raw());
            self.add(number, "comment-kept", what, "put the comment on a line of its own");
        }
        read
    }

    /// One value as it is written and as it is read.
    fn value(&mut self, number: usize, spelled: &Spelled<'_>, value: &Value) {
        let Spelled { name, raw, is, quoted } = spelled;
        let printed = value.printed();
        match value {
            Value::Int(_) | Value::Float(_) if printed.as_deref() != Some(raw.trim()) => {
                let what = format!("{name}{is}{raw} is the number {}", printed.unwrap_or_default());
                self.add(number, "number", what, format!("write {name}{is}{}", quoted(raw)));
            }
            Value::Time(_) if printed.as_deref() != Some(raw.trim()) => {
                let what = format!("{name}{is}{raw} is the time {}", printed.unwrap_or_default());
                self.add(number, "number", what, format!("write {name}{is}{}", quoted(raw)));
            }
            Value::List(_) | Value::Map(_) if !raw.starts_with(['[', '{', '(']) => {
                let what = format!("{name}{is}{raw} is {}, {}", value.kind(), value.shown());
                self.add(number, "number", what, format!("write {name}{is}{}", quoted(raw)));
            }
            Value::List(_) | Value::Map(_) => self.within(number, spelled),
            Value::Text(text) | Value::Unsafe(text) => self.text(number, spelled, text),
            Value::Int(_) | Value::Float(_) | Value::Time(_) | Value::Bool(_) | Value::Null | Value::Vault(_) => {}
        }
    }

    /// The values in a list or map of Python.
    fn within(&mut self, number: usize, spelled: &Spelled<'_>) {
        let Ok(root) = literal::parse(spelled.raw, 0) else { return };
        let mut open = vec![(spelled.name.to_owned(), &root)];
        while let Some((name, node)) = open.pop() {
            match &node.kind {
                Kind::Scalar { quote: None, .. } => {
                    let raw = node.span.of(spelled.raw);
                    if let Literal::Value(value @ (Value::Int(_) | Value::Float(_))) = literal(raw) {
                        let quoted = |raw: &str| format!("'{raw}'");
                        let is = if node.span == root.span { spelled.is } else { ": " };
                        self.value(number, &Spelled { name: &name, raw, is, quoted: &quoted }, &value);
                    }
                }
                Kind::List { items, .. } => open.extend(items.iter().map(|item| (name.clone(), item))),
                Kind::Map { entries, .. } => {
                    let named = |key: &Node| key.scalar().map_or_else(|| name.clone(), str::to_owned);
                    open.extend(entries.iter().map(|entry| (named(&entry.key), &entry.value)));
                }
                Kind::Scalar { .. } | Kind::Alias(_) => {}
            }
        }
    }

    fn text(&mut self, number: usize, spelled: &Spelled<'_>, text: &str) {
        let Spelled { name, raw, is, .. } = spelled;
        // Ansible's own variables have types, and are read by them.
        let own = name.starts_with("ansible_");
        let word = raw.trim_matches(['\'', '"']);
        let no = matches!(word.to_ascii_lowercase().as_str(), "false" | "no" | "off") && word == text;
        let quoted = word.len() < raw.len();
        if no && !own && *is == "=" && (!quoted || word.eq_ignore_ascii_case("false")) {
            let what = format!("{name}={raw} is a text, which counts as true wherever it is tested without `| bool`");
            self.add(number, "truth", what, format!("write {name}=False"));
        }
        if *name == definitions::VARIABLE && !text.contains("{{") {
            let why = literal::parse(raw, 0).err().filter(|_| *is == "=");
            let why = why.map_or_else(String::new, |error| format!(": {}", error.reason));
            let what = format!("{name} is a plain text for ansible, and no list{why}");
            self.add(number, "no-list", what, "write it as python does, or as YAML in group_vars");
        }
        if text.starts_with(SMART) || text.ends_with(SMART) {
            let what = format!("{name}{is}{raw} has quotes that are none to a computer: they are a part of the value");
            self.add(number, "smart-quotes", what, "write plain quotes, or none");
        }
    }

    /// A value in which another assignment begins, where white space between the two is missing.
    fn glued(&mut self, number: usize, name: &str, written: &str, names: &BTreeSet<&str>) {
        let Some((_, value)) = written.split_once('=') else { return };
        let Some(other) = glued(value.trim_start(), names) else { return };
        let what = format!("the value of {name} goes on over `{other}=`, so {other} is not set");
        self.add(number, "glued", what, format!("write white space, or a line end, before {other}"));
    }

    fn yaml(&mut self, text: &str, root: &Node) {
        let mut open = vec![(String::new(), root)];
        while let Some((name, node)) = open.pop() {
            match &node.kind {
                Kind::Scalar { quote: None, .. } => {
                    let raw = node.span.of(text);
                    if let Some(value) = value_of(kind_of(raw), raw).filter(|_| !raw.is_empty()) {
                        self.yaml_value(text, node, &name, raw, &value);
                    }
                }
                Kind::Scalar { value, quote: Some(quote), .. } if *quote != '!' => {
                    self.yaml_value(text, node, &name, node.span.of(text), &Value::Text(value.clone()));
                }
                Kind::List { items, .. } => open.extend(items.iter().map(|item| (name.clone(), item))),
                Kind::Map { entries, .. } => {
                    let named = |key: &Node| key.scalar().map_or_else(|| name.clone(), str::to_owned);
                    open.extend(entries.iter().map(|entry| (named(&entry.key), &entry.value)));
                }
                Kind::Scalar { .. } | Kind::Alias(_) => {}
            }
        }
    }

    fn yaml_value(&mut self, text: &str, node: &Node, name: &str, raw: &str, value: &Value) {
        let quoted = |raw: &str| format!("'{raw}'");
        let line = || yaml::line_of(text, node.span.start);
        let before = self.findings.len();
        self.value(0, &Spelled { name, raw, is: ": ", quoted: &quoted }, value);
        for finding in self.findings.iter_mut().skip(before) {
            finding.line = line();
        }
    }
}

/// The names of all variables that lines of an inventory set.
fn names_of(inventory: &Inventory) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for line in inventory.lines() {
        match &line.kind {
            LineKind::Host(host) => names.extend(host.vars.iter().map(|var| var.name.as_str())),
            LineKind::Var { name, .. } => drop(names.insert(name.as_str())),
            LineKind::Wrong(_) | LineKind::Blank | LineKind::Comment | LineKind::Header | LineKind::Child { .. } => {}
        }
    }
    names
}

/// The name of the variable that begins within a value. A value may have `=` in it for many reasons: what tells an
/// assignment is a name that runs on from a digit or a closing quote, or ends in the name of a variable that is known.
fn glued<'a>(value: &'a str, names: &BTreeSet<&str>) -> Option<&'a str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for (at, _) in value.match_indices('=') {
        let (before, after) = (value.get(..at)?, value.get(at + 1..)?);
        if after.is_empty() || after.starts_with('=') {
            continue;
        }
        let run = before.len() - before.chars().rev().take_while(|c| word(*c)).count();
        let (head, run) = before.split_at_checked(run)?;
        let name = run.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_name = name.len() > 1 && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if is_name && (name.len() < run.len() || head.ends_with(['\'', '"'])) && !inside_quotes(head) {
            return Some(name);
        }
        let ends = |known: &&&str| known.len() > 3 && run.len() > known.len() && run.ends_with(**known);
        let known = ["openshift_", "ansible_"].iter().filter_map(|known| run.find(known)).find(|at| *at > 0);
        if let Some(name) = known.and_then(|at| run.get(at..)).filter(|_| !inside_quotes(head)) {
            return Some(name);
        }
        if let Some(known) = names.iter().filter(ends).max_by_key(|known| known.len()).filter(|_| !inside_quotes(head))
        {
            return run.get(run.len() - known.len()..);
        }
    }
    None
}

/// Whether a quote is open at the end of a text.
fn inside_quotes(text: &str) -> bool {
    let mut open = None;
    for c in text.chars() {
        match open {
            Some(quote) if quote == c => open = None,
            None if matches!(c, '\'' | '"') => open = Some(c),
            _ => {}
        }
    }
    open.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_assignment_within_a_value_is_told_from_other_equals_signs() {
        let names = BTreeSet::from(["zone", "rack", "x"]);
        for (value, name) in [
            ("10.0.0.11openshift_ip=10.0.0.12", Some("openshift_ip")),
            ("10.0.0.11ip=10.0.0.12", Some("ip")),
            ("'a'openshift_ip=1", Some("openshift_ip")),
            ("nodeopenshift_ip=1", Some("openshift_ip")),
            ("Trueansible_host=1", Some("ansible_host")),
            ("eastzone=b", Some("zone")),
            ("'-o Port=22 -o 1a=2'", None),
            ("region=infra,zone=a", None),
            ("openshift_ip=1", None),
            ("Zm9vYg==", None),
            ("2Zm9v=", None),
            ("a/x=1", None),
            ("https://h/?q1=2&b=3", None),
        ] {
            assert_eq!(glued(value, &names), name, "{value}");
        }
    }
}
