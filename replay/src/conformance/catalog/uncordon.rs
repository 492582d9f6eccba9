//! `kube.uncordon`.

use super::steps::{NODE, does};
use crate::conformance::Case;
use palinode_core::action::Action;
use palinode_core::id::BadId;

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    let cordon = || Action::Cordon {};
    let uncordon = || Action::Uncordon {};
    Ok(vec![
        Case::new("uncordon", NODE, uncordon())?.after(does([cordon()])),
        Case::new("uncordon, already schedulable", NODE, uncordon())?.nothing(),
    ])
}
