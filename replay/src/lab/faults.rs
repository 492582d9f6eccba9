//! Faults: where a rehearsal lets the process die, cuts the link, or makes a step fail.

use super::actions::Outside;
use super::world::job::{End, Finish};
use super::world::model::World;
use palinode_core::id::{Attempt, StepPath};
use palinode_core::port::Job;
use palinode_core::record::Why;

/// At which moment of an attempt a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The process dies before the job is claimed.
    NotBegun,
    /// Job and process die with about half of the job's parts done.
    Half,
    /// Job and process die when all is done, before the job could say so.
    Silent,
    /// The job ends; the process dies before it hears of it.
    Done,
    /// The link drops after the start; the job goes on, and the target cannot be reached for a while.
    LinkCut,
}

/// A fault that strikes once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// By its path in the plan, such as `gluster1.demo/stop`.
    pub step: StepPath,
    /// Counted from 1 for each step; a retry is the next one.
    pub attempt: Attempt,
    /// When in it.
    pub phase: Phase,
}

/// How much of a failing job is done before it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failing {
    /// Nothing.
    Before,
    /// About half of its parts.
    Half,
}

/// A step that fails so many times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) step: StepPath,
    pub(super) times: u32,
    pub(super) message: String,
    pub(super) failing: Failing,
}

impl Failure {
    /// Cuts a job short so that it fails.
    pub(super) fn spoil(&self, record: &mut super::world::job::JobRecord) {
        let keep = if self.failing == Failing::Half { record.parts.len() / 2 } else { 0 };
        record.parts.truncate(keep);
        record.finish = Finish {
            why: Some(Why::ExitCode),
            code: Some(1),
            message: Some(self.message.clone()),
            ..Finish::default()
        };
    }
}

impl World {
    /// Carries a job out in this world without a driver, in full or until it dies halfway; the clock moves on
    /// meanwhile. Actions on the control side leave the world as it is.
    pub fn perform(&mut self, job: &Job, outside: &Outside<'_>, phase: Phase) -> Option<End> {
        if phase == Phase::NotBegun {
            return None;
        }
        let mut record = self.record(job, outside);
        if phase == Phase::Half {
            record.dies_after = Some(record.parts.len() / 2);
        }
        self.claim(job.name, record);
        while self.running.contains(&job.name) {
            let at = self.next_event()?;
            self.step(at, &mut Vec::new());
        }
        self.jobs.get(&job.name).and_then(|job| job.end.clone())
    }

    /// A job as it will be claimed; a refused one has ended already.
    pub(super) fn record(&self, job: &Job, outside: &Outside<'_>) -> super::world::job::JobRecord {
        let (draft, end) = match self.draft(job, outside) {
            Ok(draft) => (draft, None),
            Err(finish) => (super::actions::Draft::default(), Some(End::Finished(finish))),
        };
        let on_host = job.action.place() == palinode_core::action::Place::Host;
        let host = job.target.host.as_ref().filter(|_| on_host).map(|host| host.as_str().to_owned());
        super::world::job::JobRecord {
            run: job.run,
            step: job.step.clone(),
            attempt: job.attempt,
            boot: host.as_ref().and_then(|host| self.hosts.get(host)).map(|host| host.boot.clone()),
            host,
            parts: draft.parts,
            done: 0,
            due: self.clock,
            tried: None,
            tail: draft.tail,
            deadline: draft.patience.map(|patience| self.clock.plus(patience)),
            dies_after: None,
            finish: draft.finish,
            end,
        }
    }
}
