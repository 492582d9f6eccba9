//! One case in its prepared world: looks, intents and executions as a driver makes them, one at a time.

use super::images::{Images, canonical};
use super::inverses::inverses_of;
use super::{Case, Cut, Prep, Subject, Under};
use palinode_core::action::{Action, Place, Recovery, Target};
use palinode_core::id::{EntryId, Micros, ResourceKey, RunId, Seq, StepPath};
use palinode_core::port::{Ended, Executor, Finished, Halted, Job, JobStatus, LookError};
use palinode_core::record::Why;
use palinode_core::resource::{Fields, Footprint, Image, State};
use palinode_core::run::rules::prepare::{joined, settled};
use palinode_core::span::Span;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How long a world is given to come to rest.
pub(super) const REST: Span = Span::seconds(900);

/// Waits between looks at a target that cannot be reached.
const PATIENCE: [i64; 9] = [1, 2, 4, 8, 15, 30, 60, 120, 240];

/// An attempt: the job, and everything it declares.
#[derive(Debug, Clone)]
pub(super) struct Try {
    pub(super) job: Job,
    pub(super) footprint: Vec<Footprint>,
}

impl Try {
    pub(super) fn action(&self) -> &Action {
        &self.job.action
    }

    pub(super) fn before(&self) -> &Image {
        &self.job.before
    }
}

/// A try that ended, and what it left.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) attempt: Try,
    pub(super) finished: Finished,
    pub(super) after: Image,
}

pub(super) struct Bench<'a, S: Subject> {
    pub(super) subject: &'a mut S,
    pub(super) case: &'a Case,
    pub(super) action: Action,
    /// Every UID of a node that was seen.
    pub(super) uids: BTreeSet<String>,
    jobs: u16,
}

fn trouble(error: impl std::fmt::Display) -> String {
    error.to_string()
}

pub(super) fn ensure(holds: bool, found: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(found()) }
}

impl<'a, S: Subject> Bench<'a, S> {
    /// A fresh world, prepared for the case.
    pub(super) fn new(subject: &'a mut S, case: &'a Case) -> Result<Self, String> {
        let mut bench = Self { subject, case, action: Action::Reboot {}, uids: BTreeSet::new(), jobs: 0 };
        bench.anew()?;
        Ok(bench)
    }

    /// The same again: another fresh world, prepared alike.
    pub(super) fn anew(&mut self) -> Result<(), String> {
        self.subject.fresh().map_err(trouble)?;
        let case = self.case;
        let mut inverses = Vec::new();
        for prep in &case.prepare {
            if let Some(run) = self.prepare(prep).map_err(|found| format!("in preparation: {found}"))? {
                inverses = inverses_of(&run.attempt, &run.after);
            }
        }
        if !case.hot {
            self.rest()?;
        }
        self.action = match &case.under {
            Under::Plain(action) => action.clone(),
            Under::Inverse(fits) => {
                let found = inverses.into_iter().map(|undo| undo.action).find(fits);
                found.ok_or("the kept action has no such inverse")?
            }
        };
        Ok(())
    }

    /// Does one piece of preparation; gives the run whose inverse is under test.
    pub(super) fn prepare(&mut self, prep: &Prep) -> Result<Option<Run>, String> {
        match prep {
            Prep::Do(action) => self.does(action).map(|_| None),
            Prep::Keep(action) => self.does(action).map(Some),
            Prep::Change(change) => self.subject.change(change).map_err(trouble).map(|()| None),
            Prep::Wait(span) => self.subject.settle(*span).map_err(trouble).map(|()| None),
        }
    }

    /// One action from its look to its end, which must be a good one.
    fn does(&mut self, action: &Action) -> Result<Run, String> {
        let attempt = self.intend(action)?;
        let run = self.run(attempt)?;
        self.must_be_good(&run)?;
        Ok(run)
    }

