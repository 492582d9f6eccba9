//! The index gives the answers that reading the journal gives, whatever became of its files.

use crate::support::{actor, copy, new_journal, open, opened};
use palinode_core::action::{Action, Recovery, Service, ServiceState, Target, UndoClass};
use palinode_core::id::{BodyId, HostName, Micros, ResourceKey, RunId, Seq, StepPath};
use palinode_core::port::{Journal, JournalRead, Vault};
use palinode_core::record::{Class, Ending, Event, ImageRef, Intent, Outcome, PauseWhy, Sealed};
use palinode_core::resource::{Active, Image, State};
use palinode_journal::index::{Catalog, IndexError, Query, reindex};
use palinode_journal::{JournalReader, verify};
use rustix::fs::{FlockOperation, Mode, flock};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.roll(of.len() as u64)).expect("a small number")]
    }
}

const HOSTS: [&str; 4] = ["gluster1.demo", "gluster1", "gluster2.demo", "infra.demo"];
const STEPS: [&str; 5] = ["drain", "packages", "packages-back", "stop/crio", "stop/docker"];

fn run(number: u64) -> RunId {
    RunId((number * 0x0101_0101_0101 + 7).to_be_bytes())
}

fn key(dice: &mut Dice) -> ResourceKey {
    let host = *dice.one(&HOSTS);
    let text = match dice.roll(5) {
        0 => format!("node/{host}@cluster"),
        1 => format!("{host}/file:/etc/{}", "x".repeat(if dice.roll(8) == 0 { 600 } else { 3 })),
        number => format!("{host}/unit/u{number}"),
    };
    ResourceKey::new(text).expect("a key")
}

fn image(dice: &mut Dice) -> ImageRef {
    let keys: Vec<ResourceKey> = (0..dice.roll(4)).map(|_| key(dice)).collect();
    if dice.roll(5) == 0 {
        return ImageRef::Sealed { keys, uids: BTreeSet::new(), body: BodyId([1; 32]) };
    }
    let state = State::Unit { active: Active::Active, enabled: "enabled".to_owned() };
    ImageRef::here(keys.into_iter().map(|key| (key, state.clone())).collect::<Image>())
}

/// Any event of a run: these journals are read, not folded.
fn event(dice: &mut Dice) -> Event {
    let host = *dice.one(&HOSTS);
    let step = StepPath::new(format!("{host}/{}", dice.one(&STEPS))).expect("a path");
    match dice.roll(9) {
        0..=2 => {
            let service = Service {
                unit: "crio".to_owned(),
                units: Vec::new(),
                state: Some(ServiceState::Stopped),
                enabled: None,
            };
            let action = if dice.roll(2) == 0 { Action::Cordon {} } else { Action::Service(service) };
            let other = HostName::new(*dice.one(&HOSTS)).expect("a name");
            Event::Intent(Arc::new(Intent {
                step,
                attempt: 1,
                action,
                target: Target { host: Some(other), node: None },
                boot: None,
                footprint: Vec::new(),
                before: image(dice),
                inverse: Vec::new(),
                class: UndoClass::Reversible,
                recovery: Recovery::Repeat,
                losses: Vec::new(),
                undoes: None,
            }))
        }
        3..=4 => Event::Outcome(Box::new(Outcome {
            step,
            attempt: 1,
            ending: Ending::Succeeded,
            why: None,
            code: None,
            message: None,
            output: None,
            after: image(dice),
            captures: BTreeMap::new(),
            losses: Vec::new(),
        })),
        5 => {
            let state = || State::Absent;
            Event::DriftFound { step, key: key(dice), expected: state(), found: state(), forced: false, what: None }
        }
        6 => Event::Paused { why: PauseWhy::Drift(key(dice)), by: Some(actor()), reason: None },
        _ => {
            let facts = BTreeMap::from([("peers".to_owned(), "3".to_owned())]);
            Event::GateSampled { step, pass: dice.roll(2) == 0, hopeless: false, facts, evidence: None, waited: None }
        }
    }
}

