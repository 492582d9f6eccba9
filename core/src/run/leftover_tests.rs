//! What is left when a rollback ends, and that it is said.

use crate::action::{Action, Command, KubeExec, Playbook, Undo, UndoClass};
use crate::id::{ResourceKey, RunId};
use crate::record::{Answer, Ending, Event, ImageRef, Intent, Outcome, RunEnd, Scope, SkipWhy, Why};
use crate::resource::{Fields, Footprint, Image, Loss, Residue};
use crate::run::compensate::{compensate, residues_of};
use crate::run::effect::effect_unknown;
use crate::run::history::History;
use crate::run::leftover::left_unknown;
use crate::run::life::Stage;
use crate::run::plan::{Plan, Step, Work};
use crate::run::rules::ending::close_back;
use crate::run::rules::version::Rules;
use crate::test_util::fixture::{BACK, Bench, RUN, hosts, path, plan, stop};
use std::collections::BTreeMap;
use std::sync::Arc;

fn open(image: &ImageRef) -> Option<Image> {
    if let ImageRef::Here(image) = image { Some((**image).clone()) } else { None }
}

fn bare(word: &str) -> Action {
    Action::Command(Command::of(vec![word.to_owned()], Vec::new()))
}

fn step_of(name: &str, action: Action) -> Step {
    Step { class: action.class(), recovery: action.recovery(), work: Work::Act(action), ..stop("a", name) }
}

fn one_host(steps: Vec<Step>) -> Plan {
    plan(1, 0, vec![("before", vec![]), ("a", steps), ("after", vec![])])
}

fn ended(bench: &mut Bench, run: RunId, name: &str, ending: Ending, why: Option<Why>) {
    let outcome = Outcome {
        attempt: bench.step(run, name).1.attempt,
        step: path(name),
        ending,
        why,
        code: None,
        message: None,
        output: None,
        after: ImageRef::here(Image::new()),
        captures: BTreeMap::new(),
        losses: Vec::new(),
    };
    bench.feed(run, Event::Outcome(Box::new(outcome)));
}

