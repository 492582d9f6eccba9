//! What the fold knows across runs: the last recorded state of every resource, what counts as taken back, and runs of
//! rules that this binary does not have.

use super::{History, LoadError};
use crate::action::{Action, Command, Undo, Verdict};
use crate::id::{BlobId, BodyId, EntryId, Epoch, Micros, ResourceKey, RunId, Seq};
use crate::port::{BodyError, Entries, JournalRead, ReadError, Stored, Vault};
use crate::record::{
    Actor, Answer, Class, Decision, Ending, Entry, Event, FoundThere, HostKeys, ImageRef, Intent, JobWord, Outcome,
    Owner, Place, Probed, Rule, RunOpened, Scope, Sealed, ShownState, ShownStates, SkipWhy, Why, World, blob_id,
};
use crate::resource::{Fields, Image, Node, State};
use crate::run::inadmissible::Inadmissible;
use crate::run::life::Stage;
use crate::run::plan::{Plan, Work};
use crate::run::rules::version::RULES;
use crate::test_util::fixture::{BACK, Bench, RUN, host, hosts, path, plan, stop, unit};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const OTHER: RunId = RunId([3; 8]);
const FOREIGN: RunId = RunId([4; 8]);

fn one_host() -> Plan {
    hosts(1, 1, 0)
}

/// A plan of rules that this binary does not have.
fn of_later_rules() -> Plan {
    Plan { rules: RULES + 1, ..one_host() }
}

fn key(name: &str) -> ResourceKey {
    ResourceKey::unit(&host("a"), name)
}

fn image(name: &str, runs: bool) -> ImageRef {
    ImageRef::here(Image::from([(key(name), unit(runs))]))
}

/// What is last recorded of a unit in the world of a run: the run that recorded it, and whether the unit ran.
fn last(bench: &Bench, of: RunId, name: &str) -> Option<(RunId, bool)> {
    let recorded = bench.history.last(of, &key(name))?;
    let ImageRef::Here(image) = &*recorded.image else { return None };
    Some((recorded.run, image.get(&key(name)) == Some(&unit(true))))
}

fn outcome(bench: &Bench, run: RunId, name: &str, why: Option<Why>, after: ImageRef) -> Event {
    Event::Outcome(Box::new(Outcome {
        attempt: bench.step(run, name).1.attempt,
        step: path(name),
        ending: if why.is_some() { Ending::Failed } else { Ending::Succeeded },
        why,
        code: None,
        message: None,
        output: None,
        after,
        captures: BTreeMap::new(),
        losses: Vec::new(),
    }))
}

fn probed(bench: &Bench, run: RunId, name: &str, (job, decision): (JobWord, Decision), observed: ImageRef) -> Event {
    Event::Probed(Box::new(Probed {
        attempt: bench.step(run, name).1.attempt,
        step: path(name),
        verdict: Verdict::CannotTell,
        rule: Rule::Probe,
        decision,
        job,
        observed,
        evidence: None,
        output: None,
        captures: BTreeMap::new(),
        code: None,
    }))
}

fn taken_over(found: Option<FoundThere>, host_keys: Option<HostKeys>) -> Event {
    Event::OwnerChanged {
        owner: Owner { host: "bastion".to_owned(), boot: "boot".to_owned(), pid: 2, started: 2 },
        gap: None,
        actor: Actor::default(),
        force: false,
        host_keys: host_keys.map(Box::new),
        found: found.map(Box::new),
    }
}

/// A journal in memory.
struct Kept {
    entries: Vec<Stored>,
    blobs: Vec<Vec<u8>>,
}

impl Kept {
    fn of(blobs: &[Vec<u8>], events: Vec<(RunId, Event)>) -> Self {
        let stored = |(seq, (run, event)): (u64, (RunId, Event))| Stored {
            id: EntryId([0; 32]),
            entry: Entry {
                seq: Seq(seq),
                run,
                epoch: Epoch(1),
                time: Micros::seconds(1),
                wall: None,
                prev: EntryId([0; 32]),
                event,
                bodies: BTreeMap::new(),
            },
        };
        Self { entries: (1..).zip(events).map(stored).collect(), blobs: blobs.to_vec() }
    }
}

