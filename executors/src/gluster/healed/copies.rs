//! Whether a copy is plainly emptier than the others of its set.
//!
//! A brick whose contents are gone counts no entry: what waits is known from marks that are on the bricks themselves, and an
//! emptied one has none. Nor have the others a mark for it, unless they were written to since. What is left to see is how
//! much of its disk is used, which says something of a brick only where the disk holds nothing else.

use super::room::disk;
use super::{Figures as Found, Kind, Look, NAMES, some, words};
use crate::gluster::Emptied;
use crate::gluster::info::{Brick, Volume};
use crate::gluster::status::Figure;
use crate::gluster::view::About;
use std::collections::{BTreeMap, BTreeSet};

/// What came of comparing copies.
#[derive(Default)]
pub(super) struct Compared {
    /// Bricks that are plainly emptier than the others of their set, with what is used.
    emptied: BTreeSet<String>,
    /// Volumes whose copies cannot be compared, by the reason.
    not: BTreeMap<&'static str, BTreeSet<String>>,
    /// Whether there were copies at all.
    any: bool,
}

impl Compared {
    pub(super) fn or(mut self, other: Self) -> Self {
        self.emptied.extend(other.emptied);
        for (why, names) in other.not {
            self.not.entry(why).or_default().extend(names);
        }
        self.any |= other.any;
        self
    }

    /// What is recorded of it.
    pub(super) fn facts(&self, rule: Emptied) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if self.any {
            facts.push(("emptied-below", rule.words()));
        }
        if !self.emptied.is_empty() {
            facts.push(("emptied", some(&self.emptied.iter().map(String::as_str).collect::<Vec<_>>())));
        }
        if !self.not.is_empty() {
            let reason = |(why, names): (&&str, &BTreeSet<String>)| {
                format!("{} ({why})", some(&names.iter().map(String::as_str).collect::<Vec<_>>()))
            };
            let all: Vec<String> = self.not.iter().map(reason).collect();
            facts.push(("not-compared", all[..all.len().min(NAMES)].join(", ")));
        }
        facts
    }
}

/// Compares the copies of a volume.
pub(super) fn compare(look: Look<'_>, volume: &Volume, about: &About, found: &mut Found) {
    found.compared.any = true;
    if look.asked.emptied.percent == 0 || about.detail.is_err() {
        return;
    }
    let mut sets: BTreeMap<usize, Vec<&Brick>> = BTreeMap::new();
    for brick in volume.bricks.iter().filter(|brick| !brick.arbiter) {
        if let Some(set) = brick.set {
            sets.entry(set).or_default().push(brick);
        }
    }
    for set in sets.into_values() {
        match used(look, about, &set) {
            Err(why) => {
                found.compared.not.entry(why).or_default().insert(volume.name.clone());
            }
            Ok(used) => {
                let median = median(&used);
                for (brick, used) in used.iter().filter(|(_, used)| look.asked.emptied.is(*used, median)) {
                    found.compared.emptied.insert(format!("{} ({} of {})", brick.name, gib(*used), gib(median)));
                    let what = format!(
                        "the {} of {} uses {}, and the median of its copies is {}: it may have been emptied, which heal \
                         info does not see; `gluster volume heal {} full` fills it",
                        words(brick),
                        volume.name,
                        gib(*used),
                        gib(median),
                        volume.name
                    );
                    found.fault(Kind::Emptied, what);
                }
            }
        }
    }
}

/// What each brick of a set uses of its disk, or why that says nothing of the bricks. One whose disk is not told is not
/// compared: something else keeps the gate closed then, or it may be away.
fn used<'a>(look: Look<'_>, about: &About, set: &[&'a Brick]) -> Result<Vec<(&'a Brick, u64)>, &'static str> {
    let mut all = Vec::new();
    for brick in set {
        let Some(process) = disk(about, brick) else { continue };
        if look.on_root.contains(&brick.name) {
            return Err("a brick is on the disk of the system");
        }
        look.seen.shares(process)?;
        let bytes = process.disk.bytes;
        let (Figure::Is(room), free) = (bytes.all, bytes.free) else { continue };
        let free = match free {
            Figure::None => 0,
            Figure::Is(free) => free,
            Figure::Odd => continue,
        };
        all.push((*brick, room.saturating_sub(free)));
    }
    Ok(all)
}

/// The middle of what is used; of two middles what is between them.
fn median(used: &[(&Brick, u64)]) -> u64 {
    let mut all: Vec<u64> = used.iter().map(|(_, used)| *used).collect();
    all.sort_unstable();
    let middle = all.len() / 2;
    match (all.get(middle), all.len() % 2) {
        (None, _) => 0,
        (Some(upper), 1) => *upper,
        (Some(upper), _) => all[middle - 1].midpoint(*upper),
    }
}

/// For people.
fn gib(bytes: u64) -> String {
    let tenths = u128::from(bytes) * 10 / (1 << 30);
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}
