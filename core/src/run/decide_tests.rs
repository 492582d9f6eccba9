//! What may be done next, as tables: lanes and `serial`, failures and `max_fail`, gates that grew stale, hosts taken
//! back.

use crate::record::{Answer, Decision, Ending, Event};
use crate::run::decide::Standing;
use crate::run::life::Stage;
use crate::run::plan::Plan;
use crate::run::rules::version::Rules;
use crate::test_util::fixture::{Bench, RUN, gate, host, hosts, path, plan, stop};

#[test]
fn the_first_lane_ends_before_hosts_begin_and_the_last_follows_all() {
    let mut bench = Bench::open(&plan(
        2,
        0,
        vec![
            ("before", vec![stop("before", "one")]),
            ("a", vec![stop("a", "one")]),
            ("b", vec![stop("b", "one")]),
            ("c", vec![stop("c", "one")]),
            ("after", vec![stop("after", "one")]),
        ],
    ));
    assert_eq!(bench.ready(), ["before/one"]);
    bench.intend(RUN, "before/one");
    assert_eq!(bench.ready(), [""; 0]);
    bench.end(RUN, "before/one", Ending::Succeeded);
    assert_eq!(bench.ready(), ["a/one", "b/one"]);
    bench.succeed("b/one");
    assert_eq!(bench.ready(), ["a/one", "c/one"]);
    bench.succeed("c/one");
    assert_eq!(bench.ready(), ["a/one"]);
    bench.succeed("a/one");
    assert_eq!(bench.ready(), ["after/one"]);
    bench.succeed("after/one");
    assert_eq!(bench.standing(), Standing::Done);
}

#[test]
fn serial_is_a_window_over_the_hosts() {
    for serial in 1..=4_u32 {
        let mut bench = Bench::open(&hosts(4, serial, 0));
        for done in 0..4_usize {
            let open = (serial as usize).min(4 - done);
            assert_eq!(bench.ready().len(), open, "serial {serial}, {done} hosts done");
            let name = ["a", "b", "c", "d"][done];
            bench.succeed(&format!("{name}/one"));
            assert_eq!(bench.ready().len(), open, "a step is no host");
            bench.succeed(&format!("{name}/two"));
        }
        assert_eq!(bench.standing(), Standing::Done);
    }
}

#[test]
fn a_failure_opens_no_further_host_unless_it_is_tolerated() {
    // Which step of which host fails, how many may, and what is ready then.
    let table: &[(u32, &[&str], &[&str])] = &[
        (0, &["a/one"], &[]),
        (1, &["a/one"], &["b/one"]),
        (1, &["a/one", "b/one"], &[]),
        (2, &["a/one", "b/one"], &["c/one"]),
        (2, &["a/one", "b/one", "c/one"], &[]),
    ];
    for (max_fail, failing, ready) in table {
        let mut bench = Bench::open(&hosts(4, 1, *max_fail));
        for step in *failing {
            bench.fail(step);
        }
        assert_eq!(bench.ready(), *ready, "max_fail {max_fail}, {failing:?}");
        if ready.is_empty() {
            assert_eq!(bench.standing(), Standing::Failed);
        }
    }
}

/// A lane that ended stands one past its last step, which is where the next lane begins.
#[test]
fn a_lane_that_ended_does_not_fail_with_the_next_one() {
    let mut bench = Bench::open(&hosts(3, 1, 1));
    bench.succeed("a/one");
    bench.succeed("a/two");
    bench.fail("b/one");
    assert_eq!(bench.ready(), ["c/one"]);
    bench.succeed("c/one");
    bench.succeed("c/two");
    assert_eq!(bench.standing(), Standing::DoneWithFailures);
}

#[test]
fn tolerated_failures_let_the_last_lane_run_and_close_the_run() {
    let lanes = || {
        vec![
            ("before", vec![]),
            ("a", vec![stop("a", "one")]),
            ("b", vec![stop("b", "one")]),
            ("after", vec![stop("after", "one")]),
        ]
    };
    let mut bench = Bench::open(&plan(1, 1, lanes()));
    bench.succeed("a/one");
    bench.fail("b/one");
    assert_eq!(bench.ready(), ["after/one"]);
    bench.succeed("after/one");
    assert_eq!(bench.standing(), Standing::DoneWithFailures);

    // Not tolerated: the last lane waits.
    let mut bench = Bench::open(&plan(1, 0, lanes()));
    bench.succeed("a/one");
    bench.fail("b/one");
    assert_eq!((bench.ready(), bench.standing()), (vec![], Standing::Failed));
    bench.skip("b/one");
    assert_eq!(bench.ready(), ["after/one"]);
}

