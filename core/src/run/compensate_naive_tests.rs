//! The way back, stated a second time over the public facts of a run, and compared for random histories.

use crate::action::UndoClass;
use crate::gate::Gate;
use crate::id::{HostName, ResourceKey, Seq, StepPath};
use crate::record::{ImageRef, Scope, SkipWhy};
use crate::resource::{Image, Loss, Residue};
use crate::run::at_work::HalfDone;
use crate::run::compensate::{CompensateError, Compensation, compensate, in_doubt, originals, residues_of};
use crate::run::life::Stage;
use crate::run::plan::{Lane, LaneKind, Plan, Step, StepIx, Work};
use crate::run::rules::version::Rules;
use crate::run::scope::{covers, dealt_with};
use crate::run::state::StepState;
use crate::test_util::fixture::{BACK, Bench, RUN, host, path, unit};
use crate::test_util::random_history::{Deed, Dice, NAMES, a_plan, config, deed, tape};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn open(image: &ImageRef) -> Option<Image> {
    if let ImageRef::Here(image) = image { Some((**image).clone()) } else { None }
}

/// One step of the run, as far as a rollback cares.
struct Fact<'a> {
    ix: StepIx,
    step: &'a Step,
    known: &'a StepState,
}

impl Fact<'_> {
    fn doubtful(&self) -> bool {
        [Stage::Intended, Stage::Unknown, Stage::Asking].contains(&self.known.stage)
    }

    fn is_in(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Run => true,
            Scope::Host(host) => self.step.path.as_str().starts_with(&format!("{host}/")),
            Scope::Step(path) => self.step.path == *path,
        }
    }

    /// It may have changed something that is not taken back yet.
    fn is_open(&self) -> bool {
        let acted = self.known.intent.is_some() && self.known.stage != Stage::Compensated;
        acted && self.step.class != UndoClass::Read
    }

    /// Nothing that it may have done is known of.
    fn never_began(&self) -> bool {
        !self.known.begun && !self.doubtful()
    }

    fn parts(&self) -> usize {
        let inverse = self.known.intent.as_ref().map_or(0, |intent| intent.inverse.len());
        if self.step.class == UndoClass::Reversible && !self.never_began() { inverse } else { 0 }
    }

    fn seq(&self) -> Seq {
        self.known.job.expect("it has an intent").1
    }

    /// The one unit that it stops; all of them ran before.
    fn key(&self) -> ResourceKey {
        let intent = self.known.intent.as_ref().expect("it has an intent");
        assert_eq!(intent.footprint.len(), 1);
        intent.footprint[0].key.clone()
    }

    /// What is recorded of the unit since.
    fn runs_now(&self) -> Option<bool> {
        let image = self.known.after.as_ref().and_then(open)?;
        Some(*image.get(&self.key())? == unit(true))
    }

    fn changed(&self) -> bool {
        match self.runs_now() {
            Some(runs) if !self.doubtful() => !runs,
            _ => self.known.touched || self.doubtful(),
        }
    }

    fn lost(&self) -> bool {
        self.doubtful() || self.known.touched && self.runs_now() != Some(true)
    }
}

/// Whether a gate is no gate on the way back: its `when` did not hold, or is known not to.
fn stays_away(bench: &Bench, fact: &Fact<'_>) -> bool {
    let Some(when) = &fact.step.when else { return false };
    let name = when.left.trim_start_matches("{{ ").trim_end_matches(" }}").to_owned();
    match fact.known.stage {
        Stage::Skipped => fact.known.skipped == Some(SkipWhy::When),
        Stage::Pending => bench.state().capture(fact.ix, &name).is_some_and(|left| (left == when.right) != when.equal),
        _ => false,
    }
}

