//! What may be done next, stated a second time without any bookkeeping, and compared after every entry.
//!
//! The naive version knows the public facts and nothing else: where each step stands by the table, which steps have
//! an intent, what was captured. It looks through the whole plan each time. All that it carries from one entry to the
//! next is who holds a place among the hosts, since that depends on who came first. Rules 1 forgot more than that; what
//! they forgot is carried too, and left alone by later rules.

use crate::action::UndoClass;
use crate::id::StepPath;
use crate::record::Event;
use crate::run::decide::Standing;
use crate::run::life::tests::by_the_table;
use crate::run::life::{Move, Stage};
use crate::run::next::Next;
use crate::run::plan::{Lane, LaneKind, Plan, StepIx, When, Work};
use crate::run::rules::version::Rules;
use crate::test_util::fixture::{Bench, RUN};
use crate::test_util::random_history::{Deed, Dice, a_plan, config, deed, tape};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Copy, PartialEq, Debug)]
enum Place {
    NotBegun,
    Holds,
    Waits,
    Failed,
    Ended,
}

struct Naive<'a> {
    plan: &'a Plan,
    stages: Vec<Stage>,
    acted: Vec<bool>,
    passes: Vec<u32>,
    captured: Vec<BTreeMap<String, String>>,
    withdrawn: Vec<bool>,
    places: Vec<Place>,
    paused: bool,
    closed: bool,
    rules: u32,
    /// Rules 1: what a lane knows of the first lane's values since it was looked at last.
    heard: Vec<BTreeMap<String, String>>,
    /// Rules 1 and 2: whether a lane went on elsewhere while a step was in doubt; until none is, it may have lost its
    /// place beside it.
    strayed: Vec<bool>,
    /// Rules 1: where a lane is looked at from; steps before were left behind when its host was taken back.
    from: Vec<usize>,
}

fn all(lane: &Lane) -> std::ops::Range<usize> {
    lane.start as usize..lane.end as usize
}

impl<'a> Naive<'a> {
    fn new(plan: &'a Plan) -> Self {
        let (steps, lanes) = (plan.steps.len(), plan.lanes.len());
        let mut fresh = Self {
            plan,
            stages: vec![Stage::Pending; steps],
            acted: vec![false; steps],
            passes: vec![0; steps],
            captured: vec![BTreeMap::new(); lanes],
            withdrawn: vec![false; lanes],
            places: vec![Place::NotBegun; lanes],
            paused: false,
            closed: false,
            rules: plan.rules,
            heard: vec![BTreeMap::new(); lanes],
            strayed: vec![false; lanes],
            from: plan.lanes.iter().map(|lane| lane.start as usize).collect(),
        };
        fresh.give_places();
        fresh
    }

    fn at(&self, path: &StepPath) -> usize {
        self.plan.steps.iter().position(|step| step.path == *path).expect("the plan has it")
    }

    fn lane_of(&self, step: usize) -> usize {
        self.plan.lanes.iter().position(|lane| all(lane).contains(&step)).expect("every step has a lane")
    }

    fn is_gate(&self, step: usize) -> bool {
        matches!(self.plan.steps[step].work, Work::Gate { .. })
    }

    /// What a lane has come to: its first step that is not behind; nothing once it is at its end or out.
    fn first_left(&self, lane: usize) -> Option<usize> {
        let behind = [Stage::Succeeded, Stage::Skipped, Stage::Compensated];
        let mut steps = all(&self.plan.lanes[lane]).filter(|step| self.rules > 1 || *step >= self.from[lane]);
        if self.withdrawn[lane] { None } else { steps.find(|step| !behind.contains(&self.stages[*step])) }
    }

    /// The steps of a lane of which nobody knows what becomes of them: they may be at work.
    fn doubts(&self, lane: usize) -> impl Iterator<Item = usize> {
        let doubtful = [Stage::Intended, Stage::Unknown, Stage::Asking];
        all(&self.plan.lanes[lane]).filter(move |step| doubtful.contains(&self.stages[*step]))
    }

