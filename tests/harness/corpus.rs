//! The corpus: journals of every kind of run, as a release of the format and of the rules wrote them.

use crate::memory::{BACK, CRIO_TO_DOCKER, RUN};
use crate::owner::actor;
use crate::story::{Story, copy_all};
use palinode_core::id::{HostName, Micros, RunId, Seq, StepPath};
use palinode_core::port::{HandedDecision, Stored, Verb};
use palinode_core::record::{Answer, Class, Event, FORMAT, PauseWhy, RunEnd, Scope};
use palinode_core::run::rules::version::RULES;
use palinode_replay::driver::{DriveError, Stopped};
use palinode_replay::lab::{Effect, Entry, Failing, Lab, Phase, UnitVerb};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const STEPS: &str = "\
runbook: steps
hosts: { group: glusterfs, serial: 1 }
each_host:
  - cordon: { kube.cordon: {} }
  - stop: { service: { unit: docker, state: stopped, enabled: false } }
  - conf: { file: { paths: [/etc/yum.conf, /etc/resolv.conf], state: absent } }
";

const CAREFUL: &str = "\
runbook: careful
hosts: { group: glusterfs, serial: 1 }
preflight:
  - storage: { gluster.healed: { samples: 2 }, timeout: 10m }
each_host:
  - cordon: { kube.cordon: {} }
  - drain: { kube.drain: { emptydir: delete, timeout: 15m } }
  - conf: { file: { paths: [/etc/yum.conf, /etc/resolv.conf], state: absent }, recovery: ask }
  - reboot: { reboot: {} }
  - healed: { gate: { gluster.healed: { samples: 2 } }, timeout: 2h }
  - schedulable: { restore: { step: cordon, fields: [unschedulable] } }
";

const IMPATIENT: &str = "\
runbook: impatient
hosts: { group: glusterfs, serial: 1 }
each_host:
  - reboot: { reboot: {} }
  - healed: { gate: { gluster.healed: { samples: 2 } }, timeout: 1s }
  - cordon: { kube.cordon: {} }
";

const DOUBT: &str = "\
runbook: doubt
hosts: { group: glusterfs }
each_host:
  - cordon: { kube.cordon: {} }
  - unexclude: { command: { run: [/sbin/atomic-openshift-excluder, unexclude], changes: [] }, recovery: ask }
  - schedulable: { restore: { step: cordon, fields: [unschedulable] } }
";

const AGAIN: &str = "\
runbook: again
hosts: { group: glusterfs, serial: 1 }
each_host:
  - cordon: { kube.cordon: {} }
  - stop: { service: { unit: docker, state: stopped, enabled: false } }
  - again: { service: { unit: docker, state: stopped, enabled: false } }
";

const SIDE: &str = "\
runbook: side-by-side
hosts: { group: glusterfs, serial: 2 }
before:
  - group: { inventory.edit: { edits: [ { ensure_child: { parent: OSEv3, child: new_nodes } } ] } }
