//! Edits of groups and their variables, in an inventory in INI form.

use crate::edit::hosts::removals;
use crate::edit::place::splice;
use crate::edit::refusal::EditError;
use crate::edit::sections::{insert_before, with_section};
use crate::ini::text::{Inventory, LineKind, SectionKind};
use crate::literal::value;
use std::collections::BTreeSet;

/// Sets a variable in `[group:vars]`.
pub(crate) fn set(inventory: &Inventory, group: &str, name: &str, value: &str, eol: &str) -> Result<String, EditError> {
    let text = |old: Option<&str>, commented| match old {
        Some(old) if value::reads_as(old, value) => None,
        old => Some(value::group_value(value, old, commented)),
    };
    put(inventory, group, name, text, eol)
}

/// Writes a variable of a group; the text is asked for with the one that it replaces, and whether a comment follows.
fn put(
    inventory: &Inventory,
    group: &str,
    name: &str,
    text: impl Fn(Option<&str>, bool) -> Option<String>,
    eol: &str,
) -> Result<String, EditError> {
    if !inventory.group_exists(group) {
        return Err(EditError::UndeclaredGroup { group: group.to_owned() });
    }
    let sections = || inventory.sections_of(group, SectionKind::Vars);
    let mut last = sections().next_back().map(|section| section.first);
    let mut splices = Vec::new();
    let mut found = false;
    for (at, line) in sections().flat_map(|section| inventory.lines_in(section)) {
        let LineKind::Var { name: known, value_span, .. } = &line.kind else {
            continue;
        };
        last = last.max(Some(at + 1));
        if known == name {
            found = true;
            let old = value_span.of(inventory.text());
            splices.extend(text(Some(old), value_span.end < line.content.end).map(|new| (*value_span, new)));
        }
    }
    if found {
        return Ok(splice(inventory.text(), splices));
    }
    let new = format!("{name}={}{eol}", text(None, false).unwrap_or_default());
    Ok(match last {
        Some(at) => insert_before(inventory, at, new),
        None => with_section(inventory, &format!("[{group}:vars]"), &new, eol),
    })
}

/// Removes a variable from `[group:vars]`.
pub(crate) fn unset(inventory: &Inventory, group: &str, name: &str) -> String {
    let lines = inventory.sections_of(group, SectionKind::Vars).flat_map(|section| inventory.lines_in(section));
    let gone: Vec<usize> = lines
        .filter(|(_, line)| matches!(&line.kind, LineKind::Var { name: known, .. } if known == name))
        .map(|(at, _)| at)
        .collect();
    inventory.without_lines(&gone)
}

/// Moves a variable that all hosts of a group have alike into `[group:vars]`.
pub(crate) fn lift(inventory: &Inventory, group: &str, name: &str, eol: &str) -> Result<String, EditError> {
    let refuse = |at: Option<usize>, reason: String| EditError::NotAlike {
        line: at.map_or(0, |at| at + 1),
        group: group.to_owned(),
        name: name.to_owned(),
        reason,
    };
    if !inventory.group_exists(group) {
        return Err(EditError::UndeclaredGroup { group: group.to_owned() });
    }
    if let Some((line, _)) = inventory.strange_lines(group).first() {
        return Err(refuse(line.checked_sub(1), "a line of the group is not understood".to_owned()));
    }
    let members = inventory.members(group);
    if let Some((_, host)) = members.iter().find(|(_, host)| inventory.group_exists(host)) {
        return Err(EditError::TwoThings { host: host.clone() });
    }
    let own: BTreeSet<&str> = members.iter().map(|(_, host)| host.as_str()).collect();
    // The text as Python gets it, so that a number stays one and a text that looks like one does, too.
    let mut value: Option<&str> = None;
    for (at, host) in &members {
        match (inventory.host_var_text(host, name), value) {
            (Some(own), None) => value = Some(own),
            (Some(own), Some(other)) if own == other => {}
            (Some(own), Some(other)) => {
                return Err(refuse(Some(*at), format!("{host} has {own:?}, others have {other:?}")));
            }
            (None, _) => {
                // Done already, if no host has it and the group does.
                let none = members.iter().all(|(_, host)| inventory.host_var(host, name).is_none());
                if none && inventory.group_vars(group).contains_key(name) {
                    return Ok(inventory.text().to_owned());
                }
                return Err(refuse(Some(*at), format!("{host} does not have it")));
            }
        }
    }
    let Some(value) = value else {
        return Err(refuse(None, "the group has no hosts".to_owned()));
    };
    if value.trim() != value {
        return Err(refuse(None, "its value begins or ends with white space".to_owned()));
    }
    let mut splices = Vec::new();
    for (at, line) in inventory.host_lines().filter(|(_, line)| line.vars.iter().any(|var| var.name == name)) {
        let names = line.pattern.hosts();
        if !names.iter().any(|host| own.contains(host.as_str())) {
            continue;
        }
        if let Some(host) = names.iter().find(|host| !own.contains(host.as_str())) {
            return Err(refuse(Some(at), format!("a line sets it for {host} too, which is not in the group")));
        }
        splices.extend(removals(inventory, line, name));
    }
    let bare = Inventory::parse(&splice(inventory.text(), splices));
    let result = put(&bare, group, name, |_, _| Some(value.to_owned()), eol)?;
    let after = Inventory::parse(&result);
    for (at, host) in &members {
        let (was, is) = (inventory.effective_var(host, name), after.effective_var(host, name));
        if was != is {
            let shown = is.map_or_else(|| "nothing".to_owned(), |is| format!("{is:?}"));
            return Err(refuse(Some(*at), format!("{host} would then get {shown}")));
        }
    }
    Ok(result)
}

/// Makes a group the child of another.
pub(crate) fn ensure_child(inventory: &Inventory, parent: &str, child: &str, eol: &str) -> Result<String, EditError> {
    if matches!(child, "all" | "ungrouped") || inventory.descendants(child).iter().any(|group| group == parent) {
        let header = inventory.sections_of(child, SectionKind::Children).find_map(|section| section.header);
        let line = header.map_or(0, |at| at + 1);
        return Err(EditError::Cycle { line, parent: parent.to_owned(), child: child.to_owned() });
    }
    let mut result = inventory.text().to_owned();
    if !inventory.children(parent).contains(&child) {
        let section = inventory.sections_of(parent, SectionKind::Children).next_back();
        let new = format!("{child}{eol}");
        result = match section {
            Some(section) => {
                let mut lines = inventory.lines_in(section);
                let last = lines.rfind(|(_, line)| matches!(line.kind, LineKind::Child { .. }));
                insert_before(inventory, last.map_or(section.first, |(at, _)| at + 1), new)
            }
            None => with_section(inventory, &format!("[{parent}:children]"), &new, eol),
        };
    }
    if !inventory.group_exists(child) {
        result = with_section(&Inventory::parse(&result), &format!("[{child}]"), "", eol);
    }
    Ok(result)
}
