//! Group commit: one committer writes for many writers, and while a batch is synced the next one is made ready.

use crate::write::disk::{DiskJournal, locked};
use crate::write::tail::Batch;
use palinode_core::id::{BlobId, RunId, Seq};
use palinode_core::port::{Journal, RecordError, Stored, Vault};
use palinode_core::record::Draft;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{Builder, JoinHandle};

/// A journal that many write to at the same time. Entries get sequence and link at once, in the order of the calls;
/// whatever waits when the disk is free is written as one batch with one sync. Whoever cannot wait for the disk need
/// not: a [`Pending`] is a future.
///
/// After a failed write everyone who waits is told, and nothing more is taken.
#[derive(Debug)]
pub struct GroupCommit {
    shared: Arc<Shared>,
    committer: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    front: Mutex<Front>,
    /// Something was admitted, or the end has come.
    work: Condvar,
    progress: Mutex<Progress>,
    /// More is durable, or nothing will be any more.
    news: Condvar,
}

/// Where entries get their place.
struct Front {
    /// None once it was given back.
    journal: Option<DiskJournal>,
    /// Whether the committer waits for work.
    idle: bool,
    ends: bool,
}

#[derive(Debug, Default)]
struct Progress {
    durable: u64,
    failed: Option<Failed>,
    wakers: Vec<(u64, Waker)>,
}

/// Why the committer stopped, told to everyone who waits.
#[derive(Debug, Clone)]
struct Failed(Arc<RecordError>);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").field("idle", &self.idle).field("ends", &self.ends).finish_non_exhaustive()
    }
}

/// A lock that a dead thread held is as good as any: what it guards is changed in one step.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// The committer's life. It must not end without a word to those who wait.
    fn work_on(&self) {
        if catch_unwind(AssertUnwindSafe(|| self.commit())).is_err() {
            self.fail(RecordError::Poisoned);
        }
    }

    /// Writes batch after batch until the end has come and nothing is left, or a write fails.
    fn commit(&self) {
        let Some((tail, poisoned)) = hold(&self.front).journal.as_ref().map(DiskJournal::back) else { return };
        let mut next = None;
        while let Some(batch) = next.take().or_else(|| self.wait()) {
            let upto = batch.tip.seq;
            // A body that could not be kept has poisoned the journal meanwhile.
            let done = match poisoned.load(Ordering::SeqCst) {
                true => Err(RecordError::Poisoned),
                false => locked(&tail).commit(batch),
            };
            if let Err(error) = done {
                return self.fail(error);
            }
            // The next batch is taken before anyone is told: whoever is woken now works while it is written.
            next = hold(&self.front).journal.as_mut().and_then(|journal| {
                journal.written(upto);
                journal.take_batch()
            });
            self.tell(|progress| progress.durable = upto.0);
        }
    }

    /// Waits for the next batch; none if the end has come.
    fn wait(&self) -> Option<Batch> {
        let mut front = hold(&self.front);
        loop {
            if let Some(batch) = front.journal.as_mut()?.take_batch() {
                return Some(batch);
            }
            if front.ends {
                return None;
            }
            front.idle = true;
            front = self.work.wait(front).unwrap_or_else(PoisonError::into_inner);
            front.idle = false;
        }
    }

    /// Nothing will be durable any more.
    fn fail(&self, error: RecordError) {
        if let Some(journal) = hold(&self.front).journal.as_ref() {
            journal.poisoned.store(true, Ordering::SeqCst);
        }
        self.tell(|progress| progress.failed = Some(Failed(Arc::new(error))));
    }

    /// Changes the progress and wakes whom it concerns.
    fn tell(&self, change: impl FnOnce(&mut Progress)) {
        let mut progress = hold(&self.progress);
        change(&mut progress);
        let (durable, failed) = (progress.durable, progress.failed.is_some());
        let concerned = progress.wakers.extract_if(.., |(upto, _)| failed || *upto <= durable);
        let concerned: Vec<Waker> = concerned.map(|(_, waker)| waker).collect();
        drop(progress);
        self.news.notify_all();
        concerned.into_iter().for_each(Waker::wake);
    }
}

