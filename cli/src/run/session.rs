//! The journal, the world and the run that all stages hand on; and the driver at work on them.

use super::claims;
use super::close::close;
use super::mandate::Mandate;
use super::settings::{OnHangup, Settings};
use super::taking::Taking;
use super::world::World;
use crate::clock::wall;
use crate::error::Failure;
use crate::journal::{self, Journal, Store};
use crate::lab::{self, LabOptions};
use crate::logging;
use crate::render::progress::Progress;
use crate::render::{escape, hints, to_stderr};
use palinode_core::id::{RunId, StepPath};
use palinode_core::port::{ClaimNotes as _, RecordError, Stored};
use palinode_core::record::PauseWhy;
use palinode_core::run::history::History;
use palinode_core::run::plan::{Origin, Plan};
use palinode_core::run::state::RunState;
use palinode_replay::driver::{DriveError, Driver, Opening, Stop, Stopped, Surroundings, TakeOver, Tick};
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tracing::Instrument as _;

/// What a run needs from the first stage to the last.
pub(super) struct Session {
    /// Where the journal is, or is going to be.
    pub(super) store: Store,
    /// In whose name targets are claimed.
    pub(super) mandate: Mandate,
    /// The journal; none as long as it is not made.
    pub(super) journal: Option<Journal>,
    /// What it tells.
    pub(super) history: History,
    /// Where the run acts.
    pub(super) world: World,
    /// The run.
    pub(super) run: RunId,
    /// How it is begun and watched.
    pub(super) settings: Settings,
}

/// How a driver comes to its run.
pub(super) enum Start {
    /// A new run.
    Begin(Box<Plan>, Opening),
    /// An open one.
    TakeOver(TakeOver),
    /// An open one, only to look at these steps.
    Look(TakeOver, Vec<StepPath>),
}

/// The failure of a stage that needs the journal before it is made.
pub(super) fn not_owned() -> Failure {
    DriveError::Record(RecordError::NotOwner).into()
}

impl Session {
    /// The journal.
    pub(super) fn journal(&self) -> Result<&Journal, Failure> {
        self.journal.as_ref().ok_or_else(not_owned)
    }

    /// The run as the journal has it.
    pub(super) fn state(&self) -> Result<&RunState, Failure> {
        Ok(self.history.runs.get(&self.run).ok_or(DriveError::NoRun(self.run))?)
    }

    /// Drives the run and returns how it stopped, with what the journal tells since.
    pub(super) fn drive(self, start: Start, taking: &Taking, options: &LabOptions) -> Result<(Self, Stopped), Failure> {
        let Self { store, mandate, journal, history, world, run, settings } = self;
        let mut journal = journal.ok_or_else(not_owned)?;
        let on_hangup = settings.metadata.on_hangup;
        let (stopped, history) = drive(&mut journal, &world, history, run, (start, taking), options, on_hangup)?;
        let journal = Some(journal);
        Ok((Self { store, mandate, journal, history, world, run, settings }, stopped))
    }
}

fn drive(
    journal: &mut Journal,
    world: &World,
    history: History,
    run: RunId,
    (start, taking): (Start, &Taking),
    options: &LabOptions,
    on_hangup: OnHangup,
) -> Result<(Stopped, History), Failure> {
    hints::about_run(journal::short(&history, run));
    logging::of_run(journal.root(), run);
    claims::note(journal, world, run).inspect_err(|_| logging::ended::<()>(Err(())))?;
    let stop = Rc::new(Cell::new(Stop::No));
    let mut progress = Progress::default();
    let mut watch = |history: &History, stored: &Stored| {
        progress.tell(history, stored);
        if options.die_after == Some(stored.entry.seq.0) {
            lab::die();
        }
    };
    let tick: Tick<'_> =
        &|| -> Pin<Box<dyn Future<Output = ()>>> { Box::pin(tokio::time::sleep(Duration::from_millis(200))) };
    let around = Surroundings { wall: &wall, watch: &mut watch, stop: stop.clone(), tick: Some(tick) };
    let executor = &world.executor;
    let tell = |words: &str| to_stderr(&format!("notice: {}\n", escape(words)));
    let result: Result<_, Stuck> = world.runtime.block_on(async {
        let work = async {
            let (driver, only) = match start {
                Start::Begin(plan, opening) => {
                    (Driver::begin(journal, executor, around, history, run, &plan, opening)?, None)
                }
                Start::TakeOver(by) => (Driver::take_over(journal, executor, around, history, run, by)?, None),
                Start::Look(by, steps) => {
                    (Driver::take_over(journal, executor, around, history, run, by)?, Some(steps))
                }
            };
            let mut driver = driver.telling(&tell);
            // Recorded whose it was; only now it is taken.
            world.take(taking).instrument(tracing::info_span!("run", %run)).await?;
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
        Ok((Stopped::Paused(why), history)) if is_typed(&history, run) => match over(&why) {
            Some(reason) => {
                let closed = close(journal, world, history, run, &reason, None);
                let (end, history) = closed.inspect_err(|_| logging::ended::<()>(Err(())))?;
                Ok((Stopped::Closed(end), history))
            }
            None => Ok((Stopped::Paused(why), history)),
        },
        result => result,
    };
    if let Ok((Stopped::Closed(_), history)) = &result {
        // A rollback may have closed another run with it.
        for noted in journal.noted_claims().unwrap_or_default() {
            let closed = history.runs.get(&noted).is_some_and(|noted| noted.closed.is_some());
            if closed && world.release(history, noted) {
                // A note that stays leads to one more look.
                let _ = journal.forget_claims(noted);
            }
        }
    }
    // What lies at the journal's place now may be another one: nothing is written there.
    let lost = |error: &RecordError| matches!(error, RecordError::Replaced { .. } | RecordError::NotOwner);
    if !matches!(&result, Err(Stuck::Drive(DriveError::Record(error))) if lost(error)) {
        logging::ended(result.as_ref().map(|(stopped, _)| stopped));
    }
    result.map_err(|error| match error {
        Stuck::Drive(error @ DriveError::Halted(_)) => world.broken().unwrap_or_else(|| error.into()),
        Stuck::Drive(error) => error.into(),
        Stuck::Take(failure) => failure,
    })
}

/// Why one action that a person typed is over though its run only paused: there is nothing to go on with, and typing it
/// again is a retry. What is in doubt is not over.
fn over(why: &PauseWhy) -> Option<String> {
    match why {
        PauseWhy::Blocked(step) => Some(format!("{step} cannot begin")),
        PauseWhy::Failed => Some("it failed".to_owned()),
        PauseWhy::InDoubt | PauseWhy::Asked | PauseWhy::Drift(_) => None,
    }
}

/// Whether a run is one action that a person typed.
fn is_typed(history: &History, run: RunId) -> bool {
    history.runs.get(&run).is_some_and(|state| match state.plan.origin() {
        Origin::Typed => true,
        Origin::Runbook | Origin::Rollback => false,
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
