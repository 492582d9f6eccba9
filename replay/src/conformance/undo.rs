//! Rules about taking an action back: once, twice, from halfway, and with the inverse itself cut.

use super::bench::{Bench, Try, ensure};
use super::compare::{no_undo, same_image, told};
use super::images::differences;
use super::rule::Checked;
use super::{Canon, Cut, Expect, Subject};
use crate::conformance::inverses::inverses_of;
use palinode_core::action::Undo;
use palinode_core::port::JobStatus;
use palinode_core::resource::{Fields, Footprint, Image};
use palinode_core::run::rules::prepare::{Original, extended};
use palinode_core::run::rules::version::Rules;
use std::sync::Arc;

/// Takes an attempt back as a rollback does: each inverse looks first, passes over what is there already, and stops
/// at what neither the record nor the inverse itself accounts for.
pub(super) fn take_back<S: Subject>(bench: &mut Bench<'_, S>, attempt: &Try, recorded: &Image) -> Result<(), String> {
    let mut recorded = recorded.clone();
    for undo in inverses_of(attempt, &recorded) {
        if let Some(back) = begin(bench, &undo, &recorded)? {
            let run = bench.run(back)?;
            bench.must_be_good(&run).map_err(|found| format!("the inverse: {found}"))?;
            recorded.extend(run.after);
        }
    }
    Ok(())
}

/// The intent of one inverse; none if there is nothing to do.
fn begin<S: Subject>(bench: &mut Bench<'_, S>, undo: &Undo, recorded: &Image) -> Result<Option<Try>, String> {
    let seen = bench.uids.clone();
    let back = bench.intend(&undo.action)?;
    let name = undo.action.name();
    undo.action.check().map_err(|error| format!("the inverse {name} cannot reach a target: {error}"))?;
    if bench.is_settled(undo, back.before()) {
        return Ok(None);
    }
    for Footprint { key, fields } in back.footprint.iter().filter(|item| item.fields != Fields::Evidence) {
        let (Some(last), Some(live)) = (recorded.get(key), back.before().get(key)) else {
            continue;
        };
        let known = last.same(live, *fields)
            || undo.accepts(key, live, |uid| seen.contains(uid))
            || undo.action.met(key, None, live) == Some(true);
        ensure(known, || format!("the inverse {name} would stop at {key}: recorded is {last}, there is {live}"))?;
    }
    Ok(Some(back))
}

/// The action, done in full; with the world as it was before, when it had come to rest.
fn done<S: Subject>(bench: &mut Bench<'_, S>) -> Result<(Try, Image, Canon), String> {
    bench.rest()?;
    let world = bench.fingerprint()?;
    let run = bench.whole()?;
    Ok((run.attempt, run.after, world))
}

pub(super) fn prepare_undo<S: Subject>(bench: &mut Bench<'_, S>) -> Result<(), String> {
    let case = bench.case;
    case.before_undo.iter().try_for_each(|prep| bench.prepare(prep).map(|_| ()))
}

/// Whether the world is as before: the owned resources at once, everything else when it has come to rest.
fn as_before<S: Subject>(bench: &mut Bench<'_, S>, attempt: &Try, world: &Canon) -> Result<(), String> {
    let now = bench.observe(&attempt.footprint)?;
    if no_undo(attempt.action()) {
        let inverse = attempt.action().inverse(&attempt.job.target, attempt.before());
        return ensure(inverse.is_empty(), || format!("there is nothing to take back, but {inverse:?} would be done"));
    }
    same_image("taken back", &attempt.footprint, attempt.before(), &now)?;
    bench.rest()?;
    let mut left = differences(world, &bench.fingerprint()?);
    let losses = attempt.action().losses(attempt.before());
    left.retain(|(key, ..)| {
        !losses.iter().any(|loss| loss.key.as_str() == key)
            && !bench.case.left.iter().any(|left| key.starts_with(&left.key))
    });
    ensure(left.is_empty(), || format!("a residue that nobody declared: {}", told(&left)))
}

