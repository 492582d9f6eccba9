//! A story with everything a journal can go through, told on a simulated disk until something breaks it, and what must
//! be true of every disk that this leaves.

use crate::support::{RUN, SMALL, actor, draft, opened, owner};
use palinode_core::id::{BlobId, BodyId, RunId, Seq};
use palinode_core::port::{BodyError, HandedDecision, Journal, JournalRead, RecordError, Stored, Vault, Verb};
use palinode_core::record::{Class, Draft, Event, Sealed};
use palinode_journal::sim::{Operation, SimDisk};
use palinode_journal::{
    CreateError, DiskJournal, JournalReader, Notice, OpenError, Opened, Options, Verified, create_on, hand_in_on,
    verify_on,
};
use std::path::Path;
use std::sync::Arc;

/// Where the journal is.
pub(crate) fn root() -> &'static Path {
    Path::new("/home/.palinode")
}

/// What was asked of a journal, and what it promised.
#[derive(Clone, Default)]
pub(crate) struct Told {
    pub(crate) created: bool,
    /// What must be there.
    pub(crate) acknowledged: Vec<Stored>,
    /// What may be there: every event that was given, in order.
    pub(crate) given: Vec<Event>,
    bodies: Vec<(BodyId, Sealed, Vec<u8>)>,
    blobs: Vec<(BlobId, Vec<u8>)>,
    keys: bool,
    /// A class that is erased for certain, and one that may be.
    erased: Option<Class>,
    erasing: Option<Class>,
    handed: Vec<String>,
    taking: Vec<String>,
    /// What did not work and was no reason to stop.
    pub(crate) hitches: usize,
    /// How many torn tails were met.
    pub(crate) torn: usize,
    /// Whether the story itself tore a batch.
    torn_apart: bool,
    /// Whether it was told to its end.
    pub(crate) whole: bool,
}

/// Why the story ended early.
pub(crate) enum End {
    /// There is no journal yet.
    Create(CreateError),
    Open,
    /// A handle that refused.
    Record(Box<DiskJournal>, RecordError),
    Close,
}

pub(crate) fn open_on(disk: &SimDisk, pid: u32, options: Options) -> Result<Opened, OpenError> {
    DiskJournal::open_on(disk.layer(), root(), owner(pid), options)
}

fn handout(number: usize) -> HandedDecision {
    HandedDecision { run: RUN, verb: Verb::Pause, by: actor(), reason: Some(format!("{number}")), seen: None }
}

/// Bytes that do not pack: too long to ride in an entry.
fn noise(seed: u64) -> Vec<u8> {
    (0..12u64).flat_map(|n| *blake3::hash(&(seed * 100 + n).to_le_bytes()).as_bytes()).collect()
}

/// A journal at work, and what it was asked.
struct Teller<'a> {
    disk: &'a SimDisk,
    told: &'a mut Told,
    journal: DiskJournal,
    posted: Vec<Stored>,
}

type Step<T> = Result<T, RecordError>;

impl Teller<'_> {
    fn append(&mut self, drafts: Vec<Draft>) -> Step<()> {
        self.told.given.extend(drafts.iter().map(|draft| draft.event.clone()));
        let stored = self.journal.append(drafts)?;
        self.told.acknowledged.append(&mut self.posted);
        self.told.acknowledged.extend(stored);
        Ok(())
    }

    fn post(&mut self, drafts: Vec<Draft>) -> Step<()> {
        self.told.given.extend(drafts.iter().map(|draft| draft.event.clone()));
        self.posted.extend(self.journal.post(drafts)?);
        Ok(())
    }

    fn body(&mut self, vault: &Arc<dyn Vault>, class: Class, bytes: &[u8]) -> Step<()> {
        let (id, sealed) = vault.seal(class, bytes).map_err(|error| match error {
            BodyError::Record(error) => error,
            other => RecordError::Failed { what: "a body".to_owned(), cause: Box::new(other) },
        })?;
        let mut entry = draft("body");
        entry.bodies.insert(id, sealed.clone());
        self.append(vec![draft("beside"), entry])?;
        self.told.bodies.push((id, sealed, bytes.to_vec()));
        Ok(())
    }

    fn first(&mut self) -> Step<()> {
        let vault = self.journal.create_keys(RUN)?;
        self.told.keys = true;
        let plan = self.journal.put_public(b"plan")?;
        self.told.blobs.push((plan, b"plan".to_vec()));
        self.append(vec![opened(RUN, plan)])?;
        self.body(&vault, Class::Content, b"short")?;
        self.body(&vault, Class::Output, &noise(1))?;
        self.post(vec![draft("posted")])?;
        self.post(vec![draft("posted"), draft("too")])?;
        self.inbox();
        self.append(vec![draft("one"), draft("two"), draft("three")])?;
        self.body(&vault, Class::Words, b"because")?;
        self.told.erasing = Some(Class::Words);
        match self.journal.erase(RUN, Class::Words) {
            Ok(_) => self.told.erased = Some(Class::Words),
            Err(error) => return Err(RecordError::Failed { what: "keys".to_owned(), cause: Box::new(error) }),
        }
        for index in 0..4 {
            self.append(vec![draft(&format!("{index}"))])?;
        }
        self.append(vec![draft(&"long ".repeat(300))])?;
        self.post(vec![draft("last words")])
    }

    fn inbox(&mut self) {
        for number in 0..2 {
            match hand_in_on(self.disk.layer(), root(), &handout(number)) {
                Ok(name) => self.told.handed.push(name),
                Err(_) => self.told.hitches += 1,
            }
        }
        match self.journal.inbox() {
            Ok(found) => {
                if let Some(first) = found.first() {
                    self.told.taking.push(first.name.clone());
                    if self.journal.take(&first.name).is_err() {
                        self.told.hitches += 1;
                    }
                }
            }
            Err(_) => self.told.hitches += 1,
        }
    }

    /// A batch of which only a part is written.
    fn tear(&mut self) -> Step<()> {
        self.append(vec![draft("before the tear")])?;
        self.disk.fail_short(self.disk.count(Operation::Write) + 1, 30);
        self.told.torn_apart = true;
        self.append(vec![draft("torn")])
    }
}