/// The last gate of each kind in a lane, in order.
fn gates<'a>(bench: &Bench, lane: &[&'a Fact<'a>]) -> Vec<&'a Fact<'a>> {
    let gate = |fact: &Fact<'_>| if let Work::Gate { gate, .. } = &fact.step.work { Some(gate.clone()) } else { None };
    let all: Vec<&Fact<'_>> =
        lane.iter().copied().filter(|fact| gate(fact).is_some() && !stays_away(bench, fact)).collect();
    let last = |fact: &&Fact<'_>| all.iter().all(|other| other.ix <= fact.ix || gate(other) != gate(fact));
    all.iter().copied().filter(last).collect()
}

/// The hosts between their first intent and their closing gate, with the step that each stands at.
fn half_done(bench: &Bench, all: &[Fact<'_>]) -> Vec<HalfDone> {
    let mut found = Vec::new();
    for name in NAMES.iter().filter(|_| bench.state().closed.is_none()) {
        let lane: Vec<&Fact<'_>> = all.iter().filter(|fact| fact.is_in(&Scope::Host(host(name)))).collect();
        let closing = gates(bench, &lane).last().map_or(StepIx::MAX, |fact| fact.ix);
        let behind = [Stage::Succeeded, Stage::Skipped, Stage::Compensated];
        let open = lane.iter().find(|fact| fact.ix <= closing && !behind.contains(&fact.known.stage));
        if let (true, Some(open)) = (lane.iter().any(|fact| fact.is_open()), open) {
            found.push(HalfDone { host: host(name), at: open.step.path.clone() });
        }
    }
    found
}

fn facts(bench: &Bench) -> Vec<Fact<'_>> {
    bench.state().steps().map(|(ix, step, known)| Fact { ix, step, known }).collect()
}

/// Why the rollback is refused, if it is.
fn refusal(
    bench: &Bench,
    (all, mine): (&[Fact<'_>], &[&Fact<'_>]),
    scope: &Scope,
    preview: bool,
) -> Option<CompensateError> {
    if let Some(fact) = mine.iter().find(|fact| !preview && fact.doubtful()) {
        return Some(CompensateError::InDoubt(fact.step.path.clone()));
    }
    let point = |fact: &&&Fact<'_>| fact.step.class == UndoClass::PointOfNoReturn;
    if let Some(fact) = mine.iter().filter(point).find(|fact| fact.known.touched || fact.doubtful()) {
        return Some(CompensateError::PointOfNoReturn(fact.step.path.clone()));
    }
    let own = match scope {
        Scope::Run => None,
        Scope::Host(name) => Some(name.clone()),
        Scope::Step(path) => path.as_str().split('/').next().filter(|name| NAMES.contains(name)).map(host),
    };
    if let (Some(own), false) = (own, mine.is_empty()) {
        let others: Vec<HalfDone> = half_done(bench, all).into_iter().filter(|half| half.host != own).collect();
        let serial = bench.state().plan.serial;
        if others.len() as u32 >= serial {
            return Some(CompensateError::HostsAtWork { run: RUN, host: own, others, serial });
        }
    }
    for fact in mine.iter().filter(|fact| fact.parts() > 0 && fact.changed()) {
        let mut others = all.iter().filter(|other| !other.is_in(scope) && other.is_open());
        let later = others.find(|other| other.key() == fact.key() && other.seq() > fact.seq() && other.changed());
        if let Some(later) = later {
            let (key, step, later) = (fact.key(), fact.step.path.clone(), later.step.path.clone());
            return Some(CompensateError::WrittenSince { key, step, later });
        }
    }
    None
}

/// The anchors that count: in scope, and with an undo to stand behind.
fn anchors(fact: &Fact<'_>, lane: &[&Fact<'_>]) -> Vec<StepIx> {
    let counts = |path: &StepPath| lane.iter().find(|other| other.step.path == *path && other.parts() > 0);
    fact.step.undo_after.iter().filter_map(counts).map(|other| other.ix).collect()
}

