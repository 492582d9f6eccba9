//! The digest of a world: what two worlds must agree on to count as equal. It leaves out the clock, UIDs, boot ids,
//! generated names, jobs and the history of healing.

use super::files::Entry;
use super::model::World;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Lines by resource key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Digest {
    /// The state of each resource, in words.
    pub lines: BTreeMap<String, String>,
}

impl Digest {
    /// One hash over all lines.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (key, value) in &self.lines {
            for part in [key, value] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part.as_bytes());
            }
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// The resources that differ: key, state here, state there.
    pub fn diff(&self, other: &Self) -> Vec<(String, Option<String>, Option<String>)> {
        let mut keys: Vec<&String> = self.lines.keys().chain(other.lines.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let of = |digest: &Self, key: &String| digest.lines.get(key).cloned();
        keys.into_iter()
            .filter(|key| self.lines.get(*key) != other.lines.get(*key))
            .map(|key| (key.clone(), of(self, key), of(other, key)))
            .collect()
    }
}

fn short(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..12].to_owned()
}

impl World {
    /// The digest of this world.
    pub fn digest(&self) -> Digest {
        let mut lines = BTreeMap::new();
        for (name, host) in &self.hosts {
            if !host.is_up() {
                lines.insert(format!("{name}/boot"), "booting".to_owned());
            }
            for (unit, state) in &host.units {
                lines.insert(format!("{name}/unit/{unit}"), format!("{}, {}", state.active.word(), state.enabled));
            }
            for (package, installed) in &host.packages {
                let list: Vec<String> = installed.iter().map(ToString::to_string).collect();
                lines.insert(format!("{name}/package/{package}"), list.join(", "));
            }
            for (path, entry) in host.files.iter().filter(|(path, entry)| host.files.counts(path, entry)) {
                let value = match entry {
                    Entry::File { mode, owner, content } => {
                        format!("file {mode:04o} {owner} {} {}", content.len(), short(content))
                    }
                    Entry::Link { target } => format!("link {target}"),
                    Entry::Dir => "empty directory".to_owned(),
                };
                lines.insert(format!("{name}/file:{path}"), value);
            }
        }
        for (name, node) in &self.nodes {
            let mut text = format!(
                "{}, {}, {}, {}",
                if node.ready { "ready" } else { "not ready" },
                if node.unschedulable { "cordoned" } else { "schedulable" },
                node.runtime,
                node.kubelet
            );
            for (key, value) in node.labels.iter().chain(&node.annotations) {
                let _ = write!(text, ", {key}={value}");
            }
            for taint in &node.taints {
                let _ = write!(text, ", taint {taint}");
            }
            lines.insert(format!("node/{name}@cluster"), text);
        }
        for (name, map) in &self.config_maps {
            lines.insert(format!("configmap/{name}@cluster"), short(&map.content));
        }
        self.pod_lines(&mut lines);
        for (name, volume) in &self.storage.volumes {
            let online = volume.bricks.keys().filter(|host| self.storage.is_online(host)).count();
            let pending: u64 = volume.bricks.values().map(|brick| brick.pending).sum();
            let split: u64 = volume.bricks.values().map(|brick| brick.split_brain).sum();
            let state = if pending == 0 { "healed" } else { "not healed" };
            lines.insert(
                format!("volume/{name}@cluster"),
                format!("{online}/{} bricks, {state}, {split} in split brain", volume.bricks.len()),
            );
        }
        Digest { lines }
    }

    /// Pods under the name that people know: that of the owner where the pod's own is generated.
    fn pod_lines(&self, lines: &mut BTreeMap<String, String>) {
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (_, pod) in self.pods.iter() {
            let name = match &pod.owner {
                Some((kind, owner)) if kind != "StatefulSet" => owner,
                _ => &pod.name,
            };
            let mut place = pod.node.clone();
            if !pod.ready {
                place.push_str(" (not ready)");
            }
            if pod.emptydir {
                place.push_str(if pod.data { " (data kept)" } else { " (data lost)" });
            }
            places.entry(format!("pod/{}/{name}@cluster", pod.namespace)).or_default().push(place);
        }
        for (key, mut list) in places {
            list.sort();
            lines.insert(key, list.join(", "));
        }
    }
}
