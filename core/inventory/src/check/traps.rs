//! Traps of groups and lines that can be seen in an inventory before a playbook falls into them.

use crate::check::finding::{At, Finding};
use crate::model::Reading;
use crate::model::estate;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Groups for hosts that are joining, and the groups that they join.
const NEW: [(&str, &str); 3] = [("new_nodes", "nodes"), ("new_masters", "masters"), ("new_etcd", "etcd")];

pub(crate) fn findings(reading: &Reading, findings: &mut Vec<Finding>) {
    new_groups(reading, findings);
    in_both(reading, findings);
    twice(reading, findings);
    two_values(reading, findings);
}

/// The hosts of a group and of those below it, each with the first line that names it there.
pub(crate) fn hosts(reading: &Reading, group: &str) -> Vec<(usize, At)> {
    let mut first: HashMap<usize, estate::At> = HashMap::new();
    for group in reading.estate.below(group).into_iter().filter_map(|group| reading.estate.groups.get(group)) {
        for (host, at) in &group.named {
            first.entry(*host).and_modify(|known| *known = (*known).min(*at)).or_insert(*at);
        }
    }
    let hosts = reading.estate.hosts_of(group).into_iter();
    hosts.filter_map(|host| Some((host, reading.at(*first.get(&host)?)))).collect()
}

pub(crate) fn name(reading: &Reading, host: usize) -> &str {
    reading.estate.hosts.get(host).map(|host| host.name.as_str()).unwrap_or_default()
}

/// T5 and T6: groups of joining hosts.
fn new_groups(reading: &Reading, findings: &mut Vec<Finding>) {
    for (new, old) in NEW {
        for (host, at) in hosts(reading, new) {
            let what = format!(
                "{} is in [{new}]: upgrades leave it out, and every other playbook acts on the hosts of [{new}] alone",
                name(reading, host)
            );
            findings.push(Finding::new(&at, "left-in-new", what, format!("once it has joined, move it to [{old}]")));
        }
        let Some(place) = reading.estate.find_group(new) else { continue };
        let at = reading.estate.groups.get(place).and_then(|group| group.at);
        let at = at.map_or_else(|| At::new("", 0), |at| reading.at(at));
        let above: BTreeSet<&str> = reading
            .estate
            .above(&[place])
            .into_iter()
            .filter_map(|group| reading.estate.groups.get(group))
            .map(|group| group.name.as_str())
            .collect();
        if !above.contains("OSEv3") {
            let what = format!("[{new}] is not below OSEv3, so its hosts get none of the variables of the cluster");
            findings.push(Finding::new(&at, "new-outside", what, format!("add {new} to [OSEv3:children]")));
        }
        if above.contains(old) {
            let what = format!("[{new}] is below {old}, so its hosts do not count as new, and no scaleup acts on them");
            findings.push(Finding::new(&at, "new-within", what, format!("take {new} out of the children of {old}")));
        }
    }
}

/// T7: a line that was copied, not moved.
fn in_both(reading: &Reading, findings: &mut Vec<Finding>) {
    for (new, old) in NEW {
        let there: BTreeSet<usize> = reading.estate.hosts_of(old).into_iter().collect();
        let group = reading.estate.find_group(new).and_then(|group| reading.estate.groups.get(group));
        for (host, at) in group.iter().flat_map(|group| &group.named).filter(|(host, _)| there.contains(host)) {
            let host = name(reading, *host);
            let what = format!("{host} is in [{new}] and in [{old}]: its line was copied, not moved");
            let next = format!("keep it in one of [{new}] and [{old}]");
            findings.push(Finding::new(&reading.at(*at), "in-both", what, next));
        }
    }
}

/// T7: a host that a group names again.
fn twice(reading: &Reading, findings: &mut Vec<Finding>) {
    for group in &reading.estate.groups {
        let mut seen: HashMap<usize, estate::At> = HashMap::new();
        for (host, at) in &group.named {
            if let Some(first) = seen.get(host).filter(|first| **first != *at && first.file == at.file && at.line > 0) {
                let what = format!(
                    "{} is in [{}] twice, first at line {}; its place in the order is the first",
                    name(reading, *host),
                    group.name,
                    first.line
                );
                let next = "remove one of the lines, and keep its variables";
                findings.push(Finding::new(&reading.at(*at), "twice", what, next));
            }
            seen.insert(*host, *at);
        }
    }
}

/// T7: what one line of a host says is not what another says.
fn two_values(reading: &Reading, findings: &mut Vec<Finding>) {
    for host in &reading.estate.hosts {
        for (name, given) in &host.vars {
            let Some(((last, at), earlier)) = given.split_last() else { continue };
            if let Some((other, before)) = earlier.iter().rev().find(|(value, _)| !value.same(last)) {
                let before = reading.at(*before);
                let what = format!(
                    "{} has {name}={:?} here, and {:?} at {}:{}; the last that is read wins",
                    host.name,
                    last.shown(),
                    other.shown(),
                    before.file,
                    before.line
                );
                findings.push(Finding::new(&reading.at(*at), "two-values", what, "set it once"));
            }
        }
    }
}

/// What hosts have in common that fall into a trap together.
pub(crate) type Together<K> = BTreeMap<K, Vec<String>>;
