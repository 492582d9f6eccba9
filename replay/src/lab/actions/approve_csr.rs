//! `kube.approve-csr`: the lab's nodes get their certificates as they register, and that is waited for.

use super::draft::{Draft, Outside, node_of};
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::ApproveCsr;
use palinode_core::port::Job;

impl InLab for ApproveCsr {
    fn draft(&self, _: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let node = node_of(job)?.to_owned();
        let mut draft = Draft::default();
        let patience = self.timeout.micros().0 / 1_000_000;
        draft.wait(1, patience, Effect::AwaitNode { node, ready: false });
        Ok(draft.ends(1))
    }
}
