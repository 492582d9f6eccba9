//! `service`: one unit and several, under aliases, absent ones.

use super::steps::{NODE, does, services, start, stop};
use crate::conformance::Case;
use palinode_core::action::ServiceState::{Started, Stopped};
use palinode_core::id::BadId;
use palinode_core::record::Why;

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    Ok(vec![
        Case::new("service, stop and disable", NODE, stop("dnsmasq"))?,
        Case::new(
            "service, stop what another needs, and that",
            NODE,
            services(&["dnsmasq", "atomic-openshift-node"], Stopped),
        )?,
        Case::new("service, start what needs and wants others", NODE, start("atomic-openshift-node"))?
            .after(does([stop("dnsmasq"), stop("docker")])),
        Case::new("service, stop what wants one that is stopped", NODE, stop("atomic-openshift-node"))?
            .after(does([stop("docker")])),
        Case::new("service, stop the kubelet", NODE, stop("atomic-openshift-node"))?,
        Case::new("service, stop a runtime", NODE, stop("crio"))?.after(does([stop("atomic-openshift-node")])),
        Case::new("service, start and enable", NODE, start("dnsmasq"))?.after(does([stop("dnsmasq")])),
        Case::new("service, unit under its alias", NODE, stop("cri-o"))?.after(does([stop("atomic-openshift-node")])),
        Case::new("service, absent unit stopped", NODE, stop("nothing"))?.nothing(),
        Case::new("service, absent unit started", NODE, start("nothing"))?.ends(Why::ExitCode, "not found"),
        Case::new("service, several", NODE, services(&["atomic-openshift-node", "crio", "nothing"], Stopped))?,
        Case::new("service, several started", NODE, services(&["crio", "atomic-openshift-node"], Started))?
            .after(does([services(&["atomic-openshift-node", "crio"], Stopped)])),
        Case::new("service, several started, one absent", NODE, services(&["dnsmasq", "nothing"], Started))?
            .after(does([stop("dnsmasq")]))
            .ends(Why::ExitCode, "not found"),
        Case::new("service, already stopped", NODE, stop("dnsmasq"))?.after(does([stop("dnsmasq")])).nothing(),
    ])
}
