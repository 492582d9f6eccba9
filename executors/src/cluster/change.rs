//! Changes of single objects: a Node's fields, its removal and its return, ConfigMaps. One request each, under
//! conditions that make it miss rather than hit something else.

use super::api::{Answer, Verb};
use super::claim::claimant;
use super::doing::{Doing, Stop, failed, meaning, well};
use super::look::{map_path, node_path};
use md5::{Digest, Md5};
use palinode_core::action::{ApplyObject, DeleteObject, PatchNode, RestoreNode};
use palinode_core::cluster::{self, MD5};
use palinode_core::event::Why;
use palinode_core::id::ResourceKey;
use palinode_core::port::Ended;
use palinode_core::resource::State;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// So often a condition is looked at.
const EVERY: Duration = Duration::from_millis(500);

/// So long a node may be shown Ready after its kubelet was stopped: until the cluster misses it.
const MISSED: Duration = Duration::from_secs(120);

/// So long a node must keep what it was given.
const KEEPS: Duration = Duration::from_secs(1);

/// So often it is given.
const TRIES: u32 = 6;

/// So long an object may take to go.
const GOING: Duration = Duration::from_secs(60);

fn pointer(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
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
        let patch = PatchNode { unschedulable: Some(unschedulable), labels: BTreeMap::new() };
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
        if scheduling.is_none() && labels.is_empty() {
            return Ok(well(format!("node {name} is so already")));
        }
        let node = self.claim(&name, node).await?;
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
        self.patch_node(&name, &node, operations).await?;
        Ok(well(format!("node {name} patched")))
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

    /// Deletes an object by its UID and waits until that one is gone.
    async fn remove(&mut self, key: &ResourceKey, path: &str, uid: &str) -> Result<(), Stop> {
        let options = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": { "uid": uid } });
        let answer = self.ask(("delete", key), Verb::Delete, path, Some(&options)).await?;
        match answer.code {
            404 => return Ok(()),
            _ if answer.is_good() => {}
            409 => return Err(failed(Why::Conflict, format!("{key} was made anew meanwhile: {}", answer.message()))),
            _ => return Err(failed(meaning(&answer), answer.words())),
        }
        let began = Instant::now();
        loop {
            match self.cluster.object(path).await? {
                None => return Ok(()),
                Some(now) if cluster::uid(&now) != uid => return Ok(()),
                Some(now) if began.elapsed() > GOING => {
                    let by: Vec<&str> = now["metadata"]["finalizers"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_str)
                        .collect();
                    return Err(failed(
                        Why::Timeout,
                        format!("{key} is being deleted, and held by its finalizers: {}", by.join(", ")),
                    ));
                }
                Some(_) => tokio::time::sleep(EVERY).await,
            }
        }
    }

    /// Waits for the node to register, cordons it at once, and gives it back what it had, until it keeps it: whoever
    /// removes the taint of a node that was not Ready writes the list as they read it, without what was added meanwhile.
    pub(super) async fn restore_node(&mut self, restore: &RestoreNode, began: Instant) -> Result<Stop, Stop> {
        let name = self.node_name()?;
        let limit = Duration::from_micros(u64::try_from(restore.timeout.micros().0).unwrap_or(0));
        let (mut given, mut since) = (0, None);
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
                false if given == TRIES => {
                    return Err(failed(Why::Conflict, format!("others change the node {name} all the time")));
                }
                false => {
                    (given, since) = (given + 1, None);
                    match self.give_back(&name, node, restore).await {
                        // Its kubelet writes its status meanwhile: what it wrote is read, and tried again.
                        Err(Stop::Ended(Ended::Finished(finished))) if finished.why == Some(Why::Conflict) => {}
                        other => other?,
                    }
                }
            }
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

    /// Deletes a ConfigMap, by the UID that was looked at.
    pub(super) async fn delete_object(&mut self, delete: &DeleteObject) -> Result<Stop, Stop> {
        let key = ResourceKey::config_map(&delete.namespace, &delete.name);
        let name = format!("{}/{}", delete.namespace, delete.name);
        let path = map_path(&delete.namespace, &delete.name)
            .map_err(|fault| failed(Why::Precondition, super::chain(&fault)))?;
        let Some(map) = self.cluster.object(&path).await? else {
            return Ok(well(format!("configmap {name} is gone already")));
        };
        let uid = cluster::uid(&map).to_owned();
        if let Some(State::Object { uid: was, .. }) = self.job.before.get(&key)
            && *was != uid
        {
            return Err(failed(Why::Conflict, format!("configmap {name} was made anew since it was looked at")));
        }
        if delete.unless_used
            && let Some(user) = self.user_of(&map).await?
        {
            return Err(failed(
                Why::Precondition,
                format!("configmap {name} is in use: {user} takes its configuration from it"),
            ));
        }
        self.remove(&key, &path, &uid).await?;
        Ok(well(format!("configmap {name} with UID {uid} deleted")))
    }

    /// A node, other than the target's, that took over just the configuration in this map (T1): its annotation says so.
    async fn user_of(&self, map: &Value) -> Result<Option<String>, Stop> {
        let Some(config) = cluster::node_config(map) else { return Ok(None) };
        let sum = Md5::digest(config.as_bytes()).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let own = self.job.target.node.as_deref();
        let all = self.cluster.objects("/api/v1/nodes", "").await?;
        let mut users = all.iter().filter(|node| node["metadata"]["annotations"][MD5] == sum.as_str());
        Ok(users.find(|node| Some(cluster::name(node)) != own).map(|node| cluster::name(node).to_owned()))
    }

    /// Puts a recorded ConfigMap back.
    pub(super) async fn apply_object(&mut self, apply: &ApplyObject, manifest: &[u8]) -> Result<Stop, Stop> {
        let key = ResourceKey::config_map(&apply.namespace, &apply.name);
        let name = format!("{}/{}", apply.namespace, apply.name);
        let bad = |why: String| failed(Why::Precondition, format!("what was recorded of configmap {name} {why}"));
        let mut wanted: Value =
            serde_json::from_slice(manifest).map_err(|error| bad(format!("is no JSON: {error}")))?;
        if cluster::name(&wanted) != apply.name || cluster::namespace(&wanted) != apply.namespace {
            return Err(bad("is another one's".to_owned()));
        }
        let path =
            map_path(&apply.namespace, &apply.name).map_err(|fault| failed(Why::Precondition, super::chain(&fault)))?;
        let (verb, how, path) = match self.cluster.object(&path).await? {
            Some(now) if cluster::manifest(&now) == wanted => {
                return Ok(well(format!("configmap {name} is so already")));
            }
            // The server takes it only in place of what was just read.
            Some(now) => {
                for field in ["uid", "resourceVersion"] {
                    wanted["metadata"][field] = now["metadata"][field].clone();
                }
                ("replace", Verb::Put, path)
            }
            None => ("create", Verb::Post, path.rsplit_once('/').map(|(all, _)| all.to_owned()).unwrap_or(path)),
        };
        let answer = self.ask((verb, &key), how, &path, Some(&wanted)).await?;
        match answer.code {
            _ if answer.is_good() => {
                Ok(well(format!("configmap {name} is back, with UID {}", cluster::uid(&answer.body))))
            }
            409 => Err(failed(Why::Conflict, format!("someone else wrote configmap {name} at the same time"))),
            _ => Err(failed(meaning(&answer), answer.words())),
        }
    }
}
