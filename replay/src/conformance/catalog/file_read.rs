//! `file.read`.

use super::steps::NODE;
use crate::conformance::Case;
use palinode_core::action::{Action, FileRead};
use palinode_core::id::BadId;
use palinode_core::record::Why;

const SYSCONFIG: &str = "/etc/sysconfig/atomic-openshift-node";

fn read(path: &str, key: &str) -> Action {
    Action::FileRead(FileRead { path: path.to_owned(), key: key.to_owned() })
}

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    Ok(vec![
        Case::new("file.read", NODE, read(SYSCONFIG, "BOOTSTRAP_CONFIG_NAME"))?.nothing(),
        Case::new("file.read, no such key", NODE, read(SYSCONFIG, "NOTHING"))?.ends(Why::ExitCode, "NOTHING"),
        Case::new("file.read, no such file", NODE, read("/etc/nothing", "KEY"))?.ends(Why::ExitCode, "No such file"),
    ])
}
