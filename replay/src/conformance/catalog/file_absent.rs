//! `file` with `state: absent`: trees, links, the content of a directory.

use super::steps::{NODE, absent, stop};
use crate::conformance::{Case, Prep};
use palinode_core::id::BadId;

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    // While its kubelet runs, a node writes its configuration anew.
    let quiet = || Prep::Do(stop("atomic-openshift-node"));
    let origin = || absent(&["/etc/origin"]);
    Ok(vec![
        Case::new("file absent, tree", NODE, origin())?.after([quiet()]),
        Case::new("file absent, content of a directory", NODE, absent(&["/etc/dnsmasq.d/*"]))?,
        Case::new("file absent, link", NODE, absent(&["/etc/localtime"]))?,
        Case::new(
            "file absent, as the purge does",
            NODE,
            absent(&["/etc/origin", "/etc/dnsmasq.d/*", "/etc/nothing.rpmsave"]),
        )?
        .after([quiet()]),
        Case::new("file absent, none there", NODE, absent(&["/etc/nothing", "/etc/none/*"]))?.nothing(),
    ])
}
