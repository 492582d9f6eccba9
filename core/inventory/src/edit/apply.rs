//! Carrying out edits, whichever form the inventory has.

use crate::diff::difference::{Change, difference, difference_of, difference_of_vars};
use crate::edit::definitions;
use crate::edit::groups;
use crate::edit::hosts;
use crate::edit::kinds::{Edit, host_of};
use crate::edit::meant;
use crate::edit::pins;
use crate::edit::refusal::{EditError, check_name, check_value};
use crate::edit::yaml_edit;
use crate::ini::text::{Inventory, ends_line};
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
    let (result, changes) = if vars > 0 || yaml::is_yaml(text) {
        if vars > 0 && vars < edits.len() {
            return Err(EditError::OnlyVars);
        }
        let result = yaml_edit::edited(text, edits, vars > 0)?;
        let changes = if vars > 0 { difference_of_vars(text, &result) } else { difference(text, &result) };
        (result, changes)
    } else {
        let before = Inventory::parse(text);
        let after = edited(&before, edits)?;
        (after.text().to_owned(), difference_of(&before, &after))
    };
    meant::only(edits, &changes)?;
    Ok((result, changes))
}

pub(crate) fn edited(before: &Inventory, edits: &[Edit]) -> Result<Inventory, EditError> {
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
pub(crate) fn one(inventory: &Inventory, edit: &Edit, eol: &str) -> Result<Option<Inventory>, EditError> {
    if let Some(host) = host_of(edit).filter(|host| inventory.groups().contains(host)) {
        return Err(EditError::TwoThings { host: host.to_owned() });
    }
    let changed = match edit {
        Edit::SetHostVar { host, name, value } => {
            check_name("variable name", name)?;
            check_value(name, value)?;
            hosts::set(inventory, host, name, value)?
        }
        Edit::StripHostVarSuffix { host, name, suffix } => {
            check_name("variable name", name)?;
            if suffix.is_empty() {
                return Err(EditError::InvalidValue { name: name.clone(), reason: "has no suffix to strip" });
            }
            hosts::strip(inventory, host, name, suffix)?
        }
        Edit::UnsetHostVar { host, name } => {
            check_name("variable name", name)?;
            hosts::unset(inventory, host, name)?
        }
        Edit::MoveHost { host, from, to, place } => {
            check_name("group name", from)?;
            check_name("group name", to)?;
            hosts::move_to(inventory, host, (from, to), place, eol)?
        }
        Edit::SetGroupVar { group, name, value } => {
            check_name("group name", group)?;
            check_name("variable name", name)?;
            check_value(name, value)?;
            groups::set(inventory, group, name, value, eol)?
        }
        Edit::UnsetGroupVar { group, name } => {
            check_name("group name", group)?;
            check_name("variable name", name)?;
            groups::unset(inventory, group, name)
        }
        Edit::LiftHostVar { group, name } => {
            check_name("group name", group)?;
            check_name("variable name", name)?;
            groups::lift(inventory, group, name, eol)?
        }
        Edit::EnsureChild { parent, child } => {
            check_name("group name", parent)?;
            check_name("group name", child)?;
            groups::ensure_child(inventory, parent, child, eol)?
        }
        Edit::PinVersions { group: Some(group), openshift, storage } => {
            check_name("group name", group)?;
            let known = inventory.group_vars(group);
            let known = known.into_iter().map(|(name, value)| (name, value.to_owned()));
            let mut text = None;
            for (name, value) in pins::variables(openshift.as_deref(), storage.as_deref(), known)? {
                let now = text.as_deref().map(Inventory::parse);
                text = Some(groups::set(now.as_ref().unwrap_or(inventory), group, &name, &value, eol)?);
            }
            text.unwrap_or_else(|| inventory.text().to_owned())
        }
        Edit::NodeGroup { group: Some(group), definition, change } => {
            check_name("group name", group)?;
            definitions::in_section(inventory, group, definition, change)?
        }
        Edit::SetVar { .. }
        | Edit::UnsetVar { .. }
        | Edit::PinVersions { group: None, .. }
        | Edit::NodeGroup { group: None, .. } => return Err(EditError::NoGroup),
    };
    Ok((changed != inventory.text()).then(|| Inventory::parse(&changed)))
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
