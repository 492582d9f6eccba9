//! Changes of a Node: its fields, its removal and its return. One request each, under conditions that make it miss rather
//! than hit something else.

use super::api::{Answer, Verb};
use super::claim::claimant;
use super::doing::{Doing, Stop, failed, meaning, well};
use super::look::node_path;
use palinode_core::action::{PatchNode, RestoreNode};
use palinode_core::cluster;
use palinode_core::event::Why;
use palinode_core::id::ResourceKey;
use palinode_core::port::Ended;
use palinode_core::resource::State;
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

/// So often something is given to a node while others change it.
const TRIES: u32 = 6;

fn pointer(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

/// Puts taints in the place of those that a node was just found to have.
fn taint_operations(node: &Value, wanted: &BTreeSet<String>) -> Vec<Value> {
    let test = match &node["spec"]["taints"] {
        // What is left out cannot be tested; the version of the whole can.
        Value::Null => {
            json!({ "op": "test", "path": "/metadata/resourceVersion", "value": node["metadata"]["resourceVersion"] })
        }
        now => json!({ "op": "test", "path": "/spec/taints", "value": now }),
    };
    vec![test, json!({ "op": "add", "path": "/spec/taints", "value": cluster::taints(node, wanted) })]
}

impl Doing<'_> {
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

    /// Changes a claimed Node by operations that must all fit.
    async fn patch_node(&mut self, name: &str, node: &Value, operations: Vec<Value>) -> Result<Answer, Stop> {
        let key = ResourceKey::node(name);
        let path = node_path(name).map_err(|fault| failed(Why::Precondition, super::chain(&fault)))?;
        let mut patch = Self::fence(node);
        patch.extend(operations);
        let answer = self.ask(("patch", &key), Verb::JsonPatch, &path, Some(&Value::Array(patch))).await?;
        match answer.code {
            _ if answer.is_good() => Ok(answer),
            404 => Err(failed(Why::Conflict, format!("nodes \"{name}\" not found any more"))),
            // Which of the conditions did not hold, people want to know.
            409 | 422 => Err(failed(Why::Conflict, self.why_not(name, node).await)),
            _ => Err(failed(meaning(&answer), answer.words())),
        }
    }

    async fn why_not(&self, name: &str, node: &Value) -> String {
        let Ok(Some(now)) = self.cluster.node(name).await else {
            return format!("node {name} was changed meanwhile");
        };
        if cluster::uid(&now) != cluster::uid(node) {
            return format!("node {name} registered again meanwhile, under UID {}", cluster::uid(&now));
        }
        match claimant(&now) {
            Some((journal, _)) if journal == self.cluster.claim.journal => {
                format!("someone else changed the same fields of node {name} at the same time")
            }
            _ => {
                self.cluster.held.borrow_mut().remove(name);
                format!("another journal took node {name} over meanwhile; see what it changed")
            }
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
        let now = cluster::node(&node);
        let scheduling = patch.unschedulable.filter(|want| *want != now.unschedulable);
        let labels: Vec<_> =
            patch.labels.iter().filter(|(label, want)| now.labels.get(*label) != want.as_ref()).collect();
        let tainted = patch.tainted(&now.taints);
        let taints = (tainted != now.taints).then_some(tainted);
        if scheduling.is_none() && labels.is_empty() && taints.is_none() {
            return Ok(well(format!("node {name} is so already")));
        }
        let mut node = self.claim(&name, node).await?;
        let mut operations = Vec::new();
        for (label, want) in labels {
            let path = format!("/metadata/labels/{}", pointer(label));
            if let Some(old) = now.labels.get(label) {
                operations.push(json!({ "op": "test", "path": path, "value": old }));
            }
            operations.push(match want {
                Some(value) => json!({ "op": "add", "path": path, "value": value }),
                None => json!({ "op": "remove", "path": path }),
            });
        }
        if let Some(want) = scheduling {
            // A field that is left out cannot be tested; what is there can.
            if node["spec"]["unschedulable"].is_boolean() {
                operations.push(json!({ "op": "test", "path": "/spec/unschedulable", "value": now.unschedulable }));
            }
            operations.push(match want {
                true => json!({ "op": "add", "path": "/spec/unschedulable", "value": true }),
                false => json!({ "op": "remove", "path": "/spec/unschedulable" }),
            });
        }
        let Some(wanted) = taints else {
            self.patch_node(&name, &node, operations).await?;
            return Ok(well(format!("node {name} patched")));
        };
        // The list is set as a whole, and the cluster sets its own in it meanwhile: those are read, and it is tried again.
        let mut tries = 1;
        loop {
            if cluster::node(&node).taints != now.taints {
                let why = format!("someone else changed the taints of node {name} at the same time");
                return Err(failed(Why::Conflict, why));
            }
            let mut all = operations.clone();
            all.extend(taint_operations(&node, &wanted));
            match self.patch_node(&name, &node, all).await {
                Ok(_) => return Ok(well(format!("node {name} patched"))),
                Err(stop) if tries == TRIES => return Err(stop),
                Err(stop) => node = self.may_try_again(&name, &node, stop).await?,
            }
            tries += 1;
        }
    }

    /// Deletes the Node that was looked at, by its UID, once its kubelet is gone.
    pub(super) async fn delete_node(&mut self) -> Result<Stop, Stop> {
        let name = self.node_name()?;
        let Some(mut node) = self.same_node(&name).await? else {
            return Ok(well(format!("node {name} is gone already")));
        };
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
                    match self.give_back(&name, node.clone(), restore).await {
                        Err(stop) => drop(self.may_try_again(&name, &node, stop).await?),
                        Ok(()) => whole = true,
                    }
                }
            }
        }
    }

    /// After a change of a Node that did not fit: its kubelet may have written its status meanwhile, or the cluster taints.
    /// Goes on only with the same Node, as it is now, that is still claimed for this journal.
    async fn may_try_again(&self, name: &str, was: &Value, stop: Stop) -> Result<Value, Stop> {
        let fits = |now: &Value| {
            let ours = claimant(now).is_some_and(|(journal, _)| journal == self.cluster.claim.journal);
            ours && cluster::uid(now) == cluster::uid(was)
        };
        match stop {
            Stop::Ended(Ended::Finished(finished)) if finished.why == Some(Why::Conflict) => {
                tokio::time::sleep(EVERY).await;
                match self.cluster.node(name).await?.filter(fits) {
                    Some(now) => Ok(now),
                    None => Err(Stop::Ended(Ended::Finished(finished))),
                }
            }
            stop => Err(stop),
        }
    }

    /// Cordons a node, then gives it back what it had.
    async fn give_back(&mut self, name: &str, node: Value, restore: &RestoreNode) -> Result<(), Stop> {
        let cordoned = cluster::node(&node).unschedulable;
        let mut node = self.claim(name, node).await?;
        // Nothing is placed there until it has its labels and taints again.
        if !cordoned {
            let cordon = vec![json!({ "op": "add", "path": "/spec/unschedulable", "value": true })];
            node = self.patch_node(name, &node, cordon).await?.body;
        }
        let mut annotations = restore.annotations.clone();
        let known = cluster::node(&node).annotations;
        let has = node["metadata"]["annotations"].as_object().into_iter().flatten();
        // The cluster's own, and ours.
        annotations.extend(
            has.filter(|(key, _)| !known.contains_key(*key))
                .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))),
        );
        let version = &node["metadata"]["resourceVersion"];
        let mut operations = vec![
            json!({ "op": "test", "path": "/metadata/resourceVersion", "value": version }),
            json!({ "op": "add", "path": "/metadata/labels", "value": restore.labels }),
            json!({ "op": "add", "path": "/metadata/annotations", "value": annotations }),
            json!({ "op": "add", "path": "/spec/taints", "value": cluster::taints(&node, &restore.taints) }),
        ];
        if !restore.unschedulable {
            operations.push(json!({ "op": "remove", "path": "/spec/unschedulable" }));
        }
        self.patch_node(name, &node, operations).await.map(drop)
    }
}
