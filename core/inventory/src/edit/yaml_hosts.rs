//! Edits of hosts and their variables, in an inventory in YAML.

use crate::edit::place::Place;
use crate::edit::refusal::EditError;
use crate::edit::yaml_page::{Page, Spot, spots};
use crate::ini::pattern::HostPattern;
use crate::ini::split;
use crate::span::Span;
use crate::yaml;
use crate::yaml::graft::{self, NoGraft, Splices};
use crate::yaml::tree::{Entry, Kind, Node, Style};

/// A host, or a range with it, in the `hosts` of a group.
struct Found<'a> {
    spot: Spot<'a>,
    hosts: &'a Entry,
    index: usize,
    entry: &'a Entry,
    range: bool,
}

fn find<'a>(page: &'a Page<'_>, host: &str) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    for spot in spots(&page.root) {
        let Some(hosts) = spot.part("hosts") else { continue };
        for (index, entry) in hosts.value.entries().unwrap_or_default().iter().enumerate() {
            let pattern = entry.key.scalar().and_then(HostPattern::parse);
            if let Some(pattern) = pattern.filter(|pattern| pattern.names(host)) {
                found.push(Found { spot, hosts, index, entry, range: pattern.is_range() });
            }
        }
    }
    found
}

fn known<'a>(page: &'a Page<'_>, host: &str) -> Result<Vec<Found<'a>>, EditError> {
    let found = find(page, host);
    if found.is_empty() { Err(EditError::UnknownHost { host: host.to_owned() }) } else { Ok(found) }
}

pub(crate) fn set(page: &Page<'_>, host: &str, name: &str, value: &str) -> Result<String, EditError> {
    let found = known(page, host)?;
    let differs = |at: &Found<'_>| at.entry.value.get(name).is_some_and(|now| !yaml::is_value(now, value));
    if let Some(range) = found.iter().find(|at| at.range && differs(at)) {
        let text = cut(page, range, host)?;
        return set(&Page::read(&text, page.eol)?, host, name, value);
    }
    let set_at: Vec<&Found<'_>> = found.iter().filter(|at| at.entry.value.get(name).is_some()).collect();
    if !set_at.is_empty() {
        let mut splices = Vec::new();
        for entry in set_at.iter().filter_map(|at| at.entry.value.entry(name)) {
            splices.extend(page.replaced(entry, value).map_err(|error| page.refuse(error.at, error.reason))?);
        }
        return page.with(Ok(splices));
    }
    let full = |at: &&Found<'_>| at.entry.value.entries().is_some_and(|entries| !entries.is_empty());
    let own = || found.iter().filter(|at| !at.range);
    match own().find(full).or(own().next()) {
        Some(target) => page.with(page.set_in(Some(target.entry), &target.entry.value, name, value)),
        None => {
            let range = found.iter().find(full).or(found.first());
            let Some(range) = range else { return Err(EditError::UnknownHost { host: host.to_owned() }) };
            let text = cut(page, range, host)?;
            set(&Page::read(&text, page.eol)?, host, name, value)
        }
    }
}

pub(crate) fn unset(page: &Page<'_>, host: &str, name: &str) -> Result<String, EditError> {
    let found = known(page, host)?;
    let sets = |at: &&Found<'_>| at.entry.value.get(name).is_some();
    if let Some(range) = found.iter().filter(sets).find(|at| at.range) {
        let text = cut(page, range, host)?;
        return unset(&Page::read(&text, page.eol)?, host, name);
    }
    let mut splices = Vec::new();
    for at in &found {
        page.not_merged(&at.entry.value, name)?;
    }
    for at in found.iter().filter(sets) {
        splices.extend(without(page, &at.entry.value, name).map_err(|error| page.refuse(error.at, error.reason))?);
    }
    page.with(Ok(splices))
}

/// What takes a variable out of a map.
pub(crate) fn without(page: &Page<'_>, map: &Node, name: &str) -> Result<Splices, NoGraft> {
    let entries = map.entries().unwrap_or_default();
    match entries.iter().position(|entry| entry.key.scalar() == Some(name)) {
        Some(at) => graft::remove_entry(page.text, map, at),
        None => Ok(Vec::new()),
    }
}

