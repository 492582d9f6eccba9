//! Edits of groups and their variables, in an inventory in INI form.

use crate::diff::meaning::Meaning;
use crate::edit::hosts::removals;
use crate::edit::meant::means;
use crate::edit::refusal::EditError;
use crate::edit::sections::{add_section, insert_before, remove_lines};
use crate::ini::text::{Inventory, LineKind, SectionKind};
use crate::literal::value;
use crate::model::value::Value;
use std::collections::{BTreeSet, HashSet};

/// Sets a variable in `[group:vars]`.
pub(crate) fn set(inventory: &mut Inventory, group: &str, name: &str, value: &str, eol: &str) -> Result<(), EditError> {
    let text = |old: Option<(&str, &Value)>, commented| match old {
        Some((_, old)) if means(old, value) => None,
        old => Some(value::group_value(value, old.map(|(old, _)| old), commented)),
    };
    put(inventory, group, name, text, eol)
}

/// Whether the group is declared by `[group]` or `[group:children]`; `all` and `ungrouped` always are.
///
/// To have variables or to be named as a child is not enough: Ansible refuses such a file.
fn declared(inventory: &Inventory, group: &str) -> bool {
    let kinds = [SectionKind::Hosts, SectionKind::Children];
    matches!(group, "all" | "ungrouped")
        || kinds.iter().any(|kind| inventory.sections_of(group, *kind).any(|section| section.header.is_some()))
}

/// Writes a variable of a group; the text is asked for with the one that it replaces, and whether a comment follows.
fn put(
    inventory: &mut Inventory,
    group: &str,
    name: &str,
    text: impl Fn(Option<(&str, &Value)>, bool) -> Option<String>,
    eol: &str,
) -> Result<(), EditError> {
    if !declared(inventory, group) {
        return Err(EditError::UndeclaredGroup { group: group.to_owned() });
    }
    let sections = || inventory.sections_of(group, SectionKind::Vars);
    let mut last = sections().next_back().map(|section| section.first);
    let mut splices = Vec::new();
    let mut found = false;
    for (at, line) in sections().flat_map(|section| inventory.lines_in(section)) {
        let LineKind::Var { name: known, value, value_span } = &line.kind else {
            continue;
        };
        last = last.max(Some(at + 1));
        if known == name {
            found = true;
            let old = value_span.of(inventory.text());
            let new = text(Some((old, &value.value())), value_span.end < line.content.end);
            splices.extend(new.map(|new| (*value_span, new)));
        }
    }
    if found {
        inventory.splice(splices);
        return Ok(());
    }
    let new = format!("{name}={}{eol}", text(None, false).unwrap_or_default());
    match last {
        Some(at) => insert_before(inventory, at, new),
        None => add_section(inventory, &format!("[{group}:vars]"), &new, eol),
    }
    Ok(())
}

/// Removes a variable from `[group:vars]`.
pub(crate) fn unset(inventory: &mut Inventory, group: &str, name: &str) {
    let lines = inventory.sections_of(group, SectionKind::Vars).flat_map(|section| inventory.lines_in(section));
    let gone: Vec<usize> = lines
        .filter(|(_, line)| matches!(&line.kind, LineKind::Var { name: known, .. } if known == name))
        .map(|(at, _)| at)
        .collect();
    remove_lines(inventory, &gone);
}

/// The variables that `[group:vars]` sets.
pub(crate) fn vars(inventory: &Inventory, group: &str) -> Vec<(String, String)> {
    let lines = inventory.sections_of(group, SectionKind::Vars).flat_map(|section| inventory.lines_in(section));
    let vars = lines.filter_map(|(_, line)| match &line.kind {
        LineKind::Var { name, value, .. } => Some((name.clone(), value.value().shown())),
        _ => None,
    });
    vars.collect()
}

