//! `reboot`.

use super::steps::NODE;
use crate::conformance::{Case, Rule};
use palinode_core::action::Action;
use palinode_core::id::BadId;

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    Ok(vec![
        Case::new("reboot", NODE, Action::Reboot {})?
            .except(Rule::Afresh, "a new intent names the present boot, so it asks for another one"),
    ])
}
