//! The end of a run by a person's word.

use super::world::World;
use crate::actor;
use crate::clock::wall;
use crate::error::Failure;
use crate::journal::Journal;
use palinode_core::id::RunId;
use palinode_core::port::Stored;
use palinode_core::record::RunEnd;
use palinode_core::run::history::History;
use palinode_replay::driver::{Driver, Stop, Surroundings, TakeOver};
use std::cell::Cell;
use std::rc::Rc;

/// Ends a run because a person says so; `by`: the process takes it over first. Its hosts are not given back yet.
pub(crate) fn close(
    journal: &mut Journal,
    world: &World,
    history: History,
    run: RunId,
    reason: &str,
    by: Option<TakeOver>,
) -> Result<(RunEnd, History), Failure> {
    let mut watch = |_: &History, _: &Stored| {};
    let around = Surroundings { wall: &wall, watch: &mut watch, stop: Rc::new(Cell::new(Stop::No)), tick: None };
    let mut driver = match by {
        Some(by) => Driver::take_over(journal, &world.executor, around, history, run, by)?,
        None => Driver::attach(journal, &world.executor, around, history, run)?,
    };
    let end = driver.close_by(&actor::actor(), reason)?;
    Ok((end, driver.into_history()))
}
