//! What every implementation of the journal's port must do, checked through the port alone.

use palinode_core::id::{BodyId, EntryId, Micros, RunId, Seq, StepPath};
use palinode_core::port::{BodyError, Journal, ReadError, RecordError, Stored};
use palinode_core::record::{Class, Draft, ENTRY_LIMIT, Event, Place};
use std::collections::BTreeMap;

/// A rule that an implementation breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal breaks the rule `{rule}`: {found}")]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// What was found instead.
    pub found: String,
}

type Checked = Result<(), Violation>;

const RUN: RunId = RunId([7; 8]);

/// Checks an implementation; `make` gives an empty journal each time.
pub fn check<J: Journal>(mut make: impl FnMut() -> J) -> Checked {
    order(&mut make())?;
    posts(&mut make())?;
    bodies(&mut make())?;
    public(&mut make())?;
    limits(&mut make())?;
    inbox(&mut make())
}

/// Checks what an implementation keeps when process and power are lost. `make` gives an empty journal; `crash` begins to
/// append a batch, is cut before that returns, and gives the journal as the next owner opens it. An empty batch is a cut
/// between two calls.
pub fn check_crashes<J: Journal>(make: impl FnOnce() -> J, mut crash: impl FnMut(J, Vec<Draft>) -> J) -> Checked {
    let mut journal = make();
    let vault = must("create keys", journal.create_keys(RUN))?;
    let plan = must("put", journal.put_public(b"a plan"))?;
    let noise: Vec<u8> = (0..400u64).flat_map(|n| *blake3::hash(&n.to_le_bytes()).as_bytes()).collect();
    let (id, sealed) = must("seal", vault.seal(Class::Content, &noise))?;
    let mut body = draft("body")?;
    body.bodies.insert(id, sealed.clone());
    let mut durable = must("post", journal.post(vec![draft("posted before")?]))?;
    durable.extend(must("append", journal.append(vec![draft("a")?, body, draft("b")?]))?);
    for round in 0..6 {
        let posted = must("post", journal.post(vec![draft("posted after")?, draft("in vain")?]))?;
        let epoch = journal.epoch();
        let batch = if round % 2 == 0 { Vec::new() } else { vec![draft("c")?, draft("d")?, draft("e")?] };
        let events: Vec<Event> = batch.iter().map(|draft| draft.event.clone()).collect();
        journal = crash(journal, batch);
        let found = all(&journal, 1)?;
        hold("what was appended, or posted before an append, survives", found.starts_with(&durable), found.len())?;
        let behind = found.get(durable.len()..).unwrap_or_default();
        let cut: Vec<_> = behind.iter().map(|stored| &stored.entry.event).collect();
        let whole = posted.iter().map(|stored| &stored.entry.event).chain(&events);
        let whole = cut.is_empty() || whole.eq(cut.iter().copied());
        hold("what was not yet acknowledged is there as a whole or not at all", whole, behind.len())?;
        hold("the next owner has a later epoch", journal.epoch() > epoch, journal.epoch())?;
        let kept = must("a blob survives", journal.public(plan))?;
        hold("a blob survives", kept == b"a plan", kept.len())?;
        let opened = must("keys survive", journal.vault(RUN)).map(|vault| vault.open(id, &sealed))?;
        hold("a sealed body survives", opened.as_ref().is_ok_and(|plain| *plain == noise), opened.err())?;
        durable = found;
        let more = must("the next owner appends", journal.append(vec![draft("next")?]))?;
        let follows = more.iter().all(|next| durable.last().is_some_and(|last| next.entry.prev == last.id));
        hold("the next entry follows the last one that was found", follows, more.len())?;
        durable.extend(more);
    }
    Ok(())
}

/// Checks that a failed write poisons. `make` gives an empty journal; `spoil` lets the next append fail.
pub fn check_poisoning<J: Journal>(make: impl FnOnce() -> J, spoil: impl FnOnce(&mut J)) -> Checked {
    let mut journal = make();
    let given = must("append", journal.append(vec![draft("before")?]))?;
    spoil(&mut journal);
    let failed = journal.append(vec![draft("lost")?]);
    hold("a write that fails is an error", matches!(failed, Err(RecordError::Failed { .. })), &failed)?;
    let later = [
        journal.append(vec![draft("later")?]).err(),
        journal.append(Vec::new()).err(),
        journal.post(vec![draft("later")?]).err(),
        journal.put_public(b"later").err(),
        journal.create_keys(RUN).err(),
    ];
    let refused = later.iter().all(|error| matches!(error, Some(RecordError::Poisoned)));
    hold("after a failed write every call is refused", refused, later)?;
    let read: Result<Vec<_>, _> = must("what was there can be read", journal.read(Seq(1)))?.collect();
    hold("what was there can be read", read.as_ref().is_ok_and(|read| read.starts_with(&given)), read.err())
}

