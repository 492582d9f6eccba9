//! Rules about what a step does not own: what others did meanwhile, on this host and on others, what took the place of its
//! target, and what nobody took back.

use super::bench::{Bench, ensure};
use super::compare::same_world;
use super::inverses::inverses_of;
use super::rule::Checked;
use super::story::{Around, Story, alone, stands};
use super::undo::prepare_undo;
use super::{Expect, Meddling, Subject, Under};
use crate::driver::Stopped;
use palinode_core::action::{Action, Undo, UndoClass};
use palinode_core::id::{HostName, ResourceKey, StepPath};
use palinode_core::port::{Ended, Job};
use palinode_core::record::{PauseWhy, RunEnd, Scope, Why};
use palinode_core::resource::{CONTROL, Fields, Footprint, Kind, Loss, Residue, State};
use palinode_core::run::compensate::CompensateError;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

/// The resources of the action under test that it owns, if a run of its own can hold it: an inverse is made from another
/// step's bodies, and a playbook's resources are those of steps that are not there.
fn owned<S: Subject>(bench: &mut Bench<'_, S>) -> Result<Vec<Footprint>, String> {
    if matches!(bench.case.under, Under::Inverse(_)) || !bench.case.touches.is_empty() {
        return Ok(Vec::new());
    }
    let attempt = bench.first()?;
    Ok(attempt.footprint.into_iter().filter(|item| item.fields != Fields::Evidence).collect())
}

fn keys(owned: &[Footprint]) -> Vec<ResourceKey> {
    owned.iter().map(|item| item.key.clone()).collect()
}

/// Whether what others left of a resource is there unchanged.
fn left_alone<S: Subject>(
    bench: &mut Bench<'_, S>,
    what: &str,
    owned: &[Footprint],
    (key, theirs): &(ResourceKey, State),
) -> Result<(), String> {
    let place = owned.iter().find(|item| item.key == *key).ok_or("others changed what the action does not own")?;
    let now = bench.observe(std::slice::from_ref(place))?.remove(key).ok_or("it was not looked at")?;
    ensure(now.same(theirs, place.fields), || format!("{what} changed {key}, which others left as {theirs}, to {now}"))
}

/// A refused attempt leaves no image: what others did to its resources meanwhile is not its own work, and stays when it
/// is taken back. Cases that end in a refusal are refused by the executor itself, all others are kept from beginning.
pub(super) fn refused_has_no_image<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    let owned = owned(bench)?;
    if owned.is_empty() || bench.action.class() == UndoClass::Read {
        return Ok(false);
    }
    let really = matches!(bench.case.expect, Expect::Ends(..));
    let around = if really { Around::After(Meddling::Edit) } else { Around::Kept(Some(Meddling::Edit)) };
    let mut story = Story::new(bench, keys(&owned));
    let plan = story.plan(&[story.host()?])?;
    let Some(theirs) = story.run(&plan, &|_: &Job| around)?.theirs else { return Ok(false) };
    let known = story.known(0).ok_or("the run has no step")?;
    if !known.why.is_some_and(Why::is_refusal) {
        // A failure may have done half of it: what is there then counts as its own.
        return if really { Ok(false) } else { Err(format!("a job that could not begin is {}", stands(known))) };
    }
    let own: Vec<&ResourceKey> = known.after.iter().flat_map(|image| image.keys()).collect();
    ensure(own.is_empty(), || format!("what others left of {} counts as the work of a refused step", own[0]))?;
    story.bench.rest()?;
    let world = story.bench.fingerprint()?;
    let (run, came) = story.back(&Scope::Run, &alone)?;
    let what = "taking a refused step back";
    // One that looked may have begun: whether what is there may be changed, a person says.
    let stops = really && came.stopped == Stopped::Paused(PauseWhy::Drift(theirs.0.clone()));
    ensure(stops || matches!(came.stopped, Stopped::Closed(_)), || {
        format!("{what} ended with {:?}: {}", came.stopped, story.words(run))
    })?;
    left_alone(story.bench, what, &owned, &theirs)?;
    story.bench.rest()?;
    same_world(what, &world, &story.bench.fingerprint()?)?;
    Ok(true)
}

