//! What a driver claims of its own doing: nothing begins after a stop, what one host saw is not what another one left, a
//! decision is as old as what the person saw, and time is what passed.

use palinode_core::action::{Action, Target};
use palinode_core::cluster::ClusterId;
use palinode_core::gate::Gate;
use palinode_core::id::{HostName, Micros, ResourceKey, RunId, StepPath};
use palinode_core::port::{
    Bodies, Ended, Executor, Halted, HandedDecision, Job, JobStatus, LookError, Report, Sample, Stored, Survey, Verb,
};
use palinode_core::record::{Ending, Entry, Event, PauseWhy, RunEnd, Scope, Why, World};
use palinode_core::resource::Image;
use palinode_core::run::history::History;
use palinode_core::run::life::Stage;
use palinode_executors::Files as _;
use palinode_journal::MemJournal;
use palinode_replay::driver::{Driver, Opening, Stop, Stopped, Surroundings, TakeOver};
use palinode_replay::lab::{self, Lab};
use palinode_tests::binary::{Desk, Out};
use palinode_tests::memory::{BACK, INVENTORY, RUN, Stage as Set, replays};
use palinode_tests::owner::actor;
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

type Looks<'a> = Box<dyn Fn(&Target, &Action) -> Micros + 'a>;

/// A lab in which a test has its hand.
struct Meddled<'a> {
    lab: &'a Lab,
    /// Before a look at what an action needs; returns how long the look takes.
    look: Looks<'a>,
    /// Before a job.
    job: Box<dyn Fn(&Job) + 'a>,
    /// Before a sample; returns how long it takes and whether it is answered.
    sample: Box<dyn Fn() -> (Micros, bool) + 'a>,
}

impl<'a> Meddled<'a> {
    fn new(lab: &'a Lab) -> Self {
        Self { lab, look: Box::new(|_, _| Micros(0)), job: Box::new(|_| {}), sample: Box::new(|| (Micros(0), true)) }
    }

    async fn pass(&self, time: Micros) {
        if time > Micros(0) {
            self.lab.sleep(self.lab.now().plus(time)).await;
        }
    }
}

impl Executor for Meddled<'_> {
    async fn survey(&self, target: &Target, action: &Action, bodies: &dyn Bodies) -> Result<Survey, LookError> {
        self.pass((self.look)(target, action)).await;
        self.lab.survey(target, action, bodies).await
    }
    async fn node_of(&self, target: &Target) -> Result<Option<String>, LookError> {
        self.lab.node_of(target).await
    }

    async fn observe(&self, keys: &[ResourceKey], bodies: &dyn Bodies) -> Result<Image, LookError> {
        self.lab.observe(keys, bodies).await
    }
    async fn execute(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        (self.job)(job);
        self.lab.execute(job, bodies).await
    }
    async fn status(&self, job: &Job, bodies: &dyn Bodies) -> Result<JobStatus, LookError> {
        self.lab.status(job, bodies).await
    }
    async fn told(&self, job: &Job, bodies: &dyn Bodies) -> Result<Vec<Report>, LookError> {
        self.lab.told(job, bodies).await
    }
    async fn attach(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        self.lab.attach(job, bodies).await
    }
    async fn revoke(&self, job: &Job) -> Result<bool, LookError> {
        self.lab.revoke(job).await
    }
    async fn sample(&self, target: &Target, gate: &Gate, bodies: &dyn Bodies) -> Result<Sample, LookError> {
        let (time, answers) = (self.sample)();
        self.pass(time).await;
        if !answers {
            return Err(LookError::Unreachable { target: "the cluster".to_owned(), cause: None });
        }
        self.lab.sample(target, gate, bodies).await
    }
    fn cluster(&self) -> Option<ClusterId> {
        self.lab.cluster()
    }
    fn now(&self) -> Micros {
        self.lab.now()
    }
    fn is_virtual(&self) -> bool {
        true
    }
    fn sleep(&self, until: Micros) -> impl Future<Output = ()> {
        self.lab.sleep(until)
    }
    fn idle(&self) -> impl Future<Output = Result<(), Halted>> {
        self.lab.idle()
    }
}

fn opening(world: World) -> Opening {
    Opening {
        world,
        actor: actor(),
        reason: None,
        change: None,
        force: false,
        targets: palinode_replay::driver::Targets::default(),
    }
}

