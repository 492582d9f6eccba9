//! Reading a segment batch by batch, with every check that the bytes allow.

use crate::file::atomic_file::{damaged, unread};
use crate::file::layer::Root;
use crate::format::frame::{self, Found};
use crate::format::layout::segment_file;
use crate::format::record::{TOO_FAR, Wrong};
use palinode_core::id::{EntryId, Seq};
use palinode_core::port::{ReadError, Stored};
use palinode_core::record::{Entry, entry_id};
use std::ops::Range;

/// A segment's bytes and a place in it.
#[derive(Debug)]
pub(crate) struct Scan {
    /// First sequence of the segment.
    pub(crate) first: u64,
    /// Sequence of the next entry.
    pub(crate) next: u64,
    /// Id of the entry before; none where the segment does not tell.
    pub(crate) prev: Option<EntryId>,
    base: usize,
    bytes: Vec<u8>,
    at: usize,
    /// The entries of the last batch, and how many of them were taken.
    batch: Vec<Range<usize>>,
    taken: usize,
}

/// What comes next in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A complete batch; [`Scan::entry`] gives its entries.
    Batch,
    /// Nothing but zeros.
    End,
    /// A batch that is not complete: a torn tail, or damage.
    Broken(Wrong),
}

impl Scan {
    /// From the segment's beginning.
    pub(crate) fn open(root: &Root, first: u64, prev: Option<EntryId>) -> Result<Self, ReadError> {
        let prev = if first == 1 { Some(EntryId([0; 32])) } else { prev };
        Self::open_at(root, first, 0, first, prev)
    }

    /// From a known end of a batch.
    pub(crate) fn open_at(
        root: &Root,
        first: u64,
        offset: u64,
        next: u64,
        prev: Option<EntryId>,
    ) -> Result<Self, ReadError> {
        let name = segment_file(first);
        if first.max(next) >= TOO_FAR {
            return Err(damaged(&name, Wrong::at(0, format!("no journal has an entry {}", first.max(next)))));
        }
        let bytes = root.files.read_from(&root.at(&name), offset).map_err(unread(&name))?;
        // A file that ends before the offset reads as empty: the head's check finds it too short.
        let base = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(Self { first, next, prev, base, bytes, at: 0, batch: Vec::new(), taken: 0 })
    }

    /// Where the next batch begins.
    pub(crate) fn offset(&self) -> u64 {
        (self.base + self.at) as u64
    }

    /// The bytes from the next batch on.
    pub(crate) fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The bytes from an offset to the next batch.
    pub(crate) fn passed(&self, from: u64) -> &[u8] {
        let from = usize::try_from(from).unwrap_or(usize::MAX).saturating_sub(self.base);
        self.bytes.get(from..self.at).unwrap_or_default()
    }

    /// How long the file is.
    pub(crate) fn len(&self) -> u64 {
        (self.base + self.bytes.len()) as u64
    }

    /// Whether a later batch was completed behind a broken one.
    pub(crate) fn later_commit(&self) -> bool {
        frame::later_commit(&self.bytes, self.at, self.next).is_some()
    }

    /// Goes on to the next batch. The entries of the one before must have been taken.
    pub(crate) fn next(&mut self) -> Next {
        match frame::look(&self.bytes, self.at, self.next) {
            Found::Batch { entries, end } => {
                (self.batch, self.taken, self.at) = (entries, 0, end);
                Next::Batch
            }
            Found::End => Next::End,
            Found::Broken(wrong) => Next::Broken(wrong.moved(self.base)),
        }
    }

    /// The next entry of the batch; none at its end. Entries before `from` are checked by the batch's hash but neither
    /// decoded nor given. An entry that is not what it must be is damage wherever it stands. One at a time: a batch may
    /// hold more than anyone wants to keep at once.
    pub(crate) fn entry(&mut self, from: u64) -> Option<Result<Stored, Wrong>> {
        let (seq, place) = self.place(from)?;
        let (offset, bytes) = (self.base + place.start, &self.bytes[place]);
        Some(sound(seq, self.prev, entry_id(bytes), bytes, offset).inspect(|stored| self.prev = Some(stored.id)))
    }

    /// The same entry before it is decoded, for who decodes it elsewhere.
    pub(crate) fn raw(&mut self, from: u64) -> Option<Raw> {
        let (seq, place) = self.place(from)?;
        let (offset, bytes) = (self.base + place.start, self.bytes[place].to_vec());
        let id = entry_id(&bytes);
        let prev = self.prev.replace(id);
        Some(Raw { first: self.first, seq, prev, id, offset, bytes })
    }

