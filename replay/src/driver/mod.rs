//! The driver: to run is to replay the journal and then go on.
//!
//! One loop on one task: take what is ready, start it, wait for whatever ends first, record what was found, fold it
//! into the state, look again. Whatever ended at the same time is recorded in one durable batch, each finding judged by
//! all that comes before it. Effects begin only in one place (`Follow::Execute`), after the batch that holds their intent is on stable storage.

mod activity;
mod begin_run;
mod bodies;
mod body_reader;
mod clock;
mod close_run;
mod decidable;
mod drift;
mod error;
mod findings;
mod foresee;
mod inbox;
mod log;
mod opening;
mod shared;

pub use body_reader::BodyReader;
pub use decidable::may_decide;
pub use error::{DriveError, Refused};
pub use foresee::{Ahead, Changed, Does, Foreseen, Foresight, foresee};
pub use opening::{Opening, Stop, Stopped, Surroundings, TakeOver, Targets, Tick};

use activity::Done;
use bodies::BodyStore;
use clock::Clock;
use futures_util::StreamExt;
use futures_util::future::{FutureExt, LocalBoxFuture, pending};
use futures_util::stream::FuturesUnordered;
use palinode_core::id::{BodyId, HostName, Micros, RunId, Seq, StepPath};
use palinode_core::port::{Executor, Journal, RecordError, Stored};
use palinode_core::record::{
    Actor, Compensates, Decision, Draft, Ending, Event, FoundThere, HostKeys, PauseWhy, RunOpened, Sealed, ShownStates,
    SkipWhy,
};
use palinode_core::resource::Image;
use palinode_core::run::history::{History, LoadError};
use palinode_core::run::next::Next;
use palinode_core::run::plan::{Plan, StepIx};
use palinode_core::run::rules::version::Rules;
use palinode_core::run::state::{RunState, StepState};
use shared::{Shared, is_at_work};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use tracing::Instrument as _;

/// An event with the bodies it brings.
pub(crate) type Finding = (Event, BTreeMap<BodyId, Sealed>);

/// What follows once findings are recorded.
pub(crate) enum Follow {
    /// Nothing: whatever is ready next is started.
    Free(StepIx),
    /// Start the job whose intent is the last finding; with what its look found.
    Execute(StepIx, Arc<Image>),
    /// Wait for the running job.
    Attach(StepIx),
    /// Sample the gate again after so long.
    Sleep(StepIx, Micros),
    /// Look again, once none of these steps is at work any more.
    Wait(StepIx, BTreeSet<StepIx>),
    /// The step cannot go on without a person.
    Block(StepIx, PauseWhy, Option<String>),
}

/// See the module.
pub struct Driver<'a, J: Journal, E: Executor> {
    journal: &'a mut J,
    executor: &'a E,
    around: Surroundings<'a>,
    history: History,
    run: RunId,
    store: Rc<BodyStore>,
    blocked: BTreeMap<StepIx, (PauseWhy, Option<String>)>,
    /// Steps whose end is recorded and not durable yet.
    ended: Vec<StepPath>,
    /// Who asked for a pause through the inbox, and why.
    asked: Option<(Actor, Option<String>)>,
    /// The last entry before the look of a step began.
    looks: BTreeMap<StepIx, Seq>,
    /// Steps that wait for others to be done with a resource.
    waiting: BTreeMap<StepIx, BTreeSet<StepIx>>,
    shared: Shared,
    clock: Clock,
    tell: Option<&'a dyn Fn(&str)>,
}

/// A new owner sees to so many jobs of the one before.
const SETTLED: usize = 1000;

/// The step whose job is over with an event: nobody asks its target for the job's word any more.
fn ends(event: &Event) -> Option<&StepPath> {
    match event {
        Event::Outcome(outcome) if outcome.ending != Ending::Unknown => Some(&outcome.step),
        Event::Probed(probed) if !matches!(probed.decision, Decision::Wait | Decision::Ask) => Some(&probed.step),
        Event::Resolved { step, .. } | Event::Skipped { step, .. } => Some(step),
        _ => None,
    }
}

/// Host keys as an entry holds them.
fn keep_keys(journal: &mut impl Journal, keys: BTreeMap<HostName, String>) -> Result<Option<HostKeys>, RecordError> {
    if keys.is_empty() {
        return Ok(None);
    }
    Ok(Some(match HostKeys::too_long(&keys)? {
        Some(bytes) => HostKeys::Blob(journal.put_public(&bytes)?),
        None => HostKeys::Here(keys),
    }))
}

