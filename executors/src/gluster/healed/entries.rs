//! What waits to be healed, and what contradicts itself.

use super::members::is_served;
use super::{Figures, Kind, Look, Sum};
use crate::gluster::answer::No;
use crate::gluster::heal::Told;
use crate::gluster::info::{Brick, Volume};
use crate::gluster::view::About;
use std::collections::BTreeMap;

/// What waits to be healed, and what never will be. `running`: whether all bricks do.
///
/// Where a brick's member may be away and is, what those with the same files count may wait for it.
pub(super) fn waiting(look: Look<'_>, volume: &Volume, about: &About, running: bool, found: &mut Figures) {
    let name = &volume.name;
    let away = |brick: &Brick| look.is_gone(brick) && !is_served(look.seen, volume, brick);
    let excused = |told: &Told| volume.bricks.iter().any(|brick| brick.name == told.name && away(brick));
    let summary = about.summary.as_ref().and_then(|told| bricks(volume, told).ok());
    let waiting = about.heal.as_ref().map_err(No::words).and_then(|told| bricks(volume, told));
    let others = |told: &[Told]| most(volume, told, |set| !set.iter().any(|told| excused(told)));
    match (&waiting, &summary) {
        (Err(why), summary) => {
            // The list cannot be read, for what is in it or for its length: its length alone may be known.
            let counted = summary.as_deref().map_or(Sum::UNKNOWN, |told| most(volume, told, |_| true));
            found.pending.add(counted);
            let more = summary.as_deref().map(others).filter(|others| others.known > 0);
            found.fault(
                Kind::Silent,
                match more {
                    Some(more) => {
                        format!("{} entries of {name} wait to be healed; heal info of {name}: {why}", more.words())
                    }
                    None => format!("heal info of {name}: {why}"),
                },
            );
        }
        (Ok(told), _) => {
            found.pending.add(most(volume, told, |_| true));
            if let Some(brick) = told.iter().find(|brick| brick.entries().is_none() && !excused(brick)) {
                let what = format!("the brick {} of {name} does not tell its entries: {}", brick.name, state(brick));
                found.fault(Kind::Process, what);
            }
            let others = others(told);
            if others.known > 0 {
                found.fault(Kind::Entries, format!("{} entries of {name} wait to be healed", others.words()));
            }
        }
    }
    let split = match &about.split {
        // It is asked of volumes with copies only.
        Err(No::OneCopy) if waiting.is_ok() || summary.is_some() => Ok(Vec::new()),
        answer => answer.as_ref().map_err(No::words).and_then(|told| bricks(volume, told)),
    };
    let contradict = match &split {
        Err(why) => {
            found.fault(Kind::Silent, format!("heal info split-brain of {name}: {why}"));
            Sum::UNKNOWN
        }
        Ok(told) => most(volume, told, |_| true),
    };
    found.split.add(contradict);
    if let Ok(told) = &split
        && let Some(brick) = told.iter().find(|brick| brick.entries().is_none() && !excused(brick))
    {
        let what = format!("the brick {} of {name} does not tell of split-brain: {}", brick.name, state(brick));
        found.fault(Kind::Process, what);
    }
    if contradict.known > 0 {
        let stands = look.standing.contains(volume);
        // A brick that is away may have the copy that decides.
        found.hopeless |= running && contradict.whole && !volume.decides() && stands;
        let count = contradict.known;
        let what = match stands {
            true => format!(
                "{count} entries of {name} are in split-brain and do not heal by themselves: choose a copy of each"
            ),
            false => format!(
                "{count} entries of {name} are in split-brain: it is waited for a crawl of the self-heal daemon, every {} s, \
                 which may heal them",
                volume.interval()
            ),
        };
        found.fault(Kind::Split, what);
    }
}

/// How a brick is, in gluster's words.
fn state(brick: &Told) -> &str {
    match (brick.state.as_str(), brick.connected) {
        ("", _) => "gluster does not say whether it is connected",
        (_, true) => "it is connected, and its count is no number",
        (state, false) => state,
    }
}

/// What the bricks of a volume say, in the order in which it was made, if they are its bricks with copies and no others.
fn bricks(volume: &Volume, told: &[Told]) -> Result<Vec<Told>, String> {
    let mut found: Vec<&str> = told.iter().map(|brick| brick.name.as_str()).collect();
    found.sort_unstable();
    let healing = volume.bricks.iter().filter(|brick| brick.set.is_some());
    let mut names: Vec<&str> = healing.map(|brick| brick.name.as_str()).collect();
    names.sort_unstable();
    if found != names {
        return Err("it names other bricks than volume info".to_owned());
    }
    let place = |told: &Told| volume.bricks.iter().position(|brick| brick.name == told.name);
    let mut ordered = told.to_vec();
    ordered.sort_by_key(|told| place(told));
    Ok(ordered)
}

/// How many entries there are in those sets of bricks that count: of bricks with the same files the most that one counts,
/// for each lists what it knows of.
fn most(volume: &Volume, told: &[Told], counts: impl Fn(&[Told]) -> bool) -> Sum {
    let set = |told: &Told| volume.bricks.iter().find(|brick| brick.name == told.name).and_then(|brick| brick.set);
    let mut sets: BTreeMap<Option<usize>, Vec<Told>> = BTreeMap::new();
    for brick in told {
        sets.entry(set(brick)).or_default().push(brick.clone());
    }
    let mut sum = Sum::NONE;
    for set in sets.into_values().filter(|set| counts(set)) {
        let known = set.iter().filter_map(|brick| brick.entries().or(brick.count)).max().unwrap_or(0);
        sum.add(Sum { known, whole: set.iter().all(|brick| brick.entries().is_some()) });
    }
    sum
}