/// Reverse, but whatever names anchors stands behind the last of them, with nothing between the two but what stands
/// there for the same reason; of two that stand behind the same one the later step comes first. No two orders are so.
fn is_in_order(order: &[StepIx], lane: &[&Fact<'_>]) {
    let place = |ix: StepIx| order.iter().position(|other| *other == ix).expect("each is undone");
    let last_anchor = |ix: StepIx| {
        let fact = lane.iter().find(|fact| fact.ix == ix).expect("it is one of the lane");
        anchors(fact, lane).into_iter().max_by_key(|anchor| place(*anchor))
    };
    let free: Vec<StepIx> = order.iter().copied().filter(|ix| last_anchor(*ix).is_none()).collect();
    assert!(free.is_sorted_by(|a, b| a > b), "what names no anchor is undone in reverse: {order:?}");
    for ix in order {
        let Some(anchor) = last_anchor(*ix) else { continue };
        assert!(place(anchor) < place(*ix), "{ix} before its anchor {anchor}: {order:?}");
        for between in &order[place(anchor) + 1..place(*ix)] {
            let mut up = *between;
            while let Some(next) = last_anchor(up).filter(|_| up != anchor) {
                if next == anchor {
                    assert!(up > *ix, "{up} and {ix} behind {anchor}: {order:?}");
                }
                up = next;
            }
            assert_eq!(up, anchor, "{between} stands between {anchor} and {ix}: {order:?}");
        }
    }
}

/// The steps that a way back takes back, each once, with all its parts side by side.
fn undone<'a>(way: &'a [Step], mine: &[&Fact<'_>]) -> Vec<&'a StepPath> {
    let mut found: Vec<&StepPath> = Vec::new();
    for part in way.chunk_by(|a, b| a.undoes.as_ref().map(|of| &of.step) == b.undoes.as_ref().map(|of| &of.step)) {
        let Some(of) = &part[0].undoes else { continue };
        assert!(!found.contains(&&of.step), "{} is taken back twice", of.step);
        let fact = mine.iter().find(|fact| fact.step.path == of.step).expect("it is in scope");
        assert_eq!(part.len(), fact.parts(), "{}", of.step);
        for (number, step) in part.iter().enumerate() {
            let of = step.undoes.as_ref().expect("all parts are undos");
            assert_eq!((of.run, of.last), (RUN, number + 1 == part.len()), "{}", step.path);
            assert!(step.path.as_str().starts_with(&format!("undo/{}", of.step)), "{}", step.path);
            assert_eq!(step.target, fact.known.intent.as_ref().expect("it has an intent").target);
        }
        found.push(&of.step);
    }
    found
}

/// In which order lanes come: the last one, hosts that stand half done, the other hosts, the first one; each in reverse.
fn lanes_back<'a>(plan: &'a Plan, half: &[HalfDone]) -> Vec<&'a Lane> {
    let stands = |lane: &Lane| half.iter().any(|half| lane.kind == LaneKind::Host(half.host.clone()));
    let hosts = || plan.lanes.iter().rev().filter(|lane| matches!(lane.kind, LaneKind::Host(_)));
    let of = |kind: LaneKind| plan.lanes.iter().find(move |lane| lane.kind == kind);
    let order = of(LaneKind::Last).into_iter().chain(hosts().filter(|lane| stands(lane)));
    order.chain(hosts().filter(|lane| !stands(lane))).chain(of(LaneKind::First)).collect()
}

