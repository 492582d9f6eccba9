//! `kube.patch-node`: fields of the Node are set in one request, under conditions that make it miss rather than hit
//! something else, and that claims the Node as well.

use crate::cluster::claim::{Absence, Operations, as_read};
use crate::cluster::job::{ApiJob, Stop, failed, well};
use crate::cluster::node::{set_taints, set_texts};
use crate::cluster::on_cluster::{Memory, Needs, OnCluster, Round};
use crate::cluster::rights::Right;
use palinode_core::action::PatchNode;
use palinode_core::cluster;
use palinode_core::id::ResourceKey;
use palinode_core::record::Why;
use palinode_core::resource::{Node, State};
use serde_json::{Value, json};
use std::collections::BTreeSet;

impl OnCluster for PatchNode {
    fn round<'a>(&'a self, job: &'a mut ApiJob<'_>, _: &'a mut Memory) -> Round<'a> {
        Box::pin(async move { job.patch_node(self).await.map(Some) })
    }

    fn needs(&self) -> Needs<'_> {
        Needs::Rights(Right::node())
    }
}

/// What a step sets of a Node, and the Node that it found.
struct Changes<'a> {
    name: &'a str,
    patch: &'a PatchNode,
    was: Node,
}

impl Changes<'_> {
    /// Whether the Node that it found is so already.
    fn is_empty(&self) -> bool {
        self.patch.unschedulable.is_none_or(|want| want == self.was.unschedulable)
            && self.patch.labels.iter().all(|(label, want)| self.was.labels.get(label) == want.as_ref())
            && self.patch.tainted(&self.was.taints) == self.was.taints
    }

    /// What somebody else changed of what it sets, in words.
    fn differs(&self, now: &Node) -> Option<String> {
        let name = self.name;
        if self.patch.unschedulable.is_some() && now.unschedulable != self.was.unschedulable {
            let word = if now.unschedulable { "cordoned" } else { "uncordoned" };
            return Some(format!("someone else {word} node {name}"));
        }
        let mut labels = self.patch.labels.keys();
        if let Some(label) = labels.find(|label| now.labels.get(*label) != self.was.labels.get(*label)) {
            return Some(match now.labels.get(label) {
                Some(value) => format!("someone else set label {label} of node {name} to {value}"),
                None => format!("someone else removed label {label} of node {name}"),
            });
        }
        // Taints that it leaves alone may come and go.
        let touched = |taints: &BTreeSet<String>| {
            let wanted = self.patch.tainted(taints);
            taints.symmetric_difference(&wanted).cloned().collect::<BTreeSet<_>>()
        };
        (touched(&now.taints) != touched(&self.was.taints)).then(|| {
            let all: Vec<&str> = now.taints.iter().map(String::as_str).collect();
            let all = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
            format!("someone else changed the taints of node {name} (now {all})")
        })
    }

    fn operations(&self, node: &Value, absence: Absence) -> Result<Operations, Stop> {
        let now = cluster::node(node);
        if let Some(why) = self.differs(&now) {
            return Err(failed(Why::Conflict, format!("{why} at the same time; nothing was changed here")));
        }
        let mut all = Operations::default();
        let mut labels = now.labels.clone();
        for (label, want) in &self.patch.labels {
            match want {
                Some(value) => labels.insert(label.clone(), value.clone()),
                None => labels.remove(label),
            };
        }
        set_texts(node, "/metadata/labels", (&now.labels, &labels), absence, &mut all);
        if let Some(want) = self.patch.unschedulable.filter(|want| *want != now.unschedulable) {
            all.tests.push(as_read(node, "/spec/unschedulable", absence));
            all.writes.push(match want {
                true => json!({ "op": "add", "path": "/spec/unschedulable", "value": true }),
                false => json!({ "op": "remove", "path": "/spec/unschedulable" }),
            });
        }
        let wanted = self.patch.tainted(&now.taints);
        if wanted != now.taints {
            set_taints(node, &wanted, absence, &mut all);
        }
        Ok(all)
    }
}

impl ApiJob<'_> {
    /// Sets fields of the Node.
    pub(super) async fn patch_node(&mut self, patch: &PatchNode) -> Result<Stop, Stop> {
        let name = self.node_name()?;
        let Some(node) = self.same_node(&name).await? else {
            return Err(failed(Why::Precondition, format!("nodes \"{name}\" not found")));
        };
        let found = |was: &Node| Changes { name: &name, patch, was: was.clone() };
        let now = cluster::node(&node);
        let changes = found(&now);
        let before = self.job.before.get(&ResourceKey::node(&name));
        // What goes back one day is what was found before: what someone changed since would be lost with it. An earlier
        // attempt, of which nobody heard, may have done what is there.
        if let Some(State::Node(was)) = before
            && let Some(why) = found(was).differs(&now)
            && !(self.job.attempt > 1 && changes.is_empty())
        {
            let why = format!("{why} since it was looked at; nothing was changed here");
            return Err(failed(Why::Conflict, why));
        }
        if changes.is_empty() {
            return Ok(well(format!("node {name} is so already")));
        }
        self.change("patch", &name, node, |node, absence| changes.operations(node, absence)).await?;
        Ok(well(format!("node {name} patched")))
    }
}
