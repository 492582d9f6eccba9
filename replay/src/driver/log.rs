//! What the driver logs for people who look for faults: spans for run, host, step, attempt and job, and an event for
//! each decision. Nothing follows from it, and nothing of a body is in it: names, verdicts, sizes and times.
//!
//! The names of the fields are listed in `cli/docs/logging.md`.

use futures_util::future::Either;
use palinode_core::action::Verdict;
use palinode_core::id::{Attempt, RunId, StepPath};
use palinode_core::port::{Ended, Job, LookError, Stored, Verb};
use palinode_core::record::ProgressKind;
use palinode_core::record::{Answer, Decision, Ending, Event, JobWord, PauseWhy, Rule, RunEnd, SkipWhy, Why, World};
use palinode_core::run::next::Next;
use palinode_core::run::plan::Step;
use palinode_core::span::Span;
use tracing::level_filters::LevelFilter;
use tracing::{Instrument as _, Level, debug, enabled, info, info_span, trace, warn};

/// The span of everything that is done for a run.
pub(super) fn run(run: RunId) -> tracing::Span {
    info_span!("run", %run)
}

/// The spans of what is done for a step, the innermost first: of its job, its attempt, itself and its host. None while
/// nobody listens: a step then costs one look at a number.
pub(super) struct Within(Option<[tracing::Span; 4]>);

impl Within {
    /// The spans of one attempt.
    pub(super) fn attempt(step: &Step, attempt: Attempt) -> Self {
        Self::of(step, attempt, None)
    }

    /// And that of the attempt's job.
    pub(super) fn job(step: &Step, job: &Job) -> Self {
        Self::of(step, job.attempt, Some(job))
    }

    fn of(step: &Step, attempt: Attempt, job: Option<&Job>) -> Self {
        if LevelFilter::current() < LevelFilter::INFO {
            return Self(None);
        }
        let (host, step) = match &step.target.host {
            Some(host) => {
                let host = info_span!("host", %host);
                let step = info_span!(parent: &host, "step", step = %step.path);
                (host, step)
            }
            None => (tracing::Span::none(), info_span!("step", step = %step.path)),
        };
        let attempt = info_span!(parent: &step, "attempt", attempt);
        let job = job.map_or_else(
            tracing::Span::none,
            |job| info_span!(parent: &attempt, "job", job = %job.name.short(), action = job.action.name()),
        );
        Self(Some([job, attempt, step, host]))
    }

    /// No span.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Has a future work in them. Each is entered, so that a filter can choose by any of them.
    pub(super) fn around<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        match self.0 {
            None => Either::Left(future),
            Some([job, attempt, step, host]) => {
                Either::Right(future.instrument(job).instrument(attempt).instrument(step).instrument(host))
            }
        }
    }
}

/// A step's turn has come.
pub(super) fn begins(next: Next) {
    debug!(next = of_next(next), "step begins");
}

/// An effect is about to begin: its intent is durable.
pub(super) fn executes(job: &Job) {
    debug!(seq = job.seq.0, "job starts");
}

/// A job was waited for.
pub(super) fn ended(ended: &Ended) {
    let came = match ended {
        Ended::Finished(finished) if finished.why.is_none() => "finished-well",
        Ended::Finished(_) => "finished-badly",
        Ended::NotStarted(_) => "not-started",
        Ended::Moved(_) => "moved",
        Ended::Unknown(_) => "unknown",
        Ended::Telling(reports) => return trace!(count = reports.len(), "job tells"),
    };
    debug!(came, "job ended");
}

/// A target does not answer, and is asked again.
pub(super) fn unanswered(error: &LookError, again: Span, left: Span) {
    let (again, left) = (again.micros().0, left.micros().0);
    warn!(cause = of_look(error), again_us = again, left_us = left, "target does not answer");
}

/// A look shows what is not there any more, since another step acted on the same resource meanwhile.
pub(super) fn stale(step: &StepPath) {
    debug!(%step, "look is stale, looks again");
}

/// A step waits until others are done with a resource.
pub(super) fn held(step: &StepPath, others: usize) {
    debug!(%step, count = others, "step waits for others on the same resource");
}