fn is_the_way_back(
    bench: &Bench,
    (way, plan): (&Plan, &Plan),
    (all, mine): (&[Fact<'_>], &[&Fact<'_>]),
    scope: &Scope,
) {
    let half = half_done(bench, all);
    let mut lanes = way.lanes.iter();
    // The gates that closed each of the hosts before.
    let mut closings: Vec<Vec<Gate>> = Vec::new();
    for old in lanes_back(plan, &half) {
        let lane: Vec<&Fact<'_>> =
            mine.iter().copied().filter(|fact| (old.start..old.end).contains(&fact.ix)).collect();
        let undoes = lane.iter().any(|fact| fact.parts() > 0);
        let kind = match &old.kind {
            LaneKind::First => LaneKind::Last,
            LaneKind::Last => LaneKind::First,
            LaneKind::Host(_) if !undoes => continue,
            LaneKind::Host(host) => LaneKind::Host(host.clone()),
        };
        let new = lanes.next().expect("a lane for each that has something to undo");
        assert_eq!(new.kind, kind);
        let steps = &way.steps[new.start as usize..new.end as usize];
        let order: Vec<StepIx> = undone(steps, &lane)
            .into_iter()
            .map(|path| lane.iter().find(|fact| fact.step.path == *path).expect("it is of this lane").ix)
            .collect();
        assert_eq!(order.len(), lane.iter().filter(|fact| fact.parts() > 0).count(), "every one is covered");
        let with_undo: Vec<&Fact<'_>> = lane.iter().copied().filter(|fact| fact.parts() > 0).collect();
        is_in_order(&order, &with_undo);

        // The last gate of each kind stands at the end of a host that is taken back, in the order of the runbook; those
        // about the others stand before it too, unless every host before it has just been closed by the same.
        let (mut before, mut behind) = (Vec::new(), Vec::new());
        if let (LaneKind::Host(name), false) = (&old.kind, matches!(scope, Scope::Step(_))) {
            let whole: Vec<&Fact<'_>> = all.iter().filter(|fact| (old.start..old.end).contains(&fact.ix)).collect();
            let away: Vec<HostName> =
                half.iter().filter(|half| half.host == *name).map(|half| half.host.clone()).collect();
            let mut closing = Vec::new();
            for fact in gates(bench, &whole) {
                let Work::Gate { gate, .. } = &fact.step.work else { unreachable!("they are gates") };
                behind.push((format!("undo/{}", fact.step.path), gate.clone()));
                closing.push(gate.clone());
                let held = closings.len() >= plan.serial as usize && closings.iter().all(|all| all.contains(gate));
                if let (Gate::GlusterHealed { vantage_points, .. }, false) = (gate, held) {
                    let mut gate = Gate::gluster_healed(*vantage_points);
                    if let Gate::GlusterHealed { without, .. } = &mut gate {
                        without.clone_from(&away);
                    }
                    before.push((format!("undo/{}/before", fact.step.path), gate));
                }
            }
            closings.push(closing);
        }
        let shown = |steps: &[Step]| -> Vec<(String, Gate)> {
            let of = |step: &Step| match &step.work {
                Work::Gate { gate, .. } => (step.path.to_string(), gate.clone()),
                Work::Act(_) => unreachable!("{} is no gate", step.path),
            };
            steps.iter().map(of).collect()
        };
        assert_eq!(shown(&steps[..before.len()]), before);
        assert_eq!(shown(&steps[steps.len() - behind.len()..]), behind);
        let between = &steps[before.len()..steps.len() - behind.len()];
        assert!(between.iter().all(|step| step.undoes.is_some()), "gates stand at the ends");
    }
    assert_eq!(lanes.next(), None, "no lane but these");
    assert_eq!((way.serial, way.max_fail), (plan.serial, 0));
}

fn scopes(plan: &Plan) -> Vec<Scope> {
    let mut all = vec![Scope::Run, Scope::Host(host("nowhere")), Scope::Step(path("a/nothing"))];
    all.extend(NAMES.map(|name| Scope::Host(host(name))));
    all.extend(plan.steps.iter().map(|step| Scope::Step(step.path.clone())));
    all
}

fn planned(bench: &Bench, scope: &Scope, preview: bool) -> Result<Compensation, CompensateError> {
    compensate(&bench.history, (RUN, scope), Rules::NOW, preview, &open)
}

