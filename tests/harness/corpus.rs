//! The corpus: journals of every kind of run, as a release of the format and of the rules wrote them.

use crate::memory::{BACK, CRIO_TO_DOCKER, RUN};
use crate::owner::actor;
use crate::tale::{Tale, copy_all};
use palinode_core::id::{HostName, Micros, RunId, Seq, StepPath};
use palinode_core::port::{Handout, Stored, Verb};
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
pub type Story = fn(&mut Tale);

/// Stories that go on otherwise since rules 2, by the name of their folder.
pub const SINCE_2: &[(&str, Story)] = &[
    ("a-gate-beyond-is-asked-again", |tale| {
        tale.fail("gluster1.demo/conf", Failing::Half);
        paused(tale.run(RUN, GATED, ONE), &PauseWhy::Failed);
        closed(tale.back(RUN, &Scope::Step(path("gluster1.demo/conf")), BACK), RunEnd::RolledBack);
        closed(tale.back(RUN, &Scope::Step(path("gluster1.demo/cordon")), THIRD), RunEnd::RolledBack);
        tale.answer(RUN, "gluster1.demo/conf", Answer::Retry);
        tale.answer(RUN, "gluster1.demo/cordon", Answer::Retry);
        done(tale.resume(RUN, false));
    }),
    ("a-host-comes-back-whole", |tale| {
        // Since rules 4 a host is not taken back while another one stands half done.
        tale.go_back_under(3);
        failed(tale);
        closed(tale.back(RUN, &Scope::Step(path("gluster1.demo/cordon")), BACK), RunEnd::RolledBack);
        tale.answer(RUN, "gluster1.demo/cordon", Answer::Retry);
        let host = HostName::new(G1).expect("a host");
        closed(tale.back(RUN, &Scope::Host(host), THIRD), RunEnd::RolledBack);
        tale.answer(RUN, "gluster1.demo/conf", Answer::Retry);
        tale.answer(RUN, "gluster2.demo/conf", Answer::Retry);
        done(tale.resume(RUN, false));
    }),
];

/// Stories that go on otherwise since rules 3.
pub const SINCE_3: &[(&str, Story)] = &[("a-doubt-comes-first", |tale| {
    let runbook = STEPS.replace("serial: 1", "serial: 1, max_fail: 1");
    tale.fault("gluster1.demo/stop", Phase::Half);
    let dead = tale.run(RUN, &runbook, &[G1, "gluster2.demo"]);
    assert!(matches!(dead, Err(DriveError::Halted(_))), "{dead:?}");
    closed(tale.back(RUN, &Scope::Step(path("gluster1.demo/cordon")), BACK), RunEnd::RolledBack);
    tale.answer(RUN, "gluster1.demo/cordon", Answer::Retry);
    tale.lab().make_fail(path("gluster1.demo/cordon"), 2, "no such luck", Failing::Before);
    closed(tale.resume(RUN, false), RunEnd::Failed);
})];

/// Stories that go on otherwise since rules 4.
pub const SINCE_4: &[(&str, Story)] = &[("a-gates-time-goes-on", |tale| {
    let dir = tale.dir().to_owned();
    let mut samples = 0;
    let mut watch = |_: &Lab, stored: &Stored| {
        samples += u32::from(matches!(stored.entry.event, Event::GateSampled { .. }));
        if samples == 3 && matches!(stored.entry.event, Event::GateSampled { .. }) {
            let handout = Handout { run: RUN, verb: Verb::Pause, by: actor(), reason: None, seen: None };
            palinode_journal::hand_in(&dir, &handout).expect("a decision can be handed in");
        }
    };
    let runbook = IMPATIENT.replace("samples: 2", "samples: 3").replace("timeout: 1s", "timeout: 40s");
    paused(tale.run_in("lab", RUN, (&runbook, ONE), &mut watch), &PauseWhy::Asked);
    // Storage is healed by now. Three good samples take longer than what is left of the gate's time.
    let mut stopped = tale.resume(RUN, false);
    if matches!(stopped, Ok(Stopped::Paused(PauseWhy::Failed))) {
        tale.answer(RUN, "gluster1.demo/healed", Answer::Retry);
        stopped = tale.resume(RUN, false);
    }
    done(stopped);
    closed(tale.back(RUN, &Scope::Step(path("gluster1.demo/cordon")), BACK), RunEnd::RolledBack);
})];