pub(crate) fn strip(page: &Page<'_>, host: &str, name: &str, suffix: &str) -> Result<String, EditError> {
    let found = known(page, host)?;
    let ends =
        |at: &&Found<'_>| at.entry.value.get(name).and_then(Node::scalar).is_some_and(|value| value.ends_with(suffix));
    if let Some(range) = found.iter().filter(ends).find(|at| at.range) {
        let text = cut(page, range, host)?;
        return strip(&Page::read(&text, page.eol)?, host, name, suffix);
    }
    for at in &found {
        let merged = at.entry.value.merged(name).and_then(Node::scalar);
        if merged.is_some_and(|value| value.ends_with(suffix)) {
            page.not_merged(&at.entry.value, name)?;
        }
    }
    let mut splices = Vec::new();
    for entry in found.iter().filter(ends).filter_map(|at| at.entry.value.entry(name)) {
        let value = entry.value.scalar().unwrap_or_default().trim_end_matches(suffix).to_owned();
        splices.extend(page.replaced(entry, &value).map_err(|error| page.refuse(error.at, error.reason))?);
    }
    page.with(Ok(splices))
}

/// The text with an entry of its own for a host of a range.
fn cut(page: &Page<'_>, found: &Found<'_>, host: &str) -> Result<String, EditError> {
    let entry = found.entry;
    let pattern = entry.key.scalar().unwrap_or_default();
    let line = yaml::line_of(page.text, entry.key.span.start);
    let refuse = || EditError::InRange { line, host: host.to_owned(), pattern: pattern.to_owned() };
    let pieces = split::around(pattern, host).ok_or_else(refuse)?.pieces();
    let (span, between) = match &found.hosts.value.kind {
        Kind::Map { style: Style::Block, .. } => {
            (graft::entry_lines(page.text, entry).map_err(|error| page.refuse(error.at, error.reason))?, "")
        }
        Kind::Map { style: Style::Flow, .. } => (graft::span_of(entry), ", "),
        _ => return Err(refuse()),
    };
    let key = entry.key.span;
    let (head, tail) = (Span::new(span.start, key.start).of(page.text), Span::new(key.end, span.end).of(page.text));
    let quote = yaml::quote_of(&entry.key).map(String::from).unwrap_or_default();
    let pieces: Vec<String> = pieces.iter().map(|piece| format!("{head}{quote}{piece}{quote}{tail}")).collect();
    page.with(Ok(vec![(span, pieces.join(between))]))
}

pub(crate) fn move_to(
    page: &Page<'_>,
    host: &str,
    (from, to): (&str, &str),
    place: &Place,
) -> Result<String, EditError> {
    let found = known(page, host)?;
    let leaving: Vec<&Found<'_>> = found.iter().filter(|at| at.spot.group == from && from != to).collect();
    let Some(leaving_one) = leaving.first() else {
        if found.iter().any(|at| at.spot.group == to) {
            return Ok(page.text.to_owned());
        }
        let found = found.iter().map(|at| at.spot.group.to_owned()).collect();
        return Err(EditError::NotInGroup { host: host.to_owned(), group: from.to_owned(), found });
    };
    if let Some(range) = leaving.iter().find(|at| at.range) {
        let text = cut(page, range, host)?;
        return move_to(&Page::read(&text, page.eol)?, host, (from, to), place);
    }
    if let Some(again) = leaving.get(1) {
        return Err(page.refuse(again.entry.key.span.start, &format!("{host} stands in {from} twice")));
    }
    let refuse = |error: NoGraft| page.refuse(error.at, error.reason);
    let body = body(page, leaving_one).map_err(refuse)?;
    let mut splices = graft::remove_entry(page.text, &leaving_one.hosts.value, leaving_one.index).map_err(refuse)?;
    if let Some(there) = found.iter().find(|at| at.spot.group == to) {
        if let Some(lost) = lost(&found, leaving_one) {
            let reason = format!("{host} is in {to} too, where its {lost} of {from} would be lost; set it there first");
            return Err(page.refuse(there.entry.key.span.start, &reason));
        }
        return page.with(Ok(splices));
    }
    splices.extend(arrive(page, to, &body, place)?);
    page.with(Ok(splices))
}