    pub(super) fn recovery(&self) -> Recovery {
        self.case.recovery.unwrap_or_else(|| self.action.recovery())
    }

    fn drive<T>(&self, future: impl Future<Output = T>) -> Result<T, String> {
        self.subject.drive(future).map_err(|Halted| "the process died where no cut was set".to_owned())
    }

    /// Tries until the target can be reached.
    fn patient<T>(&self, look: impl AsyncFn(&S::Executor) -> Result<T, LookError>) -> Result<T, String> {
        let executor = self.subject.executor();
        for seconds in PATIENCE {
            match self.drive(look(executor))? {
                Err(LookError::Unreachable { .. }) => {
                    self.drive(executor.sleep(executor.now().plus(Micros::seconds(seconds))))?;
                }
                other => return other.map_err(trouble),
            }
        }
        self.drive(look(executor))?.map_err(trouble)
    }

    pub(super) fn observe(&mut self, footprint: &[Footprint]) -> Result<Image, String> {
        let keys: Vec<ResourceKey> = footprint.iter().map(|item| item.key.clone()).collect();
        let image = self.patient(async |executor| executor.observe(&keys, self.subject.bodies()).await)?;
        let nodes = image.values().filter_map(|state| match state {
            State::Node(node) => Some(node.uid.clone()),
            _ => None,
        });
        self.uids.extend(nodes);
        Ok(image)
    }

    fn look(
        &mut self,
        target: &Target,
        action: &Action,
    ) -> Result<(Target, Action, Option<String>, Vec<Footprint>), String> {
        let mut target = target.clone();
        let survey = self.patient(async |executor| executor.survey(&target, action, self.subject.bodies()).await)?;
        target.node = survey.node.or(target.node);
        let action = survey.action.unwrap_or_else(|| action.clone());
        let mut footprint = action.footprint(&target);
        footprint.extend(survey.more);
        let boot = survey.boot.filter(|_| action.place() == Place::Host);
        Ok((target, action, boot, footprint))
    }

    /// The action's intent: what only the target knows, and the before-image.
    pub(super) fn intend(&mut self, action: &Action) -> Result<Try, String> {
        let (target, action, boot, mut footprint) = self.look(&self.case.target.clone(), action)?;
        if matches!(action, Action::Playbook(_)) {
            for other in &self.case.touches {
                let (_, _, _, more) = self.look(&target, other)?;
                footprint.extend(more.into_iter().filter(|item| item.fields != Fields::Evidence));
            }
        }
        let footprint = joined(footprint);
        let before = Arc::new(self.observe(&footprint)?);
        self.jobs += 1;
        let path = format!("{}/{}", self.case.target.host.as_ref().map_or("run", |host| host.as_str()), self.jobs);
        let step = StepPath::new(path).map_err(trouble)?;
        let job = Job {
            name: self.name(),
            run: RunId([1; 8]),
            step,
            attempt: 1,
            action,
            target,
            boot,
            seen: Some(before.clone()),
            before,
            look: footprint.iter().map(|item| item.key.clone()).collect(),
            heard: 0,
            seq: Seq(0),
        };
        Ok(Try { job, footprint })
    }

    /// The next attempt of a step: a new look, but the first one's before-image.
    pub(super) fn again(&mut self, first: &Try) -> Result<Try, String> {
        let (target, _, boot, footprint) = self.look(&first.job.target, first.action())?;
        self.jobs += 1;
        let footprint = joined(first.footprint.iter().cloned().chain(footprint));
        let seen = Some(Arc::new(self.observe(&footprint)?));
        let job = Job { name: self.name(), attempt: first.job.attempt + 1, target, boot, seen, ..first.job.clone() };
        Ok(Try { job, footprint })
    }

    fn name(&self) -> EntryId {
        EntryId(*blake3::hash(format!("{} {}", self.case.name, self.jobs).as_bytes()).as_bytes())
    }

