//! Edits of hosts and their inline variables, in an inventory in INI form.

use crate::edit::meant::means;
use crate::edit::place::Place;
use crate::edit::refusal::EditError;
use crate::edit::sections::{add_section, insert_before, remove_lines};
use crate::ini::text::{HostLine, HostVar, Inventory, LineKind};
use crate::literal::value;
use crate::model::value::Value;
use crate::span::Span;
use std::collections::BTreeMap;

type Splices = Vec<(Span, String)>;

/// Sets an inline variable of a host.
pub(crate) fn set(inventory: &mut Inventory, host: &str, name: &str, value: &str) -> Result<(), EditError> {
    known(inventory, host)?;
    let differs =
        |_: usize, line: &HostLine| line.vars.iter().any(|var| var.name == name && !means(&var.value.value(), value));
    apart(inventory, host, differs)?;
    let sets = |line: &HostLine| line.vars.iter().any(|var| var.name == name);
    if inventory.lines_of(host).any(|(_, line)| sets(line)) {
        let splices = rewrite(inventory, host, name, |_| Some(value.to_owned()));
        inventory.splice(splices);
        return Ok(());
    }
    if !inventory.lines_of(host).any(|(_, line)| !line.pattern.is_range()) {
        let target = best(inventory, host, |_| true).map(|(at, _)| at);
        apart(inventory, host, |at, _| Some(at) == target)?;
    }
    let target = best(inventory, host, |line| !line.pattern.is_range()).map(|(_, line)| line.span.end);
    let new = || format!(" {name}={}", value::host_value(value, None));
    let splices = target.map(|end| (Span::new(end, end), new())).into_iter().collect();
    inventory.splice(splices);
    Ok(())
}

/// The line of a host for what is new: its first that has variables, or its first.
fn best<'a>(inventory: &'a Inventory, host: &'a str, fits: fn(&HostLine) -> bool) -> Option<(usize, &'a HostLine)> {
    let mut lines = inventory.lines_of(host).filter(|(_, line)| fits(line));
    lines.clone().find(|(_, line)| !line.vars.is_empty()).or_else(|| lines.next())
}

/// Removes a suffix from the value of an inline variable.
pub(crate) fn strip(inventory: &mut Inventory, host: &str, name: &str, suffix: &str) -> Result<(), EditError> {
    known(inventory, host)?;
    let ends =
        |var: &HostVar| var.name == name && var.value.value().printed().is_some_and(|text| text.ends_with(suffix));
    apart(inventory, host, |_, line| line.vars.iter().any(ends))?;
    let strip = |var: &HostVar| {
        let text = Some(var).filter(|var| ends(var)).and_then(|var| var.value.value().printed());
        text.map(|text| text.trim_end_matches(suffix).to_owned())
    };
    let splices = rewrite(inventory, host, name, strip);
    inventory.splice(splices);
    Ok(())
}

/// Removes an inline variable of a host.
pub(crate) fn unset(inventory: &mut Inventory, host: &str, name: &str) -> Result<(), EditError> {
    known(inventory, host)?;
    apart(inventory, host, |_, line| line.vars.iter().any(|var| var.name == name))?;
    let own = inventory.lines_of(host).filter(|(_, line)| !line.pattern.is_range());
    let gone = own.flat_map(|(_, line)| removals(inventory, line, name)).collect();
    inventory.splice(gone);
    Ok(())
}

/// What takes a variable off a line, with the white space before it.
pub(crate) fn removals(inventory: &Inventory, line: &HostLine, name: &str) -> Splices {
    let found = line.vars.iter().filter(|var| var.name == name);
    found
        .map(|var| {
            let before = Span::new(line.span.start, var.span.start).of(inventory.text());
            let kept = line.span.start + before.trim_end_matches([' ', '\t']).len();
            (Span::new(kept, var.span.end), String::new())
        })
        .collect()
}