    /// Where a lane stands: at what may be at work, else at what it has come to. Rules 1 and 2 asked for the latter only.
    fn here(&self, lane: usize) -> Option<usize> {
        let first = self.first_left(lane)?;
        if self.rules < 3 { Some(first) } else { self.doubts(lane).next().or(Some(first)) }
    }

    fn holders(&self) -> usize {
        self.places.iter().filter(|place| **place == Place::Holds).count()
    }

    fn moves(&mut self, step: usize, what: Move) {
        self.stages[step] = by_the_table(self.stages[step], what).expect("a legal move");
    }

    fn take(&mut self, deed: &Deed) {
        match deed {
            Deed::Entry(event) => self.take_entry(event),
            Deed::Compensated(ix) => {
                self.moves(*ix as usize, Move::Compensated);
                self.hears(self.lane_of(*ix as usize));
            }
            Deed::Withdrawn(host) => {
                for (number, lane) in self.plan.lanes.iter().enumerate() {
                    self.withdrawn[number] |= lane.kind == LaneKind::Host(host.clone());
                    self.hears(number);
                }
            }
        }
        for lane in 0..self.strayed.len() {
            let (mut doubts, here) = (self.doubts(lane).peekable(), self.here(lane));
            let strays = doubts.peek().is_some() && (self.strayed[lane] || doubts.any(|step| Some(step) != here));
            drop(doubts);
            self.strayed[lane] = strays;
        }
        self.give_places();
    }

    fn hears(&mut self, lane: usize) {
        self.heard[lane] = self.captured[0].clone();
    }

    fn all_hear(&mut self) {
        (0..self.heard.len()).for_each(|lane| self.hears(lane));
    }

    fn take_entry(&mut self, event: &Event) {
        let step = event.step().map(|path| self.at(path));
        let (step, lane) = (step.unwrap_or(0), step.map_or(0, |step| self.lane_of(step)));
        match event {
            Event::Intent(_) => {
                self.acted[step] = true;
                self.moves(step, Move::Intent);
            }
            Event::Outcome(outcome) => {
                self.moves(step, Move::Outcome(outcome.ending));
                let new = outcome.captures.iter().map(|(name, value)| (name.to_string(), value.clone()));
                self.captured[lane].extend(new);
            }
            Event::Probed(probed) => {
                self.moves(step, Move::Probed(probed.decision));
                let new = probed.captures.iter().map(|(name, value)| (name.to_string(), value.clone()));
                self.captured[lane].extend(new);
            }
            Event::Resolved { answer, .. } => {
                self.acted[step] &= self.stages[step] != Stage::Compensated;
                self.moves(step, Move::Answered(*answer));
                self.passes[step] = 0;
                self.from[lane] = if self.withdrawn[lane] { step } else { self.from[lane].min(step) };
                self.withdrawn[lane] = false;
            }
            Event::Skipped { .. } => self.moves(step, Move::Skip),
            Event::GateSampled { pass, .. } => {
                self.moves(step, Move::Sampled);
                self.passes[step] = if *pass { self.passes[step] + 1 } else { 0 };
            }
            Event::GateDecided { passed, .. } => self.moves(step, Move::Decided(*passed)),
            Event::TimerFired { .. } => self.moves(step, Move::Timer),
            Event::Paused { .. } => {
                self.paused = true;
                self.forget_gates();
            }
            Event::OwnerChanged { .. } => {
                self.paused = false;
                (0..self.stages.len()).for_each(|step| self.moves(step, Move::OwnerChanged));
                self.forget_gates();
            }
            Event::RunClosed(_) => self.closed = true,
            Event::RunOpened(_) | Event::DriftFound { .. } | Event::Progress(_) => {}
        }
        match event {
            Event::Paused { .. } | Event::OwnerChanged { .. } => self.all_hear(),
            event if event.step().is_some() => self.hears(lane),
            _ => {}
        }
    }

