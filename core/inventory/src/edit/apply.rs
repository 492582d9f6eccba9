//! Carrying out edits, whichever form the inventory has.

use crate::diff::difference::{Change, between};
use crate::diff::meaning::Meaning;
use crate::edit::definitions;
use crate::edit::groups;
use crate::edit::hosts;
use crate::edit::kinds::{Edit, host_of};
use crate::edit::meant;
use crate::edit::pins;
use crate::edit::refusal::{EditError, check_name, check_value};
use crate::edit::yaml_edit;
use crate::ini::text::{Inventory, ends_line};
use crate::span::Span;
use crate::yaml;

/// Carries out the edits in order and gives the new text, or refuses them all.
///
/// Only the bytes that an edit means are touched: comments, spacing, quotes and line ends stay, as does a missing
/// line end of the last line.
///
/// # Errors
/// If an edit names what the inventory has not, or would change more than it says.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    amend(text, edits).map(|(text, _)| text)
}

/// The same, with what changed in meaning. That is never more than the edits are for.
///
/// # Errors
/// As [`apply`].
pub fn amend(text: &str, edits: &[Edit]) -> Result<(String, Vec<Change>), EditError> {
    let vars = edits.iter().filter(|edit| yaml_edit::is_for_vars(edit)).count();
    let (result, old, new) = if vars > 0 || yaml::is_yaml(text) {
        if vars > 0 && vars < edits.len() {
            return Err(EditError::OnlyVars);
        }
        let result = yaml_edit::edited(text, edits, vars > 0)?;
        let meaning = if vars > 0 { Meaning::of_vars } else { Meaning::of };
        let (old, new) = (meaning(text), meaning(&result));
        (result, old, new)
    } else {
        let before = Inventory::parse(text);
        let old = Meaning::of_ini(&before);
        let after = edited(before, edits)?;
        let new = Meaning::of_ini(&after);
        (after.into_text(), old, new)
    };
    let changes = between(&old, &new);
    meant::only(edits, &changes, &new)?;
    Ok((result, changes))
}

/// The inventory with all edits made. It is read once: each edit reads again only the lines that it changes.
pub(crate) fn edited(mut inventory: Inventory, edits: &[Edit]) -> Result<Inventory, EditError> {
    let eol = inventory.line_ending();
    let ended = |text: &str| text.chars().next_back().is_none_or(ends_line);
    let open = !ended(inventory.text());
    if open {
        let end = inventory.text().len();
        inventory.splice(vec![(Span::new(end, end), eol.to_owned())]);
    }
    for edit in edits {
        one(&mut inventory, edit, eol)?;
    }
    if open {
        let text = inventory.text();
        let body = text.strip_suffix("\r\n").or_else(|| text.strip_suffix(ends_line)).unwrap_or(text);
        let cut = Span::new(body.len(), text.len());
        inventory.splice(vec![(cut, String::new())]);
    }
    Ok(inventory)
}

/// Makes one edit.
fn one(inventory: &mut Inventory, edit: &Edit, eol: &str) -> Result<(), EditError> {
    if let Some(host) = host_of(edit).filter(|host| inventory.has_section(host)) {
        return Err(EditError::TwoThings { host: host.to_owned() });
    }
    match edit {
        Edit::SetHostVar { host, name, value } => {
            check_name("variable name", name)?;
            check_value(name, value)?;
            hosts::set(inventory, host, name, value)
        }
        Edit::StripHostVarSuffix { host, name, suffix } => {
            check_name("variable name", name)?;
            if suffix.is_empty() {
                return Err(EditError::InvalidValue { name: name.clone(), reason: "has no suffix to strip" });
            }
            hosts::strip(inventory, host, name, suffix)
        }
        Edit::UnsetHostVar { host, name } => {
            check_name("variable name", name)?;
            hosts::unset(inventory, host, name)
        }
        Edit::MoveHost { host, from, to, place } => {
            check_name("group name", from)?;
            check_name("group name", to)?;
            hosts::move_to(inventory, host, (from, to), place, eol)
        }
        Edit::SetGroupVar { group, name, value } => {
            check_name("group name", group)?;
            check_name("variable name", name)?;
            check_value(name, value)?;
            groups::set(inventory, group, name, value, eol)
        }
        Edit::UnsetGroupVar { group, name } => {
            check_name("group name", group)?;
            check_name("variable name", name)?;
            groups::unset(inventory, group, name);
            Ok(())
        }
        Edit::LiftHostVar { group, name } => {
            check_name("group name", group)?;
            check_name("variable name", name)?;
            groups::lift(inventory, group, name, eol)
        }
        Edit::EnsureChild { parent, child } => {
            check_name("group name", parent)?;
            check_name("group name", child)?;
            groups::ensure_child(inventory, parent, child, eol)
        }
        Edit::PinVersions { group: Some(group), openshift, storage } => {
            check_name("group name", group)?;
            let known = groups::vars(inventory, group);
            for (name, value) in pins::variables(openshift.as_deref(), storage.as_deref(), known)? {
                groups::set(inventory, group, &name, &value, eol)?;
            }
            Ok(())
        }
        Edit::NodeGroup { group: Some(group), definition, change } => {
            check_name("group name", group)?;
            let text = definitions::in_section(inventory, group, definition, change)?;
            if text != inventory.text() {
                *inventory = Inventory::parse(&text);
            }
            Ok(())
        }
        Edit::SetVar { .. }
        | Edit::UnsetVar { .. }
        | Edit::PinVersions { group: None, .. }
        | Edit::NodeGroup { group: None, .. } => Err(EditError::NoGroup),
    }
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
