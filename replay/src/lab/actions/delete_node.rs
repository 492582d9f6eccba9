//! `kube.delete-node`: the Node object goes, once its kubelet is gone.

use super::draft::{Draft, Outside, node_of, refuse};
use super::found;
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::id::ResourceKey;
use palinode_core::port::Job;
use palinode_core::resource::State;

/// Deletes the Node object.
#[derive(Debug)]
pub(super) struct DeleteNode;

impl InLab for DeleteNode {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        found::same_node(world, job, |was, now| (true, now.labels != was.labels))?;
        let node = node_of(job)?;
        let Some(now) = world.nodes.get(node) else {
            return Ok(Draft::default().ends(1));
        };
        match job.before.get(&ResourceKey::node(node)) {
            Some(State::Node(was)) if was.uid != now.uid => {
                return Err(refuse(format!(
                    "node {node} registered again under UID {}; the one to delete had {}",
                    now.uid, was.uid
                )));
            }
            Some(State::Absent) => {
                return Err(refuse(format!("node {node} registered after it was looked at")));
            }
            _ => {}
        }
        if world.hosts.get(node).is_some_and(|host| host.kubelet.is_some()) {
            return Err(refuse(format!("the kubelet of {node} still runs and would register it again at once")));
        }
        let mut draft = Draft::default();
        draft.then(1, Effect::DeleteNode { node: node.to_owned(), uid: now.uid.clone() });
        Ok(draft.ends(2))
    }
}
