//! What a kind of action says that the lab does instead.

use super::draft::{Draft, Outside};
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::{Action, Target};
use palinode_core::port::{Job, LookError};
use palinode_core::resource::Footprint;

/// A kind of action that the lab does.
pub(crate) trait InLab {
    /// The parts of its job that are still to do; else how the job ends without having done anything.
    fn draft(&self, world: &World, job: &Job, outside: &Outside<'_>) -> Result<Draft, Finish>;

    /// The action with what only its target could tell filled in; none if it stands as it is.
    fn filled(&self, _world: &World, _target: &Target) -> Option<Action> {
        None
    }

    /// Resources beyond those that it declares, which only a look at its target shows.
    fn more(&self, _world: &World, _target: &Target) -> Result<Vec<Footprint>, LookError> {
        Ok(Vec::new())
    }
}