/// Moves a host's lines from one group to another.
pub(crate) fn move_to(
    inventory: &mut Inventory,
    host: &str,
    (from, to): (&str, &str),
    place: &Place,
    eol: &str,
) -> Result<(), EditError> {
    let found = inventory.groups_naming(host);
    if found.is_empty() {
        return Err(EditError::UnknownHost { host: host.to_owned() });
    }
    if from == to || !found.contains(&from) {
        if found.contains(&to) {
            return Ok(());
        }
        let found = found.into_iter().map(str::to_owned).collect();
        return Err(EditError::NotInGroup { host: host.to_owned(), group: from.to_owned(), found });
    }
    let in_from: Vec<bool> = (0..inventory.lines().len()).map(|at| inventory.group_at(at) == from).collect();
    apart(inventory, host, |at, _| in_from.get(at) == Some(&true))?;
    let gone: Vec<usize> =
        inventory.lines_of(host).filter(|(at, _)| inventory.group_at(*at) == from).map(|(at, _)| at).collect();
    let moved: String =
        gone.iter().filter_map(|at| inventory.lines().get(*at)).map(|line| line.span.of(inventory.text())).collect();
    let old = vars_of(inventory, host);
    let bare = gone.iter().all(|at| says_nothing(inventory, *at));
    remove_lines(inventory, &gone);
    let there = inventory.lines_of(host).any(|(at, _)| inventory.group_at(at) == to);
    match inventory.insertion(to, place) {
        // It is there already, and a second line would say nothing more.
        _ if there && bare => {}
        Some(at) => insert_before(inventory, at, moved),
        None => add_section(inventory, &format!("[{to}]"), &moved, eol),
    }
    let new = vars_of(inventory, host);
    match old.iter().find(|(name, value)| !new.get(*name).is_some_and(|new| new.same(value))) {
        Some((name, _)) => {
            let line = gone.first().map_or(0, |at| at + 1);
            Err(EditError::ChangesVar { line, host: host.to_owned(), name: name.clone() })
        }
        None => Ok(()),
    }
}

/// Whether a line of a host has its name alone: no variables, no port and no comment.
fn says_nothing(inventory: &Inventory, line: usize) -> bool {
    inventory.lines().get(line).is_some_and(|line| match &line.kind {
        LineKind::Host(host) => {
            host.vars.is_empty() && host.pattern.port().is_none() && host.span.end == line.content.end
        }
        _ => false,
    })
}

/// The inline variables of a host: the last of all lines that name it.
fn vars_of(inventory: &Inventory, host: &str) -> BTreeMap<String, Value> {
    let vars = inventory.lines_of(host).flat_map(|(_, line)| &line.vars);
    vars.map(|var| (var.name.clone(), var.value.value().into_owned())).collect()
}

fn known(inventory: &Inventory, host: &str) -> Result<(), EditError> {
    let there = inventory.lines_of(host).next().is_some();
    if there { Ok(()) } else { Err(EditError::UnknownHost { host: host.to_owned() }) }
}

/// Makes a line of its own for the host, out of each range that is wanted.
fn apart(inventory: &mut Inventory, host: &str, wanted: impl Fn(usize, &HostLine) -> bool) -> Result<(), EditError> {
    let ranges = inventory.lines_of(host).filter(|(at, line)| line.pattern.is_range() && wanted(*at, line));
    let ranges: Vec<(usize, String)> = ranges.map(|(at, line)| (at, line.pattern.text().to_owned())).collect();
    // From the end, so that the lines that are still to be split keep their places.
    for (at, pattern) in ranges.into_iter().rev() {
        let refused = || EditError::InRange { line: at + 1, host: host.to_owned(), pattern };
        let pieces = inventory.split_at(at, host).ok_or_else(refused)?;
        inventory.splice(vec![pieces]);
    }
    Ok(())
}

/// Gives the variable a new value wherever a line of the host alone has it.
fn rewrite(inventory: &Inventory, host: &str, name: &str, new: impl Fn(&HostVar) -> Option<String>) -> Splices {
    let own = inventory.lines_of(host).filter(|(_, line)| !line.pattern.is_range());
    let vars = own.flat_map(|(_, line)| &line.vars).filter(|var| var.name == name);
    vars.filter_map(|var| {
        let value = new(var).filter(|value| !means(&var.value.value(), value))?;
        let whole = var.name_span == var.value_span;
        let old = Some(var.value_span.of(inventory.text())).filter(|_| !whole);
        let text = value::host_value(&value, old);
        Some((var.value_span, if whole { format!("{name}={text}") } else { text }))
    })
    .collect()
}
