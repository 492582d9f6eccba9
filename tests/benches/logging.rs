//! What logging costs: nothing while it is off, and next to nothing while only the last events are kept.
//!
//! Off is not measured against another binary, whose code lies elsewhere and is faster or slower by more than what is looked
//! for. What a span, an event and an entry of a span cost that nobody wants is measured alone, times how many a step has.
//! `cargo bench -p palinode-tests --features log-compiled-out -- driver` is the driver without any of it, for a look beside.

use crate::driver;
use crate::rounds::{goal, ratio, rounds, rounds_of, table};
use palinode_journal::MemJournal;
use palinode_tests::binary::binary;
use palinode_tests::owner::owner;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Span, Subscriber, debug, info_span};

/// So many steps a run.
const STEPS: usize = 10_000;

/// So many of what costs a nanosecond.
const MANY: u64 = 10_000_000;

/// Counts what is told, and wants all of it.
#[derive(Default)]
struct Count {
    spans: AtomicU64,
    events: AtomicU64,
    entries: AtomicU64,
}

impl Subscriber for Count {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1 + self.spans.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &Id) {
        self.entries.fetch_add(1, Ordering::Relaxed);
    }

    fn exit(&self, _: &Id) {}
}

/// Nanoseconds that one of many takes.
fn each(mut one: impl FnMut(u64)) -> f64 {
    let began = Instant::now();
    (0..MANY).for_each(&mut one);
    began.elapsed().as_secs_f64() * 1e9 / MANY as f64
}

pub(crate) fn off() {
    println!("logging that is off, in a driver without a disk");
    let mut step = || driver::drive(&mut MemJournal::forgetful(owner(1)), STEPS, 4) * 1e9 / STEPS as f64;
    let disabled = Span::none();
    let mut bare = || {
        each(|number| {
            black_box(number);
        })
    };
    let mut event = || each(|number| debug!(number = black_box(number), "nobody hears it"));
    let mut span = || each(|number| drop(black_box(info_span!("nobody", number = black_box(number)))));
    let mut entry = || {
        each(|number| {
            black_box(disabled.in_scope(|| black_box(number)));
        })
    };
    let all = rounds(&mut [
        ("a step", &mut step),
        ("the loop", &mut bare),
        ("an event", &mut event),
        ("a span", &mut span),
        ("an entry", &mut entry),
    ]);
    print!("{}", table("ns", &all));
    // Last: whoever listened once leaves its traces behind.
    let count = Arc::new(Count::default());
    tracing::subscriber::with_default(Arc::clone(&count), || {
        driver::drive(&mut MemJournal::forgetful(owner(1)), STEPS, 4);
    });
    let a_step = |all: &AtomicU64| all.load(Ordering::Relaxed) as f64 / STEPS as f64;
    let (events, spans, entries) = (a_step(&count.events), a_step(&count.spans), a_step(&count.entries));
    println!("  a step has {events:.1} events, {spans:.1} spans and {entries:.1} entries");
    let costs = |at: usize| (all[at].median() - all[1].median()).max(0.0);
    let share = (events * costs(2) + spans * costs(3) + entries * costs(4)) / all[0].median();
    let found = 1.0 + share;
    goal("a step with what is off over one without", (found, found, found), share <= 0.01, "at most 1.01");
}

/// The seconds that processes worked which this one waited for: field 16 and 17 of its line, in hundredths (proc(5)).
fn worked() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ')).into_iter().flatten();
    let ticks: f64 = fields.skip(13).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// The seconds that a run in a lab works, in a folder in memory. Others on the machine and its disk do not count.
fn lab(log: Option<&str>) -> f64 {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { PathBuf::from(env!("CARGO_TARGET_TMPDIR")) };
    let dir = tempfile::Builder::new().prefix("logging-").tempdir_in(place).expect("a folder can be made");
    let mut command = Command::new(binary());
    command.args(["run", "crio-to-docker", "--lab", "--lab-nodes", "60"]).current_dir(dir.path());
    command.stdout(Stdio::null()).stderr(Stdio::null()).env_remove("PALINODE_LOG");
    log.map(|log| command.env("PALINODE_LOG", log));
    let before = worked();
    let ended = command.status().expect("the binary can be started");
    let took = worked() - before;
    assert!(ended.success(), "{ended}");
    took
}

pub(crate) fn ring() {
    println!("a lab of 60 storage nodes in memory, with the last events kept and without");
    let (mut off, mut on) = (|| lab(Some("off")), || lab(None));
    let all = rounds_of(5, &mut [("nothing is kept", &mut off), ("the last 1,000 events are kept", &mut on)]);
    print!("{}", table("s of work", &all));
    let found = ratio(&all[1], &all[0]);
    goal("kept over not kept", found, found.0 <= 1.05, "at most 1.05");
}
