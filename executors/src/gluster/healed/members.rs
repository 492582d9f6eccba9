//! Members that may be away: which of them those are, and whether they are.

use crate::gluster::info::{Brick, Volume};
use crate::gluster::peers::Peer;
use crate::gluster::status::{Process, What};
use crate::gluster::view::{Seen, View};
use std::collections::BTreeSet;

/// The members that may be away: those of that name, or, where all others answered, the one that did not. Where it cannot
/// be told which one is meant, none may be.
pub(super) fn excused(views: &[View], away: &[&str]) -> BTreeSet<String> {
    let told: Vec<&Seen> = views.iter().filter_map(|view| view.told.as_ref().ok()).collect();
    let short = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
    let is = |peer: &Peer, name: &str| {
        peer.names.iter().any(|known| known == name || !known.contains('.') && *known == short(name))
    };
    let peers = || told.iter().flat_map(|seen| &seen.peers);
    let mut found: BTreeSet<String> = BTreeSet::new();
    for name in away {
        let named: BTreeSet<&str> = peers().filter(|peer| is(peer, name)).map(|peer| peer.uuid.as_str()).collect();
        if let (1, Some(uuid)) = (named.len(), named.first()) {
            found.insert((*uuid).to_owned());
        }
    }
    if found.len() == away.len() {
        return found;
    }
    let own: BTreeSet<&str> = told.iter().filter_map(|seen| seen.own()).map(|peer| peer.uuid.as_str()).collect();
    let all: BTreeSet<&str> = peers().map(|peer| peer.uuid.as_str()).collect();
    let silent: BTreeSet<&str> = all.difference(&own).copied().collect();
    match told.len() == views.len() && own.len() == views.len() && silent.len() == away.len() {
        true => silent.into_iter().map(str::to_owned).collect(),
        false => BTreeSet::new(),
    }
}

/// Whether a brick is served, as a vantage point sees it.
pub(super) fn is_served(seen: &Seen, volume: &Volume, brick: &Brick) -> bool {
    let all = seen.about.get(&volume.name).and_then(|about| about.status.as_ref().ok());
    let serves = |process: &Process| process.online && process.what == What::Brick(brick.name.clone());
    all.is_some_and(|all| all.iter().any(serves))
}

/// Those of the members that may be away which are: they are not connected, or a brick of theirs is not served.
pub(super) fn gone<'a>(seen: &Seen, excused: &'a BTreeSet<String>) -> BTreeSet<&'a str> {
    let connected = |uuid: &str| seen.peers.iter().any(|peer| peer.uuid == uuid && peer.connected);
    let lacks = |uuid: &str| {
        let of = |brick: &&Brick| seen.owner(brick).is_some_and(|peer| peer.uuid == uuid);
        let lacks = |volume: &Volume| volume.bricks.iter().filter(of).any(|brick| !is_served(seen, volume, brick));
        seen.volumes.iter().any(lacks)
    };
    excused.iter().map(String::as_str).filter(|uuid| !connected(uuid) || lacks(uuid)).collect()
}
