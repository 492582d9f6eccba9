//! Effects: the smallest changes that a job makes, and the conditions it waits for on its way.

use super::files::Entry;
use palinode_core::resource::Nevra;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What can be done to a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitVerb {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Start it at boot.
    Enable,
    /// Do not start it at boot.
    Disable,
}

/// One primitive change of the world, or a wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Cordons or uncordons a node.
    Schedulable {
        /// The node.
        node: String,
        /// Whether pods may be placed there.
        on: bool,
    },
    /// Evicts one pod, as soon as its disruption budget allows.
    Evict {
        /// Its UID.
        uid: String,
        /// `NAMESPACE/NAME`, for people.
        pod: String,
    },
    /// Deletes a Node object of that UID.
    DeleteNode {
        /// The node.
        node: String,
        /// Its UID.
        uid: String,
    },
    /// Sets and removes labels of a node.
    Label {
        /// The node.
        node: String,
        /// A value sets, none removes.
        labels: BTreeMap<String, Option<String>>,
    },
    /// Gives a node exactly these taints.
    Taint {
        /// The node.
        node: String,
        /// The taints.
        taints: BTreeSet<String>,
    },
    /// Gives a node exactly these fields.
    RestoreNode {
        /// The node.
        node: String,
        /// Whether it is cordoned.
        unschedulable: bool,
        /// Labels.
        labels: BTreeMap<String, String>,
        /// Annotations.
        annotations: BTreeMap<String, String>,
        /// Taints.
        taints: BTreeSet<String>,
    },
    /// Deletes a ConfigMap.
    DeleteConfigMap {
        /// `NAMESPACE/NAME`.
        name: String,
    },
    /// Creates a ConfigMap or replaces its content.
    PutConfigMap {
        /// `NAMESPACE/NAME`.
        name: String,
        /// The text.
        content: Arc<str>,
    },
    /// Does something to a unit.
    Unit {
        /// The host.
        host: String,
        /// The unit.
        unit: String,
        /// What.
        verb: UnitVerb,
    },
    /// Erases one package.
    Erase {
        /// The host.
        host: String,
        /// The package.
        package: Nevra,
    },
    /// Installs one package; another version of it is replaced.
    Install {
        /// The host.
        host: String,
        /// The package.
        package: Nevra,
    },
    /// Puts a file, link or directory at a path.
    Put {
        /// The host.
        host: String,
        /// The path.
        path: String,
        /// What.
        entry: Entry,
    },
    /// Removes a path with everything below it.
    Remove {
        /// The host.
        host: String,
        /// The path.
        path: String,
    },
    /// Reboots a host.
    Reboot {
        /// The host.
        host: String,
    },
    /// Acts on a file of the control side; the world has no part in it.
    Control {
        /// By its path.
        file: String,
    },
    /// Waits until a host is up.
    AwaitBoot {
        /// The host.
        host: String,
    },
    /// Waits until something is at a path.
    AwaitPath {
        /// The host.
        host: String,
        /// The path.
        path: String,
    },
    /// Waits until a unit runs.
    AwaitUnit {
        /// The host.
        host: String,
        /// The unit.
        unit: String,
    },
    /// Waits until something listens on a port.
    AwaitPort {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// Lets time pass.
    Pass {},
    /// Waits until a node is registered, or Ready.
    AwaitNode {
        /// The node.
        node: String,
        /// Whether it must be Ready.
        ready: bool,
    },
    /// Waits until every node carries the annotation of the sync pods.
    AwaitAnnotations {},
    /// Waits until the gluster pod of a node is Ready.
    AwaitGluster {
        /// The node.
        node: String,
    },
    /// Fails a playbook on a host whose names do not resolve.
    NeedNames {
        /// The host.
        host: String,
    },
}

impl Effect {
    /// The line that a program prints about it, if it prints one.
    pub(in crate::lab) fn says(&self) -> Option<String> {
        Some(match self {
            Self::Schedulable { node, on: true } => format!("node/{node} uncordoned\n"),
            Self::Schedulable { node, on: false } => format!("node/{node} cordoned\n"),
            Self::Evict { pod, .. } => format!("pod/{} evicted\n", pod.rsplit('/').next().unwrap_or(pod)),
            Self::DeleteNode { node, .. } => format!("node \"{node}\" deleted\n"),
            Self::Label { node, .. } | Self::Taint { node, .. } | Self::RestoreNode { node, .. } => {
                format!("node/{node} patched\n")
            }
            Self::DeleteConfigMap { name } => format!("configmap \"{name}\" deleted\n"),
            Self::PutConfigMap { name, .. } => format!("configmap/{name} configured\n"),
            Self::Erase { package, .. } => format!("  Erasing    : {package}\n"),
            Self::Install { package, .. } => format!("  Installing : {package}\n"),
            _ => return None,
        })
    }

    /// Whether it changes anything; waits and checks do not.
    pub(crate) fn mutates(&self) -> bool {
        !matches!(
            self,
            Self::AwaitBoot { .. }
                | Self::AwaitPath { .. }
                | Self::AwaitUnit { .. }
                | Self::AwaitPort { .. }
                | Self::Pass {}
                | Self::AwaitNode { .. }
                | Self::AwaitAnnotations {}
                | Self::AwaitGluster { .. }
                | Self::NeedNames { .. }
        )
    }
}
