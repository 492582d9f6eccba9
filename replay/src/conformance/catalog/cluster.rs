//! Actions through the cluster's API: scheduling, draining, leaving and rejoining, labels, ConfigMaps.

use super::{NODE, does, drain, labels, start, stop};
use crate::conformance::{Case, Change, Prep};
use palinode_core::action::{Action, Bare, DeleteObject, Emptydir, PatchNode};
use palinode_core::id::BadId;
use palinode_core::record::Why;
use std::collections::BTreeMap;

const NODE_UNIT: &str = "atomic-openshift-node";

fn delete_map(name: &str) -> Action {
    let (namespace, name) = ("openshift-node".to_owned(), name.to_owned());
    Action::DeleteObject(DeleteObject { namespace, name, unless_used: true })
}

fn patch(unschedulable: Option<bool>, pairs: &[(&str, Option<&str>)]) -> Action {
    Action::PatchNode(PatchNode { unschedulable, labels: labels(pairs), taints: BTreeMap::new() })
}

fn taint(taints: &[(&str, bool)]) -> Action {
    let taints = taints.iter().map(|(taint, want)| ((*taint).to_owned(), *want)).collect();
    Action::PatchNode(PatchNode { unschedulable: None, labels: labels(&[]), taints })
}

const MOVED: &str = "pods that were evicted run where the scheduler put them";

pub(super) fn cases() -> Result<Vec<Case>, BadId> {
    let cordon = || Action::Cordon {};
    let uncordon = || Action::Uncordon {};
    let leave = || Action::DeleteNode {};
    let bare = || {
        let pod = Change::BarePod {
            namespace: "default".to_owned(),
            name: "lonely".to_owned(),
            node: "compute1.demo".to_owned(),
        };
        Prep::Change(pod)
    };
    let unused = "node-config-compute-crio";
    let rejoin = |action: &Action| matches!(action, Action::RestoreNode(_));
    let apply = |action: &Action| matches!(action, Action::ApplyObject(_));
    Ok(vec![
        Case::new("cordon", NODE, cordon())?,
        Case::new("cordon, already cordoned", NODE, cordon())?.after(does([cordon()])).nothing(),
        Case::new("uncordon", NODE, uncordon())?.after(does([cordon()])),
        Case::new("uncordon, already schedulable", NODE, uncordon())?.nothing(),
        Case::new("cordon, no node", NODE, cordon())?.after(does([stop(NODE_UNIT), leave()])).refused("not found"),
        Case::new("drain", NODE, drain(Emptydir::Delete, Bare::Refuse))?.after(does([cordon()])),
        Case::new("drain, disruption budget", "gluster2.demo", drain(Emptydir::Delete, Bare::Refuse))?
            .after(does([cordon()])),
        Case::new("drain, emptyDir refused", NODE, drain(Emptydir::Refuse, Bare::Refuse))?
            .after(does([cordon()]))
            .refused("emptyDir"),
        Case::new("drain, bare pod refused", "compute1.demo", drain(Emptydir::Delete, Bare::Refuse))?
            .after([Prep::Do(cordon()), bare()])
            .refused("no controller"),
        Case::new("drain, bare pod deleted", "compute1.demo", drain(Emptydir::Delete, Bare::Delete))?
            .after([Prep::Do(cordon()), bare()]),
        Case::new("drain, not cordoned", NODE, drain(Emptydir::Delete, Bare::Refuse))?.refused("not cordoned"),
        Case::new("drain, nothing there", NODE, drain(Emptydir::Refuse, Bare::Refuse))?
            .after(does([cordon(), drain(Emptydir::Delete, Bare::Refuse)]))
            .nothing(),
        Case::new("delete-node", NODE, leave())?
            .after(does([cordon(), drain(Emptydir::Delete, Bare::Refuse), stop(NODE_UNIT)]))
            .undo_after(does([start(NODE_UNIT)]))
            .leaves(format!("{NODE}/unit/{NODE_UNIT}"), "the unit was started for the way back")
            .leaves(format!("node/{NODE}@"), "Ready again, as the unit runs")
            .leaves("pod/", MOVED)
            .leaves("volume/", "the brick is back, as the unit runs"),
        Case::new("delete-node, kubelet runs", NODE, leave())?.refused("kubelet"),
        Case::new("delete-node, already gone", NODE, leave())?.after(does([stop(NODE_UNIT), leave()])).nothing(),
        Case::new("restore-node, registered again", NODE, leave())?
            .after([Prep::Do(cordon()), Prep::Do(stop(NODE_UNIT)), Prep::Keep(leave()), Prep::Do(start(NODE_UNIT))])
            .inverse(rejoin),
        Case::new("restore-node, waits for the node", NODE, leave())?
            .after([Prep::Do(cordon()), Prep::Do(stop(NODE_UNIT)), Prep::Keep(leave()), Prep::Do(start(NODE_UNIT))])
            .inverse(rejoin)
            .hot(),
        Case::new(
            "patch-node, labels",
            NODE,
            patch(None, &[("zone", Some("z")), ("region", None), ("new", Some("1"))]),
        )?,
        Case::new("restore-node, never registers", NODE, leave())?
            .after([Prep::Do(stop(NODE_UNIT)), Prep::Keep(leave())])
            .inverse(rejoin)
            .ends(Why::Timeout, "did not register"),
        Case::new("patch-node, schedulable", NODE, patch(Some(true), &[]))?,
        Case::new("patch-node, both", NODE, patch(Some(true), &[("zone", Some("z"))]))?,
        Case::new(
            "patch-node, taints",
            NODE,
            taint(&[("dedicated=storage:NoSchedule", true), ("old=:NoExecute", false)]),
        )?,
        Case::new("patch-node, as it is", NODE, patch(Some(false), &[("zone", Some("a"))]))?.nothing(),
        Case::new("patch-node, no node", NODE, patch(Some(true), &[]))?
            .after(does([stop(NODE_UNIT), leave()]))
            .refused("not found"),
        Case::new("delete ConfigMap", NODE, delete_map(unused))?,
        Case::new("delete ConfigMap, in use", NODE, delete_map("node-config-infra-crio"))?.refused("in use"),
        Case::new("delete ConfigMap, none there", NODE, delete_map("node-config-nothing"))?.nothing(),
        Case::new("apply ConfigMap, deleted", NODE, delete_map(unused))?
            .after([Prep::Keep(delete_map(unused))])
            .inverse(apply),
    ])
}