/// Writes so many more entries, of runs that overlap; gives the bodies they bring.
fn write(root: &Path, dice: &mut Dice, entries: u64) -> Vec<BodyId> {
    let mut journal = open(root, 1).journal;
    let vaults: Vec<Arc<dyn Vault>> = (0..5).map(|number| journal.create_keys(run(number)).expect("keys")).collect();
    let mut bodies = Vec::new();
    let mut batch = Vec::new();
    let begun = JournalReader::open(root).expect("opens").head().expect("a head").0.0;
    for number in begun..begun + entries {
        let of = if number < 5 { number } else { dice.roll(5) };
        let mut draft = match number {
            0..5 => opened(run(of), journal.put_public(b"plan").expect("a blob")),
            _ => crate::support::draft_of(run(of), event(dice)),
        };
        // Clocks of labs differ, and none always goes forward.
        draft.time = Micros(
            1_000_000 * (10 * i64::try_from(number).expect("few") + 5000 * (of as i64 % 2)) - 40 * (number as i64 % 3),
        );
        draft.wall = (of % 2 == 1).then_some(Micros(77));
        for _ in 0..dice.roll(3) {
            let text = format!("body {}", dice.roll(60));
            let (id, sealed): (BodyId, Sealed) =
                vaults[of as usize].seal(Class::Output, text.as_bytes()).expect("seals");
            draft.bodies.insert(id, sealed);
            bodies.push(id);
        }
        batch.push(draft);
        if dice.roll(4) == 0 {
            journal.append(std::mem::take(&mut batch)).expect("appends");
        }
    }
    journal.append(batch).expect("appends");
    journal.close().expect("closes");
    bodies
}

fn query(dice: &mut Dice) -> Query {
    let mut query = Query::default();
    let half = |dice: &mut Dice| dice.roll(3) == 0;
    if half(dice) {
        query.runs = (0..=dice.roll(2)).map(|_| run(dice.roll(6))).collect();
    }
    if half(dice) {
        query.step = Some(
            (*dice.one(&["gluster1", "gluster1.demo/", "gluster2.demo/packages", "infra.demo/stop/crio", "x"]))
                .to_owned(),
        );
    }
    if half(dice) {
        query.host = Some((*dice.one(&["gluster1", "gluster2.demo", "nobody"])).to_owned());
    }
    if half(dice) {
        query.action = Some((*dice.one(&["service", "kube.cordon", "reboot"])).to_owned());
    }
    if half(dice) {
        let long = format!("infra.demo/file:/etc/{}", "x".repeat(550));
        query.resource = Some((*dice.one(&["gluster1", "gluster2.demo/unit/u3", "node/", long.as_str()])).to_owned());
    }
    if half(dice) {
        query.kind = Some((*dice.one(&["intent", "outcome", "gate-sampled", "run-opened"])).to_owned());
    }
    let time = |dice: &mut Dice| Some(Micros(i64::try_from(dice.roll(20_000)).expect("small") * 1_000_000));
    if half(dice) {
        query.since = time(dice);
    }
    if half(dice) {
        query.until = time(dice);
    }
    query
}

