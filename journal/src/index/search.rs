//! Answering from the index: lists of places are intersected, the entries there are read, and must be what was asked.

use super::keys::{self, SPELL, TIMES};
use super::query::{Query, Steps};
use super::store::{Index, Trouble};
use super::terms::{Field, LONGEST};
use crate::read::reader::JournalReader;
use palinode_core::id::Seq;
use palinode_core::port::Stored;
use std::collections::BTreeSet;

/// So many entries are read at a time when only the last ones are wanted.
const STRIDE: usize = 256;

/// The place at the end of a key.
pub(crate) fn place(key: &[u8]) -> Result<u64, Trouble> {
    key.last_chunk().map(|place| u64::from_be_bytes(*place)).ok_or(Trouble::Lost)
}

/// The entries at places that the index named: all of them are there, or it lies.
pub(crate) fn read(reader: &JournalReader, places: &[Seq]) -> Result<Vec<Stored>, Trouble> {
    let found = reader.entries_at(places)?;
    if found.len() == places.len() { Ok(found) } else { Err(Trouble::Lost) }
}

/// The places of a word; or of all words that begin like it.
fn places(index: &Index, field: Field, word: &str, whole: bool) -> Result<Vec<u64>, Trouble> {
    let mut all = Vec::new();
    index.each(&keys::term(field, word, whole), &mut |key, value| {
        let mut at = place(key)?;
        all.push(at);
        let mut rest = value;
        while !rest.is_empty() {
            at = keys::number(&mut rest).and_then(|distance| at.checked_add(distance)).ok_or(Trouble::Lost)?;
            all.push(at);
        }
        Ok(())
    })?;
    if !whole {
        all.sort_unstable();
        all.dedup();
    }
    Ok(all)
}

/// Places that are in every list; none if there are no lists.
fn common(mut lists: Vec<Vec<u64>>) -> Option<Vec<u64>> {
    lists.sort_unstable_by_key(Vec::len);
    let mut lists = lists.into_iter();
    let mut shortest = lists.next()?;
    for list in lists {
        shortest.retain(|place| list.binary_search(place).is_ok());
    }
    Some(shortest)
}

/// Places whose time may fit.
fn in_time(index: &Index, query: &Query) -> Result<Vec<(u64, u64)>, Trouble> {
    let mut spells = Vec::new();
    index.each(&[TIMES], &mut |key, value| {
        let number = |from: usize| value.get(from..).and_then(|rest| rest.first_chunk::<8>()).ok_or(Trouble::Lost);
        let (first, last) = (place(key)?, u64::from_be_bytes(*number(0)?));
        let (low, high) = (i64::from_be_bytes(*number(8)?), i64::from_be_bytes(*number(16)?));
        if last < first || last - first >= SPELL {
            return Err(Trouble::Lost);
        }
        if query.since.is_none_or(|since| since.0 <= high) && query.until.is_none_or(|until| low <= until.0) {
            spells.push((first, last));
        }
        Ok(())
    })?;
    Ok(spells)
}

/// Lists for what an entry has in common with every other about its step.
fn around(index: &Index, query: &Query) -> Result<Vec<Vec<u64>>, Trouble> {
    let mut lists = Vec::new();
    if !query.runs.is_empty() {
        let mut all = Vec::new();
        for run in &query.runs {
            all.extend(places(index, Field::Run, &run.to_string(), true)?);
        }
        all.sort_unstable();
        lists.push(all);
    }
    if let Some(host) = &query.host {
        lists.push(places(index, Field::Host, host, true)?);
    }
    if let Some(step) = &query.step {
        lists.push(places(index, Field::Step, step, false)?);
    }
    Ok(lists)
}

/// The steps that carry out the action that is asked for, by their intents.
pub(crate) fn steps(index: &Index, reader: &JournalReader, query: &Query) -> Result<Steps, Trouble> {
    let Some(action) = &query.action else { return Ok(Steps::new()) };
    let mut lists = around(index, query)?;
    lists.push(places(index, Field::Action, action, true)?);
    let places: Vec<Seq> = common(lists).unwrap_or_default().into_iter().map(Seq).collect();
    let mut steps = Steps::new();
    for part in places.chunks(1 << 16) {
        for stored in read(reader, part)? {
            // Steps that begin alike may belong elsewhere; an intent of another action does not.
            steps.insert(query.carries(&stored.entry).ok_or(Trouble::Lost)?);
        }
    }
    Ok(steps)
}

/// The entries of the index that fit, in order; of many, the last so many.
pub(crate) fn search(
    index: &Index,
    reader: &JournalReader,
    query: &Query,
    steps: &Steps,
    last: Option<usize>,
) -> Result<Vec<Stored>, Trouble> {
    let mut lists = around(index, query)?;
    // Whether an entry that does not fit may be in the lists without a lie.
    let mut loose = query.since.is_some() || query.until.is_some();
    if let Some(kind) = &query.kind {
        lists.push(places(index, Field::Kind, kind, true)?);
    }
    if let Some(key) = &query.resource {
        let mut all = if key.len() <= LONGEST { places(index, Field::Resource, key, false)? } else { Vec::new() };
        let long = places(index, Field::Long, "", true)?;
        loose |= !long.is_empty();
        all.extend(long);
        all.sort_unstable();
        all.dedup();
        lists.push(all);
    }
    if query.action.is_some() {
        let mut all = BTreeSet::new();
        let paths: BTreeSet<&str> = steps.iter().map(|(_, step)| step.as_str()).collect();
        for path in paths {
            all.extend(places(index, Field::Step, path, true)?);
        }
        // The same path in another run may be another action's.
        loose = true;
        lists.push(all.into_iter().collect());
    }
    let mut all = common(lists).unwrap_or_else(|| (1..=index.meta.seq.0).collect());
    if query.since.is_some() || query.until.is_some() {
        let spells = in_time(index, query)?;
        all.retain(|place| {
            let after = spells.partition_point(|(first, _)| first <= place);
            after.checked_sub(1).and_then(|before| spells.get(before)).is_some_and(|(_, end)| place <= end)
        });
    }
    let wanted = last.unwrap_or(usize::MAX);
    let mut found: Vec<Stored> = Vec::new();
    let mut rest = all.as_slice();
    // From the end, so that the last ones are found without the others; all at once, where all are wanted.
    let stride = last.map_or(usize::MAX, |last| last.clamp(1, STRIDE));
    while !rest.is_empty() && found.len() < wanted {
        let (before, part) = rest.split_at(rest.len().saturating_sub(stride));
        let part: Vec<Seq> = part.iter().copied().map(Seq).collect();
        for stored in read(reader, &part)?.into_iter().rev() {
            let strict = query.fits(&stored.entry, steps);
            if strict && query.in_time(&stored.entry) && found.len() < wanted {
                found.push(stored);
            } else if !strict && !loose {
                return Err(Trouble::Lost);
            }
        }
        rest = before;
    }
    found.reverse();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::common;

    #[test]
    fn what_is_common_to_lists() {
        assert_eq!(common(vec![]), None);
        assert_eq!(common(vec![vec![1, 2, 9]]), Some(vec![1, 2, 9]));
        assert_eq!(common(vec![vec![1, 2, 5, 9], vec![2, 9, 11], vec![0, 2, 9]]), Some(vec![2, 9]));
        assert_eq!(common(vec![vec![1], vec![]]), Some(vec![]));
    }
}
