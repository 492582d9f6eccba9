//! `fetch`: a file, a tree, nothing.

use super::steps::NODE;
use crate::conformance::Case;
use palinode_core::action::{Action, Fetch};
use palinode_core::id::BadId;
use palinode_core::record::Why;

fn fetch(path: &str) -> Action {
    Action::Fetch(Fetch { path: path.to_owned() })
}

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    Ok(vec![
        Case::new("fetch", NODE, fetch("/etc/resolv.conf"))?.nothing(),
        Case::new("fetch, tree", NODE, fetch("/etc/origin"))?.nothing(),
        Case::new("fetch, nothing there", NODE, fetch("/etc/nothing"))?.ends(Why::ExitCode, "No such file"),
    ])
}