/// What was found and decided about targets, as an entry holds it.
fn keep_found(
    journal: &mut impl Journal,
    store: &Rc<BodyStore>,
    machines: BTreeMap<HostName, String>,
    targets: Targets,
    bodies: &mut BTreeMap<BodyId, Sealed>,
) -> Result<Option<Box<FoundThere>>, DriveError> {
    let machines = keep_keys(journal, machines)?;
    let mut taken = BTreeMap::new();
    for (what, words) in targets.taken {
        taken.extend(activity::message(store, Some(&words), bodies)?.map(|id| (what, id)));
    }
    let shown = match ShownStates::too_long(&targets.shown).map_err(RecordError::from)? {
        _ if targets.shown.is_empty() => None,
        Some(bytes) => Some(ShownStates::Blob(journal.put_public(&bytes)?)),
        None => Some(ShownStates::Here(targets.shown)),
    };
    let (host_changed, forced) = (targets.host_changed, BTreeSet::new());
    Ok(FoundThere { machines, taken, host_changed, forced, shown }.some())
}

type Work<'a> = FuturesUnordered<LocalBoxFuture<'a, Done>>;

impl<'a, J: Journal, E: Executor> Driver<'a, J, E> {
    /// Opens a new run under the rules that its plan was made for, and records it.
    pub fn begin(
        journal: &'a mut J,
        executor: &'a E,
        around: Surroundings<'a>,
        history: History,
        run: RunId,
        plan: &Plan,
        opening: Opening,
    ) -> Result<Self, DriveError> {
        if Rules::of(plan.rules).is_none() {
            return Err(DriveError::OtherRules { run, theirs: plan.rules });
        }
        let (bytes, digest) = plan.encode().map_err(RecordError::from)?;
        plan.check().map_err(|cause| LoadError::Plan { run, cause })?;
        let plan_blob = journal.put_public(&bytes)?;
        let compensates: Option<Compensates> = plan.compensates.clone();
        // A rollback seals under the keys of the run it takes back: equal contents then have equal ids.
        let family = compensates.as_ref().and_then(|back| history.runs.get(&back.run)).map(|state| state.opened.keys);
        let (keys, vault) = match family {
            Some(keys) => (keys, journal.vault(keys)?),
            None => (run, journal.create_keys(run)?),
        };
        let owner = journal.owner().clone();
        let host_keys = keep_keys(journal, executor.host_keys())?;
        let store = Rc::new(BodyStore { vault, places: std::cell::RefCell::new(history.bodies.clone()) });
        let mut driver = Self::new(journal, executor, around, history, run, store);
        let mut bodies = BTreeMap::new();
        let reason = activity::message(&driver.store, opening.reason.as_deref(), &mut bodies)?;
        let found = keep_found(driver.journal, &driver.store, executor.machines(), opening.targets, &mut bodies)?;
        let opened = RunOpened {
            runbook: plan.runbook.clone(),
            plan: digest,
            plan_blob,
            rules: plan.rules,
            world: opening.world,
            actor: opening.actor,
            owner,
            reason,
            change: opening.change,
            compensates,
            force: opening.force,
            keys,
            host_keys,
            cluster: executor.cluster().map(Box::new),
            found,
        };
        driver.record(vec![(Event::RunOpened(Box::new(opened)), bodies)])?;
        Ok(driver)
    }

    /// Takes over an open run: every intent without outcome is in doubt from here.
    pub fn take_over(
        journal: &'a mut J,
        executor: &'a E,
        around: Surroundings<'a>,
        history: History,
        run: RunId,
        TakeOver { actor, gap, force, targets }: TakeOver,
    ) -> Result<Self, DriveError> {
        let mut driver = Self::attach(journal, executor, around, history, run)?;
        driver.undisturbed()?;
        let owner = driver.journal.owner().clone();
        let mut found = driver.executor.host_keys();
        let known = &driver.state()?.host_keys;
        found.retain(|host, key| known.get(host) != Some(key));
        let host_keys = keep_keys(driver.journal, found)?.map(Box::new);
        let mut machines = driver.executor.machines();
        let known = &driver.state()?.machines;
        machines.retain(|host, machine| known.get(host) != Some(machine));
        let mut bodies = BTreeMap::new();
        let found = keep_found(driver.journal, &driver.store, machines, targets, &mut bodies)?;
        driver.record(vec![(Event::OwnerChanged { owner, gap, actor, force, host_keys, found }, bodies)])?;
        // What the owner before did not come to.
        let state = driver.state()?;
        let over = |known: &StepState| known.job.is_some() && !known.stage.is_doubtful();
        let paths = state.steps().filter(|(_, _, known)| over(known)).map(|(_, step, _)| step.path.clone());
        let all: Vec<StepPath> = paths.collect();
        driver.ended = all[all.len().saturating_sub(SETTLED)..].to_vec();
        driver.tell_recorded();
        Ok(driver)
    }