each_host:
  - cordon: { kube.cordon: {} }
  - name: { file.read: { path: /etc/sysconfig/atomic-openshift-node, key: BOOTSTRAP_CONFIG_NAME }, capture: group }
  - conf: { file: { paths: [/etc/yum.conf], state: absent }, when: \"{{ group }} == 'another'\" }
  - reboot: { reboot: {} }
  - healed: { gate: { gluster.healed: { samples: 2 } }, timeout: 2h }
  - schedulable: { kube.uncordon: {} }
";

const BLOCKED: &str = "\
runbook: blocked
hosts: { group: glusterfs, serial: 1 }
each_host:
  - name: { file.read: { path: /etc/sysconfig/atomic-openshift-node, key: BOOTSTRAP_CONFIG_NAME }, capture: group }
  - cordon: { kube.cordon: {}, when: \"{{ group }} == 'another'\" }
  - back: { restore: { step: cordon, fields: [unschedulable] } }
";

const RESTORABLE: &str = "\
runbook: restorable
hosts: { group: glusterfs, serial: 1 }
each_host:
  - put-back: { gate: { package.restorable: { names: [docker] } }, timeout: 1m }
  - cordon: { kube.cordon: {} }
";

const GATED: &str = "\
runbook: gated
hosts: { group: glusterfs, serial: 1 }
each_host:
  - cordon: { kube.cordon: {} }
  - healed: { gate: { gluster.healed: { samples: 1 } }, timeout: 2h }
  - conf: { file: { paths: [/etc/yum.conf], state: absent } }
";

const G1: &str = "gluster1.demo";
const ONE: &[&str] = &[G1];
const ALL: &[&str] = &[];
const THIRD: RunId = RunId([3, 0, 0, 0, 0, 0, 0, 3]);

/// Tells a story.
pub type Script = fn(&mut Story);

/// Stories that go on otherwise since rules 2, by the name of their folder.
pub const SINCE_2: &[(&str, Script)] = &[
    ("a-gate-beyond-is-asked-again", |story| {
        story.fail("gluster1.demo/conf", Failing::Half);
        paused(story.run(RUN, GATED, ONE), &PauseWhy::Failed);
        closed(story.back(RUN, &Scope::Step(path("gluster1.demo/conf")), BACK), RunEnd::RolledBack);
        closed(story.back(RUN, &Scope::Step(path("gluster1.demo/cordon")), THIRD), RunEnd::RolledBack);
        story.answer(RUN, "gluster1.demo/conf", Answer::Retry);
        story.answer(RUN, "gluster1.demo/cordon", Answer::Retry);
        done(story.resume(RUN, false));
    }),
    ("a-host-comes-back-whole", |story| {
        // Since rules 4 a host is not taken back while another one stands half done.
        story.go_back_under(3);
        failed(story);
        closed(story.back(RUN, &Scope::Step(path("gluster1.demo/cordon")), BACK), RunEnd::RolledBack);
        story.answer(RUN, "gluster1.demo/cordon", Answer::Retry);
        let host = HostName::new(G1).expect("a host");
        closed(story.back(RUN, &Scope::Host(host), THIRD), RunEnd::RolledBack);
        story.answer(RUN, "gluster1.demo/conf", Answer::Retry);
        story.answer(RUN, "gluster2.demo/conf", Answer::Retry);
        done(story.resume(RUN, false));
    }),
];

/// Stories that go on otherwise since rules 3.
pub const SINCE_3: &[(&str, Script)] = &[("a-doubt-comes-first", |story| {
    let runbook = STEPS.replace("serial: 1", "serial: 1, max_fail: 1");
    story.fault("gluster1.demo/stop", Phase::Half);
    let dead = story.run(RUN, &runbook, &[G1, "gluster2.demo"]);
    assert!(matches!(dead, Err(DriveError::Halted(_))), "{dead:?}");
    closed(story.back(RUN, &Scope::Step(path("gluster1.demo/cordon")), BACK), RunEnd::RolledBack);
    story.answer(RUN, "gluster1.demo/cordon", Answer::Retry);
    story.lab().make_fail(path("gluster1.demo/cordon"), 2, "no such luck", Failing::Before);
    closed(story.resume(RUN, false), RunEnd::Failed);
})];

/// Stories that go on otherwise since rules 4.
pub const SINCE_4: &[(&str, Script)] = &[("a-gates-time-goes-on", |story| {
    let dir = story.dir().to_owned();
    let mut samples = 0;
    let mut watch = |_: &Lab, stored: &Stored| {
        samples += u32::from(matches!(stored.entry.event, Event::GateSampled { .. }));
        if samples == 3 && matches!(stored.entry.event, Event::GateSampled { .. }) {
            let handout = HandedDecision { run: RUN, verb: Verb::Pause, by: actor(), reason: None, seen: None };
            palinode_journal::hand_in(&dir, &handout).expect("a decision can be handed in");
        }
    };
    let runbook = IMPATIENT.replace("samples: 2", "samples: 3").replace("timeout: 1s", "timeout: 40s");
    paused(story.run_in("lab", RUN, (&runbook, ONE), &mut watch), &PauseWhy::Asked);
    // Storage is healed by now. Three good samples take longer than what is left of the gate's time.
    let mut stopped = story.resume(RUN, false);
    if matches!(stopped, Ok(Stopped::Paused(PauseWhy::Failed))) {
        story.answer(RUN, "gluster1.demo/healed", Answer::Retry);
        stopped = story.resume(RUN, false);
    }
    done(stopped);
    closed(story.back(RUN, &Scope::Step(path("gluster1.demo/cordon")), BACK), RunEnd::RolledBack);
})];

/// The versions of the rules since which some stories go on otherwise, with those stories.
pub const SINCE: &[(u32, &[(&str, Script)])] = &[(2, SINCE_2), (3, SINCE_3), (4, SINCE_4)];

/// Stories that go the same way under all rules, told again under those of today.
const AS_EVER: &[&str] = &["failed-and-retried", "asked-and-applied", "back-a-step"];

/// Findings that no journal under rules 1 has: told first under rules 2. All rules decide them alike.
pub const FOUND_2: &[(&str, Script)] = &[
    ("found-ended-badly", |story| {
        story.fail("gluster1.demo/conf", Failing::Half);
        died(story, "gluster1.demo/conf", Phase::Done);
        paused(story.resume(RUN, false), &PauseWhy::Failed);
        story.answer(RUN, "gluster1.demo/conf", Answer::Retry);
        done(story.resume(RUN, false));
    }),
    ("found-running", |story| {
        story.fault("gluster1.demo/scaleup", Phase::LinkCut);
        done(story.run(RUN, CRIO_TO_DOCKER, ONE));
    }),
    ("found-unheard", |story| {
        story.fault("gluster1.demo/name", Phase::Silent);
        let dead = story.run(RUN, SIDE, ONE);
        assert!(matches!(dead, Err(DriveError::Halted(_))), "{dead:?}");
        done(story.resume(RUN, false));
    }),
];

/// What has a journal under the rules of today: all that they decide otherwise, what was never told before, and a few
/// as ever.
pub fn todays() -> impl Iterator<Item = &'static (&'static str, Script)> {
    let as_ever = KINDS.iter().filter(|(name, _)| AS_EVER.contains(name));
    SINCE.iter().flat_map(|(_, stories)| *stories).chain(FOUND_2).chain(as_ever)
}

/// Every kind of run, by the name of its folder; under rules 1 each has a journal.
pub const KINDS: &[(&str, Script)] = &[
    ("done", |story| done(story.run(RUN, CRIO_TO_DOCKER, ONE))),
    ("failed-and-retried", |story| {
        failed(story);
        story.answer(RUN, "gluster2.demo/conf", Answer::Retry);
        done(story.resume(RUN, false));
    }),
    ("failed-and-skipped", |story| {
        failed(story);
        story.decide(RUN, Verb::Skip { step: path("gluster2.demo/conf") });
        done(story.resume(RUN, false));
    }),
    ("failed-and-applied", |story| {
        failed(story);
        story.answer(RUN, "gluster2.demo/conf", Answer::Applied);
        done(story.resume(RUN, false));
    }),
    ("killed-before-it-began", |story| killed(story, "gluster1.demo/drain", Phase::NotBegun)),
    ("killed-and-not-applied", |story| killed(story, "gluster1.demo/cordon", Phase::Half)),
    ("killed-and-partial", |story| killed(story, "gluster1.demo/drain", Phase::Half)),
    ("killed-and-applied", |story| killed(story, "gluster1.demo/reboot", Phase::Silent)),
    ("killed-and-finished", |story| killed(story, "gluster1.demo/reboot", Phase::Done)),
    ("killed-in-a-gate", |story| {
        died(story, "gluster1.demo/schedulable", Phase::NotBegun);
        done(story.resume(RUN, false));
    }),
    ("partial-and-not-safe-to-repeat", |story| {
        died(story, "gluster1.demo/conf", Phase::Half);
        paused(story.resume(RUN, false), &PauseWhy::Failed);
        story.answer(RUN, "gluster1.demo/conf", Answer::Retry);
        done(story.resume(RUN, false));
    }),
    ("asked-and-applied", |story| asked(story, Answer::Applied)),
    ("asked-and-not-applied", |story| asked(story, Answer::NotApplied)),
    ("asked-and-partial", |story| {
        asking(story);
        story.answer(RUN, "gluster1.demo/unexclude", Answer::Partial);
        paused(story.resume(RUN, false), &PauseWhy::Failed);
        story.answer(RUN, "gluster1.demo/unexclude", Answer::Retry);
        done(story.resume(RUN, false));
    }),
    ("link-dropped", |story| {
        story.fault("gluster1.demo/drain", Phase::LinkCut);
        done(story.run(RUN, CAREFUL, ONE));
    }),
    ("timer-fired", |story| {
        paused(story.run(RUN, IMPATIENT, ONE), &PauseWhy::Failed);
        story.answer(RUN, "gluster1.demo/healed", Answer::Retry);
        story.lab().advance(Micros::seconds(3600));
        done(story.resume(RUN, false));
    }),
    ("drift-on-the-way-there", |story| {
        let mut changed = false;
        let mut watch = |lab: &Lab, stored: &Stored| {
            let is_stop =
                matches!(&stored.entry.event, Event::Outcome(outcome) if outcome.step.as_str() == "gluster1.demo/stop");
            if is_stop && !changed {
                changed = true;
                lab.change(Effect::Unit { host: G1.to_owned(), unit: "docker".to_owned(), verb: UnitVerb::Enable });
            }
        };
        done(story.run_in("lab", RUN, (AGAIN, ONE), &mut watch));
    }),
    ("drift-refused-and-forced", |story| {
        done(story.run(RUN, STEPS, ALL));
        story.change(put("gluster2.demo", "[main]\nproxy=mine\n"));
        let refused = story.back(RUN, &Scope::Run, BACK);
        assert!(matches!(refused, Ok(Stopped::Paused(PauseWhy::Drift(_)))), "{refused:?}");
        closed(story.resume(BACK, true), RunEnd::RolledBack);
    }),
    ("back-a-step", |story| {
        done(story.run(RUN, STEPS, ONE));
        closed(story.back(RUN, &Scope::Step(path("gluster1.demo/conf")), BACK), RunEnd::RolledBack);
    }),
    ("back-a-host-and-on", |story| {
        failed(story);
        let host = HostName::new(G1).expect("a host");
        closed(story.back(RUN, &Scope::Host(host), BACK), RunEnd::RolledBack);
        story.answer(RUN, "gluster1.demo/cordon", Answer::Retry);
        story.answer(RUN, "gluster2.demo/conf", Answer::Retry);
        done(story.resume(RUN, false));
    }),
    ("back-a-run", |story| {
        done(story.run(RUN, CRIO_TO_DOCKER, ONE));
        closed(story.back(RUN, &Scope::Run, BACK), RunEnd::PartlyRolledBack);
    }),
    ("back-an-interrupted-run", |story| {
        died(story, "gluster1.demo/reboot", Phase::Half);
        closed(story.back(RUN, &Scope::Run, BACK), RunEnd::PartlyRolledBack);
    }),
    ("back-interrupted-and-on", |story| {
        done(story.run(RUN, STEPS, ONE));
        story.fault("undo/gluster1.demo/stop", Phase::Half);
        let dead = story.back(RUN, &Scope::Run, BACK);
        assert!(matches!(dead, Err(DriveError::Halted(_))), "{dead:?}");
        closed(story.resume(BACK, false), RunEnd::RolledBack);
    }),
    ("back-with-something-there-already", |story| {
        done(story.run(RUN, STEPS, ONE));
        story.change(Effect::Schedulable { node: G1.to_owned(), on: true });
        closed(story.back(RUN, &Scope::Run, BACK), RunEnd::RolledBack);
    }),
    ("back-and-there-again", |story| {
        done(story.run(RUN, STEPS, ONE));
        closed(story.back(RUN, &Scope::Run, BACK), RunEnd::RolledBack);
        closed(story.back(BACK, &Scope::Run, THIRD), RunEnd::RolledBack);
    }),
    ("back-with-an-undo-passed-over", |story| {
        done(story.run(RUN, STEPS, ONE));
        story.fail("undo/gluster1.demo/stop", Failing::Before);
        paused(story.back(RUN, &Scope::Run, BACK), &PauseWhy::Failed);
        story.decide(BACK, Verb::Skip { step: path("undo/gluster1.demo/stop") });
        closed(story.resume(BACK, false), RunEnd::PartlyRolledBack);
    }),
    ("two-labs", |story| {
        done(story.run_in("lab", RUN, (STEPS, ONE), &mut |_, _| {}));
        done(story.run_in("other", THIRD, (STEPS, ONE), &mut |_, _| {}));
        closed(story.back_in("lab", RUN, &Scope::Run, BACK, false), RunEnd::RolledBack);
    }),
    ("a-later-run-in-the-same-lab", |story| {
        done(story.run(RUN, STEPS, ONE));
        closed(story.back(RUN, &Scope::Run, BACK), RunEnd::RolledBack);
        done(story.run(THIRD, STEPS, ONE));
    }),
    ("side-by-side", |story| done(story.run(RUN, SIDE, ALL))),
    ("failures-tolerated", |story| {
        story.fail("gluster2.demo/conf", Failing::Before);
        let runbook = STEPS.replace("serial: 1", "serial: 2, max_fail: 1");
        closed(story.run(RUN, &runbook, ALL), RunEnd::Failed);
    }),
    ("paused-by-a-person", |story| {
        paused_by_a_person(story);
        done(story.resume(RUN, false));
    }),
    ("blocked-and-skipped", |story| {
        let blocked = PauseWhy::Blocked(path("gluster1.demo/back"));
        paused(story.run(RUN, BLOCKED, ONE), &blocked);
        story.decide(RUN, Verb::Skip { step: path("gluster1.demo/back") });
        done(story.resume(RUN, false));
    }),
    ("gate-without-hope", |story| {
        let whole = story.lab().snapshot();
        let mut poor = whole.clone();
        poor.drop_from_repository("docker");
        story.lab().restore(poor);
        paused(story.run(RUN, RESTORABLE, ONE), &PauseWhy::Failed);
        story.lab().restore(whole);
        story.answer(RUN, "gluster1.demo/put-back", Answer::Retry);
        done(story.resume(RUN, false));
    }),
    ("erased", |story| {
        done(story.run(RUN, STEPS, ONE));
        closed(story.back(RUN, &Scope::Run, BACK), RunEnd::RolledBack);
        for class in [Class::Output, Class::Content, Class::Words] {
            story.erase(RUN, class);
        }
    }),
];

fn path(text: &str) -> StepPath {
    StepPath::new(text).expect("a path")
}

fn put(host: &str, text: &str) -> Effect {
    let entry = Entry::text(text.to_owned());
    Effect::Put { host: host.to_owned(), path: "/etc/yum.conf".to_owned(), entry }
}

#[track_caller]
fn closed(stopped: Result<Stopped, DriveError>, end: RunEnd) {
    assert!(matches!(stopped, Ok(Stopped::Closed(found)) if found == end), "{stopped:?}");
}

#[track_caller]
fn done(stopped: Result<Stopped, DriveError>) {
    closed(stopped, RunEnd::Done);
}

#[track_caller]
fn paused(stopped: Result<Stopped, DriveError>, why: &PauseWhy) {
    assert!(matches!(&stopped, Ok(Stopped::Paused(found)) if found == why), "{stopped:?}");
}

fn failed(story: &mut Story) {
    story.fail("gluster2.demo/conf", Failing::Half);
    paused(story.run(RUN, STEPS, &[G1, "gluster2.demo"]), &PauseWhy::Failed);
}

fn died(story: &mut Story, step: &str, phase: Phase) {
    story.fault(step, phase);
    let dead = story.run(RUN, CAREFUL, ONE);
    assert!(matches!(dead, Err(DriveError::Halted(_))), "{dead:?}");
}

fn killed(story: &mut Story, step: &str, phase: Phase) {
    died(story, step, phase);
    done(story.resume(RUN, false));
}

/// The story of that name, up to the pause.
pub fn paused_by_a_person(story: &mut Story) {
    let dir = story.dir().to_owned();
    let mut watch = |_: &Lab, stored: &Stored| {
        if stored.entry.seq == Seq(3) {
            let reason = Some("lunch".to_owned());
            let handout = HandedDecision { run: RUN, verb: Verb::Pause, by: actor(), reason, seen: None };
            palinode_journal::hand_in(&dir, &handout).expect("a decision can be handed in");
        }
    };
    paused(story.run_in("lab", RUN, (AGAIN, ONE), &mut watch), &PauseWhy::Asked);
}

fn asking(story: &mut Story) {
    story.fault("gluster1.demo/unexclude", Phase::Half);
    let dead = story.run(RUN, DOUBT, ONE);
    assert!(matches!(dead, Err(DriveError::Halted(_))), "{dead:?}");
    paused(story.resume(RUN, false), &PauseWhy::InDoubt);
}

fn asked(story: &mut Story, answer: Answer) {
    asking(story);
    story.answer(RUN, "gluster1.demo/unexclude", answer);
    done(story.resume(RUN, false));
}

/// Where all fixtures are.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/journals")
}

