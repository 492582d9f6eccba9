//! Decisions that come while something is under way, and runs that meet each other's traces.

use palinode_core::id::{BlobId, Epoch, HostName, Micros, RunId, Seq, StepPath};
use palinode_core::port::{
    BodyError, Entries, Handed, HandedDecision, Journal, JournalRead, ReadError, RecordError, Stored, Vault, Verb,
};
use palinode_core::record::{Answer, Decision, Draft, Event, Owner, PauseWhy, RunEnd, Scope, World};
use palinode_core::run::history::History;
use palinode_core::run::life::Stage;
use palinode_core::run::plan::Plan;
use palinode_journal::MemJournal;
use palinode_replay::driver::{DriveError, Driver, Opening, Refused, Stopped, Surroundings, TakeOver, Targets};
use palinode_replay::lab::{self, Fault, Phase};
use palinode_tests::memory::{BACK, CRIO_TO_DOCKER, RUN, Stage as Set};
use palinode_tests::owner::actor;
use std::sync::Arc;

const SMALL: &str = "\
runbook: small
hosts: { group: glusterfs, serial: 1 }
each_host:
  - cordon: { kube.cordon: {} }
  - reboot: { reboot: {} }
  - conf: { file: { paths: [/etc/yum.conf], state: absent } }
";

/// A journal into whose inbox a decision falls when the last entry is of some kind.
struct Late {
    inner: MemJournal,
    when: fn(&Event) -> bool,
    decision: Option<HandedDecision>,
    left: Vec<String>,
}

impl JournalRead for Late {
    fn read(&self, from: Seq) -> Result<Entries<'_>, ReadError> {
        self.inner.read(from)
    }
    fn public(&self, id: BlobId) -> Result<Vec<u8>, ReadError> {
        self.inner.public(id)
    }
    fn vault(&self, keys: RunId) -> Result<Arc<dyn Vault>, BodyError> {
        self.inner.vault(keys)
    }
}

impl Journal for Late {
    fn append(&mut self, drafts: Vec<Draft>) -> Result<Vec<Stored>, RecordError> {
        self.inner.append(drafts)
    }
    fn post(&mut self, drafts: Vec<Draft>) -> Result<Vec<Stored>, RecordError> {
        self.inner.post(drafts)
    }
    fn put_public(&mut self, bytes: &[u8]) -> Result<BlobId, RecordError> {
        self.inner.put_public(bytes)
    }
    fn create_keys(&mut self, run: RunId) -> Result<Arc<dyn Vault>, RecordError> {
        self.inner.create_keys(run)
    }
    fn owner(&self) -> &Owner {
        self.inner.owner()
    }
    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }
    fn inbox(&mut self) -> Result<Vec<Handed>, ReadError> {
        if self.inner.entries().last().is_some_and(|last| (self.when)(&last.entry.event))
            && let Some(decision) = self.decision.take()
        {
            self.inner.hand_in(decision);
        }
        let all = self.inner.inbox()?;
        self.left = all.iter().map(|handed| handed.name.clone()).collect();
        Ok(all)
    }
    fn take(&mut self, name: &str) -> Result<(), RecordError> {
        self.left.retain(|left| left != name);
        self.inner.take(name)
    }
}

fn opening() -> Opening {
    let world = World::Lab { folder: "lab".to_owned() };
    Opening { world, actor: actor(), reason: None, change: None, force: false, targets: Targets::default() }
}

/// Drives a plan in a stage's lab with a decision that comes late.
fn drive(
    set: &Set,
    plan: &Plan,
    when: fn(&Event) -> bool,
    decision: HandedDecision,
) -> (Result<Stopped, DriveError>, Late) {
    let mut journal = Late { inner: set.journal.clone(), when, decision: Some(decision), left: Vec::new() };
    let mut quiet = |_: &History, _: &Stored| {};
    let around = Surroundings { wall: &|| Micros(0), watch: &mut quiet, stop: set.stop.clone(), tick: None };
    let history = set.history();
    let stopped = Driver::begin(&mut journal, &set.lab, around, history, RUN, plan, opening())
        .and_then(|mut driver| lab::block_on(&set.lab, driver.drive()).map_err(DriveError::from).and_then(|end| end));
    (stopped, journal)
}

fn path(text: &str) -> StepPath {
    StepPath::new(text).expect("a path")
}

fn handout(run: RunId, verb: Verb, reason: &str) -> HandedDecision {
    HandedDecision { run, verb, by: actor(), reason: Some(reason.to_owned()), seen: None }
}