/// An undo that a person passed over changed nothing, and each resource of it is a residue. What nobody knows how to take
/// back is one too.
pub(super) fn skipped_undo<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    let owned = owned(bench)?;
    let class = bench.action.class();
    let unknown = class == UndoClass::UnknownEffect;
    if matches!(bench.case.expect, Expect::Ends(..)) || (owned.is_empty() && !unknown) || class == UndoClass::Read {
        return Ok(false);
    }
    let mut story = Story::new(bench, keys(&owned));
    story.whole()?;
    prepare_undo(story.bench)?;
    story.bench.rest()?;
    let world = story.bench.fingerprint()?;
    let kept: RefCell<BTreeSet<StepPath>> = RefCell::default();
    let residues: RefCell<BTreeSet<Residue>> = RefCell::default();
    let hand = |job: &Job| {
        kept.borrow_mut().insert(job.step.clone());
        let places = job.action.footprint(&job.target).into_iter().filter(|place| place.fields != Fields::Evidence);
        residues.borrow_mut().extend(places.map(|place| Residue { key: place.key, loss: Loss::NotUndone }));
        Around::Kept(None)
    };
    let (run, mut came) = story.back(&Scope::Run, &hand)?;
    while let Stopped::Paused(PauseWhy::Failed) = came.stopped {
        let before = kept.borrow().len();
        story.skip_failed(run)?;
        came = story.resume(run, &hand)?;
        ensure(kept.borrow().len() > before || matches!(came.stopped, Stopped::Closed(_)), || {
            format!("passed over, the undo is not over: {}", story.words(run))
        })?;
    }
    let Stopped::Closed(end) = came.stopped else {
        return Err(format!("the rollback ended with {:?}: {}", came.stopped, story.words(run)));
    };
    let closed = story.closed(run).ok_or("the rollback has no end")?;
    let mut wanted = residues.into_inner();
    if unknown {
        let path = story.plan(&[story.host()?])?.steps.remove(0).path;
        wanted.insert(Residue { key: ResourceKey::step(&path), loss: Loss::UnknownEffect });
    }
    if wanted.is_empty() {
        return Ok(false);
    }
    let told: BTreeSet<&Residue> = closed.residues.iter().collect();
    for residue in &wanted {
        ensure(told.contains(residue), || format!("{} {} and is no residue", residue.key, residue.loss.words()))?;
    }
    ensure(end == RunEnd::PartlyRolledBack, || format!("with {} undos left out it ended as {end:?}", wanted.len()))?;
    story.bench.rest()?;
    same_world("a rollback of which every undo was passed over", &world, &story.bench.fingerprint()?)?;
    Ok(true)
}

/// What hosts share: files of the control side, and what the cluster has.
fn is_shared(key: &ResourceKey) -> bool {
    match key.kind() {
        Some(Kind::File(host, _)) => host == CONTROL,
        Some(Kind::Node(_) | Kind::ConfigMap(..) | Kind::Object { .. }) => true,
        _ => false,
    }
}

/// Whether the action holds a resource against what its look found when its effect begins: what hosts share, and files
/// that it replaces as a whole. A playbook's tasks decide for themselves.
fn compares(action: &Action, key: &ResourceKey) -> bool {
    let file = matches!(key.kind(), Some(Kind::File(..)));
    !matches!(action, Action::Playbook(_)) && (is_shared(key) || (file && action.replaces_files()))
}

/// While another host stands half done, as many as may be at a time, this one is not taken back; and what another host's
/// step did to a shared resource after this one's look stays, there and on the way back.
pub(super) fn other_hosts_at_work<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    let owned = owned(bench)?;
    if owned.is_empty() && bench.action.class() != UndoClass::UnknownEffect || bench.action.class() == UndoClass::Read {
        return Ok(false);
    }
    if matches!(bench.case.expect, Expect::Ends(..)) {
        return Ok(false);
    }
    bench.rest()?;
    half_done(&mut Story::new(bench, Vec::new()))?;
    let compared: Vec<ResourceKey> = keys(&owned).into_iter().filter(|key| compares(&bench.action, key)).collect();
    if !compared.is_empty() {
        bench.anew()?;
        shares(&mut Story::new(bench, compared), &owned)?;
    }
    Ok(true)
}

fn half_done<S: Subject>(story: &mut Story<'_, '_, S>) -> Result<(), String> {
    let (mine, other) = (story.host()?, HostName::new("other.demo").map_err(|error| error.to_string())?);
    let plan = story.plan(&[mine.clone(), other.clone()])?;
    let hand = |job: &Job| match job.step.as_str().starts_with(other.as_str()) {
        true => Around::Kept(None),
        false => Around::Nothing,
    };
    let came = story.run(&plan, &hand)?;
    ensure(came.stopped == Stopped::Paused(PauseWhy::Failed), || {
        format!("with one step kept from beginning the run is {:?}: {}", came.stopped, story.words(super::story::RUN))
    })?;
    let refused = match story.planned(&Scope::Host(mine.clone()))? {
        Err(CompensateError::HostsAtWork { others, .. }) => others.iter().any(|half| half.host == other),
        _ => false,
    };
    ensure(refused, || format!("{mine} would be taken back while {other} stands half done"))?;
    story.bench.rest()?;
    let world = story.bench.fingerprint()?;
    let (_, came) = story.back(&Scope::Host(other.clone()), &alone)?;
    ensure(matches!(came.stopped, Stopped::Closed(_)), || format!("{other} was taken back: {:?}", came.stopped))?;
    story.bench.rest()?;
    same_world("taking another host back", &world, &story.bench.fingerprint()?)?;
    story.planned(&Scope::Host(mine))?.map(|_| ()).map_err(|why| format!("with {other} taken back: {why}"))
}

