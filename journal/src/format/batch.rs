//! Giving drafts their place: sequence, link to the entry before, stored bytes.

use crate::body::blob::Blobs;
use palinode_core::id::{EntryId, Epoch, Seq};
use palinode_core::port::{RecordError, Stored};
use palinode_core::record::{Draft, ENTRY_LIMIT, Entry, Place, entry_id};

/// Moving a shorter body out of the entry would not make the entry shorter.
const WORTH_MOVING: usize = 64;

/// Where the next entry goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) seq: Seq,
    pub(crate) id: EntryId,
}

/// Turns drafts into entries after `tip`, with their stored bytes. Nothing is changed if one of them fails.
pub(crate) fn prepare(
    mut tip: Tip,
    epoch: Epoch,
    drafts: Vec<Draft>,
    blobs: &dyn Blobs,
) -> Result<Vec<(Stored, Vec<u8>)>, RecordError> {
    let mut ready = Vec::with_capacity(drafts.len());
    for Draft { run, time, wall, event, bodies } in drafts {
        let seq = Seq(tip.seq.0 + 1);
        let mut entry = Entry { seq, run, epoch, time, wall, prev: tip.id, event, bodies };
        let mut bytes = entry.encode()?;
        while bytes.len() > ENTRY_LIMIT {
            if !move_largest(&mut entry, blobs)? {
                return Err(RecordError::TooLong(bytes.len()));
            }
            bytes = entry.encode()?;
        }
        let id = entry_id(&bytes);
        tip = Tip { seq, id };
        ready.push((Stored { id, entry }, bytes));
    }
    Ok(ready)
}

/// Moves the largest body that rides in the entry into a blob; false if none is worth it.
fn move_largest(entry: &mut Entry, blobs: &dyn Blobs) -> Result<bool, RecordError> {
    let inline = entry.bodies.values_mut().filter_map(|sealed| match &sealed.place {
        Place::Inline(bytes) if bytes.len() > WORTH_MOVING => Some((bytes.len(), sealed)),
        _ => None,
    });
    let Some((_, largest)) = inline.max_by_key(|(length, _)| *length) else { return Ok(false) };
    if let Place::Inline(bytes) = &largest.place {
        largest.place = Place::Blob(blobs.put(bytes)?);
    }
    Ok(true)
}
