//! A run in memory that is killed, resumed and rolled back: `cargo run -p palinode-replay --example rollback`.

use palinode_core::id::{RunId, StepPath};
use palinode_core::inventory::model::Reading;
use palinode_core::record::{Actor, Owner, RunEnd, Scope, World};
use palinode_core::run::history::History;
use palinode_core::runbook::{Given, Runbook};
use palinode_journal::MemJournal;
use palinode_replay::driver::{DriveError, Driver, Opening, Stopped, Surroundings, TakeOver, Targets};
use palinode_replay::lab::{self, Fault, Lab, Phase, block_on};
use palinode_replay::rollback;
use std::sync::Arc;

const RUNBOOK: &str = "
runbook: quiet-node
hosts: { group: glusterfs }
each_host:
  - cordon: { kube.cordon: {} }
  - stop: { service: { units: [docker, dnsmasq], state: stopped } }
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A runbook and concrete hosts make a plan. The lab is a simulated cluster, and its inventory names the hosts.
    let hosts = lab::inventory_text();
    let only = vec!["gluster1.demo".to_owned()];
    let inventory = Reading::of_text("hosts", hosts.as_bytes())?;
    let given = Given { inventory: Some(("hosts".to_owned(), Arc::new(inventory))), only, ..Given::default() };
    let plan = Runbook::plan(RUNBOOK, &given).map_err(|findings| format!("{findings:?}"))?;
    let world = Lab::in_memory(lab::World::demo(), lab::Surroundings::unedited(&hosts));
    let (run, back) = (RunId([1; 8]), RunId([2; 8]));

    // The first process dies while the last step is half done: one unit is stopped, the other is not.
    world.fault(Fault { step: StepPath::new("gluster1.demo/stop")?, attempt: 1, phase: Phase::Half });
    let mut journal = MemJournal::new(process(1));
    let first =
        Driver::begin(&mut journal, &world, Surroundings::unwatched(), History::default(), run, &plan, opening());
    println!("first process:  {:?}", drive(&world, first).map_err(|died| died.to_string()));

    // The second takes the run over. The intent is recorded and there is no outcome, so it looks before it goes on.
    world.revive();
    let mut journal = journal.crashed().taken_over(process(2));
    let history = History::load(&journal)?;
    let second = Driver::take_over(&mut journal, &world, Surroundings::unwatched(), history, run, TakeOver::default());
    println!("second process: {:?}", drive(&world, second)?);

    // The way back is a plan made of the recorded inverses, and a run like any other.
    let history = History::load(&journal)?;
    let inverse = rollback::plan(&journal, &history, run, &Scope::Run, false)?.plan;
    inverse.steps.iter().for_each(|step| println!("                {}", step.path));
    let third = Driver::begin(&mut journal, &world, Surroundings::unwatched(), history, back, &inverse, opening());
    let end = drive(&world, third)?;
    println!("third process:  {end:?}, {} entries", journal.len());
    (end == Stopped::Closed(RunEnd::RolledBack)).then_some(()).ok_or_else(|| "something is left".into())
}

/// Drives a run until it stops; while it waits, the lab's time passes.
fn drive(world: &Lab, driver: Result<Driver<'_, MemJournal, Lab>, DriveError>) -> Result<Stopped, DriveError> {
    block_on(world, driver?.drive())?
}

fn opening() -> Opening {
    let world = World::Lab { folder: "in memory".to_owned() };
    Opening { world, actor: Actor::default(), reason: None, change: None, force: false, targets: Targets::default() }
}

fn process(pid: u32) -> Owner {
    Owner { host: "laptop".to_owned(), boot: "boot".to_owned(), pid, started: 0 }
}

#[test]
fn it_is_rolled_back_in_the_end() {
    main().expect("it runs");
}
