//! What the storage cluster says of itself: the gate that waits until it is healed, and the query.

use super::model::World;
use palinode_core::action::Target;
use palinode_core::gate::Gate;
use palinode_core::id::HostName;
use palinode_core::port::Sample;
use palinode_core::port::{Bodies, LookError};
use palinode_core::record::Class;
use std::collections::BTreeMap;

/// So many volumes are listed one by one.
const MANY: usize = 20;

/// Figures of some volumes.
#[derive(Default)]
struct Figures {
    online: usize,
    bricks: usize,
    pending: u64,
    split_brain: u64,
    volumes: usize,
}

impl World {
    /// One look at whether volumes are healed.
    pub(in crate::lab) fn sample_healing(
        &self,
        target: &Target,
        gate: &Gate,
        (volumes, without): (&[String], &[HostName]),
        bodies: &dyn Bodies,
    ) -> Result<Sample, LookError> {
        // What may be away and is not, counts.
        let away =
            without.iter().filter(|host| self.storage.is_peer(host.as_str()) && !self.storage.is_online(host.as_str()));
        let away: Vec<&str> = away.map(HostName::as_str).collect();
        let asked = gate.asked_for(target.host.as_ref());
        let answering = asked.iter().filter(|host| self.is_vantage_point(host.as_str())).count();
        let (vantage, silent) = match asked.is_empty() {
            true => (self.vantage_points(), 0),
            false => (answering, asked.len() - answering),
        };
        let (connected, all) = self.storage.connected();
        let Figures { online, bricks, pending, split_brain, volumes: known } = self.figures(volumes);
        let mut facts = BTreeMap::from(
            [
                ("bricks", format!("{online}/{bricks}")),
                ("peers", format!("{connected}/{all}")),
                ("pending", pending.to_string()),
                ("split-brain", split_brain.to_string()),
                ("vantage-points", vantage.to_string()),
                ("volumes", known.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        if !away.is_empty() {
            facts.insert("without".to_owned(), away.join(" "));
        }
        let (missed, waiting) = self.owed(volumes, &away);
        let pass = online + missed == bricks
            && connected + away.len() == all
            && pending == waiting
            && split_brain == 0
            && vantage >= gate.voices() as usize
            && silent == 0
            && (volumes.is_empty() || known == volumes.len());
        let evidence = bodies.put(Class::Output, self.heal_info(volumes).as_bytes())?;
        Ok(Sample { pass, hopeless: split_brain > 0, facts, evidence: Some(evidence) })
    }

    /// The bricks that these hosts have, and the entries that those miss.
    fn owed(&self, wanted: &[String], hosts: &[&str]) -> (usize, u64) {
        if hosts.is_empty() {
            return (0, 0);
        }
        let volumes = self.storage.volumes.iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(name));
        let bricks = volumes.flat_map(|(_, volume)| &volume.bricks).filter(|(host, _)| hosts.contains(&host.as_str()));
        bricks.fold((0, 0), |(count, pending), (_, brick)| (count + 1, brick.pending.saturating_add(pending)))
    }

    fn figures(&self, wanted: &[String]) -> Figures {
        if wanted.is_empty() {
            let (online, bricks) = self.storage.counts();
            let (pending, split_brain) = (self.storage.pending(), self.storage.split_brain());
            return Figures { online, bricks, pending, split_brain, volumes: self.storage.volumes.len() };
        }
        let mut found = Figures::default();
        for volume in wanted.iter().filter_map(|name| self.storage.volumes.get(name)) {
            found.volumes += 1;
            found.bricks += volume.bricks.len();
            for (host, brick) in &volume.bricks {
                found.online += usize::from(self.storage.is_online(host));
                found.pending = found.pending.saturating_add(brick.pending);
                found.split_brain = found.split_brain.saturating_add(brick.split_brain);
            }
        }
        found
    }

    /// What `gluster volume heal VOLUME info` prints, for every volume: survivors list what the brick that was
    /// away misses. Of many volumes, those that have nothing to say are only counted.
    pub(in crate::lab) fn heal_info(&self, wanted: &[String]) -> String {
        let mut text = String::new();
        let (all, busy) = (&self.storage.volumes, self.storage.busy().count());
        let many = wanted.is_empty() && all.len() > MANY;
        let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
        let whole =
            all.iter().map(|(name, volume)| (name.as_str(), volume)).filter(|(name, _)| !many && is_wanted(name));
        for (name, volume) in whole.chain(self.storage.busy().filter(|_| many)) {
            let missing: u64 = volume.bricks.values().map(|brick| brick.pending).sum();
            for (host, brick) in &volume.bricks {
                text.push_str(&format!("Brick {host}:/var/lib/heketi/mounts/{name}/brick\n"));
                if self.storage.is_online(host) {
                    let own = missing - brick.pending + brick.split_brain;
                    text.push_str(&format!("Status: Connected\nNumber of entries: {own}\n\n"));
                } else {
                    text.push_str("Status: Transport endpoint is not connected\nNumber of entries: -\n\n");
                }
            }
        }
        if many {
            let quiet = all.len() - busy;
            text.push_str(&format!("{quiet} other volumes: every brick is connected and lists no entries\n"));
        }
        text
    }
}
