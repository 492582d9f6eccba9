//! Rules about attempts that are cut: before the start, halfway, after the end, or from the link.

use super::bench::{Bench, Try, ensure};
use super::compare::{changed, fits, same_canon, same_world};
use super::rule::Checked;
use super::{Canon, Cut, Expect, Subject};
use palinode_core::action::{Recovery, UndoClass, Verdict};
use palinode_core::port::{Ended, Finished, JobStatus};

/// What an unbroken run leaves in a world of its own, how many changes it makes, and how it ends. The bench is then
/// prepared anew.
fn unbroken<S: Subject>(bench: &mut Bench<'_, S>) -> Result<(Canon, Option<usize>, Finished), String> {
    let run = bench.whole()?;
    let left = bench.canon(&run.attempt, &run.after)?.after;
    let effects = bench.effects(&run.attempt);
    bench.anew()?;
    Ok((left, effects, run.finished))
}

pub(super) fn before<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    let world = bench.fingerprint()?;
    let attempt = bench.first()?;
    let ended = bench.execute_cut(&attempt, Cut::BeforeStart)?;
    ensure(ended.is_none(), || format!("the process lived on: {ended:?}"))?;
    match bench.subject.remembers_jobs() {
        true => revoked(bench, &attempt)?,
        false => forgotten(bench, &attempt)?,
    }
    let now = bench.observe(&attempt.footprint)?;
    ensure(!changed(&attempt.footprint, attempt.before(), &now), || "the revoked job changed something".to_owned())?;
    ensure(bench.effects(&attempt).is_none_or(|count| count == 0), || "the revoked job had effects".to_owned())?;
    same_world("a job that never started", &world, &bench.fingerprint()?)?;
    if matches!(bench.case.expect, Expect::Ends(..)) {
        return Ok(true);
    }
    let next = bench.again(&attempt)?;
    let next = bench.run(next)?;
    bench.must_be_good(&next).map_err(|found| format!("the attempt after the revoked one: {found}"))?;
    Ok(true)
}

/// The job that never started is kept from starting late.
fn revoked<S: Subject>(bench: &mut Bench<'_, S>, attempt: &Try) -> Result<(), String> {
    let status = bench.status(attempt)?;
    ensure(status == JobStatus::NotStarted, || format!("the job that never started says {status:?}"))?;
    bench.revoke(attempt)?;
    let status = bench.status(attempt)?;
    ensure(status == JobStatus::Revoked, || format!("the revoked job says {status:?}"))?;
    let ended = bench.execute(attempt)?;
    ensure(matches!(ended, Ended::NotStarted(_)), || format!("the revoked job, executed late, said {ended:?}"))
}

/// Nobody can be asked about the job.
fn forgotten<S: Subject>(bench: &mut Bench<'_, S>, attempt: &Try) -> Result<(), String> {
    let status = bench.status(attempt)?;
    ensure(status == JobStatus::Unknown, || format!("of a job that nobody keeps it is said: {status:?}"))
}

pub(super) fn half<S: Subject>(bench: &mut Bench<'_, S>, cut: Cut) -> Checked {
    if matches!(bench.case.expect, Expect::Ends(..)) {
        return Ok(false);
    }
    let (whole, _, _) = unbroken(bench)?;
    let attempt = bench.first()?;
    let Some(verdict) = interrupted(bench, &attempt, &whole, cut)? else {
        return Ok(true);
    };
    repeat(bench, &attempt, verdict, &whole)?;
    Ok(true)
}

/// Nobody knows what became of the attempt: what is there is judged, and a repetition does what is left. Unless this very
/// process is still at it.
fn look_and_repeat<S: Subject>(bench: &mut Bench<'_, S>, attempt: &Try, whole: &Canon) -> Result<(), String> {
    if bench.status(attempt)? == JobStatus::Running {
        let ended = bench.attach(attempt)?;
        let good = matches!(&ended, Ended::Finished(finished) if finished.why.is_none());
        ensure(good, || format!("attached to, it ended as {ended:?}"))?;
        let now = bench.observe(&attempt.footprint)?;
        return same_canon("the job whose link was cut", whole, &bench.canon(attempt, &now)?.after);
    }
    forgotten(bench, attempt)?;
    let now = bench.observe(&attempt.footprint)?;
    let verdict = attempt.action().judge(&attempt.footprint, attempt.before(), &now);
    fits(bench, attempt, verdict, &now, whole)?;
    repeat(bench, attempt, verdict, whole)
}