fn broken(rule: &'static str, found: impl std::fmt::Debug) -> Violation {
    Violation { rule, found: format!("{found:?}") }
}

fn hold(rule: &'static str, holds: bool, found: impl std::fmt::Debug) -> Checked {
    if holds { Ok(()) } else { Err(broken(rule, found)) }
}

fn must<T, E: std::fmt::Debug>(rule: &'static str, result: Result<T, E>) -> Result<T, Violation> {
    result.map_err(|error| broken(rule, error))
}

/// A small draft whose text is free.
fn draft(phase: &str) -> Result<Draft, Violation> {
    let step = must("a step path is valid", StepPath::new("host/step"))?;
    let facts = BTreeMap::from([("phase".to_owned(), phase.to_owned())]);
    let event = Event::GateSampled { step, pass: false, hopeless: false, facts, evidence: None, waited: None };
    Ok(Draft { run: RUN, time: Micros(1_000_000), wall: None, event, bodies: BTreeMap::new() })
}

fn all(journal: &impl Journal, from: u64) -> Result<Vec<Stored>, Violation> {
    let entries = must("entries can be read", journal.read(Seq(from)))?;
    must("entries read back sound", entries.collect())
}

fn order(journal: &mut impl Journal) -> Checked {
    hold("an empty journal has no entries", all(journal, 1)?.is_empty(), ())?;
    hold("an empty append is no entry", must("append", journal.append(Vec::new()))?.is_empty(), ())?;
    let mut given = must("append", journal.append(vec![draft("a")?]))?;
    given.extend(must("append", journal.append(vec![draft("b")?, draft("c")?]))?);
    let mut prev = EntryId([0; 32]);
    for (index, stored) in given.iter().enumerate() {
        hold("sequences have no gaps", stored.entry.seq == Seq(index as u64 + 1), stored.entry.seq)?;
        hold("each entry names the one before", stored.entry.prev == prev, stored.entry.prev)?;
        hold("entries carry the owner's epoch", stored.entry.epoch == journal.epoch(), stored.entry.epoch)?;
        let bytes = must("entries have stored bytes", stored.entry.encode())?;
        hold("ids are the hash of the stored bytes", palinode_core::record::entry_id(&bytes) == stored.id, stored.id)?;
        prev = stored.id;
    }
    for from in 0..=5 {
        let expected = &given[from.clamp(1, 4) - 1..];
        let found = all(journal, from as u64)?;
        hold("reading from a sequence gives what stands there", found == expected, (from, found.len()))?;
    }
    Ok(())
}

fn posts(journal: &mut impl Journal) -> Checked {
    let mut given = must("post", journal.post(vec![draft("a")?]))?;
    given.extend(must("post", journal.post(vec![draft("b")?]))?);
    hold("a posted entry has its place at once", all(journal, 1)? == given, ())?;
    hold("reading on from a posted entry works", all(journal, 2)? == given[1..], ())?;
    given.extend(must("append", journal.append(vec![draft("c")?]))?);
    hold("an append follows what was posted", all(journal, 1)? == given, ())?;
    for index in 0..600 {
        given.extend(must("post", journal.post(vec![draft(&format!("p{index}"))?]))?);
    }
    hold("many posts keep their order", all(journal, 1)? == given, ())
}

