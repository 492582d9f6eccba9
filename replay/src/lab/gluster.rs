//! The replicated storage: bricks go offline with their pod, others remember what they missed, and it heals.

use palinode_core::id::Micros;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Backlogs change in steps of this many microseconds, so that it does not matter how the time is cut.
const PERIOD: i64 = 5_000_000;

/// How long after the last brick came back healing begins.
const DELAY: Micros = Micros::seconds(30);

/// One brick of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brick {
    /// The device it is on.
    pub device: String,
    /// Entries that it misses; the other bricks list them.
    pub pending: u64,
    /// Entries in split brain: they never heal by themselves.
    pub split_brain: u64,
}

/// A replicated volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Its bricks by host.
    pub bricks: BTreeMap<String, Brick>,
    /// Entries written in a period while a brick is away.
    pub written: u64,
    /// Entries healed in a period once every brick is there.
    pub healed: u64,
    /// Periods in which too few bricks were there to write.
    pub without_quorum: u64,
}

/// All volumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// Volumes by name.
    pub volumes: BTreeMap<String, Volume>,
    /// Until when backlogs are worked out.
    as_of: Micros,
    /// When healing begins, or began.
    healing_from: Micros,
    /// Which hosts' bricks are online since then.
    online: BTreeMap<String, bool>,
}

impl Storage {
    /// Volumes over these hosts, everything online and healed: name, entries written and healed in a period.
    pub fn new(hosts: &[&str], volumes: &[(&str, u64, u64)], now: Micros) -> Self {
        let bricks = |volume: &str| {
            hosts
                .iter()
                .map(|host| {
                    let device = format!("/dev/mapper/vg_{}-brick_{volume}", host.split('.').next().unwrap_or(host));
                    ((*host).to_owned(), Brick { device, pending: 0, split_brain: 0 })
                })
                .collect()
        };
        let of = |&(name, written, healed): &(&str, u64, u64)| {
            (name.to_owned(), Volume { bricks: bricks(name), written, healed, without_quorum: 0 })
        };
        Self {
            volumes: volumes.iter().map(of).collect(),
            as_of: now,
            healing_from: now,
            online: hosts.iter().map(|host| ((*host).to_owned(), true)).collect(),
        }
    }

    /// Works the backlogs out until `now`, from who was online; then takes over who is online from here on.
    pub(super) fn settle(&mut self, now: Micros, is_online: impl Fn(&str) -> bool) {
        self.pass(now);
        let away_before = self.online.values().any(|online| !online);
        for (host, online) in &mut self.online {
            *online = is_online(host);
        }
        if away_before && self.online.values().all(|online| *online) {
            self.healing_from = now.plus(DELAY);
        }
    }

    fn pass(&mut self, now: Micros) {
        let upto = now.0.div_euclid(PERIOD);
        let periods = upto - self.as_of.0.div_euclid(PERIOD);
        let heal_start = self.as_of.max(self.healing_from).0.div_euclid(PERIOD);
        let healing = u64::try_from(upto - heal_start).unwrap_or(0);
        self.as_of = now;
        let Ok(periods) = u64::try_from(periods) else {
            return;
        };
        let there = self.online.values().filter(|online| **online).count();
        for volume in self.volumes.values_mut() {
            if there == self.online.len() {
                let healed = volume.healed.saturating_mul(healing);
                for brick in volume.bricks.values_mut() {
                    brick.pending = brick.pending.saturating_sub(healed);
                }
            } else if there * 2 > self.online.len() {
                let written = volume.written.saturating_mul(periods);
                for (host, brick) in &mut volume.bricks {
                    if self.online.get(host) == Some(&false) {
                        brick.pending = brick.pending.saturating_add(written);
                    }
                }
            } else {
                volume.without_quorum = volume.without_quorum.saturating_add(periods);
            }
        }
    }

    /// Whether the bricks of a host are online.
    pub fn is_online(&self, host: &str) -> bool {
        self.online.get(host) == Some(&true)
    }

    /// The hosts with bricks.
    pub fn peers(&self) -> impl Iterator<Item = &str> {
        self.online.keys().map(String::as_str)
    }

    /// Entries that wait to be healed, over all volumes.
    pub fn pending(&self) -> u64 {
        self.bricks().map(|(_, brick)| brick.pending).sum()
    }

    /// Entries in split brain, over all volumes.
    pub fn split_brain(&self) -> u64 {
        self.bricks().map(|(_, brick)| brick.split_brain).sum()
    }

    /// Bricks online, and all bricks.
    pub fn counts(&self) -> (usize, usize) {
        let online = self.bricks().filter(|(host, _)| self.is_online(host)).count();
        (online, self.bricks().count())
    }

    fn bricks(&self) -> impl Iterator<Item = (&str, &Brick)> {
        self.volumes.values().flat_map(|volume| volume.bricks.iter().map(|(host, brick)| (host.as_str(), brick)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_grows_while_a_brick_is_away_and_shrinks_afterwards() {
        let fresh = || Storage::new(&["a", "b", "c"], &[("v", 2, 6)], Micros(0));
        let mut storage = fresh();
        storage.settle(Micros::seconds(10), |host| host != "a");
        storage.settle(Micros::seconds(110), |_| true);
        assert_eq!(storage.volumes["v"].bricks["a"].pending, 40);
        assert_eq!(storage.volumes["v"].bricks["b"].pending, 0);
        storage.settle(Micros::seconds(135), |_| true);
        assert_eq!(storage.pending(), 40, "healing begins thirty seconds after the return");
        storage.settle(Micros::seconds(155), |_| true);
        assert_eq!(storage.pending(), 40 - 3 * 6);
        // However the time is cut, the figures are the same.
        let mut cut = fresh();
        cut.settle(Micros::seconds(10), |host| host != "a");
        (10..110).for_each(|second| cut.settle(Micros::seconds(second), |host| host != "a"));
        cut.settle(Micros::seconds(110), |_| true);
        (110..=155).for_each(|second| cut.settle(Micros::seconds(second), |_| true));
        assert_eq!(cut, storage);
    }

    #[test]
    fn without_quorum_nothing_is_written() {
        let mut storage = Storage::new(&["a", "b", "c"], &[("v", 2, 6)], Micros(0));
        storage.settle(Micros(0), |host| host == "c");
        storage.settle(Micros::seconds(50), |host| host == "c");
        assert_eq!((storage.pending(), storage.volumes["v"].without_quorum), (0, 10));
    }
}