/// Another attempt, where the verdict on the first asks for one.
fn repeat<S: Subject>(bench: &mut Bench<'_, S>, attempt: &Try, verdict: Verdict, whole: &Canon) -> Result<(), String> {
    let again = match verdict {
        Verdict::Applied => false,
        Verdict::NotApplied => true,
        _ => bench.recovery() == Recovery::Repeat,
    };
    if again {
        let next = bench.again(attempt)?;
        let next = bench.run(next)?;
        bench.must_be_good(&next).map_err(|found| format!("the repetition: {found}"))?;
        same_canon("the repetition", whole, &bench.canon(&next.attempt, &next.after)?.after)?;
    }
    Ok(())
}

/// Cuts the attempt on its way and judges what is there; nothing if it had finished all the same.
fn interrupted<S: Subject>(
    bench: &mut Bench<'_, S>,
    attempt: &Try,
    whole: &Canon,
    cut: Cut,
) -> Result<Option<Verdict>, String> {
    let ended = bench.execute_cut(attempt, cut)?;
    let status = bench.status(attempt)?;
    let now = bench.observe(&attempt.footprint)?;
    match status {
        JobStatus::Interrupted(_) => {}
        JobStatus::Unknown if !bench.subject.remembers_jobs() => {}
        JobStatus::Finished(finished) => {
            ensure(finished.why.is_none(), || format!("it finished badly after the cut: {finished:?}"))?;
            same_canon("the finished job", whole, &bench.canon(attempt, &now)?.after)?;
            return Ok(None);
        }
        other => return Err(format!("after the cut ({ended:?}) the job says {other:?}")),
    }
    let verdict = attempt.action().judge(&attempt.footprint, attempt.before(), &now);
    fits(bench, attempt, verdict, &now, whole)?;
    Ok(Some(verdict))
}

pub(super) fn after<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    let good = !matches!(bench.case.expect, Expect::Ends(..));
    let attempt = bench.first()?;
    let run = bench.run(attempt)?;
    let (whole, told) = (bench.canon(&run.attempt, &run.after)?.after, run.finished);
    bench.anew()?;
    let attempt = bench.first()?;
    let ended = bench.execute_cut(&attempt, Cut::AfterEnd)?;
    ensure(ended.is_none(), || format!("the process lived on: {ended:?}"))?;
    if bench.subject.remembers_jobs() {
        let status = bench.status(&attempt)?;
        let JobStatus::Finished(finished) = status else {
            return Err(format!("the job ended, but says {status:?}"));
        };
        ensure(finished.why == told.why && finished.code == told.code && finished.value == told.value, || {
            format!("the job says {finished:?}, an unbroken one {told:?}")
        })?;
        ensure(finished.output.is_some() == told.output.is_some(), || "its output is gone".to_owned())?;
    } else {
        forgotten(bench, &attempt)?;
    }
    let now = bench.observe(&attempt.footprint)?;
    same_canon("the finished job", &whole, &bench.canon(&attempt, &now)?.after)?;
    if good && bench.case.expect == Expect::Done && attempt.action().class() != UndoClass::Read {
        let verdict = attempt.action().judge(&attempt.footprint, attempt.before(), &now);
        fits(bench, &attempt, verdict, &now, &whole)?;
    }
    Ok(true)
}

pub(super) fn link<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    if matches!(bench.case.expect, Expect::Ends(..)) {
        return Ok(false);
    }
    let (whole, effects, told) = unbroken(bench)?;
    let attempt = bench.first()?;
    let ended = bench.execute_cut(&attempt, Cut::Link)?;
    ensure(matches!(ended, Some(Ended::Unknown(_))), || format!("the link was cut, but it ended as {ended:?}"))?;
    if !bench.subject.remembers_jobs() {
        return look_and_repeat(bench, &attempt, &whole).map(|()| true);
    }
    let finished = match bench.status(&attempt)? {
        JobStatus::Finished(finished) => finished,
        JobStatus::Running => match bench.attach(&attempt)? {
            Ended::Finished(finished) => finished,
            other => return Err(format!("attached to, it ended as {other:?}")),
        },
        other => return Err(format!("when the link is back, the job says {other:?}")),
    };
    ensure(finished.why.is_none(), || format!("when the link is back, the job says {finished:?}"))?;
    ensure(finished.value == told.value, || "the value it read got lost".to_owned())?;
    let now = bench.observe(&attempt.footprint)?;
    same_canon("the job whose link was cut", &whole, &bench.canon(&attempt, &now)?.after)?;
    ensure(bench.effects(&attempt) == effects, || {
        format!("it made {:?} changes, an unbroken job {effects:?}", bench.effects(&attempt))
    })?;
    Ok(true)
}
