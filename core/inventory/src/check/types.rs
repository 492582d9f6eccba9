//! Values that ansible takes for something else than they look like (T8).

use crate::check::facts::{Source, at_byte, at_line};
use crate::check::finding::Finding;
use crate::diff::meaning::Read;
use crate::edit::definitions;
use crate::ini::text::{Inventory, LineKind};
use crate::literal;
use crate::literal::value;
use crate::yaml::tree::{Kind, Node};

pub(crate) fn findings(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        match source.read() {
            Read::Ini(inventory) => ini(source, &inventory, &mut findings),
            Read::Groups(root) | Read::Vars(root) => yaml(source, &root, &mut findings),
        }
    }
    findings
}

fn ini(source: &Source, inventory: &Inventory, findings: &mut Vec<Finding>) {
    let text = inventory.text();
    for (index, line) in inventory.lines().iter().enumerate() {
        let at = at_line(source, index);
        let mut add = |kind, what: String, next: String| findings.push(Finding::new(&at, kind, what, next));
        match &line.kind {
            LineKind::Host(host) => {
                if text.get(host.span.end..).is_some_and(|rest| rest.starts_with('#')) {
                    let cut = text.get(host.span.end..line.content.end).unwrap_or_default();
                    add(
                        "cut-off",
                        format!("the # ends the line for ansible, so {cut:?} is lost"),
                        "put the value in quotes, or a space before a comment".to_owned(),
                    );
                }
                for var in &host.vars {
                    let bare = format!("\"'{}'\"", var.raw);
                    plain(&var.name, &var.raw, &bare, &mut add);
                }
            }
            LineKind::Var { name, value: read, value_span } => {
                let raw = value_span.of(text);
                plain(name, raw, &format!("'{raw}'"), &mut add);
                if literal::parse(raw, 0).is_err() && raw.contains(" #") {
                    add(
                        "comment-kept",
                        format!("{name} is {read:?}: behind a text, ansible takes the comment for a part of it"),
                        "put the comment on a line of its own".to_owned(),
                    );
                }
                if name == definitions::VARIABLE
                    && let Err(error) = literal::parse(raw, 0)
                {
                    add(
                        "no-list",
                        format!("{name} is a plain text for ansible, and no list: {}", error.reason),
                        "write it as python does, or as YAML in group_vars".to_owned(),
                    );
                }
            }
            LineKind::Other => {
                let shown = line.content.of(text).to_owned();
                add("not-understood", format!("the line is not understood: {shown:?}"), "correct it".to_owned());
            }
            _ => {}
        }
    }
}

/// Words that look like numbers or truth values.
fn plain(name: &str, raw: &str, quoted: &str, add: &mut impl FnMut(&'static str, String, String)) {
    let read = value::evaluate(raw);
    let digits = raw.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if digits && read != raw {
        add("number", format!("{name}={raw} is the number {read}"), format!("write {name}={quoted}"));
    }
    let no = matches!(raw, "false" | "no" | "off" | "FALSE" | "NO" | "OFF" | "No" | "Off");
    if no {
        let what = format!("{name}={raw} is a text, which counts as true wherever it is tested without `| bool`");
        add("truth", what, format!("write {name}=False"));
    }
}

fn yaml(source: &Source, root: &Node, findings: &mut Vec<Finding>) {
    let mut open = vec![("", root)];
    while let Some((name, node)) = open.pop() {
        match &node.kind {
            Kind::Scalar { value, quote: None, .. } => {
                let raw = node.span.of(&source.text);
                let digits = !raw.is_empty() && raw.bytes().all(|b| b.is_ascii_digit() || b == b'.');
                if digits && raw.contains('.') && value != raw {
                    let at = at_byte(source, node.span.start);
                    let what = format!("{name}: {raw} is the number {value}");
                    findings.push(Finding::new(&at, "number", what, format!("write {name}: '{raw}'")));
                }
            }
            Kind::List { items, .. } => open.extend(items.iter().map(|item| (name, item))),
            Kind::Map { entries, .. } => {
                open.extend(entries.iter().map(|entry| (entry.key.scalar().unwrap_or(name), &entry.value)));
            }
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
    }
}