/// Whatever a scope of the run is asked for, the two versions agree.
fn agrees(bench: &Bench, again: &Bench, plan: &Plan, scope: &Scope) {
    let all = facts(bench);
    let unknown = match scope {
        Scope::Host(name) if !NAMES.contains(&name.as_str()) => Some(CompensateError::NoHost(name.clone())),
        Scope::Step(path) if all.iter().all(|fact| fact.step.path != *path) => {
            Some(CompensateError::NoStep(path.clone()))
        }
        _ => None,
    };
    let mine: Vec<&Fact<'_>> = all.iter().filter(|fact| fact.is_in(scope) && fact.is_open()).collect();
    for fact in &all {
        assert_eq!(covers(bench.state(), scope, fact.ix), fact.is_in(scope), "{scope:?} {}", fact.step.path);
    }
    let paths = |some: Vec<&&Fact<'_>>| some.iter().map(|fact| fact.step.path.clone()).collect::<Vec<_>>();
    if unknown.is_none() {
        let doubtful = paths(mine.iter().filter(|fact| fact.doubtful()).collect());
        assert_eq!(in_doubt(bench.state(), scope), Ok(doubtful));
        assert_eq!(dealt_with(bench.state(), scope), paths(mine.iter().collect()));
    }
    let digest = |way: &Compensation| way.plan.encode().expect("it encodes").1;
    for preview in [false, true] {
        let found = planned(bench, scope, preview);
        let refused = unknown.clone().or_else(|| refusal(bench, (&all, &mine), scope, preview));
        assert_eq!(found.as_ref().err(), refused.as_ref(), "{scope:?}, preview {preview}");
        let Ok(way) = found else { continue };
        is_the_way_back(bench, (&way.plan, plan), (&all, &mine), scope);
        // Also what another rollback took back before: what was lost then is lost.
        let spoken_for = || all.iter().filter(|fact| fact.is_in(scope) && fact.step.class != UndoClass::Read);
        let earlier = spoken_for().flat_map(|fact| fact.known.lost.iter().cloned());
        let unknown = spoken_for().filter(|fact| fact.step.class == UndoClass::UnknownEffect);
        let unknown = unknown.filter(|fact| fact.known.intent.is_some() && (fact.known.touched || fact.doubtful()));
        let unknown =
            unknown.map(|fact| Residue { key: ResourceKey::step(&fact.step.path), loss: Loss::UnknownEffect });
        let lost = spoken_for().filter(|fact| fact.known.intent.is_some() && fact.lost());
        let losses = lost.flat_map(|fact| fact.known.intent.iter().flat_map(|intent| intent.losses.clone()));
        let losses: BTreeSet<Residue> = losses.chain(earlier).chain(unknown).collect();
        assert_eq!(way.residues, losses.into_iter().collect::<Vec<_>>());
        let passed = mine.iter().filter(|fact| fact.step.class == UndoClass::NoUndo && fact.known.touched);
        assert_eq!(way.passed, paths(passed.collect()));
        // The same history gives the same plan, read a second time or in another process; a preview is that plan.
        let other = planned(again, scope, preview).expect("the same history");
        assert_eq!(digest(&way), digest(&other));
        if !mine.iter().any(|fact| fact.doubtful()) {
            assert_eq!(digest(&way), digest(&planned(bench, scope, !preview).expect("nothing is in doubt")));
        }
        assert!(Plan::decode(&way.plan.encode().expect("it encodes").0).is_ok());
    }
    let held: BTreeMap<ResourceKey, _> = originals(&bench.history, RUN, scope, &open);
    for key in ["u0", "u1", "u2"].iter().flat_map(|name| {
        let hosts = NAMES.iter().copied().chain(["control-plane"]);
        hosts.map(|on| ResourceKey::unit(&host(on), name)).collect::<Vec<_>>()
    }) {
        let owns = |fact: &&Fact<'_>| fact.known.intent.is_some() && fact.key() == key;
        let counts = |fact: &&Fact<'_>| {
            let owns = !matches!(fact.step.class, UndoClass::Read | UndoClass::NoUndo) && !fact.never_began();
            fact.is_in(scope) && owns
        };
        let first = all.iter().filter(owns).find(counts);
        let written = first.is_some_and(|first| {
            let mut others = all.iter().filter(owns).filter(|other| !other.is_in(scope) && other.is_open());
            others.any(|other| other.seq() > first.seq() && other.changed())
        });
        assert_eq!(held.contains_key(&key), first.is_some() && !written, "{scope:?} {key}");
        assert!(held.get(&key).is_none_or(|(state, _)| *state == unit(true)));
    }
}

