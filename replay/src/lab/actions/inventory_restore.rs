//! `inventory.restore`: one part, done at once by the control side itself.

use super::draft::{Draft, Outside, control};
use super::in_lab::InLab;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::InventoryRestore;
use palinode_core::port::Job;

impl InLab for InventoryRestore {
    fn draft(&self, _: &World, _: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        Ok(control(&self.file))
    }
}
