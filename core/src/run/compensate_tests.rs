//! The way back: its order, what is in it, what is refused, and which steps count as taken back.

use crate::action::{Action, Command, FileRestore, Recovery, Undo, UndoClass};
use crate::id::{BodyId, ResourceKey, RunId};
use crate::record::{Answer, Ending, Event, ImageRef, Scope, SkipWhy};
use crate::resource::{Node, State};
use crate::run::compensate::CompensateError;
use crate::run::life::Stage;
use crate::run::originals::originals;
use crate::run::plan::{LaneKind, Plan, Step};
use crate::run::rules::version::Rules;
use crate::test_util::fixture::{BACK, Bench, RUN, gate, host, hosts, path, plan, stop};
use std::collections::BTreeMap;
use std::sync::Arc;

fn one_host(steps: Vec<Step>) -> Plan {
    plan(1, 0, vec![("before", vec![]), ("a", steps), ("after", vec![])])
}

fn after(step: Step, anchors: &[&str]) -> Step {
    Step { undo_after: anchors.iter().map(|name| path(&format!("a/{name}"))).collect(), ..step }
}

/// The labels of the steps that a way back takes back, in order.
fn order(plan: &Plan) -> Vec<String> {
    let undone = plan.steps.iter().filter_map(|step| step.undoes.as_ref());
    undone.map(|undoes| undoes.step.as_str().rsplit('/').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn undo_order_as_a_table() {
    let s = |name: &str| stop("a", name);
    let table: Vec<(Vec<Step>, &[&str], &str)> = vec![
        (vec![s("p"), s("q"), s("r")], &["r", "q", "p"], "reverse"),
        (vec![s("p"), after(s("q"), &["p"]), s("r")], &["r", "p", "q"], "directly behind the one it names"),
        (vec![s("p"), after(s("q"), &["p"]), after(s("r"), &["p"])], &["p", "r", "q"], "two behind one: later first"),
        (vec![s("p"), after(s("q"), &["p"]), after(s("r"), &["q"])], &["p", "q", "r"], "a chain"),
        (vec![s("p"), s("q"), after(s("r"), &["p", "q"])], &["q", "p", "r"], "behind the last of several"),
        (vec![s("p"), s("q"), after(s("r"), &["q"]), s("t")], &["t", "q", "r", "p"], "in the middle"),
    ];
    for (steps, want, what) in table {
        let names: Vec<String> = steps.iter().map(|step| step.path.to_string()).collect();
        let mut bench = Bench::open(&one_host(steps));
        names.iter().for_each(|name| bench.succeed(name));
        let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned");
        assert_eq!(order(&way.plan), want, "{what}");
    }
}

#[test]
fn an_anchor_without_undo_is_ignored() {
    let without: Vec<(&str, Step, bool)> = vec![
        ("never begun", stop("a", "p"), false),
        ("declared to have none", Step { class: UndoClass::NoUndo, ..stop("a", "p") }, true),
    ];
    for (what, anchor, begun) in without {
        let mut bench = Bench::open(&one_host(vec![anchor, stop("a", "q"), after(stop("a", "r"), &["p"])]));
        if begun {
            bench.succeed("a/p");
        } else {
            bench.skip("a/p");
        }
        bench.succeed("a/q");
        bench.succeed("a/r");
        let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned");
        assert_eq!(order(&way.plan), ["r", "q"], "{what}");
    }
}

#[test]
fn hosts_come_back_in_reverse_with_their_gates_and_lanes_turn_round() {
    let lanes = vec![
        ("before", vec![stop("before", "x")]),
        ("a", vec![stop("a", "one"), gate("a", "healed")]),
        ("b", vec![stop("b", "one"), gate("b", "healed")]),
        ("after", vec![stop("after", "y")]),
    ];
    let mut bench = Bench::open(&plan(1, 1, lanes));
    bench.succeed("before/x");
    bench.succeed("a/one");
    bench.pass("a/healed");
    bench.succeed("b/one");
    let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned").plan;
    let kinds: Vec<String> = way.lanes.iter().map(|lane| format!("{:?}", lane.kind)).collect();
    assert_eq!(kinds, ["First", "Host(\"b\")", "Host(\"a\")", "Last"]);
    let paths: Vec<&str> = way.steps.iter().map(|step| step.path.as_str()).collect();
    let want = ["undo/b/healed/before", "undo/b/one", "undo/b/healed", "undo/a/one", "undo/a/healed", "undo/before/x"];
    assert_eq!(paths, want);
    assert_eq!((way.serial, way.max_fail), (1, 0));
    bench.pass("b/healed");
    let alone = bench.way_back(RUN, &Scope::Host(host("a"))).expect("it can be planned").plan;
    assert_eq!(alone.hosts().count(), 1);
    assert!(alone.lanes.iter().all(|lane| lane.kind != LaneKind::Host(host("b"))));
}

#[test]
fn what_is_covered_follows_from_what_became_of_a_step() {
    let steps = || vec![stop("a", "one"), stop("a", "two")];
    let covered = |bench: &Bench| bench.way_back(RUN, &Scope::Run).map(|way| order(&way.plan));
    let mut bench = Bench::open(&one_host(steps()));
    assert_eq!(covered(&bench), Ok(vec![]));
    bench.intend(RUN, "a/one");
    assert_eq!(covered(&bench), Err(CompensateError::InDoubt(path("a/one"))));
    bench.end(RUN, "a/one", Ending::Failed);
    assert_eq!(covered(&bench), Ok(vec!["one".to_owned()]), "a failed one may have changed something");
    bench.skip("a/one");
    assert_eq!(covered(&bench), Ok(vec!["one".to_owned()]), "also when it was passed over then");
    bench.skip("a/two");
    assert_eq!(covered(&bench), Ok(vec!["one".to_owned()]), "but not one that never had an intent");
}

#[test]
fn a_point_of_no_return_is_not_crossed() {
    let point = Step { class: UndoClass::PointOfNoReturn, ..stop("a", "one") };
    let mut bench = Bench::open(&one_host(vec![point]));
    bench.succeed("a/one");
    let refused = bench.way_back(RUN, &Scope::Run).map(drop);
    assert_eq!(refused, Err(CompensateError::PointOfNoReturn(path("a/one"))));
}

/// `undo: no-undo` in a runbook: passed and listed, not carried out, and nothing it owns is compared.
#[test]
fn a_step_declared_to_have_no_undo_is_passed() {
    let mut bench =
        Bench::open(&one_host(vec![Step { class: UndoClass::NoUndo, ..stop("a", "one") }, stop("a", "two")]));
    bench.succeed("a/one");
    bench.succeed("a/two");
    let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned");
    assert_eq!((order(&way.plan), way.passed), (vec!["two".to_owned()], vec![path("a/one")]));
    let held: Vec<String> = originals(&bench.history, (RUN, Rules::NOW), &Scope::Run, &|image| match image {
        ImageRef::Here(image) => Some((**image).clone()),
        ImageRef::Sealed { .. } => None,
    })
    .into_keys()
    .map(|key| key.to_string())
    .collect();
    assert_eq!(held, ["a/unit/two"]);
}

/// Two runs, one after the other, on the same unit.
#[test]
fn what_a_later_run_wrote_is_not_changed_back() {
    let mut bench = Bench::open(&hosts(1, 1, 0));
    bench.succeed("a/one");
    bench.succeed("a/two");
    bench.close(RUN);
    let later = RunId([9; 8]);
    bench.begin(later, &one_host(vec![stop("a", "two")]));
    bench.does(later, "a/two");
    let refused = bench.way_back(RUN, &Scope::Run).map(drop);
    let (by, step, later_step) = (later, path("a/two"), path("a/two"));
    let key = ResourceKey::unit(&host("a"), "two");
    assert_eq!(refused, Err(CompensateError::WrittenByRun { key, step, by, later: later_step }));
    // What that run did not write can be taken back, and so can everything once the later run is.
    assert!(bench.way_back(RUN, &Scope::Step(path("a/one"))).is_ok());
    let way = bench.way_back(later, &Scope::Run).expect("the later run is in nobody's way").plan;
    bench.begin(BACK, &way);
    bench.does(BACK, "undo/a/two");
    bench.close(BACK);
    assert!(bench.way_back(RUN, &Scope::Run).is_ok());
}

#[test]
fn a_later_step_in_doubt_counts_as_a_writer() {
    let twice = vec![stop("a", "one"), Step { path: path("a/again"), ..stop("a", "one") }];
    let mut bench = Bench::open(&one_host(twice));
    bench.succeed("a/one");
    bench.intend(RUN, "a/again");
    let refused = bench.way_back(RUN, &Scope::Step(path("a/one"))).map(drop);
    assert!(matches!(refused, Err(CompensateError::WrittenSince { .. })), "{refused:?}");
}

#[test]
fn a_command_is_repeated_on_the_way_back_only_if_the_runbook_says_so() {
    for recovery in [Recovery::Ask, Recovery::Repeat] {
        let mut bench = Bench::open(&one_host(vec![Step { recovery, ..stop("a", "one") }]));
        let command = |word: &str| Command::of(vec![word.to_owned()], Vec::new());
        bench.intend_with("a/one", vec![Undo::new(Action::Command(command("/bin/undo")))]);
        bench.end(RUN, "a/one", Ending::Succeeded);
        let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned").plan;
        assert_eq!(way.steps[0].recovery, recovery);
    }
}

#[test]
fn no_undo_is_lost_to_a_long_path() {
    let long = format!("a/{}", "x".repeat(509));
    let file = |name: &str| {
        let state = State::file(0o644, "root:root", 1, BodyId([1; 32]));
        Undo::new(Action::FileRestore(FileRestore { path: format!("/etc/{name}"), state }))
    };
    let mut bench = Bench::open(&one_host(vec![Step { path: path(&long), ..stop("a", "one") }, gate("a", "healed")]));
    bench.intend_with(&long, vec![file("p"), file("q")]);
    bench.end(RUN, &long, Ending::Succeeded);
    let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned").plan;
    assert_eq!(order(&way).len(), 2);
    assert_eq!(way.steps.len(), 4, "and the gate, before and behind them");
    assert!(Plan::decode(&way.encode().expect("it encodes").0).is_ok());
}

/// A way back whose steps an operator passed over did not take those back, and says so by leaving them.
#[test]
fn what_was_passed_over_on_the_way_back_can_be_taken_back_another_time() {
    let mut bench = Bench::open(&hosts(1, 1, 0));
    bench.succeed("a/one");
    bench.intend_with("a/two", {
        let inverse = bench.intent_of(RUN, "a/two").inverse;
        [inverse.clone(), inverse].concat()
    });
    bench.end(RUN, "a/two", Ending::Succeeded);
    let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned").plan;
    bench.begin(BACK, &way);
    let paths: Vec<String> = way.steps.iter().map(|step| step.path.to_string()).collect();
    // A part of the undo of `two`, then the rest of it; `one` is passed over as a whole.
    bench.skip_in(BACK, &paths[0], SkipWhy::Operator);
    bench.does(BACK, &paths[1]);
    assert_eq!(bench.stage("a/two"), Stage::Succeeded, "only a part of it was taken back");
    bench.skip_in(BACK, &paths[2], SkipWhy::Operator);
    bench.close(BACK);
    assert_eq!((bench.stage("a/one"), bench.stage("a/two")), (Stage::Succeeded, Stage::Succeeded));
    let again = bench.way_back(RUN, &Scope::Run).expect("it can be planned").plan;
    assert_eq!(order(&again), ["two", "two", "one"]);
}

#[test]
fn what_was_found_as_it_was_counts_as_taken_back() {
    let mut bench = Bench::open(&hosts(1, 1, 0));
    bench.succeed("a/one");
    let way = bench.way_back(RUN, &Scope::Step(path("a/one"))).expect("it can be planned").plan;
    bench.begin(BACK, &way);
    bench.skip_in(BACK, "undo/a/one", SkipWhy::AlreadyThere);
    assert_eq!(bench.stage("a/one"), Stage::Compensated);
}

/// The node came back under another UID, say: the first attempt's before-image names an object that is gone.
#[test]
fn a_step_retried_after_it_was_taken_back_looks_anew() {
    let mut bench = Bench::open(&hosts(1, 1, 0));
    bench.succeed("a/one");
    let way = bench.way_back(RUN, &Scope::Step(path("a/one"))).expect("it can be planned").plan;
    bench.begin(BACK, &way);
    bench.does(BACK, "undo/a/one");
    bench.close(BACK);
    bench.answer("a/one", Answer::Retry);
    let known = bench.step(RUN, "a/one").1;
    assert!(known.intent.is_none() && !known.touched && known.compensated_by.is_none(), "{known:?}");
    assert_eq!(bench.way_back(RUN, &Scope::Run).map(|way| way.plan.steps.len()), Ok(0), "nothing is left to take back");
    bench.take_over();
    bench.succeed("a/one");
    assert_eq!(bench.step(RUN, "a/one").1.attempt, 2);
    assert_eq!(bench.way_back(RUN, &Scope::Run).map(|way| way.plan.steps.len()), Ok(1));
}

#[test]
fn a_run_is_opened_once() {
    let mut bench = Bench::open(&hosts(1, 1, 0));
    bench.succeed("a/one");
    let opened = Event::RunOpened(Box::new((*bench.state().opened).clone()));
    assert!(bench.try_feed(RUN, opened).is_err());
    assert_eq!(bench.stage("a/one"), Stage::Succeeded);
}

/// Whether a Node was ever seen decides what an undo may adopt, also when the image that showed it is sealed.
#[test]
fn uids_in_sealed_images_are_known() {
    let node = Node {
        uid: "u-1".to_owned(),
        unschedulable: false,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        taints: std::collections::BTreeSet::new(),
        ready: true,
        runtime: String::new(),
        kubelet: String::new(),
    };
    let mut bench = Bench::open(&hosts(1, 1, 0));
    let image = BTreeMap::from([(ResourceKey::node("a"), State::Node(Box::new(node)))]);
    let before = ImageRef::sealed(image, BodyId([3; 32]));
    let bytes = crate::canon::encode(&before).expect("it encodes");
    assert_eq!(crate::canon::decode::<ImageRef>(&bytes).expect("it decodes"), before);
    let intent = crate::record::Intent { before, ..bench.intent_of(RUN, "a/one") };
    bench.feed(RUN, Event::Intent(Arc::new(intent)));
    assert!(bench.history.saw_uid(RUN, "u-1"));
}

/// A drained cluster loses more pods than an entry holds; its run must still come to an end.
#[test]
fn a_run_with_many_residues_can_be_closed() {
    use crate::record::{RunClosed, RunEnd};
    use crate::resource::{Loss, Residue};
    let residue =
        |number: usize| Residue { key: ResourceKey::pod("demo", &format!("app-{number}")), loss: Loss::Moved };
    for (count, apart) in [(10, false), (5000, true)] {
        let whole = RunClosed {
            end: RunEnd::Done,
            steps: BTreeMap::new(),
            residues: (0..count).map(residue).collect(),
            differences: Vec::new(),
            passed: Vec::new(),
            lists: None,
            by: None,
            reason: None,
        };
        let mut slim = whole.clone();
        let bytes = slim.take_lists().expect("it encodes");
        assert_eq!(bytes.is_some(), apart);
        slim.lists = bytes.as_deref().map(crate::record::blob_id);
        assert!(crate::canon::encode(&slim).expect("it encodes").len() < crate::record::ENTRY_LIMIT / 2 + 1);
        let mut bench = Bench::open(&hosts(1, 1, 0));
        bench.blobs.extend(bytes);
        bench.feed(RUN, Event::RunClosed(Box::new(slim)));
        let closed = bench.state().closed.clone().expect("it is closed");
        assert_eq!(closed.residues, whole.residues);
    }
}

/// What a later step found in a file was an earlier step's doing, once the earlier one's undo has put the file back.
#[test]
fn a_file_is_put_back_as_the_first_step_found_it() {
    let file = |size: u64| {
        let state = State::file(0o644, "root:root", size, BodyId([1; 32]));
        Undo::new(Action::FileRestore(FileRestore { path: "/etc/x".to_owned(), state }))
    };
    let table: [(&[&str], &[&str]); 2] = [(&[], &["two", "one"]), (&["one"], &["one"])];
    for (anchors, want) in table {
        let mut bench = Bench::open(&one_host(vec![stop("a", "one"), after(stop("a", "two"), anchors)]));
        for (number, name) in (1..).zip(["a/one", "a/two"]) {
            bench.intend_with(name, vec![file(number)]);
            bench.end(RUN, name, Ending::Succeeded);
        }
        let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned").plan;
        assert_eq!(order(&way), want, "{anchors:?}");
    }
}

/// A gate on the way back waits for nothing but its condition.
#[test]
fn a_gate_comes_back_under_its_own_path_without_conditions() {
    use crate::run::plan::When;
    let when = Some(When { left: "x".to_owned(), equal: true, right: "x".to_owned() });
    let old = Step { when, touches: vec![path("a/one")], ..after(gate("a", "healed"), &["one"]) };
    let mut bench = Bench::open(&one_host(vec![stop("a", "one"), old.clone()]));
    bench.succeed("a/one");
    let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned").plan;
    let bare = Step { path: path("undo/a/healed"), when: None, undo_after: Vec::new(), touches: Vec::new(), ..old };
    assert_eq!(way.steps.last(), Some(&bare));
}

/// Taking something back may cost something itself: whatever runs on the node by then.
#[test]
fn a_drain_on_the_way_back_is_announced() {
    use crate::action::{Bare, Drain, Emptydir, Target};
    use crate::resource::{Loss, Residue};
    let drain = Drain {
        emptydir: Emptydir::Delete,
        bare: Bare::Delete,
        timeout: crate::span::Span::seconds(1),
        terminating: None,
        grace: None,
        retry_denied: None,
    };
    let mut bench = Bench::open(&hosts(1, 1, 0));
    let intent = crate::record::Intent {
        inverse: vec![Undo::new(Action::Drain(drain))],
        target: Target { host: Some(host("a")), node: Some("node-a".to_owned()) },
        ..bench.intent_of(RUN, "a/one")
    };
    bench.feed(RUN, Event::Intent(intent.into()));
    bench.end(RUN, "a/one", Ending::Succeeded);
    let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned");
    assert_eq!(way.residues, [Residue { key: ResourceKey::pods("node-a"), loss: Loss::EvictedAgain }]);
}

/// A rollback's rollback goes forward again: what it wrote is in the way of the first run's rollback.
#[test]
fn a_rollback_taken_back_counts_as_a_writer() {
    let mut bench = Bench::open(&hosts(1, 1, 0));
    bench.succeed("a/one");
    let way = bench.way_back(RUN, &Scope::Step(path("a/one"))).expect("it can be planned").plan;
    bench.begin(BACK, &way);
    bench.does(BACK, "undo/a/one");
    bench.close(BACK);
    let forth = bench.way_back(BACK, &Scope::Run).expect("a rollback can be taken back").plan;
    let again = RunId([3; 8]);
    bench.begin(again, &forth);
    let name = forth.steps[0].path.to_string();
    bench.answer("a/one", Answer::Retry);
    bench.take_over();
    bench.succeed("a/one");
    assert!(bench.way_back(RUN, &Scope::Run).is_ok(), "the rollback itself is no writer");
    bench.does(again, &name);
    let refused = bench.way_back(RUN, &Scope::Run).map(drop);
    assert!(matches!(&refused, Err(CompensateError::WrittenByRun { by, .. }) if *by == again), "{refused:?}");
}

/// The API may no longer know the node of a host that stands half done: the name that was recorded goes with its gate.
#[test]
fn the_gate_before_a_host_asks_for_the_node_that_was_recorded_and_waits_for_nothing_else() {
    use crate::action::Target;
    use crate::run::plan::When;
    let when = Some(When { left: "x".to_owned(), equal: true, right: "x".to_owned() });
    let healed = Step { when, touches: vec![path("a/one")], ..after(gate("a", "healed"), &["one"]) };
    let mut bench = Bench::open(&one_host(vec![stop("a", "one"), healed.clone()]));
    let target = Target { host: Some(host("a")), node: Some("node-a".to_owned()) };
    let intent = crate::record::Intent { target: target.clone(), ..bench.intent_of(RUN, "a/one") };
    bench.feed(RUN, Event::Intent(intent.into()));
    bench.end(RUN, "a/one", Ending::Succeeded);
    let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned").plan;
    let before = &way.steps[0];
    assert_eq!((before.path.as_str(), &before.target), ("undo/a/healed/before", &target));
    assert_eq!((&before.when, before.undo_after.len(), before.touches.len()), (&None, 0, 0));
    assert_eq!(way.steps.last().map(|step| &step.target), Some(&healed.target), "the one at its end looks it up");
}

/// A rollback of a rollback says so, too, if nobody knows what an undo changed.
#[test]
fn an_undo_by_a_bare_command_is_of_unknown_effect() {
    use crate::run::rules::version::Rules;
    let bare = Action::Command(Command::of(vec!["x".to_owned()], Vec::new()));
    let mut bench = Bench::open(&hosts(1, 1, 0));
    bench.intend_with("a/one", vec![Undo::new(bare)]);
    bench.end(RUN, "a/one", Ending::Succeeded);
    bench.succeed("a/two");
    let classes = |rules: u32| -> Vec<UndoClass> {
        let rules = Rules::of(rules).expect("known");
        let way = crate::run::compensate::compensate(&bench.history, (RUN, &Scope::Run), rules, false, &|_| None);
        way.expect("it can be planned").plan.steps.iter().map(|step| step.class).collect()
    };
    assert_eq!(classes(4), [UndoClass::Reversible, UndoClass::UnknownEffect]);
    assert_eq!(classes(3), [UndoClass::Reversible, UndoClass::NoUndo], "older rules had no word for it");
}

/// Rollbacks of older rules list what their own steps lost, and nothing of another one's, at their end as when planned.
#[test]
fn a_rollback_of_older_rules_lists_what_the_steps_it_took_back_lost() {
    use crate::resource::{Loss, Residue};
    use crate::run::rules::version::Rules;
    let open = |image: &ImageRef| if let ImageRef::Here(image) = image { Some((**image).clone()) } else { None };
    let old = |plan: Plan| Plan { rules: 3, ..plan };
    let loss = |of: &str| Residue { key: ResourceKey::pods(of), loss: Loss::EmptyDir };
    let reads = Step { class: UndoClass::Read, ..stop("a", "reads") };
    let lanes = vec![
        ("before", vec![]),
        ("a", vec![stop("a", "one"), stop("a", "two"), reads]),
        ("b", vec![stop("b", "one")]),
        ("after", vec![]),
    ];
    let mut bench = Bench::open(&old(plan(1, 0, lanes)));
    for name in ["a/one", "a/two", "a/reads", "b/one"] {
        let intent = crate::record::Intent { losses: vec![loss(name)], ..bench.intent_of(RUN, name) };
        bench.feed(RUN, Event::Intent(intent.into()));
        bench.end(RUN, name, Ending::Succeeded);
    }
    let rules = Rules::of(3).expect("known");
    let mut earlier = |run: RunId, scope: &Scope, undos: &[&str]| {
        let way = crate::run::compensate::compensate(&bench.history, (RUN, scope), rules, false, &open);
        let way = way.expect("it can be planned");
        bench.begin(run, &way.plan);
        undos.iter().for_each(|name| bench.does(run, name));
        bench.close(run);
        (way.residues, crate::run::compensate::residues_of(&bench.history, run, &open))
    };
    let one = vec![loss("a/one")];
    assert_eq!(earlier(BACK, &Scope::Step(path("a/one")), &["undo/a/one"]), (one.clone(), one));
    let two = vec![loss("a/two")];
    assert_eq!(earlier(RunId([3; 8]), &Scope::Host(host("a")), &["undo/a/two"]), (two.clone(), two));
}
