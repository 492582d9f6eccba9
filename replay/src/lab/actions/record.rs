//! `record`: what is recorded are images; the job does nothing.

use super::draft::{Draft, Outside};
use super::in_lab::InLab;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::Record;
use palinode_core::port::Job;

impl InLab for Record {
    fn draft(&self, _: &World, _: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        Ok(Draft::default().ends(1))
    }
}
