//! `kube.restore-node`: what brings a node back that left.

use crate::cluster::claim::{Absence, Operations, first_pause, rest};
use crate::cluster::job::{ApiJob, Stop, failed, well};
use crate::cluster::node::{EVERY, set_taints, set_texts};
use crate::cluster::on_cluster::{Memory, Needs, OnCluster, Round};
use crate::cluster::rights::Right;
use palinode_core::action::RestoreNode;
use palinode_core::cluster;
use palinode_core::record::Why;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// So long a node must keep what it was given.
const KEEPS: Duration = Duration::from_secs(1);

/// So often something is given to a node that others take from it.
const TRIES: u32 = 6;

impl OnCluster for RestoreNode {
    fn round<'a>(&'a self, job: &'a mut ApiJob<'_>, memory: &'a mut Memory) -> Round<'a> {
        Box::pin(async move { job.restore_node(self, memory.began).await.map(Some) })
    }

    fn needs(&self) -> Needs<'_> {
        Needs::Rights(Right::node())
    }
}

impl ApiJob<'_> {
    /// Waits for the node to register, cordons it at once, and gives it back what it had, until it keeps it: whoever
    /// removes the taint of a node that was not Ready writes the list as they read it, without what was added meanwhile.
    async fn restore_node(&mut self, restore: &RestoreNode, began: Instant) -> Result<Stop, Stop> {
        let name = self.node_name()?;
        let limit = Duration::from_micros(u64::try_from(restore.timeout.micros().0).unwrap_or(0));
        let (mut given, mut whole, mut since) = (0, false, None);
        let (mut pause, mut rested) = (first_pause(), false);
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
                // Whoever takes something along does so because of what was just written: it is let come to an end.
                false if given > 0 && !rested => {
                    rest(&mut pause).await;
                    rested = true;
                }
                false => {
                    (given, since, rested) = (given + 1, None, false);
                    self.give_back(&name, node, restore, given == 1).await?;
                    whole = true;
                }
            }
        }
    }

    /// Cordons a node the first time, then gives it back what it had. Each time that it is cordoned or opened, the cluster writes
    /// its taints anew, from what it last read.
    async fn give_back(
        &mut self,
        name: &str,
        mut node: Value,
        restore: &RestoreNode,
        is_first: bool,
    ) -> Result<(), Stop> {
        // Nothing is placed there until it has its labels and taints again.
        if is_first && !cluster::node(&node).unschedulable {
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
