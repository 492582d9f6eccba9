//! Where a target begins: what today's code writes.

use super::msgpack::{self, Tree};
use super::{format, story};
use crate::crash::{Death, GAP, Open, Unbroken, dead, resume};
use crate::memory::{BACK, CRIO_TO_DOCKER, RUN, Stage, given};
use crate::owner::actor;
use crate::storage;
use palinode_core::canon;
use palinode_core::id::{Epoch, Micros, Seq, StepPath};
use palinode_core::inventory::{Edit, Place as Where};
use palinode_core::port::{HandedDecision, JournalRead, Verb};
use palinode_core::record::{Answer, Draft, Entry, Event, PauseWhy, Place, Scope, entry_id};
use palinode_core::resource::State;
use palinode_core::run::plan::Plan;
use palinode_core::runbook::{Given, Runbook};
use palinode_journal::MemJournal;
use palinode_replay::lab;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A runbook with a little of everything.
const EXAMPLE: &str = "\
runbook: example
about: Empty each storage node once, with storage healed in between
parameters: { group: { default: glusterfs }, units: { default: [crio, docker] }, version: { default: '3.10' } }
hosts: { group: \"{{ group }}\", serial: 50% }
preflight:
  - storage: { gluster.healed: { samples: 2 }, timeout: 10m }
  - put-back: { package.restorable: { names: [docker] } }
each_host:
  - cordon: { kube.cordon: {} }
  - drain: { kube.drain: { emptydir: delete, timeout: 15m } }
  - stop: { service: { units: \"{{ units }}\", state: stopped } }
  - name: { file.read: { path: /etc/x, key: NAME }, capture: found }
  - drop: { kube.delete: { namespace: n, name: \"{{ found }}\" }, when: \"{{ found }} == 'x-{{ version }}'\" }
  - healed: { gate: { gluster.healed: { samples: 2 } }, timeout: 2h }
  - schedulable: { restore: { step: cordon, fields: [unschedulable] } }
after:
  - tidy: { inventory.edit: { edits: [ { unset_host_var: { host: gluster1.demo, name: x } } ] } }
";

/// The journal of one host's migration that died once, and of its rollback.
pub(super) fn journal() -> &'static MemJournal {
    static JOURNAL: LazyLock<MemJournal> = LazyLock::new(|| {
        let mut stage = Stage::new();
        let plan = expand(CRIO_TO_DOCKER, &["gluster1.demo"]);
        let whole = Unbroken::of(&mut stage, &plan).expect("it drives");
        let stops = |cut: &&crate::crash::Cut| {
            let last = whole.journal.entries().nth(cut.count - 1).map(|stored| &stored.entry.event);
            last.is_some_and(
                |event| matches!(event, Event::Intent(intent) if intent.step.as_str() == "gluster1.demo/scaleup"),
            )
        };
        let cut = whole.cuts.iter().find(stops).expect("the playbook is run");
        let prefix = whole.journal.truncated(cut.count);
        let history = palinode_core::run::history::History::load(&prefix).expect("a true story folds");
        let open = Open::find(&prefix, &history, RUN);
        let (moment, _) = dead(prefix, cut, open.as_ref(), Death::Half);
        let mut life = resume(moment, RUN, 2, GAP);
        life.stage.roll_back(RUN, &Scope::Run, BACK).expect("it goes back");
        life.stage.journal
    });
    &JOURNAL
}

fn expand(runbook: &str, only: &[&str]) -> Plan {
    let given = Given {
        inventory: Some(given(&lab::inventory_text())),
        only: only.iter().map(|host| (*host).to_owned()).collect(),
        ..Given::default()
    };
    Runbook::parse(runbook).and_then(|runbook| runbook.expand(&given)).expect("the runbook is good")
}

/// The beginning of that story as drafts that need no blob but a plan, which comes with the first one.
pub(super) fn drafts() -> Vec<(Draft, Option<Vec<u8>>)> {
    let inline = |entry: &&Entry| entry.bodies.values().all(|sealed| matches!(sealed.place, Place::Inline(_)));
    let all = journal().entries().map(|stored| &stored.entry).filter(inline);
    all.map(|entry| {
        let Entry { run, time, wall, event, bodies, .. } = entry.clone();
        let plan = match &event {
            Event::RunOpened(opened) => Some(journal().public(opened.plan_blob).expect("the plan is there")),
            _ => None,
        };
        (Draft { run, time, wall, event, bodies }, plan)
    })
    .collect()
}

/// Entries of every kind, the shortest of each; of intents, of each action.
fn all_kinds() -> BTreeMap<String, Entry> {
    let step = StepPath::new("gluster1.demo/packages").expect("a path");
    let key = "gluster1.demo/unit/crio".parse().expect("a key");
    let by = actor();
    let rare = [
        Event::TimerFired { step: step.clone() },
        Event::Resolved { step: step.clone(), answer: Answer::Retry, by: by.clone(), reason: None, overruled: false },
        Event::Paused { why: PauseWhy::Asked, by: Some(by), reason: None },
        Event::DriftFound { step, key, expected: State::Absent, found: State::Absent, forced: true, what: None },
    ];
    let rare = rare.into_iter().map(|event| {
        let (epoch, time, prev) = (Epoch(1), Micros(1), entry_id(b""));
        Entry { seq: Seq(9), run: RUN, epoch, time, wall: Some(Micros(2)), prev, event, bodies: BTreeMap::new() }
    });
    let mut found: BTreeMap<String, Entry> = BTreeMap::new();
    for entry in journal().entries().map(|stored| stored.entry.clone()).chain(rare) {
        let action = if let Event::Intent(intent) = &entry.event { intent.action.name() } else { "" };
        let name = format!("{}{}{action}", entry.event.kind(), if action.is_empty() { "" } else { "-" });
        let length = |entry: &Entry| bytes(entry).len();
        if found.get(&name).is_none_or(|other| length(other) > length(&entry)) {
            found.insert(name, entry);
        }
    }
    found
}

fn bytes(entry: &Entry) -> Vec<u8> {
    entry.encode().expect("an entry can be stored")
}

/// The seeds of a target, by name.
pub fn of(target: &str) -> Vec<(String, Vec<u8>)> {
    let named = |all: Vec<(&str, Vec<u8>)>| all.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    let entries = || all_kinds().into_iter().map(|(name, entry)| (name, bytes(&entry)));
    match target {
        "entries" => entries().collect(),
        "canon" => entries().filter(|(_, bytes)| bytes.len() < 600).collect(),
        "plan" => named(plans()),
        "frames" => named(batches()),
        "slots" => named(slots()),
        "inbox" => named(handouts()),
        "folder" => named(changes()),
        "story" => parts(),
        "runbook" => named(vec![
            ("shipped", CRIO_TO_DOCKER.into()),
            ("example", EXAMPLE.into()),
            ("anchors", EXAMPLE.replace("{ default: glusterfs }", "&a { default: *b }").into()),
        ]),
        "inventory" => named(inventories()),
        "gluster" => named(answers()),
        "events" => named(events()),
        _ => Vec::new(),
    }
}

fn plans() -> Vec<(&'static str, Vec<u8>)> {
    let example = expand(EXAMPLE, &["gluster1.demo"]);
    let mut cut = expand(CRIO_TO_DOCKER, &["gluster1.demo"]);
    cut.steps.truncate(12);
    cut.lanes.iter_mut().for_each(|lane| (lane.start, lane.end) = (lane.start.min(12), lane.end.min(12)));
    let runs = journal().entries().filter_map(|stored| match &stored.entry.event {
        Event::RunOpened(opened) => Some(journal().public(opened.plan_blob).expect("the plan is there")),
        _ => None,
    });
    let back = runs.last().expect("there is a rollback");
    let bytes = |plan: &Plan| plan.encode().expect("a plan can be stored").0;
    vec![("example", bytes(&example)), ("cut", bytes(&cut)), ("rollback", back)]
}

fn batches() -> Vec<(&'static str, Vec<u8>)> {
    let real: Vec<Vec<u8>> = all_kinds().values().map(bytes).filter(|bytes| bytes.len() < 400).take(3).collect();
    let real: Vec<&[u8]> = real.iter().map(Vec::as_slice).collect();
    let two = [format::batch(&[b"one", b"two"], 7), format::batch(&[b"three"], 9)].concat();
    let with = |mode: u8, bytes: &[u8]| [&[mode], bytes].concat();
    vec![
        ("real", with(0, &format::batch(&real, 7))),
        ("two", with(0, &[&two[..], &[0; 16]].concat())),
        ("mended", with(1, &two)),
        ("half-mended", with(3, &two)),
        ("torn", with(0, &two[..two.len() - 3])),
        ("zeros", vec![0; 20]),
    ]
}

fn slots() -> Vec<(&'static str, Vec<u8>)> {
    let folder = super::folder::scratch();
    let root = folder.path().join("journal");
    palinode_journal::create(&root).expect("a journal can be made");
    let opened = palinode_journal::DiskJournal::open(&root, crate::owner::owner(1), Default::default());
    let mut journal = opened.expect("it opens").journal;
    let drafts = drafts().into_iter().map(|(draft, _)| draft).take(2).collect();
    palinode_core::port::Journal::append(&mut journal, drafts).expect("it can be written");
    let read = |name: &str| std::fs::read(root.join(name)).expect("a file can be read");
    let with = |mode: u8, bytes: Vec<u8>| [vec![mode], bytes].concat();
    let alive = with(3, read("lock"));
    journal.close().expect("it closes");
    vec![
        ("head", with(0, read("head"))),
        ("head-mended", with(1, read("head"))),
        ("lock", with(2, read("lock"))),
        ("lock-mended", alive),
    ]
}

fn handouts() -> Vec<(&'static str, Vec<u8>)> {
    let step = StepPath::new("gluster1.demo/packages").expect("a path");
    let of = |verb: Verb, reason: Option<&str>| {
        let reason = reason.map(str::to_owned);
        canon::encode(&HandedDecision { run: RUN, verb, by: actor(), reason, seen: None })
            .expect("a decision can be stored")
    };
    let with = |mode: u8, bytes: Vec<u8>| [vec![mode], bytes].concat();
    let pause = of(Verb::Pause, None);
    vec![
        ("skip", with(1, of(Verb::Skip { step: step.clone() }, Some("the mirror is gone")))),
        ("answer", with(1, of(Verb::Answer { step, answer: Answer::Retry }, None))),
        ("pause", with(1, pause.clone())),
        ("raw", with(0, format::record("handout", &pause))),
        ("misnamed", with(14, format::record("handout", &pause))),
    ]
}

/// Changes of a journal's files. In the order of their names: 0 a blob, 1 format, 2 head, 3 and 4 keys, 5 lock, then
/// segments.
fn changes() -> Vec<(&'static str, Vec<u8>)> {
    let far = |what: u8, file: u8, place: u16, data: &[u8]| {
        let [low, high] = place.to_le_bytes();
        [&[what, file, low, high, data.len() as u8][..], data].concat()
    };
    let mend = |file: u8| vec![5, file, 0, 0, 0];
    vec![
        ("nothing", Vec::new()),
        ("flip", vec![4, 7, 20, 0, 3]),
        ("cut", far(1, 8, 100, &[])),
        ("gone", far(3, 7, 0, &[])),
        ("tail", [far(0, 5, 10, b"x"), far(2, 9, 900, b"half a batch")].concat()),
        ("head", [far(0, 2, 60, &[0xff; 8]), mend(2)].concat()),
        ("entry", [far(0, 6, 40, &[0x91; 4]), mend(6)].concat()),
        ("twice", far(7, 6, 9, &[])),
        ("version", far(6, 1, 0, b"palinode-journal 1.7\n")),
        ("last-entry", forged(2, 200, u64::MAX, 0)),
        ("last-but-one-entry", forged(2, 200, u64::MAX - 1, 0)),
        ("last-head", forged(2, u64::MAX - 1, 0, 0)),
        ("last-lock", forged(5, u64::MAX - 1, 0, 0)),
        ("last-epoch", forged(5, 200, 0, u64::MAX)),
    ]
}

/// A change that puts a slot of one's own making, with a right checksum, over the first one of the head or the lock.
fn forged(file: u8, generation: u64, seq: u64, epoch: u64) -> Vec<u8> {
    let int = |number: u64| Tree::Int(number.into());
    let map = |pairs: Vec<(&str, Tree)>| {
        Tree::Map(pairs.into_iter().map(|(name, value)| (Tree::Text(name.to_owned()), value)).collect())
    };
    let (context, value) = if file == 2 {
        let (format, entry) = (Tree::List(vec![int(1), int(0)]), Tree::Bytes(vec![0; 32]));
        let (segment, offset, runs) = (int(1), int(0), Tree::List(Vec::new()));
        let head = [("format", format), ("seq", int(seq)), ("entry", entry), ("segment", segment), ("offset", offset)];
        ("head", map(head.into_iter().chain([("runs", runs)]).collect()))
    } else {
        ("lock", map(vec![("owner", Tree::Nil), ("epoch", int(epoch)), ("released", Tree::Bool(true))]))
    };
    let slot = map(vec![("generation", int(generation)), ("value", value)]);
    let record = format::record(context, &msgpack::write(&slot).expect("it has a canonical form"));
    let over = |data: &[u8]| [&[0, file, 0, 0, data.len() as u8][..], data].concat();
    [over(&[0; 255]), over(&record), vec![5, file, 0, 0, 0]].concat()
}

/// From each place on, what really came next.
fn parts() -> Vec<(String, Vec<u8>)> {
    let all: Vec<Vec<u8>> = journal().entries().map(|stored| bytes(&stored.entry)).collect();
    let part = |place: usize| {
        let from = (place + 1) * all.len() / story::PLACES;
        let next = all.iter().skip(from).take(4).filter(|bytes| bytes.len() < 3000);
        let next = next.flat_map(|bytes| [&(bytes.len() as u16).to_le_bytes(), &bytes[..]].concat());
        (format!("place-{place:02}"), [place as u8].into_iter().chain(next).collect())
    };
    (0..story::PLACES).map(part).collect()
}

fn inventories() -> Vec<(&'static str, Vec<u8>)> {
    let lab = lab::inventory_text();
    let odd = "lone\r\n[nodes] # all\r\na.demo x='1 2' y=3 # c\n; c\n\n[nodes:vars]\nk = v # w\nn=8080 # c\n\
               [p:children]\nnodes # c\n[odd:kind]\nq\n[nodes]\nb x='\nn[1:3] z=1\nbad var";
    let text = |text: &str| text.to_owned();
    let (host, name) = (text("a.demo"), text("x"));
    let edits = vec![
        Edit::SetHostVar { host: host.clone(), name: name.clone(), value: text("3.10") },
        Edit::StripHostVarSuffix { host: host.clone(), name, suffix: text("0") },
        Edit::MoveHost { host, from: text("nodes"), to: text("new"), place: Where::default() },
        Edit::SetGroupVar { group: text("nodes"), name: text("k"), value: text("w") },
        Edit::EnsureChild { parent: text("p"), child: text("new") },
    ];
    let between = |text: &str, tail: &[u8]| [text.as_bytes(), &[0], tail].concat();
    let each = edits.iter().map(|edit| canon::encode(&[edit]).expect("an edit can be stored"));
    let mut all = vec![
        ("lab", lab.into_bytes()),
        ("odd", odd.into()),
        ("all-edits", between(odd, &canon::encode(&edits).expect("edits can be stored"))),
        ("merge", between(odd, odd.replace("y=3", "y=4").as_bytes())),
    ];
    all.extend(["set", "strip", "move", "group", "child"].into_iter().zip(each.map(|tail| between(odd, &tail))));
    all
}

/// What two members print: of healthy volumes, and of ones that are not.
fn answers() -> Vec<(&'static str, Vec<u8>)> {
    let volumes = [String::from("v")];
    let question = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        match words.as_slice() {
            ["pool", "list"] => "pool".to_owned(),
            ["volume", what @ ("info" | "list")] => (*what).to_owned(),
            ["volume", "status", volume] => format!("status {volume}"),
            ["volume", "status", volume, "detail"] => format!("detail {volume}"),
            ["volume", "heal", volume, "info"] => format!("heal {volume}"),
            other => unreachable!("{other:?}"),
        }
    };
    let of = |change: &dyn Fn(&mut BTreeMap<String, String>)| {
        let mut bytes = Vec::new();
        for own in 1..=2 {
            let printed = storage::healthy(own, &volumes, |_, _| storage::Room::default());
            let mut all: BTreeMap<String, String> =
                printed.into_iter().map(|(words, text)| (question(&words), text)).collect();
            // All at once, and each by itself, is the same here.
            all.remove("status v");
            all.remove("detail v");
            change(&mut all);
            bytes.extend_from_slice(b"member");
            for (name, text) in all {
                bytes.extend([b"\0", name.as_bytes(), b"\0", text.as_bytes()].concat());
            }
            bytes.push(0);
        }
        bytes
    };
    let put = |name: &'static str, text: String| {
        move |all: &mut BTreeMap<String, String>| drop(all.insert(name.to_owned(), text.clone()))
    };
    let text = "Brick a:/b\n/f - Is in split-brain\nStatus: Connected\nNumber of entries: 1\n\n";
    vec![
        ("healthy", of(&|_| {})),
        ("pending", of(&put("heal v", storage::heal("v", [2, 2, 0])))),
        ("text", of(&put("heal v", text.to_owned()))),
        ("busy", of(&put("status all", "Another transaction is in progress.\n".to_owned()))),
    ]
}

/// Lines of a playbook's events, in pieces of some length.
fn events() -> Vec<(&'static str, Vec<u8>)> {
    let lines = "{\"n\":1,\"e\":\"began\"}\n{\"n\":2,\"e\":\"play\"}\n{\"n\":3,\"e\":\"task\",\"name\":\"T\"}\n\
                 {\"n\":4,\"e\":\"ok\",\"changed\":true,\"host\":\"a\"}\n{\"n\":5,\"e\":\"failed\",\"host\":\"b\",\"name\":\"T\",\
                 \"result\":{\"msg\":\"no\"}}\n{\"n\":6,\"e\":\"failed\",\"ignored\":true,\"host\":\"b\"}\n\
                 {\"n\":7,\"e\":\"unreachable\",\"host\":\"c\"}\n{\"n\":8,\"e\":\"no-hosts-matched\"}\n\
                 {\"n\":9,\"e\":\"stats\",\"hosts\":{\"a\":{\"ok\":2},\"b\":{\"failures\":1}}}\n";
    let with = |size: u8, text: &str| [&[size], text.as_bytes()].concat();
    vec![
        ("all", with(7, lines)),
        ("whole", with(255, lines)),
        ("noise", with(3, &lines.replace("\"e\":\"task\"", "noise"))),
        ("half", with(1, &lines[..lines.len() - 30])),
    ]
}
