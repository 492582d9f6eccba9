//! Whether each brick has room, and which bricks are on the disk of the system.

use super::{Figures as Found, Kind, Look, words};
use crate::gluster::info::{Brick, Volume};
use crate::gluster::status::{Disk, Figure, Figures, Process, What};
use crate::gluster::view::{About, Seen};

/// A brick's disk may be used up to so many percent, of room and of inodes: an arbiter that has no inode left breaks
/// writes as a full disk does.
const USED: u128 = 96;

/// What is told of a brick that runs, in the status with disks.
pub(super) fn disk<'a>(about: &'a About, brick: &Brick) -> Option<&'a Process> {
    let all = about.detail.as_ref().ok()?;
    all.iter().find(|process| process.what == What::Brick(brick.name.clone())).filter(|process| process.online)
}

/// Whether each brick has room, as far as this vantage point can tell.
pub(super) fn rooms(look: Look<'_>, volume: &Volume, about: &About, found: &mut Found) {
    let name = &volume.name;
    if let Err(no) = &about.detail {
        found.fault(Kind::Silent, format!("room of {name}: {}", no.words()));
        return;
    }
    for brick in &volume.bricks {
        match disk(about, brick) {
            Some(process) => {
                if let Some(what) = lacks(&process.disk, &format!("the {} of {name}", words(brick))) {
                    found.fault(Kind::Room, what);
                }
                if look.on_root.contains(&brick.name) {
                    found.on_root.insert(brick.name.clone());
                }
            }
            None if look.is_gone(brick) => {}
            None => found.fault(Kind::Process, format!("the {} of {name} is offline", words(brick))),
        }
    }
}

/// What a brick lacks.
fn lacks(disk: &Disk, brick: &str) -> Option<String> {
    let Disk { bytes, inodes, .. } = disk;
    let (all, free) = match (bytes.all, bytes.free) {
        (Figure::None | Figure::Odd, _) | (_, Figure::Odd) => return Some(format!("the room of {brick} is not told")),
        (Figure::Is(all), Figure::None) => return Some(format!("{all} bytes on the disk of {brick}: none free")),
        (Figure::Is(all), Figure::Is(free)) => (all, free),
    };
    if let Some(what) = used(all, free, &format!("the disk of {brick}")) {
        return Some(what);
    }
    match inodes {
        // The file system has no fixed number of them: XML leaves it out, text says N/A.
        Figures { all: Figure::None, .. } => None,
        Figures { all: Figure::Is(all), free: Figure::None } => Some(format!("{all} inodes of {brick}: none free")),
        Figures { all: Figure::Is(all), free: Figure::Is(free) } => {
            used(*all, *free, &format!("the inodes of {brick}"))
        }
        Figures { all: Figure::Odd, .. } | Figures { free: Figure::Odd, .. } => {
            Some(format!("the inodes of {brick} are not told"))
        }
    }
}

/// More than so many percent are used.
fn used(all: u64, free: u64, what: &str) -> Option<String> {
    let Some(used) = all.checked_sub(free) else {
        return Some(format!("{what}: {free} free of {all} cannot be"));
    };
    let percent = (u128::from(used) * 100).div_ceil(u128::from(all.max(1)));
    (percent > USED).then(|| format!("{what}: {percent} % used, and at most {USED} % may be"))
}

/// The bricks of a vantage point itself that are on the disk of its system: of others it does not know.
pub(super) fn on_root(seen: &Seen) -> Vec<String> {
    let own = seen.own();
    let here = |brick: &Brick| own.zip(seen.owner(brick)).is_some_and(|(own, owner)| own.uuid == owner.uuid);
    let on_root = |about: &About, brick: &Brick| {
        let device = disk(about, brick).and_then(|process| process.disk.device.as_ref());
        device.is_some_and(|device| seen.roots.contains(device))
    };
    let of = |volume: &Volume| {
        let about = seen.about.get(&volume.name);
        let bricks = volume.bricks.iter().filter(|brick| here(brick));
        let found = bricks.filter(|brick| about.is_some_and(|about| on_root(about, brick)));
        found.map(|brick| brick.name.clone()).collect::<Vec<_>>()
    };
    seen.volumes.iter().flat_map(of).collect()
}
