//! The replicated storage: bricks go offline with their pod, others remember what they missed, and it heals.

use palinode_core::id::Micros;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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

/// The storage cluster: all volumes, with what is still to be healed.
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
    #[serde(skip)]
    index: Index,
}

/// Which volumes have anything going on, so that a thousand healthy ones cost nothing. Made anew when it is not there.
#[derive(Debug, Clone, Default)]
struct Index(Option<Known>);

#[derive(Debug, Clone, Default)]
struct Known {
    /// The volumes with a brick on a host.
    of_host: BTreeMap<String, Vec<String>>,
    /// Hosts whose bricks are away.
    away: BTreeSet<String>,
    /// Volumes with a brick away, or with entries that wait to be healed or never will be.
    busy: BTreeSet<String>,
    /// How many bricks there are.
    bricks: usize,
}

/// Storages are equal whatever is known of them.
impl PartialEq for Index {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Index {}

impl Volume {
    fn is_quiet(&self) -> bool {
        self.bricks.values().all(|brick| brick.pending == 0 && brick.split_brain == 0)
    }

    /// Lets periods pass, of which healing takes the last ones.
    fn pass(&mut self, online: &BTreeMap<String, bool>, periods: u64, healing: u64) {
        let is_away = |host: &String| online.get(host) != Some(&true);
        let there = self.bricks.keys().filter(|host| !is_away(host)).count();
        if there == self.bricks.len() {
            let healed = self.healed.saturating_mul(healing);
            for brick in self.bricks.values_mut() {
                brick.pending = brick.pending.saturating_sub(healed);
            }
        } else if there * 2 > self.bricks.len() {
            let written = self.written.saturating_mul(periods);
            for (_, brick) in self.bricks.iter_mut().filter(|(host, _)| is_away(host)) {
                brick.pending = brick.pending.saturating_add(written);
            }
        } else {
            self.without_quorum = self.without_quorum.saturating_add(periods);
        }
    }
}

impl Storage {
    /// Volumes over these hosts, everything online and healed: name, entries written and healed in a period.
    pub fn new(hosts: &[&str], volumes: &[(&str, u64, u64)], now: Micros) -> Self {
        let mut storage = Self {
            volumes: BTreeMap::new(),
            as_of: now,
            healing_from: now,
            online: BTreeMap::new(),
            index: Index::default(),
        };
        for (name, written, healed) in volumes {
            storage.add(name, hosts, *written, *healed);
        }
        storage
    }

    /// Adds a volume over these hosts, online and healed.
    pub(in crate::lab) fn add(&mut self, name: &str, hosts: &[&str], written: u64, healed: u64) {
        let brick = |host: &str| {
            let device = format!("/dev/mapper/vg_{}-brick_{name}", host.split('.').next().unwrap_or(host));
            (host.to_owned(), Brick { device, pending: 0, split_brain: 0 })
        };
        let bricks = hosts.iter().map(|host| brick(host)).collect();
        self.volumes.insert(name.to_owned(), Volume { bricks, written, healed, without_quorum: 0 });
        self.online.extend(hosts.iter().map(|host| ((*host).to_owned(), true)));
        self.forget();
    }

    /// The volumes were changed from outside: nothing is known of them.
    pub(in crate::lab) fn forget(&mut self) {
        self.index = Index(None);
    }

    fn learn(&self) -> Known {
        let away = self.online.iter().filter(|(_, online)| !**online).map(|(host, _)| host.clone()).collect();
        let mut known = Known { away, ..Known::default() };
        for (name, volume) in &self.volumes {
            for host in volume.bricks.keys() {
                known.of_host.entry(host.clone()).or_default().push(name.clone());
            }
            known.bricks += volume.bricks.len();
            if !volume.is_quiet() || volume.bricks.keys().any(|host| !self.is_online(host)) {
                known.busy.insert(name.clone());
            }
        }
        known
    }

    fn is_complete(&self, volume: &str) -> bool {
        self.volumes.get(volume).is_some_and(|volume| volume.bricks.keys().all(|host| self.is_online(host)))
    }

    /// Works the backlogs out until `now`, from who was online; then takes over who of these hosts is online from here
    /// on.
    pub(in crate::lab) fn settle<'a>(
        &mut self,
        now: Micros,
        hosts: impl IntoIterator<Item = &'a str>,
        is_online: impl Fn(&str) -> bool,
    ) {
        let mut known = self.index.0.take().unwrap_or_else(|| self.learn());
        self.pass(now, &mut known);
        let mut incomplete = Vec::new();
        for host in hosts {
            let online = is_online(host);
            if self.online.get(host).is_none_or(|before| *before == online) {
                continue;
            }
            let volumes = known.of_host.get(host).into_iter().flatten();
            incomplete.extend(volumes.clone().filter(|name| !self.is_complete(name)).cloned());
            known.busy.extend(volumes.cloned());
            if online {
                known.away.remove(host);
            } else {
                known.away.insert(host.to_owned());
            }
            self.online.insert(host.to_owned(), online);
        }
        if incomplete.iter().any(|name| self.is_complete(name)) {
            self.healing_from = now.plus(DELAY);
        }
        self.index = Index(Some(known));
    }

