//! What may be done next: a set, kept up to date entry by entry, never computed anew over the whole plan.
//!
//! The set is a pure function of the plan, the entries' public facts and the version of the rules. The driver picks from it; strict
//! replay checks that whatever was picked stood in it, so hosts that run side by side cost no determinism.

use crate::run::life::{self, Move, Stage};
use crate::run::next::Next;
use crate::run::plan::{Lane, LaneKind, StepIx, When, Work};
use crate::run::state::{LaneState, RunState, Stand};
use crate::runbook::template::{fill_captures, names};

/// What a run waits for when nothing may be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Something may be done.
    Ready,
    /// Every step is behind: the run can be closed as done.
    Done,
    /// What can be done is done, with failures that the runbook tolerates.
    DoneWithFailures,
    /// Failed steps wait for `retry` or `skip`.
    Failed,
    /// In-doubt steps wait for `resolve`.
    Asking,
    /// Paused.
    Paused,
    /// Closed.
    Closed,
}

impl RunState {
    /// What may be done next.
    pub fn ready(&self) -> impl Iterator<Item = Next> + '_ {
        self.ready.iter().copied()
    }

    /// Whether that may be done next.
    pub fn is_ready(&self, next: Next) -> bool {
        self.ready.contains(&next)
    }

    /// Whether anything is ready, and if not, what is waited for.
    pub fn standing(&self) -> Standing {
        if self.closed.is_some() {
            return Standing::Closed;
        }
        if !self.ready.is_empty() {
            return Standing::Ready;
        }
        let (mut asking, mut failed, mut open) = (false, 0, false);
        // What comes before all hosts or after them is no host: its failure is never tolerated.
        let mut tolerable = true;
        for (plan, lane) in self.plan.lanes.iter().zip(&self.lanes) {
            let Some(place) = self.place(plan, lane) else { continue };
            match self.steps.get(place as usize).map(|step| step.stage) {
                Some(Stage::Asking) => asking = true,
                Some(Stage::Failed) => {
                    failed += 1;
                    tolerable &= matches!(plan.kind, LaneKind::Host(_));
                }
                _ => open = true,
            }
        }
        match (asking, failed) {
            (true, _) => Standing::Asking,
            (false, 0) if !open => Standing::Done,
            (false, failed) if !open && tolerable && failed <= self.plan.max_fail => Standing::DoneWithFailures,
            (false, failed) if failed > 0 => Standing::Failed,
            _ => Standing::Paused,
        }
    }

    /// Whether another process that takes the run over has anything to do or to end, or would only wait as this one does.
    pub fn goes_on(&self) -> bool {
        let mut taken_over = self.clone();
        (taken_over.paused, taken_over.paused_words) = (None, None);
        for step in &mut taken_over.steps {
            step.stage = life::next(step.stage, Move::OwnerChanged).unwrap_or(step.stage);
        }
        taken_over.refresh_all();
        !matches!(taken_over.standing(), Standing::Failed | Standing::Asking | Standing::Closed)
    }

    /// The step that a lane stands at; none at its end, where one past it stands the first step of the next.
    fn place(&self, plan: &Lane, lane: &LaneState) -> Option<StepIx> {
        // Until it is known what became of a step, its job may be at work: nothing else begins in that lane, so the
        // lane neither fails nor ends, and keeps the place that `serial` gave it.
        let doubt = lane.doubt.filter(|_| self.rules.doubt_comes_first());
        (lane.at < plan.end).then(|| doubt.unwrap_or(lane.at))
    }

    fn lanes_that(&self, stand: Stand) -> u32 {
        u32::try_from(self.lanes.iter().filter(|lane| lane.stand == stand).count()).unwrap_or(u32::MAX)
    }

    /// Recomputes everything: after an owner change, a pause, or another run's rollback of a step.
    pub fn refresh_all(&mut self) {
        for number in 0..self.lanes.len() {
            self.refresh_lane(number);
        }
        self.open_lanes();
    }

    pub(crate) fn refresh_lane_of(&mut self, ix: StepIx) {
        let Some(number) = self.lane_number(ix) else { return };
        let stand = |state: &Self| state.lanes.get(number).map(|lane| lane.stand);
        let was = stand(self);
        self.refresh_lane(number);
        if number == 0 && self.rules.captures_reach_all_lanes() {
            // A step before all hosts that is done again may capture another value, and any lane's `when` may look at it.
            (1..self.opened_lanes).for_each(|other| self.refresh_lane(other));
        }
        // Only the end of a lane, or a failure made or mended, lets others begin.
        if stand(self) != was {
            self.open_lanes();
        }
    }

    /// Opens the lanes that may begin: the first alone, then hosts up to `serial` at a time while no more than
    /// `max_fail` have failed, then the last. A host that was mended goes before one that has not begun.
    pub(crate) fn open_lanes(&mut self) {
        if self.paused.is_some() || self.closed.is_some() {
            return;
        }
        let plan = self.plan.clone();
        loop {
            let room = self.lanes_that(Stand::Working) < plan.serial;
            if room && let Some(number) = self.lanes.iter().position(|lane| lane.stand == Stand::Parked) {
                self.lanes[number].stand = Stand::Working;
                self.refresh_lane(number);
                continue;
            }
            let Some(lane) = plan.lanes.get(self.opened_lanes) else { return };
            let failed = self.lanes_that(Stand::Failed);
            let before = &self.lanes[..self.opened_lanes];
            let first_ended = plan.lanes.first().is_none_or(|lane| lane.kind != LaneKind::First)
                || before.first().is_some_and(|lane| lane.stand == Stand::Ended);
            let may = failed <= plan.max_fail
                && match lane.kind {
                    LaneKind::First => true,
                    LaneKind::Host(_) => first_ended && room,
                    LaneKind::Last => {
                        first_ended && before.iter().all(|lane| matches!(lane.stand, Stand::Ended | Stand::Failed))
                    }
                };
            if !may {
                return;
            }
            self.lanes[self.opened_lanes].stand = Stand::Working;
            self.opened_lanes += 1;
            self.refresh_lane(self.opened_lanes - 1);
        }
    }

    fn refresh_lane(&mut self, number: usize) {
        let Some(plan) = self.plan.lanes.get(number) else { return };
        let is_host = matches!(plan.kind, LaneKind::Host(_));
        let mut at = self.lanes[number].at;
        while at < plan.end && self.steps.get(at as usize).is_some_and(|step| step.stage.is_behind()) {
            at += 1;
        }
        self.lanes[number].at = at;
        let place = self.place(plan, &self.lanes[number]);
        let stage = place.and_then(|ix| self.steps.get(ix as usize)).map(|step| step.stage);
        let stand = match (self.lanes[number].stand, stage) {
            (Stand::Shut, _) => Stand::Shut,
            (_, None) => Stand::Ended,
            (_, Some(Stage::Failed)) => Stand::Failed,
            (was @ (Stand::Working | Stand::Parked), _) => was,
            // Another host may have taken its place meanwhile.
            (Stand::Failed | Stand::Ended, _) if is_host && self.lanes_that(Stand::Working) >= self.plan.serial => {
                Stand::Parked
            }
            (Stand::Failed | Stand::Ended, _) => Stand::Working,
        };
        self.lanes[number].stand = stand;
        if let Some(old) = self.lanes[number].next.take() {
            self.ready.remove(&old);
        }
        if stand != Stand::Working || self.paused.is_some() || self.closed.is_some() {
            return;
        }
        let Some((at, (step, state))) = place.and_then(|ix| Some((ix, self.step(ix)?))) else { return };
        let is_gate = matches!(step.work, Work::Gate { .. });
        let next = match state.stage {
            Stage::Pending if step.when.as_ref().is_some_and(|when| !self.holds(at, when)) => Some(Next::Skip(at)),
            Stage::Pending | Stage::Waiting | Stage::Again if is_gate => Some(Next::Sample(at)),
            Stage::Pending | Stage::Again => Some(Next::Act(at)),
            Stage::Unknown => Some(Next::Probe(at)),
            _ => None,
        };
        self.lanes[number].next = next;
        self.ready.extend(next);
    }

    fn holds(&self, ix: StepIx, when: &When) -> bool {
        let side = |text: &str| fill_captures(text, &|name| self.capture(ix, name));
        (side(&when.left) == side(&when.right)) == when.equal
    }

    /// Whether it is known that a condition does not hold: every value in it was captured.
    pub(crate) fn fails(&self, ix: StepIx, when: &When) -> bool {
        let captured = |text: &str| names(text).iter().all(|name| self.capture(ix, name).is_some());
        captured(&when.left) && captured(&when.right) && !self.holds(ix, when)
    }

    /// Captured values filled into a text, as a step sees them.
    pub fn filled(&self, ix: StepIx, text: &str) -> String {
        fill_captures(text, &|name| self.capture(ix, name))
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "decide_naive_tests.rs"]
mod naive_tests;