    fn place(&mut self, from: u64) -> Option<(u64, Range<usize>)> {
        loop {
            let place = self.batch.get(self.taken)?.clone();
            self.taken += 1;
            let seq = self.next;
            self.next += 1;
            if seq >= from {
                return Some((seq, place));
            }
            // Only the last entry before `from` must be named, for the chain's sake.
            self.prev = (seq + 1 == from).then(|| entry_id(&self.bytes[place]));
        }
    }
}

/// The stored bytes of an entry, with what they must fit.
#[derive(Debug)]
pub(crate) struct Raw {
    /// First sequence of its segment.
    pub(crate) first: u64,
    pub(crate) seq: u64,
    pub(crate) id: EntryId,
    prev: Option<EntryId>,
    offset: usize,
    bytes: Vec<u8>,
}

impl Raw {
    /// The entry, if it is what it must be.
    pub(crate) fn sound(&self) -> Result<Stored, Wrong> {
        sound(self.seq, self.prev, self.id, &self.bytes, self.offset)
    }
}

fn sound(seq: u64, prev: Option<EntryId>, id: EntryId, bytes: &[u8], offset: usize) -> Result<Stored, Wrong> {
    let entry = Entry::decode(bytes).map_err(|error| Wrong::at(offset, error.to_string()))?;
    if entry.seq != Seq(seq) {
        return Err(Wrong::at(offset, format!("entry {} stands where {seq} should", entry.seq)));
    }
    if prev.is_some_and(|prev| prev != entry.prev) {
        return Err(Wrong::at(offset, format!("entry {seq} does not follow the entry before it")));
    }
    Ok(Stored { id, entry })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::layer::Os;
    use crate::format::frame::Builder;
    use crate::format::layout::SEGMENTS;
    use palinode_core::id::{Epoch, Micros, RunId, StepPath};
    use palinode_core::record::Event;
    use std::fs;

    fn entry(seq: u64, prev: EntryId) -> Vec<u8> {
        let event = Event::TimerFired { step: StepPath::new("host/step").expect("a path") };
        let (run, epoch, time) = (RunId([1; 8]), Epoch(1), Micros(0));
        let entry = Entry { seq: Seq(seq), run, epoch, time, wall: None, prev, event, bodies: Default::default() };
        entry.encode().expect("encodes")
    }

    /// Whoever forges a batch can also give it right checksums; the chain still tells.
    #[test]
    fn well_framed_entries_that_do_not_belong_there_are_damage() {
        let none = EntryId([0; 32]);
        let first = entry(1, none);
        let id = entry_id(&first);
        let wide = {
            // The map's marker in a longer form than needed.
            let mut bytes = entry(2, id);
            let fields = bytes[0] & 0x0f;
            bytes.splice(0..1, [0xde, 0, fields]);
            bytes
        };
        let table = [
            (entry(2, id), None),
            (entry(3, id), Some("stands where 2 should")),
            (entry(1, none), Some("stands where 2 should")),
            (entry(2, none), Some("does not follow")),
            (wide, Some("not canonical")),
            (vec![0x01], Some("not of the expected type")),
        ];
        for (second, wrong) in table {
            let folder = tempfile::tempdir().expect("a folder");
            fs::create_dir(folder.path().join(SEGMENTS)).expect("a folder");
            let mut builder = Builder::default();
            builder.push(&first);
            let mut bytes = builder.finish(1);
            builder.push(&second);
            bytes.extend(builder.finish(2));
            fs::write(folder.path().join(segment_file(1)), bytes).expect("writes");
            let root = Root::new(Os::shared(), folder.path());
            let mut scan = Scan::open(&root, 1, None).expect("opens");
            assert_eq!(scan.next(), Next::Batch);
            assert!(matches!(scan.entry(0), Some(Ok(_))) && scan.entry(0).is_none());
            assert_eq!(scan.next(), Next::Batch);
            match (scan.entry(0), wrong) {
                (Some(Ok(found)), None) => assert_eq!(found.entry.seq, Seq(2)),
                (Some(Err(found)), Some(wrong)) => assert!(found.what.contains(wrong), "{found:?}"),
                (found, wrong) => unreachable!("{found:?} instead of {wrong:?}"),
            }
        }
    }
}
