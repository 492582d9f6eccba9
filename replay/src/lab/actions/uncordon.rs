//! `kube.uncordon`: the node takes pods again.

use super::cordon::scheduling;
use super::draft::{Draft, Outside};
use super::in_lab::InLab;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::port::Job;

/// Makes the node schedulable.
#[derive(Debug)]
pub(super) struct Uncordon;

impl InLab for Uncordon {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        scheduling(world, job, true)
    }
}