    /// A gate's answer counts only if something was done behind it: anywhere in its lane, and if the lane has gone
    /// back to a step behind the gate, between the two. What was asked before all hosts counts once a host began.
    /// Rules 1 asked only for what was done between the gate and the place where the lane stands, and of a gate beyond
    /// that place nothing.
    fn forget_gates(&mut self) {
        for (number, lane) in self.plan.lanes.iter().enumerate() {
            let others = self.plan.lanes.iter().filter(|other| other.kind != LaneKind::First);
            let begun = others.into_iter().any(|other| all(other).any(|step| self.acted[step]));
            if self.withdrawn[number] || lane.kind == LaneKind::First && begun {
                continue;
            }
            let here = self.first_left(number).unwrap_or(lane.end as usize);
            let gates: Vec<usize> = all(lane).filter(|step| self.is_gate(*step)).collect();
            for gate in gates {
                let behind = |end: usize| (gate + 1..end).any(|step| self.acted[step]);
                let (end, between) = (lane.end as usize, behind((here + 1).min(lane.end as usize)));
                let counts =
                    if self.rules == 1 { gate > here || between } else { behind(end) && (gate > here || between) };
                if !counts && let Some(stage) = by_the_table(self.stages[gate], Move::Stale) {
                    self.stages[gate] = stage;
                    self.passes[gate] = 0;
                    self.from[number] = self.from[number].min(gate);
                }
            }
        }
    }

    fn give_places(&mut self) {
        let serial = self.plan.serial as usize;
        for (number, lane) in self.plan.lanes.iter().enumerate() {
            let was = self.places[number];
            let is_host = matches!(lane.kind, LaneKind::Host(_));
            self.places[number] = match self.here(number) {
                _ if was == Place::NotBegun => Place::NotBegun,
                None => Place::Ended,
                Some(step) if self.stages[step] == Stage::Failed => Place::Failed,
                Some(_) if matches!(was, Place::Holds | Place::Waits) => was,
                Some(_) if is_host && self.holders() >= serial => Place::Waits,
                Some(_) => Place::Holds,
            };
        }
        if self.paused || self.closed {
            return;
        }
        // One place after the other: who waits comes before who has not begun.
        while let Some(lane) = self.next_to_begin() {
            self.hears(lane);
            self.places[lane] = match self.here(lane) {
                None => Place::Ended,
                Some(step) if self.stages[step] == Stage::Failed => Place::Failed,
                Some(_) => Place::Holds,
            };
        }
    }

    fn next_to_begin(&self) -> Option<usize> {
        let room = self.holders() < self.plan.serial as usize;
        if room && let Some(waits) = self.places.iter().position(|place| *place == Place::Waits) {
            return Some(waits);
        }
        let lane = self.places.iter().position(|place| *place == Place::NotBegun)?;
        let failed = self.places.iter().filter(|place| **place == Place::Failed).count();
        let first_ended = (0..self.places.len())
            .filter(|other| self.plan.lanes[*other].kind == LaneKind::First)
            .all(|other| self.places[other] == Place::Ended);
        let stopped = |place: &Place| matches!(place, Place::Ended | Place::Failed);
        let may = match self.plan.lanes[lane].kind {
            LaneKind::First => true,
            LaneKind::Host(_) => first_ended && room,
            LaneKind::Last => first_ended && self.places[..lane].iter().all(stopped),
        };
        (may && failed <= self.plan.max_fail as usize).then_some(lane)
    }

    fn holds(&self, lane: usize, when: &When) -> bool {
        let fill = |text: &str| {
            let name = text.strip_prefix("{{ ").and_then(|rest| rest.strip_suffix(" }}"));
            let first = if self.rules == 1 && lane > 0 { &self.heard[lane] } else { &self.captured[0] };
            let value = name.and_then(|name| self.captured[lane].get(name).or_else(|| first.get(name)));
            value.cloned().unwrap_or_else(|| text.to_owned())
        };
        (fill(&when.left) == fill(&when.right)) == when.equal
    }