/// Asks both ways, and requires the same answers.
#[track_caller]
fn compare(root: &Path, dice: &mut Dice, bodies: &[BodyId], lag: u64, count: usize, indexed: Option<bool>) -> usize {
    let reader = JournalReader::open(root).expect("opens");
    let mut index = Catalog::with_lag(&reader, lag).expect("reads");
    let mut scan = Catalog::scan(&reader).expect("reads");
    if let Some(indexed) = indexed {
        assert_eq!(index.is_indexed(), indexed);
    }
    assert_eq!(index.runs(), scan.runs());
    let mut hits = 0;
    for _ in 0..count {
        let asked = query(dice);
        let last = (dice.roll(2) == 0).then(|| usize::try_from(dice.roll(12)).expect("small"));
        let expected = scan.select(&asked, last).expect("reads");
        hits += expected.len();
        assert_eq!(index.select(&asked, last).expect("reads"), expected, "{asked:?} {last:?}");
    }
    let some = scan.select(&Query::default(), Some(3)).expect("reads");
    for stored in &some {
        for digits in [4, 9, 12, 13, 64] {
            let prefix = &stored.id.to_string()[..digits];
            let found = index.by_id(prefix).expect("reads");
            assert_eq!(found, scan.by_id(prefix).expect("reads"), "{prefix}");
            assert!(found.contains(stored), "{prefix}");
        }
    }
    assert_eq!(index.by_id("0123456789").expect("reads"), []);
    let wanted: BTreeSet<BodyId> = (0..4).map(|_| *dice.one(bodies)).chain([BodyId([9; 32])]).collect();
    let found = index.bodies(&wanted).expect("reads");
    assert_eq!(found, scan.bodies(&wanted).expect("reads"));
    assert_eq!(found.len(), wanted.len() - 1);
    if let Some(indexed) = indexed {
        assert_eq!(index.is_indexed(), indexed, "nothing in a sound index is a lie");
    }
    hits
}

#[test]
fn the_index_answers_as_reading_does() {
    for seed in 1..4 {
        let (_folder, root) = new_journal();
        let mut dice = Dice(seed);
        let mut bodies = write(&root, &mut dice, 700);
        assert_eq!(reindex(&JournalReader::open(&root).expect("opens")).expect("builds").entries, 700);
        let mut hits = compare(&root, &mut dice, &bodies, u64::MAX, 150, Some(true));
        // Entries behind the index, then an index in several parts.
        bodies.extend(write(&root, &mut dice, 300));
        hits += compare(&root, &mut dice, &bodies, u64::MAX, 100, Some(true));
        hits += compare(&root, &mut dice, &bodies, 1, 100, Some(true));
        bodies.extend(write(&root, &mut dice, 1500));
        hits += compare(&root, &mut dice, &bodies, 100, 60, Some(true));
        assert!(hits > 1000, "{hits}: the queries find something");
    }
}

#[test]
fn places_are_read_whatever_batch_or_segment_they_are_in() {
    let (_folder, root) = new_journal();
    write(&root, &mut Dice(5), 200);
    let reader = JournalReader::open(&root).expect("opens");
    let all = crate::support::all(&reader);
    assert!(fs::read_dir(root.join("segments")).expect("reads").count() > 5);
    for step in [1, 2, 7, 50, 199, 1000] {
        let places: Vec<Seq> = (1..=250).step_by(step).map(Seq).collect();
        let expected: Vec<_> = all.iter().filter(|stored| places.contains(&stored.entry.seq)).cloned().collect();
        assert_eq!(reader.entries_at(&places).expect("reads"), expected, "every {step}");
    }
    assert_eq!(reader.entries_at(&[]).expect("reads"), []);
    assert_eq!(reader.entries_at(&[Seq(0), Seq(3)]).expect("reads").len(), 1);
}

/// A journal with an index, and one moment's answers.
struct Case {
    _folder: tempfile::TempDir,
    root: PathBuf,
    bodies: Vec<BodyId>,
}

impl Case {
    fn new(entries: u64) -> Self {
        let (_folder, root) = new_journal();
        let bodies = write(&root, &mut Dice(9), entries);
        reindex(&JournalReader::open(&root).expect("opens")).expect("builds");
        Self { _folder, root, bodies }
    }

    fn index(&self) -> PathBuf {
        self.root.join("index")
    }

    fn files(&self) -> Vec<PathBuf> {
        let all = fs::read_dir(self.index()).expect("reads").map(|item| item.expect("an item").path());
        let mut files: Vec<PathBuf> = all.filter(|path| path.is_file()).collect();
        files.sort();
        files
    }

    /// The same answers as without, whether an index was used or not; and after that, an index that is sound again.
    fn recovers(&self) {
        compare(&self.root, &mut Dice(3), &self.bodies, 1, 3, None);
        compare(&self.root, &mut Dice(3), &self.bodies, 1, 1, Some(true));
    }
}

