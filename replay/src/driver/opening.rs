//! How a driver is opened, what surrounds it, and how it ends.

use futures_util::future::LocalBoxFuture;
use palinode_core::id::{HostName, Micros, ResourceKey};
use palinode_core::port::Stored;
use palinode_core::record::{Actor, PauseWhy, RunEnd, ShownState, World};
use palinode_core::run::history::History;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What a person asked of a live driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stop {
    /// Nothing.
    #[default]
    No,
    /// Finish what runs, then pause.
    Pause,
    /// Leave at once; what runs on targets goes on.
    Leave,
}

/// How driving ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// The run is over.
    Closed(RunEnd),
    /// It waits for a person.
    Paused(PauseWhy),
    /// The driver was told to leave; the run is open and unowned.
    Left,
    /// Only the asked-for steps were looked at.
    Looked,
}

/// A future that ends after a short real time, so that decisions handed in are seen while everything waits.
pub type Tick<'a> = &'a dyn Fn() -> LocalBoxFuture<'static, ()>;

/// What surrounds a driver.
pub struct Surroundings<'a> {
    /// Wall time.
    pub wall: &'a dyn Fn() -> Micros,
    /// Told of every entry once it is durable, or posted; with the state after all that was recorded at the same time.
    pub watch: &'a mut dyn FnMut(&History, &Stored),
    /// What a person asked for.
    pub stop: Rc<Cell<Stop>>,
    /// How often to look for decisions handed in; never, if none.
    pub tick: Option<Tick<'a>>,
}

impl Surroundings<'_> {
    /// Nobody watches, nobody decides anything meanwhile, and the wall clock stands still: for runs in memory.
    pub fn unwatched() -> Self {
        // A box of a function that holds nothing allocates nothing, so that nothing leaks.
        let watch = Box::leak(Box::new(|_: &History, _: &Stored| {}));
        Self { wall: &|| Micros(0), watch, stop: Rc::default(), tick: None }
    }
}

/// How a run is opened.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Where it acts.
    pub world: World,
    /// Who started it.
    pub actor: Actor,
    /// `--reason`.
    pub reason: Option<String>,
    /// `--change`.
    pub change: Option<String>,
    /// Whether a rollback may overwrite drift.
    pub force: bool,
    /// What a person decided of whose the targets are, and which.
    pub targets: Targets,
}

/// What a person decided of whose the targets are, and which: recorded before anything is done there.
#[derive(Debug, Clone, Default)]
pub struct Targets {
    /// Claims that are taken from other journals: their words, by host, node or inventory.
    pub taken: BTreeMap<String, String>,
    /// Hosts that are other machines than recorded, and are gone on with.
    pub host_changed: BTreeSet<HostName>,
    /// What someone made of resources since, as a person was shown it: that may be changed back.
    pub shown: BTreeMap<ResourceKey, ShownState>,
}

/// How an open run is taken over.
#[derive(Debug, Clone, Default)]
pub struct TakeOver {
    /// Who started the new owner.
    pub actor: Actor,
    /// Virtual time that passed unattended, in a lab run.
    pub gap: Option<Micros>,
    /// Whether it may overwrite drift.
    pub force: bool,
    /// What a person decided of whose the targets are, and which.
    pub targets: Targets,
}