/// Carries a way back out: each of its steps done, found done, or passed over. What counts as taken back afterwards?
fn carried_out(mut bench: Bench, way: &Compensation, scope: &Scope, dice: &mut Dice<'_>) {
    let before: BTreeMap<StepPath, Stage> =
        bench.state().steps().map(|(_, step, known)| (step.path.clone(), known.stage)).collect();
    let covered = dealt_with(bench.state(), scope);
    bench.begin(BACK, &way.plan);
    let mut left: BTreeSet<StepPath> = BTreeSet::new();
    loop {
        let Some(next) = bench.run(BACK).ready().next() else { break };
        let (step, _) = bench.run(BACK).step(next.step()).expect("it is in the plan");
        let (name, of) = (step.path.to_string(), step.undoes.as_ref().map(|of| of.step.clone()));
        match (of, dice.below(6)) {
            (None, _) => bench.pass_in(BACK, &name),
            (Some(_), 4) => bench.skip_in(BACK, &name, SkipWhy::AlreadyThere),
            (Some(of), 5) => {
                left.insert(of);
                bench.skip_in(BACK, &name, SkipWhy::Operator);
            }
            (Some(_), _) => bench.does(BACK, &name),
        }
    }
    bench.close(BACK);
    // As announced, and what was passed over then.
    let passed_over = left.iter().map(|path| {
        let fact = facts(&bench).into_iter().find(|fact| fact.step.path == *path).expect("it is in the plan");
        Residue { key: fact.key(), loss: Loss::NotUndone }
    });
    let want: BTreeSet<Residue> = way.residues.iter().cloned().chain(passed_over).collect();
    assert_eq!(residues_of(&bench.history, BACK, &open), want.into_iter().collect::<Vec<_>>());
    for (path, was) in before {
        let taken = covered.contains(&path) && !left.contains(&path);
        let want = if taken { Stage::Compensated } else { was };
        assert_eq!(bench.stage(path.as_str()), want, "{path}");
    }
    assert_eq!(dealt_with(bench.state(), scope).into_iter().collect::<BTreeSet<_>>(), left);
    if let Scope::Host(name) = scope {
        let works = |fact: &Fact<'_>| fact.is_in(&Scope::Host(name.clone()));
        let ready: Vec<HostName> = bench
            .state()
            .ready()
            .filter_map(|next| {
                facts(&bench)
                    .iter()
                    .find(|fact| fact.ix == next.step() && works(fact))
                    .and_then(|fact| fact.step.target.host.clone())
            })
            .collect();
        assert_eq!(ready, [], "nothing goes on there");
    }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn the_naive_version_plans_the_same_way_back(tape in tape()) {
        let mut dice = Dice(&tape);
        let plan = a_plan(&mut dice);
        let (mut bench, mut again) = (Bench::open(&plan), Bench::open(&plan));
        let entries = dice.below(60);
        for _ in 0..entries {
            let Some(next) = deed(&mut dice, &bench) else { break };
            if !matches!(next, Deed::Withdrawn(_)) {
                next.does(&mut bench);
                next.does(&mut again);
            }
        }
        let all = scopes(&plan);
        all.iter().for_each(|scope| agrees(&bench, &again, &plan, scope));
        let scope = dice.pick(&all);
        if let Ok(way) = planned(&bench, &scope, false) {
            carried_out(bench, &way, &scope, &mut dice);
        }
    }
}