fn in_lab() -> Opening {
    opening(World::Lab { folder: "lab".to_owned() })
}

fn path(text: &str) -> StepPath {
    StepPath::new(text).expect("a path")
}

/// Drives a new run of a runbook in a stage's lab, with a hand in it.
fn drive(set: &mut Set, runbook: &str, world: &Meddled<'_>) -> Stopped {
    let plan = set.plan(runbook, &[]);
    let mut quiet = |_: &History, _: &Stored| {};
    let around = Surroundings { wall: &|| Micros(0), watch: &mut quiet, stop: set.stop.clone(), tick: None };
    let history = set.history();
    let mut driver = Driver::begin(&mut set.journal, world, around, history, RUN, &plan, in_lab()).expect("it begins");
    let stopped = lab::block_on(world.lab, driver.drive()).expect("the lab lives").expect("the driver goes on");
    replays(&set.journal);
    stopped
}

fn intents(journal: &MemJournal, step: &str) -> usize {
    let of = |entry: &&Stored| matches!(&entry.entry.event, Event::Intent(intent) if intent.step.as_str() == step);
    journal.entries().filter(of).count()
}

/// A stage with a lab of its own: the driver borrows the stage, the executor the lab.
fn apart(set: &Set) -> Lab {
    let files = set.files.clone();
    let reader = files.clone();
    let around = lab::Surroundings {
        read_inventory: Box::new(move || Ok(reader.read(INVENTORY)?.map(|file| file.bytes).unwrap_or_default())),
        inventory_path: INVENTORY.to_owned(),
        control: Box::new(palinode_executors::InventoryFiles::new(files)),
    };
    Lab::in_memory(set.lab.snapshot(), around)
}

const SLOW: &str = "\
runbook: slow
hosts: { group: glusterfs, serial: 3 }
each_host:
  - reboot: { reboot: {} }
  - conf: { file: { paths: [/etc/yum.conf], state: absent } }
";

/// Host 1 is at work, host 2 is being looked at for three seconds; a second into that a stop is asked for.
#[test]
fn nothing_begins_once_a_stop_is_asked_for() {
    for how in ["a signal", "the inbox", "leave"] {
        let mut set = Set::new();
        let lab = apart(&set);
        let (stop, asked) = (set.stop.clone(), Cell::new(false));
        let inbox = RefCell::new(None);
        let mut world = Meddled::new(&lab);
        world.look = Box::new(|target, _| {
            let host = target.host.as_ref().map_or("", HostName::as_str);
            Micros::seconds(if host == "gluster2.demo" { 3 } else { 0 })
        });
        // Its first job begins after the looks did.
        world.job = Box::new(|_| match how {
            "leave" => stop.set(Stop::Leave),
            "a signal" => stop.set(Stop::Pause),
            _ => asked.set(true),
        });
        if how == "the inbox" {
            let verb = Verb::Pause;
            *inbox.borrow_mut() = Some(HandedDecision { run: RUN, verb, by: actor(), reason: None, seen: None });
        }
        let plan = set.plan(SLOW, &[]);
        let journal = Asked { inner: set.journal.clone(), when: &asked, decision: inbox };
        let mut journal = journal;
        let mut quiet = |_: &History, _: &Stored| {};
        let around = Surroundings { wall: &|| Micros(0), watch: &mut quiet, stop: set.stop.clone(), tick: None };
        let history = set.history();
        let mut driver = Driver::begin(&mut journal, &world, around, history, RUN, &plan, in_lab()).expect("it begins");
        let stopped = lab::block_on(&lab, driver.drive()).expect("the lab lives").expect("the driver goes on");
        drop(driver);
        match how {
            "leave" => assert_eq!(stopped, Stopped::Left),
            _ => assert_eq!(stopped, Stopped::Paused(PauseWhy::Asked), "{how}"),
        }
        assert_eq!(intents(&journal.inner, "gluster2.demo/reboot"), 0, "{how}: it began after the stop");
        replays(&journal.inner);
        drop(world);
        // It is looked at again, and done, once the run goes on.
        set.journal = journal.inner.clone();
        set.stop.set(Stop::No);
        let mut quiet = |_: &History, _: &Stored| {};
        let around = Surroundings { wall: &|| Micros(0), watch: &mut quiet, stop: set.stop.clone(), tick: None };
        let history = set.history();
        let by = TakeOver {
            actor: actor(),
            gap: Some(Micros(0)),
            force: false,
            targets: palinode_replay::driver::Targets::default(),
        };
        let mut driver = Driver::take_over(&mut set.journal, &lab, around, history, RUN, by).expect("taken over");
        let stopped = lab::block_on(&lab, driver.drive()).expect("the lab lives").expect("the driver goes on");
        assert_eq!(stopped, Stopped::Closed(RunEnd::Done), "{how}");
        replays(&set.journal);
    }
}

