//! What an ended job, a look at an in-doubt step, or a gate's sample means.

use crate::action::{Recovery, Verdict};
use crate::id::Micros;
use crate::record::{Decision, Ending, JobWord, Rule, Why};
use crate::run::plan::{Step, Work};
use crate::run::rules::version::Rules;

/// How an execution came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionResult {
    /// The job finished and said this; `unmet` if a promised state is not there all the same.
    Finished {
        /// None if it finished well.
        why: Option<Why>,
        /// Whether something that the action promises is not there.
        unmet: bool,
    },
    /// It certainly did not start.
    NotStarted,
    /// It certainly did not start, as something changed between its look and its effect: it looks again.
    Moved,
    /// Nobody knows.
    Lost,
}

/// How an attempt ended. An exit code alone is not success: what the action promises must be seen.
pub fn outcome(came: ExecutionResult, rules: Rules) -> (Ending, Option<Why>) {
    match came {
        ExecutionResult::Finished { why: None, unmet: false } => (Ending::Succeeded, None),
        ExecutionResult::Finished { why: None, unmet: true } => (Ending::Failed, Some(Why::Unmet)),
        ExecutionResult::Finished { why, .. } => (Ending::Failed, why),
        ExecutionResult::NotStarted if rules.only_not_started_is_harmless() => (Ending::Failed, Some(Why::NotStarted)),
        ExecutionResult::NotStarted => (Ending::Failed, Some(Why::Precondition)),
        ExecutionResult::Moved => (Ending::Unknown, Some(Why::Conflict)),
        ExecutionResult::Lost => (Ending::Unknown, Some(Why::LinkLost)),
    }
}

/// What a look at an in-doubt step found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// What the job said of itself.
    pub word: JobWord,
    /// What the images say.
    pub verdict: Verdict,
    /// Whether something that the action promises is not there.
    pub unmet: bool,
    /// Whether the value that the step captures was heard.
    pub heard: bool,
    /// Whether it was begun anew so often in a row that it is not begun once more.
    pub spent: bool,
}

/// So many times in a row is a step in doubt begun anew.
pub const AGAIN: u32 = 5;

/// The pause before what came to nothing so many times in a row is done once more. None after the first time: a link
/// that was lost once is no reason to wait.
pub fn pause(times: u32) -> Option<Micros> {
    let doubled = times.checked_sub(2)?.min(AGAIN);
    Some(Micros::seconds(1 << doubled))
}

/// What follows from a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// What it says in the end.
    pub verdict: Verdict,
    /// The rule that decided.
    pub rule: Rule,
    /// What the rules make of it: go on, wait, again, ask or fail.
    pub decision: Decision,
}

/// The order of deciding: the job's own status; the declared probe; `repeat`, if declared; else the operator.
pub fn judged(step: &Step, look: Look) -> Judged {
    let again = if look.spent { Decision::Failed } else { Decision::Again };
    let repeat = |decision: Decision, rule: Rule| match step.recovery {
        Recovery::Repeat if !look.spent => (Rule::Repeat, Decision::Again),
        Recovery::Repeat | Recovery::Ask => (rule, decision),
    };
    let (verdict, (rule, decision)) = match look.word {
        JobWord::FinishedWell if !look.unmet => (Verdict::Applied, (Rule::Job, Decision::Succeeded)),
        JobWord::FinishedWell | JobWord::FinishedBadly => (look.verdict, (Rule::Job, Decision::Failed)),
        JobWord::NotStarted => (Verdict::NotApplied, (Rule::Job, again)),
        JobWord::Running => (Verdict::StillRunning, (Rule::Job, Decision::Wait)),
        JobWord::Interrupted | JobWord::Revoked | JobWord::Unknown => {
            let follows = match look.verdict {
                Verdict::Applied => (Rule::Probe, Decision::Succeeded),
                Verdict::NotApplied => (Rule::Probe, again),
                Verdict::Partial => repeat(Decision::FailedPartial, Rule::Probe),
                Verdict::CannotTell | Verdict::StillRunning => repeat(Decision::Ask, Rule::Ask),
            };
            (look.verdict, follows)
        }
    };
    // A value that nobody heard is read again; reading changes nothing.
    if decision == Decision::Succeeded && step.capture.is_some() && !look.heard {
        return Judged { verdict, rule: Rule::Repeat, decision: again };
    }
    Judged { verdict, rule, decision }
}

/// What follows from a gate's sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampled {
    /// It opens.
    Opens,
    /// It never will.
    Fails,
    /// Its time is up.
    TimeUp,
    /// It is sampled again, not before this time.
    Again(Micros),
}

/// When a sample came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleTime {
    /// By the clock, which may be set in between.
    pub at: Micros,
    /// How long the gate was waited for by then, if that is recorded: since rules 4 this decides, not the clock.
    pub waited: Option<Micros>,
}

impl SampleTime {
    /// On the scale that counts.
    fn now(self) -> Micros {
        self.waited.unwrap_or(self.at)
    }
}

