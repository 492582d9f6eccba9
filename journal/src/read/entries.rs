//! Entries in their order, decoded.

use crate::file::atomic_file::damaged;
use crate::file::layer::Root;
use crate::format::head::Head;
use crate::format::layout::segment_file;
use crate::format::record::Wrong;
use crate::read::segment::{Next, Raw, Scan};
use palinode_core::port::{ReadError, Stored};
use std::collections::VecDeque;
use std::thread::available_parallelism;

/// More bytes than these are worth a thread: some twenty thousand entries.
pub(crate) const LONG: usize = 8 << 20;

/// The entry of these bytes.
pub(crate) fn decoded(raw: Raw) -> Result<Stored, ReadError> {
    raw.sound().map_err(|wrong| damaged(&segment_file(raw.first), wrong))
}

/// The entries of a journal on disk, up to the last batch that is complete.
pub(crate) struct DiskEntries {
    pub(super) root: Root,
    pub(super) head: Head,
    pub(super) segments: VecDeque<u64>,
    pub(super) scan: Scan,
    pub(super) from: u64,
    pub(super) done: bool,
}

impl DiskEntries {
    /// Whether reading to the end takes long enough to be worth threads, where there are cores for them.
    pub(crate) fn is_long(&self) -> bool {
        let long = !self.segments.is_empty() || self.scan.rest().len() > LONG;
        long && available_parallelism().is_ok_and(|cores| cores.get() > 1)
    }

    /// The next entry before it is decoded; none at the end.
    pub(crate) fn raw(&mut self) -> Result<Option<Raw>, ReadError> {
        while !self.done {
            let file = segment_file(self.scan.first);
            if let Some(raw) = self.scan.raw(self.from) {
                if raw.seq == self.head.seq.0 && raw.id != self.head.entry {
                    let what = format!("entry {} is not the one that the head names", self.head.seq);
                    return Err(damaged(&file, Wrong { offset: self.scan.offset(), what }));
                }
                return Ok(Some(raw));
            }
            match self.scan.next() {
                Next::Batch => {}
                Next::End => self.turn(&file, None)?,
                Next::Broken(wrong) => self.turn(&file, Some(wrong))?,
            }
        }
        Ok(None)
    }

    /// At the end of a segment: goes on to the next one if it was there when we began.
    fn turn(&mut self, file: &str, broken: Option<Wrong>) -> Result<(), ReadError> {
        let next = self.segments.pop_front();
        let acknowledged = next.is_some() || self.scan.next <= self.head.seq.0;
        match (broken, next) {
            (Some(wrong), _) if acknowledged => Err(damaged(file, wrong)),
            (None, Some(first)) if first == self.scan.next => {
                self.scan = Scan::open(&self.root, first, self.scan.prev)?;
                Ok(())
            }
            (None, _) if acknowledged => {
                let last = self.scan.next - 1;
                let expected = next.map_or(self.head.seq.0, |first| first - 1);
                let what = format!("it ends after entry {last}, the journal went on to {expected}");
                Err(damaged(file, Wrong { offset: self.scan.offset(), what }))
            }
            // Behind the head: a batch that is being written, or a torn tail.
            _ => {
                self.done = true;
                Ok(())
            }
        }
    }
}

impl Iterator for DiskEntries {
    type Item = Result<Stored, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.raw().and_then(|raw| raw.map(decoded).transpose()).transpose();
        read.inspect(|read| self.done |= read.is_err())
    }
}