impl GroupCommit {
    /// Starts the committer. If the system has no thread left for it, the journal is let go in good order.
    pub fn start(journal: DiskJournal) -> io::Result<Self> {
        let durable = journal.tip.seq.0 - u64::from(journal.builder.count());
        let shared = Arc::new(Shared {
            front: Mutex::new(Front { journal: Some(journal), idle: false, ends: false }),
            work: Condvar::new(),
            progress: Mutex::new(Progress { durable, ..Progress::default() }),
            news: Condvar::new(),
        });
        let theirs = Arc::clone(&shared);
        let committer = Builder::new().name("journal-committer".to_owned()).spawn(move || theirs.work_on())?;
        Ok(Self { shared, committer: Some(committer) })
    }

    /// Gives entries their place; they are durable when the answer is there.
    pub fn append(&self, drafts: Vec<Draft>) -> Result<Pending, RecordError> {
        let mut front = hold(&self.shared.front);
        let journal = front.journal.as_mut().ok_or(RecordError::NotOwner)?;
        let stored = journal.admit(drafts)?;
        let upto = journal.tip.seq;
        let idle = std::mem::replace(&mut front.idle, false);
        drop(front);
        if idle {
            self.shared.work.notify_one();
        }
        Ok(Pending { shared: Arc::clone(&self.shared), stored, upto })
    }

    /// [`Journal::put_public`].
    pub fn put_public(&self, bytes: &[u8]) -> Result<BlobId, RecordError> {
        hold(&self.shared.front).journal.as_mut().ok_or(RecordError::NotOwner)?.put_public(bytes)
    }

    /// [`Journal::create_keys`].
    pub fn create_keys(&self, run: RunId) -> Result<Arc<dyn Vault>, RecordError> {
        hold(&self.shared.front).journal.as_mut().ok_or(RecordError::NotOwner)?.create_keys(run)
    }

    /// Waits until everything that was appended is durable, and gives the journal back.
    pub fn finish(mut self) -> Result<DiskJournal, RecordError> {
        self.stop();
        if let Some(failed) = hold(&self.shared.progress).failed.clone() {
            return Err(failed.into());
        }
        hold(&self.shared.front).journal.take().ok_or(RecordError::NotOwner)
    }

    fn stop(&mut self) {
        hold(&self.shared.front).ends = true;
        self.shared.work.notify_one();
        if let Some(committer) = self.committer.take() {
            // It catches its own panics, and has told of them.
            let _ = committer.join();
        }
    }
}

impl Drop for GroupCommit {
    fn drop(&mut self) {
        self.stop();
    }
}

impl From<Failed> for RecordError {
    fn from(failed: Failed) -> Self {
        Self::Failed { what: "the entries of a group".to_owned(), cause: Box::new(failed) }
    }
}

/// Entries that have their place and are on the way to stable storage.
#[derive(Debug)]
pub struct Pending {
    shared: Arc<Shared>,
    stored: Vec<Stored>,
    upto: Seq,
}

impl Pending {
    /// The entries; not durable yet.
    pub fn stored(&self) -> &[Stored] {
        &self.stored
    }

    fn look(&mut self, progress: &Progress) -> Option<Result<Vec<Stored>, RecordError>> {
        if progress.durable >= self.upto.0 {
            return Some(Ok(std::mem::take(&mut self.stored)));
        }
        progress.failed.clone().map(|failed| Err(failed.into()))
    }

    /// Waits until they are durable.
    pub fn wait(mut self) -> Result<Vec<Stored>, RecordError> {
        let shared = Arc::clone(&self.shared);
        let mut progress = hold(&shared.progress);
        loop {
            if let Some(found) = self.look(&progress) {
                return found;
            }
            progress = shared.news.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Future for Pending {
    type Output = Result<Vec<Stored>, RecordError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let shared = Arc::clone(&self.shared);
        let mut progress = hold(&shared.progress);
        if let Some(found) = self.look(&progress) {
            return Poll::Ready(found);
        }
        progress.wakers.push((self.upto.0, context.waker().clone()));
        Poll::Pending
    }
}