#[test]
fn whatever_became_of_its_files_the_answers_are_the_same() {
    let case = Case::new(300);
    let mut dice = Dice(17);
    for name in ["conf", "db", "seal", "snap."] {
        // A snapshot has another name each time.
        let named = |path: &&PathBuf| path.file_name().is_some_and(|found| found.to_string_lossy().starts_with(name));
        let path = case.files().iter().find(named).cloned().expect("a file");
        let bytes = fs::read(&path).expect("reads");
        for _ in 0..if std::env::var_os("PALINODE_TESTS_LONG").is_some() { 400 } else { 6 } {
            let bit = dice.roll(bytes.len() as u64 * 8);
            let file = File::options().write(true).open(&path).expect("opens");
            let flipped = bytes[usize::try_from(bit / 8).expect("small")] ^ (1 << (bit % 8));
            file.write_all_at(&[flipped], bit / 8).expect("writes");
            case.recovers();
            if !path.exists() {
                break;
            }
        }
        for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            if path.exists() {
                File::options().write(true).open(&path).expect("opens").set_len(length as u64).expect("cuts");
                case.recovers();
            }
        }
        fs::write(&path, vec![0xa5; 5000]).expect("writes");
        case.recovers();
        let _ = fs::remove_file(&path);
        case.recovers();
        fs::create_dir(case.index().join("dir")).expect("a folder");
        let _ = fs::remove_file(&path);
        fs::create_dir(&path).expect("a folder");
        case.recovers();
        let _ = fs::remove_file(&path);
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, Mode::RUSR | Mode::WUSR).expect("a pipe");
        case.recovers();
        assert!(!case.index().join("dir").exists(), "{name}");
    }
    for leftover in ["snap.0000000000000001.generating", "snap.00000000FFFFFFFF", "stranger", ".tmp-seal"] {
        fs::write(case.index().join(leftover), "?").expect("writes");
        compare(&case.root, &mut dice, &case.bodies, u64::MAX, 5, Some(true));
        assert!(!case.index().join(leftover).exists(), "{leftover} is removed, and the index is used");
    }
    fs::remove_dir_all(case.index()).expect("removes");
    case.recovers();
    let gone = || fs::remove_dir_all(case.index()).expect("removes");
    gone();
    fs::write(case.index(), "?").expect("writes");
    case.recovers();
    gone();
    rustix::fs::mkfifoat(rustix::fs::CWD, case.index(), Mode::RUSR | Mode::WUSR).expect("a pipe");
    case.recovers();
    gone();
    symlink("nowhere", case.index()).expect("links");
    case.recovers();
    gone();
    let elsewhere = tempfile::tempdir().expect("a folder");
    let theirs = elsewhere.path().join("theirs");
    fs::write(&theirs, "not ours").expect("writes");
    symlink(elsewhere.path(), case.index()).expect("links");
    case.recovers();
    assert_eq!(fs::read(&theirs).expect("what stands behind a link is left alone"), b"not ours");
    assert_eq!(verify(&case.root).expect("verifies").notices, []);
}