/// Moves a variable that all hosts of a group have alike into `[group:vars]`.
pub(crate) fn lift(inventory: &mut Inventory, group: &str, name: &str, eol: &str) -> Result<(), EditError> {
    let refuse = |at: Option<usize>, reason: String| EditError::NotAlike {
        line: at.unwrap_or(0),
        group: group.to_owned(),
        name: name.to_owned(),
        reason,
    };
    if !declared(inventory, group) {
        return Err(EditError::UndeclaredGroup { group: group.to_owned() });
    }
    let meaning = Meaning::of_ini(inventory);
    let estate = &meaning.estate;
    let below: HashSet<usize> = estate.below(group).into_iter().collect();
    let inside =
        |at: usize| group == "all" || estate.find_group(inventory.group_at(at)).is_some_and(|at| below.contains(&at));
    let strange = inventory.lines().iter().enumerate().find(|(at, line)| {
        let section = inventory.sections().get(line.section);
        matches!(line.kind, LineKind::Wrong(_))
            && section.is_none_or(|section| section.kind != Some(SectionKind::Vars))
            && inside(*at)
    });
    if let Some((line, _)) = strange {
        return Err(refuse(Some(line + 1), "a line of the group is not understood".to_owned()));
    }
    let own: Vec<&str> = estate
        .hosts_of(group)
        .into_iter()
        .filter_map(|at| estate.hosts.get(at))
        .map(|host| host.name.as_str())
        .collect();
    let members: Vec<(usize, &str)> = own
        .iter()
        .map(|host| (inventory.lines_of(host).find(|(at, _)| inside(*at)).map_or(0, |(at, _)| at + 1), *host))
        .collect();
    let own: BTreeSet<&str> = own.iter().copied().collect();
    if let Some((_, host)) = members.iter().find(|(_, host)| inventory.has_section(host)) {
        return Err(EditError::TwoThings { host: (*host).to_owned() });
    }
    // The text as Python gets it, so that a number stays one and a text that looks like one does, too.
    let text_of = |host: &str| raw(inventory, host, name);
    let mut value: Option<&str> = None;
    for (at, host) in &members {
        match (text_of(host), value) {
            (Some(own), None) => value = Some(own),
            (Some(own), Some(other)) if own == other => {}
            (Some(own), Some(other)) => {
                return Err(refuse(Some(*at), format!("{host} has {own:?}, others have {other:?}")));
            }
            (None, _) => {
                // Done already, if no host has it and the group does.
                let none = members.iter().all(|(_, host)| text_of(host).is_none());
                if none && vars(inventory, group).iter().any(|(known, _)| known == name) {
                    return Ok(());
                }
                return Err(refuse(Some(*at), format!("{host} does not have it")));
            }
        }
    }
    let Some(value) = value.map(str::to_owned) else {
        return Err(refuse(None, "the group has no hosts".to_owned()));
    };
    if value.trim() != value {
        return Err(refuse(None, "its value begins or ends with white space".to_owned()));
    }
    let mut splices = Vec::new();
    for (at, line) in inventory.host_lines().filter(|(_, line)| line.vars.iter().any(|var| var.name == name)) {
        let names = line.pattern.each();
        if !names.iter().any(|host| own.contains(host.as_str())) {
            continue;
        }
        if let Some(host) = names.iter().find(|host| !own.contains(host.as_str())) {
            return Err(refuse(Some(at + 1), format!("a line sets it for {host} too, which is not in the group")));
        }
        splices.extend(removals(inventory, line, name));
    }
    let members: Vec<(usize, String)> = members.into_iter().map(|(at, host)| (at, host.to_owned())).collect();
    inventory.splice(splices);
    put(inventory, group, name, |_, _| Some(value.clone()), eol)?;
    let after = Meaning::of_ini(inventory);
    for (at, host) in &members {
        let (was, is) = (estate.effective(host, name), after.estate.effective(host, name));
        let same = matches!((was, is), (Some(was), Some(is)) if was.same(is));
        if !same {
            let shown = is.map_or_else(|| "nothing".to_owned(), |is| format!("{:?}", is.shown()));
            return Err(refuse(Some(*at), format!("{host} would then get {shown}")));
        }
    }
    Ok(())
}

/// The text of an inline variable after the shell's rules and before Python's: the last of all lines.
fn raw<'a>(inventory: &'a Inventory, host: &str, name: &str) -> Option<&'a str> {
    let lines = inventory.host_lines().rev().filter(|(_, line)| line.pattern.names(host));
    lines.flat_map(|(_, line)| line.vars.iter().rev()).find(|var| var.name == name).map(|var| var.value.raw())
}

/// Makes a group the child of another.
pub(crate) fn ensure_child(inventory: &mut Inventory, parent: &str, child: &str, eol: &str) -> Result<(), EditError> {
    let meaning = Meaning::of_ini(inventory);
    let estate = &meaning.estate;
    let named = |at: &usize| estate.groups.get(*at).map(|group| group.name.as_str());
    if matches!(child, "all" | "ungrouped")
        || child == parent
        || estate.below(child).iter().any(|at| named(at) == Some(parent))
    {
        let header = inventory.sections_of(child, SectionKind::Children).find_map(|section| section.header);
        let line = header.map_or(0, |at| at + 1);
        return Err(EditError::Cycle { line, parent: parent.to_owned(), child: child.to_owned() });
    }
    let names = |line: &LineKind| matches!(line, LineKind::Child { group } if group == child);
    let sections = inventory.sections_of(parent, SectionKind::Children);
    let there = sections.flat_map(|section| inventory.lines_in(section)).any(|(_, line)| names(&line.kind));
    if !there {
        let section = inventory.sections_of(parent, SectionKind::Children).next_back();
        let new = format!("{child}{eol}");
        let at = section.map(|section| {
            let mut lines = inventory.lines_in(section);
            let last = lines.rfind(|(_, line)| matches!(line.kind, LineKind::Child { .. }));
            last.map_or(section.first, |(at, _)| at + 1)
        });
        match at {
            Some(at) => insert_before(inventory, at, new),
            None => add_section(inventory, &format!("[{parent}:children]"), &new, eol),
        }
    }
    if !declared(inventory, child) {
        add_section(inventory, &format!("[{child}]"), "", eol);
    }
    Ok(())
}
