//! Finding entries: by the index as far as it goes, and by reading the journal from there on.

use super::keys::{BODIES, BODY_PREFIX, ENTRIES, ENTRY_PREFIX};
use super::query::{Query, Steps};
use super::quiet::quietly;
use super::search;
use super::store::{Index, Trouble, Wish};
use crate::index::run::Run;
use crate::read::reader::JournalReader;
use palinode_core::id::{BodyId, RunId, Seq};
use palinode_core::port::{JournalRead, ReadError, Stored};
use palinode_core::record::Sealed;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// Below so many entries, reading them all is as fast as opening the index.
const LAG: u64 = 4096;

/// Finds entries of a journal, as it was when this was opened.
///
/// With or without an index the answers are the same; but what is not read is not checked, and a part of the journal
/// that is damaged may not be met on the way.
pub struct Catalog<'a> {
    reader: &'a JournalReader,
    index: Option<Index>,
    /// The last entry of the journal.
    end: u64,
    runs: Vec<Run>,
}

impl<'a> Catalog<'a> {
    /// Opens the index if there is one, or if it is worth making one; else the journal is read.
    pub fn open(reader: &'a JournalReader) -> Result<Self, ReadError> {
        Self::with_lag(reader, LAG)
    }

    /// As [`Self::open`], with an index that is never so many entries behind.
    pub fn with_lag(reader: &'a JournalReader, lag: u64) -> Result<Self, ReadError> {
        // Whatever is wrong with it: the answers are in the segments.
        Self::over(reader, Index::open(reader, Wish::Use { lag }).ok().flatten())
    }

    /// Without an index: by reading the journal.
    pub fn scan(reader: &'a JournalReader) -> Result<Self, ReadError> {
        Self::over(reader, None)
    }

    fn over(reader: &'a JournalReader, index: Option<Index>) -> Result<Self, ReadError> {
        let known = index.as_ref().map(|index| index.runs.as_slice()).unwrap_or_default();
        let mut runs: BTreeMap<RunId, Run> = known.iter().map(|run| (run.run, run.clone())).collect();
        let mut end = index.as_ref().map_or(0, |index| index.meta.seq.0);
        for stored in reader.read(Seq(end + 1))? {
            let stored = stored?;
            end = stored.entry.seq.0;
            Run::note(&mut runs, &stored);
        }
        let mut runs: Vec<Run> = runs.into_values().collect();
        runs.sort_by_key(|run| run.first);
        Ok(Self { reader, index, end, runs })
    }

    /// Whether an index is in use.
    pub fn is_indexed(&self) -> bool {
        self.index.is_some()
    }

    /// The runs, in the order of their first entries.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The entries that fit, in order; of many, the last so many.
    pub fn select(&mut self, query: &Query, last: Option<usize>) -> Result<Vec<Stored>, ReadError> {
        if query.is_open()
            && let Some(last) = last
        {
            let from = self.end.saturating_sub(last as u64) + 1;
            return self.collect(Seq(from), |_| true, Some(last));
        }
        if let Some(found) = self.try_index(|catalog, index| catalog.search(index, query, last)) {
            return Ok(found);
        }
        let mut steps = Steps::new();
        if query.action.is_some() {
            self.each(Seq(1), &mut |stored| steps.extend(query.carries(&stored.entry)))?;
        }
        self.collect(Seq(1), |stored| query.in_time(&stored.entry) && query.fits(&stored.entry, &steps), last)
    }

    /// The entries whose ids begin like this, in order. Hexadecimal digits, in lower case.
    pub fn by_id(&mut self, prefix: &str) -> Result<Vec<Stored>, ReadError> {
        let found = self.try_index(|catalog, index| {
            let mut places = Vec::new();
            index.each(&[ENTRIES], &mut |key, value| {
                let first = search::place(key)?;
                for (number, id) in value.chunks_exact(ENTRY_PREFIX).enumerate() {
                    let shown = crate::file::atomic_file::hex(id);
                    if shown.starts_with(prefix) || prefix.starts_with(&shown) {
                        places.push(Seq(first + number as u64));
                    }
                }
                Ok(())
            })?;
            let mut found = search::read(catalog.reader, &places)?;
            found.retain(|stored| stored.id.to_string().starts_with(prefix));
            found.extend(catalog.tail(index, |stored| stored.id.to_string().starts_with(prefix), None)?);
            Ok(found)
        });
        match found {
            Some(found) => Ok(found),
            None => self.collect(Seq(1), |stored| stored.id.to_string().starts_with(prefix), None),
        }
    }