#[test]
fn an_index_that_does_not_belong_to_the_journal_is_built_anew() {
    let (first, second) = (Case::new(300), Case::new(300));
    let mut dice = Dice(2);
    // Of another journal: of a shorter and of a longer one.
    let (_folder, other) = new_journal();
    let bodies = write(&other, &mut Dice(10), 400);
    for (from, to, bodies) in [(&other, &second.root, &second.bodies), (&first.root, &other, &bodies)] {
        reindex(&JournalReader::open(from).expect("opens")).expect("builds");
        let _ = fs::remove_dir_all(to.join("index"));
        copy(&from.join("index"), &to.join("index"));
        compare(to, &mut dice, bodies, 1, 10, Some(true));
    }
    // The journal as it was before, or with its tail cut off.
    let (folder, root) = new_journal();
    let mut bodies = write(&root, &mut Dice(11), 200);
    let old = folder.path().join("old");
    copy(&root, &old);
    bodies.extend(write(&root, &mut dice, 5));
    reindex(&JournalReader::open(&root).expect("opens")).expect("builds");
    copy(&root.join("index"), &old.join("index"));
    compare(&old, &mut dice, &write(&old, &mut Dice(1), 2), 1, 10, Some(true));
    let (cut, mut journal) = (folder.path().join("cut"), open(&root, 2).journal);
    let head = fs::read(root.join("head")).expect("reads");
    journal.append(vec![crate::support::draft("last")]).expect("appends");
    reindex(&JournalReader::open(&root).expect("opens")).expect("builds beside a writer");
    copy(&root, &cut);
    drop(journal);
    fs::write(cut.join("head"), head).expect("writes");
    let mut segments: Vec<PathBuf> =
        fs::read_dir(cut.join("segments")).expect("reads").map(|item| item.expect("an item").path()).collect();
    segments.sort();
    let last = File::options().read(true).write(true).open(segments.last().expect("a segment")).expect("opens");
    let bytes = fs::read(segments.last().expect("a segment")).expect("reads");
    let end = bytes.iter().rposition(|byte| *byte != 0).expect("bytes");
    last.write_all_at(&[0; 8], end as u64 - 7).expect("writes");
    let reader = JournalReader::open(&cut).expect("opens");
    assert_eq!(reader.read(Seq(1)).expect("reads").count(), 205, "the torn entry is none");
    compare(&cut, &mut dice, &bodies, 1, 10, Some(true));
}

#[test]
fn an_index_that_others_use_is_not_waited_for() {
    let case = Case::new(300);
    let mut dice = Dice(6);
    for what in ["", "db"] {
        let held = File::open(case.index().join(what)).expect("opens");
        flock(&held, FlockOperation::NonBlockingLockExclusive).expect("locks");
        compare(&case.root, &mut dice, &case.bodies, 1, 5, Some(false));
        assert!(matches!(
            reindex(&JournalReader::open(&case.root).expect("opens")),
            Err(IndexError::Used(path)) if path == case.index()
        ));
        drop(held);
        compare(&case.root, &mut dice, &case.bodies, 1, 5, Some(true));
    }
    // Two of the same process stand in each other's way as two processes do.
    let reader = JournalReader::open(&case.root).expect("opens");
    let first = Catalog::open(&reader).expect("reads");
    assert!(first.is_indexed());
    compare(&case.root, &mut dice, &case.bodies, 1, 5, Some(false));
}

#[test]
fn a_short_journal_gets_no_index_unasked() {
    let (_folder, root) = new_journal();
    let bodies = write(&root, &mut Dice(8), 300);
    let reader = JournalReader::open(&root).expect("opens");
    assert!(!Catalog::open(&reader).expect("reads").is_indexed());
    assert!(!root.join("index").exists());
    // One that is there and sound is used, one that is not sound is left alone or removed.
    reindex(&reader).expect("builds");
    assert!(Catalog::open(&reader).expect("reads").is_indexed());
    fs::write(root.join("index/db"), "?").expect("writes");
    assert!(!Catalog::open(&reader).expect("reads").is_indexed());
    compare(&root, &mut Dice(8), &bodies, u64::MAX, 5, Some(false));
    assert_eq!(verify(&root).expect("verifies").notices, []);
}

#[test]
fn a_sealed_index_is_left_as_it_is_by_reading() {
    let case = Case::new(2000);
    let bytes = |case: &Case| case.files().iter().map(|path| fs::read(path).expect("reads")).collect::<Vec<_>>();
    compare(&case.root, &mut Dice(4), &case.bodies, 1, 20, Some(true));
    let before = bytes(&case);
    for seed in 0..5 {
        compare(&case.root, &mut Dice(seed), &case.bodies, 1, 20, Some(true));
    }
    assert!(bytes(&case) == before, "reading makes no work for the next");
}
