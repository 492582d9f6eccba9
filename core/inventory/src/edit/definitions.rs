//! Edits of single definitions in `openshift_node_groups`, in whichever form the list is written.

use crate::diff::meaning::Meaning;
use crate::edit::dialect::Dialect;
use crate::edit::place::splice;
use crate::edit::refusal::EditError;
use crate::ini::text::{Inventory, LineKind, SectionKind};
use crate::literal;
use crate::model::value::Value;
use crate::span::Span;
use crate::yaml::graft::{self, NoGraft, Splices, Target};
use crate::yaml::tree::{Entry, Kind, Node, Style};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The variable that holds the definitions.
pub(crate) const VARIABLE: &str = "openshift_node_groups";

const NEXT: &str = "put it right by hand, then retry";

/// What to change in a definition of a node group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DefinitionChange {
    /// Gives it another name. The hosts that use it keep the old one until they are edited too.
    Rename {
        /// The new name of the definition.
        to: String,
    },
    /// Adds labels that it has not.
    AddLabels {
        /// The labels, such as `runtime=cri-o`.
        labels: Vec<String>,
    },
    /// Removes labels from the definition.
    RemoveLabels {
        /// The labels, as they stand there.
        labels: Vec<String>,
    },
    /// Removes entries of `edits`.
    RemoveEdits {
        /// The keys of the entries, such as `kubeletArguments.container-runtime`.
        keys: Vec<String>,
    },
    /// Replaces all of it.
    Replace {
        /// The definition as Python or JSON writes it, with the same name in it.
        with: String,
    },
    /// Removes all of it; refused while a host of the inventory uses it.
    Drop,
}

/// Changes a definition in `[group:vars]`.
pub(crate) fn in_section(
    inventory: &Inventory,
    group: &str,
    definition: &str,
    change: &DefinitionChange,
) -> Result<String, EditError> {
    let sections = inventory.sections_of(group, SectionKind::Vars).flat_map(|section| inventory.lines_in(section));
    let mut lines = sections.filter_map(|(at, line)| match &line.kind {
        LineKind::Var { name, value_span, .. } if name == VARIABLE => Some((at + 1, *value_span)),
        _ => None,
    });
    let Some((line, span)) = lines.next() else {
        return Err(unclear(0, format!("[{group}:vars] does not set {VARIABLE}")));
    };
    if let Some((again, _)) = lines.next() {
        return Err(unclear(again, format!("[{group}:vars] sets {VARIABLE} again, after line {line}")));
    }
    if *change == DefinitionChange::Drop {
        let estate = Meaning::of_ini(inventory).estate;
        let uses = |host: &str| {
            let value = estate.effective(host, "openshift_node_group_name");
            value.and_then(Value::as_text) == Some(definition)
        };
        let user = estate.hosts.iter().map(|host| host.name.as_str()).find(|host| uses(host));
        if let Some(host) = user {
            return Err(unclear(line, format!("host {host} uses the definition {definition:?}")));
        }
    }
    let read = |text: &str, span: Span| {
        literal::parse(span.of(text), span.start)
            .map_err(|error| unclear(line, format!("{VARIABLE} is no list of python: {}", error.reason)))
    };
    let text = inventory.text();
    let list = read(text, span)?;
    // A literal stands in no map; what would be the key and the colon is what is before it.
    let key = Node::nothing(span.start);
    let holder = Entry { key, colon: span.start, value: list };
    let splices = splices(text, &holder, definition, change, (Dialect::Python, "\n"), &|_| line)?;
    let result = splice(text, splices);
    let end = (span.end + result.len()).saturating_sub(text.len());
    let after = read(&result, Span::new(span.start, end))?;
    only_meant(&holder.value, &after, definition, change)?;
    Ok(result)
}

fn unclear(line: usize, reason: String) -> EditError {
    EditError::Unclear { line, reason, next: NEXT }
}