fn shares<S: Subject>(story: &mut Story<'_, '_, S>, owned: &[Footprint]) -> Result<(), String> {
    let plan = story.plan(&[story.host()?])?;
    let first = Cell::new(true);
    let once = |_: &Job| if first.replace(false) { Around::Before(Meddling::Edit) } else { Around::Nothing };
    let came = story.run(&plan, &once)?;
    let Some(theirs) = came.theirs else { return Ok(()) };
    let refused = story.known(0).and_then(|known| known.why).is_some_and(Why::is_refusal);
    prepare_undo(story.bench)?;
    let (run, came) = story.back(&Scope::Run, &alone)?;
    let stops = refused && came.stopped == Stopped::Paused(PauseWhy::Drift(theirs.0.clone()));
    ensure(stops || matches!(came.stopped, Stopped::Closed(_)), || {
        format!(
            "what another host did at the same time stops the rollback with {:?}: {}",
            came.stopped,
            story.words(run)
        )
    })?;
    left_alone(story.bench, "the step, taken back,", owned, &theirs)
}

/// What took the place of a target is not acted on: not by a step that looked at the one before, and not by its undo,
/// unless the undo names such a state as one that it accepts.
pub(super) fn replaced_target<S: Subject>(bench: &mut Bench<'_, S>) -> Checked {
    let owned = owned(bench)?;
    if owned.is_empty() || bench.action.class() == UndoClass::Read || matches!(bench.case.expect, Expect::Ends(..)) {
        return Ok(false);
    }
    let compared: Vec<Footprint> = owned.iter().filter(|place| compares(&bench.action, &place.key)).cloned().collect();
    let forward = replaced_before(bench, &compared)?;
    bench.anew()?;
    let back = replaced_after(bench, &owned)?;
    Ok(forward || back)
}

/// Someone puts another thing in the place of the first resource where that can be.
fn replace<S: Subject>(bench: &mut Bench<'_, S>, owned: &[Footprint]) -> Result<Option<(Footprint, State)>, String> {
    for place in owned {
        let done = bench.subject.meddle(&place.key, Meddling::Replace).map_err(|trouble| trouble.to_string())?;
        if done {
            let now = bench.observe(std::slice::from_ref(place))?.remove(&place.key);
            return Ok(now.map(|now| (place.clone(), now)));
        }
    }
    Ok(None)
}

fn replaced_before<S: Subject>(bench: &mut Bench<'_, S>, owned: &[Footprint]) -> Checked {
    let attempt = bench.first()?;
    let Some((place, theirs)) = replace(bench, owned)? else { return Ok(false) };
    if attempt.before().get(&place.key).is_some_and(|was| *was == theirs) {
        return Ok(false);
    }
    let ended = bench.execute(&attempt)?;
    let refused = match &ended {
        Ended::NotStarted(_) | Ended::Moved(_) => true,
        Ended::Finished(finished) => finished.why.is_some_and(Why::is_refusal),
        Ended::Unknown(_) | Ended::Telling(_) => false,
    };
    ensure(refused, || format!("{} was replaced after the look, and it ended with {ended:?}", place.key))?;
    let now = bench.observe(std::slice::from_ref(&place))?.remove(&place.key).ok_or("it was not looked at")?;
    ensure(now == theirs, || format!("it changed {}, which was put there as {theirs}, to {now}", place.key))?;
    Ok(true)
}

fn replaced_after<S: Subject>(bench: &mut Bench<'_, S>, owned: &[Footprint]) -> Checked {
    let before = bench.first()?;
    let mut story = Story::new(bench, Vec::new());
    story.whole()?;
    prepare_undo(story.bench)?;
    let Some((place, theirs)) = replace(story.bench, owned)? else { return Ok(false) };
    let (run, came) = story.back(&Scope::Run, &alone)?;
    let bench = &mut *story.bench;
    let now = bench.observe(std::slice::from_ref(&place))?.remove(&place.key).ok_or("it was not looked at")?;
    let was = before.before().get(&place.key).ok_or("it was not looked at")?;
    let end = format!("{:?}", came.stopped);
    if came.stopped == Stopped::Closed(RunEnd::RolledBack) {
        ensure(was.same(&now, place.fields), || format!("{} was {was}, is {now}, and it is {end}", place.key))?;
    }
    // States of one Node or object are compared with the UID, whatever the action owns of it.
    if now == theirs {
        return Ok(true);
    }
    let seen = bench.uids.clone();
    let accepted = |undo: &Undo| undo.accepts(&place.key, &theirs, |uid| seen.contains(uid));
    let named = inverses_of(&before, before.before()).iter().any(accepted);
    ensure(named, || {
        format!(
            "taken back ({end}), it changed {}, which was put there as {theirs}, to {now}: {}",
            place.key,
            story.words(run)
        )
    })?;
    Ok(true)
}