impl JournalRead for Kept {
    fn read(&self, from: Seq) -> Result<Entries<'_>, ReadError> {
        Ok(Box::new(self.entries.iter().filter(move |stored| stored.entry.seq >= from).cloned().map(Ok)))
    }

    fn public(&self, id: BlobId) -> Result<Vec<u8>, ReadError> {
        Ok(self.blobs.iter().find(|bytes| blob_id(bytes) == id).expect("the blob was given").clone())
    }

    fn vault(&self, _: RunId) -> Result<Arc<dyn Vault>, BodyError> {
        Err(BodyError::Erased)
    }
}

/// Two runs, one after the other.
fn two_runs() -> Kept {
    let mut bench = Bench::default();
    let opened = |opened: RunOpened| Event::RunOpened(Box::new(opened));
    let (first, second) = (bench.opening(&one_host()), bench.opening(&one_host()));
    let paused = || Event::Paused { why: crate::record::PauseWhy::Asked, by: None, reason: None };
    Kept::of(&bench.blobs, vec![(RUN, opened(first)), (OTHER, opened(second)), (RUN, paused()), (OTHER, paused())])
}

#[test]
fn a_journal_is_folded_from_its_first_entry_to_its_last() {
    let history = History::load(&two_runs()).expect("it folds");
    assert_eq!((history.order.as_slice(), history.seq), ([RUN, OTHER].as_slice(), Seq(4)));
    assert!(history.is_whole() && history.runs.values().all(|run| run.paused.is_some()));
    assert_eq!(history.latest().map(|run| run.run), Some(OTHER));
}

/// Showing the latest run does not read years of others: their entries are passed over, and nothing is driven from it.
#[test]
fn a_journal_can_be_folded_from_a_later_run_on() {
    let history = History::load_since(&two_runs(), Seq(2)).expect("it folds");
    assert_eq!(history.order, [OTHER]);
    assert!(!history.is_whole(), "a run of the journal is not in it");
    assert!(history.runs[&OTHER].paused.is_some());
    assert!(History::load_since(&two_runs(), Seq(1)).expect("it folds").is_whole());
    assert!(History::load_since(&two_runs(), Seq(0)).expect("it folds").is_whole());
}

#[test]
fn an_entry_of_a_run_that_was_never_opened_is_refused_in_a_whole_journal() {
    let mut kept = two_runs();
    kept.entries.remove(1);
    assert!(matches!(History::load(&kept), Err(LoadError::NoRun { seq: Seq(4), run: OTHER })));
    let mut bench = Bench::open(&one_host());
    let again = bench.opening(&one_host());
    assert!(matches!(bench.try_feed(RUN, Event::RunOpened(Box::new(again))), Err(LoadError::Twice { .. })));
}

#[test]
fn sealed_bodies_are_found_wherever_they_came_with_an_entry() {
    let mut kept = two_runs();
    let sealed = Sealed { class: Class::Words, len: 1, place: Place::Inline(vec![1]) };
    for (number, stored) in (1..).zip(&mut kept.entries) {
        stored.entry.bodies = BTreeMap::from([(BodyId([number; 32]), sealed.clone())]);
    }
    let history = History::load(&kept).expect("it folds");
    assert_eq!(history.bodies.len(), 4);
    assert_eq!(history.bodies.get(&BodyId([3; 32])).map(|body| &**body), Some(&sealed));
}

