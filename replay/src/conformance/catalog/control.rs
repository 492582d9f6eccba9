//! Actions on the control side: inventory edits and what takes them back, playbooks.

use super::{NODE, UPSTREAM, absent, does, drain, remove, resolver, stop};
use crate::conformance::{Case, Change, Prep, Rule};
use crate::lab::NODE_PACKAGES;
use palinode_core::action::{Action, Bare, Emptydir, Expect, InventoryEdit, Playbook};
use palinode_core::id::BadId;
use palinode_core::inventory::{Edit, Place};
use palinode_core::record::Why;
use std::collections::BTreeMap;

fn edit(file: &str, edits: Vec<Edit>) -> Action {
    Action::InventoryEdit(InventoryEdit { file: file.to_owned(), edits, home_of: None })
}

/// What the migration does to the inventory for one node.
fn migrate(file: &str) -> Action {
    let text = |text: &str| text.to_owned();
    let host = || NODE.to_owned();
    edit(
        file,
        vec![
            Edit::EnsureChild { parent: text("OSEv3"), child: text("new_nodes") },
            Edit::SetGroupVar { group: text("OSEv3"), name: text("openshift_pkg_version"), value: text("-3.11.161") },
            Edit::SetHostVar { host: host(), name: text("openshift_use_crio"), value: text("False") },
            Edit::StripHostVarSuffix { host: host(), name: text("openshift_node_group_name"), suffix: text("-crio") },
            Edit::MoveHost { host: host(), from: text("nodes"), to: text("new_nodes"), place: Place::default() },
        ],
    )
}

fn others(from: &str, to: &str) -> Prep {
    Prep::Change(Change::EditInventory { from: from.to_owned(), to: to.to_owned() })
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

fn node_group(inventory: &str, name: &str) -> Action {
    let (namespace, name) = ("openshift-node".to_owned(), name.to_owned());
    let expect = Expect::ConfigMapWithout { namespace, name, runtime: "cri-o".to_owned() };
    playbook(inventory, "openshift-master/openshift_node_group.yml", expect)
}

fn scaleup(inventory: &str) -> Action {
    playbook(inventory, "openshift-node/scaleup.yml", Expect::NodeReady { runtime: "docker".to_owned() })
}

pub(super) fn cases(inventory: &str) -> Result<Vec<Case>, BadId> {
    let restores = |action: &Action| matches!(action, Action::InventoryRestore(_));
    let pin = |value: &str| {
        let (group, name) = ("OSEv3".to_owned(), "openshift_release".to_owned());
        edit(inventory, vec![Edit::SetGroupVar { group, name, value: value.to_owned() }])
    };
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
        Case::new("inventory.edit", NODE, migrate(inventory))?,
        Case::new("inventory.edit, already so", NODE, pin("3.11"))?.nothing(),
        Case::new("inventory.edit, unknown host", NODE, {
            let (host, name) = ("nothing.demo".to_owned(), "a".to_owned());
            edit(inventory, vec![Edit::SetHostVar { host, name, value: "b".to_owned() }])
        })?
        .refused("nothing.demo"),
        Case::new("inventory.restore", NODE, pin("3.12"))?.after([Prep::Keep(migrate(inventory))]).inverse(restores),
        Case::new("inventory.restore, edited elsewhere", NODE, pin("3.12"))?
            .after([Prep::Keep(migrate(inventory)), others("# Storage nodes run CRI-O", "# Most nodes run CRI-O")])
            .inverse(restores)
            .except(Rule::Judged, "what a merge comes to is not known beforehand; it is safe to repeat instead"),
        Case::new("inventory.restore, edited in the same line", NODE, pin("3.12"))?
            .after([Prep::Keep(pin("3.12")), others("openshift_release=3.12", "openshift_release=3.13")])
            .inverse(restores)
            .ends(Why::Conflict, "openshift_release"),
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
