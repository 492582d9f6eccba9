//! The shipped procedure in the lab: there, and back again.

use palinode_core::id::StepPath;
use palinode_core::record::{Event, ImageRef, PauseWhy, RunEnd, Scope};
use palinode_core::resource::{Loss, State};
use palinode_core::run::life::Stage;
use palinode_executors::Files;
use palinode_replay::driver::Stopped;
use palinode_replay::rollback;
use palinode_tests::memory::{BACK, CRIO_TO_DOCKER, INVENTORY, RUN, Stage as Set};
use std::collections::BTreeSet;

const NODES: [&str; 3] = ["gluster1.demo", "gluster2.demo", "gluster3.demo"];

#[test]
fn three_nodes_migrate_and_come_back() {
    let mut set = Set::new();
    let first = set.lab.digest();
    let plan = set.plan(CRIO_TO_DOCKER, &[]);
    assert_eq!(set.run(RUN, &plan, &mut |_, _, _| {}).expect("it drives"), Stopped::Closed(RunEnd::Done));
    let world = set.lab.snapshot();
    for node in NODES {
        let record = world.node(node).expect("the node is there");
        assert!(record.ready && record.runtime.starts_with("docker://"), "{node}: {record:?}");
    }
    assert!(
        !set.journal.entries().any(|stored| matches!(stored.entry.event, Event::DriftFound { .. })),
        "our own changes are no drift"
    );

    let announced = rollback::plan(&set.journal, &set.history(), RUN, &Scope::Run, true).expect("it can be planned");
    let stopped = set.roll_back(RUN, &Scope::Run, BACK).expect("it drives");
    assert_eq!(stopped, Stopped::Closed(RunEnd::PartlyRolledBack));
    let history = set.history();
    let closed = history.runs[&BACK].closed.clone().expect("the rollback is closed");
    assert_eq!(closed.residues, announced.residues, "exactly what was announced");
    assert_eq!(
        history.runs[&BACK].opened.plan,
        announced.plan.encode().expect("it encodes").1,
        "exactly the plan that was shown"
    );
    assert_eq!(closed.differences, Vec::new());
    assert!(closed.passed.iter().any(|key| key.as_str() == "gluster1.demo/boot"), "boots are listed, not counted");
    let explained: BTreeSet<&str> = closed.residues.iter().map(|residue| residue.key.as_str()).collect();
    for (key, was, is) in first.diff(&set.lab.digest()) {
        assert!(explained.contains(key.as_str()), "{key} was {was:?}, is {is:?}");
    }
    let lost_data = closed.residues.iter().filter(|residue| residue.loss == Loss::EmptyDir).count();
    assert_eq!(lost_data, 5, "two Prometheus and three Alertmanager pods");
    // Every step of the run counts as taken back, and there is nothing left to take back.
    let left = rollback::plan(&set.journal, &history, RUN, &Scope::Run, false).expect("it can be planned");
    assert!(left.plan.steps.is_empty());
    // The lab can be migrated again.
    let again = palinode_core::id::RunId([7; 8]);
    let plan = set.plan(CRIO_TO_DOCKER, &[]);
    assert_eq!(set.run(again, &plan, &mut |_, _, _| {}).expect("it drives"), Stopped::Closed(RunEnd::Done));
}

#[test]
fn the_way_back_is_ordered_not_blindly_reversed() {
    let mut set = Set::new();
    let plan = set.plan(CRIO_TO_DOCKER, &[]);
    set.run(RUN, &plan, &mut |_, _, _| {}).expect("it drives");
    let way = rollback::plan(&set.journal, &set.history(), RUN, &Scope::Run, false).expect("it can be planned").plan;
    let undone: Vec<&str> = way
        .steps
        .iter()
        .filter_map(|step| step.undoes.as_ref())
        .filter_map(|undoes| undoes.step.as_str().strip_prefix("gluster1.demo/"))
        .collect();
    let at = |name: &str| undone.iter().position(|step| *step == name).expect(name);
    let last = |name: &str| undone.iter().rposition(|step| *step == name).expect(name);
    assert!(last("scaleup") < at("packages"), "what the playbook brought goes first");
    assert!(last("packages") < at("purge"), "files return after the packages that would lay defaults over them");
    assert!(last("purge") < at("stop-dnsmasq"), "the resolver starts with its configuration");
    assert!(last("stop-dnsmasq") < at("resolv-conf"));
    assert!(last("stop-runtime") < at("leave"), "a node rejoins once its services run");
    assert!(last("leave") < at("cordon"));
    // Gates hold on the way back, between hosts.
    let lanes: Vec<_> = way.lanes.iter().filter(|lane| lane.end > lane.start).collect();
    for lane in &lanes[..3] {
        assert_eq!(way.steps[lane.end as usize - 1].path.as_str().rsplit('/').next(), Some("healed"));
    }
    assert_eq!(way.serial, 1);
}