/// The versions of the rules since which some stories go on otherwise, with those stories.
pub const SINCE: &[(u32, &[(&str, Story)])] = &[(2, SINCE_2), (3, SINCE_3), (4, SINCE_4)];

/// Stories that go the same way under all rules, told again under those of today.
const AS_EVER: &[&str] = &["failed-and-retried", "asked-and-applied", "back-a-step"];

/// Findings that no journal under rules 1 has: told first under rules 2. All rules decide them alike.
pub const FOUND_2: &[(&str, Story)] = &[
    ("found-ended-badly", |tale| {
        tale.fail("gluster1.demo/conf", Failing::Half);
        died(tale, "gluster1.demo/conf", Phase::Done);
        paused(tale.resume(RUN, false), &PauseWhy::Failed);
        tale.answer(RUN, "gluster1.demo/conf", Answer::Retry);
        done(tale.resume(RUN, false));
    }),
    ("found-running", |tale| {
        tale.fault("gluster1.demo/scaleup", Phase::LinkCut);
        done(tale.run(RUN, CRIO_TO_DOCKER, ONE));
    }),
    ("found-unheard", |tale| {
        tale.fault("gluster1.demo/name", Phase::Silent);
        let dead = tale.run(RUN, SIDE, ONE);
        assert!(matches!(dead, Err(DriveError::Halted(_))), "{dead:?}");
        done(tale.resume(RUN, false));
    }),
];

/// What has a journal under the rules of today: all that they decide otherwise, what was never told before, and a few
/// as ever.
pub fn todays() -> impl Iterator<Item = &'static (&'static str, Story)> {
    let as_ever = KINDS.iter().filter(|(name, _)| AS_EVER.contains(name));
    SINCE.iter().flat_map(|(_, stories)| *stories).chain(FOUND_2).chain(as_ever)
}