/// `max_fail` is about hosts: what everything else builds on, or ends with, is never tolerated.
#[test]
fn only_hosts_may_fail() {
    let lanes = || vec![("before", vec![stop("before", "one")]), ("a", vec![]), ("after", vec![stop("after", "one")])];
    let mut bench = Bench::open(&plan(1, 3, lanes()));
    bench.fail("before/one");
    assert_eq!((bench.ready(), bench.standing()), (vec![], Standing::Failed));
    bench.skip("before/one");
    bench.fail("after/one");
    assert_eq!((bench.ready(), bench.standing()), (vec![], Standing::Failed));
}

/// Two storage nodes are not worked on at once because an operator mends the one that failed earlier.
#[test]
fn a_mended_host_waits_for_its_turn() {
    for mend in ["retry", "skip", "applied"] {
        let mut bench = Bench::open(&hosts(3, 1, 2));
        bench.fail("a/one");
        assert_eq!(bench.ready(), ["b/one"]);
        match mend {
            "retry" => bench.answer("a/one", Answer::Retry),
            "skip" => bench.skip("a/one"),
            _ => bench.answer("a/one", Answer::Applied),
        }
        assert_eq!(bench.ready(), ["b/one"], "{mend}");
        bench.take_over();
        assert_eq!(bench.ready(), ["b/one"], "{mend}, after a take-over");
        bench.succeed("b/one");
        bench.succeed("b/two");
        // What was begun is ended before something new begins.
        assert_eq!(bench.ready(), [if mend == "retry" { "a/one" } else { "a/two" }], "{mend}");
        if mend == "retry" {
            bench.succeed("a/one");
        }
        bench.succeed("a/two");
        assert_eq!(bench.ready(), ["c/one"], "{mend}");
    }
}

#[test]
fn a_mended_host_also_goes_on_when_the_other_fails() {
    let mut bench = Bench::open(&hosts(3, 1, 2));
    bench.fail("a/one");
    bench.answer("a/one", Answer::Retry);
    bench.fail("b/one");
    assert_eq!(bench.ready(), ["a/one"]);
}

#[test]
fn an_in_doubt_host_keeps_its_place_until_someone_says() {
    let mut bench = Bench::open(&hosts(2, 1, 2));
    bench.intend(RUN, "a/one");
    bench.end(RUN, "a/one", Ending::Unknown);
    assert_eq!(bench.ready(), ["probe a/one"]);
    bench.probe("a/one", Decision::Wait);
    assert_eq!(bench.ready(), ["probe a/one"]);
    bench.probe("a/one", Decision::Ask);
    assert_eq!((bench.ready(), bench.standing()), (vec![], Standing::Asking));
    bench.answer("a/one", Answer::NotApplied);
    assert_eq!(bench.ready(), ["a/one"]);
}

#[test]
fn a_pause_stops_everything_and_a_new_owner_goes_on() {
    let mut bench = Bench::open(&hosts(2, 2, 0));
    bench.intend(RUN, "a/one");
    bench.end(RUN, "a/one", Ending::Failed);
    bench.pause();
    assert_eq!((bench.ready(), bench.standing()), (vec![], Standing::Failed));
    bench.answer("a/one", Answer::Retry);
    assert_eq!(bench.ready(), [""; 0], "a decision does not drive");
    bench.take_over();
    assert_eq!(bench.ready(), ["a/one", "b/one"]);
}

#[test]
fn what_was_intended_is_in_doubt_after_a_take_over() {
    let mut bench = Bench::open(&hosts(2, 2, 0));
    bench.intend(RUN, "a/one");
    bench.take_over();
    assert_eq!(bench.ready(), ["b/one", "probe a/one"]);
}

