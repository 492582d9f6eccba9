//! `kube.delete-node`: a node leaves, and comes back.

use super::steps::{NODE, NODE_UNIT, does, drain, start, stop};
use crate::conformance::Case;
use palinode_core::action::{Action, Bare, Emptydir};
use palinode_core::id::BadId;

const MOVED: &str = "pods that were evicted run where the scheduler put them";

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    let cordon = || Action::Cordon {};
    let leave = || Action::DeleteNode {};
    Ok(vec![
        Case::new("delete-node", NODE, leave())?
            .after(does([cordon(), drain(Emptydir::Delete, Bare::Refuse), stop(NODE_UNIT)]))
            .undo_after(does([start(NODE_UNIT)]))
            .leaves(format!("{NODE}/unit/{NODE_UNIT}"), "the unit was started for the way back")
            .leaves(format!("node/{NODE}@"), "Ready again, as the unit runs")
            .leaves("pod/", MOVED)
            .leaves("volume/", "the brick is back, as the unit runs"),
        Case::new("delete-node, kubelet runs", NODE, leave())?.refused("kubelet"),
        Case::new("delete-node, already gone", NODE, leave())?.after(does([stop(NODE_UNIT), leave()])).nothing(),
    ])
}