    fn ready(&self) -> Vec<Next> {
        let mut found = Vec::new();
        if self.paused || self.closed {
            return found;
        }
        for lane in (0..self.places.len()).filter(|lane| self.places[*lane] == Place::Holds) {
            let Some(step) = self.here(lane) else { continue };
            let ix = StepIx::try_from(step).expect("few steps");
            let passed_over = self.plan.steps[step].when.as_ref().is_some_and(|when| !self.holds(lane, when));
            found.extend(match self.stages[step] {
                Stage::Pending if passed_over => Some(Next::Skip(ix)),
                Stage::Pending | Stage::Again | Stage::Waiting if self.is_gate(step) => Some(Next::Sample(ix)),
                Stage::Pending | Stage::Again => Some(Next::Act(ix)),
                Stage::Unknown => Some(Next::Probe(ix)),
                _ => None,
            });
        }
        found.sort();
        found
    }

    fn standing(&self) -> Standing {
        let here: Vec<(usize, Stage)> =
            (0..self.places.len()).filter_map(|lane| self.here(lane).map(|step| (lane, self.stages[step]))).collect();
        let failed: Vec<usize> = here.iter().filter(|(_, at)| *at == Stage::Failed).map(|(lane, _)| *lane).collect();
        let only_failed = here.len() == failed.len();
        let hosts_only = failed.iter().all(|lane| matches!(self.plan.lanes[*lane].kind, LaneKind::Host(_)));
        if self.closed {
            Standing::Closed
        } else if !self.ready().is_empty() {
            Standing::Ready
        } else if here.iter().any(|(_, at)| *at == Stage::Asking) {
            Standing::Asking
        } else if here.is_empty() {
            Standing::Done
        } else if failed.is_empty() {
            Standing::Paused
        } else if only_failed && hosts_only && failed.len() <= self.plan.max_fail as usize {
            Standing::DoneWithFailures
        } else {
            Standing::Failed
        }
    }
}

/// What must be true of every state, whatever the naive version says.
fn is_sound(bench: &Bench, naive: &Naive<'_>) {
    let state = bench.state();
    let hosts = || (0..naive.places.len()).filter(|lane| matches!(naive.plan.lanes[*lane].kind, LaneKind::Host(_)));
    let at_work = |lane: &usize| {
        // What only reads may be in doubt at a host that was taken back, and disturbs nobody.
        let acts = naive.doubts(*lane).any(|step| naive.plan.steps[step].class != UndoClass::Read);
        let here = naive.here(*lane).map(|step| naive.stages[step]);
        let waits = here == Some(Stage::Waiting) || naive.doubts(*lane).next().is_some();
        acts || waits && naive.places[*lane] == Place::Holds
    };
    // Under rules 1 and 2 a lane that went on beside a step in doubt could fail and lose its place.
    let counted = hosts().filter(|lane| at_work(lane) && (naive.rules >= 3 || !naive.strayed[*lane]));
    assert!(counted.count() <= naive.plan.serial as usize, "more hosts at work than `serial`");
    if naive.rules >= 3 {
        let most = (0..naive.places.len()).map(|lane| naive.doubts(lane).count()).max();
        assert!(most <= Some(1), "two steps of a lane at work at once");
        let over = matches!(state.standing(), Standing::Done | Standing::DoneWithFailures);
        assert!(!over || !hosts().any(|lane| at_work(&lane)), "over while a host is at work");
    }
    let ready = naive.ready();
    for (ix, ..) in state.steps() {
        for next in [Next::Act(ix), Next::Probe(ix), Next::Sample(ix), Next::Skip(ix)] {
            assert_eq!(state.is_ready(next), ready.contains(&next), "{next:?}");
            assert_eq!(next.step(), ix);
        }
    }
    // Nothing stands still without something that a person can do about it.
    let waits_for_nothing = state.standing() == Standing::Paused
        && state.paused.is_none()
        && state.steps().all(|(_, _, known)| known.stage != Stage::Intended);
    assert!(!waits_for_nothing, "nothing is ready, nothing runs, nobody is asked");
}

