//! The first stage: the journal is owned where it is there, and the world of the run is open. Nothing was asked of it.

use super::against::Against;
use super::claims;
use super::mandate::Mandate;
use super::new_id::new_id;
use super::ready::Ready;
use super::session::Session;
use super::settings::Settings;
use super::task::Task;
use super::world::World;
use crate::args::Args;
use crate::error::Failure;
use crate::journal::{self, Journal, Store};
use crate::lab::{self, LabOptions};
use crate::render::{escape, some};
use palinode_core::id::{HostName, RunId};
use palinode_core::port::{JournalRead, Store as _};
use palinode_core::record::{self, Scope};
use palinode_core::run::history::History;
use palinode_core::run::plan::{LaneKind, Plan};
use palinode_core::run::state::RunState;
use palinode_replay::driver::DriveError;
use palinode_replay::lab::{self as simulated, DEFAULT_NODES};
use palinode_replay::rollback;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What a verb wants to be done.
pub(crate) enum What<'a> {
    /// A new run of a plan on real hosts.
    OnHosts(Plan),
    /// A new run of a plan in a lab.
    InLab(InLab<'a>),
    /// An open run goes on, in the world it was opened in.
    GoOn {
        /// The journal.
        owned: Owned,
        /// The run.
        run: RunId,
    },
    /// A run is taken back in its world. What is in doubt is looked at before the plan for that is made.
    TakeBack {
        /// The journal.
        owned: Owned,
        /// The run.
        run: RunId,
        /// How much of it.
        scope: Scope,
    },
}

/// A new run in a lab.
pub(crate) struct InLab<'a> {
    /// The lab's folder; by default one that is named after the run, beside the journal.
    pub(crate) folder: Option<PathBuf>,
    /// How many storage nodes the lab gets. Only a lab that is not there yet may be told.
    pub(crate) nodes: Option<usize>,
    /// Makes the plan, which names the inventory in the lab's folder.
    pub(crate) plan: PlanIn<'a>,
}

/// Makes the plan for a lab in this folder, with the inventory that the lab gets if it is not there yet.
pub(crate) type PlanIn<'a> = Box<dyn FnOnce(&Path) -> Result<(Plan, String), Failure> + 'a>;

/// A journal that is there and owned by this process, with its history.
pub(crate) struct Owned {
    store: Store,
    journal: Journal,
    /// What it tells.
    pub(crate) history: History,
}

impl Owned {
    /// Takes the journal that the command line means, and gives up what dead processes left claimed.
    pub(crate) fn open(args: &Args) -> Result<Self, Failure> {
        let store = journal::store(args.journal.as_deref())?;
        let journal = journal::own(&store)?;
        let history = History::load(&journal)?;
        claims::give_up_left(args, &store, &journal, &history);
        Ok(Self { store, journal, history })
    }
}

/// See the module.
pub(crate) struct Opened {
    session: Session,
    task: Task,
    /// What is checked: the steps whose targets are reached.
    reached: Plan,
    /// The run that was recorded before and acts again.
    before: Option<Before>,
}

/// What an open run, or one that is taken back, recorded of its hosts.
struct Before {
    run: RunId,
    /// Hosts that may be other machines by now, as a person says.
    changed: BTreeSet<HostName>,
    /// The machines that were recorded.
    recorded: BTreeMap<HostName, String>,
    /// Whether hosts are told of that are known by another key now.
    tells_keys: bool,
}

impl World {
    /// Opens what a run needs: the journal, if it is there, and the world. Everything that can be wrong without a look
    /// at a host is found here.
    pub(crate) fn open(args: &Args, what: What<'_>, settings: Settings) -> Result<Opened, Failure> {
        match what {
            What::OnHosts(plan) => on_hosts(args, plan, settings),
            What::InLab(lab) => in_lab(args, lab, settings),
            What::GoOn { owned, run } => go_on(args, owned, run, settings),
            What::TakeBack { owned, run, scope } => take_back(args, owned, run, &scope, settings),
        }
    }
}

