//! Gates that ask the API.

use super::Cluster;
use palinode_core::cluster;
use palinode_core::port::LookError;
use palinode_core::port::Sample;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

impl Cluster {
    /// Whether a node is Ready, and a Ready pod is on it of each DaemonSet that is meant for it.
    pub(crate) async fn node_ready(&self, name: &str) -> Result<Sample, LookError> {
        let node = self.node(name).await?;
        let mut facts = BTreeMap::new();
        let ready = node.as_ref().is_some_and(|node| cluster::holds(node, "Ready"));
        facts.insert("ready".to_owned(), ready.to_string());
        let Some(node) = node else {
            facts.insert("why".to_owned(), format!("there is no node {name}"));
            return Ok(Sample { pass: false, hopeless: false, facts, evidence: None });
        };
        let sets = self.objects("/apis/apps/v1/daemonsets", "").await?;
        let wanted: BTreeSet<(&str, &str)> = sets
            .iter()
            .filter(|set| selects(&set["spec"]["template"]["spec"]["nodeSelector"], &node))
            .map(|set| (cluster::namespace(set), cluster::name(set)))
            .collect();
        let pods = self.pods_on(name).await?;
        let up: BTreeSet<(&str, &str)> = pods
            .iter()
            .filter(|pod| cluster::holds(pod, "Ready") && cluster::deleted_at(pod).is_none())
            .filter_map(|pod| {
                let mut owners = pod["metadata"]["ownerReferences"].as_array()?.iter();
                let set = owners.find(|owner| owner["kind"] == "DaemonSet")?["name"].as_str()?;
                Some((cluster::namespace(pod), set))
            })
            .collect();
        let missing: Vec<String> = wanted.difference(&up).map(|(space, set)| format!("{space}/{set}")).collect();
        facts.insert("daemonset-pods".to_owned(), format!("{}/{}", wanted.len() - missing.len(), wanted.len()));
        if !missing.is_empty() {
            facts.insert("missing".to_owned(), missing.join(" "));
        }
        Ok(Sample { pass: ready && missing.is_empty(), hopeless: false, facts, evidence: None })
    }
}

/// A pod of the storage cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoragePod {
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
}

impl Cluster {
    /// The pods of the storage cluster that can be asked, as its DaemonSet labels them: those of other nodes than `own`,
    /// which may be the one that is sick, unless they are fewer than `wanted` (T36).
    pub(crate) async fn storage_pods(&self, own: Option<&str>, wanted: usize) -> Result<Vec<StoragePod>, LookError> {
        let all = self.objects("/api/v1/pods", "labelSelector=glusterfs-node%3Dpod").await?;
        let up = all.iter().filter(|pod| cluster::holds(pod, "Ready") && cluster::deleted_at(pod).is_none());
        let (mine, others): (Vec<&Value>, Vec<&Value>) =
            up.partition(|pod| own.is_some_and(|own| pod["spec"]["nodeName"] == own));
        let spare = if others.len() < wanted { mine } else { Vec::new() };
        let named = |pod: &Value| StoragePod {
            namespace: cluster::namespace(pod).to_owned(),
            name: cluster::name(pod).to_owned(),
        };
        Ok(others.into_iter().chain(spare).map(named).collect())
    }
}

/// Whether a node has all labels that are asked for.
fn selects(selector: &Value, node: &Value) -> bool {
    let labels = &node["metadata"]["labels"];
    selector.as_object().into_iter().flatten().all(|(key, value)| labels[key] == *value)
}
