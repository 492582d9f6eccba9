//! Changes of a Node: its fields, its removal and its return. One request each, under conditions that make it miss rather
//! than hit something else, and that claims the Node as well.

use super::claim::{Absence, Operations, as_read};
use super::job::{ApiJob, Stop, failed, well};
use super::look::node_path;
use palinode_core::action::{PatchNode, RestoreNode};
use palinode_core::cluster;
use palinode_core::event::Why;
use palinode_core::id::ResourceKey;
use palinode_core::resource::{Node, State};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// So often a condition is looked at.
pub(super) const EVERY: Duration = Duration::from_millis(500);

/// So long a node may be shown Ready after its kubelet was stopped: until the cluster misses it.
const MISSED: Duration = Duration::from_secs(120);

/// So long a node must keep what it was given.
const KEEPS: Duration = Duration::from_secs(1);

/// So often something is given to a node that others take from it.
const TRIES: u32 = 6;

fn pointer(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

/// Puts taints in the place of those that a node was just found to have.
fn set_taints(node: &Value, wanted: &BTreeSet<String>, absence: Absence, operations: &mut Operations) {
    operations.tests.push(as_read(node, "/spec/taints", absence));
    operations.writes.push(json!({ "op": "add", "path": "/spec/taints", "value": cluster::taints(node, wanted) }));
}

/// Sets labels or annotations to those that are wanted, each by itself: what others write beside them stays.
fn set_texts(
    node: &Value,
    at: &str,
    (now, wanted): (&BTreeMap<String, String>, &BTreeMap<String, String>),
    absence: Absence,
    operations: &mut Operations,
) {
    if now == wanted {
        return;
    }
    if !node.pointer(at).is_some_and(Value::is_object) {
        operations.tests.push(as_read(node, at, absence));
        operations.writes.push(json!({ "op": "add", "path": at, "value": wanted }));
        return;
    }
    let keys: BTreeSet<&String> = now.keys().chain(wanted.keys()).collect();
    for key in keys.into_iter().filter(|key| now.get(*key) != wanted.get(*key)) {
        let path = format!("{at}/{}", pointer(key));
        operations.tests.push(as_read(node, &path, absence));
        operations.writes.push(match wanted.get(key) {
            Some(value) => json!({ "op": "add", "path": path, "value": value }),
            None => json!({ "op": "remove", "path": path }),
        });
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
    fn node_name(&self) -> Result<String, Stop> {
        let name = self.job.target.node.clone();
        name.ok_or_else(|| failed(Why::Precondition, "the action needs a node, and the target has none"))
    }

    /// The target's Node as it is now, which must be the one that was looked at.
    async fn same_node(&mut self, name: &str) -> Result<Option<Value>, Stop> {
        let now = self.cluster.node(name).await?;
        match (self.job.before.get(&ResourceKey::node(name)), &now) {
            (Some(State::Node(was)), Some(node)) if was.uid != cluster::uid(node) => Err(failed(
                Why::Conflict,
                format!(
                    "node {name} registered again under UID {}; the one that was looked at had {}",
                    cluster::uid(node),
                    was.uid
                ),
            )),
            (Some(State::Absent), Some(_)) => {
                Err(failed(Why::Conflict, format!("node {name} registered after it was looked at")))
            }
            _ => Ok(now),
        }
    }

    /// Cordons the node, or makes it schedulable.
    pub(super) async fn scheduling(&mut self, unschedulable: bool) -> Result<Stop, Stop> {
        let patch = PatchNode { unschedulable: Some(unschedulable), labels: BTreeMap::new(), taints: BTreeMap::new() };
        self.patch(&patch).await
    }

    /// Sets fields of the Node.
    pub(super) async fn patch(&mut self, patch: &PatchNode) -> Result<Stop, Stop> {
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

    /// Deletes the Node that was looked at, by its UID, once its kubelet is gone.
    pub(super) async fn delete_node(&mut self) -> Result<Stop, Stop> {
        let name = self.node_name()?;
        let Some(mut node) = self.same_node(&name).await? else {
            return Ok(well(format!("node {name} is gone already")));
        };
        // It comes back as it was found: what someone changed since would be lost with it.
        if let Some(State::Node(was)) = self.job.before.get(&ResourceKey::node(&name)) {
            let now = cluster::node(&node);
            if (now.unschedulable, &now.labels) != (was.unschedulable, &was.labels) {
                let why = format!("someone else changed node {name} since it was looked at; nothing was changed here");
                return Err(failed(Why::Conflict, why));
            }
        }
        let began = Instant::now();
        let beat = self.heartbeat(&name, &node).await?;
        while cluster::holds(&node, "Ready") {
            // Who is still heard of would register it again at once (T16).
            if self.heartbeat(&name, &node).await? != beat || began.elapsed() > MISSED {
                let why = format!("the kubelet of {name} still runs and would register it again at once");
                return Err(failed(Why::Precondition, why));
            }
            tokio::time::sleep(EVERY).await;
            node = match self.same_node(&name).await? {
                Some(node) => node,
                None => return Ok(well(format!("node {name} is gone already"))),
            };
        }
        let node = self.claim(&name, node).await?;
        let uid = cluster::uid(&node).to_owned();
        let path = node_path(&name).map_err(|fault| failed(Why::Precondition, super::chain(&fault)))?;
        self.remove(&ResourceKey::node(&name), &path, &uid).await?;
        self.cluster.held.borrow_mut().remove(&name);
        Ok(well(format!("node {name} with UID {uid} deleted")))
    }

    /// When a node was heard of last, in the server's words: its lease, else its condition.
    async fn heartbeat(&self, name: &str, node: &Value) -> Result<(Value, Value), Stop> {
        let conditions = node["status"]["conditions"].as_array().into_iter().flatten();
        let ready = conditions.into_iter().find(|found| found["type"] == "Ready");
        let path = node_path(name).map_err(|fault| failed(Why::Precondition, super::chain(&fault)))?;
        let path = path.replace("/api/v1/nodes/", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/");
        let lease = match self.cluster.api.get(&path).await {
            Ok(answer) if answer.is_good() => answer.body["spec"]["renewTime"].clone(),
            // Old servers have no leases; the condition is renewed there.
            _ => Value::Null,
        };
        Ok((ready.map(|ready| ready["lastHeartbeatTime"].clone()).unwrap_or_default(), lease))
    }

    /// Waits for the node to register, cordons it at once, and gives it back what it had, until it keeps it: whoever
    /// removes the taint of a node that was not Ready writes the list as they read it, without what was added meanwhile.
    pub(super) async fn restore_node(&mut self, restore: &RestoreNode, began: Instant) -> Result<Stop, Stop> {
        let name = self.node_name()?;
        let limit = Duration::from_micros(u64::try_from(restore.timeout.micros().0).unwrap_or(0));
        let (mut given, mut whole, mut since) = (0, false, None);
        loop {
            let Some(node) = self.cluster.node(&name).await? else {
                if began.elapsed() >= limit {
                    let why = format!("node {name} did not register within {}", restore.timeout);
                    return Err(failed(Why::Timeout, why));
                }
                tokio::time::sleep(EVERY).await;
                continue;
            };
            let now = cluster::node(&node);
            let same = now.labels == restore.labels
                && now.annotations == restore.annotations
                && now.taints == restore.taints
                && now.unschedulable == restore.unschedulable;
            match same {
                true if given == 0 => return Ok(well(format!("node {name} is so already"))),
                true if since.get_or_insert_with(Instant::now).elapsed() >= KEEPS => {
                    return Ok(well(format!("node {name} has again what it had")));
                }
                true => tokio::time::sleep(EVERY).await,
                false if whole && now.unschedulable != restore.unschedulable => {
                    let why = format!(
                        "someone else changed whether pods are placed on node {name}, just after it was given back what it had"
                    );
                    return Err(failed(Why::Conflict, why));
                }
                false if given == TRIES => {
                    return Err(failed(Why::Conflict, format!("others change the node {name} all the time")));
                }
                false => {
                    (given, since) = (given + 1, None);
                    self.give_back(&name, node, restore).await?;
                    whole = true;
                }
            }
        }
    }

    /// Cordons a node, then gives it back what it had.
    async fn give_back(&mut self, name: &str, mut node: Value, restore: &RestoreNode) -> Result<(), Stop> {
        // Nothing is placed there until it has its labels and taints again.
        if !cluster::node(&node).unschedulable {
            let cordon = |_: &Value, _: Absence| {
                let write = json!({ "op": "add", "path": "/spec/unschedulable", "value": true });
                Ok(Operations { tests: Vec::new(), writes: vec![write] })
            };
            node = self.change("patch", name, node, cordon).await?;
        }
        let give = |node: &Value, absence: Absence| {
            let now = cluster::node(node);
            let mut all = Operations::default();
            set_texts(node, "/metadata/labels", (&now.labels, &restore.labels), absence, &mut all);
            let annotations = (&now.annotations, &restore.annotations);
            set_texts(node, "/metadata/annotations", annotations, absence, &mut all);
            if now.taints != restore.taints {
                set_taints(node, &restore.taints, absence, &mut all);
            }
            if !restore.unschedulable && node["spec"]["unschedulable"].is_boolean() {
                all.writes.push(json!({ "op": "remove", "path": "/spec/unschedulable" }));
            }
            Ok(all)
        };
        self.change("patch", name, node, give).await.map(drop)
    }
}