    /// Where bodies are: of each, as the last entry that brings it has it.
    pub fn bodies(&mut self, wanted: &BTreeSet<BodyId>) -> Result<HashMap<BodyId, Arc<Sealed>>, ReadError> {
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let brings = |stored: &Stored| stored.entry.bodies.keys().any(|id| wanted.contains(id));
        let found = self.try_index(|catalog, index| {
            let prefixes: BTreeSet<&[u8]> = wanted.iter().map(|id| &id.0[..BODY_PREFIX]).collect();
            let mut places = BTreeSet::new();
            index.each(&[BODIES], &mut |key, value| {
                let first = search::place(key.get(..9).unwrap_or_default())?;
                let mut rest = value;
                while let Some((id, after)) = rest.split_at_checked(BODY_PREFIX) {
                    rest = after;
                    let distance = super::keys::number(&mut rest).ok_or(Trouble::Lost)?;
                    if prefixes.contains(id) {
                        places.insert(Seq(first.saturating_add(distance)));
                    }
                }
                Ok(())
            })?;
            let mut found = search::read(catalog.reader, &places.into_iter().collect::<Vec<_>>())?;
            found.extend(catalog.tail(index, brings, None)?);
            Ok(found)
        });
        let found = match found {
            Some(found) => found,
            None => self.collect(Seq(1), brings, None)?,
        };
        let bodies = found.into_iter().flat_map(|stored| stored.entry.bodies);
        Ok(bodies.filter(|(id, _)| wanted.contains(id)).map(|(id, sealed)| (id, Arc::new(sealed))).collect())
    }

    /// Asks the index. If it fails or lies, it is thrown away, and the journal is read instead.
    fn try_index<T>(&mut self, ask: impl FnOnce(&Self, &Index) -> Result<T, Trouble>) -> Option<T> {
        let index = self.index.take()?;
        match quietly(|| ask(self, &index)) {
            Some(Ok(found)) => {
                self.index = Some(index);
                Some(found)
            }
            // What is wrong with the journal is met again where it is read.
            Some(Err(Trouble::Read(_))) => {
                self.index = Some(index);
                None
            }
            Some(Err(_)) | None => {
                index.abandon();
                None
            }
        }
    }

    fn search(&self, index: &Index, query: &Query, last: Option<usize>) -> Result<Vec<Stored>, Trouble> {
        let mut steps = Steps::new();
        if query.action.is_some() {
            steps = search::steps(index, self.reader, query)?;
            let mut more = Steps::new();
            self.each(Seq(index.meta.seq.0 + 1), &mut |stored| more.extend(query.carries(&stored.entry)))?;
            steps.extend(more);
        }
        let fits = |stored: &Stored| query.in_time(&stored.entry) && query.fits(&stored.entry, &steps);
        let tail = self.tail(index, fits, last)?;
        let mut found = search::search(index, self.reader, query, &steps, last.map(|last| last - tail.len()))?;
        found.extend(tail);
        Ok(found)
    }

    /// The entries behind the index that fit.
    fn tail(
        &self,
        index: &Index,
        fits: impl Fn(&Stored) -> bool,
        last: Option<usize>,
    ) -> Result<Vec<Stored>, ReadError> {
        self.collect(Seq(index.meta.seq.0 + 1), fits, last)
    }

    fn collect(
        &self,
        from: Seq,
        fits: impl Fn(&Stored) -> bool,
        last: Option<usize>,
    ) -> Result<Vec<Stored>, ReadError> {
        let mut found = VecDeque::new();
        self.each(from, &mut |stored| {
            if fits(&stored) {
                found.push_back(stored);
                if last.is_some_and(|last| found.len() > last) {
                    found.pop_front();
                }
            }
        })?;
        Ok(found.into())
    }

    fn each(&self, from: Seq, take: &mut dyn FnMut(Stored)) -> Result<(), ReadError> {
        for stored in self.reader.read(from)? {
            let stored = stored?;
            // What came since is not looked at: one answer is of one moment.
            if stored.entry.seq.0 > self.end {
                break;
            }
            take(stored);
        }
        Ok(())
    }
}

impl Drop for Catalog<'_> {
    fn drop(&mut self) {
        if let Some(index) = self.index.take() {
            index.close();
        }
    }
}
