//! `record`.

use super::steps::NODE;
use crate::conformance::Case;
use palinode_core::action::{Action, Record};
use palinode_core::id::BadId;

fn record() -> Action {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Action::Record(Record {
        units: list(&["crio", "docker", "dnsmasq", "nothing"]),
        packages: list(&["docker", "cri-o", "nothing"]),
        files: list(&["/etc/origin", "/etc/resolv.conf", "/etc/localtime", "/etc/nothing"]),
        node: true,
    })
}

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    Ok(vec![Case::new("record", NODE, record())?.nothing()])
}