fn compare(tape: &[u16], rules: Rules) {
    let mut dice = Dice(tape);
    let plan = Plan { rules: rules.version(), ..a_plan(&mut dice) };
    let mut bench = Bench::open(&plan);
    let mut naive = Naive::new(&plan);
    let mut done: Vec<String> = Vec::new();
    loop {
        let state = bench.state();
        let told = || done.join("\n");
        assert_eq!(state.ready().collect::<Vec<_>>(), naive.ready(), "after\n{}", told());
        assert_eq!(state.standing(), naive.standing(), "after\n{}", told());
        for (ix, step, known) in state.steps() {
            let at = ix as usize;
            assert_eq!(known.stage, naive.stages[at], "{} after\n{}", step.path, told());
            let open = |stage: Stage, passes| matches!(&step.work, Work::Gate { samples, .. } if stage == Stage::Waiting && passes >= *samples);
            let (open, naive) = (open(known.stage, known.passes), open(naive.stages[at], naive.passes[at]));
            assert_eq!(open, naive, "{} after\n{}", step.path, told());
        }
        is_sound(&bench, &naive);
        if dice.is_spent() || state.closed.is_some() {
            break;
        }
        if matches!(state.standing(), Standing::Done | Standing::DoneWithFailures) && dice.once_in(4) {
            bench.close(RUN);
            naive.take(&Deed::Entry(Box::new(Event::RunClosed(Box::new(
                bench.state().closed.as_deref().expect("it was closed").clone(),
            )))));
            continue;
        }
        let Some(next) = deed(&mut dice, &bench) else { break };
        done.push(match &next {
            Deed::Entry(event) => format!("{} {:?}", event.kind(), event.step()),
            other => format!("{other:?}"),
        });
        next.does(&mut bench);
        naive.take(&next);
    }
    // Computing everything anew changes nothing but what rules 1 had not noticed.
    naive.all_hear();
    let mut again = bench.state().clone();
    again.refresh_all();
    assert_eq!(again.ready().collect::<Vec<_>>(), naive.ready());
    assert_eq!(again.standing(), naive.standing());
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn the_naive_version_says_the_same_after_every_entry(tape in tape()) {
        Rules::all().for_each(|rules| compare(&tape, rules));
    }
}

/// A lane that went back failed beside a step in doubt, and another host began: rules 3 are for this.
#[test]
fn no_host_begins_beside_one_with_a_step_in_doubt() {
    Rules::all().for_each(|rules| compare(&BESIDE_A_DOUBT, rules));
}

#[rustfmt::skip]
const BESIDE_A_DOUBT: [u16; 147] = [
    58144, 23110, 1443, 16350, 48508, 9712, 0, 0, 28, 24868, 0, 48, 3472, 2484, 0, 0, 0, 0, 2804, 40506, 0, 6178, 0,
    0, 0, 68, 0, 0, 0, 1560, 3642, 0, 0, 464, 36260, 18936, 22848, 0, 0, 0, 10024, 0, 0, 0, 38492, 0, 0, 0, 0, 6456,
    25514, 14083, 0, 0, 0, 2735, 0, 0, 0, 10583, 0, 367, 0, 0, 50856, 0, 0, 7519, 0, 1197, 72, 0, 0, 0, 7271, 0,
    508, 0, 630, 34655, 0, 48, 0, 0, 0, 48692, 0, 0, 0, 0, 0, 0, 0, 0, 1222, 4946, 0, 1031, 0, 0, 0, 1631, 0, 21734,
    0, 0, 0, 2783, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0,
];
