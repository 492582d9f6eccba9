//! The end of the journal that is written to: one batch at a time, each synced before the head names it.

use crate::file::atomic_file::{TEMP, unwritten};
use crate::file::layer::{Handle, Identity, Root};
use crate::format::batch::Tip;
use crate::format::frame::Builder;
use crate::format::head::{HEAD, Head};
use crate::format::layout::{LOG, SEGMENTS, segment_file};
use crate::write::options::Options;
use palinode_core::id::{RunId, Seq};
use palinode_core::port::RecordError;
use palinode_core::record::FORMAT;
use std::io;
use std::time::Instant;
use tracing::{Level, debug, debug_span, enabled};

/// So many zeros are written at once.
const ZEROS: u64 = 1 << 20;

/// The segment that is written to.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) file: Box<dyn Handle>,
    /// Which file that is.
    pub(crate) identity: Option<Identity>,
    pub(crate) first: u64,
    /// Where the next batch goes.
    pub(crate) offset: u64,
    /// The file's length; zeros from `offset` on.
    pub(crate) len: u64,
}

/// Entries that have a place and wait to be written, and what the head says once they are.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) entries: Builder,
    pub(crate) tip: Tip,
    pub(crate) runs: Vec<(RunId, Seq)>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) root: Root,
    pub(crate) options: Options,
    pub(crate) head_file: Box<dyn Handle>,
    pub(crate) generation: u64,
    pub(crate) current: Current,
    /// Segment and offset of the end of the last batch. Not where the next one goes if that is a new segment's begin:
    /// the head names what is there, and a segment without a batch may be all that a cut left of a rotation.
    pub(crate) end: (u64, u64),
    /// Which files were opened beside the segment, by their names.
    pub(crate) opened: Vec<(&'static str, Option<Identity>)>,
}

impl Tail {
    /// Writes a batch with one sync, and then the head. After an error nobody knows what is on disk.
    pub(crate) fn commit(&mut self, mut batch: Batch) -> Result<(), RecordError> {
        self.is_ours()?;
        let first = batch.tip.seq.0 + 1 - u64::from(batch.entries.count());
        let entries = batch.entries.count();
        let bytes = batch.entries.finish(first);
        let _span = debug_span!(target: LOG, "batch", seq = first, entries, bytes = bytes.len()).entered();
        self.write_batch(first, &bytes).map_err(unwritten(&segment_file(self.current.first)))?;
        // What was written into files that are the journal no more is not recorded: nothing may follow from it.
        self.is_ours()?;
        self.write_head(batch.tip, batch.runs).map_err(unwritten(HEAD.file))
    }

