//! `kube.patch-node`: fields of the Node are set, those alone that differ.

use super::draft::{Draft, Outside, node_of, refuse};
use super::found;
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::PatchNode;
use palinode_core::port::Job;

impl InLab for PatchNode {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        found::same_node(world, job, |was, now| {
            let differs = |label: &String| now.labels.get(label) != was.labels.get(label);
            (self.unschedulable.is_some(), self.labels.keys().any(differs))
        })?;
        let node = node_of(job)?.to_owned();
        let Some(now) = world.nodes.get(&node) else {
            return Err(refuse(format!("nodes \"{node}\" not found")));
        };
        let mut draft = Draft::default();
        let differs = self.labels.iter().any(|(key, want)| now.labels.get(key) != want.as_ref());
        if differs {
            draft.then(1, Effect::Label { node: node.clone(), labels: self.labels.clone() });
        }
        let taints = self.tainted(&now.taints);
        if taints != now.taints {
            draft.then(1, Effect::Taint { node: node.clone(), taints });
        }
        if let Some(unschedulable) = self.unschedulable.filter(|want| *want != now.unschedulable) {
            draft.then(1, Effect::Schedulable { node, on: !unschedulable });
        }
        Ok(draft.ends(1))
    }
}
