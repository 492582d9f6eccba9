//! Changes of a Node: which one is meant, and the operations that several kinds make of it.

use super::claim::{Absence, Operations, as_read};
use super::job::{ApiJob, Stop, failed};
use palinode_core::cluster;
use palinode_core::id::ResourceKey;
use palinode_core::record::Why;
use palinode_core::resource::State;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// So often a condition is looked at.
pub(crate) const EVERY: Duration = Duration::from_millis(500);

fn pointer(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

/// Puts taints in the place of those that a node was just found to have.
pub(crate) fn set_taints(node: &Value, wanted: &BTreeSet<String>, absence: Absence, operations: &mut Operations) {
    operations.tests.push(as_read(node, "/spec/taints", absence));
    operations.writes.push(json!({ "op": "add", "path": "/spec/taints", "value": cluster::taints(node, wanted) }));
}

/// Sets labels or annotations to those that are wanted, each by itself: what others write beside them stays.
pub(crate) fn set_texts(
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

impl ApiJob<'_> {
    /// The name of the target's node.
    pub(crate) fn node_name(&self) -> Result<String, Stop> {
        let name = self.job.target.node.clone();
        name.ok_or_else(|| failed(Why::Precondition, "the action needs a node, and the target has none"))
    }

    /// The target's Node as it is now, which must be the one that was looked at.
    pub(crate) async fn same_node(&mut self, name: &str) -> Result<Option<Value>, Stop> {
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
}