/// A journal into whose inbox a decision falls at a moment.
struct Asked<'a> {
    inner: MemJournal,
    when: &'a Cell<bool>,
    decision: RefCell<Option<HandedDecision>>,
}

mod asked {
    use super::Asked;
    use palinode_core::id::{BlobId, Epoch, RunId, Seq};
    use palinode_core::port::{
        BodyError, Entries, Handed, Journal, JournalRead, ReadError, RecordError, Stored, Vault,
    };
    use palinode_core::record::{Draft, Owner};
    use std::sync::Arc;

    impl JournalRead for Asked<'_> {
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

    impl Journal for Asked<'_> {
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
            if self.when.get()
                && let Some(decision) = self.decision.take()
            {
                self.inner.hand_in(decision);
            }
            self.inner.inbox()
        }
        fn take(&mut self, name: &str) -> Result<(), RecordError> {
            self.inner.take(name)
        }
    }
}

const SHARED: &str = "\
runbook: shared
hosts: { group: glusterfs, serial: 3 }
each_host:
  - inventory: { inventory.edit: { edits: [ { set_host_var: { host: \"{{ host }}\", name: colour, value: red } } ] } }
  - cordon: { kube.cordon: {} }
";

/// The lines of hosts that have the variable.
fn red(text: &str) -> Vec<String> {
    let of = text.lines().filter(|line| line.contains("colour=red"));
    of.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn an_edit_of_a_file_that_hosts_share_is_taken_back_alone() {
    for back in [&["--host", "gluster2.demo"][..], &["--step", "gluster2.demo/inventory"]] {
        let desk = Desk::new();
        desk.write("shared.yml", SHARED);
        desk.run(&["run", "shared.yml", "--lab"]).exits(0);
        assert_eq!(red(&desk.inventory()).len(), 3);
        let before: Vec<_> = desk
            .entries()
            .iter()
            .filter_map(|entry| entry["entry"]["event"].get("Intent").cloned())
            .filter(|intent| intent["step"].as_str().is_some_and(|step| step.ends_with("/inventory")))
            .map(|intent| intent["before"].clone())
            .collect();
        assert!(before[0] != before[1] && before[1] != before[2] && before[0] != before[2], "each found another file");
        desk.run(&[&["rollback", "--yes"][..], back].concat()).exits(0).says(&["rolled-back"]);
        assert_eq!(red(&desk.inventory()), ["gluster1.demo", "gluster3.demo"], "{back:?}");
        desk.run(&["replay", "--strict"]).exits(0);
    }
}

#[test]
fn a_file_that_someone_writes_between_look_and_effect_is_looked_at_again() {
    let mut set = Set::new();
    let lab = apart(&set);
    let (files, times) = (set.files.clone(), Cell::new(0));
    let mut world = Meddled::new(&lab);
    world.job = Box::new(|job| {
        if job.step.as_str() == "gluster1.demo/inventory" && times.replace(times.get() + 1) < 2 {
            let mut bytes = files.read(INVENTORY).expect("memory").map(|file| file.bytes).unwrap_or_default();
            bytes.extend(format!("# by hand {}\n", times.get()).into_bytes());
            files.replace(INVENTORY, &bytes, 0o644).expect("memory");
        }
    });
    assert_eq!(drive(&mut set, SHARED, &world), Stopped::Closed(RunEnd::Done));
    drop(world);
    let entries: Vec<Entry> = set.journal.entries().map(|stored| stored.entry.clone()).collect();
    let lost = |entry: &&Entry| matches!(&entry.event, Event::Outcome(o) if (o.ending, o.why) == (Ending::Unknown, Some(Why::Conflict)));
    assert_eq!(entries.iter().filter(lost).count(), 2);
    assert_eq!(intents(&set.journal, "gluster1.demo/inventory"), 3);
    let text = set.inventory();
    assert!(text.contains("# by hand 1") && text.contains("# by hand 2"), "what others wrote is kept: {text}");
    assert_eq!(red(&text).len(), 3);
    // And what goes back is what the attempt found that acted.
    let host = HostName::new("gluster1.demo").expect("a host");
    let mut back = Set::at(&palinode_tests::memory::Moment {
        journal: set.journal.clone(),
        world: lab.snapshot(),
        inventory: set.inventory(),
    });
    let end = back.roll_back(RUN, &Scope::Host(host), BACK).expect("it goes back");
    assert_eq!(end, Stopped::Closed(RunEnd::RolledBack));
    let text = back.inventory();
    assert!(text.contains("# by hand 1") && text.contains("# by hand 2"), "{text}");
    assert_eq!(red(&text).len(), 2);
}

/// Whoever is overtaken each time is not asked to try for ever.
#[test]
fn a_file_that_someone_writes_all_the_time_waits_for_a_person() {
    let mut set = Set::new();
    let lab = apart(&set);
    let (files, times) = (set.files.clone(), Cell::new(0));
    let mut world = Meddled::new(&lab);
    world.job = Box::new(|job| {
        if job.step.as_str() == "gluster1.demo/inventory" {
            times.set(times.get() + 1);
            let mut bytes = files.read(INVENTORY).expect("memory").map(|file| file.bytes).unwrap_or_default();
            bytes.extend(format!("# by hand {}\n", times.get()).into_bytes());
            files.replace(INVENTORY, &bytes, 0o644).expect("memory");
        }
    });
    assert_eq!(drive(&mut set, SHARED, &world), Stopped::Paused(PauseWhy::Failed));
    drop(world);
    assert!((2..10).contains(&times.get()), "{}", times.get());
    let history = set.history();
    let state = &history.runs[&RUN];
    let (_, known) = state.find(&path("gluster1.demo/inventory")).and_then(|ix| state.step(ix)).expect("the step");
    assert_eq!((known.stage, known.touched), (Stage::Failed, false));
}

const PACKAGES: &str = "gluster1.demo/packages";

fn failed() -> Desk {
    let desk = Desk::new();
    desk.run(&["run", "crio-to-docker", "--lab", "--host", "gluster1.demo", "--fail", PACKAGES]).exits(3);
    desk
}

fn latest(desk: &Desk) -> RunId {
    let id = desk.json(&["status"])["run"].as_str().expect("a run").to_owned();
    let bytes: Vec<u8> = (0..16).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).expect("hex")).collect();
    RunId(bytes.try_into().expect("eight bytes"))
}

/// Hands a decision in as somebody would who saw the journal as it is now, and whom no driver heard.
fn hand_in(desk: &Desk, run: RunId, verb: Verb) {
    let root = desk.path().join(".palinode");
    let reader = palinode_journal::JournalReader::open(&root).expect("a journal");
    let seen = Some(History::load(&reader).expect("it folds").seq);
    let decision = HandedDecision { run, verb, by: actor(), reason: Some("left in the inbox".to_owned()), seen };
    palinode_journal::hand_in(&root, &decision).expect("it is handed in");
}

#[test]
fn an_older_decision_never_beats_a_newer_one() {
    let desk = failed();
    hand_in(&desk, latest(&desk), Verb::Skip { step: path(PACKAGES) });
    desk.run(&["retry", PACKAGES, "--reason", "the mirror is back"]).exits(0).says(&["recorded"]);
    let out = desk.run(&["resume"]).exits(0);
    out.says(&["crio-to-docker: done"]).complains(&["was discarded", PACKAGES, "has moved on since"]);
    let skipped = |entry: &serde_json::Value| entry["entry"]["event"]["Skipped"]["step"] == PACKAGES;
    assert!(!desk.entries().iter().any(skipped));
    assert_eq!(desk.files(".palinode/inbox").len(), 0, "it is discarded for good");
}

#[test]
fn of_two_decisions_that_nobody_took_in_the_later_one_counts() {
    let desk = failed();
    let run = latest(&desk);
    hand_in(&desk, run, Verb::Skip { step: path(PACKAGES) });
    std::thread::sleep(Duration::from_millis(2));
    let answer = palinode_core::record::Answer::Retry;
    hand_in(&desk, run, Verb::Answer { step: path(PACKAGES), answer });
    desk.run(&["resume"]).exits(0).says(&["done"]).complains(&["was discarded", "a later decision"]);
    let skipped = |entry: &serde_json::Value| entry["entry"]["event"]["Skipped"]["step"] == PACKAGES;
    assert!(!desk.entries().iter().any(skipped));
}

/// A pause that a dead driver did not hear is not meant for the next one.
#[test]
fn a_pause_that_no_driver_heard_stops_no_later_one() {
    let desk = failed();
    hand_in(&desk, latest(&desk), Verb::Pause);
    desk.run(&["retry", PACKAGES]).exits(0);
    desk.run(&["resume"]).exits(0).says(&["done"]).complains(&["a wish to pause", "taken over since"]);
}

const SIDE: &str = "\
runbook: side
hosts: { group: glusterfs, serial: 2 }
each_host:
  - reboot: { reboot: {} }
  - cordon: { kube.cordon: {} }
";

#[test]
fn a_decision_for_a_run_that_nobody_drives_says_who_drives_what() {
    let desk = failed();
    let first = latest(&desk).to_string();
    desk.write("side.yml", SIDE);
    let world = desk.lab().display().to_string();
    let args = ["run", "side.yml", "--lab-state", &world, "--host", "gluster2.demo", "--pace", "10"];
    let mut driver = desk.spawn(&args);
    driver.until("run ");
    driver.until_it("the reboot", |_| intent_of(&desk, "gluster2.demo/reboot"));
    let out = desk.run(&["retry", PACKAGES, "--run", &first]).exits(0);
    out.says(&["drives run", "side", "waits", &first[..4], "is resumed"]);
    let other = latest(&desk).to_string();
    let out = desk.run(&["pause", &first]).exits(0);
    out.says(&["nobody drives run"]);
    let value = desk.json(&["pause"]);
    assert_eq!(value["run"], other.as_str(), "a pause is for the run that is driven");
    driver.end().exits(3);
    desk.run(&["resume", &first]).exits(0).says(&["crio-to-docker: done"]);
}

fn intent_of(desk: &Desk, step: &str) -> bool {
    desk.entries().iter().any(|entry| entry["entry"]["event"]["Intent"]["step"] == step)
}

#[test]
fn a_recorded_failure_is_overruled_only_on_purpose() {
    let desk = failed();
    let before = desk.files(".palinode/segments");
    let none = desk.run(&["resolve", PACKAGES]).exits(2);
    none.complains(&[
        "--applied",
        "goes on behind it",
        "--not-applied",
        "tried again",
        "--partial",
        "counts as failed",
    ]);
    let out = desk.run(&["resolve", PACKAGES, "--applied"]).exits(2);
    out.complains(&["is not in doubt", "needs a reason", "palinode retry"]);
    let out = desk.run(&["resolve", PACKAGES, "--applied", "--reason", " "]).exits(2);
    out.complains(&["is not in doubt"]);
    let shown = |out: Out| out.complains(&["attempt 1", "it ended with an error", "failed because --fail said so"]);
    let out = desk.run(&["resolve", PACKAGES, "--applied", "--reason", "seen by hand"]).exits(2);
    shown(out).complains(&["no terminal", "--yes"]);
    for answer in ["--not-applied", "--partial"] {
        let out = desk.run(&["resolve", PACKAGES, answer, "--reason", "seen by hand", "--yes"]).exits(2);
        out.complains(&["is not in doubt", "palinode retry"]);
    }
    assert_eq!(desk.files(".palinode/segments"), before, "nothing was recorded");
    shown(desk.run(&["resolve", PACKAGES, "--applied", "--reason", "seen by hand", "--yes"]).exits(0));
    let entries = desk.entries();
    let resolved = entries.iter().find_map(|entry| entry["entry"]["event"].get("Resolved")).expect("it is recorded");
    assert_eq!(resolved["overruled"], true);
    desk.run(&["log"]).exits(0).says(&["it happened, against its recorded failure", "seen by hand"]);
    desk.run(&["status"]).exits(0).says(&["failures that a person overruled", PACKAGES]);
    assert_eq!(desk.json(&["status"])["overruled"][0], PACKAGES);
    desk.run(&["replay", "--strict"]).exits(0);
}

/// What the journal of a decision in doubt says is no overruling.
#[test]
fn an_answer_about_a_step_in_doubt_overrules_nothing() {
    let desk = Desk::new();
    desk.write("doubt.yml", DOUBT);
    let die = "gluster1.demo/unexclude:half";
    desk.run(&["run", "doubt.yml", "--lab", "--host", "gluster1.demo", "--die", die]).killed();
    desk.run(&["resume"]).exits(4);
    desk.run(&["resolve", "gluster1.demo/unexclude", "--applied"]).exits(0);
    let entries = desk.entries();
    let resolved = entries.iter().find_map(|entry| entry["entry"]["event"].get("Resolved")).expect("it is recorded");
    assert!(resolved.get("overruled").is_none_or(|told| *told == false));
    desk.run(&["resume"]).exits(0);
    desk.run(&["replay", "--strict"]).exits(0);
}

const DOUBT: &str = "\
runbook: doubt
hosts: { group: glusterfs }
each_host:
  - unexclude: { command: { run: [/sbin/atomic-openshift-excluder, unexclude], changes: [] }, recovery: ask }
";

/// A world whose clock a test sets, and in which a gate opens when it is told to. Time passes all the same.
struct Clocked {
    wall: Cell<i64>,
    began: Instant,
    asked: Cell<u32>,
    /// What is added to the clock after the first sample.
    jump: i64,
    opens_at: u32,
}

impl Executor for Clocked {
    async fn survey(&self, _: &Target, _: &Action, _: &dyn Bodies) -> Result<Survey, LookError> {
        Ok(Survey::default())
    }
    async fn node_of(&self, target: &Target) -> Result<Option<String>, LookError> {
        Ok(target.node.clone())
    }

    async fn observe(&self, _: &[ResourceKey], _: &dyn Bodies) -> Result<Image, LookError> {
        Ok(Image::new())
    }
    async fn execute(&self, _: &Job, _: &dyn Bodies) -> Ended {
        Ended::NotStarted("nothing is done here".to_owned())
    }
    async fn status(&self, _: &Job, _: &dyn Bodies) -> Result<JobStatus, LookError> {
        Ok(JobStatus::Unknown)
    }
    async fn attach(&self, _: &Job, _: &dyn Bodies) -> Ended {
        Ended::Unknown("nothing runs here".to_owned())
    }
    async fn revoke(&self, _: &Job) -> Result<bool, LookError> {
        Ok(true)
    }
    async fn sample(&self, _: &Target, _: &Gate, _: &dyn Bodies) -> Result<Sample, LookError> {
        self.asked.set(self.asked.get() + 1);
        if self.asked.get() == 2 {
            self.wall.set(self.wall.get() + self.jump);
        }
        Ok(Sample { pass: self.asked.get() >= self.opens_at, ..Sample::default() })
    }
    fn now(&self) -> Micros {
        Micros(self.wall.get() + i64::try_from(self.began.elapsed().as_micros()).expect("a short test"))
    }
    fn is_virtual(&self) -> bool {
        false
    }
    async fn sleep(&self, until: Micros) {
        let left = until.since(self.now()).0;
        assert!(left < 60_000_000, "it would sleep {left} microseconds");
        std::thread::sleep(Duration::from_micros(u64::try_from(left).unwrap_or(0)));
    }
    async fn idle(&self) -> Result<(), Halted> {
        std::future::pending().await
    }
}

const GATE: &str = "\
runbook: gate
hosts: { group: glusterfs, serial: 1 }
each_host:
  - healed: { gate: { gluster.healed: { samples: 1, every: 1s } }, timeout: TIME }
";

fn gate(timeout: &str) -> String {
    GATE.replace("TIME", timeout)
}

fn clocked(timeout: &str, world: &Clocked) -> (Stopped, MemJournal) {
    let mut set = Set::new();
    let plan = set.plan(&gate(timeout), &[]);
    let mut quiet = |_: &History, _: &Stored| {};
    let around = Surroundings { wall: &|| Micros(0), watch: &mut quiet, stop: set.stop.clone(), tick: None };
    let mut driver =
        Driver::begin(&mut set.journal, world, around, History::default(), RUN, &plan, opening(World::Real))
            .expect("it begins");
    let stopped = futures_util::FutureExt::now_or_never(driver.drive()).expect("it never waits for anything else");
    drop(driver);
    replays(&set.journal);
    (stopped.expect("the driver goes on"), set.journal)
}

fn world(jump: i64, opens_at: u32) -> Clocked {
    let wall = Cell::new(1_700_000_000_000_000);
    Clocked { wall, began: Instant::now(), asked: Cell::new(0), jump, opens_at }
}

const HOURS: i64 = 2 * 3_600_000_000;

#[test]
fn a_clock_that_is_set_forward_is_no_time_that_passed() {
    let (stopped, journal) = clocked("30m", &world(HOURS, 3));
    assert_eq!(stopped, Stopped::Closed(RunEnd::Done));
    let fired = |stored: &Stored| matches!(stored.entry.event, Event::TimerFired { .. });
    assert!(!journal.entries().any(fired));
}

#[test]
fn a_clock_that_is_set_back_keeps_no_gate() {
    let began = Instant::now();
    let (stopped, _) = clocked("3s", &world(-HOURS, u32::MAX));
    assert_eq!(stopped, Stopped::Paused(PauseWhy::Failed));
    assert!(began.elapsed() < Duration::from_secs(30));
}

/// Ten samples that each take 40 seconds, and none of which is answered: the time is up all the same.
#[test]
fn the_time_of_a_gate_begins_with_the_waiting_not_with_the_first_answer() {
    let mut set = Set::new();
    let lab = apart(&set);
    let times = Cell::new(0);
    let mut world = Meddled::new(&lab);
    world.sample = Box::new(|| {
        times.set(times.get() + 1);
        (Micros::seconds(40), false)
    });
    assert_eq!(drive(&mut set, &gate("30s"), &world), Stopped::Paused(PauseWhy::Failed));
    assert_eq!(times.get(), 1, "it took longer than the gate may take");
}

/// What was waited before a driver left counts, and what passed while nobody drove does not.
#[test]
fn a_gate_goes_on_with_what_was_waited_before() {
    let mut set = Set::new();
    let lab = apart(&set);
    let (stop, times) = (set.stop.clone(), Cell::new(0));
    let mut world = Meddled::new(&lab);
    world.sample = Box::new(|| {
        times.set(times.get() + 1);
        if times.get() == 5 {
            stop.set(Stop::Pause);
        }
        (Micros::seconds(9), false)
    });
    assert_eq!(drive(&mut set, &gate("2m"), &world), Stopped::Paused(PauseWhy::Asked));
    drop(world);
    let waited = |journal: &MemJournal| {
        let of = |stored: &Stored| match &stored.entry.event {
            Event::GateSampled { waited, .. } => *waited,
            _ => None,
        };
        journal.entries().filter_map(of).last().expect("it was sampled")
    };
    let first = waited(&set.journal);
    assert!((Micros::seconds(30)..Micros::seconds(60)).contains(&first), "{first:?}");
    lab.advance(Micros::seconds(3600));
    set.stop.set(Stop::No);
    let more = Cell::new(0);
    let mut world = Meddled::new(&lab);
    world.sample = Box::new(|| {
        more.set(more.get() + 1);
        (Micros::seconds(9), false)
    });
    let mut quiet = |_: &History, _: &Stored| {};
    let around = Surroundings { wall: &|| Micros(0), watch: &mut quiet, stop: set.stop.clone(), tick: None };
    let history = set.history();
    let by = TakeOver {
        actor: actor(),
        gap: Some(Micros::seconds(3600)),
        force: false,
        targets: palinode_replay::driver::Targets::default(),
    };
    let mut driver = Driver::take_over(&mut set.journal, &world, around, history, RUN, by).expect("taken over");
    let stopped = lab::block_on(&lab, driver.drive()).expect("the lab lives").expect("the driver goes on");
    drop(driver);
    assert_eq!(stopped, Stopped::Paused(PauseWhy::Failed));
    assert!((4..10).contains(&more.get()), "{} samples after {first:?}", more.get());
    assert!(waited(&set.journal) >= Micros::seconds(120));
    replays(&set.journal);
}