/// Which machine a host is, by which key it is known, and whose claims were taken: also what a later process found.
#[test]
fn what_a_process_found_where_the_run_acts_is_known_from_then_on() {
    let mut bench = Bench::default();
    let keys = |of: &str, word: &str| HostKeys::Here(BTreeMap::from([(host(of), word.to_owned())]));
    let claim = |name: &str| BTreeMap::from([(name.to_owned(), BodyId([1; 32]))]);
    let motd = |of: &str| ResourceKey::file(&host(of), "/etc/motd");
    let text = |body| State::file(0o644, "root:root", 1, BodyId([body; 32]));
    let found = |of: &str| FoundThere {
        machines: Some(keys(of, &format!("machine {of}"))),
        taken: claim(of),
        host_changed: BTreeSet::from([host(of)]),
        forced: BTreeSet::from([ResourceKey::boot(&host(of))]),
        shown: Some(ShownStates::Here(BTreeMap::from([(
            motd(of),
            ShownState { state: text(1), fields: Fields::All },
        )]))),
    };
    let opened = RunOpened {
        host_keys: Some(keys("a", "key a")),
        found: Some(Box::new(found("a"))),
        ..bench.opening(&hosts(2, 1, 0))
    };
    bench.feed(RUN, Event::RunOpened(Box::new(opened)));
    bench.feed(RUN, taken_over(Some(found("b")), Some(keys("b", "key b"))));
    let state = bench.state();
    let both = |what: &str| BTreeMap::from(["a", "b"].map(|of| (host(of), format!("{what} {of}"))));
    assert_eq!((&state.host_keys, &state.machines), (&both("key"), &both("machine")));
    assert_eq!(state.taken.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(state.host_changed, BTreeSet::from([host("a"), host("b")]));
    // A person agreed for one process: the next one asks anew.
    let may = |key: &ResourceKey, found: &State| state.may_overwrite(key, found);
    let boot = |of: &str| ResourceKey::boot(&host(of));
    assert!(may(&boot("b"), &State::Absent) && !may(&boot("a"), &State::Absent));
    // And to the state that was shown, not to the resource.
    assert!(may(&motd("b"), &text(1)) && !may(&motd("b"), &text(2)) && !may(&motd("a"), &text(1)));
}

#[test]
fn the_last_recorded_state_is_the_one_after_the_last_attempt_whichever_run_made_it() {
    let mut bench = Bench::open(&one_host());
    assert_eq!(last(&bench, RUN, "one"), None, "nobody looked yet");
    bench.intend(RUN, "a/one");
    assert_eq!(last(&bench, RUN, "one"), Some((RUN, true)), "as the step found it");
    bench.end(RUN, "a/one", Ending::Succeeded);
    assert_eq!(last(&bench, RUN, "one"), Some((RUN, false)), "as the step left it");
    bench.begin(OTHER, &one_host());
    assert_eq!(last(&bench, OTHER, "one"), Some((RUN, false)), "a later run knows it too");
    bench.intend(OTHER, "a/one");
    assert_eq!(last(&bench, RUN, "one"), Some((OTHER, true)));
    // The same name means another host in a simulated world.
    let lab = RunOpened { world: World::Lab { folder: "/lab".to_owned() }, ..bench.opening(&one_host()) };
    let there = RunId([5; 8]);
    bench.feed(there, Event::RunOpened(Box::new(lab)));
    assert_eq!(last(&bench, there, "one"), None);
    assert_eq!(bench.history.last(RunId([6; 8]), &key("one")).map(|found| found.seq), None, "no such run");
}

/// What differs then is perhaps what booting made of it.
#[test]
fn a_reboot_behind_the_last_recorded_state_is_known_until_something_newer_is_recorded() {
    let mut reboot = stop("a", "two");
    reboot.work = Work::Act(Action::Reboot {});
    let boots =
        plan(1, 0, vec![("a", vec![stop("a", "one"), reboot, stop("a", "three")]), ("b", vec![stop("b", "one")])]);
    let mut bench = Bench::open(&boots);
    let since = |bench: &Bench, of: RunId, key: &ResourceKey| {
        bench.history.rebooted_since(of, key).map(|(run, step)| (run, step.to_string()))
    };
    let was = Some((RUN, "a/two".to_owned()));
    bench.succeed("a/one");
    assert_eq!(since(&bench, RUN, &key("one")), None);
    bench.succeed("a/two");
    assert_eq!(since(&bench, RUN, &key("one")), was);
    assert_eq!(since(&bench, RUN, &key("nothing")), None, "it was never recorded");
    bench.succeed("a/three");
    assert_eq!((since(&bench, RUN, &key("three")), since(&bench, RUN, &key("one"))), (None, was.clone()));
    bench.succeed("b/one");
    assert_eq!(since(&bench, RUN, &ResourceKey::unit(&host("b"), "one")), None, "another host");
    bench.begin(OTHER, &one_host());
    assert_eq!(since(&bench, OTHER, &key("one")), was, "whichever run did it");
    bench.intend(OTHER, "a/one");
    assert_eq!(since(&bench, RUN, &key("one")), None);
}

/// Drift is told by it: what others made of a resource must not pass for our own work.
#[test]
fn what_is_there_after_a_refusal_is_not_recorded_as_our_work() {
    for (rules, why, recorded) in [
        (RULES, Why::Precondition, false),
        (RULES, Why::Conflict, false),
        (RULES, Why::Revoked, false),
        (RULES, Why::NotStarted, false),
        (RULES, Why::ExitCode, true),
        (3, Why::Precondition, true),
        (3, Why::ExitCode, true),
    ] {
        let mut bench = Bench::open(&Plan { rules, ..one_host() });
        bench.intend(RUN, "a/one");
        let event = outcome(&bench, RUN, "a/one", Some(why), image("one", false));
        bench.feed(RUN, event);
        assert_eq!(last(&bench, RUN, "one"), Some((RUN, !recorded)), "rules {rules}, {why:?}");
    }
}

#[test]
fn a_look_records_what_it_saw_unless_the_job_never_started() {
    for (rules, job, recorded) in [
        (RULES, JobWord::Interrupted, true),
        (RULES, JobWord::FinishedWell, true),
        (RULES, JobWord::NotStarted, false),
        (3, JobWord::NotStarted, true),
        (3, JobWord::Interrupted, true),
    ] {
        let mut bench = Bench::open(&Plan { rules, ..one_host() });
        bench.intend(RUN, "a/one");
        bench.take_over();
        let event = probed(&bench, RUN, "a/one", (job, Decision::Ask), image("one", false));
        bench.feed(RUN, event);
        assert_eq!(last(&bench, RUN, "one"), Some((RUN, !recorded)), "rules {rules}, {job:?}");
    }
}

/// A further attempt repeats the before-image of the first one: history, not what is there now.
#[test]
fn a_further_attempt_records_only_what_the_first_did_not_look_at() {
    let mut bench = Bench::open(&one_host());
    bench.fail("a/one");
    assert_eq!(last(&bench, RUN, "one"), Some((RUN, false)));
    bench.answer("a/one", Answer::Retry);
    let mut before = Image::from([(key("one"), unit(true))]);
    before.insert(key("other"), unit(true));
    let intent = Intent { before: ImageRef::here(before), ..bench.intent_of(RUN, "a/one") };
    bench.feed(RUN, Event::Intent(Arc::new(intent)));
    assert_eq!(last(&bench, RUN, "one"), Some((RUN, false)), "what the first attempt left stays the last known");
    assert_eq!(last(&bench, RUN, "other"), Some((RUN, true)), "that was looked at now");
}

/// A node that registers again has another UID; it is told from one that nobody ever saw.
#[test]
fn a_node_is_known_by_each_uid_that_it_was_ever_seen_under() {
    let mut bench = Bench::open(&one_host());
    let node = State::Node(Box::new(Node {
        uid: "seen".to_owned(),
        unschedulable: false,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        taints: BTreeSet::new(),
        ready: true,
        runtime: String::new(),
        kubelet: String::new(),
    }));
    let before = ImageRef::here(Image::from([(ResourceKey::node("a"), node)]));
    let intent = Intent { before, ..bench.intent_of(RUN, "a/one") };
    bench.feed(RUN, Event::Intent(Arc::new(intent)));
    assert!(bench.history.saw_uid(RUN, "seen"));
    assert!(!bench.history.saw_uid(RUN, "other"));
    assert!(!bench.history.saw_uid(OTHER, "seen"), "no such run");
}

/// A rollback of the step `a/one`, whose undo has as many parts as there are words, begun and not done.
fn going_back(words: &[&str]) -> Bench {
    let mut bench = Bench::open(&one_host());
    let undo = |word: &&str| Undo::new(Action::Command(Command::of(vec![(*word).to_owned()], Vec::new())));
    bench.intend_with("a/one", words.iter().map(undo).collect());
    bench.end(RUN, "a/one", Ending::Succeeded);
    let way = bench.way_back(RUN, &Scope::Step(path("a/one"))).expect("it can be planned");
    bench.begin(BACK, &way.plan);
    bench
}

fn parts(bench: &Bench) -> Vec<String> {
    bench.run(BACK).plan.steps.iter().map(|step| step.path.to_string()).collect()
}

#[test]
fn a_step_is_taken_back_once_all_parts_of_its_undo_are_done() {
    let mut bench = going_back(&["x", "y"]);
    let names = parts(&bench);
    bench.does(BACK, &names[0]);
    assert_eq!(bench.stage("a/one"), Stage::Succeeded, "one part is not the undo");
    bench.does(BACK, &names[1]);
    assert_eq!(bench.stage("a/one"), Stage::Compensated);
    // A part that was passed over was not taken back.
    let mut bench = going_back(&["x", "y"]);
    bench.skip_in(BACK, &names[0], SkipWhy::Operator);
    bench.does(BACK, &names[1]);
    assert_eq!(bench.stage("a/one"), Stage::Succeeded);
}

/// An undo of which only a look or a person says that it is done is done.
#[test]
fn an_undo_in_doubt_counts_once_it_is_known_to_be_applied() {
    let name = "undo/a/one";
    for (decision, stage) in [(Decision::Succeeded, Stage::Compensated), (Decision::Ask, Stage::Succeeded)] {
        let mut bench = going_back(&["x"]);
        bench.intend(BACK, name);
        bench.feed(BACK, taken_over(None, None));
        let event = probed(&bench, BACK, name, (JobWord::Interrupted, decision), ImageRef::here(Image::new()));
        bench.feed(BACK, event);
        assert_eq!(bench.stage("a/one"), stage, "{decision:?}");
    }
    for (answer, stage) in [(Answer::Applied, Stage::Compensated), (Answer::Partial, Stage::Succeeded)] {
        let mut bench = going_back(&["x"]);
        bench.intend(BACK, name);
        bench.feed(BACK, taken_over(None, None));
        let (by, step) = (Actor::default(), path(name));
        bench.feed(BACK, Event::Resolved { step, answer, by, reason: None, overruled: false });
        assert_eq!(bench.stage("a/one"), stage, "{answer:?}");
    }
}

/// A history with a run of later rules beside one of ours; `back`: the foreign one takes ours back.
fn with_foreign(back: bool) -> Bench {
    let mut bench = Bench::open(&one_host());
    let compensates = back.then_some(crate::record::Compensates { run: RUN, scope: Scope::Run });
    let opened = RunOpened { compensates, ..bench.opening(&of_later_rules()) };
    bench.feed(FOREIGN, Event::RunOpened(Box::new(opened)));
    bench
}

#[test]
fn a_run_of_later_rules_is_listed_and_followed_but_not_driven() {
    let mut bench = with_foreign(false);
    assert_eq!(bench.history.order, [RUN, FOREIGN]);
    assert_eq!(bench.history.latest().map(|run| run.run), Some(RUN), "the latest that this binary can show");
    bench.feed(FOREIGN, Event::Paused { why: crate::record::PauseWhy::Asked, by: None, reason: None });
    let foreign = bench.history.foreign[&FOREIGN].clone();
    assert_eq!((foreign.first, foreign.last, foreign.closed), (Seq(2), Seq(3), false));
    bench.close(FOREIGN);
    bench.feed(FOREIGN, Event::Paused { why: crate::record::PauseWhy::Asked, by: None, reason: None });
    let foreign = &bench.history.foreign[&FOREIGN];
    assert_eq!((foreign.last, foreign.closed), (Seq(5), true), "closed for good");
    let again = bench.opening(&of_later_rules());
    assert!(matches!(bench.try_feed(FOREIGN, Event::RunOpened(Box::new(again))), Err(LoadError::Twice { .. })));
}

/// The resources are the same ones: what a run of later rules left there is what is there.
#[test]
fn what_a_run_of_later_rules_recorded_counts() {
    let mut bench = with_foreign(false);
    let intent = |bench: &Bench, attempt: u32, before: ImageRef| {
        let mut intent = bench.intent_of(RUN, "a/one");
        intent.attempt = crate::id::Attempt::from(attempt);
        Event::Intent(Arc::new(Intent { before, ..intent }))
    };
    let first = intent(&bench, 1, image("one", true));
    bench.feed(FOREIGN, first);
    assert_eq!(last(&bench, RUN, "one"), Some((FOREIGN, true)));
    let left = outcome(&bench, RUN, "a/one", None, image("one", false));
    bench.feed(FOREIGN, left);
    assert_eq!(last(&bench, RUN, "one"), Some((FOREIGN, false)));
    let second = intent(&bench, 2, image("one", true));
    bench.feed(FOREIGN, second);
    assert_eq!(last(&bench, RUN, "one"), Some((FOREIGN, false)), "a repeated before-image is history");
    let seen = probed(&bench, RUN, "a/one", (JobWord::Interrupted, Decision::Ask), image("one", true));
    bench.feed(FOREIGN, seen);
    assert_eq!(last(&bench, RUN, "one"), Some((FOREIGN, true)));
}

#[test]
fn a_run_is_left_alone_while_one_of_later_rules_takes_it_back() {
    let of = |bench: &Bench, run: RunId| bench.history.foreign_to(run).map(|(by, _)| by);
    let beside = with_foreign(false);
    assert_eq!((of(&beside, RUN), of(&beside, FOREIGN)), (None, Some(FOREIGN)));
    let back = with_foreign(true);
    assert_eq!((of(&back, RUN), of(&back, FOREIGN), of(&back, OTHER)), (Some(FOREIGN), Some(FOREIGN), None));
}

/// Whatever is refused here must not be appended: the journal could not be folded again.
#[test]
fn only_entries_that_have_their_place_are_admitted() {
    let mut bench = with_foreign(false);
    let paused = Event::Paused { why: crate::record::PauseWhy::Asked, by: None, reason: None };
    let opened = Event::RunOpened(Box::new(bench.opening(&one_host())));
    let asks = |events: &[(RunId, &Event)]| bench.history.admits(events.iter().copied());
    assert_eq!(asks(&[(RUN, &paused)]), Ok(()));
    assert_eq!(asks(&[(OTHER, &opened)]), Ok(()));
    assert_eq!(asks(&[(OTHER, &paused)]), Err(Inadmissible::NoRun(OTHER)));
    assert_eq!(asks(&[(RUN, &opened)]), Err(Inadmissible::Twice(RUN)));
    assert_eq!(asks(&[(FOREIGN, &paused)]), Err(Inadmissible::OtherRules { run: FOREIGN, theirs: RULES + 1 }));
    assert!(asks(&[(RUN, &paused), (FOREIGN, &paused)]).is_err(), "a batch is all or nothing");
    let done = bench.intent_of(RUN, "a/two");
    let early = Event::Intent(Arc::new(done));
    assert_eq!(asks(&[(RUN, &early)]), Err(Inadmissible::NotDue(path("a/two"))));
}

#[test]
fn a_later_step_of_another_host_stays_as_it_is_when_one_is_taken_back() {
    let lanes =
        vec![("before", vec![]), ("a", vec![stop("a", "one")]), ("b", vec![stop("b", "one")]), ("after", vec![])];
    let mut bench = Bench::open(&plan(1, 0, lanes));
    bench.succeed("a/one");
    bench.succeed("b/one");
    let way = bench.way_back(RUN, &Scope::Host(host("b"))).expect("it can be planned");
    bench.begin(BACK, &way.plan);
    bench.does(BACK, "undo/b/one");
    bench.close(BACK);
    assert_eq!((bench.stage("a/one"), bench.stage("b/one")), (Stage::Succeeded, Stage::Compensated));
}
