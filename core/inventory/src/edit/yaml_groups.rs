//! Edits of groups and their variables, in an inventory in YAML.

use crate::edit::dialect;
use crate::edit::refusal::EditError;
use crate::edit::yaml_hosts::without;
use crate::edit::yaml_page::{Page, spots};
use crate::ini::pattern::HostPattern;
use crate::yaml;
use crate::yaml::graft::{self, NoGraft};
use crate::yaml::tree::{Entry, Kind, Node};
use std::collections::BTreeSet;

/// The variables of a group, wherever it stands.
pub(crate) fn vars<'a>(page: &'a Page<'_>, group: &str) -> Vec<(&'a str, &'a Entry)> {
    let there = spots(&page.root).into_iter().filter(|spot| spot.group == group);
    let entries = there.filter_map(|spot| spot.part("vars")?.value.entries()).flatten();
    entries.filter_map(|entry| Some((entry.key.scalar()?, entry))).collect()
}

pub(crate) fn set(page: &Page<'_>, group: &str, name: &str, value: &str) -> Result<String, EditError> {
    put(page, group, name, &dialect::value_text(value, None), &|entry| page.replaced(entry, value))
}

/// Sets a variable of a group: to a text where it is new, else by what replaces it.
fn put(
    page: &Page<'_>,
    group: &str,
    name: &str,
    value: &str,
    replaced: &dyn Fn(&Entry) -> Result<graft::Splices, NoGraft>,
) -> Result<String, EditError> {
    let refuse = |error: NoGraft| page.refuse(error.at, error.reason);
    let all = spots(&page.root);
    let there = || all.iter().filter(|spot| spot.group == group);
    let mut splices = Vec::new();
    let known: Vec<&Entry> = vars(page, group).into_iter().filter(|(var, _)| *var == name).map(|(_, e)| e).collect();
    for entry in &known {
        splices.extend(replaced(entry).map_err(refuse)?);
    }
    if !known.is_empty() {
        return page.with(Ok(splices));
    }
    let line = format!("{name}: {value}");
    if let Some(vars) = there().find_map(|spot| spot.part("vars")) {
        return page.with(page.add_below(vars, &[], &line));
    }
    let full = there().find(|spot| spot.entry.value.entries().is_some_and(|parts| !parts.is_empty()));
    let Some(spot) = full.or(there().next()) else {
        return Err(EditError::UndeclaredGroup { group: group.to_owned() });
    };
    page.with(page.add_below(spot.entry, &["vars"], &line))
}

pub(crate) fn unset(page: &Page<'_>, group: &str, name: &str) -> Result<String, EditError> {
    let mut splices = Vec::new();
    for spot in spots(&page.root).iter().filter(|spot| spot.group == group) {
        if let Some(vars) = spot.part("vars") {
            page.not_merged(&vars.value, name)?;
            splices.extend(without(page, &vars.value, name).map_err(|error| page.refuse(error.at, error.reason))?);
        }
    }
    page.with(Ok(splices))
}

