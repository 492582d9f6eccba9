//! Building: entries go in, blocks of places come out, each written once.

use super::meta::{Meta, digest};
use super::run::Run;
use super::terms;
use crate::index::keys::{
    BODIES, BODY_PREFIX, ENTRIES, ENTRY_PREFIX, META, RUNS, SPELL, TERM, TIMES, VALUE, at, blocks, put_number,
};
use palinode_core::id::RunId;
use palinode_core::port::Stored;
use std::collections::{BTreeMap, HashMap};

/// So many entries are collected before their blocks are written: the larger, the fewer blocks, the more memory.
const COLLECT: u64 = 1 << 17;

/// Collects entries.
pub(crate) struct Builder<'a> {
    db: &'a sled::Db,
    /// What is in the index.
    pub(crate) meta: Meta,
    /// The runs.
    pub(crate) runs: BTreeMap<RunId, Run>,
    words: HashMap<Vec<u8>, Vec<u64>>,
    /// Pairs that are ready.
    ready: sled::Batch,
    waiting: usize,
    entries: (u64, Vec<u8>),
    bodies: (u64, Vec<u8>),
    times: Option<(u64, i64, i64)>,
    since: u64,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(db: &'a sled::Db, meta: Meta, runs: &[Run]) -> Self {
        Self {
            db,
            since: meta.seq.0,
            meta,
            runs: runs.iter().map(|run| (run.run, run.clone())).collect(),
            words: HashMap::new(),
            ready: sled::Batch::default(),
            waiting: 0,
            entries: (0, Vec::new()),
            bodies: (0, Vec::new()),
            times: None,
        }
    }

    /// Takes the next entry.
    pub(crate) fn add(&mut self, stored: &Stored) -> Result<(), sled::Error> {
        let entry = &stored.entry;
        let seq = entry.seq.0;
        Run::note(&mut self.runs, stored);
        let (words, mut key) = (&mut self.words, Vec::new());
        terms::each(entry, &mut |field, word| {
            key.clear();
            key.extend([TERM, field.byte()]);
            key.extend_from_slice(word.as_bytes());
            key.push(0);
            match words.get_mut(&key) {
                Some(places) => places.push(seq),
                None => {
                    words.insert(key.clone(), vec![seq]);
                }
            }
        });
        if self.entries.1.is_empty() {
            self.entries.0 = seq;
        }
        self.entries.1.extend_from_slice(&stored.id.0[..ENTRY_PREFIX]);
        if self.entries.1.len() + ENTRY_PREFIX > VALUE {
            self.put_entries()?;
        }
        for id in entry.bodies.keys() {
            if self.bodies.1.len() + BODY_PREFIX + 10 > VALUE {
                self.put_bodies()?;
            }
            if self.bodies.1.is_empty() {
                self.bodies.0 = seq;
            }
            self.bodies.1.extend_from_slice(&id.0[..BODY_PREFIX]);
            put_number(&mut self.bodies.1, seq - self.bodies.0);
        }
        let time = entry.time.0;
        let (first, low, high) = self.times.unwrap_or((seq, time, time));
        self.times = Some((first, low.min(time), high.max(time)));
        (self.meta.seq, self.meta.entry) = (entry.seq, stored.id);
        if seq - first + 1 == SPELL {
            self.put_times()?;
        }
        if seq - self.since >= COLLECT {
            self.put_words()?;
        }
        Ok(())
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), sled::Error> {
        self.meta.pairs += 1;
        self.meta.digest = self.meta.digest.wrapping_add(digest(&key, &value));
        self.ready.insert(key, value);
        self.waiting += 1;
        if self.waiting < 1000 {
            return Ok(());
        }
        self.waiting = 0;
        self.db.apply_batch(std::mem::take(&mut self.ready))
    }

    fn put_entries(&mut self) -> Result<(), sled::Error> {
        let (first, ids) = std::mem::take(&mut self.entries);
        if ids.is_empty() { Ok(()) } else { self.put(at(vec![ENTRIES], first), ids) }
    }

    fn put_bodies(&mut self) -> Result<(), sled::Error> {
        let (first, ids) = std::mem::take(&mut self.bodies);
        // Many bodies of one entry make several values: told apart by their own first body.
        let Some(head) = ids.first_chunk::<BODY_PREFIX>() else { return Ok(()) };
        let mut key = at(vec![BODIES], first);
        key.extend_from_slice(head);
        self.put(key, ids)
    }

    fn put_times(&mut self) -> Result<(), sled::Error> {
        let Some((first, low, high)) = self.times.take() else { return Ok(()) };
        let value = [self.meta.seq.0.to_be_bytes(), low.to_be_bytes(), high.to_be_bytes()].concat();
        self.put(at(vec![TIMES], first), value)
    }

    fn put_words(&mut self) -> Result<(), sled::Error> {
        self.since = self.meta.seq.0;
        let mut pairs = Vec::new();
        for (key, places) in std::mem::take(&mut self.words) {
            blocks(&key, &places, &mut |key, value| pairs.push((key, value)));
        }
        // In order, so that sled fills its pages one after the other.
        pairs.sort_unstable();
        pairs.into_iter().try_for_each(|(key, value)| self.put(key, value))
    }

    /// Writes what is left, and last of all what there is.
    pub(crate) fn finish(mut self) -> Result<(Meta, Vec<Run>), sled::Error> {
        self.put_entries()?;
        self.put_bodies()?;
        self.put_times()?;
        self.put_words()?;
        self.db.apply_batch(std::mem::take(&mut self.ready))?;
        let mut runs: Vec<Run> = self.runs.into_values().collect();
        runs.sort_by_key(|run| run.first);
        let mut last = sled::Batch::default();
        (self.meta.runs, self.meta.runs_digest) = (0, 0);
        for run in &runs {
            let Ok(value) = palinode_core::canon::encode(run) else { continue };
            let key = at(vec![RUNS], run.first.0);
            self.meta.runs += 1;
            self.meta.runs_digest = self.meta.runs_digest.wrapping_add(digest(&key, &value));
            last.insert(key, value);
        }
        self.db.apply_batch(last)?;
        self.db.insert(META, palinode_core::canon::encode(&self.meta).unwrap_or_default())?;
        self.db.flush()?;
        Ok((self.meta, runs))
    }
}