    /// The intent of the action under test.
    pub(super) fn first(&mut self) -> Result<Try, String> {
        self.intend(&self.action.clone())
    }

    pub(super) fn execute(&mut self, attempt: &Try) -> Result<Ended, String> {
        let ended = self.drive(self.subject.executor().execute(&attempt.job, self.subject.bodies()))?;
        Ok(match ended {
            // Where no job is kept, one that a precondition kept from beginning says so in this way.
            Ended::NotStarted(words) if !self.subject.remembers_jobs() => {
                Ended::Finished(Finished { why: Some(Why::Precondition), message: Some(words), ..Finished::default() })
            }
            ended => ended,
        })
    }

    /// Runs to an end that the job itself told.
    pub(super) fn run(&mut self, attempt: Try) -> Result<Run, String> {
        let finished = match self.execute(&attempt)? {
            Ended::Finished(finished) => finished,
            other => return Err(format!("{} did not finish: {other:?}", attempt.action().name())),
        };
        let after = self.observe(&attempt.footprint)?;
        Ok(Run { attempt, finished, after })
    }

    /// The action under test, unbroken.
    pub(super) fn whole(&mut self) -> Result<Run, String> {
        let attempt = self.first()?;
        let run = self.run(attempt)?;
        self.must_be_good(&run)?;
        Ok(run)
    }

    pub(super) fn must_be_good(&self, run: &Run) -> Result<(), String> {
        let name = run.attempt.action().name();
        if let Some(why) = run.finished.why {
            return Err(format!("{name} ended with {why:?}: {}", run.finished.message.as_deref().unwrap_or("no word")));
        }
        match run.attempt.action().unmet(run.attempt.before(), &run.after) {
            None => Ok(()),
            Some(key) => {
                let found = run.after.get(key).map_or_else(String::new, State::to_string);
                Err(format!("{name} ended well, but {key} is {found}"))
            }
        }
    }

    /// Executes an attempt that is cut; tells how it ended if the process lived on.
    pub(super) fn execute_cut(&mut self, attempt: &Try, cut: Cut) -> Result<Option<Ended>, String> {
        self.subject.arm(&attempt.job, cut).map_err(trouble)?;
        let ended = self.subject.drive(self.subject.executor().execute(&attempt.job, self.subject.bodies()));
        if ended.is_err() {
            self.subject.revive().map_err(trouble)?;
        }
        Ok(ended.ok())
    }

    pub(super) fn status(&mut self, attempt: &Try) -> Result<JobStatus, String> {
        self.patient(async |executor| executor.status(&attempt.job, self.subject.bodies()).await)
    }

    pub(super) fn attach(&mut self, attempt: &Try) -> Result<Ended, String> {
        self.drive(self.subject.executor().attach(&attempt.job, self.subject.bodies()))
    }

    pub(super) fn revoke(&mut self, attempt: &Try) -> Result<(), String> {
        match self.patient(async |executor| executor.revoke(&attempt.job).await)? {
            true => Ok(()),
            false => Err("a job that did not start had started when it was revoked".to_owned()),
        }
    }

    pub(super) fn rest(&mut self) -> Result<(), String> {
        self.subject.settle(REST).map_err(trouble)
    }

    pub(super) fn fingerprint(&mut self) -> Result<super::Canon, String> {
        self.subject.fingerprint().map_err(trouble)
    }

    pub(super) fn effects(&self, attempt: &Try) -> Option<usize> {
        self.subject.effects(attempt.job.name)
    }

    /// Before and after in canonical form.
    pub(super) fn canon(&self, attempt: &Try, after: &Image) -> Result<Images, String> {
        canonical(self.subject, &attempt.footprint, attempt.before(), after)
    }

    /// Whether a rollback's step would have nothing to do.
    pub(super) fn is_settled(&self, undo: &palinode_core::action::Undo, image: &Image) -> bool {
        settled(&undo.action, &undo.accepts, image)
    }
}