/// What follows from a sample: `passes` good ones in a row came before it, `began` is the clock's time of the first one,
/// if any came. None if the step is no gate. The time in [`Sampled::Again`] is on the scale that counts: time waited, if
/// that is recorded, else the clock's.
pub fn sampled(
    step: &Step,
    (passes, began): (u32, Option<Micros>),
    time: SampleTime,
    (pass, hopeless): (bool, bool),
) -> Option<Sampled> {
    let Work::Gate { samples, every, timeout, .. } = &step.work else { return None };
    let spent = time.waited.unwrap_or_else(|| time.at.since(began.unwrap_or(time.at)));
    Some(if hopeless {
        Sampled::Fails
    } else if pass && passes + 1 >= *samples {
        Sampled::Opens
    } else if timeout.is_some_and(|timeout| spent >= timeout.micros()) {
        Sampled::TimeUp
    } else {
        Sampled::Again(time.now().plus(every.micros()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::plan::Plan;
    use crate::test_util::fixture::{self, Bench};

    #[test]
    fn what_was_begun_anew_often_enough_is_begun_no_more() {
        let mut step = fixture::stop("a", "one");
        let mut found = |recovery, word, verdict, spent| {
            step.recovery = recovery;
            let look = Look { word, verdict, unmet: false, heard: true, spent };
            judged(&step, look).decision
        };
        let (ask, repeat) = (Recovery::Ask, Recovery::Repeat);
        for recovery in [ask, repeat] {
            for word in [JobWord::NotStarted, JobWord::Interrupted, JobWord::Revoked, JobWord::Unknown] {
                assert_eq!(found(recovery, word, Verdict::NotApplied, false), Decision::Again, "{word:?}");
                assert_eq!(found(recovery, word, Verdict::NotApplied, true), Decision::Failed, "{word:?}");
            }
        }
        for (verdict, then) in [(Verdict::Partial, Decision::FailedPartial), (Verdict::CannotTell, Decision::Ask)] {
            assert_eq!(found(repeat, JobWord::Unknown, verdict, false), Decision::Again, "{verdict:?}");
            assert_eq!(found(repeat, JobWord::Unknown, verdict, true), then, "{verdict:?}");
        }
        assert_eq!(found(ask, JobWord::FinishedWell, Verdict::Applied, true), Decision::Succeeded);
        assert_eq!(found(ask, JobWord::Running, Verdict::CannotTell, true), Decision::Wait);
        step.capture = Some(crate::id::Label::new("value").expect("a label"));
        let look =
            Look { word: JobWord::Interrupted, verdict: Verdict::Applied, unmet: false, heard: false, spent: true };
        assert_eq!(judged(&step, look).decision, Decision::Failed);
        assert_eq!(judged(&step, Look { spent: false, ..look }).decision, Decision::Again);
    }

    #[test]
    fn what_is_begun_anew_in_a_row_is_counted_for_one_owner() {
        for rules in Rules::all() {
            let mut bench = Bench::open(&Plan { rules: rules.version(), ..fixture::hosts(1, 1, 0) });
            let is_spent = |bench: &Bench| bench.state().is_spent(bench.step(fixture::RUN, "a/one").1);
            let again = |bench: &mut Bench| {
                bench.intend(fixture::RUN, "a/one");
                bench.end(fixture::RUN, "a/one", Ending::Unknown);
                bench.probe("a/one", Decision::Again);
            };
            for _ in 0..AGAIN {
                assert!(!is_spent(&bench), "{rules:?}");
                again(&mut bench);
            }
            assert_eq!(is_spent(&bench), rules.version() >= 4, "{rules:?}");
            let paused = bench.state().pause_before(bench.step(fixture::RUN, "a/one").1);
            assert_eq!(paused, pause(AGAIN).filter(|_| is_spent(&bench)), "{rules:?}");
            bench.take_over();
            assert!(!is_spent(&bench), "{rules:?}");
        }
    }

    #[test]
    fn pauses_grow() {
        let seconds = |again| pause(again).map(|span| span.0 / 1_000_000);
        assert_eq!([0, 1, 2, 3, 4, 5].map(seconds), [None, None, Some(1), Some(2), Some(4), Some(8)]);
        assert_eq!(seconds(u32::MAX), Some(32));
    }

    const HOUR: Micros = Micros::seconds(3600);

    fn at(clock: i64, waited: Option<i64>) -> SampleTime {
        SampleTime { at: Micros::seconds(clock), waited: waited.map(Micros::seconds) }
    }

    #[test]
    fn what_was_waited_decides_whatever_the_clock_shows() {
        let gate = fixture::gate("a", "healed");
        let told = |time, began| sampled(&gate, (0, Some(began)), time, (false, false));
        let began = Micros::seconds(1000);
        let again = |found: Option<Sampled>| matches!(found, Some(Sampled::Again(_)));
        assert!(again(told(at(1000 + 7200, Some(59)), began)), "the clock went forward");
        assert_eq!(told(at(0, Some(60)), began), Some(Sampled::TimeUp), "the clock went back");
        // Before rules 4 nothing else is known.
        assert_eq!(told(at(1000 + 7200, None), began), Some(Sampled::TimeUp));
        assert!(again(told(at(0, None), Micros(0).plus(HOUR))));
        // The next one is due on the scale that counts.
        let Some(Sampled::Again(next)) = told(at(0, Some(10)), began) else { unreachable!("it is asked again") };
        assert!(next > Micros::seconds(10) && next < Micros::seconds(60));
    }
}
