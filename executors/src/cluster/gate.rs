//! Gates that ask the API.

use super::Cluster;
use palinode_core::cluster;
use palinode_core::port::{LookError, Sample};
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

/// Whether a node has all labels that are asked for.
fn selects(selector: &Value, node: &Value) -> bool {
    let labels = &node["metadata"]["labels"];
    selector.as_object().into_iter().flatten().all(|(key, value)| labels[key] == *value)
}
