//! Reading ahead: a long history is checked and decoded on a thread of its own while another folds it.

use crate::layout::SEGMENTS;
use crate::reader::DiskEntries;
use palinode_core::port::{ReadError, Stored};
use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Builder;
use std::vec;

type Read = Result<Stored, ReadError>;

/// So many entries are handed over at once, and so many of these handfuls wait at most: memory stays bounded however
/// slow the other side is.
const HANDFUL: usize = 256;
const WAITING: usize = 8;

/// The same entries in the same order. Whoever drops it ends the thread.
pub(crate) struct Ahead {
    handfuls: Receiver<Vec<Read>>,
    now: vec::IntoIter<Read>,
    done: bool,
}

impl Ahead {
    /// Starts the thread; gives the entries back if the system has none left.
    pub(crate) fn of(entries: Box<DiskEntries>) -> Result<Self, Box<DiskEntries>> {
        let (to, handfuls) = sync_channel(WAITING);
        // The entries are sent over once the thread is there, so that a failed start does not lose them.
        let (give, take) = sync_channel::<Box<DiskEntries>>(1);
        let read = move || {
            let Ok(mut entries) = take.recv() else { return };
            loop {
                let handful: Vec<Read> = entries.by_ref().take(HANDFUL).collect();
                // An empty one says that this is the end.
                let last = handful.is_empty();
                if to.send(handful).is_err() || last {
                    return;
                }
            }
        };
        match Builder::new().name("journal-reader".to_owned()).spawn(read) {
            Ok(_) => match give.send(entries) {
                Ok(()) => Ok(Self { handfuls, now: Vec::new().into_iter(), done: false }),
                Err(back) => Err(back.0),
            },
            Err(_) => Err(entries),
        }
    }
}

impl Iterator for Ahead {
    type Item = Read;

    fn next(&mut self) -> Option<Read> {
        loop {
            if let Some(read) = self.now.next() {
                return Some(read);
            }
            if self.done {
                return None;
            }
            let Ok(handful) = self.handfuls.recv() else {
                // A thread that died is no end of the history: half of one must never pass for the whole.
                self.done = true;
                let cause = io::Error::other("the thread that reads it ended early");
                return Some(Err(ReadError::Io { file: SEGMENTS.to_owned(), cause }));
            };
            self.done = handful.is_empty();
            self.now = handful.into_iter();
        }
    }
}
