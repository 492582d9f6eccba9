//! Typed edits of an inventory, carried out as the smallest splices that do them.

use super::place::{Place, splice};
use super::refusal::{EditError, check_name, check_value};
use super::text::{HostLine, HostVar, Inventory, LineKind, SectionKind, Span, ends_line};
use super::value;
use serde::{Deserialize, Serialize};

/// One change of meaning. Carried out twice it changes nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Edit {
    /// Sets an inline variable on every line of the host that has it; else adds it to the host's first line that has
    /// variables, or to its first line.
    SetHostVar {
        /// The host.
        host: String,
        /// The variable.
        name: String,
        /// The value as a template shall print it.
        value: String,
    },
    /// Removes an inline variable from every line of the host.
    UnsetHostVar {
        /// The host.
        host: String,
        /// The variable.
        name: String,
    },
    /// Removes a suffix from the value of an inline variable, wherever the host has it (`-crio` of a node group).
    StripHostVarSuffix {
        /// The host.
        host: String,
        /// The variable.
        name: String,
        /// The suffix; removed as often as it stands there.
        suffix: String,
    },
    /// Moves the host's line with its variables and its comment. A missing section is created at the end of the file.
    ///
    /// To bring a host back, ask [`Inventory::place_of`] before it leaves and give that place here.
    MoveHost {
        /// The host.
        host: String,
        /// The group whose line is moved.
        from: String,
        /// The group it is moved to.
        to: String,
        /// Where in that group.
        #[serde(default)]
        place: Place,
    },
    /// Sets a variable in `[group:vars]`, a section that is created at the end of the file when missing.
    SetGroupVar {
        /// The group, declared elsewhere in the file.
        group: String,
        /// The variable.
        name: String,
        /// The value as a template shall print it.
        value: String,
    },
    /// Makes a group the child of another; declares both.
    EnsureChild {
        /// The group above.
        parent: String,
        /// The group below.
        child: String,
    },
}

/// Carries out the edits in order and gives the new text, or refuses them all.
///
/// Only the bytes that an edit means are touched: comments, spacing, quotes and line ends stay, as does a missing
/// line end of the last line.
///
/// # Errors
/// If an edit names what the inventory has not, or would change more than it says.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    edited(&Inventory::parse(text), edits).map(|inventory| inventory.text().to_owned())
}

/// The same with inventories that are read already: reading a large one takes longer than editing it.
///
/// # Errors
/// As [`apply`].
pub fn edited(before: &Inventory, edits: &[Edit]) -> Result<Inventory, EditError> {
    let text = before.text();
    let eol = before.line_ending();
    let open = text.chars().next_back().is_some_and(|c| !ends_line(c));
    let mut now = open.then(|| Inventory::parse(&format!("{text}{eol}")));
    for edit in edits {
        if let Some(next) = one(now.as_ref().unwrap_or(before), edit, eol)? {
            now = Some(next);
        }
    }
    let now = now.unwrap_or_else(|| before.clone());
    if !open {
        return Ok(now);
    }
    let result = now.text();
    let body = result.strip_suffix("\r\n").or_else(|| result.strip_suffix(ends_line));
    Ok(Inventory::parse(body.unwrap_or(result)))
}

/// What one edit makes of the inventory; none if it changes nothing.
fn one(inventory: &Inventory, edit: &Edit, eol: &str) -> Result<Option<Inventory>, EditError> {
    let read = |text: String| Ok((text != inventory.text()).then(|| Inventory::parse(&text)));
    match edit {
        Edit::SetHostVar { host, name, value } => {
            check_name("variable name", name)?;
            check_value(name, value)?;
            let lines = lines_of(inventory, host, name)?;
            let (splices, found) = rewrite(inventory, &lines, name, |_| value.clone());
            let target = lines.iter().find(|(_, line)| !line.vars.is_empty()).or(lines.first());
            match target {
                Some((_, line)) if !found => {
                    let new = format!(" {name}={}", value::host_value(value, None));
                    read(splice(inventory.text(), vec![(Span::new(line.span.end, line.span.end), new)]))
                }
                _ => read(splice(inventory.text(), splices)),
            }
        }
        Edit::StripHostVarSuffix { host, name, suffix } => {
            check_name("variable name", name)?;
            if suffix.is_empty() {
                return Err(EditError::InvalidValue { name: name.clone(), reason: "has no suffix to strip" });
            }
            let lines = lines_of(inventory, host, name)?;
            let strip = |var: &HostVar| var.value.trim_end_matches(suffix.as_str()).to_owned();
            let (mut splices, _) = rewrite(inventory, &lines, name, strip);
            let ends: Vec<usize> = lines
                .iter()
                .flat_map(|(_, line)| &line.vars)
                .filter(|var| var.value.ends_with(suffix.as_str()))
                .map(|var| var.value_span.end)
                .collect();
            splices.retain(|(span, _)| ends.contains(&span.end));
            read(splice(inventory.text(), splices))
        }
        Edit::UnsetHostVar { host, name } => {
            check_name("variable name", name)?;
            let lines = lines_of(inventory, host, name)?;
            let mut splices = Vec::new();
            for (_, line) in lines {
                for var in line.vars.iter().filter(|var| var.name == *name) {
                    let before = Span::new(0, var.span.start).of(inventory.text());
                    let start = before.trim_end_matches([' ', '\t']).len();
                    splices.push((Span::new(start, var.span.end), String::new()));
                }
            }
            read(splice(inventory.text(), splices))
        }
        Edit::MoveHost { host, from, to, place } => move_host(inventory, host, (from, to), place, eol),
        Edit::SetGroupVar { group, name, value } => {
            check_name("group name", group)?;
            check_name("variable name", name)?;
            check_value(name, value)?;
            read(set_group_var(inventory, group, name, value, eol)?)
        }
        Edit::EnsureChild { parent, child } => {
            check_name("group name", parent)?;
            check_name("group name", child)?;
            read(ensure_child(inventory, parent, child, eol)?)
        }
    }
}

