//! For property tests: plans and histories made from a tape of numbers, so that whatever fails shrinks with its tape.

use crate::action::{UndoClass, Verdict};
use crate::gate::Gate;
use crate::id::{BodyId, HostName, Label, ResourceKey, RunId};
use crate::record::{
    Actor, Answer, Decision, Ending, Event, ImageRef, JobWord, Outcome, Owner, PauseWhy, Probed, Rule, SkipWhy, Why,
};
use crate::resource::{Image, Loss, Residue};
use crate::run::life::tests::by_the_table;
use crate::run::life::{Move, Stage};
use crate::run::next::Next;
use crate::run::plan::{LaneKind, Plan, Step, StepIx, When, Work};
use crate::test_util::fixture::{Bench, RUN, gate, path, plan, stop};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Shrinks by its tape; a failure prints it, so no file has to keep it.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

/// A tape that is long enough for a plan and as many events as it has numbers left.
pub(crate) fn tape() -> impl Strategy<Value = Vec<u16>> {
    proptest::collection::vec(any::<u16>(), 0..500)
}

/// Reads choices off a tape; the first of every list once it is at its end.
pub(crate) struct Dice<'a>(pub(crate) &'a [u16]);

impl Dice<'_> {
    pub(crate) fn is_spent(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % count
    }

    /// True once in so many times, and never at the end of the tape.
    pub(crate) fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

fn number(of: usize) -> u32 {
    u32::try_from(of).expect("a small number")
}

fn step(dice: &mut Dice<'_>, place: &str, before: &[Step]) -> Step {
    let name = format!("s{}", before.len());
    let mut step = if dice.once_in(4) {
        let mut step = gate(place, &name);
        if let Work::Gate { gate, samples, .. } = &mut step.work {
            *samples = number(1 + dice.below(2));
            if dice.once_in(2) {
                *gate = Gate::NodeReady {};
            }
        }
        step
    } else {
        // Units are few, so that steps write over each other.
        let unit = dice.pick(&["u0", "u1", "u2"]);
        let class = match dice.below(16) {
            13 => UndoClass::Read,
            12 => UndoClass::UnknownEffect,
            14 => UndoClass::NoUndo,
            15 if dice.once_in(3) => UndoClass::PointOfNoReturn,
            _ => UndoClass::Reversible,
        };
        Step { path: path(&format!("{place}/{name}")), class, ..stop(place, unit) }
    };
    if dice.once_in(4) {
        let left = format!("{{{{ {} }}}}", dice.pick(&["c0", "c1"]));
        step.when = Some(When { left, equal: dice.once_in(2), right: "x".to_owned() });
    }
    if !before.is_empty() && dice.once_in(3) {
        step.undo_after = (0..=dice.below(2)).map(|_| dice.pick(before).path).collect();
    }
    step
}

/// Few hosts with few steps: what can go wrong between lanes shows with two or three.
pub(crate) fn a_plan(dice: &mut Dice<'_>) -> Plan {
    let (serial, max_fail) = (number(1 + dice.below(4)), number(dice.below(3)));
    let mut lane = |place: &'static str, most: usize| {
        let mut steps: Vec<Step> = Vec::new();
        for _ in 0..dice.below(most + 1) {
            let next = step(dice, place, &steps);
            steps.push(next);
        }
        (place, steps)
    };
    let mut lanes = vec![lane("before", 2)];
    for name in NAMES {
        lanes.push(lane(name, 4));
    }
    lanes.push(lane("after", 2));
    plan(serial, max_fail, lanes)
}

/// What happens to a run: an entry of its own, or what another run's entries do to it.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    Entry(Box<Event>),
    Compensated(StepIx),
    Withdrawn(HostName),
}

impl Deed {
    fn entry(event: Event) -> Option<Self> {
        Some(Self::Entry(Box::new(event)))
    }

    pub(crate) fn does(&self, bench: &mut Bench) {
        let by = RunId([8; 8]);
        match self {
            Self::Entry(event) => bench.feed(RUN, (**event).clone()),
            Self::Compensated(ix) => {
                let state = bench.history.runs.get_mut(&RUN).expect("the run is open");
                let path = state.step(*ix).expect("the plan has it").0.path.clone();
                state.compensated(&path, by);
            }
            Self::Withdrawn(host) => {
                bench.history.runs.get_mut(&RUN).expect("the run is open").withdraw(host);
            }
        }
    }
}

