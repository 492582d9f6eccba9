//! Small journals, drafts, and what a crash leaves.

use palinode_core::id::{BlobId, Micros, PlanDigest, RunId, Seq, StepPath};
use palinode_core::port::{JournalRead, Stored};
use palinode_core::record::{Actor, Draft, Event, Owner, RunClosed, RunEnd, RunOpened, World};
use palinode_core::run::rules::version::RULES;
use palinode_journal::{DiskJournal, Opened, Options, create};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) const RUN: RunId = RunId([3; 8]);
pub(crate) const SMALL: Options = Options { segment_bytes: 1200, grow_bytes: 64, inline_bytes: 100 };

pub(crate) fn owner(pid: u32) -> Owner {
    Owner { host: "bastion".to_owned(), boot: "boot".to_owned(), pid, started: 17 }
}

pub(crate) fn actor() -> Actor {
    Actor { user: "root".to_owned(), host: "bastion".to_owned(), ..Actor::default() }
}

pub(crate) fn draft_of(run: RunId, event: Event) -> Draft {
    Draft { run, time: Micros(1_000_000), wall: None, event, bodies: BTreeMap::new() }
}

pub(crate) fn draft(phase: &str) -> Draft {
    let step = StepPath::new("host/step").expect("a path");
    let facts = std::collections::BTreeMap::from([("phase".to_owned(), phase.to_owned())]);
    draft_of(RUN, Event::GateSampled { step, pass: false, hopeless: false, facts, evidence: None, waited: None })
}

pub(crate) fn opened(run: RunId, plan_blob: BlobId) -> Draft {
    let event = RunOpened {
        force: false,
        runbook: "r".to_owned(),
        plan: PlanDigest([1; 32]),
        plan_blob,
        rules: RULES,
        world: World::Real,
        actor: actor(),
        owner: owner(1),
        reason: None,
        change: None,
        compensates: None,
        keys: run,
        host_keys: None,
        cluster: None,
        found: None,
    };
    draft_of(run, Event::RunOpened(Box::new(event)))
}

pub(crate) fn closed(run: RunId) -> Draft {
    let event = RunClosed {
        end: RunEnd::Done,
        steps: BTreeMap::new(),
        residues: Vec::new(),
        differences: Vec::new(),
        passed: Vec::new(),
        lists: None,
        by: None,
        reason: None,
    };
    draft_of(run, Event::RunClosed(Box::new(event)))
}

/// A folder that is removed in the end, and a new journal in it. In memory where there is such a place: these tests
/// are about bytes, and thousands of syncs would spend CI's time.
pub(crate) fn new_journal() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
    let root = folder.path().join(".palinode");
    create(&root).expect("creates");
    (folder, root)
}

pub(crate) fn open(root: &Path, pid: u32) -> Opened {
    DiskJournal::open(root, owner(pid), SMALL).expect("opens")
}

pub(crate) fn all(journal: &impl JournalRead) -> Vec<Stored> {
    journal.read(Seq(1)).expect("reads").collect::<Result<_, _>>().expect("sound")
}

/// What the disk holds if the owner dies now: locks are not copied.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder");
    for item in fs::read_dir(from).expect("reads") {
        let item = item.expect("an item");
        let target = to.join(item.file_name());
        if item.path().is_dir() {
            copy(&item.path(), &target);
        } else {
            fs::copy(item.path(), target).expect("copies");
        }
    }
}
