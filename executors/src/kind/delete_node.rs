//! `kube.delete-node`: the Node that was looked at, by its UID, once its kubelet is gone.

use crate::cluster::job::{ApiJob, Stop, failed, well};
use crate::cluster::look::node_path;
use crate::cluster::node::EVERY;
use crate::cluster::on_cluster::{Memory, Needs, OnCluster, Round};
use crate::cluster::rights::Right;
use palinode_core::chain::chain;
use palinode_core::cluster;
use palinode_core::id::ResourceKey;
use palinode_core::record::Why;
use palinode_core::resource::ObjectRef;
use palinode_core::resource::State;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// So long a node may be shown Ready after its kubelet was stopped: until the cluster misses it.
const MISSED: Duration = Duration::from_secs(120);

/// Deletes the Node object.
#[derive(Debug)]
pub(crate) struct DeleteNode;

impl OnCluster for DeleteNode {
    fn round<'a>(&'a self, job: &'a mut ApiJob<'_>, _: &'a mut Memory) -> Round<'a> {
        Box::pin(async move { job.delete_node().await.map(Some) })
    }

    fn needs(&self) -> Needs<'_> {
        let mut all = Right::node();
        all.push(Right::of("delete", "nodes"));
        Needs::Rights(all)
    }

    /// OpenShift's network gives a node that registers again another subnet.
    fn goes_along(&self, node: &str) -> Option<ObjectRef> {
        Some(ObjectRef {
            api: "network.openshift.io/v1".to_owned(),
            kind: "HostSubnet".to_owned(),
            namespace: None,
            name: node.to_owned(),
        })
    }
}

impl ApiJob<'_> {
    /// Deletes the Node that was looked at, by its UID, once its kubelet is gone.
    async fn delete_node(&mut self) -> Result<Stop, Stop> {
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
        let path = node_path(&name).map_err(|fault| failed(Why::Precondition, chain(&fault)))?;
        self.remove(&ResourceKey::node(&name), &path, &uid).await?;
        self.cluster.held.borrow_mut().remove(&name);
        Ok(well(format!("node {name} with UID {uid} deleted")))
    }

    /// When a node was heard of last, in the server's words: its lease, else its condition.
    async fn heartbeat(&self, name: &str, node: &Value) -> Result<(Value, Value), Stop> {
        let conditions = node["status"]["conditions"].as_array().into_iter().flatten();
        let ready = conditions.into_iter().find(|found| found["type"] == "Ready");
        let path = node_path(name).map_err(|fault| failed(Why::Precondition, chain(&fault)))?;
        let path = path.replace("/api/v1/nodes/", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/");
        let lease = match self.cluster.api.get(&path).await {
            Ok(answer) if answer.is_good() => answer.body["spec"]["renewTime"].clone(),
            // Old servers have no leases; the condition is renewed there.
            _ => Value::Null,
        };
        Ok((ready.map(|ready| ready["lastHeartbeatTime"].clone()).unwrap_or_default(), lease))
    }
}
