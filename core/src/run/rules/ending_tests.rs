//! Why a run pauses, and what it says of itself when it ends.

use super::{Originals, close, close_back, close_back_unseen, companion, passed_originally, pause};
use crate::action::{Action, Command, UndoClass};
use crate::id::{ResourceKey, RunId};
use crate::record::{Compensates, Difference, ImageRef, PauseWhy, RunEnd, Scope};
use crate::resource::{Active, Fields, Footprint, Image, Loss, Residue, State};
use crate::run::decide::Standing;
use crate::run::originals::originals;
use crate::run::plan::{Plan, Step, Work};
use crate::run::rules::version::Rules;
use crate::test_util::fixture::{BACK, Bench, RUN, hosts, path, plan, stop, unit};
use std::collections::BTreeMap;
use std::sync::Arc;

fn open(image: &ImageRef) -> Option<Image> {
    if let ImageRef::Here(image) = image { Some((**image).clone()) } else { None }
}

fn unit_of(host: &str, name: &str) -> ResourceKey {
    ResourceKey::unit(&crate::test_util::fixture::host(host), name)
}

/// A run of one host that is taken back as a whole, each undo done; `skip`: which undo is never begun.
fn taken_back(bench: &mut Bench, undos: &[&str]) -> (Compensates, Originals) {
    let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned");
    bench.begin(BACK, &way.plan);
    undos.iter().for_each(|name| bench.does(BACK, name));
    let back = bench.run(BACK).opened.compensates.clone().expect("a rollback");
    let held = originals(&bench.history, (back.run, Rules::NOW), &back.scope, &open);
    (back, held)
}

#[test]
fn a_run_that_has_nothing_more_to_do_ends_and_does_not_pause() {
    for standing in [Standing::Closed, Standing::Done, Standing::DoneWithFailures] {
        for asked in [false, true] {
            assert_eq!(pause(standing, asked, Some(PauseWhy::Blocked(path("a/one")))), None, "{standing:?}");
        }
    }
}

/// Doubt needs an answer whatever a person asked for; a person's wish says more than a failure that waits anyway.
#[test]
fn a_run_pauses_for_the_reason_that_an_operator_must_act_on_first() {
    let blocked = || Some(PauseWhy::Blocked(path("a/one")));
    let table = [
        (Standing::Asking, true, blocked(), PauseWhy::InDoubt),
        (Standing::Asking, false, None, PauseWhy::InDoubt),
        (Standing::Failed, true, blocked(), PauseWhy::Asked),
        (Standing::Failed, false, blocked(), PauseWhy::Failed),
        (Standing::Ready, true, blocked(), PauseWhy::Asked),
        (Standing::Ready, false, blocked(), PauseWhy::Blocked(path("a/one"))),
        (Standing::Paused, false, blocked(), PauseWhy::Blocked(path("a/one"))),
        (Standing::Paused, false, None, PauseWhy::Asked),
    ];
    for (standing, asked, keeps, want) in table {
        assert_eq!(pause(standing, asked, keeps.clone()), Some(want), "{standing:?} {asked} {keeps:?}");
    }
}

#[test]
fn a_run_is_done_only_if_no_host_failed() {
    let mut bench = Bench::open(&hosts(2, 1, 1));
    ["a/one", "a/two"].iter().for_each(|name| bench.succeed(name));
    bench.fail("b/one");
    assert_eq!(bench.standing(), Standing::DoneWithFailures);
    assert_eq!(close(bench.state(), &open).end, RunEnd::Failed, "a tolerated failure is one");
    bench.skip("b/one");
    bench.succeed("b/two");
    assert_eq!(close(bench.state(), &open).end, RunEnd::Done);
}

/// A run tells what is gone for good of the steps that acted; what was only announced is not lost.
#[test]
fn a_run_lists_what_its_steps_lost() {
    let loss = |host: &str| Residue { key: ResourceKey::pods(host), loss: Loss::EmptyDir };
    let mut bench = Bench::open(&hosts(1, 1, 0));
    for (name, host) in [("a/one", "a"), ("a/two", "b")] {
        let intent = crate::record::Intent { losses: vec![loss(host)], ..bench.intent_of(RUN, name) };
        bench.feed(RUN, crate::record::Event::Intent(Arc::new(intent)));
        if name == "a/one" {
            bench.end(RUN, name, crate::record::Ending::Succeeded);
        }
    }
    assert_eq!(close(bench.state(), &open).residues, [loss("a")]);
}

