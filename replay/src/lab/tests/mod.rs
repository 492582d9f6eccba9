//! Tests of the lab, and what they share: bodies in memory, a control side, one step at a time.

mod actions;
mod faults;
mod golden;
mod migration;
mod worlds;

use super::{Lab, Outside, Surroundings, World, block_on, inventory_text};
use palinode_core::action::{Action, Target};
use palinode_core::gate::Gate;
use palinode_core::id::{BodyId, EntryId, HostName, ResourceKey, RunId, Seq, StepPath};
use palinode_core::port::Sample;
use palinode_core::port::{Bodies, BodyError, Control, Ended, Executor, Finished, Job, LookError};
use palinode_core::record::Class;
use palinode_core::resource::{Footprint, Image, State};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

pub(super) const INVENTORY: &str = "/lab/hosts";

#[derive(Default)]
pub(super) struct Kept(RefCell<BTreeMap<BodyId, Vec<u8>>>);

impl Bodies for Kept {
    fn put(&self, _: Class, bytes: &[u8]) -> Result<BodyId, BodyError> {
        let id = BodyId(*blake3::hash(bytes).as_bytes());
        self.0.borrow_mut().insert(id, bytes.to_vec());
        Ok(id)
    }

    fn get(&self, id: BodyId) -> Result<Vec<u8>, BodyError> {
        self.0.borrow().get(&id).cloned().ok_or(BodyError::Missing(id))
    }
}

/// A control side in memory: every edit adds a line, every restore puts the recorded text back.
struct Desk(Rc<RefCell<String>>);

impl Control for Desk {
    fn observe(&self, _: &str, bodies: &dyn Bodies) -> Result<State, LookError> {
        let text = self.0.borrow();
        let body = bodies.put(Class::Content, text.as_bytes())?;
        Ok(State::file(0o644, "root:root", text.len() as u64, body))
    }

    fn run(&self, action: &Action, bodies: &dyn Bodies) -> Result<Finished, BodyError> {
        match action {
            Action::InventoryRestore(restore) => {
                let bytes = bodies.get(restore.to.body().expect("a file has a body"))?;
                *self.0.borrow_mut() = String::from_utf8(bytes).expect("text");
            }
            _ => self.0.borrow_mut().push_str("# edited\n"),
        }
        Ok(Finished { code: Some(0), ..Finished::default() })
    }
}

pub(super) struct Bench {
    pub(super) lab: Lab,
    pub(super) bodies: Kept,
    pub(super) inventory: Rc<RefCell<String>>,
    jobs: u8,
}

pub(super) fn around(inventory: &Rc<RefCell<String>>) -> Surroundings {
    let text = Rc::clone(inventory);
    Surroundings {
        read_inventory: Box::new(move || Ok(text.borrow().clone().into_bytes())),
        inventory_path: INVENTORY.to_owned(),
        control: Box::new(Desk(Rc::clone(inventory))),
    }
}

/// What one step saw and did.
pub(super) struct Seen {
    pub(super) footprint: Vec<Footprint>,
    pub(super) before: Image,
    pub(super) after: Image,
    pub(super) finished: Finished,
    pub(super) target: Target,
}

impl Bench {
    pub(super) fn new(world: World) -> Self {
        let inventory = Rc::new(RefCell::new(inventory_text()));
        let jobs = u8::try_from(world.jobs.len()).expect("few jobs");
        let lab = Lab::in_memory(world, around(&inventory));
        Self { lab, bodies: Kept::default(), inventory, jobs }
    }

    pub(super) fn demo() -> Self {
        Self::new(World::demo())
    }

    pub(super) fn job(&mut self, host: &str, action: Action) -> (Job, Vec<Footprint>) {
        self.jobs += 1;
        let mut target = Target { host: Some(HostName::new(host).expect("a host")), node: None };
        let survey =
            block_on(&self.lab, self.lab.survey(&target, &action, &self.bodies)).expect("lives").expect("answers");
        target.node = survey.node;
        let action = survey.action.unwrap_or(action);
        let mut footprint = action.footprint(&target);
        footprint.extend(survey.more);
        let before = self.look(&footprint);
        let job = Job {
            heard: 0,
            seq: Seq(0),
            name: EntryId([self.jobs; 32]),
            run: RunId([1; 8]),
            step: StepPath::new(format!("{host}/{}", self.jobs)).expect("a path"),
            attempt: 1,
            action,
            target,
            boot: survey.boot,
            before: Arc::new(before),
            seen: None,
            look: Arc::new([]),
        };
        (job, footprint)
    }

    pub(super) fn look(&self, footprint: &[Footprint]) -> Image {
        let keys: Vec<ResourceKey> = footprint.iter().map(|item| item.key.clone()).collect();
        block_on(&self.lab, self.lab.observe(&keys, &self.bodies)).expect("lives").expect("answers")
    }

    /// One step from survey to after-image, whatever comes of it.
    pub(super) fn step(&mut self, host: &str, action: Action) -> Seen {
        let (job, footprint) = self.job(host, action);
        let ended = block_on(&self.lab, self.lab.execute(&job, &self.bodies)).expect("lives");
        let Ended::Finished(finished) = ended else { unreachable!("{}: {ended:?}", job.action.name()) };
        let after = self.look(&footprint);
        Seen { footprint, before: (*job.before).clone(), after, finished, target: job.target }
    }

    /// One step that does what it promises.
    pub(super) fn does(&mut self, host: &str, action: Action) -> Seen {
        let seen = self.step(host, action.clone());
        assert_eq!(seen.finished.why, None, "{}: {:?}", action.name(), seen.finished);
        assert_eq!(action.unmet(&seen.before, &seen.after), None, "{}: {:?}", action.name(), seen.after);
        seen
    }

    /// One step that refuses to begin; its words.
    pub(super) fn refuses(&mut self, host: &str, action: Action) -> String {
        let digest = self.lab.digest();
        let seen = self.step(host, action);
        assert_eq!(seen.finished.why, Some(palinode_core::record::Why::Precondition), "{:?}", seen.finished);
        assert_eq!(self.lab.digest().diff(&digest), Vec::new());
        seen.finished.message.expect("it says why")
    }

    pub(super) fn sample(&self, host: &str, gate: &Gate) -> Sample {
        let target = Target { host: Some(HostName::new(host).expect("a host")), node: Some(host.to_owned()) };
        block_on(&self.lab, self.lab.sample(&target, gate, &self.bodies)).expect("lives").expect("answers")
    }
}

/// An action as a runbook writes it.
pub(super) fn action(json: &str) -> Action {
    serde_json::from_str(json).expect("an action")
}

/// Lets a closure use the outside of a bench.
pub(super) fn outside<T>(bench: &Bench, run: impl FnOnce(&Outside<'_>) -> T) -> T {
    let text = Rc::clone(&bench.inventory);
    let read = move || Ok(text.borrow().clone().into_bytes());
    run(&Outside { inventory: &read, bodies: &bench.bodies })
}
