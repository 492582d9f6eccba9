//! `kube.restore-node`: waits for the node to register, and gives it back what it had.

use super::draft::{Draft, Outside, node_of};
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::RestoreNode;
use palinode_core::port::Job;

impl InLab for RestoreNode {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let node = node_of(job)?.to_owned();
        let mut draft = Draft::default();
        if !world.nodes.contains_key(&node) {
            let patience = self.timeout.micros().0 / 1_000_000;
            draft.wait(1, patience, Effect::AwaitNode { node: node.clone(), ready: false });
        }
        draft.then(
            1,
            Effect::RestoreNode {
                node,
                unschedulable: self.unschedulable,
                labels: self.labels.clone(),
                annotations: self.annotations.clone(),
                taints: self.taints.clone(),
            },
        );
        Ok(draft.ends(1))
    }
}
