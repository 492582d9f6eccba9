//! Whether what was found is what had to be.

use super::Subject;
use super::bench::{Bench, Try, ensure};
use super::images::{Canon, differences};
use palinode_core::action::{Action, Recovery, UndoClass, Verdict};
use palinode_core::resource::{Fields, Footprint, Image, State};

/// Whether any declared resource changed, evidence included where it shows what was done: pods that went, a new boot.
pub(super) fn changed(footprint: &[Footprint], before: &Image, now: &Image) -> bool {
    footprint.iter().any(|Footprint { key, fields }| match (before.get(key), now.get(key)) {
        (Some(State::Boot { id: old }), Some(State::Boot { id: new })) => old != new,
        (Some(State::Pods { pods: old }), Some(State::Pods { pods: new })) => {
            old.iter().any(|pod| new.iter().all(|other| other.uid != pod.uid))
        }
        (Some(State::Node(old)), Some(State::Node(new))) if old.uid != new.uid => true,
        (Some(old), Some(new)) => !old.same(new, *fields),
        _ => false,
    })
}

/// Whether the verdict on an interrupted attempt fits what is there.
pub(super) fn fits<S: Subject>(
    bench: &Bench<'_, S>,
    attempt: &Try,
    verdict: Verdict,
    now: &Image,
    whole: &Canon,
) -> Result<(), String> {
    let moved = changed(&attempt.footprint, attempt.before(), now);
    let effects = bench.effects(attempt);
    let complete = bench.canon(attempt, now)?.after == *whole;
    let good = match verdict {
        Verdict::NotApplied => !moved && effects.is_none_or(|count| count == 0),
        Verdict::Applied => complete && attempt.action().unmet(attempt.before(), now).is_none(),
        Verdict::Partial => (moved || effects.is_some_and(|count| count > 0)) && !complete,
        // No goal and no state of its own: then it must be safe to repeat.
        Verdict::CannotTell => bench.recovery() == Recovery::Repeat,
        Verdict::StillRunning => false,
    };
    let state = if complete {
        "as after a whole run"
    } else if moved {
        "changed"
    } else {
        "unchanged"
    };
    ensure(good, || format!("it is judged as {verdict:?}, but its image is {state} and it made {effects:?} changes"))
}

/// Whether the class says that there is nothing to restore.
pub(super) fn no_undo(action: &Action) -> bool {
    matches!(action.class(), UndoClass::NoUndo | UndoClass::UnknownEffect | UndoClass::Read)
}

pub(super) fn same_canon(what: &str, one: &Canon, other: &Canon) -> Result<(), String> {
    let differences = differences(one, other);
    ensure(differences.is_empty(), || format!("{what}: {}", told(&differences)))
}

pub(super) fn same_world(what: &str, before: &Canon, now: &Canon) -> Result<(), String> {
    let differences = differences(before, now);
    ensure(differences.is_empty(), || format!("{what} changed the world: {}", told(&differences)))
}

/// Whether two images agree on the declared fields.
pub(super) fn same_image(what: &str, footprint: &[Footprint], one: &Image, other: &Image) -> Result<(), String> {
    for Footprint { key, fields } in footprint.iter().filter(|item| item.fields != Fields::Evidence) {
        let (Some(old), Some(new)) = (one.get(key), other.get(key)) else {
            return Err(format!("{what}: {key} was not looked at"));
        };
        ensure(old.same(new, *fields), || format!("{what}: {key} was {old} and is {new}"))?;
    }
    Ok(())
}

pub(super) fn told(differences: &[(String, String, String)]) -> String {
    let lines: Vec<String> =
        differences.iter().take(6).map(|(key, one, other)| format!("{key}: `{one}`, then `{other}`")).collect();
    let more = differences.len().saturating_sub(lines.len());
    if more == 0 { lines.join("; ") } else { format!("{}; and {more} more", lines.join("; ")) }
}
