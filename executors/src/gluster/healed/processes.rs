//! Whether the bricks of a volume run, and what heals it.

use super::{Figures, Kind, Look, words};
use crate::gluster::info::Volume;
use crate::gluster::status::{Process, What};
use crate::gluster::view::About;
use std::collections::BTreeMap;

/// Whether all bricks of a volume run, and what heals it. A brick that nothing is told of does not.
pub(super) fn running(look: Look<'_>, volume: &Volume, about: &About, found: &mut Figures) -> bool {
    let Look { seen, gone, .. } = look;
    let name = &volume.name;
    let all = match &about.status {
        Ok(all) => all,
        Err(no) => {
            found.fault(Kind::Silent, format!("status of {name}: {}", no.words()));
            return false;
        }
    };
    let mut running = true;
    for brick in &volume.bricks {
        let serves = |process: &&Process| process.what == What::Brick(brick.name.clone());
        let mut serving = all.iter().filter(serves);
        let online = serving.next().is_some_and(|process| process.online) && serving.next().is_none();
        found.online += usize::from(online);
        running &= online;
        if !online && !look.is_gone(brick) {
            found.fault(Kind::Process, format!("the {} of {name} is offline", words(brick)));
        }
    }
    let others = all.iter().filter(|process| match &process.what {
        What::Brick(name) => !volume.bricks.iter().any(|brick| brick.name == *name),
        What::Heals(_) | What::Other => false,
    });
    if others.count() > 0 {
        found.fault(Kind::Volume, format!("status of {name} names other bricks than volume info"));
    }
    if !volume.heals() {
        return running;
    }
    if let Some(option) = volume.daemon_off() {
        let what = format!(
            "the self-heal daemon of {name} is switched off: set {option} to on, or leave the volume out: `except: [{name}]`"
        );
        found.fault(Kind::Process, what);
        return running;
    }
    let daemons: Vec<&Process> = all.iter().filter(|process| matches!(process.what, What::Heals(_))).collect();
    let heals = |uuid: &str| {
        daemons.iter().any(|daemon| daemon.online && seen.runs_on(daemon).is_some_and(|peer| peer.uuid == uuid))
    };
    // A daemon heals the bricks of its own member: one without bricks needs none. Where a brick's member is not told, every
    // member has to have one.
    let healing = volume.bricks.iter().filter(|brick| brick.set.is_some());
    let owners: Option<Vec<_>> = healing.map(|brick| seen.owner(brick)).collect();
    let owners = owners.unwrap_or_else(|| seen.peers.iter().collect());
    let owners: BTreeMap<&str, &str> = owners.into_iter().map(|peer| (peer.uuid.as_str(), peer.name())).collect();
    for (_, host) in owners.iter().filter(|(uuid, _)| !heals(uuid) && !gone.contains(*uuid)) {
        found.fault(Kind::Process, format!("no self-heal daemon of {name} runs on {host}"));
    }
    running
}