/// Every kind of run, by the name of its folder; under rules 1 each has a journal.
pub const KINDS: &[(&str, Story)] = &[
    ("done", |tale| done(tale.run(RUN, CRIO_TO_DOCKER, ONE))),
    ("failed-and-retried", |tale| {
        failed(tale);
        tale.answer(RUN, "gluster2.demo/conf", Answer::Retry);
        done(tale.resume(RUN, false));
    }),
    ("failed-and-skipped", |tale| {
        failed(tale);
        tale.decide(RUN, Verb::Skip { step: path("gluster2.demo/conf") });
        done(tale.resume(RUN, false));
    }),
    ("failed-and-applied", |tale| {
        failed(tale);
        tale.answer(RUN, "gluster2.demo/conf", Answer::Applied);
        done(tale.resume(RUN, false));
    }),
    ("killed-before-it-began", |tale| killed(tale, "gluster1.demo/drain", Phase::NotBegun)),
    ("killed-and-not-applied", |tale| killed(tale, "gluster1.demo/cordon", Phase::Half)),
    ("killed-and-partial", |tale| killed(tale, "gluster1.demo/drain", Phase::Half)),
    ("killed-and-applied", |tale| killed(tale, "gluster1.demo/reboot", Phase::Silent)),
    ("killed-and-finished", |tale| killed(tale, "gluster1.demo/reboot", Phase::Done)),
    ("killed-in-a-gate", |tale| {
        died(tale, "gluster1.demo/schedulable", Phase::NotBegun);
        done(tale.resume(RUN, false));
    }),
    ("partial-and-not-safe-to-repeat", |tale| {
        died(tale, "gluster1.demo/conf", Phase::Half);
        paused(tale.resume(RUN, false), &PauseWhy::Failed);
        tale.answer(RUN, "gluster1.demo/conf", Answer::Retry);
        done(tale.resume(RUN, false));
    }),
    ("asked-and-applied", |tale| asked(tale, Answer::Applied)),
    ("asked-and-not-applied", |tale| asked(tale, Answer::NotApplied)),
    ("asked-and-partial", |tale| {
        asking(tale);
        tale.answer(RUN, "gluster1.demo/unexclude", Answer::Partial);
        paused(tale.resume(RUN, false), &PauseWhy::Failed);
        tale.answer(RUN, "gluster1.demo/unexclude", Answer::Retry);
        done(tale.resume(RUN, false));
    }),
    ("link-dropped", |tale| {
        tale.fault("gluster1.demo/drain", Phase::LinkCut);
        done(tale.run(RUN, CAREFUL, ONE));
    }),
    ("timer-fired", |tale| {
        paused(tale.run(RUN, IMPATIENT, ONE), &PauseWhy::Failed);
        tale.answer(RUN, "gluster1.demo/healed", Answer::Retry);
        tale.lab().advance(Micros::seconds(3600));
        done(tale.resume(RUN, false));
    }),
    ("drift-on-the-way-there", |tale| {
        let mut changed = false;
        let mut watch = |lab: &Lab, stored: &Stored| {
            let is_stop =
                matches!(&stored.entry.event, Event::Outcome(outcome) if outcome.step.as_str() == "gluster1.demo/stop");
            if is_stop && !changed {
                changed = true;
                lab.change(Effect::Unit { host: G1.to_owned(), unit: "docker".to_owned(), verb: UnitVerb::Enable });
            }
        };
        done(tale.run_in("lab", RUN, (AGAIN, ONE), &mut watch));
    }),
    ("drift-refused-and-forced", |tale| {
        done(tale.run(RUN, STEPS, ALL));
        tale.change(put("gluster2.demo", "[main]\nproxy=mine\n"));
        let refused = tale.back(RUN, &Scope::Run, BACK);
        assert!(matches!(refused, Ok(Stopped::Paused(PauseWhy::Drift(_)))), "{refused:?}");
        closed(tale.resume(BACK, true), RunEnd::RolledBack);
    }),
    ("back-a-step", |tale| {
        done(tale.run(RUN, STEPS, ONE));
        closed(tale.back(RUN, &Scope::Step(path("gluster1.demo/conf")), BACK), RunEnd::RolledBack);
    }),
    ("back-a-host-and-on", |tale| {
        failed(tale);
        let host = HostName::new(G1).expect("a host");
        closed(tale.back(RUN, &Scope::Host(host), BACK), RunEnd::RolledBack);
        tale.answer(RUN, "gluster1.demo/cordon", Answer::Retry);
        tale.answer(RUN, "gluster2.demo/conf", Answer::Retry);
        done(tale.resume(RUN, false));
    }),
    ("back-a-run", |tale| {
        done(tale.run(RUN, CRIO_TO_DOCKER, ONE));
        closed(tale.back(RUN, &Scope::Run, BACK), RunEnd::PartlyRolledBack);
    }),
    ("back-an-interrupted-run", |tale| {
        died(tale, "gluster1.demo/reboot", Phase::Half);
        closed(tale.back(RUN, &Scope::Run, BACK), RunEnd::PartlyRolledBack);
    }),
    ("back-interrupted-and-on", |tale| {
        done(tale.run(RUN, STEPS, ONE));
        tale.fault("undo/gluster1.demo/stop", Phase::Half);
        let dead = tale.back(RUN, &Scope::Run, BACK);
        assert!(matches!(dead, Err(DriveError::Halted(_))), "{dead:?}");
        closed(tale.resume(BACK, false), RunEnd::RolledBack);
    }),
    ("back-with-something-there-already", |tale| {
        done(tale.run(RUN, STEPS, ONE));
        tale.change(Effect::Schedulable { node: G1.to_owned(), on: true });
        closed(tale.back(RUN, &Scope::Run, BACK), RunEnd::RolledBack);
    }),
    ("back-and-there-again", |tale| {
        done(tale.run(RUN, STEPS, ONE));
        closed(tale.back(RUN, &Scope::Run, BACK), RunEnd::RolledBack);
        closed(tale.back(BACK, &Scope::Run, THIRD), RunEnd::RolledBack);
    }),
    ("back-with-an-undo-passed-over", |tale| {
        done(tale.run(RUN, STEPS, ONE));
        tale.fail("undo/gluster1.demo/stop", Failing::Before);
        paused(tale.back(RUN, &Scope::Run, BACK), &PauseWhy::Failed);
        tale.decide(BACK, Verb::Skip { step: path("undo/gluster1.demo/stop") });
        closed(tale.resume(BACK, false), RunEnd::PartlyRolledBack);
    }),
    ("two-labs", |tale| {
        done(tale.run_in("lab", RUN, (STEPS, ONE), &mut |_, _| {}));
        done(tale.run_in("other", THIRD, (STEPS, ONE), &mut |_, _| {}));
        closed(tale.back_in("lab", RUN, &Scope::Run, BACK, false), RunEnd::RolledBack);
    }),
    ("a-later-run-in-the-same-lab", |tale| {
        done(tale.run(RUN, STEPS, ONE));
        closed(tale.back(RUN, &Scope::Run, BACK), RunEnd::RolledBack);
        done(tale.run(THIRD, STEPS, ONE));
    }),
    ("side-by-side", |tale| done(tale.run(RUN, SIDE, ALL))),
    ("failures-tolerated", |tale| {
        tale.fail("gluster2.demo/conf", Failing::Before);
        let runbook = STEPS.replace("serial: 1", "serial: 2, max_fail: 1");
        closed(tale.run(RUN, &runbook, ALL), RunEnd::Failed);
    }),
    ("paused-by-a-person", |tale| {
        paused_by_a_person(tale);
        done(tale.resume(RUN, false));
    }),
    ("blocked-and-skipped", |tale| {
        let blocked = PauseWhy::Blocked(path("gluster1.demo/back"));
        paused(tale.run(RUN, BLOCKED, ONE), &blocked);
        tale.decide(RUN, Verb::Skip { step: path("gluster1.demo/back") });
        done(tale.resume(RUN, false));
    }),
    ("gate-without-hope", |tale| {
        let whole = tale.lab().snapshot();
        let mut poor = whole.clone();
        poor.drop_from_repository("docker");
        tale.lab().restore(poor);
        paused(tale.run(RUN, RESTORABLE, ONE), &PauseWhy::Failed);
        tale.lab().restore(whole);
        tale.answer(RUN, "gluster1.demo/put-back", Answer::Retry);
        done(tale.resume(RUN, false));
    }),
    ("erased", |tale| {
        done(tale.run(RUN, STEPS, ONE));
        closed(tale.back(RUN, &Scope::Run, BACK), RunEnd::RolledBack);
        for class in [Class::Output, Class::Content, Class::Words] {
            tale.erase(RUN, class);
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

fn failed(tale: &mut Tale) {
    tale.fail("gluster2.demo/conf", Failing::Half);
    paused(tale.run(RUN, STEPS, &[G1, "gluster2.demo"]), &PauseWhy::Failed);
}

fn died(tale: &mut Tale, step: &str, phase: Phase) {
    tale.fault(step, phase);
    let dead = tale.run(RUN, CAREFUL, ONE);
    assert!(matches!(dead, Err(DriveError::Halted(_))), "{dead:?}");
}

fn killed(tale: &mut Tale, step: &str, phase: Phase) {
    died(tale, step, phase);
    done(tale.resume(RUN, false));
}

/// The story of that name, up to the pause.
pub fn paused_by_a_person(tale: &mut Tale) {
    let dir = tale.dir().to_owned();
    let mut watch = |_: &Lab, stored: &Stored| {
        if stored.entry.seq == Seq(3) {
            let reason = Some("lunch".to_owned());
            let handout = Handout { run: RUN, verb: Verb::Pause, by: actor(), reason, seen: None };
            palinode_journal::hand_in(&dir, &handout).expect("a decision can be handed in");
        }
    };
    paused(tale.run_in("lab", RUN, (AGAIN, ONE), &mut watch), &PauseWhy::Asked);
}

fn asking(tale: &mut Tale) {
    tale.fault("gluster1.demo/unexclude", Phase::Half);
    let dead = tale.run(RUN, DOUBT, ONE);
    assert!(matches!(dead, Err(DriveError::Halted(_))), "{dead:?}");
    paused(tale.resume(RUN, false), &PauseWhy::InDoubt);
}

fn asked(tale: &mut Tale, answer: Answer) {
    asking(tale);
    tale.answer(RUN, "gluster1.demo/unexclude", answer);
    done(tale.resume(RUN, false));
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
        story(&mut Tale::new(&dir));
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
