//! `ansible.playbook`: the two that the lab knows.

use super::steps::{NODE, UPSTREAM, absent, does, drain, edit, migrate, remove, resolver, stop};
use crate::conformance::Case;
use crate::lab::NODE_PACKAGES;
use palinode_core::action::{Action, Bare, Emptydir, Expect, Playbook};
use palinode_core::id::BadId;
use palinode_core::inventory::Edit;
use std::collections::BTreeMap;

fn node_group(inventory: &str, name: &str) -> Action {
    let (namespace, name) = ("openshift-node".to_owned(), name.to_owned());
    let expect = Expect::ConfigMapWithout { namespace, name, runtime: "cri-o".to_owned() };
    playbook(inventory, "openshift-master/openshift_node_group.yml", expect)
}

fn scaleup(inventory: &str) -> Action {
    playbook(inventory, "openshift-node/scaleup.yml", Expect::NodeReady { runtime: "docker".to_owned() })
}

fn playbook(inventory: &str, path: &str, expect: Expect) -> Action {
    let path = format!("/usr/share/ansible/openshift-ansible/playbooks/{path}");
    Action::Playbook(Box::new(Playbook {
        path,
        inventory: inventory.to_owned(),
        expect: Some(expect),
        ran_on: None,
        vars: BTreeMap::new(),
        vars_from: Vec::new(),
        limit: None,
        tags: Vec::new(),
        skip_tags: Vec::new(),
        requires: Vec::new(),
    }))
}

pub(super) fn cases(inventory: &str) -> Result<Vec<Case>, BadId> {
    let regrouped = {
        let (host, name) = (NODE.to_owned(), "openshift_node_group_name".to_owned());
        edit(inventory, vec![Edit::SetHostVar { host, name, value: "node-config-all-in-one".to_owned() }])
    };
    let purge = || absent(&["/etc/origin", "/etc/dnsmasq.d/*", "/etc/sysconfig/atomic-openshift-node.rpmsave"]);
    let stopped = || ["atomic-openshift-node", "crio", "docker"].map(stop);
    let touches = || {
        let mut touched =
            vec![remove(NODE_PACKAGES), purge(), resolver(UPSTREAM), stop("dnsmasq"), Action::DeleteNode {}];
        touched.extend(stopped());
        touched
    };
    let wiped = || {
        let mut steps = vec![Action::Cordon {}, drain(Emptydir::Delete, Bare::Refuse)];
        steps.extend(stopped());
        steps.extend([resolver(UPSTREAM), stop("dnsmasq"), remove(NODE_PACKAGES), purge()]);
        steps.extend([Action::Reboot {}, Action::DeleteNode {}, migrate(inventory)]);
        steps
    };
    let mut rejoins = Case::new("playbook, scaleup", NODE, scaleup(inventory))?.after(does(wiped())).repeat();
    rejoins.touches = touches();
    Ok(vec![
        Case::new("playbook, node group made", NODE, node_group(inventory, "node-config-all-in-one"))?
            .after(does([migrate(inventory), regrouped]))
            .repeat(),
        Case::new("playbook, node group there", NODE, node_group(inventory, "node-config-infra"))?
            .after(does([migrate(inventory)]))
            .repeat()
            .nothing(),
        Case::new("playbook, scaleup without new nodes", NODE, scaleup(inventory))?.repeat().refused("new_nodes"),
        rejoins,
    ])
}
