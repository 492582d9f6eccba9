//! Typed edits of an inventory, carried out as the smallest splices that do them.

use crate::edit::definitions::DefinitionChange;
use crate::edit::place::Place;
use crate::yaml;
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

/// Whether a text can be read: any can, but not any that begins as YAML.
///
/// # Errors
/// What is wrong with it.
pub fn reads(text: &str) -> Result<(), String> {
    if yaml::is_yaml(text) { yaml::parse(text).map(|_| ()).map_err(|error| error.to_string()) } else { Ok(()) }
}

/// The host that an edit is for.
pub(crate) fn host_of(edit: &Edit) -> Option<&str> {
    match edit {
        Edit::SetHostVar { host, .. }
        | Edit::UnsetHostVar { host, .. }
        | Edit::StripHostVarSuffix { host, .. }
        | Edit::MoveHost { host, .. } => Some(host),
        _ => None,
    }
}
