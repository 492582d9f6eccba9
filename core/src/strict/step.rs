//! What belongs to one step: intents, outcomes, looks, gates, skips and drift.

use super::{Checked, Due, Strict, Unchecked, With, told};
use crate::action::Action;
use crate::id::{Label, Micros, ResourceKey, StepPath};
use crate::port::Stored;
use crate::record::{Decision, Ending, Event, ImageRef, Intent, JobWord, Outcome, Probed, SkipWhy, Undoes, Why};
use crate::resource::{Fields, Footprint, Image, State};
use crate::run::life::Stage;
use crate::run::next::Next;
use crate::run::plan::{Step, StepIx, Work};
use crate::run::rules::finding::{ExecutionResult, Judged, Look, SampleTime, Sampled, judged, outcome, sampled};
use crate::run::rules::prepare::{self, Drift, drifts, extended, finds_more, goes_on, is_drift, joined, settled};
use crate::run::state::RunState;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Strict<'_> {
    pub(super) fn step(&mut self, stored: &Stored) -> Checked {
        let entry = &stored.entry;
        let Some(state) = self.history.runs.get(&entry.run) else { return Ok(()) };
        let Some(ix) = entry.event.step().and_then(|path| state.find(path)) else { return Ok(()) };
        match &entry.event {
            Event::Intent(intent) => self.intent(stored, ix, intent),
            Event::Outcome(outcome) => self.outcome(stored, ix, outcome),
            Event::Probed(probed) => self.probed(stored, ix, probed),
            Event::Skipped { why, by, reason, undoes, .. } => {
                self.skipped(stored, ix, why, (by.is_some(), reason.is_some()), undoes.as_ref())
            }
            Event::GateSampled { pass, hopeless, waited, .. } => self.sampled(stored, ix, *waited, (*pass, *hopeless)),
            Event::Resolved { answer, overruled, .. } => {
                let Some((_, known)) = state.step(ix) else { return Ok(()) };
                let expected = state.rules.overruling_is_told() && known.overrules(*answer);
                let words = |overruled| if overruled { "a failure overruled" } else { "no failure overruled" };
                match expected == *overruled {
                    true => Ok(()),
                    false => Err(self.diverged(stored, words(expected), words(*overruled))),
                }
            }
            Event::GateDecided { .. } | Event::TimerFired { .. } => {
                // What follows from a sample was due right behind it, and taken there.
                let expected = "a sample that decides the gate right before it";
                if self.decided { Ok(()) } else { Err(self.diverged(stored, expected, told::event(&entry.event))) }
            }
            Event::DriftFound { key, expected, found, forced, .. } => {
                let drift =
                    Drift { key: key.clone(), expected: expected.clone(), found: found.clone(), forced: *forced };
                self.drift(stored, ix, drift)
            }
            _ => Ok(()),
        }
    }

    fn intent(&mut self, stored: &Stored, ix: StepIx, intent: &Intent) -> Checked {
        let run = stored.entry.run;
        let family = self.family(run);
        let Some(state) = self.history.runs.get(&run) else { return Ok(()) };
        let Some((step, known)) = state.step(ix) else { return Ok(()) };
        let differs = |what: &str, expected: String, got: String| {
            Err(self.diverged(stored, format!("{what}: {expected}"), format!("{what}: {got}")))
        };
        let mut unchecked = Vec::new();
        // The action is the plan's, with captures and recorded contents filled in.
        match prepare::action(state, ix, &With(self, family)) {
            Ok(action) if action == intent.action || intent.action.fills_in(&action) => {}
            Ok(action) => return differs("action", told::value(&action), told::value(&intent.action)),
            Err(_) if self.needs_content(state, ix, family) => unchecked.push(Unchecked::Action),
            Err(why) => return differs("action", format!("none: {why}"), told::value(&intent.action)),
        }
        if intent.target.host != step.target.host {
            return differs("target", told::value(&step.target), told::value(&intent.target));
        }
        if intent.class != step.class || intent.recovery != step.recovery {
            let words = |class, recovery| format!("{}, {}", told::value(&class), told::value(&recovery));
            let (expected, got) = (words(step.class, step.recovery), words(intent.class, intent.recovery));
            return differs("class and recovery", expected, got);
        }
        if intent.undoes != step.undoes {
            return differs("undoes", told::value(&step.undoes), told::value(&intent.undoes));
        }
        if intent.boot.is_some() && !intent.action.is_job() {
            return differs("boot", "none: it is no job".to_owned(), told::value(&intent.boot));
        }
        // Nothing is left out that the action declares; what only the target knows may come on top.
        let (touched, places) = prepare::touched(state, step, known);
        let declared = touched.iter().flat_map(|action| action.footprint(&intent.target));
        let declared = declared.filter(|place| place.fields != Fields::Evidence);
        let mut all = intent.action.footprint(&intent.target);
        all.extend(declared.chain(places));
        if let Some(missing) = joined(all).into_iter().find(|place| !covers(&intent.footprint, place)) {
            let expected = format!("{} ({}) among them", missing.key, told::value(&missing.fields));
            return differs("resources", expected, told::value(&intent.footprint));
        }
        if !intent.footprint.is_sorted_by(|a, b| a.key < b.key) {
            return differs("resources", "each once, in order".to_owned(), told::value(&intent.footprint));
        }
        if let Some(first) =
            known.original(state.rules).filter(|first| finds_more(state.rules, &first.before, intent.before.keys()))
        {
            // What only this attempt found has its before-image from it, and the way back is that of all of them.
            if let Some(key) = intent.before.keys().find(|key| !has(&intent.footprint, key)) {
                let (expected, got) = (told::value(&intent.footprint), key.to_string());
                return differs("resources in the before-image", expected, got);
            }
            match (self.image(family, &first.before), self.image(family, &intent.before)) {
                (Some(old), Some(now)) => {
                    let found = extended(
                        state.rules,
                        &intent.action,
                        &intent.target,
                        &intent.footprint,
                        ((*old).clone(), (*now).clone()),
                    );
                    let got = (&*now, &intent.inverse, &intent.losses);
                    if (&found.before, &found.inverse, &found.losses) != got {
                        let words = |before, inverse| format!("{}; {}", told::value(before), told::value(inverse));
                        return differs(
                            "before-image of the first attempt with what is new, and its inverse",
                            words(&found.before, &found.inverse),
                            words(&now, &intent.inverse),
                        );
                    }
                }
                _ => unchecked.push(Unchecked::Inverse),
            }
            self.track(run).drifts.remove(&ix);
        } else if let Some(first) = known.original(state.rules) {
            // Our own change is never taken for the original: a retry keeps what the first attempt found.
            let same =
                first.before == intent.before && first.inverse == intent.inverse && first.losses == intent.losses;
            if !same {
                let words = |of: &Intent| format!("{}; {}", told::value(&of.before), told::value(&of.inverse));
                return differs("before-image and inverse of the first attempt", words(first), words(intent));
            }
            self.track(run).drifts.remove(&ix);
        } else {
            if let Some(key) = intent.before.keys().find(|key| !has(&intent.footprint, key)) {
                let (expected, got) = (told::value(&intent.footprint), key.to_string());
                return differs("resources in the before-image", expected, got);
            }
            match self.image(family, &intent.before) {
                Some(before) => {
                    let (inverse, losses) =
                        prepare::way_back(state.rules, &intent.action, &intent.target, &intent.footprint, &before);
                    if inverse != intent.inverse {
                        return differs("inverse", told::value(&inverse), told::value(&intent.inverse));
                    }
                    if losses != intent.losses {
                        return differs("losses", told::value(&losses), told::value(&intent.losses));
                    }
                    if step.undoes.is_some() && settled(&intent.action, &step.accepts, &before) {
                        let got = told::event(&stored.entry.event);
                        return differs(
                            "what is already there is passed over",
                            "skipped: already-there".to_owned(),
                            got,
                        );
                    }
                    if !self.drift_told(stored, ix, intent, &before)? {
                        unchecked.push(Unchecked::Drift);
                    }
                }
                None => unchecked.extend([Unchecked::Inverse, Unchecked::Drift]),
            }
            self.track(run).drifts.remove(&ix);
        }
        unchecked.into_iter().for_each(|what| self.unchecked(what));
        Ok(())
    }

    /// Whether an action cannot be made out because what it is filled in from cannot be opened.
    fn needs_content(&self, state: &RunState, ix: StepIx, family: crate::id::RunId) -> bool {
        let Some((step, _)) = state.step(ix) else { return false };
        let label: &Label = match &step.work {
            Work::Act(Action::Restore(restore)) => &restore.step,
            Work::Act(Action::InventoryEdit(edit)) => match &edit.home_of {
                Some(label) => label,
                None => return false,
            },
            _ => return false,
        };
        let of = |other: &Step| other.label == *label && other.target.host == step.target.host;
        let intent = state.steps().find(|(_, other, known)| of(other) && known.intent.is_some());
        let Some(intent) = intent.and_then(|(_, _, known)| known.intent.as_ref()) else { return false };
        match self.image(family, &intent.before) {
            None => true,
            Some(image) => image.values().filter_map(State::body).any(|id| {
                let sealed = self.history.bodies.get(&id);
                sealed.is_none_or(|sealed| self.keys.open(family, id, sealed).is_none())
            }),
        }
    }

    /// Holds the drift that was told of against what the before-image shows. False if that cannot be made out.
    fn drift_told(
        &self,
        stored: &Stored,
        ix: StepIx,
        intent: &Intent,
        before: &Arc<Image>,
    ) -> Result<bool, Box<super::Divergence>> {
        let run = stored.entry.run;
        let Some(state) = self.history.runs.get(&run) else { return Ok(true) };
        let Some((step, _)) = state.step(ix) else { return Ok(true) };
        let mut closed = false;
        let last = |key: &ResourceKey| self.last(run, key).inspect_err(|()| closed = true);
        let found = drifts(&self.history, run, (step, &intent.action), (&intent.footprint, before), last);
        let found = match found {
            Ok(found) if !closed => found,
            _ => return Ok(false),
        };
        let none = Vec::new();
        let told = self.tracks.get(&run).and_then(|track| track.drifts.get(&ix)).unwrap_or(&none);
        // Drift that an earlier look of the same driver told of, and that stopped nothing, was told of once.
        let (mut expected, mut got) = (found.iter(), told.iter());
        loop {
            match (expected.next(), got.next()) {
                (None, None) => return Ok(true),
                (Some(a), Some(b)) if a == b && a.forced => {}
                (Some(a), _) if !a.forced => {
                    let words = format!("no intent: {} is not as last recorded ({})", a.key, a.expected);
                    return Err(self.diverged(stored, words, told::event(&stored.entry.event)));
                }
                (Some(a), _) => {
                    let words = format!("drift of {} told of before: {} is {}", a.key, a.expected, a.found);
                    return Err(self.diverged(stored, words, told::event(&stored.entry.event)));
                }
                (None, Some(b)) => {
                    let words = format!("no drift of {}, which is {} as last recorded", b.key, b.found);
                    return Err(self.diverged(stored, words, format!("drift: {} is {}", b.expected, b.found)));
                }
            }
        }
    }

    fn drift(&mut self, stored: &Stored, ix: StepIx, drift: Drift) -> Checked {
        let run = stored.entry.run;
        let Some(state) = self.history.runs.get(&run) else { return Ok(()) };
        let Some((step, known)) = state.step(ix) else { return Ok(()) };
        let got = || format!("drift: {} is {} and not {}", drift.key, drift.found, drift.expected);
        if !state.is_ready(Next::Act(ix)) {
            return Err(self.diverged(stored, self.ready_words(run), told::event(&stored.entry.event)));
        }
        if drift.expected == drift.found {
            return Err(self.diverged(stored, "a state that is not the last recorded one", got()));
        }
        let forced = goes_on(step, state.may_overwrite(&drift.key, &drift.found));
        if drift.forced != forced {
            let words = |forced| if forced { "the step goes on" } else { "the step stops" };
            return Err(self.diverged(stored, words(forced), words(drift.forced)));
        }
        let action = match &step.work {
            // Filled in or not, a rollback's action is the plan's; on the way there every difference is drift.
            Work::Act(action) => action.clone(),
            Work::Gate { .. } => return Err(self.diverged(stored, "no drift: a gate changes nothing", got())),
        };
        if !is_drift(&self.history, run, step, &action, &drift.key, &drift.found) {
            return Err(self.diverged(stored, format!("{} to be accepted as it is", drift.key), got()));
        }
        let mine = known.intent.as_ref().is_some_and(|intent| has(&intent.footprint, &drift.key));
        let mut unchecked = false;
        match self.last(run, &drift.key) {
            Ok(Some(last)) if last == drift.expected => {}
            Ok(Some(last)) => {
                return Err(self.diverged(stored, format!("{} last recorded as {last}", drift.key), got()));
            }
            Ok(None) if mine => {}
            Ok(None) => return Err(self.diverged(stored, format!("{} never recorded before", drift.key), got())),
            Err(()) => unchecked = true,
        }
        if unchecked {
            self.unchecked(Unchecked::Drift);
        }
        self.track(run).drifts.entry(ix).or_default().push(drift);
        Ok(())
    }

    fn outcome(&mut self, stored: &Stored, ix: StepIx, found: &Outcome) -> Checked {
        let run = stored.entry.run;
        let family = self.family(run);
        let Some(state) = self.history.runs.get(&run) else { return Ok(()) };
        let Some((step, known)) = state.step(ix) else { return Ok(()) };
        let Some(intent) = known.intent.clone() else { return Ok(()) };
        let got = || told::event(&stored.entry.event);
        let attached = self.tracks.get(&run).is_some_and(|track| track.attached.contains(&ix));
        if known.stage == Stage::Unknown && !attached {
            return Err(self.diverged(stored, "a look at the step first: it is in doubt", got()));
        }
        self.keys_of(stored, &found.after, &intent.footprint)?;
        self.captures(stored, step, found.ending == Ending::Succeeded, &found.captures)?;
        let nothing = found.after.keys().next().is_none();
        let rules = state.rules;
        let mut unchecked = false;
        let came = match (found.ending, found.why) {
            (Ending::Unknown, Some(Why::Conflict)) if state.rules.moved_steps_look_again() => ExecutionResult::Moved,
            (Ending::Unknown, _) => ExecutionResult::Lost,
            (Ending::Failed, Some(Why::NotStarted)) => ExecutionResult::NotStarted,
            (Ending::Failed, Some(Why::Precondition)) if nothing && !rules.only_not_started_is_harmless() => {
                ExecutionResult::NotStarted
            }
            (_, why) => {
                let why = why.filter(|why| *why != Why::Unmet || intent.action.says_unmet());
                let unmet = match (why, self.unmet(family, &intent, &found.after)) {
                    (Some(_), _) => false,
                    (None, Some(unmet)) => unmet,
                    (None, None) => {
                        unchecked = true;
                        found.why == Some(Why::Unmet)
                    }
                };
                ExecutionResult::Finished { why, unmet }
            }
        };
        let (ending, why) = outcome(came, rules);
        if (ending, why) != (found.ending, found.why) {
            let why = why.map(|why| format!(" ({})", told::value(&why))).unwrap_or_default();
            return Err(self.diverged(stored, format!("{}{why}", told::value(&ending)), got()));
        }
        if found.ending == Ending::Unknown && !nothing {
            return Err(self.diverged(stored, "no image after an outcome that is unknown", got()));
        }
        if rules.refusals_leave_no_image() && found.why.is_some_and(Why::is_refusal) && !nothing {
            return Err(self.diverged(stored, "no image after an attempt that was refused", got()));
        }
        if unchecked {
            self.unchecked(Unchecked::Promise);
        }
        self.track(run).attached.remove(&ix);
        Ok(())
    }

    fn probed(&mut self, stored: &Stored, ix: StepIx, found: &Probed) -> Checked {
        let run = stored.entry.run;
        let family = self.family(run);
        let Some(state) = self.history.runs.get(&run) else { return Ok(()) };
        let Some((step, known)) = state.step(ix) else { return Ok(()) };
        let Some(intent) = known.intent.clone() else { return Ok(()) };
        if !state.is_ready(Next::Probe(ix)) {
            return Err(self.diverged(stored, self.ready_words(run), told::event(&stored.entry.event)));
        }
        self.keys_of(stored, &found.observed, &intent.footprint)?;
        self.captures(stored, step, found.decision == Decision::Succeeded, &found.captures)?;
        let running = found.job == JobWord::Running;
        if running && found.observed.keys().next().is_some() {
            return Err(self.diverged(stored, "no image of a job that runs", told::value(&found.observed)));
        }
        let images = (self.image(family, &intent.before), self.image(family, &found.observed));
        let (heard, spent) = (!found.captures.is_empty(), state.is_spent(known));
        let look = match &images {
            _ if running => Some(Look { word: found.job, verdict: found.verdict, unmet: false, heard, spent }),
            (Some(before), Some(now)) => {
                let verdict = intent.action.judge(&intent.footprint, before, now);
                let unmet = intent.action.unmet(before, now).is_some();
                Some(Look { word: found.job, verdict, unmet, heard, spent })
            }
            _ => None,
        };
        let expected = match look {
            Some(look) => judged(step, look),
            // What cannot be opened may have shown either; whatever it was, the decision must follow from it.
            None => {
                self.unchecked(Unchecked::Verdict);
                let Some((step, _)) = self.history.runs.get(&run).and_then(|state| state.step(ix)) else {
                    return Ok(());
                };
                let with = |unmet| judged(step, Look { word: found.job, verdict: found.verdict, unmet, heard, spent });
                let well = with(false);
                if well.decision == found.decision { well } else { with(true) }
            }
        };
        let Judged { verdict, rule, decision } = expected;
        if (verdict, rule, decision) != (found.verdict, found.rule, found.decision) {
            let expected = told::probed(&Probed { verdict, rule, decision, ..found.clone() });
            return Err(self.diverged(stored, expected, told::probed(found)));
        }
        if running {
            self.track(run).attached.insert(ix);
        }
        Ok(())
    }

    fn skipped(
        &mut self,
        stored: &Stored,
        ix: StepIx,
        why: &SkipWhy,
        (by, reason): (bool, bool),
        undoes: Option<&Undoes>,
    ) -> Checked {
        let run = stored.entry.run;
        let Some(state) = self.history.runs.get(&run) else { return Ok(()) };
        let Some((step, _)) = state.step(ix) else { return Ok(()) };
        let person = *why == SkipWhy::Operator;
        let fits = match why {
            SkipWhy::When if !state.is_ready(Next::Skip(ix)) => Err("a step whose `when` does not hold"),
            SkipWhy::AlreadyThere if step.undoes.is_none() => Err("a step of a rollback"),
            SkipWhy::AlreadyThere if !state.is_ready(Next::Act(ix)) => Err("a step that is ready"),
            _ if by != person => Err("a person named, and only where a person decided"),
            _ if reason != person => Err("a reason, and only where a person decided"),
            _ => Ok(()),
        };
        if let Err(expected) = fits {
            return Err(self.diverged(stored, expected, told::event(&stored.entry.event)));
        }
        let expected = step.undoes.as_ref().filter(|_| *why != SkipWhy::When);
        if undoes != expected {
            return Err(self.diverged(stored, told::value(&expected), told::value(&undoes)));
        }
        Ok(())
    }

    fn sampled(&mut self, stored: &Stored, ix: StepIx, waited: Option<Micros>, said: (bool, bool)) -> Checked {
        let entry = &stored.entry;
        let Some(state) = self.history.runs.get(&entry.run) else { return Ok(()) };
        let Some((step, known)) = state.step(ix) else { return Ok(()) };
        let path: StepPath = step.path.clone();
        if waited.is_some() != state.rules.gates_count_what_was_waited() {
            let words = |told| if told { "how long it was waited for" } else { "no time that was waited" };
            let (expected, got) = (words(waited.is_none()), words(waited.is_some()));
            return Err(self.diverged(stored, expected, got));
        }
        if waited < known.waited.filter(|_| waited.is_some()) {
            let words = |time: Option<Micros>| format!("{} microseconds waited for it", time.unwrap_or(Micros(0)).0);
            return Err(self.diverged(stored, format!("at least {}", words(known.waited)), words(waited)));
        }
        let time = SampleTime { at: entry.time, waited };
        let found = sampled(step, (known.passes, known.began), time, said);
        let track = self.tracks.entry(entry.run).or_default();
        let until = track.sleeps.remove(&ix);
        if let Some(Sampled::Again(at)) = found {
            track.sleeps.insert(ix, at);
        }
        let now = waited.unwrap_or(entry.time);
        if known.stage == Stage::Waiting
            && let Some(until) = until.filter(|until| now < *until)
        {
            let expected = format!("no sample before {} microseconds", until.0);
            return Err(self.diverged(stored, expected, format!("one at {}", now.0)));
        }
        let event = match found {
            Some(Sampled::Opens) => Event::GateDecided { step: path, passed: true },
            Some(Sampled::Fails) => Event::GateDecided { step: path, passed: false },
            Some(Sampled::TimeUp) => Event::TimerFired { step: path },
            Some(Sampled::Again(_)) | None => return Ok(()),
        };
        self.then(entry.epoch, Due::Gate { run: entry.run, event: Box::new(event) });
        Ok(())
    }

    /// An image shows resources of the step and no others.
    fn keys_of(&self, stored: &Stored, image: &ImageRef, footprint: &[Footprint]) -> Checked {
        match image.keys().find(|key| !has(footprint, key)) {
            Some(key) => Err(self.diverged(stored, "resources of the intent, and no others", format!("{key}"))),
            None => Ok(()),
        }
    }

    /// Only the step's own value is captured, and only when it succeeded.
    fn captures(&self, stored: &Stored, step: &Step, succeeded: bool, found: &BTreeMap<Label, String>) -> Checked {
        let known = |name: &Label| succeeded && step.capture.as_ref() == Some(name);
        match found.keys().find(|name| !known(name)) {
            Some(name) => {
                let expected = match &step.capture {
                    Some(own) if succeeded => format!("no capture but {own}"),
                    _ => "no capture".to_owned(),
                };
                Err(self.diverged(stored, expected, name.to_string()))
            }
            None => Ok(()),
        }
    }

    /// Whether something that the action promises is not there; none if an image cannot be opened.
    fn unmet(&self, family: crate::id::RunId, intent: &Intent, after: &ImageRef) -> Option<bool> {
        let (before, after) = (self.image(family, &intent.before)?, self.image(family, after)?);
        Some(intent.action.unmet(&before, &after).is_some())
    }
}

/// Whether a list of resources, in order, has one. Evidence of repeated keys is joined, so each stands there once.
fn place_of<'a>(all: &'a [Footprint], key: &ResourceKey) -> Option<&'a Footprint> {
    all.binary_search_by(|place| place.key.cmp(key)).ok().and_then(|at| all.get(at))
}

fn has(all: &[Footprint], key: &ResourceKey) -> bool {
    place_of(all, key).is_some()
}

fn covers(all: &[Footprint], wanted: &Footprint) -> bool {
    place_of(all, &wanted.key).is_some_and(|place| wanted.fields.join(place.fields) == place.fields)
}