/// A person decided about a step while it was looked at: what was found answers a settled question.
pub(super) fn overtaken(step: &StepPath) {
    debug!(%step, "finding dropped, a person decided meanwhile");
}

/// A step cannot go on without a person.
pub(super) fn blocked(step: &StepPath, why: &PauseWhy) {
    warn!(%step, why = of_pause(why), "step is blocked");
}

/// A decision that was handed in, and whether it was taken.
pub(super) fn handed_in(run: RunId, verb: &Verb, taken: bool) {
    let (verb, step) = match verb {
        Verb::Answer { step, answer } => (of_answer(*answer), Some(step.as_str())),
        Verb::Skip { step } => ("skip", Some(step.as_str())),
        Verb::Pause => ("pause", None),
    };
    info!(%run, verb, step, taken, "decision handed in");
}

/// An entry is recorded: what was decided.
pub(super) fn recorded(stored: &Stored) {
    if !enabled!(Level::INFO) {
        return;
    }
    let entry = &stored.entry;
    let (run, seq) = (entry.run, entry.seq.0);
    match &entry.event {
        Event::RunOpened(opened) => {
            let world = match opened.world {
                World::Real => "real",
                World::Lab { .. } => "lab",
            };
            let takes_back = opened.compensates.as_ref().map(|back| back.run.to_string());
            let (rules, runbook, force) = (opened.rules, opened.runbook.as_str(), opened.force);
            info!(%run, seq, runbook, rules, world, force, takes_back, "run opened");
        }
        Event::OwnerChanged { owner, force, .. } => {
            info!(%run, seq, epoch = entry.epoch.0, pid = owner.pid, force, "run taken over");
        }
        Event::Intent(intent) => {
            let (step, attempt, action) = (&intent.step, intent.attempt, intent.action.name());
            let host = intent.target.host.as_ref().map(|host| host.as_str());
            let resources = intent.footprint.len();
            info!(%run, seq, %step, host, attempt, action, resources, job = %stored.id.short(), "intent recorded");
        }
        Event::Progress(told) => {
            let (step, attempt, number) = (&told.step, told.attempt, told.number);
            match &told.what {
                ProgressKind::Began => debug!(%run, seq, %step, attempt, number, "playbook began"),
                ProgressKind::Play => debug!(%run, seq, %step, attempt, number, "play began"),
                ProgressKind::Task => debug!(%run, seq, %step, attempt, number, "task began"),
                ProgressKind::Host { host, ended } => {
                    let ended = ended.word();
                    debug!(%run, seq, %step, attempt, number, host = host.as_str(), ended, "task ended on a host");
                }
                ProgressKind::Note => debug!(%run, seq, %step, attempt, number, "note"),
                ProgressKind::Request { verb, key, code, .. } => {
                    let (verb, resource, status) = (verb.as_str(), key.as_str(), *code);
                    debug!(%run, seq, %step, attempt, number, verb, resource, status, "request told");
                }
                ProgressKind::Stats { hosts, failed, unreachable } => {
                    let (count, failed, unreachable) = (*hosts, *failed, *unreachable);
                    debug!(%run, seq, %step, attempt, number, count, failed, unreachable, "playbook told its end");
                }
            }
        }
        Event::Outcome(outcome) => {
            let (step, attempt, code) = (&outcome.step, outcome.attempt, outcome.code);
            let (ending, why) = (of_ending(outcome.ending), outcome.why.map(of_why));
            match outcome.ending {
                Ending::Succeeded => info!(%run, seq, %step, attempt, ending, code, "outcome"),
                Ending::Failed | Ending::Unknown => warn!(%run, seq, %step, attempt, ending, why, code, "outcome"),
            }
        }
        Event::Probed(probed) => {
            let (step, attempt, code) = (&probed.step, probed.attempt, probed.code);
            let (rule, decision) = (of_rule(probed.rule), of_decision(probed.decision));
            let (verdict, word) = (of_verdict(probed.verdict), of_job(probed.job));
            info!(%run, seq, %step, attempt, word, verdict, rule, decision, code, "in doubt, looked at");
        }
        Event::Resolved { step, answer, overruled, .. } => {
            info!(%run, seq, %step, answer = of_answer(*answer), overruled, "answered by a person");
        }
        Event::Skipped { step, why, .. } => info!(%run, seq, %step, why = of_skip(why), "skipped"),
        Event::GateSampled { step, pass, hopeless, waited, .. } => {
            let waited_us = waited.map(|waited| waited.0);
            debug!(%run, seq, %step, pass, hopeless, waited_us, "gate sampled");
        }
        Event::GateDecided { step, passed } => info!(%run, seq, %step, pass = passed, "gate decided"),
        Event::TimerFired { step } => warn!(%run, seq, %step, "gate's time is up"),
        Event::Paused { why, .. } => info!(%run, seq, why = of_pause(why), "run paused"),
        Event::DriftFound { step, key, forced, .. } => {
            warn!(%run, seq, %step, resource = key.as_str(), forced, "drift found");
        }
        Event::RunClosed(closed) => info!(%run, seq, end = of_end(closed.end), "run closed"),
    }
}

