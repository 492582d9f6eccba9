//! Jobs: an action as parts with durations, applied as the clock moves, whoever watches.

use super::apply::Came;
use super::effect::Effect;
use super::ledger::{Line, What};
use super::model::World;
use palinode_core::id::{Attempt, EntryId, Micros, RunId, StepPath};
use palinode_core::record::Why;
use serde::{Deserialize, Serialize};

/// How often a part that has to wait asks again.
const AGAIN: i64 = 5_000_000;

/// One part of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// How long after the part before it is due.
    pub after: Micros,
    /// How long it may wait; then the job fails.
    pub patience: Micros,
    /// What it does.
    pub effect: Effect,
}

/// How a job ended, before its output becomes a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Finish {
    /// None if it ended well.
    pub why: Option<Why>,
    /// As a shell tells it; none where no process ended.
    pub code: Option<i32>,
    /// A message for people.
    pub message: Option<String>,
    /// What it printed.
    pub output: Option<String>,
    /// The value it read.
    pub value: Option<String>,
}

/// The end of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It finished.
    Finished(Finish),
    /// It died without a status.
    Died,
    /// It was revoked before it started.
    Revoked,
}

/// A job as the world knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// By its id, sixteen hexadecimal digits.
    pub run: RunId,
    /// By its path in the plan, such as `gluster1.demo/stop`.
    pub step: StepPath,
    /// Counted from 1 for each step; a retry is the next one.
    pub attempt: Attempt,
    /// The host it runs on, if it runs on one.
    pub host: Option<String>,
    /// That host's boot id at the start.
    pub boot: Option<String>,
    /// Its parts.
    pub parts: Vec<Part>,
    /// How many of them are done.
    pub done: usize,
    /// When the next part is due.
    pub due: Micros,
    /// When a waiting part last asked.
    #[serde(skip)]
    pub tried: Option<Micros>,
    /// How long it takes from its last part to its end.
    pub tail: Micros,
    /// When it fails if a part still waits.
    pub deadline: Option<Micros>,
    /// It dies once so many parts are done.
    pub dies_after: Option<usize>,
    /// How it ends if every part succeeds.
    pub finish: Finish,
    /// How it ended.
    pub end: Option<End>,
}

impl JobRecord {
    /// When its next move is, seen from `now`.
    fn next(&self, now: Micros) -> Micros {
        let from = match self.tried {
            Some(tried) if tried >= now => tried.plus(Micros(1)),
            _ => now,
        };
        let late = from.since(self.due).0;
        if late <= 0 {
            self.due
        } else {
            self.due.plus(Micros((late.saturating_add(AGAIN - 1) / AGAIN).saturating_mul(AGAIN)))
        }
    }

    /// What it printed so far: what it did, and at a good end what it sums up.
    fn said(&self) -> Option<String> {
        let did = self.parts.iter().take(self.done).filter_map(|part| part.effect.says());
        let sum = self.finish.output.iter().filter(|_| self.done == self.parts.len()).cloned();
        let text: String = did.chain(sum).collect();
        (!text.is_empty()).then_some(text)
    }

    /// It ended. Only how is still asked for: what it was going to do stands in the ledger, if anywhere.
    fn forget(&mut self, end: End) {
        self.end = Some(end);
        self.tried = None;
        (self.parts, self.finish) = (Vec::new(), Finish::default());
    }

    fn due_of(&self, from: Micros) -> Micros {
        from.plus(self.parts.get(self.done).map_or(self.tail, |part| part.after))
    }
}

impl World {
    /// A job by name.
    pub fn job(&self, name: EntryId) -> Option<&JobRecord> {
        self.jobs.get(&name)
    }

    /// When the world next changes by itself.
    pub(in crate::lab) fn next_event(&self) -> Option<Micros> {
        let jobs = self.running.iter().filter_map(|name| self.jobs.get(name)).map(|job| job.next(self.clock));
        jobs.chain(self.next_tick).min().map(|at| at.max(self.clock))
    }

    /// Lets one thing happen, if anything does until `limit`; moves the clock there, else to `limit`. What jobs did
    /// is added to `lines`.
    pub(in crate::lab) fn step(&mut self, limit: Micros, lines: &mut Vec<Line>) -> bool {
        let job = self
            .running
            .iter()
            .filter_map(|name| self.jobs.get(name).map(|job| (job.next(self.clock).max(self.clock), *name)))
            .min();
        let tick = self.next_tick.map(|at| at.max(self.clock));
        match (tick, job) {
            (Some(tick), _) if tick <= limit && job.is_none_or(|(at, _)| tick <= at) => {
                self.tick_to(tick);
                true
            }
            (_, Some((at, name))) if at <= limit => {
                self.tick_to(at);
                self.work(name, lines);
                true
            }
            _ => {
                self.tick_to(limit);
                false
            }
        }
    }

