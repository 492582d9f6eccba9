//! What the driver waits for: looks, executions, reconciliations, samples. Each is a future of its own that knows
//! nothing of the run's state and records nothing; it hands its finding to the driver.

use super::bodies::{BodyStore, BodyWriter};
use super::log;
use palinode_core::action::{Action, Target, Verdict};
use palinode_core::gate::Gate;
use palinode_core::id::{Attempt, BodyId, Micros, ResourceKey};
use palinode_core::port::Sample;
use palinode_core::port::{Bodies, BodyError, Ended, Executor, Finished, Job, JobStatus, LookError, Remains, Report};
use palinode_core::record::{JobWord, Sealed};
use palinode_core::resource::{Fields, Footprint, Image};
use palinode_core::run::plan::StepIx;
use palinode_core::run::rules::prepare::joined;
use palinode_core::span::Span;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Looks that fail are tried again after these many seconds, then the step is given up as blocked.
const PATIENCE: [u32; 9] = [1, 2, 4, 8, 15, 30, 60, 120, 240];

/// What an activity found.
pub(crate) enum Done {
    Looked(StepIx, Result<Look, LookError>),
    Ended {
        ix: StepIx,
        attempt: Attempt,
        ended: Ended,
        after: Image,
        fresh: BTreeMap<BodyId, Sealed>,
    },
    Reconciled {
        ix: StepIx,
        found: Result<Reconciled, LookError>,
    },
    Running {
        ix: StepIx,
    },
    /// `again`: whether it is waited for after that, or asked anew what became of it.
    Told {
        ix: StepIx,
        attempt: Attempt,
        reports: Vec<Report>,
        fresh: BTreeMap<BodyId, Sealed>,
        again: bool,
    },
    Sampled {
        ix: StepIx,
        sample: Result<Sample, LookError>,
        fresh: BTreeMap<BodyId, Sealed>,
    },
    Slept(StepIx),
}

impl Done {
    /// Whether an effect may follow from it.
    pub(crate) fn may_begin(&self) -> bool {
        matches!(self, Self::Looked(_, Ok(_)))
    }

    /// Whose it is.
    pub(crate) fn step(&self) -> StepIx {
        match self {
            Self::Looked(ix, _)
            | Self::Ended { ix, .. }
            | Self::Reconciled { ix, .. }
            | Self::Running { ix }
            | Self::Told { ix, .. }
            | Self::Sampled { ix, .. }
            | Self::Slept(ix) => *ix,
        }
    }
}

/// A look before an intent.
pub(crate) struct Look {
    pub(crate) action: Action,
    pub(crate) target: Target,
    pub(crate) boot: Option<String>,
    pub(crate) footprint: Vec<Footprint>,
    pub(crate) image: Image,
    pub(crate) desk: BodyWriter,
}

/// What a look before an intent finds.
pub(crate) struct Seen {
    /// The action, with what only the host could tell of it.
    pub(crate) action: Action,
    pub(crate) target: Target,
    pub(crate) boot: Option<String>,
    pub(crate) footprint: Vec<Footprint>,
    pub(crate) image: Image,
}

/// A look at an in-doubt step.
pub(crate) struct Reconciled {
    pub(crate) attempt: Attempt,
    pub(crate) word: JobWord,
    pub(crate) finished: Option<Finished>,
    pub(crate) observed: Image,
    /// The verdict of the declared probe, from what is there now.
    pub(crate) verdict: Verdict,
    pub(crate) fresh: BTreeMap<BodyId, Sealed>,
}

pub(crate) fn keys(footprint: &[Footprint]) -> Vec<ResourceKey> {
    footprint.iter().map(|footprint| footprint.key.clone()).collect()
}

/// What an image does not tell.
fn missing(keys: &[ResourceKey], image: &Image) -> Vec<ResourceKey> {
    keys.iter().filter(|key| !image.contains_key(*key)).cloned().collect()
}

/// Waits before something that came to nothing is done once more.
pub(crate) async fn rest<E: Executor>(executor: &E, pause: Option<Micros>) {
    if let Some(pause) = pause {
        executor.sleep(executor.now().plus(pause)).await;
    }
}