fn captures(dice: &mut Dice<'_>) -> BTreeMap<Label, String> {
    let mut found = BTreeMap::new();
    if dice.once_in(3) {
        let name = Label::new(dice.pick(&["c0", "c1"])).expect("a label");
        found.insert(name, dice.pick(&["x", "y"]).to_owned());
    }
    found
}

/// What is seen of a step's resources afterwards: changed, as before, nothing, or nothing that can be opened.
fn seen(dice: &mut Dice<'_>, image: &Image) -> ImageRef {
    let all =
        |runs: bool| image.keys().map(|key| (key.clone(), crate::test_util::fixture::unit(runs))).collect::<Image>();
    match dice.below(8) {
        5 => ImageRef::here(all(true)),
        6 => ImageRef::here(Image::new()),
        7 => ImageRef::sealed(all(false), BodyId([7; 32])),
        _ => ImageRef::here(all(false)),
    }
}

pub(crate) fn outcome(dice: &mut Dice<'_>, bench: &Bench, name: &str) -> Option<Deed> {
    let (step, image, _) = bench.around(RUN, name);
    let ending = dice.pick(&[Ending::Succeeded, Ending::Succeeded, Ending::Failed, Ending::Unknown]);
    let why = [Why::ExitCode, Why::Unmet, Why::Precondition, Why::Revoked, Why::LinkLost, Why::NotStarted];
    Deed::entry(Event::Outcome(Box::new(Outcome {
        attempt: bench.step(RUN, name).1.attempt,
        step: step.path,
        ending,
        why: if ending == Ending::Succeeded { None } else { Some(dice.pick(&why)) },
        code: None,
        message: None,
        output: None,
        after: seen(dice, &image),
        captures: captures(dice),
        losses: Vec::new(),
    })))
}

fn probed(dice: &mut Dice<'_>, bench: &Bench, name: &str) -> Option<Deed> {
    let (step, image, _) = bench.around(RUN, name);
    let (decision, verdict) = dice.pick(&[
        (Decision::Succeeded, Verdict::Applied),
        (Decision::Again, Verdict::NotApplied),
        (Decision::Again, Verdict::Partial),
        (Decision::Failed, Verdict::CannotTell),
        (Decision::FailedPartial, Verdict::Partial),
        (Decision::Ask, Verdict::CannotTell),
        (Decision::Wait, Verdict::StillRunning),
    ]);
    Deed::entry(Event::Probed(Box::new(Probed {
        attempt: bench.step(RUN, name).1.attempt,
        step: step.path,
        verdict,
        rule: Rule::Probe,
        decision,
        job: JobWord::Unknown,
        observed: seen(dice, &image),
        evidence: None,
        output: None,
        captures: captures(dice),
        code: None,
    })))
}

fn sampled(dice: &mut Dice<'_>, name: &str) -> Option<Deed> {
    let (facts, evidence) = (BTreeMap::new(), None);
    let pass = dice.below(3) < 2;
    Deed::entry(Event::GateSampled { step: path(name), pass, hopeless: false, facts, evidence, waited: None })
}

/// Now and then with an undo of two parts, or something that will be lost.
fn intended(dice: &mut Dice<'_>, bench: &Bench, name: &str) -> Option<Deed> {
    let mut intent = bench.intent_of(RUN, name);
    if dice.once_in(5) {
        intent.inverse = [intent.inverse.clone(), intent.inverse].concat();
    }
    if dice.once_in(4) {
        intent.losses =
            vec![Residue { key: ResourceKey::pod("demo", &intent.step.as_str().replace('/', "-")), loss: Loss::Moved }];
    }
    Deed::entry(Event::Intent(Arc::new(intent)))
}

/// What the driver does: something that is ready, or an end of what runs.
fn driven(dice: &mut Dice<'_>, bench: &Bench) -> Option<Deed> {
    let state = bench.state();
    let mut open: Vec<(String, Option<Next>)> = Vec::new();
    for next in state.ready() {
        open.push((state.step(next.step())?.0.path.to_string(), Some(next)));
    }
    for (_, step, known) in state.steps() {
        if matches!(known.stage, Stage::Intended | Stage::Waiting) {
            open.push((step.path.to_string(), None));
        }
    }
    if open.is_empty() {
        return None;
    }
    let (name, next) = dice.pick(&open);
    match next {
        Some(Next::Act(_)) => intended(dice, bench, &name),
        Some(Next::Probe(_)) => probed(dice, bench, &name),
        Some(Next::Sample(_)) => sampled(dice, &name),
        Some(Next::Skip(_)) => {
            let why = SkipWhy::When;
            Deed::entry(Event::Skipped { step: path(&name), why, by: None, reason: None, undoes: None })
        }
        None if bench.stage(&name) == Stage::Intended => outcome(dice, bench, &name),
        None => Deed::entry(match dice.below(4) {
            2 => Event::TimerFired { step: path(&name) },
            3 => Event::GateDecided { step: path(&name), passed: false },
            _ => Event::GateDecided { step: path(&name), passed: true },
        }),
    }
}

