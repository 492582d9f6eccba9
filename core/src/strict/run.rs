//! What belongs to a run as a whole: who writes, when it opens, pauses and ends.

use super::{Checked, Due, Strict, Track, Unchecked, told};
use crate::id::{Epoch, ResourceKey, RunId};
use crate::port::Stored;
use crate::record::{Compensates, Difference, Event, ImageRef, PauseWhy, RunClosed, RunOpened, SkipWhy};
use crate::resource::{Loss, Residue};
use crate::run::compensate::{CompensateError, compensate, residues_of};
use crate::run::decide::Standing;
use crate::run::life::Stage;
use crate::run::originals::originals;
use crate::run::plan::Plan;
use crate::run::rules::ending;
use crate::run::rules::version::Rules;
use crate::run::state::RunState;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Strict<'_> {
    /// Holds an entry that has its place against everything that determines it. `lists`: those of a closed run, where
    /// they stand in a blob.
    pub(super) fn check(&mut self, stored: &Stored, lists: Option<&[u8]>) -> Checked {
        self.is_due(stored)?;
        let entry = &stored.entry;
        self.clock(stored)?;
        match &entry.event {
            Event::RunOpened(_) => return Ok(()),
            Event::OwnerChanged { .. } => {
                self.tracks.insert(entry.run, Track { epoch: entry.epoch, ..Track::default() });
                return self.undisturbed(stored);
            }
            Event::Resolved { .. } | Event::Skipped { why: SkipWhy::Operator, .. } => self.undisturbed(stored)?,
            _ => {}
        }
        let Some(state) = self.history.runs.get(&entry.run) else {
            return Err(self.diverged(stored, "the opening of that run", told::event(&entry.event)));
        };
        // What a person decides is recorded by whoever has the lock; everything else by the run's own driver.
        let by_a_person = matches!(entry.event, Event::Resolved { .. } | Event::Skipped { why: SkipWhy::Operator, .. });
        let ends_with_another = matches!(entry.event, Event::RunClosed(_)) && entry.epoch != state.epoch;
        if !by_a_person && !ends_with_another && entry.epoch != state.epoch {
            let expected = format!("epoch {}, of the process that drives the run", state.epoch);
            return Err(self.diverged(stored, expected, format!("epoch {}", entry.epoch)));
        }
        match &entry.event {
            Event::Paused { why, by, .. } => self.paused(stored, why, by.is_some()),
            Event::RunClosed(closed) => match lists {
                Some(bytes) => {
                    let mut whole = (**closed).clone();
                    if whole.put_lists(bytes).is_err() {
                        return Err(self.diverged(stored, "readable lists", "lists that cannot be read"));
                    }
                    self.closes(stored, &whole, closed)
                }
                None => self.closes(stored, closed, closed),
            },
            _ => self.step(stored),
        }
    }

    /// Epochs never go back, and one epoch is one process.
    pub(super) fn process(&mut self, stored: &Stored) -> Checked {
        let entry = &stored.entry;
        let owner = match &entry.event {
            Event::RunOpened(opened) => Some(&opened.owner),
            Event::OwnerChanged { owner, .. } => Some(owner),
            _ => None,
        };
        let last = self.epoch;
        self.epoch = last.max(entry.epoch);
        let known = owner.and_then(|owner| self.owner.replace((entry.epoch, owner.clone())));
        if entry.epoch < last {
            return Err(self.diverged(stored, format!("epoch {last} or later"), format!("epoch {}", entry.epoch)));
        }
        match (known, owner) {
            (Some((epoch, known)), Some(owner)) if epoch == entry.epoch && known != *owner => {
                let expected = format!("process {} on {}, whose epoch {epoch} is", known.pid, known.host);
                Err(self.diverged(stored, expected, format!("process {} on {}", owner.pid, owner.host)))
            }
            _ => Ok(()),
        }
    }

    /// The clock of a lab does not go back while one process watches it. A real clock may be set.
    fn clock(&mut self, stored: &Stored) -> Checked {
        let entry = &stored.entry;
        let last = self.history.runs.get(&entry.run).map(|state| state.changed);
        let track = self.tracks.entry(entry.run).or_default();
        let same = std::mem::replace(&mut track.epoch, entry.epoch) == entry.epoch;
        match last {
            Some(last) if same && entry.wall.is_some() && entry.time < last => {
                let expected = format!("a time of {} microseconds or later", last.0);
                Err(self.diverged(stored, expected, format!("{} microseconds", entry.time.0)))
            }
            _ => Ok(()),
        }
    }

    /// A run that an open rollback takes back is left alone until that has ended.
    fn undisturbed(&self, stored: &Stored) -> Checked {
        let run = stored.entry.run;
        let back = self.history.runs.values().find(|other| {
            other.closed.is_none() && other.opened.compensates.as_ref().is_some_and(|back| back.run == run)
        });
        match back {
            Some(back) => {
                let expected = format!("nothing before the rollback {} has ended", back.run);
                Err(self.diverged(stored, expected, told::event(&stored.entry.event)))
            }
            None => Ok(()),
        }
    }

    /// What the entry before asked for comes now, unless its process died first.
    fn is_due(&mut self, stored: &Stored) -> Checked {
        let entry = &stored.entry;
        self.decided = false;
        let Some((epoch, due)) = self.due.take() else { return Ok(()) };
        if entry.epoch != epoch {
            return Ok(());
        }
        let (is_it, expected) = match &due {
            Due::Gate { run, event } => {
                (entry.run == *run && entry.event == **event, format!("{}, at once", told::event(event)))
            }
            Due::Companion { run, closed } => (
                entry.run == *run && matches!(&entry.event, Event::RunClosed(found) if found == closed),
                format!("the end of run {run} with its rollback: {}", told::closed(closed)),
            ),
        };
        self.decided = is_it;
        if is_it {
            return Ok(());
        }
        let got = match &entry.event {
            Event::RunClosed(closed) => told::closed(closed),
            event => told::event(event),
        };
        Err(self.diverged(stored, expected, got))
    }

    /// The opening of a run, once it is folded in: the plan is known then.
    pub(super) fn opened(&mut self, stored: &Stored) -> Checked {
        let entry = &stored.entry;
        let Event::RunOpened(opened) = &entry.event else { return Ok(()) };
        let Some(state) = self.history.runs.get(&entry.run) else { return Ok(()) };
        let plan: Arc<Plan> = state.plan.clone();
        let texts = [
            ("rules", plan.rules.to_string(), opened.rules.to_string()),
            ("runbook", plan.runbook.clone(), opened.runbook.clone()),
            ("what is taken back", told::value(&plan.compensates), told::value(&opened.compensates)),
        ];
        if let Some((what, expected, got)) = texts.into_iter().find(|(_, expected, got)| expected != got) {
            return Err(self.diverged(stored, format!("{what} as in the plan: {expected}"), got));
        }
        let back = opened.compensates.clone();
        let keys = match &back {
            Some(back) => self.family(back.run),
            None => entry.run,
        };
        if opened.keys != keys {
            return Err(self.diverged(stored, format!("the keys of run {keys}"), format!("those of {}", opened.keys)));
        }
        match back {
            Some(back) => self.opened_back(stored, opened, &plan, &back),
            None => Ok(()),
        }
    }

    /// A rollback's plan is the one that follows from the history before it.
    fn opened_back(&mut self, stored: &Stored, opened: &RunOpened, plan: &Plan, back: &Compensates) -> Checked {
        let Some(original) = self.history.runs.get(&back.run) else {
            // A run of other rules is taken back by its own release; its steps are not known here.
            if self.history.foreign.contains_key(&back.run) {
                self.unchecked(Unchecked::Plan);
                return Ok(());
            }
            return Err(self.diverged(stored, "a run that is there", format!("the rollback of {}", back.run)));
        };
        if original.opened.world != opened.world {
            let (expected, got) = (told::value(&original.opened.world), told::value(&opened.world));
            return Err(self.diverged(stored, format!("the world of that run: {expected}"), got));
        }
        let missing = Cell::new(false);
        let family = opened.keys;
        let open = |image: &ImageRef| {
            let found = self.image(family, image);
            missing.set(missing.get() || found.is_none());
            found.map(|image| (*image).clone())
        };
        let rules = self.history.runs.get(&stored.entry.run).map_or(Rules::NOW, |state| state.rules);
        // The rollback itself has done nothing yet, so the history with it is the one before it.
        let found = compensate(&self.history, (back.run, &back.scope), rules, false, &open);
        if missing.get() {
            self.unchecked(Unchecked::Plan);
            return Ok(());
        }
        let found = match found {
            Ok(found) => found.plan,
            Err(CompensateError::NoRun(_)) => return Ok(()),
            Err(why) => return Err(self.diverged(stored, format!("no rollback of that scope: {why}"), "one")),
        };
        if found == *plan {
            return Ok(());
        }
        let (mut is, mut was) = (plan.steps.iter(), found.steps.iter());
        loop {
            let name = |path: &str| format!("a plan that goes on with {path}");
            match (was.next(), is.next()) {
                (Some(a), Some(b)) if a == b => {}
                (Some(a), Some(b)) if a.path == b.path => {
                    let expected = format!("{} as recorded: {}", a.path, told::value(a));
                    return Err(self.diverged(stored, expected, told::value(b)));
                }
                (None, None) => {
                    let expected = "the plan that follows from the history, with its lanes and limits";
                    return Err(self.diverged(stored, expected, "another with the same steps"));
                }
                (a, b) => {
                    let end = "a plan that ends there".to_owned();
                    let words =
                        |step: Option<&crate::run::plan::Step>| step.map_or(end.clone(), |s| name(s.path.as_str()));
                    return Err(self.diverged(stored, words(a), words(b)));
                }
            }
        }
    }

    fn paused(&mut self, stored: &Stored, why: &PauseWhy, by_someone: bool) -> Checked {
        let Some(state) = self.history.runs.get(&stored.entry.run) else { return Ok(()) };
        self.nothing_runs(stored, state)?;
        let standing = state.standing();
        let allowed = |found: Option<PauseWhy>| found.as_ref() == Some(why);
        let known = allowed(ending::pause(standing, true, None))
            || allowed(ending::pause(standing, false, None))
            || self.may_block(stored.entry.run, state, why)
                && allowed(ending::pause(standing, false, Some(why.clone())));
        if !known {
            let expected = match standing {
                Standing::Done | Standing::DoneWithFailures => "the end of the run: nothing is left to do".to_owned(),
                Standing::Asking => "a pause, in-doubt".to_owned(),
                Standing::Failed => "a pause, failed or asked".to_owned(),
                _ => "a pause that was asked for, or one for a step that is ready and cannot go on".to_owned(),
            };
            return Err(self.diverged(stored, expected, format!("a pause, {}", told::value(why))));
        }
        if by_someone && *why != PauseWhy::Asked {
            return Err(self.diverged(stored, "a person named only where a person asked", "one named all the same"));
        }
        Ok(())
    }

    /// Whether a step could be what keeps the run: it is ready, and it found drift or could not be prepared.
    fn may_block(&self, run: RunId, state: &RunState, why: &PauseWhy) -> bool {
        match why {
            PauseWhy::Blocked(path) => state.find(path).is_some_and(|ix| state.ready().any(|next| next.step() == ix)),
            PauseWhy::Drift(key) => self.tracks.get(&run).is_some_and(|track| {
                let ready = |ix: &u32| state.ready().any(|next| next.step() == *ix);
                track.drifts.iter().any(|(ix, all)| ready(ix) && all.iter().any(|d| d.key == *key && !d.forced))
            }),
            PauseWhy::Failed | PauseWhy::InDoubt | PauseWhy::Asked => false,
        }
    }

    /// A run stops only when nothing that it began is still at work.
    fn nothing_runs(&self, stored: &Stored, state: &RunState) -> Checked {
        match state.in_stage(Stage::Intended).next() {
            Some((step, _)) => {
                let expected = format!("the outcome of {}, which is running", step.path);
                Err(self.diverged(stored, expected, told::event(&stored.entry.event)))
            }
            None => Ok(()),
        }
    }

    /// `whole`: with its lists; `bare`: as it stands in the entry.
    fn closes(&mut self, stored: &Stored, whole: &RunClosed, bare: &RunClosed) -> Checked {
        let run = stored.entry.run;
        let Some(state) = self.history.runs.get(&run) else { return Ok(()) };
        // With its rollback: what it must say was found out there.
        if stored.entry.epoch != state.epoch || self.ended_with(run, bare) {
            return match self.ended_with(run, bare) {
                true => Ok(()),
                false => Err(self.diverged(stored, "the end of a run by its own driver", told::closed(whole))),
            };
        }
        self.nothing_runs(stored, state)?;
        let standing = state.standing();
        let by_a_person = whole.by.is_some() && state.rules.people_close_runs();
        if let Some((step, _)) = state.steps_in_doubt().next().filter(|_| by_a_person) {
            let expected = format!("no end by a person while {} is in doubt", step.path);
            return Err(self.diverged(stored, expected, told::closed(whole)));
        }
        if !by_a_person && (whole.by.is_some() || whole.reason.is_some()) {
            return Err(self.diverged(stored, "an end that no person decided", "one that names a person or a reason"));
        }
        if !by_a_person && ending::pause(standing, false, None).is_some() {
            let expected = self.ready_words(run);
            return Err(self.diverged(stored, expected, told::closed(whole)));
        }
        match state.opened.compensates.clone() {
            None => {
                let (by, reason) = (whole.by.clone(), whole.reason);
                let missing = Cell::new(false);
                let family = state.opened.keys;
                let open = |image: &ImageRef| {
                    let found = self.image(family, image);
                    missing.set(missing.get() || found.is_none());
                    found.map(|image| (*image).clone())
                };
                let expected = RunClosed { by, reason, ..ending::close(state, &open) };
                if missing.get() {
                    self.unchecked(Unchecked::Ending);
                    return Ok(());
                }
                let given = RunClosed { lists: None, ..whole.clone() };
                if expected != given {
                    return Err(self.diverged(stored, told::closed(&expected), told::closed(whole)));
                }
            }
            Some(back) => self.closes_back(stored, whole, &back)?,
        }
        if let Some((other, closed)) = ending::companion(&self.history, run, bare) {
            let closed = Box::new(closed);
            self.due = Some((stored.entry.epoch, Due::Companion { run: other, closed }));
        }
        Ok(())
    }

    /// Whether a rollback that just ended said that this run ends with it. [`Self::is_due`] compared the words.
    fn ended_with(&self, run: RunId, bare: &RunClosed) -> bool {
        let last = self.history.runs.values().filter(|other| other.last == self.history.seq);
        last.filter_map(|other| Some((other.opened.compensates.as_ref()?, other.closed.as_ref()?)))
            .any(|(back, closed)| back.run == run && closed.end == bare.end)
    }

    fn closes_back(&mut self, stored: &Stored, whole: &RunClosed, back: &Compensates) -> Checked {
        let run = stored.entry.run;
        let Some(state) = self.history.runs.get(&run) else { return Ok(()) };
        let counts = state.counts();
        if whole.steps != counts {
            let expected = RunClosed { steps: counts, ..whole.clone() };
            return Err(self.diverged(stored, told::closed(&expected), told::closed(whole)));
        }
        // Where a person ended it, nobody looked at what is there.
        let end = ending::back_end(whole.residues.is_empty() && whole.by.is_none());
        if whole.end != end {
            return Err(self.diverged(stored, told::value(&end), told::value(&whole.end)));
        }
        let differs = |key: &ResourceKey| Residue { key: key.clone(), loss: Loss::Differs };
        let is_left = |found: &Difference| !ending::is_back(state.rules, &found.was, &found.is);
        let mut left = whole.differences.iter().filter(|found| is_left(found));
        if let Some(missing) = left.find(|found| !whole.residues.contains(&differs(&found.key))) {
            let expected = format!("{} among what is lost: it differs", missing.key);
            return Err(self.diverged(stored, expected, told::closed(whole)));
        }
        let missing = Cell::new(false);
        let family = state.opened.keys;
        let open = |image: &ImageRef| {
            let found = self.image(family, image);
            missing.set(missing.get() || found.is_none());
            found.map(|image| (*image).clone())
        };
        let held = originals(&self.history, (back.run, state.rules), &back.scope, &open);
        let mut announced: BTreeSet<Residue> = residues_of(&self.history, run, &open).into_iter().collect();
        // And what the undos themselves told that they lost.
        announced.extend(state.steps().flat_map(|(_, _, known)| &known.losses).cloned());
        let passed = ending::passed_originally(&self.history, (back, state.rules), &held);
        if missing.get() {
            self.unchecked(Unchecked::Ending);
            return Ok(());
        }
        let got: BTreeSet<Residue> = whole.residues.iter().cloned().collect();
        let unsorted = got.len() != whole.residues.len() || !whole.residues.is_sorted();
        // Beyond what was announced, only a resource that was compared can have been found different.
        let more = got.difference(&announced).find(|one| one.loss != Loss::Differs || !held.contains_key(&one.key));
        if let Some(lost) = announced.difference(&got).next() {
            return Err(self.diverged(stored, format!("`{lost}` among what is lost"), told::closed(whole)));
        }
        if let Some(more) = more {
            return Err(self.diverged(
                stored,
                format!("nothing lost but what was announced: not `{more}`"),
                told::closed(whole),
            ));
        }
        if unsorted {
            return Err(self.diverged(stored, "what is lost in order, and once", told::closed(whole)));
        }
        let wrong = whole.differences.iter().find(|found| match held.get(&found.key) {
            Some((was, fields)) => *was != found.was || was.same(&found.is, *fields),
            None => true,
        });
        if let Some(found) = wrong {
            let expected = match held.get(&found.key) {
                Some((was, _)) => format!("{} against what it was: {was}", found.key),
                None => format!("nothing about {}, which is not in scope", found.key),
            };
            return Err(self.diverged(stored, expected, told::closed(whole)));
        }
        if passed != whole.passed {
            let expected = RunClosed { passed, ..whole.clone() };
            return Err(self.diverged(stored, told::closed(&expected), told::closed(whole)));
        }
        Ok(())
    }

    /// The epoch in which an entry's successor is due.
    pub(super) fn then(&mut self, epoch: Epoch, due: Due) {
        self.due = Some((epoch, due));
    }
}
