//! `kube.delete` of a ConfigMap.

use super::steps::{NODE, delete_map};
use crate::conformance::Case;
use palinode_core::id::BadId;

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    let unused = "node-config-compute-crio";
    Ok(vec![
        Case::new("delete ConfigMap", NODE, delete_map(unused))?,
        Case::new("delete ConfigMap, in use", NODE, delete_map("node-config-infra-crio"))?.refused("in use"),
        Case::new("delete ConfigMap, none there", NODE, delete_map("node-config-nothing"))?.nothing(),
    ])
}
