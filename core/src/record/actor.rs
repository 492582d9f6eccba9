//! Who drives a run, and in which world it acts.

use serde::{Deserialize, Serialize};

/// Who started something, as far as the system tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// By the effective uid of the process.
    pub user: String,
    /// The user behind sudo.
    pub sudo_user: Option<String>,
    /// The kernel's login uid: survives su and sudo; none if unset.
    pub login_uid: Option<u32>,
    /// Host name of the machine.
    pub host: String,
    /// Boot id of the machine.
    pub boot: String,
}

/// A process that drives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// Host name of its machine.
    pub host: String,
    /// Boot id of its machine.
    pub boot: String,
    /// Its process id.
    pub pid: u32,
    /// When the process started, in clock ticks since boot, so that a reused pid is not taken for it.
    pub started: u64,
}

/// Where a run acts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// Real hosts.
    Real,
    /// A simulated world, by the folder that holds it.
    Lab {
        /// The folder.
        folder: String,
    },
}
