//! A driver at work: the runtime, signals, progress, and what is printed when it stops.

use crate::acting::Acting;
use crate::args::{Lab as LabOptions, OnHangup, Output};
use crate::exit::{Exit, Failure};
use crate::render::progress::Progress;
use crate::render::{json, summary, to_stderr, to_stdout};
use crate::targets::{self, Taking};
use crate::world;
use palinode_core::history::History;
use palinode_core::id::{Micros, RunId};
use palinode_core::port::Stored;
use palinode_journal::{DiskJournal, Opened, Options};
use palinode_replay::driver::{DriveError, Driver, ShelfView, Stop, Stopped, Surroundings, Tick};
use std::cell::Cell;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::signal::unix::{SignalKind, signal};

/// Wall time.
pub(crate) fn wall() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Opens the journal as its owner, and says what was found.
pub(crate) fn own(root: &Path) -> Result<DiskJournal, Failure> {
    let Opened { journal, previous, torn } = DiskJournal::open(root, crate::actor::owner(), Options::default())?;
    if let Some(previous) = previous.filter(|previous| !previous.released) {
        to_stderr(&format!("notice: process {} owned the journal and died; taken over\n", previous.owner.pid));
    }
    if let Some(torn) = torn {
        to_stderr(&format!(
            "notice: {} bytes of an unfinished write were cut from the end and kept in {}\n",
            torn.bytes, torn.file
        ));
    }
    Ok(journal)
}

/// How a driver comes to its run.
pub(crate) enum Start {
    /// A new run.
    Begin(Box<palinode_core::plan::Plan>, palinode_replay::driver::Opening),
    /// An open one.
    TakeOver(palinode_replay::driver::TakeOver),
    /// An open one, only to look at these steps.
    Look(palinode_replay::driver::TakeOver, Vec<palinode_core::id::StepPath>),
}

/// Drives a run and returns how it stopped, with the history since.
pub(crate) fn drive(
    journal: &mut DiskJournal,
    acting: &Acting,
    history: History,
    run: RunId,
    (start, taking): (Start, &Taking),
    options: &LabOptions,
    on_hangup: OnHangup,
) -> Result<(Stopped, History), Failure> {
    targets::note(journal, acting, run)?;
    let stop = Rc::new(Cell::new(Stop::No));
    let mut progress = Progress::default();
    let mut watch = |history: &History, stored: &Stored| {
        progress.tell(history, stored);
        if options.die_after == Some(stored.entry.seq.0) {
            world::die();
        }
    };
    let tick: Tick<'_> =
        &|| -> Pin<Box<dyn Future<Output = ()>>> { Box::pin(tokio::time::sleep(Duration::from_millis(200))) };
    let around = Surroundings { wall: &wall, watch: &mut watch, stop: stop.clone(), tick: Some(tick) };
    let world = &acting.world;
    let result: Result<_, Stuck> = acting.runtime.block_on(async {
        let work = async {
            let (mut driver, only) = match start {
                Start::Begin(plan, opening) => {
                    (Driver::begin(journal, world, around, history, run, &plan, opening)?, None)
                }
                Start::TakeOver(by) => (Driver::take_over(journal, world, around, history, run, by)?, None),
                Start::Look(by, steps) => (Driver::take_over(journal, world, around, history, run, by)?, Some(steps)),
            };
            // Recorded whose it was; only now it is taken.
            acting.take(taking).await?;
            let stopped = match only {
                Some(steps) => driver.look_at(&steps).await?,
                None => driver.drive().await?,
            };
            Ok::<_, Stuck>((stopped, driver.into_history()))
        };
        tokio::select! {
            result = work => result,
            never = listen(&stop, on_hangup) => never,
        }
    });
    if let Ok((Stopped::Closed(_), history)) = &result {
        // A rollback may have closed another run with it.
        for noted in journal.noted_claims().unwrap_or_default() {
            let closed = history.runs.get(&noted).is_some_and(|noted| noted.closed.is_some());
            if closed && acting.release(history, noted) {
                // A note that stays leads to one more look.
                let _ = journal.forget_claims(noted);
            }
        }
    }
    result.map_err(|error| match error {
        Stuck::Drive(error @ DriveError::Halted(_)) => acting.broken().unwrap_or_else(|| error.into()),
        Stuck::Drive(error) => error.into(),
        Stuck::Take(failure) => failure,
    })
}

/// Why a run does not go on.
enum Stuck {
    Drive(DriveError),
    Take(Failure),
}

impl From<DriveError> for Stuck {
    fn from(error: DriveError) -> Self {
        Self::Drive(error)
    }
}

impl From<Failure> for Stuck {
    fn from(failure: Failure) -> Self {
        Self::Take(failure)
    }
}

/// Turns signals into wishes: the first Ctrl-C or a TERM finishes what runs and pauses, a second one leaves.
async fn listen<T>(stop: &Rc<Cell<Stop>>, on_hangup: OnHangup) -> T {
    let streams = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()));
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = streams else {
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => if on_hangup == OnHangup::GoOn { continue },
        }
        let (next, words) = match stop.get() {
            Stop::No => (Stop::Pause, "finishing what runs, then pausing; once more leaves at once\n"),
            _ => (Stop::Leave, "leaving; what runs on the targets goes on, and `palinode resume` finds it\n"),
        };
        stop.set(next);
        to_stderr(words);
    }
}

/// Prints where the run stands now, and returns the exit code.
pub(crate) fn report(
    journal: &DiskJournal,
    history: &History,
    run: RunId,
    stopped: &Stopped,
    output: Output,
    began: Instant,
) -> Result<Exit, Failure> {
    let state = history.runs.get(&run).ok_or(DriveError::NoRun(run))?;
    let shelf = ShelfView::of(journal, history, run).ok();
    match output {
        Output::Json => json(&summary::as_json(state, journal.root())),
        Output::Text => to_stdout(&summary::text(history, state, journal.root(), shelf.as_ref(), began.elapsed())),
    }
    Ok(Exit::of(stopped))
}
