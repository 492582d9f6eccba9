//! `kube.restore-node`: what brings a node back that left.

use super::steps::{NODE, NODE_UNIT, start, stop};
use crate::conformance::{Case, Prep};
use palinode_core::action::Action;
use palinode_core::id::BadId;
use palinode_core::record::Why;

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    let cordon = || Action::Cordon {};
    let leave = || Action::DeleteNode {};
    let rejoin = |action: &Action| matches!(action, Action::RestoreNode(_));
    Ok(vec![
        Case::new("restore-node, registered again", NODE, leave())?
            .after([Prep::Do(cordon()), Prep::Do(stop(NODE_UNIT)), Prep::Keep(leave()), Prep::Do(start(NODE_UNIT))])
            .inverse(rejoin),
        Case::new("restore-node, waits for the node", NODE, leave())?
            .after([Prep::Do(cordon()), Prep::Do(stop(NODE_UNIT)), Prep::Keep(leave()), Prep::Do(start(NODE_UNIT))])
            .inverse(rejoin)
            .hot(),
        Case::new("restore-node, never registers", NODE, leave())?
            .after([Prep::Do(stop(NODE_UNIT)), Prep::Keep(leave())])
            .inverse(rejoin)
            .ends(Why::Timeout, "did not register"),
    ])
}
