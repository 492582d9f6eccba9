//! A decision of a person, recorded by this process because no other one drives the run.

use super::world::World;
use crate::clock::wall;
use crate::error::Failure;
use crate::journal::{self, Store};
use palinode_core::port::{HandedDecision, Stored};
use palinode_core::run::history::History;
use palinode_replay::driver::{DriveError, Driver, Stop, Surroundings};
use std::cell::Cell;
use std::rc::Rc;

/// Records the decision as the journal's owner. False if another process became the owner meanwhile.
pub(crate) fn record(store: &Store, decision: &HandedDecision) -> Result<bool, Failure> {
    let Some(mut journal) = journal::own_if_free(store)? else { return Ok(false) };
    let history = History::load(&journal)?;
    let state = history.runs.get(&decision.run).ok_or(DriveError::NoRun(decision.run))?;
    let world = World::unreached(state, store.root())?;
    let mut watch = |_: &History, _: &Stored| {};
    let around = Surroundings { wall: &wall, watch: &mut watch, stop: Rc::new(Cell::new(Stop::No)), tick: None };
    let mut driver = Driver::attach(&mut journal, &world.executor, around, history, decision.run)?;
    driver.decide(decision)?;
    Ok(true)
}
