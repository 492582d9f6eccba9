//! `kube.apply`: what brings a ConfigMap back.

use super::steps::{NODE, delete_map};
use crate::conformance::{Case, Prep};
use palinode_core::action::Action;
use palinode_core::id::BadId;

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    let unused = "node-config-compute-crio";
    let apply = |action: &Action| matches!(action, Action::ApplyObject(_));
    Ok(vec![
        Case::new("apply ConfigMap, deleted", NODE, delete_map(unused))?
            .after([Prep::Keep(delete_map(unused))])
            .inverse(apply),
    ])
}