#[test]
fn a_node_that_was_cordoned_stays_cordoned() {
    let mut set = Set::new();
    let node = "gluster2.demo".to_owned();
    set.lab.change(palinode_replay::lab::Effect::Schedulable { node, on: false });
    let plan = set.plan(CRIO_TO_DOCKER, &[]);
    assert_eq!(set.run(RUN, &plan, &mut |_, _, _| {}).expect("it drives"), Stopped::Closed(RunEnd::Done));
    let cordoned = |set: &Set, name: &str| set.lab.snapshot().node(name).expect("the node").unschedulable;
    assert!(cordoned(&set, "gluster2.demo") && !cordoned(&set, "gluster1.demo"));
    set.roll_back(RUN, &Scope::Run, BACK).expect("it drives");
    assert!(cordoned(&set, "gluster2.demo") && !cordoned(&set, "gluster1.demo"));
}

#[test]
fn a_package_that_could_not_be_put_back_stops_everything_before_it_begins() {
    let set = Set::new();
    let mut moment = set.moment();
    moment.world.drop_from_repository("cri-o");
    let mut set = Set::at(&moment);
    let plan = set.plan(CRIO_TO_DOCKER, &[]);
    let stopped = set.run(RUN, &plan, &mut |_, _, _| {}).expect("it drives");
    assert_eq!(stopped, Stopped::Paused(PauseWhy::Failed));
    assert_eq!(set.lab.effects(), Vec::new(), "nothing was touched");
    let history = set.history();
    let failed: Vec<&str> = history.runs[&RUN].in_stage(Stage::Failed).map(|(step, _)| step.path.as_str()).collect();
    assert_eq!(failed, ["preflight/gluster1.demo/put-back"]);
}

#[test]
fn labels_outside_the_node_group_survive_the_new_node() {
    let mut set = Set::new();
    let world = set.lab.snapshot();
    let before = world.node("gluster1.demo").expect("the node").labels.clone();
    let plan = set.plan(CRIO_TO_DOCKER, &[]);
    set.run(RUN, &plan, &mut |_, _, _| {}).expect("it drives");
    let world = set.lab.snapshot();
    let after = &world.node("gluster1.demo").expect("the node").labels;
    for (name, value) in before.iter().filter(|(name, _)| name.as_str() != "runtime") {
        assert_eq!(after.get(name), Some(value), "{name}");
    }
    assert_eq!(after.get("runtime"), None, "the label of the old runtime is gone");
}

/// A host is moved to a node group of its own, made by hand, before the run: the case for which the procedure deletes
/// the ConfigMap.
#[test]
fn a_custom_node_group_is_deleted_only_when_no_other_node_lives_on_it() {
    let mut set = Set::new();
    let plan = set.plan(CRIO_TO_DOCKER, &[("custom_node_group", "node-config-infra-crio")]);
    let stopped = set.run(RUN, &plan, &mut |_, _, _| {}).expect("it drives");
    // gluster2 and gluster3 still take their configuration from it (T1).
    assert_eq!(stopped, Stopped::Paused(PauseWhy::Failed));
    let history = set.history();
    let path = StepPath::new("gluster1.demo/drop-node-group").expect("a path");
    let ix = history.runs[&RUN].find(&path).expect("the step");
    let (_, known) = history.runs[&RUN].step(ix).expect("the step");
    assert_eq!(known.why, Some(palinode_core::record::Why::Precondition));
    assert!(set.lab.snapshot().config_map("openshift-node", "node-config-infra-crio").is_some());
    // Passed over with a reason, the run goes on.
    set.skip(RUN, &path, "still used by the nodes that come later");
    assert_eq!(set.resume(RUN).expect("it drives"), Stopped::Paused(PauseWhy::Failed), "gluster2 meets the same");
    let path = StepPath::new("gluster2.demo/drop-node-group").expect("a path");
    set.skip(RUN, &path, "still used by gluster3");
    assert_eq!(set.resume(RUN).expect("it drives"), Stopped::Closed(RunEnd::Done), "gluster3 is the last one on it");
    assert!(set.lab.snapshot().config_map("openshift-node", "node-config-infra-crio").is_none());
    set.roll_back(RUN, &Scope::Run, BACK).expect("it drives");
    assert!(set.lab.snapshot().config_map("openshift-node", "node-config-infra-crio").is_some(), "and it comes back");
}

#[test]
fn an_inventory_that_is_gone_fails_its_step_and_nothing_else() {
    let mut set = Set::new();
    let plan = set.plan(CRIO_TO_DOCKER, &[]);
    let text = set.inventory();
    set.files.remove(INVENTORY).expect("memory can forget");
    assert_eq!(set.run(RUN, &plan, &mut |_, _, _| {}).expect("it drives"), Stopped::Paused(PauseWhy::Failed));
    set.files.replace(INVENTORY, text.as_bytes(), 0o644).expect("memory takes a file");
    set.retry(RUN, &StepPath::new("before/new-nodes-group").expect("a path"));
    assert_eq!(set.resume(RUN).expect("it drives"), Stopped::Closed(RunEnd::Done));
    let image = set.journal.entries().find_map(|stored| match &stored.entry.event {
        Event::Intent(intent) if intent.attempt == 2 => match &intent.before {
            ImageRef::Here(image) => Some((**image).clone()),
            ImageRef::Sealed { .. } => None,
        },
        _ => None,
    });
    let image = image.expect("there is a second attempt");
    assert!(image.values().all(|state| *state == State::Absent), "the first attempt's before-image is kept");
}
