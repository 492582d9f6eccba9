//! Rules about actions that nothing interrupts.

use super::bench::{Bench, Run, Try, ensure};
use super::images::Images;
use super::rule::Checked;
use super::{Expect, Subject};
use crate::conformance::compare::{changed, same_canon, same_image, same_world};
use palinode_core::action::{UndoClass, Verdict};
use palinode_core::port::Ended;
use palinode_core::record::Why;
use palinode_core::resource::Footprint;

/// What the case finds and leaves, however it ends.
pub(super) fn images<S: Subject>(bench: &mut Bench<'_, S>) -> Result<Images, String> {
    let attempt = bench.first()?;
    let run = bench.run(attempt)?;
    bench.canon(&run.attempt, &run.after)
}

pub(super) fn read_only<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    let world = bench.fingerprint()?;
    let one = bench.first()?;
    let other = bench.first()?;
    ensure(one.footprint == other.footprint, || {
        format!("two looks found other resources: {:?} and {:?}", one.footprint, other.footprint)
    })?;
    same_image("two looks", &one.footprint, one.before(), other.before())?;
    same_world("looking", &world, &bench.fingerprint()?)?;
    Ok(true)
}

pub(super) fn promise<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    if matches!(bench.case.expect, Expect::Ends(..)) {
        return Ok(false);
    }
    bench.action.check().map_err(|error| format!("the action is not one that a runbook may have: {error}"))?;
    let world = bench.fingerprint()?;
    let run = bench.whole()?;
    let moved = changed(&run.attempt.footprint, run.attempt.before(), &run.after);
    let effects = bench.effects(&run.attempt);
    match bench.case.expect {
        Expect::Nothing => {
            ensure(!moved && effects.is_none_or(|count| count == 0), || {
                format!("there was nothing to do, but it made {effects:?} changes")
            })?;
            same_world("an action with nothing to do", &world, &bench.fingerprint()?)?;
        }
        _ => ensure(moved || effects.is_some_and(|count| count > 0), || {
            "it ended well, but changed nothing that it declares".to_owned()
        })?,
    }
    if run.attempt.action().class() == UndoClass::Read {
        ensure(effects.is_none_or(|count| count == 0), || format!("it only reads, but made {effects:?} changes"))?;
    }
    Ok(true)
}

pub(super) fn judged<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    if bench.case.expect != Expect::Done {
        return Ok(false);
    }
    let run = bench.whole()?;
    let Try { footprint, job } = &run.attempt;
    let (action, before) = (&job.action, run.attempt.before());
    let early = action.judge(footprint, before, before);
    ensure(early == Verdict::NotApplied, || format!("before it began, it is judged as {early:?}"))?;
    let late = action.judge(footprint, before, &run.after);
    ensure(late == Verdict::Applied, || format!("after it ended well, it is judged as {late:?}"))?;
    Ok(true)
}

pub(super) fn twice<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    if matches!(bench.case.expect, Expect::Ends(..)) {
        return Ok(false);
    }
    let run = bench.whole()?;
    let left = bench.canon(&run.attempt, &run.after)?;
    let effects = bench.effects(&run.attempt);
    if bench.subject.remembers_jobs() {
        let ended = bench.execute(&run.attempt)?;
        ensure(matches!(&ended, Ended::Finished(again) if *again == run.finished), || {
            format!("the same job, executed again, said {ended:?} after {:?}", run.finished)
        })?;
        ensure(bench.effects(&run.attempt) == effects, || "the same job, executed again, changed more".to_owned())?;
    }
    let next = bench.again(&run.attempt)?;
    let next = bench.run(next)?;
    bench.must_be_good(&next).map_err(|found| format!("a second attempt: {found}"))?;
    same_canon("a second attempt", &left.after, &bench.canon(&next.attempt, &next.after)?.after)?;
    ensure(!changed(&run.attempt.footprint, &run.after, &next.after), || {
        "a second attempt did it all over: another boot, another UID, other pods gone".to_owned()
    })?;
    Ok(true)
}

pub(super) fn afresh<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    if matches!(bench.case.expect, Expect::Ends(..)) {
        return Ok(false);
    }
    let run = bench.whole()?;
    let next = bench.whole().map_err(|found| format!("a new step: {found}"))?;
    let owned: Vec<Footprint> =
        run.attempt.footprint.iter().filter(|item| next.after.contains_key(&item.key)).cloned().collect();
    same_image("a new step with the same action", &owned, &run.after, &next.after)?;
    Ok(true)
}

pub(super) fn refused<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    let Expect::Ends(mut why, words) = bench.case.expect else {
        return Ok(false);
    };
    if why == Why::Precondition && !bench.subject.tells_preconditions() {
        why = Why::ExitCode;
    }
    let world = bench.fingerprint()?;
    let attempt = bench.first()?;
    let run = bench.run(attempt)?;
    let Run { finished, attempt, after } = &run;
    let message = finished.message.as_deref().unwrap_or_default();
    ensure(finished.why == Some(why), || format!("it ended with {:?} ({message}), not {why:?}", finished.why))?;
    ensure(!message.is_empty() && message.contains(words), || format!("its message lacks `{words}`: {message}"))?;
    ensure(bench.effects(attempt).is_none_or(|count| count == 0), || "it refused, but changed something".to_owned())?;
    same_image("the refusal", &attempt.footprint, attempt.before(), after)?;
    same_world("the refusal", &world, &bench.fingerprint()?)?;
    let ended = bench.execute(attempt)?;
    ensure(matches!(&ended, Ended::Finished(again) if again == finished), || {
        format!("the same job, executed again, said {ended:?}")
    })?;
    // A failed action is taken as maybe applied when it is taken back.
    super::undo::take_back(bench, attempt, after)?;
    let now = bench.observe(&attempt.footprint)?;
    same_image("taking the refused action back", &attempt.footprint, attempt.before(), &now)?;
    same_world("taking the refused action back", &world, &bench.fingerprint()?)?;
    Ok(true)
}