#[test]
fn a_rollback_names_each_resource_that_is_not_as_it_was() {
    let mut bench = Bench::open(&hosts(1, 1, 0));
    ["a/one", "a/two"].iter().for_each(|name| bench.succeed(name));
    let (back, held) = taken_back(&mut bench, &["undo/a/two", "undo/a/one"]);
    let mut now: Image = held.iter().map(|(key, (state, _))| (key.clone(), state.clone())).collect();
    let end = |now: Option<&Image>| close_back(&bench.history, bench.run(BACK), &back, &held, now, &open);
    let well = end(Some(&now));
    assert_eq!((well.end, well.residues, well.differences), (RunEnd::RolledBack, vec![], vec![]));

    now.insert(unit_of("a", "one"), unit(false));
    let other = end(Some(&now));
    let differs = |name: &str| Residue { key: unit_of("a", name), loss: Loss::Differs };
    let what = Difference { key: unit_of("a", "one"), was: unit(true), is: unit(false) };
    assert_eq!(
        (other.end, other.residues, other.differences),
        (RunEnd::PartlyRolledBack, vec![differs("one")], vec![what])
    );

    // What nobody could look at is not claimed to be as it was, and nothing is claimed of how it is.
    let unseen = end(None);
    assert_eq!(unseen.end, RunEnd::PartlyRolledBack);
    assert_eq!((unseen.residues, unseen.differences), (vec![differs("one"), differs("two")], vec![]));
}

/// Nothing makes a unit fail again: that it is stopped is told, and is no residue since rules 5.
#[test]
fn a_unit_that_had_failed_is_back_when_it_is_stopped() {
    let failed = State::Unit { active: Active::Failed, enabled: "enabled".to_owned() };
    for rules in Rules::all() {
        let mut bench = Bench::open(&Plan { rules: rules.version(), ..hosts(1, 1, 0) });
        ["a/one", "a/two"].iter().for_each(|name| bench.succeed(name));
        let mut way = bench.way_back(RUN, &Scope::Run).expect("it can be planned").plan;
        way.rules = rules.version();
        bench.begin(BACK, &way);
        ["undo/a/two", "undo/a/one"].iter().for_each(|name| bench.does(BACK, name));
        let back = bench.run(BACK).opened.compensates.clone().expect("a rollback");
        let mut held = originals(&bench.history, (back.run, Rules::NOW), &back.scope, &open);
        let mut now: Image = held.iter().map(|(key, (state, _))| (key.clone(), state.clone())).collect();
        if let Some((was, _)) = held.get_mut(&unit_of("a", "one")) {
            *was = failed.clone();
        }
        now.insert(unit_of("a", "one"), unit(false));
        let closed = close_back(&bench.history, bench.run(BACK), &back, &held, Some(&now), &open);
        let what = Difference { key: unit_of("a", "one"), was: failed.clone(), is: unit(false) };
        let complete = rules.version() >= 5;
        assert_eq!(closed.differences, [what], "{rules:?}");
        assert_eq!(closed.residues.is_empty(), complete, "{rules:?}");
        assert_eq!(closed.end == RunEnd::RolledBack, complete, "{rules:?}");
    }
}

#[test]
fn a_rollback_that_a_person_ends_is_never_called_complete() {
    let mut bench = Bench::open(&hosts(1, 1, 0));
    let (back, held) = taken_back(&mut bench, &[]);
    assert!(held.is_empty(), "nothing was changed, and nothing is held against it");
    let run = bench.run(BACK);
    assert_eq!(close_back(&bench.history, run, &back, &held, None, &open).end, RunEnd::RolledBack);
    assert_eq!(close_back_unseen(&bench.history, run, &back, &held, &open).end, RunEnd::PartlyRolledBack);
}

/// What stays changed because no step of the rollback takes it back: an operator reads it in the list.
#[test]
fn a_rollback_lists_what_steps_without_undo_changed_in_its_scope() {
    let without = |host: &str, name: &str| Step { class: UndoClass::NoUndo, ..stop(host, name) };
    let lanes = vec![
        ("before", vec![]),
        ("a", vec![without("a", "one"), stop("a", "two"), without("a", "shared"), without("a", "later")]),
        ("b", vec![without("b", "one")]),
        ("after", vec![]),
    ];
    let mut bench = Bench::open(&plan(1, 1, lanes));
    ["a/one", "a/two", "a/shared"].iter().for_each(|name| bench.succeed(name));
    // Begun, and it is not known to have touched anything.
    bench.intend(RUN, "a/later");
    bench.take_over();
    bench.probe("a/later", crate::record::Decision::Ask);
    let untouched = !bench.step(RUN, "a/later").1.touched;
    let listed = |bench: &Bench, scope: Scope, held: &Originals| {
        passed_originally(&bench.history, (&Compensates { run: RUN, scope }, Rules::NOW), held)
    };
    let on_a = || Scope::Host(crate::test_util::fixture::host("a"));
    let one_and_shared = [unit_of("a", "one"), unit_of("a", "shared")];
    assert!(!untouched, "a look that could not tell counts as touched");
    let with_later = [unit_of("a", "later"), one_and_shared[0].clone(), one_and_shared[1].clone()];
    assert_eq!(listed(&bench, on_a(), &BTreeMap::new()), with_later);
    // What a step with undo changed too is compared instead.
    let held = BTreeMap::from([(unit_of("a", "shared"), (unit(true), Fields::All))]);
    assert_eq!(listed(&bench, on_a(), &held), [unit_of("a", "later"), unit_of("a", "one")]);
    assert_eq!(listed(&bench, Scope::Host(crate::test_util::fixture::host("b")), &held), []);
    let gone = Compensates { run: RunId([7; 8]), scope: Scope::Run };
    assert_eq!(passed_originally(&bench.history, (&gone, Rules::NOW), &held), []);
}