/// Tries a look until it works or patience ends. Only a target that cannot be reached is tried again.
async fn patient<E, T, F>(executor: &E, look: impl FnMut() -> F) -> Result<T, LookError>
where
    E: Executor,
    F: Future<Output = Result<T, LookError>>,
{
    patient_for(executor, &PATIENCE, look).await
}

/// The same with pauses of these many seconds.
async fn patient_for<E, T, F>(executor: &E, pauses: &[u32], mut look: impl FnMut() -> F) -> Result<T, LookError>
where
    E: Executor,
    F: Future<Output = Result<T, LookError>>,
{
    let mut left: u32 = pauses.iter().sum();
    for seconds in pauses {
        match look().await {
            Err(error @ LookError::Unreachable { .. }) => {
                left = left.saturating_sub(*seconds);
                log::unanswered(&error, Span::seconds(*seconds), Span::seconds(left));
                executor.unanswered(&error, Span::seconds(*seconds), Span::seconds(left));
                executor.sleep(executor.now().plus(Micros::seconds(i64::from(*seconds)))).await;
            }
            other => return other,
        }
    }
    look().await
}

/// Looks at everything that an attempt may change. A retry keeps the resources of the first attempt: `known`.
pub(crate) async fn look<E: Executor>(
    executor: &E,
    shelf: &Rc<BodyStore>,
    target: Target,
    action: Action,
    touched: Vec<Action>,
    known: Vec<Footprint>,
) -> Result<Look, LookError> {
    let desk = BodyWriter::new(shelf);
    let seen = see(executor, &desk, target, &action, &touched, known, &PATIENCE).await?;
    let Seen { action, target, boot, footprint, image } = seen;
    Ok(Look { action, target, boot, footprint, image, desk })
}

/// The same, wherever what is found is kept. A target that cannot be reached is tried again after these many seconds.
pub(crate) async fn see<E: Executor>(
    executor: &E,
    bodies: &dyn Bodies,
    mut target: Target,
    action: &Action,
    touched: &[Action],
    known: Vec<Footprint>,
    pauses: &[u32],
) -> Result<Seen, LookError> {
    let survey = patient_for(executor, pauses, || executor.survey(&target, action, bodies)).await?;
    target.node = survey.node.or(target.node);
    let action = survey.action.unwrap_or_else(|| action.clone());
    let mut footprint = action.footprint(&target);
    footprint.extend(survey.more);
    for other in touched {
        let survey = patient_for(executor, pauses, || executor.survey(&target, other, bodies)).await?;
        let filled = survey.action.iter().flat_map(|action| action.footprint(&target));
        let places = other.footprint(&target).into_iter().chain(filled).chain(survey.more);
        footprint.extend(places.filter(|place| place.fields != Fields::Evidence));
    }
    footprint.extend(known);
    let footprint = joined(footprint);
    let mut image = survey.seen;
    image.retain(|key, _| footprint.iter().any(|footprint| footprint.key == *key));
    let more = missing(&keys(&footprint), &image);
    if !more.is_empty() {
        image.extend(patient_for(executor, pauses, || executor.observe(&more, bodies)).await?);
    }
    let boot = survey.boot.filter(|_| action.is_job());
    Ok(Seen { action, target, boot, footprint, image })
}

/// Executes a job and looks at what it left.
pub(crate) async fn execute<E: Executor>(executor: &E, shelf: &Rc<BodyStore>, ix: StepIx, job: Job) -> Done {
    let desk = BodyWriter::new(shelf);
    let ended = executor.execute(&job, &desk).await;
    finish(executor, desk, ix, &job, ended).await
}

/// Waits for a job that was found running.
pub(crate) async fn attach<E: Executor>(executor: &E, shelf: &Rc<BodyStore>, ix: StepIx, job: Job) -> Done {
    let desk = BodyWriter::new(shelf);
    let ended = executor.attach(&job, &desk).await;
    finish(executor, desk, ix, &job, ended).await
}

