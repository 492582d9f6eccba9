//! What someone else changed meanwhile: respected on the way back, shown on the way there.

use palinode_core::id::{HostName, StepPath};
use palinode_core::record::{Event, PauseWhy, RunEnd, Scope};
use palinode_core::run::compensate::CompensateError;
use palinode_core::run::life::Stage;
use palinode_executors::Files;
use palinode_replay::driver::{DriveError, Stopped};
use palinode_replay::lab::{Effect, Entry, UnitVerb};
use palinode_replay::rollback;
use palinode_tests::memory::{BACK, CRIO_TO_DOCKER, INVENTORY, RUN, Stage as Set};

const SMALL: &str = "\
runbook: small
hosts: { group: glusterfs, serial: 1 }
each_host:
  - cordon: { kube.cordon: {} }
  - stop: { service: { unit: docker, state: stopped, enabled: false } }
  - conf: { file: { paths: [/etc/yum.conf], state: absent } }
";

fn ran(runbook: &str) -> Set {
    let mut set = Set::new();
    let plan = set.plan(runbook, &[]);
    let stopped = set.run(RUN, &plan, &mut |_, _, _| {}).expect("it drives");
    assert_eq!(stopped, Stopped::Closed(RunEnd::Done));
    set
}

fn host(name: &str) -> HostName {
    HostName::new(name).expect("a host name")
}

#[test]
fn a_rollback_does_not_overwrite_what_someone_changed_unless_forced() {
    let mut set = ran(SMALL);
    let put = |text: &str| Effect::Put {
        host: "gluster2.demo".to_owned(),
        path: "/etc/yum.conf".to_owned(),
        entry: Entry::text(text.to_owned()),
    };
    set.lab.change(put("[main]\nproxy=mine\n"));
    let stopped = set.roll_back(RUN, &Scope::Run, BACK).expect("it drives");
    let key = match stopped {
        Stopped::Paused(PauseWhy::Drift(key)) => Some(key),
        _ => None,
    };
    let key = key.expect("it pauses and names the resource");
    assert_eq!(key.as_str(), "gluster2.demo/file:/etc/yum.conf");
    let text =
        set.lab.snapshot().host("gluster2.demo").and_then(|host| host.files.text("/etc/yum.conf").map(str::to_owned));
    assert_eq!(text.as_deref(), Some("[main]\nproxy=mine\n"), "theirs is still there");
    assert!(set.journal.entries().any(|stored| matches!(&stored.entry.event, Event::DriftFound { forced: false, .. })));
    // Without force it stays refused; with force it goes on, and what was found is recorded.
    assert!(matches!(set.resume(BACK), Ok(Stopped::Paused(PauseWhy::Drift(_)))));
    assert_eq!(set.resume_with(BACK, true).expect("it drives"), Stopped::Closed(RunEnd::RolledBack));
    assert!(set.journal.entries().any(|stored| matches!(&stored.entry.event, Event::DriftFound { forced: true, .. })));
}

/// A person agrees to a state that was shown: not to the resource.
#[test]
fn what_changes_between_being_shown_and_being_overwritten_stops_the_rollback() {
    let mut set = ran(SMALL);
    let put = |set: &Set, text: &str| {
        let (host, path) = ("gluster2.demo".to_owned(), "/etc/yum.conf".to_owned());
        set.lab.change(Effect::Put { host, path, entry: Entry::text(text.to_owned()) });
    };
    put(&set, "[main]\nproxy=mine\n");
    assert!(matches!(set.roll_back(RUN, &Scope::Run, BACK), Ok(Stopped::Paused(PauseWhy::Drift(_)))));
    let shown = set.changed(BACK);
    let keys: Vec<&str> = shown.keys().map(|key| key.as_str()).collect();
    assert_eq!(keys, ["gluster2.demo/file:/etc/yum.conf"]);
    put(&set, "[main]\nproxy=yours\n");
    assert!(matches!(set.resume_over(BACK, shown.clone()), Ok(Stopped::Paused(PauseWhy::Drift(_)))));
    let text = |set: &Set| {
        let world = set.lab.snapshot();
        world.host("gluster2.demo").and_then(|host| host.files.text("/etc/yum.conf").map(str::to_owned))
    };
    assert_eq!(text(&set).as_deref(), Some("[main]\nproxy=yours\n"), "what was not shown is still there");
    // It was agreed to for that process, and the state is another one than was shown in either case.
    put(&set, "[main]\nproxy=mine\n");
    assert!(matches!(set.resume(BACK), Ok(Stopped::Paused(PauseWhy::Drift(_)))));
    assert_eq!(set.resume_over(BACK, shown).expect("it drives"), Stopped::Closed(RunEnd::RolledBack));
    assert!(set.changed(BACK).is_empty(), "nothing is ahead of a run that is over");
}

