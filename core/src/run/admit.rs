//! Which entries have a place after the ones so far: asked by the fold before it takes one in, by the driver before it
//! appends one, and by those who hand a person's decision in. An entry that has no place must never be appended: the
//! journal could not be folded again.

use crate::id::{Attempt, StepPath};
use crate::record::Event;
use crate::record::Progress;
use crate::run::inadmissible::Inadmissible;
use crate::run::life::{self, Move, Stage};
use crate::run::next::Next;
use crate::run::plan::StepIx;
use crate::run::state::RunState;
use std::collections::BTreeMap;

/// What an event does to its step; nothing if it only tells of it.
fn move_of(event: &Event) -> Option<Move> {
    Some(match event {
        Event::Intent(_) => Move::Intent,
        Event::Outcome(outcome) => Move::Outcome(outcome.ending),
        Event::Probed(probed) => Move::Probed(probed.decision),
        Event::Resolved { answer, .. } => Move::Answered(*answer),
        Event::Skipped { .. } => Move::Skip,
        Event::GateSampled { .. } => Move::Sampled,
        Event::GateDecided { passed, .. } => Move::Decided(*passed),
        Event::TimerFired { .. } => Move::Timer,
        Event::DriftFound { .. }
        | Event::Progress(_)
        | Event::RunOpened(_)
        | Event::OwnerChanged { .. }
        | Event::Paused { .. }
        | Event::RunClosed(_) => return None,
    })
}

/// Where a step stands.
type Stood = (Stage, Attempt);

impl RunState {
    /// Whether an event has its place next; for one that moves a step, which step, and where it stands then.
    pub fn admits(&self, event: &Event) -> Result<Option<(StepIx, Stage)>, Inadmissible> {
        if self.closed.is_some() {
            return Err(Inadmissible::Closed);
        }
        self.place_of(event, None)
    }

    /// Whether events have their place one after the other, as one batch.
    pub(crate) fn admits_all<'a>(&self, events: impl IntoIterator<Item = &'a Event>) -> Result<(), Inadmissible> {
        let mut closed = self.closed.is_some();
        let mut moved: BTreeMap<StepIx, Stood> = BTreeMap::new();
        for event in events {
            if closed {
                return Err(Inadmissible::Closed);
            }
            let seen = event.step().and_then(|path| moved.get(&self.find(path)?)).copied();
            if let Some((ix, stage)) = self.place_of(event, seen)? {
                let attempt = match event {
                    Event::Intent(intent) => intent.attempt,
                    _ => seen.map_or_else(|| self.attempt(ix), |(_, attempt)| attempt),
                };
                moved.insert(ix, (stage, attempt));
            }
            closed = matches!(event, Event::RunClosed(_));
        }
        Ok(())
    }

    /// Whether a step can take a move; where it stands then.
    pub fn admits_move(&self, path: &StepPath, what: Move) -> Result<Stage, Inadmissible> {
        if self.closed.is_some() {
            return Err(Inadmissible::Closed);
        }
        let ix = self.find(path).ok_or_else(|| Inadmissible::NoStep(path.clone()))?;
        moved(path, self.stood(ix).0, what)
    }

    /// Whether the outcome of an attempt is still waited for.
    pub fn awaits(&self, ix: StepIx, attempt: Attempt) -> bool {
        let (stage, at) = self.stood(ix);
        matches!(stage, Stage::Intended | Stage::Unknown) && at == attempt
    }

    /// Only an attempt that nobody settled tells something, and everything once.
    fn hears(&self, ix: StepIx, stage: Stage, told: &Progress) -> Result<(), Inadmissible> {
        if !matches!(stage, Stage::Intended | Stage::Unknown) {
            return Err(Inadmissible::NotDue(told.step.clone()));
        }
        let heard = self.steps.get(ix as usize).map_or(0, |known| known.heard.number);
        if told.number > heard { Ok(()) } else { Err(Inadmissible::NotDue(told.step.clone())) }
    }

    fn attempt(&self, ix: StepIx) -> Attempt {
        self.stood(ix).1
    }

    fn stood(&self, ix: StepIx) -> Stood {
        self.steps.get(ix as usize).map_or((Stage::Pending, 0), |known| (known.stage, known.attempt))
    }

    /// `seen`: where the step stands after what the same batch says of it; it was due then, or is no more.
    fn place_of(&self, event: &Event, seen: Option<Stood>) -> Result<Option<(StepIx, Stage)>, Inadmissible> {
        if let Event::RunOpened(_) = event {
            return Err(Inadmissible::Twice(self.run));
        }
        let Some(path) = event.step() else { return Ok(None) };
        let ix = self.find(path).ok_or_else(|| Inadmissible::NoStep(path.clone()))?;
        let (stage, at) = seen.unwrap_or_else(|| self.stood(ix));
        let due = match event {
            Event::Intent(_) => Some(Next::Act(ix)),
            Event::GateSampled { .. } => Some(Next::Sample(ix)),
            _ => None,
        };
        if due.is_some_and(|next| seen.is_some() || !self.is_ready(next)) {
            return Err(Inadmissible::NotDue(path.clone()));
        }
        let attempts = match event {
            Event::Intent(intent) => Some((intent.attempt, at + 1)),
            Event::Outcome(outcome) => Some((outcome.attempt, at)),
            Event::Probed(probed) => Some((probed.attempt, at)),
            Event::Progress(told) => Some((told.attempt, at)),
            _ => None,
        };
        if let Some((attempt, at)) = attempts.filter(|(attempt, at)| attempt != at) {
            return Err(Inadmissible::Attempt { step: path.clone(), attempt, at });
        }
        if let Event::Progress(told) = event {
            self.hears(ix, stage, told)?;
        }
        let Some(what) = move_of(event) else { return Ok(None) };
        Ok(Some((ix, moved(path, stage, what)?)))
    }
}

fn moved(path: &StepPath, stage: Stage, what: Move) -> Result<Stage, Inadmissible> {
    life::next(stage, what).map_err(|illegal| Inadmissible::Illegal { step: path.clone(), illegal })
}