    /// Lets everything happen until a time.
    pub(in crate::lab) fn advance(&mut self, to: Micros, lines: &mut Vec<Line>) {
        while self.step(to, lines) {}
    }

    /// Lets the world go on until a time, without a ledger.
    pub(crate) fn advance_to(&mut self, to: Micros) {
        self.advance(to, &mut Vec::new());
    }

    /// Adds a job.
    pub(in crate::lab) fn claim(&mut self, name: EntryId, mut job: JobRecord) {
        job.due = job.due_of(self.clock);
        if job.end.is_none() {
            self.running.insert(name);
        }
        self.jobs.insert(name, job);
    }

    /// The next move of a job that is due.
    fn work(&mut self, name: EntryId, lines: &mut Vec<Line>) {
        let now = self.clock;
        let Some(job) = self.jobs.get_mut(&name) else {
            return;
        };
        job.tried = Some(now);
        if job.dies_after.is_some_and(|parts| job.done >= parts) {
            return self.end(name, End::Died, lines);
        }
        let Some(part) = job.parts.get(job.done).cloned() else {
            let finish = Finish { output: job.said(), ..job.finish.clone() };
            return self.end(name, End::Finished(finish), lines);
        };
        let out_of_time = now >= job.due.plus(part.patience) || job.deadline.is_some_and(|deadline| now >= deadline);
        let tail = Finish { output: job.said(), ..job.finish.clone() };
        match self.apply(&part.effect, Some(name)) {
            Came::Done => {
                self.applied(name);
                let dies =
                    self.jobs.get(&name).is_some_and(|job| job.dies_after.is_some_and(|parts| job.done >= parts));
                lines.push(Line { at: now, what: What::Applied { job: name, effect: part.effect } });
                if dies {
                    self.end(name, End::Died, lines);
                }
            }
            Came::Wait(_) if !out_of_time => {}
            Came::Wait(message) => {
                let message = Some(format!("timed out: {message}"));
                let finish = Finish { why: Some(Why::Timeout), code: Some(1), message, ..tail };
                self.end(name, End::Finished(finish), lines);
            }
            Came::Failed(message) => {
                lines.push(Line { at: now, what: What::Tried { job: name, effect: part.effect } });
                let code = if tail.code.is_some() { Some(2) } else { Some(1) };
                let finish = Finish { why: Some(Why::ExitCode), code, message: Some(message), ..tail };
                self.end(name, End::Finished(finish), lines);
            }
        }
    }

    /// One more part of a job is done.
    pub(in crate::lab) fn applied(&mut self, name: EntryId) {
        let now = self.clock;
        if let Some(job) = self.jobs.get_mut(&name) {
            job.done += 1;
            job.due = job.due_of(now);
            job.tried = None;
        }
    }

    /// Ends a job.
    pub(in crate::lab) fn end(&mut self, name: EntryId, end: End, lines: &mut Vec<Line>) {
        self.running.remove(&name);
        if let Some(job) = self.jobs.get_mut(&name) {
            job.forget(end.clone());
            lines.push(Line { at: self.clock, what: What::Ended { job: name, end } });
        }
    }

    /// A host goes down: its jobs die, but for the one that takes it down.
    pub(in crate::lab) fn kill_jobs(&mut self, host: &str, but: Option<EntryId>) {
        for name in self.running.clone() {
            let Some(job) = self.jobs.get_mut(&name) else {
                continue;
            };
            if job.host.as_deref() == Some(host) && Some(name) != but {
                job.forget(End::Died);
                self.running.remove(&name);
            }
        }
    }

    /// A record that keeps a job from ever starting.
    pub(in crate::lab) fn revoked(&self, job: &palinode_core::port::Job) -> JobRecord {
        JobRecord {
            run: job.run,
            step: job.step.clone(),
            attempt: job.attempt,
            host: None,
            boot: None,
            parts: Vec::new(),
            done: 0,
            due: self.clock,
            tried: None,
            tail: Micros(0),
            deadline: None,
            dies_after: None,
            finish: Finish::default(),
            end: Some(End::Revoked),
        }
    }

    /// Running jobs whose next part acts on the control side.
    pub(in crate::lab) fn control_jobs(&self) -> Vec<EntryId> {
        let next = |name: &&EntryId| {
            let part = self.jobs.get(*name).and_then(|job| job.parts.get(job.done));
            part.is_some_and(|part| matches!(part.effect, Effect::Control { .. }))
        };
        self.running.iter().filter(next).copied().collect()
    }
}