fn words(all: &[Residue]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

/// How the rollback would end now, its resources being as they were.
fn end(history: &History, run: RunId) -> (RunEnd, Vec<String>) {
    let state = &history.runs[&run];
    let back = state.opened.compensates.clone().expect("a rollback");
    let originals = crate::run::originals::originals(history, (back.run, state.rules), &back.scope, &open);
    let now = originals.iter().map(|(key, (state, _))| (key.clone(), state.clone())).collect();
    let closed = close_back(history, state, &back, &originals, Some(&now), &open);
    (closed.end, words(&closed.residues))
}

#[test]
fn actions_whose_effect_nobody_knows() {
    let exec = |reads: bool| Action::KubeExec(KubeExec { reads, ..kube_exec() });
    let with = |action: Action, class: UndoClass, reason: Option<&str>| {
        effect_unknown(&Step { class, undo_reason: reason.map(str::to_owned), ..step_of("s", action) }, None)
    };
    let table = [
        (bare("x"), UndoClass::UnknownEffect, None, true),
        (exec(false), UndoClass::UnknownEffect, None, true),
        (exec(true), UndoClass::Read, None, false),
        // Plans of older rules called it so, and nobody gave a reason.
        (bare("x"), UndoClass::NoUndo, None, true),
        (bare("x"), UndoClass::NoUndo, Some("it only reads"), false),
        (Action::Reboot {}, UndoClass::NoUndo, None, false),
        (bare("x"), UndoClass::PointOfNoReturn, None, false),
        (playbook(), UndoClass::NoUndo, None, true),
        (playbook(), UndoClass::Reversible, None, true),
    ];
    for (action, class, reason, want) in table {
        assert_eq!(with(action.clone(), class, reason), want, "{action:?} {class:?} {reason:?}");
    }
    let known = Command::of(vec!["x".to_owned()], vec!["/etc/x".to_owned()]);
    assert_eq!(Action::Command(known.clone()).class(), UndoClass::Reversible);
    let undone = Command { changes: Vec::new(), undo: Some(vec!["y".to_owned().into()]), ..known };
    assert_eq!(Action::Command(undone).class(), UndoClass::Reversible);
}

fn kube_exec() -> KubeExec {
    let text = r#"{"pod":{"namespace":"x","name":"y"},"run":["true"]}"#;
    serde_json::from_str(text).expect("a command in a pod")
}

fn playbook() -> Action {
    let play: Playbook = serde_json::from_str(r#"{"path":"/p.yml","inventory":"/i"}"#).expect("a playbook");
    Action::Playbook(Box::new(play))
}

#[test]
fn an_effect_that_nobody_knows_is_a_residue_before_and_after() {
    let mut bench = Bench::open(&one_host(vec![step_of("bare", bare("x")), stop("a", "two")]));
    bench.intend(RUN, "a/bare");
    ended(&mut bench, RUN, "a/bare", Ending::Succeeded, None);
    bench.succeed("a/two");
    let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned");
    assert_eq!(words(&way.residues), ["step:a/bare: not known what it changed"]);
    assert_eq!((way.unknown, way.passed), (vec![path("a/bare")], vec![]));
    bench.begin(BACK, &way.plan);
    bench.does(BACK, "undo/a/two");
    let (ended, left) = end(&bench.history, BACK);
    assert_eq!((ended, left), (RunEnd::PartlyRolledBack, vec!["step:a/bare: not known what it changed".to_owned()]));
    bench.close(BACK);
    let (step, known) = bench.step(RUN, "a/bare");
    assert!(known.stage == Stage::Compensated && left_unknown(step, known));
    // Under older rules it was passed without a word.
    let old = compensate(&bench.history, (RUN, &Scope::Run), Rules::of(3).expect("known"), false, &open);
    assert_eq!(old.expect("it can be planned").residues, []);
}

#[test]
fn what_provably_did_nothing_is_no_residue() {
    let left = |bench: &Bench| words(&bench.way_back(RUN, &Scope::Run).expect("it can be planned").residues);
    let mut bench = Bench::open(&one_host(vec![step_of("bare", bare("x"))]));
    bench.intend(RUN, "a/bare");
    ended(&mut bench, RUN, "a/bare", Ending::Failed, Some(Why::NotStarted));
    assert_eq!(left(&bench), [""; 0]);
    for why in [Why::Precondition, Why::Revoked, Why::Conflict, Why::ExitCode] {
        let mut bench = Bench::open(&one_host(vec![step_of("bare", bare("x"))]));
        bench.intend(RUN, "a/bare");
        ended(&mut bench, RUN, "a/bare", Ending::Failed, Some(why));
        assert_eq!(left(&bench).len(), 1, "{why:?}: only what did not start changed nothing");
    }
}

/// What is there then is others' work: nothing is taken back, and nothing is held against what it found.
#[test]
fn a_step_of_which_no_attempt_began_has_nothing_to_take_back() {
    let undos = |bench: &Bench| {
        let held = crate::run::originals::originals(&bench.history, (RUN, Rules::NOW), &Scope::Run, &open).len();
        (bench.way_back(RUN, &Scope::Run).expect("it can be planned").plan.steps.len(), held)
    };
    for rules in Rules::all() {
        let mut bench = Bench::open(&Plan { rules: rules.version(), ..one_host(vec![stop("a", "one")]) });
        bench.intend(RUN, "a/one");
        let preview = compensate(&bench.history, (RUN, &Scope::Run), Rules::NOW, true, &open);
        assert_eq!(preview.expect("it can be planned").plan.steps.len(), 1, "{rules:?}: in doubt it may have begun");
        ended(&mut bench, RUN, "a/one", Ending::Failed, Some(Why::NotStarted));
        let own = usize::from(rules.version() < 4);
        assert_eq!(undos(&bench), (own, own), "{rules:?}");
        bench.answer("a/one", Answer::Retry);
        bench.intend(RUN, "a/one");
        ended(&mut bench, RUN, "a/one", Ending::Failed, Some(Why::ExitCode));
        assert_eq!(undos(&bench), (1, 1), "{rules:?}: it began");
    }
}

/// A reason in the runbook makes up for it: the step is listed, and nothing is left.
#[test]
fn a_reason_is_listed_and_leaves_nothing() {
    let reasoned =
        Step { class: UndoClass::NoUndo, undo_reason: Some("it only reads".to_owned()), ..step_of("bare", bare("x")) };
    let mut bench = Bench::open(&one_host(vec![reasoned, stop("a", "two")]));
    bench.intend(RUN, "a/bare");
    ended(&mut bench, RUN, "a/bare", Ending::Succeeded, None);
    bench.succeed("a/two");
    let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned");
    assert_eq!((way.residues, way.passed.len(), way.unknown.len()), (vec![], 1, 0));
    bench.begin(BACK, &way.plan);
    bench.does(BACK, "undo/a/two");
    assert_eq!(end(&bench.history, BACK).0, RunEnd::RolledBack);
    let back = bench.run(BACK).opened.compensates.clone().expect("a rollback");
    let passed = crate::run::rules::ending::passed_originally(&bench.history, (&back, Rules::NOW), &BTreeMap::new());
    assert!(passed.contains(&ResourceKey::step(&path("a/bare"))), "{passed:?}");
}

#[test]
fn an_undo_that_did_not_end_done_is_a_residue() {
    let left = |does: &dyn Fn(&mut Bench)| {
        let mut bench = Bench::open(&hosts(1, 1, 0));
        bench.succeed("a/one");
        bench.succeed("a/two");
        let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned");
        bench.begin(BACK, &way.plan);
        does(&mut bench);
        end(&bench.history, BACK)
    };
    let lost = |name: &str| vec![format!("a/unit/{name}: was not taken back")];
    let all = left(&|bench| ["undo/a/two", "undo/a/one"].iter().for_each(|name| bench.does(BACK, name)));
    assert_eq!(all, (RunEnd::RolledBack, vec![]));
    let found = left(&|bench| {
        bench.skip_in(BACK, "undo/a/two", SkipWhy::AlreadyThere);
        bench.does(BACK, "undo/a/one");
    });
    assert_eq!(found, (RunEnd::RolledBack, vec![]), "found done is done");
    let skipped = left(&|bench| {
        bench.skip_in(BACK, "undo/a/two", SkipWhy::Operator);
        bench.does(BACK, "undo/a/one");
    });
    assert_eq!(skipped, (RunEnd::PartlyRolledBack, lost("two")));
    let failed = left(&|bench| {
        bench.does(BACK, "undo/a/two");
        bench.intend(BACK, "undo/a/one");
        bench.end(BACK, "undo/a/one", Ending::Failed);
        bench.skip_in(BACK, "undo/a/one", SkipWhy::Operator);
    });
    assert_eq!(failed, (RunEnd::PartlyRolledBack, lost("one")));
    let never = left(&|bench| bench.does(BACK, "undo/a/two"));
    assert_eq!(never, (RunEnd::PartlyRolledBack, lost("one")), "never begun");
}

/// An undo that has no resource of its own speaks for those of the step that it undoes, or for the step.
#[test]
fn an_undo_without_resources_names_those_of_its_step() {
    for (changes, want) in [(true, "a/unit/one"), (false, "step:a/one")] {
        let mut bench = Bench::open(&hosts(1, 1, 0));
        let bare = Command::of(vec!["x".to_owned()], Vec::new());
        let undo = Command { undo: Some(vec!["y".to_owned().into()]), ..bare };
        let intent = bench.intent_of(RUN, "a/one");
        let footprint = if changes { intent.footprint.clone() } else { Vec::new() };
        let before = if changes { intent.before.clone() } else { ImageRef::here(Image::new()) };
        let intent = Intent { inverse: vec![Undo::new(Action::Command(undo))], footprint, before, ..intent };
        bench.feed(RUN, Event::Intent(Arc::new(intent)));
        ended(&mut bench, RUN, "a/one", Ending::Succeeded, None);
        let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned");
        bench.begin(BACK, &way.plan);
        bench.skip_in(BACK, "undo/a/one", SkipWhy::Operator);
        assert_eq!(words(&residues_of(&bench.history, BACK, &open)), [format!("{want}: was not taken back")]);
    }
}

#[test]
fn a_resource_that_nobody_looked_at_before_is_a_residue() {
    let mut bench = Bench::open(&hosts(1, 1, 0));
    let mut intent = bench.intent_of(RUN, "a/one");
    let unseen = ResourceKey::unit(&crate::test_util::fixture::host("a"), "other");
    let evidence = ResourceKey::unit(&crate::test_util::fixture::host("a"), "evidence");
    intent.footprint.push(Footprint::new(unseen.clone(), Fields::All));
    intent.footprint.push(Footprint::new(evidence, Fields::Evidence));
    bench.feed(RUN, Event::Intent(Arc::new(intent)));
    bench.end(RUN, "a/one", Ending::Succeeded);
    let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned");
    assert_eq!(way.residues, [Residue { key: unseen, loss: Loss::NotSeenBefore }]);
}

/// What a host's rollback lost is lost when the whole run is taken back later, too: that rollback speaks for the run.
#[test]
fn what_an_earlier_rollback_could_not_restore_stays_said() {
    let mut bench = Bench::open(&hosts(2, 1, 0));
    let loss = Residue { key: ResourceKey::pods("a"), loss: Loss::EmptyDir };
    let intent = Intent { losses: vec![loss.clone()], ..bench.intent_of(RUN, "a/one") };
    bench.feed(RUN, Event::Intent(Arc::new(intent)));
    bench.end(RUN, "a/one", Ending::Succeeded);
    bench.succeed("a/two");
    ["b/one", "b/two"].iter().for_each(|name| bench.succeed(name));
    let scope = Scope::Host(crate::test_util::fixture::host("a"));
    let way = bench.way_back(RUN, &scope).expect("it can be planned");
    bench.begin(BACK, &way.plan);
    ["undo/a/two", "undo/a/one"].iter().for_each(|name| bench.does(BACK, name));
    bench.close(BACK);
    let whole = bench.way_back(RUN, &Scope::Run).expect("it can be planned");
    assert_eq!(whole.residues, std::slice::from_ref(&loss));
    assert_eq!(
        bench.way_back(RUN, &Scope::Host(crate::test_util::fixture::host("b"))).expect("it can be planned").residues,
        []
    );
    // Tried again, it may do better; what it lost the first time is gone.
    bench.answer("a/one", crate::record::Answer::Retry);
    bench.succeed("a/one");
    assert_eq!(bench.way_back(RUN, &Scope::Run).expect("it can be planned").residues, [loss]);
}

/// A playbook tells what it changes by `touches`, by what it expects to find after it, or by what was looked at before.
#[test]
fn a_playbook_that_says_what_it_changes_is_of_known_effect() {
    let step = |action: Action, touches: &[&str]| Step {
        class: UndoClass::NoUndo,
        touches: touches.iter().map(|name| path(name)).collect(),
        ..step_of("play", action)
    };
    let expecting = r#"{"path":"/p.yml","inventory":"/i","expect":{"node-ready":{"runtime":"containerd"}}}"#;
    let expecting: Playbook = serde_json::from_str(expecting).expect("a playbook");
    assert!(effect_unknown(&step(playbook(), &[]), None));
    assert!(!effect_unknown(&step(playbook(), &["a/one"]), None));
    assert!(!effect_unknown(&step(Action::Playbook(Box::new(expecting)), &[]), None));
    let bench = Bench::open(&hosts(1, 1, 0));
    let looked_at = |fields: &[Fields]| {
        let place =
            |fields: &Fields| Footprint::new(ResourceKey::unit(&crate::test_util::fixture::host("a"), "one"), *fields);
        Intent { footprint: fields.iter().map(place).collect(), ..bench.intent_of(RUN, "a/one") }
    };
    for (fields, unknown) in [
        (&[][..], true),
        (&[Fields::Evidence], true),
        (&[Fields::Evidence, Fields::All], false),
        (&[Fields::All], false),
    ] {
        assert_eq!(effect_unknown(&step(playbook(), &[]), Some(&looked_at(fields))), unknown, "{fields:?}");
    }
}

/// What never touched anything, or is known to have no undo, leaves nothing that somebody should have looked at.
#[test]
fn only_a_step_that_acted_and_has_an_undo_leaves_what_nobody_looked_at() {
    let unseen = |class: UndoClass, why: Option<Why>| {
        let mut bench = Bench::open(&one_host(vec![Step { class, ..stop("a", "one") }]));
        let intent = Intent { before: ImageRef::here(Image::new()), ..bench.intent_of(RUN, "a/one") };
        bench.feed(RUN, Event::Intent(Arc::new(intent)));
        let ending = if why.is_some() { Ending::Failed } else { Ending::Succeeded };
        ended(&mut bench, RUN, "a/one", ending, why);
        words(&bench.way_back(RUN, &Scope::Run).expect("it can be planned").residues).len()
    };
    assert_eq!(unseen(UndoClass::Reversible, None), 1);
    assert_eq!(unseen(UndoClass::Reversible, Some(Why::ExitCode)), 1);
    assert_eq!(unseen(UndoClass::Reversible, Some(Why::NotStarted)), 0);
    assert_eq!(unseen(UndoClass::NoUndo, None), 0);
}

/// A resource that an undo would have put back is named by itself, whatever the step that it undoes was about.
#[test]
fn an_undo_with_resources_names_its_own() {
    use crate::action::FileRestore;
    use crate::resource::State;
    let mut bench = Bench::open(&hosts(1, 1, 0));
    let state = State::file(0o644, "root:root", 1, crate::id::BodyId([1; 32]));
    let file = Action::FileRestore(FileRestore { path: "/etc/x".to_owned(), state });
    bench.intend_with("a/one", vec![Undo::new(file)]);
    bench.end(RUN, "a/one", Ending::Succeeded);
    let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned");
    bench.begin(BACK, &way.plan);
    let key = ResourceKey::file(&crate::test_util::fixture::host("a"), "/etc/x");
    assert_eq!(residues_of(&bench.history, BACK, &open), [Residue { key, loss: Loss::NotUndone }]);
}

#[test]
fn of_a_drain_only_pods_that_are_gone_or_go_are_lost() {
    use crate::action::{Bare, Drain, Emptydir, Target};
    use crate::resource::{Pod, State};
    let pod = |name: &str| Pod {
        namespace: "x".to_owned(),
        name: name.to_owned(),
        uid: format!("uid-{name}"),
        owner: None,
        emptydir: false,
    };
    let image = |names: &[&str]| {
        let pods = names.iter().map(|name| pod(name)).collect();
        Image::from([(ResourceKey::pods("a"), State::Pods { pods })])
    };
    let lost = |name: &str| Residue { key: ResourceKey::pod("x", name), loss: Loss::BarePod };
    let drain = Drain {
        emptydir: Emptydir::Delete,
        bare: Bare::Delete,
        timeout: crate::span::Span::seconds(1),
        terminating: None,
        grace: None,
        retry_denied: None,
    };
    let action = Action::Drain(drain);
    // What is there afterwards, what its job told of, and what was lost of a, b and c.
    let table: [(&[&str], &[&str], &[&str]); 5] = [
        (&["a", "b", "c"], &[], &[]),
        (&["a", "c"], &[], &["b"]),
        (&["a", "b", "c", "new"], &["c"], &["c"]),
        (&["b"], &["b", "new"], &["a", "b", "c"]),
        (&[], &[], &["a", "b", "c"]),
    ];
    for rules in Rules::all() {
        for (after, told, wanted) in table {
            let mut bench =
                Bench::open(&Plan { rules: rules.version(), ..one_host(vec![step_of("drain", action.clone())]) });
            let target = Target { host: Some(crate::test_util::fixture::host("a")), node: Some("a".to_owned()) };
            let before = image(&["a", "b", "c"]);
            let intent = Intent {
                footprint: action.footprint(&target),
                losses: action.losses(&before),
                before: ImageRef::here(before),
                target,
                ..bench.intent_of(RUN, "a/drain")
            };
            bench.feed(RUN, Event::Intent(Arc::new(intent)));
            let outcome = Outcome {
                step: path("a/drain"),
                attempt: 1,
                ending: Ending::Failed,
                why: Some(Why::Timeout),
                code: None,
                message: None,
                output: None,
                after: ImageRef::here(image(after)),
                captures: BTreeMap::new(),
                losses: told.iter().map(|name| lost(name)).collect(),
            };
            bench.feed(RUN, Event::Outcome(Box::new(outcome)));
            let wanted: Vec<Residue> = match rules.version() >= 5 {
                true => wanted.iter().map(|name| lost(name)).collect(),
                // Before that all, once any of it was seen to be done.
                false if after.len() >= 3 => Vec::new(),
                false => ["a", "b", "c"].map(lost).to_vec(),
            };
            let way = compensate(&bench.history, (RUN, &Scope::Run), rules, false, &open).expect("it can be planned");
            assert_eq!(way.residues, wanted, "{rules:?}: {after:?}");
            if rules.version() >= 5 {
                let so_far: Vec<Residue> =
                    crate::run::rules::ending::lost_so_far(bench.state(), &open).into_iter().collect();
                assert_eq!(so_far, wanted, "the end of the run says what its rollback does: {after:?}");
            }
        }
    }
}
