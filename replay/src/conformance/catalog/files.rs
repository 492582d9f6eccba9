//! Actions on files of a host: removal, the resolver's copy, reads, and putting back.

use super::{NODE, UPSTREAM, absent, does, resolver, stop, write};
use crate::conformance::{Case, Prep};
use palinode_core::action::{Action, FileRead};
use palinode_core::event::Why;
use palinode_core::id::BadId;

const SYSCONFIG: &str = "/etc/sysconfig/atomic-openshift-node";

fn read(path: &str, key: &str) -> Action {
    Action::FileRead(FileRead { path: path.to_owned(), key: key.to_owned() })
}

fn restores(action: &Action) -> bool {
    matches!(action, Action::FileRestore(_))
}

pub(super) fn cases() -> Result<Vec<Case>, BadId> {
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
        Case::new("file.copy", NODE, resolver(UPSTREAM))?,
        Case::new("file.copy, the same already", NODE, resolver(UPSTREAM))?.after(does([resolver(UPSTREAM)])).nothing(),
        Case::new("file.copy, source names only the host", NODE, resolver("/etc/resolv.conf"))?.refused("name server"),
        Case::new("file.copy, no source", NODE, resolver("/etc/nothing"))?.refused("No such file"),
        Case::new("file.copy, no destination yet", NODE, resolver(UPSTREAM))?
            .after(does([absent(&["/etc/resolv.conf"])])),
        Case::new("file.read", NODE, read(SYSCONFIG, "BOOTSTRAP_CONFIG_NAME"))?.nothing(),
        Case::new("file.read, no such key", NODE, read(SYSCONFIG, "NOTHING"))?.ends(Why::ExitCode, "NOTHING"),
        Case::new("file.read, no such file", NODE, read("/etc/nothing", "KEY"))?.ends(Why::ExitCode, "No such file"),
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