const MODE_ALONE: &str = "\
runbook: mode
hosts: { group: glusterfs, serial: 1 }
each_host:
  - write: { file: { path: /etc/own.conf, content: \"ours\" } }
  - mode: { file.permissions: { path: /etc/own.conf, mode: \"0600\" } }
";

/// Who changes what is in a file does not change who may read it; and what he wrote is his, whatever is done beside it.
#[test]
fn content_is_no_drift_to_a_step_that_owns_mode_and_owner_and_stays_drift_to_one_that_owns_it() {
    let mut set = ran(MODE_ALONE);
    let (host, path) = ("gluster1.demo", "/etc/own.conf");
    let put = |set: &Set, text: &str, mode: u32| {
        let entry = Entry::File { mode, owner: "root:root".to_owned(), content: text.into() };
        set.lab.change(Effect::Put { host: host.to_owned(), path: path.to_owned(), entry });
    };
    let text = |set: &Set| set.lab.snapshot().host(host).and_then(|host| host.files.text(path).map(str::to_owned));
    put(&set, "theirs", 0o600);
    let step = |name: &str| Scope::Step(StepPath::new(format!("gluster1.demo/{name}")).expect("a path"));
    assert_eq!(set.roll_back(RUN, &step("mode"), BACK).expect("it drives"), Stopped::Closed(RunEnd::RolledBack));
    assert_eq!(text(&set).as_deref(), Some("theirs"));
    // What the way back of the mode saw is not taken for what this journal wrote.
    let third = palinode_core::id::RunId([3; 8]);
    let stopped = set.roll_back(RUN, &step("write"), third).expect("it drives");
    assert!(matches!(&stopped, Stopped::Paused(PauseWhy::Drift(_))), "{stopped:?}");
    assert_eq!(text(&set).as_deref(), Some("theirs"));
    // Another mode than it was left with is drift.
    let mut set = ran(MODE_ALONE);
    put(&set, "ours", 0o666);
    let stopped = set.roll_back(RUN, &step("mode"), BACK).expect("it drives");
    assert!(matches!(&stopped, Stopped::Paused(PauseWhy::Drift(_))), "{stopped:?}");
}

#[test]
fn what_is_already_as_it_was_is_settled_without_an_effect() {
    let mut set = ran(SMALL);
    // Someone uncordoned the node already: that is where the rollback was going.
    let node = "gluster1.demo".to_owned();
    set.lab.change(Effect::Schedulable { node, on: true });
    let before = set.lab.effects().len();
    let stopped = set.roll_back(RUN, &Scope::Host(host("gluster1.demo")), BACK).expect("it drives");
    assert_eq!(stopped, Stopped::Closed(RunEnd::RolledBack));
    let history = set.history();
    let path = StepPath::new("undo/gluster1.demo/cordon").expect("a path");
    let ix = history.runs[&BACK].find(&path).expect("the step");
    assert_eq!(history.runs[&BACK].step(ix).expect("the step").1.stage, Stage::Skipped);
    let later = &set.lab.effects()[before..];
    assert!(later.iter().all(|applied| !matches!(applied.effect, Effect::Schedulable { .. })), "{later:?}");
}

#[test]
fn drift_on_the_way_there_is_shown_and_does_not_stop() {
    let mut set = Set::new();
    let twice = SMALL
        .replace("  - conf:", "  - again: { service: { unit: docker, state: stopped, enabled: false } }\n  - conf:");
    let plan = set.plan(&twice, &[]);
    // Someone enables the unit between the two steps.
    let mut done = false;
    let stopped = set.run(RUN, &plan, &mut |lab, _, stored| {
        let is_stop =
            matches!(&stored.entry.event, Event::Outcome(outcome) if outcome.step.as_str() == "gluster1.demo/stop");
        if is_stop && !done {
            done = true;
            let (host, unit) = ("gluster1.demo".to_owned(), "docker".to_owned());
            lab.change(Effect::Unit { host, unit, verb: UnitVerb::Enable });
        }
    });
    assert_eq!(stopped.expect("it drives"), Stopped::Closed(RunEnd::Done));
    let found = set.journal.entries().find_map(|stored| match &stored.entry.event {
        Event::DriftFound { step, expected, found, .. } => {
            Some((step.to_string(), expected.to_string(), found.to_string()))
        }
        _ => None,
    });
    let found = found.expect("drift was found");
    assert_eq!(found.0, "gluster1.demo/again");
    assert_ne!(found.1, found.2);
}

#[test]
fn one_host_comes_back_and_the_others_keep_their_inventory_edits() {
    let mut set = ran(CRIO_TO_DOCKER);
    let migrated = set.inventory();
    let original = palinode_replay::lab::inventory_text();
    let line = |text: &str, host: &str| {
        text.lines()
            .find(|line| line.starts_with(host) && line.contains("openshift_node_group_name"))
            .map(str::to_owned)
    };
    let stopped = set.roll_back(RUN, &Scope::Host(host("gluster1.demo")), BACK).expect("it drives");
    assert_eq!(stopped, Stopped::Closed(RunEnd::PartlyRolledBack));
    let now = set.inventory();
    assert_eq!(line(&now, "gluster1.demo"), line(&original, "gluster1.demo"));
    for other in ["gluster2.demo", "gluster3.demo"] {
        assert_eq!(line(&now, other), line(&migrated, other), "{other}");
        assert_ne!(line(&now, other), line(&original, other), "{other}");
    }
    // The rest can be taken back afterwards, and then the file is what it was.
    let third = palinode_core::id::RunId([3; 8]);
    set.roll_back(RUN, &Scope::Run, third).expect("it drives");
    assert_eq!(set.inventory(), original);
}

#[test]
fn someone_elses_edit_of_the_same_inventory_line_is_a_conflict_not_a_loss() {
    let mut set = ran(CRIO_TO_DOCKER);
    let edited = set.inventory().replace("gluster1.demo openshift", "gluster1.demo ansible_port=2222 openshift");
    assert_ne!(edited, set.inventory(), "the test edits something");
    set.files.replace(INVENTORY, edited.as_bytes(), 0o644).expect("memory takes a file");
    let stopped = set.roll_back(RUN, &Scope::Host(host("gluster1.demo")), BACK).expect("it drives");
    assert_eq!(stopped, Stopped::Paused(PauseWhy::Failed));
    assert_eq!(set.inventory(), edited, "nothing was overwritten");
}

#[test]
fn a_resource_that_a_later_step_outside_the_scope_wrote_is_not_changed_back() {
    let shared = "\
runbook: shared
hosts: { group: glusterfs, serial: 1 }
each_host:
  - cordon: { kube.cordon: {} }
  - first: { kube.patch-node: { labels: { colour: red } } }
  - second: { kube.patch-node: { labels: { colour: blue } } }
";
    let set = ran(shared);
    let step = StepPath::new("gluster1.demo/first").expect("a path");
    let refused = rollback::plan(&set.journal, &set.history(), RUN, &Scope::Step(step), false);
    let later = match refused {
        Err(DriveError::Compensate(CompensateError::WrittenSince { later, .. })) => Some(later.to_string()),
        _ => None,
    };
    assert_eq!(later.as_deref(), Some("gluster1.demo/second"));
    let step = StepPath::new("gluster1.demo/second").expect("a path");
    assert!(rollback::plan(&set.journal, &set.history(), RUN, &Scope::Step(step), false).is_ok());
}