#[test]
fn a_gate_counts_after_a_gap_only_if_a_later_step_acted() {
    let lane = || vec![gate("a", "storage"), stop("a", "one"), gate("a", "healed"), stop("a", "two")];
    let fresh = || Bench::open(&plan(1, 0, vec![("before", vec![]), ("a", lane()), ("after", vec![])]));
    for owner_changed in [false, true] {
        let gap = |bench: &mut Bench| {
            if !owner_changed {
                bench.pause();
            }
            bench.take_over();
        };
        let mut bench = fresh();
        bench.sample("a/storage", false);
        gap(&mut bench);
        assert_eq!((bench.ready(), bench.stage("a/storage")), (vec!["sample a/storage".to_owned()], Stage::Pending));
        bench.pass("a/storage");
        gap(&mut bench);
        assert_eq!(bench.ready(), ["sample a/storage"], "nothing was done behind it");
        bench.pass("a/storage");
        bench.intend(RUN, "a/one");
        gap(&mut bench);
        assert_eq!(bench.ready(), ["probe a/one"], "a later step acted");
        bench.probe("a/one", Decision::Succeeded);
        bench.pass("a/healed");
        gap(&mut bench);
        assert_eq!(bench.ready(), ["sample a/healed"]);
        assert_eq!(bench.stage("a/storage"), Stage::Succeeded);
        // A step that is passed over is no act.
        bench.pass("a/healed");
        bench.skip("a/two");
        assert_eq!(bench.standing(), Standing::Done);
    }
}

/// A gate that is tried again has its whole time again.
#[test]
fn a_gate_that_is_tried_again_begins_anew() {
    let lanes = vec![("before", vec![]), ("a", vec![gate("a", "healed")]), ("after", vec![])];
    let mut bench = Bench::open(&plan(1, 0, lanes));
    bench.sample("a/healed", false);
    let began = bench.step(RUN, "a/healed").1.began;
    bench.feed(RUN, Event::TimerFired { step: path("a/healed") });
    bench.answer("a/healed", Answer::Retry);
    assert_eq!(bench.ready(), ["sample a/healed"]);
    bench.sample("a/healed", false);
    assert!(bench.step(RUN, "a/healed").1.began > began);
}

#[test]
fn a_host_that_was_taken_back_stays_out_until_a_step_is_retried() {
    let mut bench = Bench::open(&hosts(3, 1, 0));
    bench.succeed("a/one");
    bench.pause();
    taken_back(&mut bench, &["a/one"], Some("a"));
    bench.take_over();
    assert_eq!(bench.ready(), ["b/one"], "the next host begins, the one taken back does not go on");
    bench.answer("a/one", Answer::Retry);
    // It comes back into the window of `serial`.
    bench.succeed("b/one");
    bench.succeed("b/two");
    assert_eq!(bench.ready(), ["a/one"]);
    bench.succeed("a/one");
    assert_eq!(bench.ready(), ["a/two"]);
}

/// Going back to an earlier step, a lane comes to the same gate a second time: the old answer is no answer then.
#[test]
fn a_gate_beyond_the_place_a_lane_went_back_to_grows_stale_too() {
    let lane = vec![stop("a", "one"), gate("a", "healed"), stop("a", "two")];
    let plan = plan(1, 0, vec![("before", vec![]), ("a", lane), ("after", vec![])]);
    for (rules, stage, ready) in [(1, Stage::Succeeded, "a/two"), (2, Stage::Pending, "sample a/healed")] {
        let mut bench = under(rules, &plan);
        bench.succeed("a/one");
        bench.pass("a/healed");
        taken_back(&mut bench, &["a/one"], None);
        bench.answer("a/one", Answer::Retry);
        bench.take_over();
        assert_eq!(bench.stage("a/healed"), stage, "rules {rules}");
        bench.succeed("a/one");
        assert_eq!(bench.ready(), [ready], "rules {rules}");
    }
}

/// Under either rules what was done behind a gate speaks for it, and a gate at or before the lane's place grows stale.
#[test]
fn all_rules_agree_on_a_gate_that_the_lane_has_passed() {
    let lane = vec![gate("a", "healed"), stop("a", "one"), gate("a", "again"), stop("a", "two")];
    let plan = plan(1, 0, vec![("before", vec![]), ("a", lane), ("after", vec![])]);
    for rules in Rules::all() {
        let mut bench = under(rules.version(), &plan);
        bench.pass("a/healed");
        bench.succeed("a/one");
        bench.pass("a/again");
        bench.take_over();
        assert_eq!((bench.stage("a/healed"), bench.stage("a/again")), (Stage::Succeeded, Stage::Pending), "{rules:?}");
        assert_eq!(bench.ready(), ["sample a/again"], "{rules:?}");
    }
}