fn of_next(next: Next) -> &'static str {
    match next {
        Next::Act(_) => "act",
        Next::Probe(_) => "probe",
        Next::Sample(_) => "sample",
        Next::Skip(_) => "skip",
    }
}

fn of_look(error: &LookError) -> &'static str {
    match error {
        LookError::Unreachable { .. } => "unreachable",
        LookError::Refused { .. } => "refused",
        LookError::Body(_) => "body",
    }
}

fn of_ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Succeeded => "succeeded",
        Ending::Failed => "failed",
        Ending::Unknown => "unknown",
    }
}

fn of_why(why: Why) -> &'static str {
    match why {
        Why::ExitCode => "exit-code",
        Why::Precondition => "precondition",
        Why::Timeout => "timeout",
        Why::Unmet => "unmet",
        Why::Conflict => "conflict",
        Why::LinkLost => "link-lost",
        Why::Revoked => "revoked",
        Why::Partial => "partial",
        Why::NotStarted => "not-started",
    }
}

fn of_rule(rule: Rule) -> &'static str {
    match rule {
        Rule::Job => "job",
        Rule::Probe => "probe",
        Rule::Repeat => "repeat",
        Rule::Ask => "ask",
    }
}

fn of_decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Succeeded => "succeeded",
        Decision::Failed => "failed",
        Decision::Wait => "wait",
        Decision::Again => "again",
        Decision::FailedPartial => "failed-partial",
        Decision::Ask => "ask",
    }
}

fn of_verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Applied => "applied",
        Verdict::NotApplied => "not-applied",
        Verdict::StillRunning => "still-running",
        Verdict::Partial => "partial",
        Verdict::CannotTell => "cannot-tell",
    }
}

fn of_job(word: JobWord) -> &'static str {
    match word {
        JobWord::FinishedWell => "finished-well",
        JobWord::FinishedBadly => "finished-badly",
        JobWord::Running => "running",
        JobWord::Interrupted => "interrupted",
        JobWord::NotStarted => "not-started",
        JobWord::Revoked => "revoked",
        JobWord::Unknown => "unknown",
    }
}

fn of_answer(answer: Answer) -> &'static str {
    match answer {
        Answer::Applied => "applied",
        Answer::NotApplied => "not-applied",
        Answer::Partial => "partial",
        Answer::Retry => "retry",
    }
}

fn of_skip(why: &SkipWhy) -> &'static str {
    match why {
        SkipWhy::When => "when",
        SkipWhy::Operator => "operator",
        SkipWhy::AlreadyThere => "already-there",
    }
}

fn of_pause(why: &PauseWhy) -> &'static str {
    match why {
        PauseWhy::Failed => "failed",
        PauseWhy::InDoubt => "in-doubt",
        PauseWhy::Asked => "asked",
        PauseWhy::Drift(_) => "drift",
        PauseWhy::Blocked(_) => "blocked",
    }
}

fn of_end(end: RunEnd) -> &'static str {
    match end {
        RunEnd::Done => "done",
        RunEnd::Failed => "failed",
        RunEnd::RolledBack => "rolled-back",
        RunEnd::PartlyRolledBack => "partly-rolled-back",
    }
}