    fn pass(&mut self, now: Micros, known: &mut Known) {
        let upto = now.0.div_euclid(PERIOD);
        let periods = upto - self.as_of.0.div_euclid(PERIOD);
        let heal_start = self.as_of.max(self.healing_from).0.div_euclid(PERIOD);
        let healing = u64::try_from(upto - heal_start).unwrap_or(0);
        self.as_of = now;
        let Ok(periods) = u64::try_from(periods) else {
            return;
        };
        if periods == 0 {
            return;
        }
        known.busy.retain(|name| {
            let Some(volume) = self.volumes.get_mut(name) else {
                return false;
            };
            volume.pass(&self.online, periods, healing);
            !volume.is_quiet() || volume.bricks.keys().any(|host| self.online.get(host) != Some(&true))
        });
    }

    /// Whether the bricks of a host are online.
    pub(crate) fn is_online(&self, host: &str) -> bool {
        self.online.get(host) == Some(&true)
    }

    /// The hosts with bricks.
    pub fn peers(&self) -> impl Iterator<Item = &str> {
        self.online.keys().map(String::as_str)
    }

    /// Whether a host has bricks.
    pub(in crate::lab) fn is_peer(&self, host: &str) -> bool {
        self.online.contains_key(host)
    }

    /// Hosts whose bricks are online, and all hosts with bricks.
    pub(in crate::lab) fn connected(&self) -> (usize, usize) {
        let away = match &self.index.0 {
            Some(known) => known.away.len(),
            None => self.online.values().filter(|online| !**online).count(),
        };
        (self.online.len() - away, self.online.len())
    }

    /// The volumes with a brick away or entries to heal; perhaps healthy ones among them.
    pub(in crate::lab) fn busy(&self) -> impl Iterator<Item = (&str, &Volume)> {
        let known = self.index.0.as_ref();
        let all = self.volumes.iter().filter(move |_| known.is_none());
        let some = known.into_iter().flat_map(|known| &known.busy).filter_map(|name| self.volumes.get_key_value(name));
        all.chain(some).map(|(name, volume)| (name.as_str(), volume))
    }

    /// Entries that wait to be healed, over all volumes.
    pub fn pending(&self) -> u64 {
        self.busy().flat_map(|(_, volume)| volume.bricks.values()).map(|brick| brick.pending).sum()
    }

    /// Entries in split brain, over all volumes.
    pub(crate) fn split_brain(&self) -> u64 {
        self.busy().flat_map(|(_, volume)| volume.bricks.values()).map(|brick| brick.split_brain).sum()
    }

    /// Bricks online, and all bricks.
    pub fn counts(&self) -> (usize, usize) {
        let all = match &self.index.0 {
            Some(known) => known.bricks,
            None => self.volumes.values().map(|volume| volume.bricks.len()).sum(),
        };
        let away = |volume: &Volume| volume.bricks.keys().filter(|host| !self.is_online(host)).count();
        (all - self.busy().map(|(_, volume)| away(volume)).sum::<usize>(), all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 3] = ["a", "b", "c"];

    #[test]
    fn a_backlog_grows_while_a_brick_is_away_and_shrinks_afterwards() {
        let fresh = || Storage::new(&["a", "b", "c"], &[("v", 2, 6)], Micros(0));
        let mut storage = fresh();
        storage.settle(Micros::seconds(10), ALL, |host| host != "a");
        storage.settle(Micros::seconds(110), ALL, |_| true);
        assert_eq!(storage.volumes["v"].bricks["a"].pending, 40);
        assert_eq!(storage.volumes["v"].bricks["b"].pending, 0);
        storage.settle(Micros::seconds(135), ALL, |_| true);
        assert_eq!(storage.pending(), 40, "healing begins thirty seconds after the return");
        storage.settle(Micros::seconds(155), ALL, |_| true);
        assert_eq!(storage.pending(), 40 - 3 * 6);
        // However the time is cut, the figures are the same.
        let mut cut = fresh();
        cut.settle(Micros::seconds(10), ALL, |host| host != "a");
        (10..110).for_each(|second| cut.settle(Micros::seconds(second), ALL, |host| host != "a"));
        cut.settle(Micros::seconds(110), ALL, |_| true);
        (110..=155).for_each(|second| cut.settle(Micros::seconds(second), ALL, |_| true));
        assert_eq!(cut, storage);
    }

    #[test]
    fn without_quorum_nothing_is_written() {
        let mut storage = Storage::new(&["a", "b", "c"], &[("v", 2, 6)], Micros(0));
        storage.settle(Micros(0), ALL, |host| host == "c");
        storage.settle(Micros::seconds(50), ALL, |host| host == "c");
        assert_eq!((storage.pending(), storage.volumes["v"].without_quorum), (0, 10));
    }
}