fn on_hosts(args: &Args, plan: Plan, settings: Settings) -> Result<Opened, Failure> {
    let run = new_id()?;
    let store = journal::store_or_new(args.journal.as_deref())?;
    // What is there is locked before anything is asked: no other process goes on with this journal meanwhile.
    let journal = store.exists().then(|| journal::own(&store)).transpose()?;
    let history = journal.as_ref().map(History::load).transpose()?.unwrap_or_default();
    let mandate = match &journal {
        Some(journal) => {
            claims::give_up_left(args, &store, journal, &history);
            claims::undisturbed(&history, &record::World::Real, plan.hosts(), None)?;
            Mandate::of(&store, journal)
        }
        None => Mandate::fresh(&store)?,
    };
    let mut world = World::real(args, &mandate, run, &plan)?;
    world.listen(settings.live.clone(), settings.asks.clone());
    world.disturb(&settings.lab, &plan, None)?;
    let task =
        Task::Begin { plan: Box::new(plan.clone()), place: record::World::Real, announced: format!("run {run}\n") };
    let session = Session { store, mandate, journal, history, world, run, settings };
    Ok(Opened { session, task, reached: plan, before: None })
}

/// What can be wrong is found before a lab or a journal is made.
fn in_lab(args: &Args, what: InLab<'_>, settings: Settings) -> Result<Opened, Failure> {
    let run = new_id()?;
    let store = journal::absolute_store_or_new(args.journal.as_deref())?;
    let folder = what.folder.unwrap_or_else(|| lab::folder_for(store.root(), run));
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let (plan, inventory) = (what.plan)(&folder)?;
    if what.nodes.is_some() && lab::is_there(&folder) {
        return Err(Failure::usage(
            format!("the lab in {} is there already, with nodes of its own", folder.display()),
            "leave --lab-nodes away, or name a folder that is not there",
        ));
    }
    let disturbance = lab::disturbance(&settings.lab, &plan)?;
    let new = (!lab::is_there(&folder)).then(|| simulated::World::of(what.nodes.unwrap_or(DEFAULT_NODES)));
    if let Some(new) = &new {
        lab::fits(&plan, new)?;
    }
    if !store.exists() {
        store.create(&Mandate::fresh(&store)?.id)?;
    }
    let journal = journal::own(&store)?;
    let old = new.is_none();
    let (made, folder) = lab::create(&folder, new.map(|world| (world, inventory.as_str())))?;
    if old {
        lab::fits(&plan, &made.snapshot())?;
    }
    disturbance.apply(&made);
    let history = History::load(&journal)?;
    let place = record::World::Lab { folder: folder.to_string_lossy().into_owned() };
    claims::undisturbed(&history, &place, plan.hosts(), None)?;
    let hosts: Vec<&str> = plan.hosts().map(|host| host.as_str()).collect();
    let announced = format!(
        "{} on {}, {} at a time, in the lab {}\nrun {run}\n",
        plan.runbook,
        some(&hosts, 6),
        plan.serial,
        escape(&folder.to_string_lossy())
    );
    let (world, mandate) = (World::lab(made)?, Mandate::of(&store, &journal));
    let task = Task::Begin { plan: Box::new(plan.clone()), place, announced };
    let session = Session { store, mandate, journal: Some(journal), history, world, run, settings };
    Ok(Opened { session, task, reached: plan, before: None })
}

fn go_on(args: &Args, owned: Owned, run: RunId, settings: Settings) -> Result<Opened, Failure> {
    let options = settings.lab.clone();
    let (session, before, plan) = reopen(args, owned, run, settings, &options)?;
    Ok(Opened { session, task: Task::GoOn, reached: plan, before: Some(before) })
}

