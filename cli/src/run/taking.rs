//! What a run takes from other journals.

use palinode_core::id::HostName;
use palinode_core::run::plan::Plan;
use std::collections::BTreeMap;

/// What is taken from other journals once that is recorded.
#[derive(Debug, Default)]
pub(crate) struct Taking {
    /// The hosts, and whether their nodes and the inventories of the plan are taken too.
    pub(crate) hosts: Vec<HostName>,
    pub(crate) plan: Option<Plan>,
    /// Whose each of them is, in words: what is recorded.
    pub(crate) words: BTreeMap<String, String>,
}