pub(super) fn undone<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    if matches!(bench.case.expect, Expect::Ends(..)) {
        return Ok(false);
    }
    let (attempt, after, world) = done(bench)?;
    prepare_undo(bench)?;
    take_back(bench, &attempt, &after)?;
    as_before(bench, &attempt, &world)?;
    Ok(true)
}

pub(super) fn twice<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    if matches!(bench.case.expect, Expect::Ends(..)) || no_undo(&bench.action) {
        return Ok(false);
    }
    let (attempt, after, world) = done(bench)?;
    prepare_undo(bench)?;
    take_back(bench, &attempt, &after)?;
    let now = bench.observe(&attempt.footprint)?;
    take_back(bench, &attempt, &now).map_err(|found| format!("the second time: {found}"))?;
    as_before(bench, &attempt, &world).map_err(|found| format!("the second time: {found}"))?;
    Ok(true)
}

pub(super) fn from_half<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    if matches!(bench.case.expect, Expect::Ends(..)) || no_undo(&bench.action) {
        return Ok(false);
    }
    bench.rest()?;
    let world = bench.fingerprint()?;
    let attempt = bench.first()?;
    bench.execute_cut(&attempt, Cut::Half)?;
    bench.status(&attempt)?;
    // What a reconciliation observes counts as the last recorded state.
    let found = bench.observe(&attempt.footprint)?;
    prepare_undo(bench)?;
    take_back(bench, &attempt, &found)?;
    as_before(bench, &attempt, &world)?;
    Ok(true)
}

pub(super) fn cut<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    if matches!(bench.case.expect, Expect::Ends(..)) || no_undo(&bench.action) {
        return Ok(false);
    }
    let (attempt, mut recorded, world) = done(bench)?;
    prepare_undo(bench)?;
    let mut any = false;
    for undo in inverses_of(&attempt, &recorded) {
        let Some(back) = begin(bench, &undo, &recorded)? else {
            continue;
        };
        any = true;
        bench.execute_cut(&back, Cut::Half)?;
        let status = bench.status(&back)?;
        recorded.extend(bench.observe(&back.footprint)?);
        if !matches!(status, JobStatus::Finished(_)) {
            // Every inverse is safe to repeat: a rollback's steps are planned so.
            let next = bench.again(&back)?;
            let run = bench.run(next)?;
            bench.must_be_good(&run).map_err(|found| format!("the repeated inverse: {found}"))?;
            recorded.extend(run.after);
        }
    }
    as_before(bench, &attempt, &world)?;
    Ok(any)
}

/// The first attempt did not look at one of the resources, as where a mirror was away: the retry finds it, and what a
/// rollback does then brings all of them back.
pub(super) fn retry_more<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    if matches!(bench.case.expect, Expect::Ends(..)) || no_undo(&bench.action) {
        return Ok(false);
    }
    bench.rest()?;
    let world = bench.fingerprint()?;
    let mut attempt = bench.first()?;
    let owned = attempt.footprint.iter().filter(|item| item.fields != Fields::Evidence);
    let Some(late) = owned.map(|item| item.key.clone()).next_back() else { return Ok(false) };
    let mut first = attempt.before().clone();
    first.remove(&late);
    let (action, target) = (attempt.job.action.clone(), attempt.job.target.clone());
    let whole = Original::found(Rules::NOW, &action, &target, &attempt.footprint, attempt.before().clone());
    let extended = extended(Rules::NOW, &action, &target, &attempt.footprint, (first, attempt.before().clone()));
    ensure(extended == whole, || {
        format!("with {late} found by the retry, it is taken back by {:?}", extended.inverse)
    })?;
    attempt.job.before = Arc::new(extended.before);
    let run = bench.run(attempt)?;
    bench.must_be_good(&run)?;
    prepare_undo(bench)?;
    take_back(bench, &run.attempt, &run.after)?;
    as_before(bench, &run.attempt, &world)?;
    Ok(true)
}