#[test]
fn a_step_without_undo_that_has_not_acted_yet_is_not_listed() {
    let mut bench = Bench::open(&plan(
        1,
        0,
        vec![("before", vec![]), ("a", vec![Step { class: UndoClass::NoUndo, ..stop("a", "one") }]), ("after", vec![])],
    ));
    let back = Compensates { run: RUN, scope: Scope::Run };
    let listed = |bench: &Bench| passed_originally(&bench.history, (&back, Rules::NOW), &BTreeMap::new());
    bench.intend(RUN, "a/one");
    assert_eq!(listed(&bench), []);
    bench.end(RUN, "a/one", crate::record::Ending::Succeeded);
    assert_eq!(listed(&bench), [unit_of("a", "one")]);
}

/// A step of which nobody knows what it changed is a residue; the resources it only watched are not its work.
#[test]
fn what_a_step_of_unknown_effect_watched_is_not_listed_as_changed() {
    let bare = Action::Command(Command::of(vec!["x".to_owned()], Vec::new()));
    let step = Step { class: UndoClass::NoUndo, work: Work::Act(bare), ..stop("a", "one") };
    let mut bench = Bench::open(&plan(1, 0, vec![("before", vec![]), ("a", vec![step]), ("after", vec![])]));
    let mut intent = bench.intent_of(RUN, "a/one");
    intent.footprint.push(Footprint::new(unit_of("a", "watched"), Fields::Evidence));
    bench.feed(RUN, crate::record::Event::Intent(Arc::new(intent)));
    bench.end(RUN, "a/one", crate::record::Ending::Succeeded);
    let back = Compensates { run: RUN, scope: Scope::Run };
    let listed = |rules: Rules| passed_originally(&bench.history, (&back, rules), &BTreeMap::new());
    assert_eq!(listed(Rules::NOW), []);
    assert_eq!(listed(Rules::of(3).expect("known")), [unit_of("a", "watched")], "rollbacks of older rules list it");
}

/// Nothing is left to drive in a run that was taken back as a whole: it ends with its rollback, with its own steps.
#[test]
fn taking_back_a_whole_open_run_ends_it_too() {
    let mut bench = Bench::open(&hosts(1, 1, 0));
    ["a/one", "a/two"].iter().for_each(|name| bench.succeed(name));
    let (back, held) = taken_back(&mut bench, &["undo/a/two", "undo/a/one"]);
    let closed = close_back(&bench.history, bench.run(BACK), &back, &held, None, &open);
    let (run, with_it) = companion(&bench.history, BACK, &closed).expect("the run is open");
    assert_eq!((run, with_it.end), (RUN, closed.end));
    assert_eq!(with_it.steps, bench.state().counts(), "the steps are its own");
    assert_ne!(with_it.steps, closed.steps);
    bench.close(RUN);
    assert_eq!(companion(&bench.history, BACK, &closed), None, "what is over does not end again");
    assert_eq!(companion(&bench.history, RUN, &closed), None, "what is no rollback ends alone");
}

#[test]
fn taking_back_a_part_of_a_run_leaves_it_open() {
    for scope in [Scope::Host(crate::test_util::fixture::host("a")), Scope::Step(path("a/one"))] {
        let mut bench = Bench::open(&hosts(2, 1, 0));
        ["a/one", "a/two"].iter().for_each(|name| bench.succeed(name));
        let way = bench.way_back(RUN, &scope).expect("it can be planned");
        bench.begin(BACK, &way.plan);
        let closed = close(bench.run(BACK), &open);
        assert_eq!(companion(&bench.history, BACK, &closed), None, "{scope:?}");
        bench.close(RUN);
        assert_eq!(companion(&bench.history, BACK, &closed), None, "{scope:?}, and it is over");
    }
}
