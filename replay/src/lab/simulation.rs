//! [`Lab`]: a world with its ledger, its clock and what strikes it.

use super::faults::{self, Failing, Fault};
use super::{Applied, Digest, Effect, End, Ledger, Line, What, World, effects, inventory_text};
use palinode_core::action::Action;
use palinode_core::id::{EntryId, Micros, StepPath};
use palinode_core::port::{Bodies, BodyError, Control, Executor, Finished, Halted, LookError};
use palinode_core::record::{Class, Why};
use palinode_core::resource;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::path::Path;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Waits in real time, for a lab that is watched.
pub type Sleeper = Rc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()>>>>;

/// What of the lab is not simulated: the control side with its inventory.
pub struct Surroundings {
    /// Reads the inventory, for playbooks.
    pub read_inventory: Box<dyn Fn() -> io::Result<Vec<u8>>>,
    /// Where the inventory is, as actions and resource keys name it.
    pub inventory_path: String,
    /// Looks at files of the control side and edits them.
    pub control: Box<dyn Control>,
}

impl Surroundings {
    /// An inventory that is `hosts` and that no action can edit.
    pub fn unedited(inventory: &str) -> Self {
        let read = inventory.as_bytes().to_vec();
        Self {
            read_inventory: Box::new(move || Ok(read.clone())),
            inventory_path: "hosts".to_owned(),
            control: Box::new(Unedited(inventory.to_owned())),
        }
    }
}

/// A control side that shows one text as every file, and writes nothing.
struct Unedited(String);

impl Control for Unedited {
    fn observe(&self, _: &str, bodies: &dyn Bodies) -> Result<resource::State, LookError> {
        let body = bodies.put(Class::Content, self.0.as_bytes())?;
        Ok(resource::State::file(0o644, "root:root", self.0.len() as u64, body))
    }

    fn run(&self, _: &Action, _: &dyn Bodies) -> Result<Finished, BodyError> {
        let message = Some("nothing can be written here".to_owned());
        Ok(Finished { why: Some(Why::Precondition), message, ..Finished::default() })
    }
}

/// What a future waits for.
#[derive(Debug, Clone, Copy)]
pub(super) enum On {
    Until(Micros),
    Job(EntryId),
}

/// What a lab is besides its surroundings.
pub(super) struct State {
    pub(super) world: World,
    pub(super) ledger: Ledger,
    pub(super) faults: Vec<Fault>,
    pub(super) failures: Vec<faults::Failure>,
    /// Links that are cut, until when.
    pub(super) cuts: BTreeMap<String, Micros>,
    /// Jobs whose link is about to be cut, and until when.
    pub(super) cut_jobs: BTreeMap<EntryId, Micros>,
    /// Jobs whose end the process does not live to see.
    pub(super) fatal: BTreeSet<EntryId>,
    pub(super) waiters: BTreeMap<u64, (On, Waker)>,
    pub(super) next_waiter: u64,
    pub(super) halted: bool,
    pub(super) broken: Option<String>,
    pub(super) on_halt: Option<Rc<dyn Fn()>>,
    pub(super) pace: Option<(u32, Sleeper)>,
}

impl State {
    /// Records lines. A ledger that cannot be written stops everything: the world would be forgotten.
    pub(super) fn write(&mut self, lines: Vec<Line>) {
        if lines.is_empty() {
            return;
        }
        if let Err(error) = self.ledger.append(lines) {
            self.broken = Some(error.to_string());
            self.halted = true;
        }
    }

    /// Records how far the clock is.
    pub(super) fn mark(&mut self) {
        let at = self.world.clock();
        if self.ledger.last().is_none_or(|last| last < at) {
            self.write(vec![Line { at, what: What::Advanced {} }]);
        }
    }
}

/// A simulated world behind the executor port.
pub struct Lab {
    pub(super) state: RefCell<State>,
    pub(super) around: Surroundings,
}

impl Lab {
    fn with(world: World, ledger: Ledger, around: Surroundings) -> Self {
        let state = State {
            world,
            ledger,
            faults: Vec::new(),
            failures: Vec::new(),
            cuts: BTreeMap::new(),
            cut_jobs: BTreeMap::new(),
            fatal: BTreeSet::new(),
            waiters: BTreeMap::new(),
            next_waiter: 0,
            halted: false,
            broken: None,
            on_halt: None,
            pace: None,
        };
        Self { state: RefCell::new(state), around }
    }

