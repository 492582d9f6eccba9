//! Reading ahead: of a long history, one thread checks hashes, another decodes, and whoever asked folds.

use crate::format::layout::SEGMENTS;
use crate::read::entries::{DiskEntries, decoded};
use crate::read::segment::Raw;
use palinode_core::port::{ReadError, Stored};
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Builder;
use std::vec;

type Read<T> = Result<T, ReadError>;

/// So many entries are handed over at once, and so many of these handfuls wait at most between two threads: memory
/// stays bounded, to some sixteen megabytes, however long the other side reads a large plan.
const HANDFUL: usize = 256;
const WAITING: usize = 32;

/// The same entries in the same order. Whoever drops it ends the threads.
pub(crate) struct Ahead {
    handfuls: Receiver<Vec<Read<Stored>>>,
    now: vec::IntoIter<Read<Stored>>,
    done: bool,
}

/// Hands everything over, and an empty handful that says that this is the end.
fn hand_over<T>(all: &mut dyn Iterator<Item = Read<T>>, to: &SyncSender<Vec<Read<T>>>) {
    loop {
        let handful: Vec<Read<T>> = all.take(HANDFUL).collect();
        let last = handful.is_empty();
        if to.send(handful).is_err() || last {
            return;
        }
    }
}

/// Takes what was handed over. A thread that died is no end of the history: half of one must never pass for the whole.
fn take<T>(from: &Receiver<Vec<Read<T>>>) -> Vec<Read<T>> {
    from.recv().unwrap_or_else(|_| {
        let cause = io::Error::other("a thread that reads it ended early");
        vec![Err(ReadError::Io { file: SEGMENTS.to_owned(), cause })]
    })
}

/// Whatever comes behind an error is not given.
fn up_to_error<T>(all: impl Iterator<Item = Read<T>>) -> impl Iterator<Item = Read<T>> {
    all.scan(false, |failed, read| {
        let given = !*failed;
        *failed |= read.is_err();
        given.then_some(read)
    })
}

impl Ahead {
    /// Starts the threads; gives the entries back if the system has none left.
    pub(crate) fn of(entries: Box<DiskEntries>) -> Result<Self, Box<DiskEntries>> {
        let (raw_to, raw_from) = sync_channel::<Vec<Read<Raw>>>(WAITING);
        let (to, handfuls) = sync_channel::<Vec<Read<Stored>>>(WAITING);
        let decode = move || {
            let all = std::iter::repeat_with(|| take(&raw_from)).take_while(|handful| !handful.is_empty()).flatten();
            hand_over(&mut up_to_error(all.map(|raw| raw.and_then(decoded))), &to);
        };
        // The entries are sent over once the thread is there, so that a failed start does not lose them.
        let (give, given) = sync_channel::<Box<DiskEntries>>(1);
        let read = move || {
            let Ok(mut entries) = given.recv() else { return };
            hand_over(&mut up_to_error(std::iter::from_fn(|| entries.raw().transpose())), &raw_to);
        };
        let started = Builder::new().name("journal-decoder".to_owned()).spawn(decode).is_ok()
            && Builder::new().name("journal-reader".to_owned()).spawn(read).is_ok();
        if !started {
            return Err(entries);
        }
        match give.send(entries) {
            Ok(()) => Ok(Self { handfuls, now: Vec::new().into_iter(), done: false }),
            Err(back) => Err(back.0),
        }
    }
}

impl Iterator for Ahead {
    type Item = Read<Stored>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(read) = self.now.next() {
                // Nothing follows an error, and the threads may be gone.
                self.done |= read.is_err();
                return Some(read);
            }
            if self.done {
                return None;
            }
            let handful = take(&self.handfuls);
            self.done = handful.is_empty();
            self.now = handful.into_iter();
        }
    }
}