/// Moves a variable that all hosts of a group have alike into the group's variables.
pub(crate) fn lift(page: &Page<'_>, group: &str, name: &str) -> Result<String, EditError> {
    let refuse = |at: Option<&Entry>, reason: String| EditError::NotAlike {
        line: at.map_or(0, |entry| yaml::line_of(page.text, entry.key.span.start)),
        group: group.to_owned(),
        name: name.to_owned(),
        reason,
    };
    let all = spots(&page.root);
    if !all.iter().any(|spot| spot.group == group) {
        return Err(EditError::UndeclaredGroup { group: group.to_owned() });
    }
    let below = below(page, group);
    let hosts: Vec<(&str, &Entry, Vec<String>)> = all
        .iter()
        .filter_map(|spot| Some((spot.group, spot.part("hosts")?.value.entries()?)))
        .flat_map(|(group, hosts)| hosts.iter().map(move |host| (group, host)))
        .filter_map(|(group, host)| Some((group, host, HostPattern::parse(host.key.scalar()?)?.hosts())))
        .collect();
    let own = hosts.iter().filter(|(of, ..)| below.contains(*of) || group == "all");
    let members: BTreeSet<&String> = own.flat_map(|(.., names)| names).collect();
    let setting = || hosts.iter().filter_map(|(_, host, names)| Some((*host, host.value.get(name)?, names)));
    if !members.is_empty() && setting().all(|(.., names)| !names.iter().any(|host| members.contains(host))) {
        if vars(page, group).iter().any(|(var, _)| *var == name) {
            return Ok(page.text.to_owned());
        }
        return Err(refuse(None, "no host has it".to_owned()));
    }
    let mut value: Option<&Node> = None;
    let mut splices = Vec::new();
    let mut have = BTreeSet::new();
    for (host, now, names) in setting().filter(|(.., names)| names.iter().any(|host| members.contains(host))) {
        if let Some(other) = names.iter().find(|host| !members.contains(host)) {
            return Err(refuse(Some(host), format!("it is set for {other} too, which is not in the group")));
        }
        if let Some(other) = value.filter(|value| value.canonical() != now.canonical()) {
            let (name, own, other) = (host.key.canonical(), now.canonical(), other.canonical());
            return Err(refuse(Some(host), format!("{name} has {own}, others have {other}")));
        }
        value.get_or_insert(now);
        have.extend(names.iter());
        splices.extend(without(page, &host.value, name).map_err(|error| page.refuse(error.at, error.reason))?);
    }
    if let Some(lacking) = members.iter().find(|host| !have.contains(**host)) {
        return Err(refuse(None, format!("{lacking} does not have it")));
    }
    let Some(value) = value else { return Err(refuse(None, "the group has no hosts".to_owned())) };
    // Another group's value may win then; which one does is for a person to say.
    let other = all.iter().find(|spot| {
        !matches!(spot.group, "all")
            && spot.group != group
            && spot.part("vars").is_some_and(|vars| vars.value.get(name).is_some())
    });
    if let Some(other) = other {
        return Err(refuse(Some(other.entry), format!("the group {} sets it too", other.group)));
    }
    let text = value.span.of(page.text);
    let plain = !matches!(value.kind, Kind::Alias(_)) && !matches!(yaml::quote_of(value), Some('!' | '|'));
    if text.is_empty() || text.contains(['\n', '#']) || !plain {
        return Err(refuse(None, "its value is not one on one line".to_owned()));
    }
    let bare = page.with(Ok(splices))?;
    put(&Page::read(&bare, page.eol)?, group, name, text, &|entry| graft::replace(page.text, entry, text))
}

/// The group and all below it.
fn below<'a>(page: &'a Page<'_>, group: &'a str) -> BTreeSet<&'a str> {
    let all = spots(&page.root);
    let mut found = BTreeSet::from([group]);
    loop {
        let more: Vec<&str> = all
            .iter()
            .filter(|spot| spot.parent.is_some_and(|parent| found.contains(parent)) && !found.contains(spot.group))
            .map(|spot| spot.group)
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

pub(crate) fn ensure_child(page: &Page<'_>, parent: &str, child: &str) -> Result<String, EditError> {
    let all = spots(&page.root);
    let at = all.iter().find(|spot| spot.group == child).map(|spot| spot.entry.key.span.start);
    if matches!(child, "all" | "ungrouped") || below(page, child).contains(parent) {
        let line = at.map_or(0, |at| yaml::line_of(page.text, at));
        return Err(EditError::Cycle { line, parent: parent.to_owned(), child: child.to_owned() });
    }
    // Every group is below `all`, wherever it stands.
    if all.iter().any(|spot| spot.group == child && (spot.parent == Some(parent) || parent == "all")) {
        return Ok(page.text.to_owned());
    }
    let there = || all.iter().filter(|spot| spot.group == parent);
    let line = format!("{child}:");
    let (above, keys): (&Entry, Vec<&str>) = if let Some(entry) = there().find_map(|spot| spot.part("children")) {
        (entry, Vec::new())
    } else if let Some(spot) = there().find(|spot| !spot.entry.value.is_null()).or(there().next()) {
        (spot.entry, vec!["children"])
    } else if let Some(top) = all.iter().find(|spot| spot.group == "all" && spot.parent.is_none()) {
        match top.part("children") {
            Some(children) => (children, vec![parent, "children"]),
            None => (top.entry, vec!["children", parent, "children"]),
        }
    } else {
        return Err(page.refuse(0, &format!("there is no group {parent}, and no `all` to put it under")));
    };
    page.with(page.add_below(above, &keys, &line))
}
