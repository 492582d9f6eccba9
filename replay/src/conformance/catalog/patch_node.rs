//! `kube.patch-node`: labels, taints, scheduling.

use super::steps::{NODE, NODE_UNIT, does, labels, stop};
use crate::conformance::Case;
use palinode_core::action::{Action, PatchNode};
use palinode_core::id::BadId;
use std::collections::BTreeMap;

fn patch(unschedulable: Option<bool>, pairs: &[(&str, Option<&str>)]) -> Action {
    Action::PatchNode(PatchNode { unschedulable, labels: labels(pairs), taints: BTreeMap::new() })
}

fn taint(taints: &[(&str, bool)]) -> Action {
    let taints = taints.iter().map(|(taint, want)| ((*taint).to_owned(), *want)).collect();
    Action::PatchNode(PatchNode { unschedulable: None, labels: labels(&[]), taints })
}

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    let leave = || Action::DeleteNode {};
    Ok(vec![
        Case::new(
            "patch-node, labels",
            NODE,
            patch(None, &[("zone", Some("z")), ("region", None), ("new", Some("1"))]),
        )?,
        Case::new("patch-node, schedulable", NODE, patch(Some(true), &[]))?,
        Case::new("patch-node, both", NODE, patch(Some(true), &[("zone", Some("z"))]))?,
        Case::new(
            "patch-node, taints",
            NODE,
            taint(&[("dedicated=storage:NoSchedule", true), ("old=:NoExecute", false)]),
        )?,
        Case::new("patch-node, as it is", NODE, patch(Some(false), &[("zone", Some("a"))]))?.nothing(),
        Case::new("patch-node, no node", NODE, patch(Some(true), &[]))?
            .after(does([stop(NODE_UNIT), leave()]))
            .refused("not found"),
    ])
}
