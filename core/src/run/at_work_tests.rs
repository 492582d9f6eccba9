//! Who stands half done, and what that keeps from being taken back.

use crate::gate::Gate;
use crate::record::{ImageRef, Scope};
use crate::run::at_work::{half_done, last_gates};
use crate::run::compensate::{CompensateError, compensate};
use crate::run::plan::{Plan, Step, When, Work};
use crate::run::rules::version::Rules;
use crate::test_util::fixture::{Bench, RUN, gate, host, path, plan, stop};

/// Three hosts, each stopped, gated and finished.
fn three(serial: u32, max_fail: u32) -> Plan {
    let lane = |name: &'static str| (name, vec![stop(name, "one"), gate(name, "healed"), stop(name, "two")]);
    let mut lanes = vec![("before", Vec::new())];
    lanes.extend(["a", "b", "c"].map(lane));
    lanes.push(("after", Vec::new()));
    plan(serial, max_fail, lanes)
}

fn whole(bench: &mut Bench, name: &str) {
    bench.succeed(&format!("{name}/one"));
    bench.pass(&format!("{name}/healed"));
    bench.succeed(&format!("{name}/two"));
}

fn standing(bench: &Bench) -> Vec<String> {
    half_done(bench.state()).into_iter().map(|half| format!("{} at {}", half.host, half.at)).collect()
}

#[test]
fn a_host_stands_half_done_from_its_first_intent_to_its_closing_gate() {
    let mut bench = Bench::open(&three(1, 0));
    assert_eq!(standing(&bench), [""; 0], "nothing has begun");
    bench.intend(RUN, "a/one");
    assert_eq!(standing(&bench), ["a at a/one"], "in doubt");
    bench.end(RUN, "a/one", crate::record::Ending::Succeeded);
    bench.sample("a/healed", false);
    assert_eq!(standing(&bench), ["a at a/healed"], "the gate is shut");
    bench.sample("a/healed", true);
    bench.feed(RUN, crate::record::Event::GateDecided { step: path("a/healed"), passed: true });
    assert_eq!(standing(&bench), [""; 0], "the gate opened");
    bench.succeed("a/two");
    bench.fail("b/one");
    assert_eq!(standing(&bench), ["b at b/one"], "failed");
    bench.skip("b/one");
    assert_eq!(standing(&bench), ["b at b/healed"], "passed over, and it may have changed something");
    bench.close(RUN);
    assert_eq!(standing(&bench), [""; 0], "only an open run holds places");
}

#[test]
fn a_host_without_gates_is_done_at_its_end() {
    let mut bench = Bench::open(&crate::test_util::fixture::hosts(2, 1, 0));
    bench.succeed("a/one");
    assert_eq!(standing(&bench), ["a at a/two"]);
    bench.succeed("a/two");
    assert_eq!(standing(&bench), [""; 0]);
}

#[test]
fn no_further_host_is_taken_back_while_others_stand_half_done() {
    let mut bench = Bench::open(&three(1, 0));
    whole(&mut bench, "a");
    bench.fail("b/one");
    for scope in [Scope::Host(host("a")), Scope::Step(path("a/one"))] {
        match bench.way_back(RUN, &scope).map(drop) {
            Err(error @ CompensateError::HostsAtWork { .. }) => {
                let words = error.to_string();
                assert!(
                    ["a cannot", "b stands half done", "b/one", "1 at a time"].iter().all(|w| words.contains(w)),
                    "{words}"
                );
            }
            other => unreachable!("{other:?}"),
        }
    }
    assert!(bench.way_back(RUN, &Scope::Host(host("b"))).is_ok(), "its own place is its own");
    assert!(bench.way_back(RUN, &Scope::Run).is_ok());
    let rules = Rules::of(3).expect("rules 3 are known");
    let old = compensate(&bench.history, (RUN, &Scope::Host(host("a"))), rules, false, &|_| None);
    assert!(old.is_ok(), "before rules 4 nobody looked");
    let mut two = Bench::open(&three(2, 0));
    whole(&mut two, "a");
    two.fail("b/one");
    assert!(two.way_back(RUN, &Scope::Host(host("a"))).is_ok(), "two may be at work");
}

#[test]
fn hosts_that_stand_half_done_are_taken_back_first() {
    let mut bench = Bench::open(&three(1, 1));
    bench.fail("a/one");
    whole(&mut bench, "b");
    let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned").plan;
    let hosts: Vec<&str> = way.hosts().map(|host| host.as_str()).collect();
    assert_eq!(hosts, ["a", "b"], "b was opened last, and is whole");
}

/// The gates before a host's first undo, and whom they leave out.
fn entries(way: &Plan) -> Vec<(String, Vec<String>)> {
    let of = |step: &Step| match &step.work {
        Work::Gate { gate: Gate::GlusterHealed { without, .. }, .. } if step.path.as_str().ends_with("/before") => {
            Some((step.path.to_string(), without.iter().map(ToString::to_string).collect()))
        }
        _ => None,
    };
    way.steps.iter().filter_map(of).collect()
}