/// A step before all hosts that is done again may find another value.
#[test]
fn a_value_captured_anew_counts_for_every_lane() {
    use crate::run::plan::{Step, When};
    let when = Some(When { left: "{{ word }}".to_owned(), equal: true, right: "new".to_owned() });
    let lanes = vec![
        ("before", vec![stop("before", "read")]),
        ("a", vec![Step { when, ..stop("a", "one") }]),
        ("after", vec![]),
    ];
    let plan = plan(1, 0, lanes);
    for (rules, at_once) in [(1, "skip a/one"), (2, "a/one")] {
        let mut bench = under(rules, &plan);
        for (word, ready) in [("old", "skip a/one"), ("new", at_once)] {
            bench.intend(RUN, "before/read");
            bench.end_with(RUN, "before/read", Ending::Succeeded, word);
            assert_eq!(bench.ready(), [ready], "rules {rules}");
            let ix = bench.state().find(&path("a/one")).expect("it is in the plan");
            assert_eq!(bench.state().filled(ix, "the {{ word }} {{ other }}"), format!("the {word} {{{{ other }}}}"));
            taken_back(&mut bench, &["before/read"], None);
            bench.answer("before/read", Answer::Retry);
        }
        bench.take_over();
        assert!(bench.ready().contains(&"a/one".to_owned()), "another owner sees it under any rules");
    }
}

/// A step that was to be tried again when its host was taken back is not forgotten.
#[test]
fn a_host_that_comes_back_begins_with_whatever_is_not_behind() {
    for (rules, ready) in [(1, "a/two"), (2, "a/one")] {
        let mut bench = under(rules, &hosts(1, 1, 0));
        bench.succeed("a/one");
        bench.succeed("a/two");
        taken_back(&mut bench, &["a/one"], None);
        bench.answer("a/one", Answer::Retry);
        taken_back(&mut bench, &["a/two"], Some("a"));
        assert_eq!(bench.ready(), [""; 0]);
        bench.answer("a/two", Answer::Retry);
        assert_eq!(bench.ready(), [ready], "rules {rules}");
    }
}

/// Another run took the first step of the lane back, the second is in flight, and a person retries the first.
fn gone_back(rules: u32, place: &str) -> Bench {
    let lane = |name| (name, vec![stop(name, "one"), stop(name, "two")]);
    let mut bench = under(rules, &plan(1, 1, ["before", "a", "b", "after"].map(lane).to_vec()));
    for before in ["before", "a", "b"].into_iter().take_while(|before| *before != place) {
        bench.succeed(&format!("{before}/one"));
        bench.succeed(&format!("{before}/two"));
    }
    let (one, two) = (format!("{place}/one"), format!("{place}/two"));
    bench.succeed(&one);
    taken_back(&mut bench, &[&one], None);
    bench.intend(RUN, &two);
    bench.answer(&one, Answer::Retry);
    bench
}

/// The story that rules 3 are for: two hosts at work at once under `serial: 1`.
#[test]
fn a_host_with_a_step_in_doubt_keeps_its_place() {
    for rules in [1, 2] {
        let mut bench = gone_back(rules, "a");
        bench.take_over();
        bench.fail("a/one");
        assert_eq!((bench.ready(), bench.stage("a/two")), (vec!["b/one".to_owned()], Stage::Unknown), "rules {rules}");
        bench.intend(RUN, "b/one");
        taken_back(&mut bench, &["a/one"], None);
        assert_eq!((bench.ready(), bench.stage("b/one")), (vec![], Stage::Intended), "rules {rules}");
    }
    let mut bench = gone_back(3, "a");
    bench.take_over();
    assert_eq!(bench.ready(), ["probe a/two"]);
    bench.probe("a/two", Decision::Wait);
    assert_eq!(bench.ready(), ["probe a/two"]);
    bench.probe("a/two", Decision::Ask);
    assert_eq!((bench.ready(), bench.standing()), (vec![], Standing::Asking));
    bench.answer("a/two", Answer::NotApplied);
    assert_eq!(bench.ready(), ["a/one"]);
    bench.fail("a/one");
    assert_eq!(bench.ready(), ["b/one"], "nothing is at work on the host any more, and one may fail");
}

/// The steps of a lane run one after the other, also when it has gone back.
#[test]
fn nothing_begins_in_a_lane_beside_a_step_in_flight_or_in_doubt() {
    for place in ["before", "a", "b", "after"] {
        let (one, two) = (format!("{place}/one"), format!("{place}/two"));
        for rules in [1, 2] {
            assert_eq!(gone_back(rules, place).ready(), [one.as_str()], "rules {rules}");
        }
        let mut bench = gone_back(3, place);
        assert_eq!(bench.ready(), [""; 0]);
        let intent = Event::Intent(bench.intent_of(RUN, &one).into());
        assert!(bench.try_feed(RUN, intent).is_err(), "{one} is not due");
        for ending in [Ending::Succeeded, Ending::Failed] {
            let mut bench = gone_back(3, place);
            bench.end(RUN, &two, ending);
            assert_eq!(bench.ready(), [one.as_str()], "what is known is left where it is");
        }
        bench.end(RUN, &two, Ending::Unknown);
        assert_eq!(bench.ready(), [format!("probe {two}")]);
        bench.probe(&two, Decision::Again);
        assert_eq!(bench.ready(), [one.as_str()]);
        bench.succeed(&one);
        assert_eq!(bench.ready(), [two.as_str()]);
    }
}

