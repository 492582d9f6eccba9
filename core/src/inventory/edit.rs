//! Typed edits of an inventory, carried out as the smallest splices that do them.

use super::definitions::{self, DefinitionChange};
use super::difference::{Change, difference, difference_of, difference_of_vars};
use super::place::Place;
use super::refusal::{EditError, check_name, check_value};
use super::text::{Inventory, ends_line};
use super::{groups, hosts, meant, pins, yaml, yaml_edit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One change of meaning. Carried out twice it changes nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Edit {
    /// Sets an inline variable on every line of the host that has it; else adds it to the host's first line that has
    /// variables, or to its first line. A range is split first, so that its other hosts keep what they have.
    SetHostVar {
        /// The host, as the inventory names it.
        host: String,
        /// The name of the variable.
        name: String,
        /// The value, as a template shall print it.
        value: String,
    },
    /// Removes an inline variable from every line of the host.
    UnsetHostVar {
        /// The host, as the inventory names it.
        host: String,
        /// The name of the variable.
        name: String,
    },
    /// Removes a suffix from the value of an inline variable, wherever the host has it (`-crio` of a node group).
    StripHostVarSuffix {
        /// The host, as the inventory names it.
        host: String,
        /// The name of the variable.
        name: String,
        /// The suffix; removed as often as it stands there.
        suffix: String,
    },
    /// Moves the host's line with its variables and its comment, out of a range too. A missing section is created at
    /// the end of the file.
    // To bring a host back, ask `Inventory::place_of` before it leaves and give that place here.
    MoveHost {
        /// The host, as the inventory names it.
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
        /// The name of the variable.
        name: String,
        /// The value, as a template shall print it.
        value: String,
    },
    /// Makes a group the child of another; declares both.
    EnsureChild {
        /// The group that gets the other as a child.
        parent: String,
        /// The group that becomes its child.
        child: String,
    },
    /// Removes a variable from every `[group:vars]`; an empty section stays.
    UnsetGroupVar {
        /// The group, as the inventory names it.
        group: String,
        /// The name of the variable.
        name: String,
    },
    /// Moves a variable from the lines of a group's hosts into `[group:vars]`, once all of them have the same value.
    LiftHostVar {
        /// The group, as the inventory names it.
        group: String,
        /// The name of the variable.
        name: String,
    },
    /// Fixes the versions that a playbook would install, up to the patch number.
    PinVersions {
        /// The group whose variables are set; none if the file itself holds variables.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// The version of OpenShift, such as `3.11.161`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        openshift: Option<String>,
        /// The tag of all GlusterFS and heketi images that the file names, such as `v3.11.4`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        storage: Option<String>,
    },
    /// Changes one definition in `openshift_node_groups`.
    NodeGroup {
        /// The group whose variable it is; none if the file itself holds variables.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// The name in the definition, such as `node-config-infra-crio`.
        definition: String,
        /// What is changed in the definition.
        change: DefinitionChange,
    },
    /// Sets a variable in a file of `group_vars` or `host_vars`.
    SetVar {
        /// The name of the variable.
        name: String,
        /// The value, as a template shall print it.
        value: String,
    },
    /// Removes a variable from a file of `group_vars` or `host_vars`.
    UnsetVar {
        /// The name of the variable.
        name: String,
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

/// Whether a text can be read: any can, but not any that begins as YAML.
///
/// # Errors
/// What is wrong with it.
pub fn reads(text: &str) -> Result<(), String> {
    if yaml::is_yaml(text) { yaml::parse(text).map(|_| ()).map_err(|error| error.to_string()) } else { Ok(()) }
}

fn edited(before: &Inventory, edits: &[Edit]) -> Result<Inventory, EditError> {
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

/// The host that an edit is for.
pub(super) fn host_of(edit: &Edit) -> Option<&str> {
    match edit {
        Edit::SetHostVar { host, .. }
        | Edit::UnsetHostVar { host, .. }
        | Edit::StripHostVarSuffix { host, .. }
        | Edit::MoveHost { host, .. } => Some(host),
        _ => None,
    }
}

/// What one edit makes of the inventory; none if it changes nothing.
fn one(inventory: &Inventory, edit: &Edit, eol: &str) -> Result<Option<Inventory>, EditError> {
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
#[path = "edit_tests.rs"]
mod tests;