async fn finish<E: Executor>(executor: &E, desk: BodyWriter, ix: StepIx, job: &Job, ended: Ended) -> Done {
    log::ended(&ended);
    let (ended, after) = match ended {
        Ended::Telling(reports) => {
            return Done::Told { ix, attempt: job.attempt, reports, fresh: desk.into_fresh(), again: true };
        }
        Ended::Finished(mut finished) => {
            let mut after = std::mem::take(&mut finished.seen);
            let more = missing(&job.look, &after);
            let rest = match more.is_empty() {
                true => Ok(Image::new()),
                false => patient(executor, || executor.observe(&more, &desk)).await,
            };
            match rest {
                Ok(rest) => {
                    after.extend(rest);
                    (Ended::Finished(finished), after)
                }
                // It ended, but nobody could look at what it left: in doubt, and the job's own word will settle it.
                Err(error) => (Ended::Unknown(format!("it ended, but {error}")), Image::new()),
            }
        }
        other => (other, Image::new()),
    };
    Done::Ended { ix, attempt: job.attempt, ended, after, fresh: desk.into_fresh() }
}

/// Asks the job, then looks at the resources. A job that never started is revoked first, so that it never will.
pub(crate) async fn reconcile<E: Executor>(
    executor: &E,
    shelf: &Rc<BodyStore>,
    ix: StepIx,
    job: Job,
    footprint: Vec<Footprint>,
) -> Done {
    let desk = BodyWriter::new(shelf);
    match patient(executor, || executor.told(&job, &desk)).await {
        Ok(reports) if reports.is_empty() => {}
        Ok(reports) => return Done::Told { ix, attempt: job.attempt, reports, fresh: desk.into_fresh(), again: false },
        Err(error) => return Done::Reconciled { ix, found: Err(error) },
    }
    let found = async {
        let mut status = patient(executor, || executor.status(&job, &desk)).await?;
        // One that started between the two questions is asked for its word again.
        if status == JobStatus::NotStarted && !patient(executor, || executor.revoke(&job)).await? {
            status = patient(executor, || executor.status(&job, &desk)).await?;
        }
        let (word, finished) = match status {
            JobStatus::Running => return Ok(Ok(None)),
            JobStatus::Finished(finished) => {
                let word = if finished.why.is_none() { JobWord::FinishedWell } else { JobWord::FinishedBadly };
                (word, Some(finished))
            }
            JobStatus::Interrupted(Remains { message, output }) => {
                (JobWord::Interrupted, Some(Finished { message, output, ..Finished::default() }))
            }
            JobStatus::NotStarted => (JobWord::NotStarted, None),
            JobStatus::Revoked => (JobWord::Revoked, None),
            JobStatus::Unknown => (JobWord::Unknown, None),
        };
        // What it told between the two questions.
        let more = patient(executor, || executor.told(&job, &desk)).await?;
        if !more.is_empty() {
            return Ok(Err(more));
        }
        let all = keys(&footprint);
        let observed = patient(executor, || executor.observe(&all, &desk)).await?;
        Ok(Ok(Some((word, finished, observed))))
    };
    match found.await {
        Ok(Err(reports)) => Done::Told { ix, attempt: job.attempt, reports, fresh: desk.into_fresh(), again: false },
        Ok(Ok(None)) => Done::Running { ix },
        Ok(Ok(Some((word, finished, observed)))) => {
            let verdict = job.action.judge(&footprint, &job.before, &observed);
            let fresh = desk.into_fresh();
            Done::Reconciled {
                ix,
                found: Ok(Reconciled { attempt: job.attempt, word, finished, observed, verdict, fresh }),
            }
        }
        Err(error) => Done::Reconciled { ix, found: Err(error) },
    }
}

/// Samples a gate once.
pub(crate) async fn sample<E: Executor>(
    executor: &E,
    shelf: &Rc<BodyStore>,
    ix: StepIx,
    mut target: Target,
    gate: Gate,
) -> Done {
    let desk = BodyWriter::new(shelf);
    // A gate names its node like an action does.
    if let Ok(Some(node)) = executor.node_of(&target).await {
        target.node = Some(node);
    }
    let sample = executor.sample(&target, &gate, &desk).await;
    Done::Sampled { ix, sample, fresh: desk.into_fresh() }
}

/// Puts a message beside the rest of an entry's bodies.
pub(crate) fn message(
    shelf: &Rc<BodyStore>,
    text: Option<&str>,
    fresh: &mut BTreeMap<BodyId, Sealed>,
) -> Result<Option<BodyId>, BodyError> {
    let Some(text) = text else { return Ok(None) };
    let desk = BodyWriter::new(shelf);
    let id = desk.words(text)?;
    fresh.extend(desk.into_fresh());
    Ok(Some(id))
}