    /// A driver on a run without a word in the journal: to record a person's decision.
    pub fn attach(
        journal: &'a mut J,
        executor: &'a E,
        around: Surroundings<'a>,
        history: History,
        run: RunId,
    ) -> Result<Self, DriveError> {
        if let Some((run, foreign)) = history.foreign_to(run) {
            return Err(DriveError::OtherRules { run, theirs: foreign.opened.rules });
        }
        let state = history.runs.get(&run).ok_or(DriveError::NoRun(run))?;
        let vault = journal.vault(state.opened.keys)?;
        let store = Rc::new(BodyStore { vault, places: std::cell::RefCell::new(history.bodies.clone()) });
        let shared = Shared::of(state);
        Ok(Self { shared, ..Self::new(journal, executor, around, history, run, store) })
    }

    fn new(
        journal: &'a mut J,
        executor: &'a E,
        around: Surroundings<'a>,
        history: History,
        run: RunId,
        store: Rc<BodyStore>,
    ) -> Self {
        Self {
            journal,
            executor,
            around,
            history,
            run,
            store,
            blocked: BTreeMap::new(),
            ended: Vec::new(),
            asked: None,
            looks: BTreeMap::new(),
            waiting: BTreeMap::new(),
            shared: Shared::default(),
            clock: Clock::new(),
            tell: None,
        }
    }

    /// Tells a person, in a line each, of decisions that were handed in and are discarded, and of what someone changed since.
    pub fn telling(self, tell: &'a dyn Fn(&str)) -> Self {
        Self { tell: Some(tell), ..self }
    }

    /// The history with everything recorded so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Gives the history back.
    pub fn into_history(self) -> History {
        self.history
    }

    /// Whether anything may be recorded for the run: an entry that does not fit would make the journal unreadable.
    fn undisturbed(&self) -> Result<(), DriveError> {
        if self.state()?.closed.is_some() {
            return Err(Refused::Closed.into());
        }
        let back = self.history.runs.values().find(|other| {
            other.closed.is_none() && other.opened.compensates.as_ref().is_some_and(|back| back.run == self.run)
        });
        back.map_or(Ok(()), |back| Err(Refused::TakenBack(back.run).into()))
    }

    fn state(&self) -> Result<&RunState, DriveError> {
        self.history.runs.get(&self.run).ok_or(DriveError::NoRun(self.run))
    }

    /// Records findings in order as one batch and folds them in. Durable on return if any of them is waited for.
    fn record(&mut self, findings: Vec<Finding>) -> Result<Vec<Stored>, DriveError> {
        let (run, now) = (self.run, self.executor.now());
        self.record_for(findings.into_iter().map(|finding| (run, finding)).collect(), now)
    }

    fn record_for(&mut self, findings: Vec<(RunId, Finding)>, time: Micros) -> Result<Vec<Stored>, DriveError> {
        let stored = self.note(findings, time)?;
        self.keep(&stored)?;
        Ok(stored)
    }

    /// Gives findings their place and folds them in, so that the next ones are judged by them. Not durable yet.
    fn note(&mut self, findings: Vec<(RunId, Finding)>, time: Micros) -> Result<Vec<Stored>, DriveError> {
        if findings.is_empty() {
            return Ok(Vec::new());
        }
        // What could not be folded must not be recorded: the journal could not be read again.
        self.history.admits(findings.iter().map(|(run, (event, _))| (*run, event)))?;
        let wall = self.executor.is_virtual().then(|| (self.around.wall)());
        let drafts =
            findings.into_iter().map(|(run, (event, bodies))| Draft { run, time, wall, event, bodies }).collect();
        let stored = self.journal.post(drafts)?;
        for entry in &stored {
            let journal = &*self.journal;
            // History and store share one map; while it grows the store lets go of it, or it would be copied.
            drop(self.store.places.take());
            self.history.apply(entry, &mut |blob| journal.public(blob))?;
            self.store.places.replace(Arc::clone(&self.history.bodies));
            if let Some(state) = self.history.runs.get(&self.run).filter(|state| state.run == entry.entry.run) {
                self.shared.take_in(state, entry);
            }
        }
        Ok(stored)
    }