    /// A lab in memory.
    pub fn in_memory(world: World, around: Surroundings) -> Self {
        Self::with(world, Ledger::in_memory(), around)
    }

    /// A lab in a folder: `world.json`, `ledger.jsonl`, and an inventory `hosts` unless there is one. Fails if the
    /// folder holds a world already.
    pub fn create(folder: &Path, world: World, around: Surroundings) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join("world.json");
        if path.exists() {
            let message = format!("{} holds a world already", folder.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        let hosts = folder.join("hosts");
        if !hosts.exists() {
            std::fs::write(&hosts, inventory_text())?;
        }
        let ledger = Ledger::open(&folder.join("ledger.jsonl"), |_| {})?;
        let part = folder.join("world.json.part");
        let mut file = std::fs::File::create(&part)?;
        file.write_all(&serde_json::to_vec(&world)?)?;
        file.sync_all()?;
        std::fs::rename(&part, &path)?;
        Ok(Self::with(world, ledger, around))
    }

    /// Goes on in the world of a folder, as its ledger left it.
    pub fn open(folder: &Path, around: Surroundings) -> io::Result<Self> {
        let mut world = Self::begun(folder)?;
        let ledger = Ledger::open(&folder.join("ledger.jsonl"), |line| world.replay(line))?;
        let lab = Self::with(world, ledger, around);
        lab.bury();
        Ok(lab)
    }

    /// A copy in memory of the world of a folder, as its ledger left it. Nothing is written there, also if another process
    /// is at work in it.
    pub fn copy(folder: &Path, around: Surroundings) -> io::Result<Self> {
        let mut world = Self::begun(folder)?;
        Ledger::told(&folder.join("ledger.jsonl"), |line| world.replay(line))?;
        let lab = Self::in_memory(world, around);
        lab.bury();
        Ok(lab)
    }

    /// The world of a folder as it was made.
    fn begun(folder: &Path) -> io::Result<World> {
        let path = folder.join("world.json");
        let bytes = std::fs::read(&path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        serde_json::from_slice(&bytes).map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged: {error}", path.display()))
        })
    }

    /// What acted on the control side died with the process that did it.
    fn bury(&self) {
        let mut state = self.state.borrow_mut();
        let dead: Vec<EntryId> = state.world.control_jobs();
        let mut lines = Vec::new();
        for job in dead {
            state.world.end(job, End::Died, &mut lines);
        }
        state.write(lines);
    }

    /// What the next process finds after a fault let this one die: the same world and ledger, nobody waiting. The
    /// faults that did not strike yet stay.
    pub fn revive(&self) {
        {
            let mut state = self.state.borrow_mut();
            state.halted = state.broken.is_some();
            state.waiters.clear();
            state.fatal.clear();
            state.cuts.clear();
            state.cut_jobs.clear();
        }
        self.bury();
    }

    /// Where the inventory is.
    pub fn inventory_path(&self) -> &str {
        &self.around.inventory_path
    }

    /// A copy of the world as it is now.
    pub fn snapshot(&self) -> World {
        self.state.borrow().world.clone()
    }

    /// Puts an earlier world in the place of this one. For labs in memory: a ledger on disk would not know of it.
    pub fn restore(&self, world: World) {
        let mut state = self.state.borrow_mut();
        state.world = world;
        state.ledger = Ledger::in_memory();
    }

    /// The digest of the world, with that of the inventory beside.
    pub fn digest(&self) -> Digest {
        let mut digest = self.state.borrow().world.digest();
        if let Ok(bytes) = (self.around.read_inventory)() {
            let hash = blake3::hash(&bytes).to_hex()[..12].to_owned();
            digest.lines.insert(format!("control/file:{}", self.around.inventory_path), hash);
        }
        digest
    }

    /// All lines of the ledger so far. None if it cannot be read back; [`Self::broken`] then says why.
    pub fn lines(&self) -> Vec<Line> {
        let mut state = self.state.borrow_mut();
        state.ledger.lines().unwrap_or_else(|error| {
            state.broken = Some(error.to_string());
            Vec::new()
        })
    }

