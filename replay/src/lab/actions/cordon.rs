//! `kube.cordon`: the node takes no new pods.

use super::draft::{Draft, Outside, node_of, refuse};
use super::found;
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::port::Job;

/// Cordons the node.
#[derive(Debug)]
pub(super) struct Cordon;

impl InLab for Cordon {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        scheduling(world, job, false)
    }
}

/// Lets pods be placed on the node, or no more.
pub(super) fn scheduling(world: &World, job: &Job, on: bool) -> Result<Draft, Finish> {
    found::same_node(world, job, |_, _| (true, false))?;
    let node = node_of(job)?;
    let Some(now) = world.nodes.get(node) else {
        return Err(refuse(format!("nodes \"{node}\" not found")));
    };
    let mut draft = Draft::default();
    if now.unschedulable == on {
        draft.then(1, Effect::Schedulable { node: node.to_owned(), on });
    }
    Ok(draft.ends(1))
}