    /// Makes durable what was noted, if any of it is waited for, as one batch; then tells of it.
    fn keep(&mut self, stored: &[Stored]) -> Result<(), DriveError> {
        if stored.iter().any(|stored| stored.entry.event.waited()) {
            self.journal.append(Vec::new())?;
            self.ended.extend(stored.iter().filter_map(|stored| ends(&stored.entry.event)).cloned());
            self.tell_recorded();
        } else {
            self.ended.extend(stored.iter().filter_map(|stored| ends(&stored.entry.event)).cloned());
        }
        for entry in stored {
            log::recorded(entry);
            (self.around.watch)(&self.history, entry);
        }
        Ok(())
    }

    /// Tells the targets which jobs' ends are durable.
    fn tell_recorded(&mut self) {
        let ended = std::mem::take(&mut self.ended);
        let Some(state) = self.history.runs.get(&self.run) else { return };
        for path in ended {
            let known = state.find(&path).and_then(|ix| state.step(ix)).map(|(_, known)| known);
            if let Some((Some(intent), Some((name, _)))) = known.map(|known| (&known.intent, known.job)) {
                self.executor.recorded(name, &intent.action, &intent.target);
            }
        }
    }

    /// Drives the run until it is over or waits for a person.
    ///
    /// # Async cancellation
    ///
    /// Dropping the future leaves the run as a killed process would: jobs on targets go on, the next owner finds
    /// their intents in doubt.
    pub async fn drive(&mut self) -> Result<Stopped, DriveError> {
        let span = log::run(self.run);
        let work = async {
            let stopped = self.work(None).await?;
            if stopped != Stopped::Left {
                self.executor.settle().await;
            }
            Ok(stopped)
        };
        work.instrument(span).await
    }

    /// Looks at these in-doubt steps and records what follows, without acting: what a rollback needs to know first.
    ///
    /// # Async cancellation
    ///
    /// As [`Self::drive`].
    pub async fn look_at(&mut self, steps: &[StepPath]) -> Result<Stopped, DriveError> {
        let state = self.state()?;
        let only = steps.iter().filter_map(|path| state.find(path)).collect();
        let span = log::run(self.run);
        self.work(Some(&only)).instrument(span).await
    }

    async fn work(&mut self, only: Option<&BTreeSet<StepIx>>) -> Result<Stopped, DriveError> {
        let mut work: Work<'a> = FuturesUnordered::new();
        let mut busy: BTreeSet<StepIx> = BTreeSet::new();
        let mut sleeping: BTreeSet<StepIx> = BTreeSet::new();
        // Those that only look, and may do so for minutes where a host does not answer.
        let mut looking: BTreeSet<StepIx> = BTreeSet::new();
        loop {
            self.read_inbox()?;
            let stop = self.around.stop.get();
            if stop == Stop::Leave {
                return Ok(Stopped::Left);
            }
            if stop == Stop::No {
                self.start_ready(only, &mut work, &mut busy, &mut looking)?;
            }
            // Neither a gate that waits for its next sample holds up a pause, nor a look: nothing comes of it that is missed.
            let idle = |ix: &StepIx| sleeping.contains(ix) || looking.contains(ix);
            if work.is_empty() || (stop == Stop::Pause && busy.iter().all(idle)) {
                return if only.is_some() { Ok(Stopped::Looked) } else { self.settle().await };
            }
            let Some(first) = self.wait(&mut work).await? else { continue };
            let mut dones = vec![first];
            while let Some(Some(more)) = work.next().now_or_never() {
                dones.push(more);
            }
            if dones.iter().any(Done::may_begin) {
                // A person may have asked for a stop while the journal was written: that is heard before anything begins.
                // In a virtual world no time passes in which they could, and it would pass if everything waited.
                if !self.executor.is_virtual() {
                    once().await;
                }
                self.read_inbox()?;
            }
            let begins = self.around.stop.get() == Stop::No;
            let (run, now) = (self.run, self.executor.now());
            let mut stored = Vec::new();
            let mut follows = Vec::new();
            for done in dones {
                if let Done::Slept(ix) = done {
                    sleeping.remove(&ix);
                    busy.remove(&ix);
                    continue;
                }
                looking.remove(&done.step());
                if done.may_begin() && !begins {
                    busy.remove(&done.step());
                    continue;
                }
                // Hosts side by side may share a resource: each finding is judged by all that comes before it.
                let (findings, follow) = self.handle(done, now)?;
                stored.extend(self.note(findings.into_iter().map(|finding| (run, finding)).collect(), now)?);
                follows.push((stored.len(), follow));
            }
            self.keep(&stored)?;
            for (end, follow) in follows {
                match follow {
                    Follow::Free(ix) => {
                        busy.remove(&ix);
                    }
                    Follow::Execute(ix, seen) => {
                        if let Some(intent) = end.checked_sub(1).and_then(|at| stored.get(at)) {
                            work.push(self.execute(ix, intent, seen)?);
                        }
                    }
                    Follow::Attach(ix) => work.push(self.wait_for(ix)?),
                    Follow::Sleep(ix, time) => {
                        let executor = self.executor;
                        sleeping.insert(ix);
                        let sleep = async move {
                            // The clock is asked at once before: it may have been set since the sample.
                            executor.sleep(executor.now().plus(time)).await;
                            Done::Slept(ix)
                        };
                        work.push(sleep.boxed_local());
                    }
                    Follow::Wait(ix, others) => {
                        self.waiting.insert(ix, others);
                        busy.remove(&ix);
                    }
                    Follow::Block(ix, why, message) => {
                        if let Some((step, _)) = self.state()?.step(ix) {
                            log::blocked(&step.path, &why);
                        }
                        self.blocked.insert(ix, (why, message));
                        busy.remove(&ix);
                    }
                }
            }
        }
    }