/// Neither does what comes after all hosts begin, nor does the run end, while something may be at work on one.
#[test]
fn a_run_does_not_end_beside_a_step_in_doubt() {
    for rules in Rules::all().map(Rules::version) {
        let mut bench = gone_back(rules, "b");
        bench.take_over();
        if rules < 3 {
            bench.fail("b/one");
            assert_eq!(bench.ready(), ["after/one"], "rules {rules}");
            bench.succeed("after/one");
            bench.succeed("after/two");
            assert_eq!((bench.standing(), bench.stage("b/two")), (Standing::DoneWithFailures, Stage::Unknown));
        } else {
            assert_eq!(bench.ready(), ["probe b/two"]);
            bench.probe("b/two", Decision::Succeeded);
            bench.fail("b/one");
            assert_eq!(bench.ready(), ["after/one"]);
        }
    }
}

/// A rollback passes over what only reads, so a host can be out while such a step is in doubt: it holds nobody up.
#[test]
fn a_host_that_is_out_keeps_no_place_for_a_step_that_only_reads() {
    use crate::action::UndoClass;
    use crate::run::plan::Step;
    let read = Step { class: UndoClass::Read, ..stop("a", "two") };
    let lanes =
        vec![("before", vec![]), ("a", vec![stop("a", "one"), read]), ("b", vec![stop("b", "one")]), ("after", vec![])];
    let plan = plan(1, 0, lanes);
    for (rules, ready) in [(1, "a/one"), (2, "a/one"), (3, "probe a/two")] {
        let mut bench = under(rules, &plan);
        bench.succeed("a/one");
        bench.intend(RUN, "a/two");
        bench.take_over();
        taken_back(&mut bench, &["a/one"], Some("a"));
        assert_eq!(bench.ready(), ["b/one"], "rules {rules}");
        bench.succeed("b/one");
        assert_eq!(bench.standing(), Standing::Done, "rules {rules}");
        bench.answer("a/one", Answer::Retry);
        assert_eq!(bench.ready(), [ready], "rules {rules}");
    }
}

/// A run under these rules.
fn under(rules: u32, plan: &Plan) -> Bench {
    Bench::open(&Plan { rules, ..plan.clone() })
}

/// What a rollback of these steps, or of the whole host, does to the run.
fn taken_back(bench: &mut Bench, steps: &[&str], whole: Option<&str>) {
    let mut state = bench.state().clone();
    steps.iter().for_each(|step| state.compensated(&path(step), crate::test_util::fixture::BACK));
    whole.iter().for_each(|name| state.withdraw(&host(name)));
    bench.history.runs.insert(RUN, state);
}

#[test]
fn a_run_is_said_to_go_on_only_where_another_owner_has_something_to_do() {
    let mut bench = Bench::open(&hosts(1, 1, 0));
    assert!(bench.state().goes_on(), "it has not begun");
    bench.intend(RUN, "a/one");
    assert!(bench.state().goes_on(), "what is under way is looked at");
    bench.end(RUN, "a/one", Ending::Failed);
    bench.pause();
    assert!(!bench.state().goes_on(), "it waits for a retry");
    bench.answer("a/one", Answer::Retry);
    assert!(bench.state().goes_on(), "it is tried again");
    bench.take_over();
    bench.intend(RUN, "a/one");
    bench.end(RUN, "a/one", Ending::Unknown);
    assert!(bench.state().goes_on(), "it is looked at");
    bench.probe("a/one", Decision::Ask);
    bench.pause();
    assert!(!bench.state().goes_on(), "only a person can say");
    bench.answer("a/one", Answer::Applied);
    assert!(bench.state().goes_on());
    bench.take_over();
    bench.pause();
    assert!(bench.state().goes_on(), "someone asked for a pause");
    bench.take_over();
    bench.succeed("a/two");
    assert!(bench.state().goes_on(), "it can be ended");
}