    /// How many lines the ledger has.
    pub fn line_count(&self) -> usize {
        self.state.borrow().ledger.len()
    }

    /// The effects so far, each with the step it belongs to.
    pub fn effects(&self) -> Vec<Applied> {
        effects(&self.lines())
    }

    /// Lets time pass with nobody watching, as between the death of a process and the next.
    pub fn advance(&self, gap: Micros) {
        let mut state = self.state.borrow_mut();
        let to = state.world.clock().plus(gap);
        let mut lines = Vec::new();
        state.world.advance(to, &mut lines);
        state.write(lines);
        state.mark();
    }

    /// Someone else changes the world.
    pub fn change(&self, effect: Effect) {
        let mut state = self.state.borrow_mut();
        let at = state.world.clock();
        state.world.apply(&effect, None);
        state.write(vec![Line { at, what: What::Outside { effect } }]);
    }

    /// Lets a fault strike once.
    pub fn fault(&self, fault: Fault) {
        self.state.borrow_mut().faults.push(fault);
    }

    /// Makes a step fail so many times.
    pub fn make_fail(&self, step: StepPath, times: u32, message: &str, failing: Failing) {
        let message = message.to_owned();
        self.state.borrow_mut().failures.push(faults::Failure { step, times, message, failing });
    }

    /// What to do when a fault lets the process die, instead of only answering [`Halted`].
    pub fn on_halt(&self, die: impl Fn() + 'static) {
        self.state.borrow_mut().on_halt = Some(Rc::new(die));
    }

    /// Why the ledger could not be written or read back, if it could not.
    pub fn broken(&self) -> Option<String> {
        self.state.borrow().broken.clone()
    }

    /// Slows virtual time down to so many virtual seconds in a real one.
    pub fn set_pace(&self, virtual_per_second: u32, sleeper: Sleeper) {
        self.state.borrow_mut().pace = Some((virtual_per_second.max(1), sleeper));
    }

    pub(super) fn halt(&self) {
        let die = self.state.borrow().on_halt.clone();
        if let Some(die) = die {
            die();
        }
    }

    /// The end of the next slice of a watched clock: a twentieth of a real second, or the moment itself if it is near.
    pub(super) fn slice(&self, from: Micros, to: Micros) -> Micros {
        match &self.state.borrow().pace {
            Some((rate, _)) => to.min(from.plus(Micros(i64::from(*rate) * 50_000))),
            None => to,
        }
    }

    pub(super) async fn pace(&self, span: Micros) {
        let pace = self.state.borrow().pace.clone();
        if let (Some((rate, sleeper)), Ok(micros)) = (pace, u64::try_from(span.0)) {
            sleeper(Duration::from_micros(micros / u64::from(rate))).await;
        }
    }
}

/// Waits for a time or the end of a job; whoever drops it waits no longer.
pub(super) struct Wait<'a> {
    pub(super) lab: &'a Lab,
    pub(super) on: On,
    pub(super) id: Option<u64>,
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lab.state.borrow_mut();
        let there = match self.on {
            On::Until(time) => state.world.clock() >= time,
            On::Job(name) => state.world.job(name).is_none_or(|job| job.end.is_some()),
        };
        if there && !state.halted {
            if let Some(id) = self.id {
                state.waiters.remove(&id);
            }
            drop(state);
            self.id = None;
            return Poll::Ready(());
        }
        let id = self.id.unwrap_or(state.next_waiter);
        if self.id.is_none() {
            state.next_waiter += 1;
        }
        state.waiters.insert(id, (self.on, context.waker().clone()));
        drop(state);
        self.id = Some(id);
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.lab.state.borrow_mut().waiters.remove(&id);
        }
    }
}

/// Drives a future to its end on a lab without pace: whenever it waits, the clock moves.
pub fn block_on<T>(lab: &Lab, future: impl Future<Output = T>) -> Result<T, Halted> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Ok(value);
        }
        match pin!(lab.idle()).poll(&mut context) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(halted)) => return Err(halted),
            // Nothing will ever wake the future: nobody is left to go on.
            Poll::Pending => return Err(Halted),
        }
    }
}