    fn start_ready(
        &mut self,
        only: Option<&BTreeSet<StepIx>>,
        work: &mut Work<'a>,
        busy: &mut BTreeSet<StepIx>,
        looking: &mut BTreeSet<StepIx>,
    ) -> Result<(), DriveError> {
        loop {
            let state = self.state()?;
            let wanted = |next: &Next| match only {
                Some(only) => matches!(next, Next::Probe(ix) if only.contains(ix)),
                None => true,
            };
            let at_work = |ix: &StepIx| state.step(*ix).is_some_and(|(_, known)| is_at_work(known));
            let waits = |ix: &StepIx| self.waiting.get(ix).is_some_and(|others| others.iter().any(at_work));
            let free = |next: &Next| {
                let ix = next.step();
                !busy.contains(&ix) && !self.blocked.contains_key(&ix) && !waits(&ix)
            };
            let ready: Vec<Next> = state.ready().filter(|next| wanted(next) && free(next)).collect();
            let mut skipped = Vec::new();
            for next in ready {
                match next {
                    Next::Skip(ix) => skipped.push(ix),
                    Next::Act(ix) | Next::Probe(ix) | Next::Sample(ix) => {
                        self.waiting.remove(&ix);
                        self.looks.insert(ix, self.state()?.last);
                        if let Some(activity) = self.begin_next(next)? {
                            busy.insert(ix);
                            looking.insert(ix);
                            work.push(activity);
                        }
                    }
                }
            }
            if skipped.is_empty() {
                return Ok(());
            }
            // What is passed over makes the next step of its lane ready.
            let state = self.state()?;
            let paths: Vec<StepPath> =
                skipped.iter().filter_map(|ix| state.step(*ix)).map(|(step, _)| step.path.clone()).collect();
            let skip = |step| Event::Skipped { step, why: SkipWhy::When, by: None, reason: None, undoes: None };
            self.record(paths.into_iter().map(|path| (skip(path), BTreeMap::new())).collect())?;
        }
    }

    /// Waits for the first activity to end; `None` when only a tick passed.
    async fn wait(&self, work: &mut Work<'a>) -> Result<Option<Done>, DriveError> {
        let executor = self.executor;
        let tick = match self.around.tick {
            Some(tick) => tick(),
            None => pending().boxed_local(),
        };
        let mut tick = tick.fuse();
        let mut idle = std::pin::pin!(executor.idle().fuse());
        let mut next = work.next();
        // Order matters: a virtual clock moves only when no activity can go on without it.
        futures_util::select_biased! {
            done = next => Ok(done),
            () = tick => Ok(None),
            idle = idle => { idle?; Ok(None) }
        }
    }
}

/// Lets everything else on this task have its turn once.
async fn once() {
    let mut turned = false;
    std::future::poll_fn(|context| match std::mem::replace(&mut turned, true) {
        true => Poll::Ready(()),
        false => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}