fn bodies(journal: &mut impl Journal) -> Checked {
    let unknown = journal.vault(RUN).err();
    let missing = matches!(unknown, Some(BodyError::Read(ReadError::Missing(_)) | BodyError::Missing(_)));
    hold("a run without keys has no vault", missing, unknown)?;
    let vault = must("create keys", journal.create_keys(RUN))?;
    let other = must("create keys", journal.create_keys(RunId([8; 8])))?;
    let same = must("keys are found again", journal.vault(RUN))?;
    // Noise does not pack: the long one must become a blob.
    let noise: Vec<u8> = (0..400u64).flat_map(|n| *blake3::hash(&n.to_le_bytes()).as_bytes()).collect();
    let table: [(Class, &[u8]); 4] =
        [(Class::Words, b""), (Class::Output, b"short"), (Class::Content, &[0; 100_000]), (Class::Content, &noise)];
    for (class, plain) in table {
        let (id, sealed) = must("seal", vault.seal(class, plain))?;
        hold("a body's length is recorded", sealed.len == plain.len() as u64, sealed.len)?;
        hold("equal bodies have equal ids", must("digest", same.digest(plain))? == id, id)?;
        hold("ids tell nothing without the key", must("digest", other.digest(plain))? != id, id)?;
        hold("a body opens", must("open", same.open(id, &sealed))? == plain, plain.len())?;
        hold("a body opens with its own run's keys only", other.open(id, &sealed).is_err(), id)?;
        hold(
            "a body opens as its own class only",
            {
                let class = if class == Class::Words { Class::Output } else { Class::Words };
                same.open(id, &palinode_core::record::Sealed { class, ..sealed.clone() }).is_err()
            },
            class,
        )?;
        let mut entry = draft("body")?;
        entry.bodies.insert(id, sealed);
        must("append", journal.append(vec![entry]))?;
    }
    let stored = all(journal, 1)?;
    let opened = stored.iter().flat_map(|stored| &stored.entry.bodies).map(|(id, sealed)| same.open(*id, sealed));
    let opened: Vec<Vec<u8>> = must("stored bodies open", opened.collect())?;
    hold("stored bodies read back", opened.iter().map(Vec::as_slice).eq(table.map(|(_, plain)| plain)), opened.len())?;
    let long = stored
        .last()
        .is_some_and(|last| last.entry.bodies.values().all(|sealed| matches!(sealed.place, Place::Blob(_))));
    hold("a long body is a blob", long, ())
}

fn public(journal: &mut impl Journal) -> Checked {
    let id = must("put", journal.put_public(b"a plan"))?;
    hold("putting the same bytes again is the same blob", must("put", journal.put_public(b"a plan"))? == id, id)?;
    hold("a public blob reads back", must("get", journal.public(id))? == b"a plan", id)?;
    let none = journal.public(palinode_core::id::BlobId([9; 32]));
    hold("an unknown blob is missing", matches!(none, Err(ReadError::Missing(_))), none)
}

fn limits(journal: &mut impl Journal) -> Checked {
    let given = must("post", journal.post(vec![draft("before")?]))?;
    let long = journal.append(vec![draft("first")?, draft(&"x".repeat(ENTRY_LIMIT))?]);
    hold("a too long entry is refused", matches!(long, Err(RecordError::TooLong(_))), &long)?;
    hold("a refused batch leaves nothing behind", all(journal, 1)? == given, ())?;
    let vault = must("create keys", journal.create_keys(RUN))?;
    let mut entry = draft("many bodies")?;
    for index in 0..40u64 {
        let noise: Vec<u8> =
            (0..100u64).flat_map(|n| *blake3::hash(&(index * 1000 + n).to_le_bytes()).as_bytes()).collect();
        let (id, sealed) = must("seal", vault.seal(Class::Output, &noise))?;
        entry.bodies.insert(id, sealed);
    }
    let ids: Vec<BodyId> = entry.bodies.keys().copied().collect();
    let stored = must("bodies that do not fit the entry move out of it", journal.append(vec![entry]))?;
    let bodies = stored.first().map(|stored| stored.entry.bodies.clone()).unwrap_or_default();
    hold("no body is lost on the way", bodies.keys().copied().eq(ids), bodies.len())?;
    let blobs = bodies.values().filter(|sealed| matches!(sealed.place, Place::Blob(_))).count();
    hold("only as many move as must", (1..bodies.len()).contains(&blobs), blobs)?;
    let opened: Result<Vec<_>, _> = bodies.iter().map(|(id, sealed)| vault.open(*id, sealed)).collect();
    must("moved bodies open", opened).map(drop)
}

fn inbox(journal: &mut impl Journal) -> Checked {
    let handed = must("inbox", journal.inbox())?;
    hold("a new inbox is empty", handed.is_empty(), handed)?;
    must("taking what is gone is fine", journal.take("00000000000000000001-0000000000000000.handout"))
}
