//! Whether a copy is plainly emptier than the others of its set.
//!
//! A brick whose contents are gone counts no entry: what waits is known from marks that are on the bricks themselves, and an
//! emptied one has none. Nor have the others a mark for it, unless they were written to since. What is left to see is how
//! much of its disk is used, which says something of a brick only where the disk holds nothing else.
//!
//! What fills it is `volume reset-brick`, which has the others mark it. `volume heal V full` may do nothing: one member of
//! the set reads its own brick for it, and that may be the emptied one (seen on Gluster 10).

use super::figures::{Figures, Kind, Look, words};
use super::room::disk;
use crate::gluster::info::{Brick, Volume};
use crate::gluster::status::Figure;
use crate::gluster::view::About;
use std::collections::BTreeMap;

/// Compares the copies of a volume.
pub(super) fn compare(look: Look<'_>, volume: &Volume, about: &About, found: &mut Figures) {
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
                         info does not see; `gluster volume reset-brick` marks it to be filled",
                        words(brick),
                        volume.name,
                        gib(*used),
                        gib(median)
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
