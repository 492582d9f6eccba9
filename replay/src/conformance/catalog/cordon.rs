//! `kube.cordon`.

use super::steps::{NODE, NODE_UNIT, does, stop};
use crate::conformance::Case;
use palinode_core::action::Action;
use palinode_core::id::BadId;

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    let cordon = || Action::Cordon {};
    let leave = || Action::DeleteNode {};
    Ok(vec![
        Case::new("cordon", NODE, cordon())?,
        Case::new("cordon, already cordoned", NODE, cordon())?.after(does([cordon()])).nothing(),
        Case::new("cordon, no node", NODE, cordon())?.after(does([stop(NODE_UNIT), leave()])).refused("not found"),
    ])
}
