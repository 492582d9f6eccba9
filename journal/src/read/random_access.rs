//! Reading single entries by their places, without what stands between them.

use crate::file::atomic_file::{damaged, unread};
use crate::format::frame::{self, Found};
use crate::format::layout::{self, segment_file};
use crate::format::record::Wrong;
use crate::read::reader::JournalReader;
use palinode_core::id::Seq;
use palinode_core::port::{ReadError, Stored};
use palinode_core::record::{Entry, entry_id};

impl JournalReader {
    /// The entries at these places, which ascend; places behind the last complete batch have none. Each is checked by
    /// the hash of its batch; the chain is not, since the entries between are not read.
    pub fn entries_at(&self, places: &[Seq]) -> Result<Vec<Stored>, ReadError> {
        let firsts = if places.is_empty() { Vec::new() } else { layout::segments(&self.root)?.firsts };
        let mut found = Vec::with_capacity(places.len());
        let mut rest = places;
        while let Some(place) = rest.first() {
            let after = firsts.partition_point(|first| *first <= place.0);
            let end = firsts.get(after).copied().unwrap_or(u64::MAX);
            let (here, later) = rest.split_at(rest.partition_point(|place| place.0 < end).max(1));
            if let Some(first) = after.checked_sub(1).map(|index| firsts[index]) {
                self.pick(first, here, end == u64::MAX, &mut found)?;
            }
            rest = later;
        }
        Ok(found)
    }

    fn pick(&self, first: u64, places: &[Seq], last: bool, found: &mut Vec<Stored>) -> Result<(), ReadError> {
        let name = segment_file(first);
        let bytes = self.root.files.read(&self.root.at(&name)).map_err(unread(&name))?;
        let (mut at, mut next, mut wanted) = (0, first, places.iter().peekable());
        while let Some(place) = wanted.peek() {
            let (entries, end) = match frame::look(&bytes, at, next) {
                Found::Batch { entries, end } => (entries, end),
                // A batch that is being written, or a torn tail, unless the head says otherwise.
                Found::Broken(_) if last && place.0 > self.head()?.0.0 => return Ok(()),
                Found::Broken(wrong) => return Err(damaged(&name, wrong)),
                Found::End => return Ok(()),
            };
            let behind = next + entries.len() as u64;
            while let Some(place) = wanted.next_if(|place| place.0 < behind) {
                let Some(range) = place.0.checked_sub(next).and_then(|index| entries.get(usize::try_from(index).ok()?))
                else {
                    continue;
                };
                let (offset, bytes) = (range.start, &bytes[range.clone()]);
                let wrong = |what| damaged(&name, Wrong::at(offset, what));
                let entry = Entry::decode(bytes).map_err(|error| wrong(error.to_string()))?;
                if entry.seq != *place {
                    return Err(wrong(format!("entry {} stands where {place} should", entry.seq)));
                }
                found.push(Stored { id: entry_id(bytes), entry });
            }
            (at, next) = (end, behind);
        }
        Ok(())
    }
}