/// The host's own lines; refused if a range sets the variable, or is all that names the host.
fn lines_of<'a>(inventory: &'a Inventory, host: &str, name: &str) -> Result<Vec<(usize, &'a HostLine)>, EditError> {
    let lines: Vec<_> = inventory.host_lines().filter(|(_, line)| line.pattern.names(host)).collect();
    let alone = |line: &HostLine| !line.pattern.is_range();
    let own: Vec<_> = lines.iter().copied().filter(|(_, line)| alone(line)).collect();
    let range =
        lines.iter().find(|(_, line)| !alone(line) && (own.is_empty() || line.vars.iter().any(|var| var.name == name)));
    match range {
        Some((at, line)) => Err(in_range(*at, host, line)),
        None if own.is_empty() => Err(EditError::UnknownHost { host: host.to_owned() }),
        None => Ok(own),
    }
}

fn in_range(at: usize, host: &str, line: &HostLine) -> EditError {
    EditError::InRange { line: at + 1, host: host.to_owned(), pattern: line.pattern.text().to_owned() }
}

/// Gives the variable a new value wherever it stands; also says whether it stands anywhere.
fn rewrite(
    inventory: &Inventory,
    lines: &[(usize, &HostLine)],
    name: &str,
    new: impl Fn(&HostVar) -> String,
) -> (Vec<(Span, String)>, bool) {
    let vars: Vec<&HostVar> = lines.iter().flat_map(|(_, line)| &line.vars).filter(|var| var.name == name).collect();
    let changed = vars.iter().filter_map(|var| {
        let value = new(var);
        if value::reads_as(&var.raw, &value) {
            return None;
        }
        let whole = var.name_span == var.value_span;
        let old = Some(var.value_span.of(inventory.text())).filter(|_| !whole);
        let text = value::host_value(&value, old);
        Some((var.value_span, if whole { format!("{name}={text}") } else { text }))
    });
    (changed.collect(), !vars.is_empty())
}

fn move_host(
    inventory: &Inventory,
    host: &str,
    (from, to): (&str, &str),
    place: &Place,
    eol: &str,
) -> Result<Option<Inventory>, EditError> {
    check_name("group name", from)?;
    check_name("group name", to)?;
    let mut gone = Vec::new();
    for (at, line) in inventory.host_lines().filter(|(_, line)| line.pattern.names(host)) {
        if inventory.group_at(at) == from {
            if line.pattern.is_range() {
                return Err(in_range(at, host, line));
            }
            gone.push(at);
        }
    }
    let Some(first) = gone.first().copied().filter(|_| from != to) else {
        let found = inventory.own_groups(host);
        if found.contains(&to) {
            return Ok(None);
        }
        if found.is_empty() {
            return Err(EditError::UnknownHost { host: host.to_owned() });
        }
        let found = found.into_iter().map(str::to_owned).collect();
        return Err(EditError::NotInGroup { host: host.to_owned(), group: from.to_owned(), found });
    };
    let moved: String =
        gone.iter().filter_map(|at| inventory.lines().get(*at)).map(|line| line.span.of(inventory.text())).collect();
    let rest = Inventory::parse(&inventory.without_lines(&gone));
    let result = match rest.insertion(to, place) {
        Some(at) => insert_before(&rest, at, moved),
        None => with_section(&rest, &format!("[{to}]"), &moved, eol),
    };
    let after = Inventory::parse(&result);
    let (old, new) = (inventory.host_vars(host), after.host_vars(host));
    match old.iter().find(|(name, value)| new.get(*name) != Some(value)) {
        Some((name, _)) => {
            Err(EditError::ChangesVar { line: first + 1, host: host.to_owned(), name: (*name).to_owned() })
        }
        None => Ok(Some(after)),
    }
}

fn set_group_var(inventory: &Inventory, group: &str, name: &str, value: &str, eol: &str) -> Result<String, EditError> {
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
            if !value::reads_as(old, value) {
                let commented = value_span.end < line.content.end;
                splices.push((*value_span, value::group_value(value, Some(old), commented)));
            }
        }
    }
    if found {
        return Ok(splice(inventory.text(), splices));
    }
    let new = format!("{name}={}{eol}", value::group_value(value, None, false));
    Ok(match last {
        Some(at) => insert_before(inventory, at, new),
        None => with_section(inventory, &format!("[{group}:vars]"), &new, eol),
    })
}

fn ensure_child(inventory: &Inventory, parent: &str, child: &str, eol: &str) -> Result<String, EditError> {
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

fn insert_before(inventory: &Inventory, line: usize, new: String) -> String {
    let at = inventory.start_of_line(line);
    splice(inventory.text(), vec![(Span::new(at, at), new)])
}

/// The text with a section at its end, set off by a blank line.
fn with_section(inventory: &Inventory, header: &str, body: &str, eol: &str) -> String {
    let gap = match inventory.lines().last() {
        None => "",
        Some(line) if line.kind == LineKind::Blank => "",
        Some(_) => eol,
    };
    format!("{}{gap}{header}{eol}{body}", inventory.text())
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