/// What changes a definition in the list that an entry holds.
pub(crate) fn splices(
    text: &str,
    holder: &Entry,
    definition: &str,
    change: &DefinitionChange,
    (dialect, eol): (Dialect, &str),
    line_of: &dyn Fn(usize) -> usize,
) -> Result<Splices, EditError> {
    let list = &holder.value;
    let refuse = |error: NoGraft| unclear(line_of(error.at), error.reason.to_owned());
    let line = line_of(list.span.start);
    let Kind::List { items, .. } = &list.kind else {
        return Err(unclear(line, format!("{VARIABLE} is no list of definitions")));
    };
    let at = |name: &str| {
        let mut found = items.iter().enumerate().filter(|(_, item)| name_of(item) == Some(name));
        match (found.next(), found.next()) {
            (_, Some((_, again))) => {
                Err(unclear(line_of(again.span.start), format!("{VARIABLE} has two definitions {name:?}")))
            }
            (found, None) => Ok(found),
        }
    };
    let Some((index, item)) = at(definition)? else {
        let done = match change {
            DefinitionChange::Rename { to } => at(to)?.is_some(),
            DefinitionChange::Drop => true,
            _ => false,
        };
        let found = items.iter().filter_map(name_of).map(str::to_owned).collect();
        let missing = EditError::NoDefinition { line, definition: definition.to_owned(), found };
        return if done { Ok(Vec::new()) } else { Err(missing) };
    };
    if matches!(item.kind, Kind::Alias(_)) {
        return Err(unclear(line_of(item.span.start), "the definition stands elsewhere, under an anchor".to_owned()));
    }
    let quote = item.entry("name").and_then(|entry| match entry.value.kind {
        Kind::Scalar { quote, .. } => quote,
        _ => None,
    });
    match change {
        DefinitionChange::Rename { to } => {
            if to.is_empty() || to.chars().any(|c| c.is_whitespace() || c.is_control()) {
                let rule = "use a name without white space";
                return Err(EditError::InvalidName { what: "definition name", name: to.clone(), rule });
            }
            if to == definition {
                return Ok(Vec::new());
            }
            if let Some((_, other)) = at(to)? {
                return Err(unclear(line_of(other.span.start), format!("there is a definition {to:?} already")));
            }
            let Some(entry) = item.entry("name") else { return Ok(Vec::new()) };
            graft::replace(text, entry, &dialect.text(to, quote)).map_err(refuse)
        }
        DefinitionChange::AddLabels { labels } => {
            let known = item.get("labels").and_then(Node::items).unwrap_or_default();
            let mut new: Vec<&String> = Vec::new();
            for label in labels {
                if label.chars().any(char::is_control) {
                    return Err(EditError::InvalidValue { name: label.clone(), reason: "has a control character" });
                }
                if !known.iter().any(|item| item.scalar() == Some(label)) && !new.contains(&label) {
                    new.push(label);
                }
            }
            if new.is_empty() {
                return Ok(Vec::new());
            }
            let like = known.iter().find_map(|item| match item.kind {
                Kind::Scalar { quote, .. } => Some(quote),
                _ => None,
            });
            let new: Vec<String> = new.into_iter().map(|label| dialect.text(label, like.unwrap_or(quote))).collect();
            match item.entry("labels") {
                Some(entry) if entry.value.scalar().is_none() => {
                    graft::add_items(text, &entry.value, &new, eol).map_err(refuse)
                }
                Some(entry) => graft::replace(text, entry, &format!("[{}]", new.join(", "))).map_err(refuse),
                None => {
                    let key =
                        if dialect == Dialect::Python { dialect.text("labels", quote) } else { "labels".to_owned() };
                    let value = format!("[{}]", new.join(", "));
                    let target = Target { above: None, map: item, brackets: false };
                    graft::add_entry(text, target, None, &format!("{key}: {value}"), eol).map_err(refuse)
                }
            }
        }
        DefinitionChange::RemoveLabels { labels } => {
            let is = |item: &Node| item.scalar().is_some_and(|label| labels.iter().any(|gone| gone == label));
            remove(text, item, "labels", is).map_err(refuse)
        }
        DefinitionChange::RemoveEdits { keys } => {
            let is = |item: &Node| {
                item.get("key").and_then(Node::scalar).is_some_and(|key| keys.iter().any(|gone| gone == key))
            };
            remove(text, item, "edits", is).map_err(refuse)
        }
        DefinitionChange::Replace { with } => {
            let new = literal::parse(with, 0)
                .map_err(|error| unclear(0, format!("the new definition cannot be read: {}", error.reason)))?;
            if name_of(&new) != Some(definition) {
                return Err(unclear(0, format!("the new definition has not the name {definition:?}")));
            }
            if new.canonical() == item.canonical() {
                return Ok(Vec::new());
            }
            Ok(vec![(item.span, dialect.value(&new))])
        }
        DefinitionChange::Drop => graft::remove_items(text, holder, &[index]).map_err(refuse),
    }
}

fn name_of(item: &Node) -> Option<&str> {
    item.get("name").and_then(Node::scalar)
}

fn remove(text: &str, item: &Node, key: &str, is: impl Fn(&Node) -> bool) -> Result<Splices, NoGraft> {
    let Some(entry) = item.entry(key) else { return Ok(Vec::new()) };
    let items = entry.value.items().unwrap_or_default();
    let gone: Vec<usize> = items.iter().enumerate().filter(|(_, item)| is(item)).map(|(at, _)| at).collect();
    if gone.is_empty() { Ok(Vec::new()) } else { graft::remove_items(text, entry, &gone) }
}

/// Holds a change to the one definition, and to the one part of it, that it is for.
pub(crate) fn only_meant(
    before: &Node,
    after: &Node,
    definition: &str,
    change: &DefinitionChange,
) -> Result<(), EditError> {
    let (part, renamed): (&str, &str) = match change {
        DefinitionChange::Rename { to } => ("name", to),
        DefinitionChange::AddLabels { .. } | DefinitionChange::RemoveLabels { .. } => ("labels", definition),
        DefinitionChange::RemoveEdits { .. } => ("edits", definition),
        DefinitionChange::Replace { .. } | DefinitionChange::Drop => ("", definition),
    };
    let rest = |list: &Node, name: &str| -> Option<Vec<String>> {
        let items = list.items()?.iter();
        Some(
            items
                .filter_map(|item| match (name_of(item) == Some(name), part) {
                    (false, _) => Some(item.canonical()),
                    (true, "") => None,
                    (true, part) => {
                        let kept = item.entries()?.iter().filter(|entry| entry.key.scalar() != Some(part));
                        let map = Kind::Map { entries: kept.cloned().collect(), style: Style::Flow };
                        Some(Node { span: item.span, kind: map }.canonical())
                    }
                })
                .collect(),
        )
    };
    // Renamed already, it has the new name on both sides.
    let was = if before.items().is_some_and(|items| items.iter().any(|item| name_of(item) == Some(definition))) {
        definition
    } else {
        renamed
    };
    if rest(before, was).is_some() && rest(before, was) == rest(after, renamed) {
        return Ok(());
    }
    Err(EditError::Beyond { change: format!("{VARIABLE} would differ outside {definition:?}") })
}

#[cfg(test)]
#[path = "definitions_tests.rs"]
mod tests;