/// What the driver waited for meanwhile has no place in the step's life any more. Recorded all the same, it would make
/// the journal unreadable.
#[test]
fn an_answer_while_the_driver_waits_for_the_job_is_what_counts() {
    for answer in [Answer::Applied, Answer::NotApplied] {
        let set = Set::new();
        let plan = set.plan(CRIO_TO_DOCKER, &[]);
        let step = path("gluster1.demo/scaleup");
        set.lab.fault(Fault { step: step.clone(), attempt: 1, phase: Phase::LinkCut });
        let waiting = |event: &Event| matches!(event, Event::Probed(probed) if probed.decision == Decision::Wait);
        let verb = Verb::Answer { step: step.clone(), answer };
        let (stopped, journal) = drive(&set, &plan, waiting, handout(RUN, verb, "seen on the node"));
        assert!(journal.decision.is_none(), "the decision came");
        // Taken as done too early, later steps may miss what the playbook still brings.
        assert!(
            matches!(stopped, Ok(Stopped::Closed(RunEnd::Done) | Stopped::Paused(PauseWhy::Failed))),
            "{stopped:?}"
        );
        let history = History::load(&journal).expect("the journal can still be read");
        let state = &history.runs[&RUN];
        let (_, known) = state.find(&step).and_then(|ix| state.step(ix)).expect("the step");
        assert_eq!((known.stage, known.attempt > 1), (Stage::Succeeded, answer == Answer::NotApplied));
    }
}

#[test]
fn a_decision_about_another_open_run_waits_for_that_runs_driver() {
    let mut set = Set::new();
    let plan = set.plan(SMALL, &[]);
    let other = RunId([5; 8]);
    set.lab.make_fail(path("gluster1.demo/cordon"), 1, "no", lab::Failing::Before);
    assert_eq!(
        set.run(other, &plan, &mut |_, _, _| {}).expect("it drives"),
        Stopped::Paused(PauseWhy::Failed),
        "an open run"
    );
    let verb = Verb::Answer { step: path("gluster1.demo/cordon"), answer: Answer::Retry };
    let (_, journal) = drive(&set, &plan, |_| true, handout(other, verb, "mended"));
    assert_eq!(journal.left.len(), 1, "it is still there");
}

#[test]
fn a_pause_says_who_asked_and_why() {
    let set = Set::new();
    let plan = set.plan(SMALL, &[]);
    let (stopped, journal) =
        drive(&set, &plan, |event| matches!(event, Event::Outcome(_)), handout(RUN, Verb::Pause, "lunch"));
    assert_eq!(stopped.expect("it drives"), Stopped::Paused(PauseWhy::Asked));
    let last = journal.inner.entries().last().expect("entries");
    assert!(matches!(&last.entry.event, Event::Paused { by: Some(by), reason: Some(_), .. } if *by == actor()));
}

/// An entry behind the end of a run would make the journal unreadable.
#[test]
fn a_closed_run_is_not_taken_over() {
    let mut set = Set::new();
    let plan = set.plan(SMALL, &[]);
    assert_eq!(set.run(RUN, &plan, &mut |_, _, _| {}).expect("it drives"), Stopped::Closed(RunEnd::Done));
    let count = set.journal.len();
    assert!(matches!(set.resume(RUN), Err(DriveError::Refused(Refused::Closed))));
    assert_eq!(set.journal.len(), count);
    set.history();
}

#[test]
fn a_run_that_is_being_taken_back_does_not_go_on() {
    let mut set = Set::new();
    let plan = set.plan(SMALL, &[]);
    set.lab.make_fail(path("gluster2.demo/conf"), 1, "no", lab::Failing::Before);
    assert_eq!(set.run(RUN, &plan, &mut |_, _, _| {}).expect("it drives"), Stopped::Paused(PauseWhy::Failed));
    set.lab.make_fail(path("undo/gluster1.demo/cordon"), 1, "no", lab::Failing::Before);
    assert_eq!(set.roll_back(RUN, &Scope::Run, BACK).expect("it drives"), Stopped::Paused(PauseWhy::Failed));
    assert!(matches!(set.resume(RUN), Err(DriveError::Refused(Refused::TakenBack(BACK)))));
    set.retry(BACK, &path("undo/gluster1.demo/cordon"));
    assert!(matches!(set.resume(BACK), Ok(Stopped::Closed(_))));
}

/// Braces in what a host or an API said are no template.
#[test]
fn an_annotation_with_braces_comes_back_as_it_was() {
    let mut moment = Set::new().moment();
    let note = "{{ bootstrap_config }} and {{ .Values.x }}";
    let record = moment.world.node_mut("gluster1.demo").expect("the node");
    record.annotations.insert("example.com/note".to_owned(), note.to_owned());
    let mut set = Set::at(&moment);
    let plan = set.plan(CRIO_TO_DOCKER, &[]);
    assert_eq!(set.run(RUN, &plan, &mut |_, _, _| {}).expect("it drives"), Stopped::Closed(RunEnd::Done));
    let host = HostName::new("gluster1.demo").expect("a host");
    let stopped = set.roll_back(RUN, &Scope::Host(host), BACK).expect("it drives");
    assert_eq!(stopped, Stopped::Closed(RunEnd::PartlyRolledBack));
    let world = set.lab.snapshot();
    let now = world.node("gluster1.demo").expect("the node").annotations.get("example.com/note").cloned();
    assert_eq!(now.as_deref(), Some(note));
}

