//! `restore`: becomes another action before it runs.

use super::draft::{Draft, Outside, refuse};
use super::in_lab::InLab;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::Restore;
use palinode_core::port::Job;

impl InLab for Restore {
    fn draft(&self, _: &World, _: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        Err(refuse("restore has not been resolved to what it restores"))
    }
}