    /// Whether the names of the journal still stand for the files that were opened: whoever moved or replaced it may have
    /// another owner there, who holds another lock.
    pub(crate) fn is_ours(&self) -> Result<(), RecordError> {
        let segment = segment_file(self.current.first);
        let opened = self.opened.iter().map(|(file, identity)| (*file, *identity));
        for (file, identity) in opened.chain([(segment.as_str(), self.current.identity)]) {
            let Some(opened) = identity else { continue };
            let replaced = || RecordError::Replaced { file: file.to_owned() };
            match self.root.files.identity(&self.root.at(file)) {
                Ok(there) if there.is_none_or(|there| there == opened) => {}
                Ok(_) => return Err(replaced()),
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                    return Err(replaced());
                }
                Err(error) => return Err(unwritten(file)(error)),
            }
        }
        Ok(())
    }

    fn write_batch(&mut self, first: u64, batch: &[u8]) -> io::Result<()> {
        let size = batch.len() as u64;
        if self.current.offset > 0 && self.current.offset + size > self.options.segment_bytes {
            self.current = new_segment(&self.root, first)?;
        }
        self.grow(self.current.offset + size)?;
        // Nobody pays for a clock that nobody reads.
        let clock = || enabled!(target: LOG, Level::DEBUG).then(Instant::now);
        let began = clock();
        self.current.file.write_all_at(batch, self.current.offset)?;
        let written = clock();
        self.current.file.sync_data()?;
        if let (Some(began), Some(written)) = (began, written) {
            let (write_us, sync_us) = (micros(written - began), micros(written.elapsed()));
            debug!(target: LOG, segment = self.current.first, write_us, sync_us, "batch is durable");
        }
        self.current.offset += size;
        self.end = (self.current.first, self.current.offset);
        Ok(())
    }

    /// Makes sure that the segment is at least so long, so that writing the batch changes its content only: then the
    /// batch's sync need not touch the file system's own journal.
    fn grow(&mut self, needed: u64) -> io::Result<()> {
        if needed <= self.current.len {
            return Ok(());
        }
        let len = grown(&self.options, &self.current, needed);
        let mut at = self.current.len;
        let zeros = vec![0; usize::try_from((len - at).min(ZEROS)).map_err(io::Error::other)?];
        while at < len {
            let part = zeros.get(..usize::try_from(len - at).unwrap_or(usize::MAX)).unwrap_or(&zeros);
            self.current.file.write_all_at(part, at)?;
            at += part.len() as u64;
        }
        self.current.file.sync_all()?;
        self.current.len = len;
        Ok(())
    }

    /// Writes the head over its older slot. Only called when every entry up to `tip` is durable.
    pub(crate) fn write_head(&mut self, tip: Tip, runs: Vec<(RunId, Seq)>) -> io::Result<()> {
        let mut head = Head {
            format: FORMAT,
            seq: tip.seq,
            entry: tip.id,
            segment: Seq(self.end.0),
            offset: self.end.1,
            runs: Some(runs),
        };
        if !HEAD.fits(&head) {
            head.runs = None;
        }
        self.generation += 1;
        HEAD.write(&*self.head_file, self.generation, &head)
    }
}

/// How long a segment becomes that must hold so many bytes: the first one doubles, so that a small journal stays small;
/// one that follows will fill up as the one before did, and is made whole at once.
fn grown(options: &Options, current: &Current, needed: u64) -> u64 {
    let unit = options.grow_bytes.max(1);
    let wanted = if current.first == 1 { 2 * current.len } else { options.segment_bytes };
    let wanted = wanted.min(options.segment_bytes).max(needed);
    wanted.checked_next_multiple_of(unit).unwrap_or(needed)
}

/// Whole microseconds.
fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// A new, empty segment, durable by name.
fn new_segment(root: &Root, first: u64) -> io::Result<Current> {
    debug!(target: LOG, segment = first, "segment begins");
    // Empty until the first batch makes it grow: a cut in between leaves a segment of zeros, which is fine.
    let temp = root.at(format!("{SEGMENTS}/{TEMP}{first}"));
    let file = root.files.make_file(&temp)?;
    file.sync_all()?;
    root.files.rename(&temp, &root.at(segment_file(first)))?;
    root.sync_dir(SEGMENTS)?;
    let identity = file.identity()?;
    Ok(Current { file, identity, first, offset: 0, len: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::layer::{FileLayer, Os};

    #[test]
    fn a_segment_grows_by_what_it_holds_and_never_less_than_it_must() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options { segment_bytes: 1600, grow_bytes: 100, inline_bytes: 0 };
        let table = [
            // First sequence, length, needed, then.
            (1, 0, 1, 100),
            (1, 100, 101, 200),
            (1, 200, 201, 400),
            (1, 400, 401, 800),
            (1, 800, 801, 1600),
            (1, 1600, 5000, 5000),
            (1, 0, 250, 300),
            (9, 0, 1, 1600),
            (9, 1600, 1601, 1700),
        ];
        for (number, (first, len, needed, then)) in table.into_iter().enumerate() {
            let file = Os.make_file(&folder.path().join(number.to_string())).expect("a file");
            assert_eq!(
                grown(&options, &Current { file, identity: None, first, offset: 0, len }, needed),
                then,
                "{number}"
            );
        }
    }
}
