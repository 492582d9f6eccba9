//! `gluster.heal`.

use super::steps::NODE;
use crate::conformance::Case;
use palinode_core::action::{Action, GlusterHeal};
use palinode_core::id::BadId;
use palinode_core::record::Why;

fn heal(volumes: &[&str]) -> Action {
    Action::GlusterHeal(GlusterHeal { volumes: volumes.iter().map(|name| (*name).to_owned()).collect() })
}

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    Ok(vec![
        Case::new("gluster.heal", NODE, heal(&[]))?.nothing(),
        Case::new("gluster.heal, one volume", NODE, heal(&["registry"]))?.nothing(),
        Case::new("gluster.heal, no such volume", NODE, heal(&["nothing"]))?.ends(Why::ExitCode, "does not exist"),
        Case::new("gluster.heal, no gluster", "ingress1.demo", heal(&[]))?.ends(Why::ExitCode, "does not answer"),
    ])
}
