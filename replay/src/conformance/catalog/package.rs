//! `package`: removals with what needs them, installs with what they need.

use super::steps::{NODE, UPSTREAM, absent, does, install, remove, resolver, stop};
use crate::conformance::{Case, Change, Prep, Rule};
use palinode_core::action::{Action, PackageState};
use palinode_core::id::BadId;

const GONE: &str = "the unit of a package that went stops; a service step brings it back";

const ASIDE: &str = "the kubelet's runtime stopped with its package; a service step brings it back";

fn is_exact(action: &Action) -> bool {
    matches!(action, Action::Package(package) if package.state == PackageState::Present && !package.exact.is_empty())
}

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    let quiet = || does([stop("atomic-openshift-node"), stop("crio")]);
    let runtime = ["cri-tools", "cri-o", "criu"];
    let unit = |name: &str| format!("{NODE}/unit/{name}");
    Ok(vec![
        Case::new("package absent, changed configuration", NODE, remove(&runtime))?
            .after(quiet())
            .leaves(unit("crio"), GONE)
            .leaves(format!("node/{NODE}@"), ASIDE),
        Case::new("package absent, resolver and dependents", NODE, remove(&["docker-client", "dnsmasq"]))?
            .after([
                Prep::Change(Change::Installed { host: NODE.to_owned(), package: "cockpit-docker".to_owned() }),
                Prep::Do(resolver(UPSTREAM)),
            ])
            .leaves(unit("docker"), GONE)
            .leaves(unit("dnsmasq"), GONE),
        Case::new("package absent, excluder", NODE, remove(&["atomic-openshift-excluder", "criu"]))?,
        Case::new("package absent, none there", NODE, remove(&["nothing"]))?.nothing(),
        Case::new("package present, version", NODE, install(&["atomic-openshift-excluder-3.11.161"]))?
            .after(does([remove(&["atomic-openshift-excluder"])])),
        Case::new("package present, with what it needs", NODE, install(&["docker"]))?
            .after(does([remove(&["docker-client"])])),
        Case::new("package present, already there", NODE, install(&["docker-1.13.1"]))?.nothing(),
        Case::new("package present, no such version", NODE, install(&["docker-9.9"]))?.refused("available").except(
            Rule::RefusedNoImage,
            "a transaction that began may have removed it: its undo installs what is gone",
        ),
        Case::new("package present, hidden", NODE, install(&["atomic-openshift-clients"]))?
            .after(does([remove(&["atomic-openshift-clients"])]))
            .refused("exclude="),
        Case::new("package present, no names", NODE, install(&["criu"]))?
            .after(does([remove(&["criu"]), stop("dnsmasq")]))
            .refused("resolve"),
        Case::new("package present, exact", NODE, remove(&runtime))?
            .after(quiet())
            .after([Prep::Keep(remove(&runtime))])
            .inverse(is_exact),
        Case::new("package present, exact, files gone", NODE, remove(&["dnsmasq"]))?
            .after([Prep::Do(resolver(UPSTREAM)), Prep::Keep(remove(&["dnsmasq"]))])
            .after(does([absent(&["/etc/dnsmasq.d/*"])]))
            .inverse(is_exact),
    ])
}