/// A variable that no other place of a host has alike.
fn lost<'a>(found: &[Found<'a>], leaving: &Found<'a>) -> Option<&'a str> {
    let others = || found.iter().filter(|at| !std::ptr::eq(at.entry, leaving.entry));
    let kept = |name: &str, value: &Node| {
        let mut there = others().filter_map(|at| at.entry.value.get(name)).peekable();
        there.peek().is_some() && there.all(|other| other.canonical() == value.canonical())
    };
    let vars = leaving.entry.value.entries().unwrap_or_default();
    vars.iter().find(|var| var.key.scalar().is_none_or(|name| !kept(name, &var.value)))?.key.scalar()
}

/// The text of a host's entry, its first line without what is before the key.
fn body(page: &Page<'_>, found: &Found<'_>) -> Result<String, NoGraft> {
    let short = graft::span_of(found.entry);
    if !matches!(found.hosts.value.kind, Kind::Map { style: Style::Block, .. }) {
        return Ok(short.of(page.text).to_owned());
    }
    let lines = graft::entry_lines(page.text, found.entry)?;
    let indent = graft::column(page.text, found.entry.key.span.start);
    let whole = lines.of(page.text);
    let whole = whole.strip_suffix(page.eol).unwrap_or(whole);
    let head = " ".repeat(indent);
    let lines: Vec<&str> = whole.split(page.eol).map(|line| line.strip_prefix(head.as_str()).unwrap_or(line)).collect();
    Ok(lines.join(page.eol))
}

/// What adds an entry to the hosts of a group.
fn arrive(page: &Page<'_>, group: &str, body: &str, place: &Place) -> Result<Splices, EditError> {
    let refuse = |error: NoGraft| page.refuse(error.at, error.reason);
    let all = spots(&page.root);
    let mut there = all.iter().filter(|spot| spot.group == group);
    if let Some(hosts) = there.clone().find_map(|spot| spot.part("hosts")) {
        let entries = hosts.value.entries().unwrap_or_default();
        let names = |entry: &Entry, host: &str| {
            let pattern = entry.key.scalar().and_then(HostPattern::parse);
            entry.key.scalar() == Some(host) || pattern.is_some_and(|pattern| pattern.names(host))
        };
        let before = match place {
            Place::First => Some(0),
            Place::End => None,
            Place::Before(other) => entries.iter().position(|entry| names(entry, other)),
            Place::After(other) => entries.iter().rposition(|entry| names(entry, other)).map(|at| at + 1),
        };
        let target = page.target(Some(hosts), &hosts.value);
        return graft::add_entry(page.text, target, before, body, page.eol).map_err(refuse);
    }
    if let Some(spot) = there.next() {
        return page.add_below(spot.entry, &["hosts"], body).map_err(refuse);
    }
    let Some(all) = all.iter().find(|spot| spot.group == "all" && spot.parent.is_none()) else {
        return Err(page.refuse(0, &format!("there is no group {group}, and no `all` to put it under")));
    };
    match all.part("children") {
        Some(children) => page.add_below(children, &[group, "hosts"], body),
        None => page.add_below(all.entry, &["children", group, "hosts"], body),
    }
    .map_err(refuse)
}

/// A host or group that uses a definition of a node group, and where.
pub(crate) fn user<'a>(page: &'a Page<'_>, definition: &str) -> Option<(usize, &'a str)> {
    let name = "openshift_node_group_name";
    let uses = |map: &Node| map.get(name).and_then(Node::scalar) == Some(definition);
    spots(&page.root).into_iter().find_map(|spot| {
        let hosts = spot.part("hosts").and_then(|hosts| hosts.value.entries()).unwrap_or_default();
        let host = hosts.iter().find(|host| uses(&host.value));
        let of_host = host.and_then(|host| Some((host.key.span.start, host.key.scalar()?)));
        let vars = spot.part("vars").filter(|vars| uses(&vars.value));
        of_host.or(vars.map(|vars| (vars.key.span.start, spot.group)))
    })
}