fn take_back(args: &Args, owned: Owned, run: RunId, scope: &Scope, settings: Settings) -> Result<Opened, Failure> {
    // The options that disturb a lab are about the plan that takes the run back, which is not made yet.
    let (session, before, _) = reopen(args, owned, run, settings, &LabOptions::default())?;
    let state = session.history.runs.get(&run).ok_or(DriveError::NoRun(run))?;
    let reached = reached(session.journal()?, &session.history, state, scope)?;
    claims::undisturbed(&session.history, &state.opened.world, reached.hosts(), Some(run))?;
    let before = Before { tells_keys: true, ..before };
    Ok(Opened { session, task: Task::Look, reached, before: Some(before) })
}

/// Opens the world of a run that was recorded, and lets it expect the machines that it had.
fn reopen(
    args: &Args,
    owned: Owned,
    run: RunId,
    settings: Settings,
    options: &LabOptions,
) -> Result<(Session, Before, Plan), Failure> {
    let Owned { store, journal, history } = owned;
    let state = history.runs.get(&run).ok_or(DriveError::NoRun(run))?;
    let plan = (*state.plan).clone();
    let changed = claims::changed(&settings.host_changed, plan.reached().into_iter())?;
    let recorded = claims::machines(&history, state);
    let mandate = Mandate::of(&store, &journal);
    let mut world = World::reopen(state, args, &mandate)?;
    world.listen(settings.live.clone(), settings.asks.clone());
    world.disturb(options, &plan, world.gap(settings.gap))?;
    let mut machines = recorded.clone();
    machines.retain(|host, _| !changed.contains(host));
    world.expect(&machines);
    let session = Session { store, mandate, journal: Some(journal), history, world, run, settings };
    Ok((session, Before { run, changed, recorded, tells_keys: false }, plan))
}

/// What a rollback of this scope reaches: its own steps, and those that are in doubt and are looked at first. Whoever has
/// the other hosts of the run does not matter.
fn reached(journal: &impl JournalRead, history: &History, state: &RunState, scope: &Scope) -> Result<Plan, Failure> {
    let doubts = rollback::doubts(history, state.run, scope)?;
    let mut plan = (*state.plan).clone();
    // What becomes of what is in doubt may change the way back, not its hosts.
    let way = rollback::plan(journal, history, state.run, scope, true).ok();
    plan.steps.retain(|step| match scope {
        Scope::Run => true,
        Scope::Host(host) => step.target.host.as_ref() == Some(host),
        Scope::Step(path) => step.path == *path || doubts.contains(&step.path),
    });
    plan.steps.extend(way.into_iter().flat_map(|way| way.plan.steps));
    let hosts: BTreeSet<HostName> = plan.steps.iter().filter_map(|step| step.target.host.clone()).collect();
    plan.lanes.retain(|lane| matches!(&lane.kind, LaneKind::Host(host) if hosts.contains(host)));
    Ok(plan)
}

impl Opened {
    /// Sees to it that the run can act on its targets: reached, allowed to, the same machines as before, and free. Nothing
    /// is changed there. A run that is open already goes on with the hosts that answer.
    pub(crate) fn check(self) -> Result<Ready, Failure> {
        let Self { session, task, reached, before } = self;
        let Session { journal, history, world, settings, .. } = &session;
        let state = match &before {
            Some(before) => Some(history.runs.get(&before.run).ok_or(DriveError::NoRun(before.run))?),
            None => None,
        };
        let against = match (&task, journal, state) {
            (Task::GoOn, Some(journal), Some(state)) => Against::resumed(journal, history, state),
            (Task::GoOn | Task::Look | Task::Begin { .. }, journal, _) => Against::new(journal.as_ref(), history),
        };
        let taking = world.check(&reached, settings.take_over, before.is_some(), against)?;
        if let Some(state) = state.filter(|_| before.as_ref().is_some_and(|before| before.tells_keys)) {
            claims::tell_of_keys(state, world);
        }
        let (changed, recorded) = before.map(|before| (before.changed, before.recorded)).unwrap_or_default();
        let targets = claims::decided(&taking, changed, &recorded, world);
        Ok(Ready { session, task, taking, targets })
    }
}
