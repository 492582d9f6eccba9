//! A writer that is cut off: it appends for many hosts at once, without end, and tells what it was promised only after
//! the promise was made. Lines on standard output, each whole or not there:
//!
//! - `entry SEQ ID`: durable, with everything before it
//! - `body SEQ ID SEED LENGTH`: a body of that entry, as [`Chance`] makes it
//! - `plan ID SEED LENGTH`: a public blob

use palinode_core::id::{Micros, RunId, StepPath};
use palinode_core::port::{Journal, JournalRead, Stored};
use palinode_core::record::{Class, Draft, Event};
use palinode_journal::{DiskJournal, Options};
use palinode_tests::chance::Chance;
use palinode_tests::owner::owner;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

const HOSTS: u64 = 64;

/// So that a second of work makes segments grow and change many times.
const OPTIONS: Options = Options { segment_bytes: 96 << 10, grow_bytes: 8 << 10, inline_bytes: 1024 };

/// A body that was sealed, to be told when its entry is durable.
struct Told {
    id: String,
    seed: u64,
    length: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(root), Some(seed)) = (args.next(), args.next()) else { return Err("usage: writer JOURNAL SEED".into()) };
    let root = Path::new(&root);
    let seed: u64 = seed.parse()?;
    if !root.exists() {
        palinode_journal::create(root)?;
        tell("created\n")?;
    }
    let mut journal = DiskJournal::open(root, owner(std::process::id()), OPTIONS)?.journal;
    let run = RunId(seed.to_be_bytes());
    let vault = journal.create_keys(run)?;
    let mut chance = Chance::new(seed);
    let mut host = 0;
    // What was posted is promised by the append after it.
    let mut waiting: Vec<(Stored, Option<Told>)> = Vec::new();
    loop {
        for (posts, most) in [(true, 3), (false, 6)] {
            let mut drafts = Vec::new();
            let mut bodies = Vec::new();
            for _ in 0..chance.below(most) + u64::from(!posts) {
                host = (host + 1) % HOSTS;
                let length = match chance.below(8) {
                    0..4 => 0,
                    4..7 => chance.below(900) + 1,
                    _ => chance.below(40_000) + 2000,
                };
                let length = usize::try_from(length)?;
                let mut sealed = BTreeMap::new();
                let mut told = None;
                if length > 0 {
                    let seed = chance.number();
                    let (id, body) = vault.seal(Class::Output, &Chance::new(seed).bytes(length))?;
                    sealed.insert(id, body);
                    told = Some(Told { id: id.to_string(), seed, length });
                }
                let step = StepPath::new(format!("host{host}.demo/step"))?;
                let facts = BTreeMap::from([("number".to_owned(), chance.number().to_string())]);
                let event =
                    Event::GateSampled { step, pass: false, hopeless: false, facts, evidence: None, waited: None };
                drafts.push(Draft { run, time: Micros(1), wall: None, event, bodies: sealed });
                bodies.push(told);
            }
            let stored = if posts { journal.post(drafts)? } else { journal.append(drafts)? };
            waiting.extend(stored.into_iter().zip(bodies));
        }
        let mut text = String::new();
        for (stored, told) in waiting.drain(..) {
            let seq = stored.entry.seq;
            writeln!(text, "entry {seq} {}", stored.id)?;
            if let Some(Told { id, seed, length }) = told {
                writeln!(text, "body {seq} {id} {seed} {length}")?;
            }
        }
        if chance.below(10) == 0 {
            let (seed, length) = (chance.number(), 500);
            let id = journal.put_public(&Chance::new(seed).bytes(length))?;
            writeln!(text, "plan {id} {seed} {length}")?;
        }
        tell(&text)?;
        // Reading beside writing, as a driver does.
        if chance.below(50) == 0 {
            journal.read(palinode_core::id::Seq(1))?.next().transpose()?;
        }
    }
}

fn tell(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
