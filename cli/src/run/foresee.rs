//! What taking a run back would find now: hosts and API are looked at, and nothing is changed or recorded.

use super::claims::machines;
use super::executor::Either;
use super::mandate::{Mandate, former_name};
use super::reach::{by_node, by_ssh};
use super::world::World;
use crate::args::Args;
use crate::error::Failure;
use crate::journal::{Reader, Store};
use crate::lab;
use palinode_core::action::{Action, Target};
use palinode_core::chain::chain;
use palinode_core::id::{HostName, Micros, StepPath};
use palinode_core::record;
use palinode_core::run::compensate::Compensation;
use palinode_core::run::history::History;
use palinode_core::run::plan::Plan;
use palinode_core::run::state::RunState;
use palinode_executors::{Real, Unready};
use palinode_replay::driver::{self, Ahead, Foreseen};
use std::collections::BTreeMap;
use std::path::Path;

/// See the module.
pub(crate) struct Outlook {
    /// What would keep the rollback from beginning at all, in words.
    pub(crate) obstacles: Vec<String>,
    /// What each of its steps would find.
    pub(crate) steps: Vec<Foreseen>,
}

/// What was said of how the rollback would begin.
pub(crate) struct Intended<'a> {
    /// The time that would pass in a lab before it.
    pub(crate) gap: Micros,
    /// Whether claims of other journals would be taken.
    pub(crate) take_over: bool,
    /// Hosts that would be acted on although they are other machines than recorded.
    pub(crate) host_changed: &'a [String],
}

/// Looks at all that a rollback would look at.
pub(crate) fn foresee(
    args: &Args,
    (store, reader, history): (&Store, &Reader, &History),
    run: &RunState,
    way: &Compensation,
    doubts: &[StepPath],
    intended: &Intended<'_>,
) -> Result<Outlook, Failure> {
    let world = match &run.opened.world {
        record::World::Lab { folder } => {
            let lab = lab::copy(Path::new(folder))?;
            lab.advance(intended.gap);
            World::lab(lab)?
        }
        record::World::Real => {
            let world = World::reopen(run, args, &Mandate::to_look(store)?)?;
            let mut machines = machines(history, run);
            machines.retain(|host, _| intended.host_changed.iter().all(|changed| changed != host.as_str()));
            world.expect(&machines);
            world
        }
    };
    let (obstacles, silent) = match &world.executor {
        Either::Lab(_) => Default::default(),
        Either::Real(real) => world.runtime.block_on(obstacles(real, &way.plan, store, intended.take_over)),
    };
    let ahead = Ahead::New(run.run, way, doubts);
    let steps = world.runtime.block_on(driver::foresee(&world.executor, reader, history, ahead, &silent))?;
    Ok(Outlook { obstacles, steps })
}

/// What would refuse the rollback, and the hosts that are not asked further, with why.
async fn obstacles(
    real: &Real,
    plan: &Plan,
    store: &Store,
    take_over: bool,
) -> (Vec<String>, BTreeMap<HostName, String>) {
    let (mut told, mut silent) = (Vec::new(), BTreeMap::new());
    let (_, unready) = real.unready(&by_ssh(plan)).await;
    let former = former_name(store.root());
    for (host, why) in unready.into_iter().chain(real.unready_nodes(&by_node(plan)).await) {
        match why {
            Unready::Claimed(_, by) if take_over || by == former => {}
            Unready::Claimed(who, _) => told.push(format!("{host} is claimed by another journal: {who}")),
            Unready::Changed(was, now) => {
                told.push(format!(
                    "{host} is another machine than the one recorded: its machine id is {now}, and was {was}"
                ));
                silent.insert(host, "it is another machine than the one recorded".to_owned());
            }
            Unready::Unreached(why) => {
                told.push(format!("{host} does not answer: {why}"));
                silent.insert(host, why);
            }
            Unready::Unseen(why) => told.push(format!("the node of {host} cannot be looked at: {why}")),
        }
    }
    let steps: Vec<(&Action, &Target)> = plan.actions().map(|(step, action)| (action, &step.target)).collect();
    match real.lacking(&steps).await {
        Ok(lacking) if lacking.is_empty() => {}
        Ok(lacking) => told.push(format!("these credentials may not {}", lacking.join(", "))),
        Err(error) => told.push(format!("the API does not say what these credentials may do: {}", chain(&error))),
    }
    (told, silent)
}
