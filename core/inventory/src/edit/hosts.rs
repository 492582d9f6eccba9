//! Edits of hosts and their inline variables, in an inventory in INI form.

use crate::edit::place::{Place, splice};
use crate::edit::refusal::EditError;
use crate::edit::sections::{insert_before, with_section};
use crate::ini::text::{HostLine, HostVar, Inventory, LineKind};
use crate::literal::value;
use crate::span::Span;
use std::borrow::Cow;

type Splices = Vec<(Span, String)>;

/// Sets an inline variable of a host.
pub(crate) fn set(inventory: &Inventory, host: &str, name: &str, value: &str) -> Result<String, EditError> {
    known(inventory, host)?;
    let differs =
        |_: usize, line: &HostLine| line.vars.iter().any(|var| var.name == name && !value::reads_as(&var.raw, value));
    let mut cut = apart(inventory, host, differs)?;
    let sets = |line: &HostLine| line.vars.iter().any(|var| var.name == name);
    if !lines_of(&cut, host).any(|(_, line)| sets(line)) {
        if !lines_of(&cut, host).any(|(_, line)| !line.pattern.is_range()) {
            let mut ranges = lines_of(inventory, host);
            let target = ranges.clone().find(|(_, line)| !line.vars.is_empty()).or(ranges.next());
            let target = target.map(|(at, _)| at);
            cut = apart(inventory, host, |at, _| Some(at) == target)?;
        }
        let mut own = lines_of(&cut, host).filter(|(_, line)| !line.pattern.is_range());
        let target = own.clone().find(|(_, line)| !line.vars.is_empty()).or(own.next());
        let splices = target.map(|(_, line)| {
            let new = format!(" {name}={}", value::host_value(value, None));
            (Span::new(line.span.end, line.span.end), new)
        });
        return Ok(splice(cut.text(), splices.into_iter().collect()));
    }
    Ok(splice(cut.text(), rewrite(&cut, host, name, |_| Some(value.to_owned()))))
}

/// Removes a suffix from the value of an inline variable.
pub(crate) fn strip(inventory: &Inventory, host: &str, name: &str, suffix: &str) -> Result<String, EditError> {
    known(inventory, host)?;
    let ends = |var: &HostVar| var.name == name && var.value.ends_with(suffix);
    let cut = apart(inventory, host, |_, line| line.vars.iter().any(ends))?;
    let strip = |var: &HostVar| ends(var).then(|| var.value.trim_end_matches(suffix).to_owned());
    Ok(splice(cut.text(), rewrite(&cut, host, name, strip)))
}

/// Removes an inline variable of a host.
pub(crate) fn unset(inventory: &Inventory, host: &str, name: &str) -> Result<String, EditError> {
    known(inventory, host)?;
    let cut = apart(inventory, host, |_, line| line.vars.iter().any(|var| var.name == name))?;
    let own = lines_of(&cut, host).filter(|(_, line)| !line.pattern.is_range());
    let gone = own.flat_map(|(_, line)| removals(&cut, line, name)).collect();
    Ok(splice(cut.text(), gone))
}

/// What takes a variable off a line, with the white space before it.
pub(crate) fn removals(inventory: &Inventory, line: &HostLine, name: &str) -> Splices {
    let found = line.vars.iter().filter(|var| var.name == name);
    found
        .map(|var| {
            let before = Span::new(0, var.span.start).of(inventory.text());
            (Span::new(before.trim_end_matches([' ', '\t']).len(), var.span.end), String::new())
        })
        .collect()
}

/// Moves a host's lines from one group to another.
pub(crate) fn move_to(
    inventory: &Inventory,
    host: &str,
    (from, to): (&str, &str),
    place: &Place,
    eol: &str,
) -> Result<String, EditError> {
    let found = inventory.own_groups(host);
    if found.is_empty() {
        return Err(EditError::UnknownHost { host: host.to_owned() });
    }
    if from == to || !found.contains(&from) {
        if found.contains(&to) {
            return Ok(inventory.text().to_owned());
        }
        let found = found.into_iter().map(str::to_owned).collect();
        return Err(EditError::NotInGroup { host: host.to_owned(), group: from.to_owned(), found });
    }
    let cut = apart(inventory, host, |at, _| inventory.group_at(at) == from)?;
    let gone: Vec<usize> = lines_of(&cut, host).filter(|(at, _)| cut.group_at(*at) == from).map(|(at, _)| at).collect();
    let moved: String =
        gone.iter().filter_map(|at| cut.lines().get(*at)).map(|line| line.span.of(cut.text())).collect();
    let rest = Inventory::parse(&cut.without_lines(&gone));
    let result = match rest.insertion(to, place) {
        Some(at) => insert_before(&rest, at, moved),
        None => with_section(&rest, &format!("[{to}]"), &moved, eol),
    };
    let after = Inventory::parse(&result);
    let (old, new) = (cut.host_vars(host), after.host_vars(host));
    match old.iter().find(|(name, value)| new.get(*name) != Some(value)) {
        Some((name, _)) => {
            let line = gone.first().map_or(0, |at| at + 1);
            Err(EditError::ChangesVar { line, host: host.to_owned(), name: (*name).to_owned() })
        }
        None => Ok(result),
    }
}

fn lines_of<'a>(inventory: &'a Inventory, host: &'a str) -> impl Iterator<Item = (usize, &'a HostLine)> + Clone {
    let lines = inventory.lines().iter().enumerate();
    lines.filter_map(move |(at, line)| match &line.kind {
        LineKind::Host(line) if line.pattern.names(host) => Some((at, line)),
        _ => None,
    })
}

fn known(inventory: &Inventory, host: &str) -> Result<(), EditError> {
    if inventory.has_host(host) { Ok(()) } else { Err(EditError::UnknownHost { host: host.to_owned() }) }
}

/// The inventory with a line of its own for the host, out of each range that is wanted.
fn apart<'a>(
    inventory: &'a Inventory,
    host: &str,
    wanted: impl Fn(usize, &HostLine) -> bool,
) -> Result<Cow<'a, Inventory>, EditError> {
    let ranges = lines_of(inventory, host).filter(|(at, line)| line.pattern.is_range() && wanted(*at, line));
    let mut result = Cow::Borrowed(inventory);
    // From the end, so that the lines that are still to be split keep their places.
    for (at, line) in ranges.collect::<Vec<_>>().into_iter().rev() {
        let text = result.split_at(at, host).ok_or_else(|| EditError::InRange {
            line: at + 1,
            host: host.to_owned(),
            pattern: line.pattern.text().to_owned(),
        })?;
        result = Cow::Owned(Inventory::parse(&text));
    }
    Ok(result)
}

/// Gives the variable a new value wherever a line of the host alone has it.
fn rewrite(inventory: &Inventory, host: &str, name: &str, new: impl Fn(&HostVar) -> Option<String>) -> Splices {
    let own = lines_of(inventory, host).filter(|(_, line)| !line.pattern.is_range());
    let vars = own.flat_map(|(_, line)| &line.vars).filter(|var| var.name == name);
    vars.filter_map(|var| {
        let value = new(var).filter(|value| !value::reads_as(&var.raw, value))?;
        let whole = var.name_span == var.value_span;
        let old = Some(var.value_span.of(inventory.text())).filter(|_| !whole);
        let text = value::host_value(&value, old);
        Some((var.value_span, if whole { format!("{name}={text}") } else { text }))
    })
    .collect()
}