/// The name of the folder that today's format and rules write into.
pub fn present() -> String {
    format!("format-{}.{}-rules-{RULES}", FORMAT.0, FORMAT.1)
}

/// Tells every story that has no journal yet.
pub fn write_missing() {
    let folder = fixtures().join(present());
    for (name, story) in todays() {
        let place = folder.join(name);
        if place.exists() {
            continue;
        }
        let scratch = TempDir::new().expect("a folder can be made");
        let dir = scratch.path().join("journal");
        story(&mut Story::new(&dir));
        copy_all(&dir, &place);
    }
}

/// One journal of the corpus, in a folder of its own.
pub struct Fixture {
    /// Format, rules and kind, for messages.
    pub name: String,
    /// The journal; the committed one stays as it is.
    pub dir: PathBuf,
    _keep: TempDir,
}

/// Every journal of the corpus, oldest format first. Copies: opening a journal writes into it.
pub fn all() -> Vec<Fixture> {
    let mut found = Vec::new();
    for version in folders(&fixtures()) {
        for kind in folders(&version) {
            let keep = TempDir::new().expect("a folder can be made");
            let dir = keep.path().join("journal");
            copy_all(&kind, &dir);
            // A repository keeps no empty folders.
            for folder in ["segments", "blobs", "keys", "inbox", "torn"] {
                std::fs::create_dir_all(dir.join(folder)).expect("a folder can be made");
            }
            let name = kind.strip_prefix(fixtures()).unwrap_or(&kind).display().to_string();
            found.push(Fixture { name, dir, _keep: keep });
        }
    }
    found
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let items = std::fs::read_dir(dir).expect("the corpus is there");
    let mut found: Vec<PathBuf> =
        items.map(|item| item.expect("the folder can be read").path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}