/// What an operator says, whenever the table has a place for it.
fn said(dice: &mut Dice<'_>, bench: &Bench) -> Option<Deed> {
    use Answer::{Applied, NotApplied, Partial, Retry};
    let mut open = Vec::new();
    for (_, step, known) in bench.state().steps() {
        let what = [Applied, NotApplied, Partial, Retry].map(Move::Answered).into_iter().chain([Move::Skip]);
        // A step that was not reached yet is skipped now and then, and not all of them at once.
        let often = known.stage != Stage::Pending || dice.once_in(8);
        open.extend(
            what.filter(|what| often && by_the_table(known.stage, *what).is_some())
                .map(|what| (step.path.clone(), what)),
        );
    }
    if open.is_empty() {
        return None;
    }
    let (step, what) = dice.pick(&open);
    let (by, reason) = (Actor::default(), None);
    Deed::entry(match what {
        Move::Answered(answer) => Event::Resolved { step, answer, by, reason, overruled: false },
        _ => Event::Skipped { step, why: SkipWhy::Operator, by: Some(by), reason, undoes: None },
    })
}

/// A pause, or another driver.
fn stopped(dice: &mut Dice<'_>, bench: &Bench) -> Option<Deed> {
    if bench.state().paused.is_none() && dice.once_in(2) {
        return Deed::entry(Event::Paused { why: PauseWhy::Asked, by: None, reason: None });
    }
    let owner = Owner { host: "bastion".to_owned(), boot: "boot".to_owned(), pid: 2, started: 2 };
    Deed::entry(Event::OwnerChanged {
        owner,
        gap: None,
        actor: Actor::default(),
        force: dice.once_in(2),
        host_keys: None,
        found: None,
    })
}

/// What a rollback of one step or of one host does to the run.
fn taken_back(dice: &mut Dice<'_>, bench: &Bench) -> Option<Deed> {
    let state = bench.state();
    let open: Vec<StepIx> = state
        .steps()
        .filter(|(_, _, known)| known.intent.is_some() && by_the_table(known.stage, Move::Compensated).is_some())
        .map(|(ix, ..)| ix)
        .collect();
    // A host is withdrawn when everything it did is taken back.
    let hosts: Vec<HostName> = state
        .plan
        .lanes
        .iter()
        .filter(|lane| {
            // What only read is neither taken back nor looked at first.
            let acted = |ix: StepIx| {
                state.step(ix).is_some_and(|(step, known)| known.intent.is_some() && step.class != UndoClass::Read)
            };
            let back = |ix: StepIx| state.step(ix).is_some_and(|(_, known)| known.stage == Stage::Compensated);
            (lane.start..lane.end).any(acted) && (lane.start..lane.end).all(|ix| !acted(ix) || back(ix))
        })
        .filter_map(|lane| if let LaneKind::Host(host) = &lane.kind { Some(host.clone()) } else { None })
        .collect();
    if !hosts.is_empty() && (open.is_empty() || dice.once_in(2)) {
        return Some(Deed::Withdrawn(dice.pick(&hosts)));
    }
    if open.is_empty() { None } else { Some(Deed::Compensated(dice.pick(&open))) }
}

/// The next thing that happens to the bench's run; nothing when all that could is a stop.
pub(crate) fn deed(dice: &mut Dice<'_>, bench: &Bench) -> Option<Deed> {
    let paused = bench.state().paused.is_some();
    let special = match dice.below(24) {
        20 | 21 => said(dice, bench),
        22 => stopped(dice, bench),
        23 => taken_back(dice, bench),
        17..=19 if paused => stopped(dice, bench),
        _ => None,
    };
    special.or_else(|| driven(dice, bench)).or_else(|| said(dice, bench)).or_else(|| stopped(dice, bench))
}
