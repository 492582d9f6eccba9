//! A driver at work: the runtime, signals, progress, and what is printed when it stops.

use crate::acting::Acting;
use crate::args::{Lab as LabOptions, OnHangup, Output};
use crate::commands::EXEC;
use crate::exit::{Exit, Failure};
use crate::render::progress::Progress;
use crate::render::words::Driven;
use crate::render::{escape, hints, json, summary, to_stderr, to_stdout};
use crate::targets::{self, Taking};
use crate::{logging, place, world};
use palinode_core::id::{Micros, RunId};
use palinode_core::port::Stored;
use palinode_core::record::{PauseWhy, RunEnd};
use palinode_core::run::history::History;
use palinode_journal::{DiskJournal, Opened, Options};
use palinode_replay::driver::{DriveError, Driver, ShelfView, Stop, Stopped, Surroundings, TakeOver, Tick};
use std::cell::Cell;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::signal::unix::{SignalKind, signal};
use tracing::Instrument as _;

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
    Begin(Box<palinode_core::run::plan::Plan>, palinode_replay::driver::Opening),
    /// An open one.
    TakeOver(TakeOver),
    /// An open one, only to look at these steps.
    Look(TakeOver, Vec<palinode_core::id::StepPath>),
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
    hints::about_run(place::short(&history, run));
    logging::of_run(journal.root(), run);
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
    let tell = |words: &str| to_stderr(&format!("notice: {}\n", escape(words)));
    let result: Result<_, Stuck> = acting.runtime.block_on(async {
        let work = async {
            let (driver, only) = match start {
                Start::Begin(plan, opening) => {
                    (Driver::begin(journal, world, around, history, run, &plan, opening)?, None)
                }
                Start::TakeOver(by) => (Driver::take_over(journal, world, around, history, run, by)?, None),
                Start::Look(by, steps) => (Driver::take_over(journal, world, around, history, run, by)?, Some(steps)),
            };
            let mut driver = driver.telling(&tell);
            // Recorded whose it was; only now it is taken.
            acting.take(taking).instrument(tracing::info_span!("run", %run)).await?;
            let stopped = match only {
                Some(steps) => driver.look_at(&steps).await?,
                None => driver.drive().await?,
            };
            Ok::<_, Stuck>((stopped, driver.into_history()))
        };
        tokio::select! {
            // A signal is heard before anything else goes on.
            biased;
            never = listen(&stop, on_hangup) => never,
            result = work => result,
        }
    });
    let result = match result {
        // One action that cannot even begin is over: there is nothing to go on with.
        Ok((Stopped::Paused(PauseWhy::Blocked(step)), history)) if is_typed(&history, run) => {
            let reason = format!("{step} cannot begin");
            let (end, history) = close(journal, acting, history, run, &reason, None)?;
            Ok((Stopped::Closed(end), history))
        }
        result => result,
    };
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
    logging::ended(result.as_ref().map(|(stopped, _)| stopped));
    result.map_err(|error| match error {
        Stuck::Drive(error @ DriveError::Halted(_)) => acting.broken().unwrap_or_else(|| error.into()),
        Stuck::Drive(error) => error.into(),
        Stuck::Take(failure) => failure,
    })
}

/// Whether a run is one action that a person typed.
fn is_typed(history: &History, run: RunId) -> bool {
    let plan = history.runs.get(&run).map(|state| &state.plan);
    plan.is_some_and(|plan| plan.runbook == EXEC && plan.compensates.is_none() && plan.steps.len() == 1)
}

/// Ends a run because a person says so; `by`: the process takes it over first. Its hosts are not given back yet.
pub(crate) fn close(
    journal: &mut DiskJournal,
    acting: &Acting,
    history: History,
    run: RunId,
    reason: &str,
    by: Option<TakeOver>,
) -> Result<(RunEnd, History), Failure> {
    let mut watch = |_: &History, _: &Stored| {};
    let around = Surroundings { wall: &wall, watch: &mut watch, stop: Rc::new(Cell::new(Stop::No)), tick: None };
    let mut driver = match by {
        Some(by) => Driver::take_over(journal, &acting.world, around, history, run, by)?,
        None => Driver::attach(journal, &acting.world, around, history, run)?,
    };
    let end = driver.close_by(&crate::actor::actor(), reason)?;
    Ok((end, driver.into_history()))
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
            Stop::No => (Stop::Pause, "finishing what runs, then pausing; once more leaves at once\n".to_owned()),
            _ => {
                let resume = escape(&hints::of_run("resume"));
                (Stop::Leave, format!("leaving; what runs on the targets goes on, and `{resume}` finds it\n"))
            }
        };
        stop.set(next);
        to_stderr(&words);
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
        Output::Json => json(&summary::as_json(state, Driven::No, journal.root())),
        Output::Text => to_stdout(&summary::text(history, state, journal.root(), shelf.as_ref(), began.elapsed())),
    }
    Ok(Exit::of(stopped))
}