/// Tells a part as one owner; closes in the end.
fn part(
    disk: &SimDisk,
    told: &mut Told,
    pid: u32,
    options: Options,
    tell: impl Fn(&mut Teller<'_>) -> Step<()>,
) -> Result<(), End> {
    let Opened { journal, torn, .. } = open_on(disk, pid, options).map_err(|_| End::Open)?;
    told.torn += usize::from(torn.is_some());
    // What an owner finds is promised from then on, and what it does not find was never there.
    let stored = read_all(&journal).map_err(|_| End::Close)?;
    assert!(stored.starts_with(&told.acknowledged), "what was acknowledged is found again");
    told.given = stored.iter().map(|stored| stored.entry.event.clone()).collect();
    told.acknowledged = stored;
    let mut teller = Teller { disk, told, journal, posted: Vec::new() };
    if let Err(error) = tell(&mut teller) {
        return Err(End::Record(Box::new(teller.journal), error));
    }
    let posted = teller.posted;
    teller.journal.close().map_err(|_| End::Close)?;
    told.acknowledged.extend(posted);
    Ok(())
}

fn tell_all(disk: &SimDisk, told: &mut Told) -> Result<(), End> {
    create_on(disk.layer(), root()).map_err(End::Create)?;
    told.created = true;
    part(disk, told, 1, SMALL, |teller| teller.first())?;
    // Room for the next batches, so that the next write but one is a batch and not zeros.
    let roomy = Options { grow_bytes: 1000, segment_bytes: 2000, ..SMALL };
    match part(disk, told, 2, roomy, |teller| teller.tear()) {
        // That tear is part of the story.
        Err(End::Record(journal, RecordError::Failed { .. })) if told.torn_apart && !disk.is_frozen() => drop(journal),
        other => return other,
    }
    part(disk, told, 3, SMALL, |teller| {
        teller.append(vec![draft("after"), draft("the tear")])?;
        teller.post(vec![draft("the end")])
    })?;
    told.whole = true;
    Ok(())
}

/// A disk with nothing but a working folder.
pub(crate) fn empty() -> SimDisk {
    let disk = SimDisk::new();
    disk.layer().make_dir(Path::new("/home")).expect("a folder");
    disk.layer().sync_dir(Path::new("/")).expect("syncs");
    disk
}

/// Tells the story as far as it goes.
pub(crate) fn tell(disk: &SimDisk) -> (Told, Result<(), End>) {
    let mut told = Told::default();
    let end = tell_all(disk, &mut told);
    (told, end)
}

impl Told {
    /// What is wrong with a disk, before and after the next owner opens it.
    pub(crate) fn check(&self, disk: &SimDisk) -> Result<(), String> {
        let there = disk.layer().kind(root()).map_err(|error| error.to_string())?.is_some();
        if !there {
            return if self.created { Err("the journal is gone".to_owned()) } else { Ok(()) };
        }
        let before = verify(disk, "before opening")?;
        let seen = read_all(&JournalReader::open_on(disk.layer(), root()).map_err(|error| format!("{error:?}"))?)?;
        let mut next = self.clone();
        let stored = next.take_over(disk).map_err(|error| format!("cannot take over: {error}"))?;
        if before.entries != stored.len() as u64 || seen != stored {
            return Err(format!(
                "verify saw {} entries, a reader {}, the owner {}",
                before.entries,
                seen.len(),
                stored.len()
            ));
        }
        let after = verify(disk, "after opening")?;
        if after.entries != before.entries + 1
            || after.notices.iter().any(|notice| !matches!(notice, Notice::Unnamed(_)))
        {
            return Err(format!("after opening and one entry: {after:?}"));
        }
        Ok(())
    }

    /// Opens the journal as the next owner, looks at everything, appends once and closes. What was found then is
    /// promised too. Gives the entries as they were found.
    pub(crate) fn take_over(&mut self, disk: &SimDisk) -> Result<Vec<Stored>, String> {
        let mut journal = open_on(disk, 9, SMALL).map_err(|error| format!("{error:?}"))?.journal;
        let stored = read_all(&journal)?;
        self.look(&stored, &mut journal)?;
        self.created = true;
        self.acknowledged.clone_from(&stored);
        self.given = stored.iter().map(|stored| stored.entry.event.clone()).collect();
        let drafts = vec![draft("next")];
        self.given.extend(drafts.iter().map(|draft| draft.event.clone()));
        let more = journal.append(drafts).map_err(|error| format!("the next append: {error:?}"))?;
        if more[0].entry.seq.0 != stored.len() as u64 + 1 {
            return Err(format!("the next entry is {}", more[0].entry.seq));
        }
        self.acknowledged.extend(more);
        journal.close().map_err(|error| format!("the next close: {error:?}"))?;
        Ok(stored)
    }

    fn look(&self, stored: &[Stored], journal: &mut DiskJournal) -> Result<(), String> {
        let count = self.acknowledged.len();
        if stored.get(..count) != Some(&self.acknowledged) {
            return Err(format!("{count} entries were acknowledged, {} are there", stored.len()));
        }
        if stored.len() > self.given.len()
            || stored.iter().zip(&self.given).any(|(stored, given)| stored.entry.event != *given)
        {
            return Err("entries are there that were never given".to_owned());
        }
        for (id, bytes) in &self.blobs {
            if journal.public(*id).map_err(|error| format!("{error:?}"))? != *bytes {
                return Err(format!("blob {id} is another"));
            }
        }
        match journal.vault(RUN) {
            Ok(vault) => self.open(&*vault)?,
            Err(error) if self.keys => return Err(format!("the keys: {error:?}")),
            Err(_) => {}
        }
        let inbox: Vec<_> =
            journal.inbox().map_err(|error| format!("{error:?}"))?.into_iter().map(|handed| handed.name).collect();
        match self.handed.iter().find(|name| !inbox.contains(name) && !self.taking.contains(name)) {
            Some(lost) => Err(format!("decision {lost} is lost")),
            None => Ok(()),
        }
    }

    fn open(&self, vault: &dyn Vault) -> Result<(), String> {
        for (id, sealed, plain) in &self.bodies {
            match vault.open(*id, sealed) {
                Ok(bytes) if bytes == *plain && self.erased != Some(sealed.class) => {}
                Err(BodyError::Erased) if self.erasing == Some(sealed.class) => {}
                other => return Err(format!("body {id} of class {:?}: {other:?}", sealed.class)),
            }
        }
        Ok(())
    }
}

fn read_all(journal: &impl JournalRead) -> Result<Vec<Stored>, String> {
    let entries = journal.read(Seq(1)).and_then(Iterator::collect);
    entries.map_err(|error| format!("reading: {error:?}"))
}

fn verify(disk: &SimDisk, when: &str) -> Result<Verified, String> {
    verify_on(disk.layer(), root()).map_err(|error| format!("verify {when}: {error:?}"))
}

/// Requires that a handle that failed once refuses everything.
pub(crate) fn refuses(mut journal: Box<DiskJournal>) {
    assert!(matches!(journal.append(vec![draft("x")]), Err(RecordError::Poisoned)));
    assert!(matches!(journal.append(Vec::new()), Err(RecordError::Poisoned)));
    assert!(matches!(journal.post(vec![draft("x")]), Err(RecordError::Poisoned)));
    assert!(matches!(journal.put_public(b"another"), Err(RecordError::Poisoned)));
    for run in [RUN, RunId([9; 8])] {
        assert!(matches!(journal.create_keys(run), Err(RecordError::Poisoned)));
    }
    assert!(journal.erase(RUN, Class::Output).is_err());
    if let Ok(vault) = journal.vault(RUN) {
        let sealed = vault.seal(Class::Output, &noise(2));
        assert!(matches!(sealed, Err(BodyError::Record(RecordError::Poisoned))));
    }
    assert!(journal.close().is_err());
}
