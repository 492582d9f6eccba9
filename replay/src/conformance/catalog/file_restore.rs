//! `file.restore`: each sort of file that goes back.

use super::steps::{NODE, UPSTREAM, absent, resolver, stop, write};
use crate::conformance::{Case, Prep};
use palinode_core::action::Action;
use palinode_core::id::BadId;

fn restores(action: &Action) -> bool {
    matches!(action, Action::FileRestore(_))
}

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    // While its kubelet runs, a node writes its configuration anew.
    let quiet = || Prep::Do(stop("atomic-openshift-node"));
    let origin = || absent(&["/etc/origin"]);
    Ok(vec![
        Case::new("file.restore, file", NODE, origin())?.after([Prep::Keep(resolver(UPSTREAM))]).inverse(restores),
        Case::new("file.restore, tree", NODE, origin())?.after([quiet(), Prep::Keep(origin())]).inverse(restores),
        Case::new("file.restore, tree over another", NODE, origin())?
            .after([
                quiet(),
                Prep::Keep(origin()),
                write("/etc/origin/node/resolv.conf", "other\n"),
                write("/etc/origin/extra/file", "x\n"),
            ])
            .inverse(restores),
        Case::new("file.restore, link", NODE, origin())?
            .after([Prep::Keep(absent(&["/etc/localtime"]))])
            .inverse(restores),
        Case::new("file.restore, absent", NODE, origin())?
            .after([Prep::Keep(absent(&["/etc/nothing"])), write("/etc/nothing", "something\n")])
            .inverse(restores),
        Case::new("file.restore, already so", NODE, origin())?
            .after([Prep::Keep(absent(&["/etc/nothing"]))])
            .inverse(restores)
            .nothing(),
    ])
}