#[test]
fn gates_hold_before_the_first_undo_without_what_the_hosts_own_steps_took_away() {
    let mut bench = Bench::open(&three(1, 0));
    whole(&mut bench, "a");
    whole(&mut bench, "b");
    let way = |bench: &Bench, scope: &Scope| bench.way_back(RUN, scope).expect("it can be planned").plan;
    let alone = way(&bench, &Scope::Host(host("a")));
    assert_eq!(entries(&alone), [("undo/a/healed/before".to_owned(), vec![])], "a whole host counts in full");
    let paths: Vec<&str> = alone.steps.iter().map(|step| step.path.as_str()).collect();
    assert_eq!(paths, ["undo/a/healed/before", "undo/a/two", "undo/a/one", "undo/a/healed"]);
    // Behind the first host the closing gate of the one before is the same.
    assert_eq!(entries(&way(&bench, &Scope::Run)), [("undo/b/healed/before".to_owned(), vec![])]);
    bench.fail("c/one");
    let own = way(&bench, &Scope::Host(host("c")));
    assert_eq!(entries(&own), [("undo/c/healed/before".to_owned(), vec!["c".to_owned()])]);
    assert_eq!(entries(&way(&bench, &Scope::Run)), [("undo/c/healed/before".to_owned(), vec!["c".to_owned()])]);
    assert_eq!(entries(&way(&bench, &Scope::Step(path("c/one")))), []);
    let mut wide = Bench::open(&three(2, 0));
    ["a", "b", "c"].iter().for_each(|name| whole(&mut wide, name));
    let names: Vec<String> = entries(&way(&wide, &Scope::Run)).into_iter().map(|(path, _)| path).collect();
    assert_eq!(names, ["undo/c/healed/before", "undo/b/healed/before"], "as many as begin at once");
}

#[test]
fn a_gate_about_the_host_alone_does_not_keep_it_from_being_taken_back() {
    let mut ready = gate("a", "ready");
    if let Work::Gate { gate, .. } = &mut ready.work {
        *gate = Gate::NodeReady {};
    }
    let mut bench =
        Bench::open(&plan(1, 0, vec![("before", vec![]), ("a", vec![stop("a", "one"), ready]), ("after", vec![])]));
    bench.succeed("a/one");
    let way = bench.way_back(RUN, &Scope::Run).expect("it can be planned").plan;
    let paths: Vec<&str> = way.steps.iter().map(|step| step.path.as_str()).collect();
    assert_eq!(paths, ["undo/a/one", "undo/a/ready"]);
}

#[test]
fn gates_whose_condition_did_not_hold_are_left_out() {
    let asks = |name: &str, equal: bool| {
        let when = When { left: "yes".to_owned(), equal, right: "no".to_owned() };
        Step { when: Some(when), ..gate("a", name) }
    };
    let bench_of =
        |steps: Vec<Step>| Bench::open(&plan(1, 0, vec![("before", vec![]), ("a", steps), ("after", vec![])]));
    let gates = |bench: &Bench, rules: u32| {
        let open = |image: &ImageRef| if let ImageRef::Here(image) = image { Some((**image).clone()) } else { None };
        let rules = Rules::of(rules).expect("known rules");
        let way = compensate(&bench.history, (RUN, &Scope::Run), rules, false, &open).expect("it can be planned");
        way.plan.steps.iter().filter(|step| step.undoes.is_none()).map(|step| step.path.to_string()).collect::<Vec<_>>()
    };
    let mut bench = bench_of(vec![stop("a", "one"), asks("healed", true)]);
    bench.succeed("a/one");
    bench.skip_in(RUN, "a/healed", crate::record::SkipWhy::When);
    assert_eq!(gates(&bench, 4), [""; 0]);
    assert_eq!(gates(&bench, 3), ["undo/a/healed"]);
    // One that was not reached, and would not hold either.
    let mut bench = bench_of(vec![stop("a", "one"), stop("a", "two"), asks("healed", true)]);
    bench.succeed("a/one");
    assert_eq!(gates(&bench, 4), [""; 0]);
    // An earlier one of the same kind stands in for it.
    let mut bench = bench_of(vec![stop("a", "one"), gate("a", "early"), asks("late", true)]);
    bench.succeed("a/one");
    bench.pass("a/early");
    bench.skip_in(RUN, "a/late", crate::record::SkipWhy::When);
    assert_eq!(gates(&bench, 4), ["undo/a/early/before", "undo/a/early"]);
    // What a person passed over is waited for, and so is what may hold yet.
    let mut bench = bench_of(vec![stop("a", "one"), gate("a", "healed")]);
    bench.succeed("a/one");
    bench.skip("a/healed");
    assert_eq!(gates(&bench, 4), ["undo/a/healed/before", "undo/a/healed"]);
    let unknown = When { left: "{{ later }}".to_owned(), equal: true, right: "no".to_owned() };
    let mut bench =
        bench_of(vec![stop("a", "one"), stop("a", "two"), Step { when: Some(unknown), ..gate("a", "healed") }]);
    bench.succeed("a/one");
    assert_eq!(last_gates(bench.state(), &bench.state().plan.lanes[1], false).len(), 1);
}