/// Contents are named by digests under each run's own key: the same file has another name in another run.
#[test]
fn another_runs_record_of_a_file_is_no_drift() {
    let copy = "\
runbook: copy
hosts: { group: glusterfs, serial: 1 }
each_host:
  - conf: { file.copy: { from: /etc/sysconfig/atomic-openshift-node, to: /etc/yum.conf } }
";
    let look = "\
runbook: look
hosts: { group: glusterfs, serial: 1 }
each_host:
  - baseline: { record: { files: [/etc/yum.conf] } }
";
    let mut set = Set::new();
    let (copy, look) = (set.plan(copy, &[]), set.plan(look, &[]));
    assert_eq!(set.run(RUN, &copy, &mut |_, _, _| {}).expect("it drives"), Stopped::Closed(RunEnd::Done));
    let other = RunId([5; 8]);
    assert_eq!(set.run(other, &look, &mut |_, _, _| {}).expect("it drives"), Stopped::Closed(RunEnd::Done));
    // Back, and there again: nobody else changed anything.
    assert_eq!(set.roll_back(RUN, &Scope::Run, BACK).expect("it drives"), Stopped::Closed(RunEnd::RolledBack));
    let again = RunId([6; 8]);
    assert_eq!(set.run(again, &copy, &mut |_, _, _| {}).expect("it drives"), Stopped::Closed(RunEnd::Done));
    let drift = set.journal.entries().find(|stored| matches!(stored.entry.event, Event::DriftFound { .. }));
    assert!(drift.is_none(), "{drift:?}");
}

/// What an operator passed over on the way back is not claimed, and can be taken back later.
#[test]
fn an_undo_that_was_passed_over_is_no_rollback() {
    let mut set = Set::new();
    let plan = set.plan(SMALL, &[]);
    set.run(RUN, &plan, &mut |_, _, _| {}).expect("it drives");
    let conf = path("undo/gluster1.demo/conf");
    set.lab.make_fail(conf.clone(), 1, "no", lab::Failing::Before);
    assert_eq!(set.roll_back(RUN, &Scope::Run, BACK).expect("it drives"), Stopped::Paused(PauseWhy::Failed));
    set.skip(BACK, &conf, "later");
    assert_eq!(set.resume(BACK).expect("it drives"), Stopped::Closed(RunEnd::PartlyRolledBack));
    let third = RunId([3; 8]);
    set.roll_back(RUN, &Scope::Run, third).expect("it drives");
    let world = set.lab.snapshot();
    assert!(world.host("gluster1.demo").is_some_and(|host| host.files.text("/etc/yum.conf").is_some()));
}

/// A step of a run that was taken back is done again, on the node that came back under another UID.
#[test]
fn a_deleted_node_that_came_back_can_be_deleted_again() {
    let mut set = Set::new();
    let plan = set.plan(CRIO_TO_DOCKER, &[]);
    // The run stops behind the deletion, and that host is taken back.
    set.lab.make_fail(path("gluster1.demo/inventory"), 1, "no", lab::Failing::Before);
    assert_eq!(set.run(RUN, &plan, &mut |_, _, _| {}).expect("it drives"), Stopped::Paused(PauseWhy::Failed));
    let host = HostName::new("gluster1.demo").expect("a host");
    let stopped = set.roll_back(RUN, &Scope::Host(host), BACK).expect("it drives");
    assert_eq!(stopped, Stopped::Closed(RunEnd::PartlyRolledBack));
    // The kubelet stops once more, or it would register the node again at once.
    set.retry(RUN, &path("gluster1.demo/stop-runtime"));
    set.retry(RUN, &path("gluster1.demo/leave"));
    let mut quiet = |_: &History, _: &Stored| {};
    let around = Surroundings { wall: &|| Micros(0), watch: &mut quiet, stop: set.stop.clone(), tick: None };
    let by = TakeOver { actor: actor(), gap: None, force: false, targets: Targets::default() };
    let history = set.history();
    let mut driver = Driver::take_over(&mut set.journal, &set.lab, around, history, RUN, by).expect("it is open");
    drop(lab::block_on(&set.lab, driver.drive()).expect("the lab goes on"));
    let history = set.history();
    let state = &history.runs[&RUN];
    let (_, known) = state.find(&path("gluster1.demo/leave")).and_then(|ix| state.step(ix)).expect("the step");
    assert_eq!(known.stage, Stage::Succeeded, "{:?}", known.why);
}
