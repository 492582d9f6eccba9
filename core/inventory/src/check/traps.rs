//! The traps that can be seen in an inventory before a playbook falls into them.

use crate::check::facts::{At, Facts, Source};
use crate::check::finding::Finding;
use crate::check::types;
use crate::edit::definitions;
use crate::literal;
use std::collections::{BTreeMap, BTreeSet};

/// Looks through an inventory and its files of variables; findings come by file and line.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let facts = Facts::of(sources);
    let mut findings = types::findings(sources);
    runtimes(&facts, &mut findings);
    new_groups(&facts, &mut findings);
    lines(&facts, &mut findings);
    node_groups(&facts, &mut findings);
    findings.sort();
    findings.dedup();
    findings
}

/// Groups for hosts that are joining, and the groups that they join.
const NEW: [(&str, &str); 3] = [("new_nodes", "nodes"), ("new_masters", "masters"), ("new_etcd", "etcd")];

const USE_CRIO: &str = "openshift_use_crio";
const CRIO_ONLY: &str = "openshift_use_crio_only";
const NODE_GROUP: &str = "openshift_node_group_name";

fn truth(facts: &Facts, host: &str, name: &str) -> Option<bool> {
    let value = facts.effective(host, name)?.value.to_ascii_lowercase();
    Some(matches!(value.as_str(), "true" | "yes" | "on" | "1" | "y" | "t"))
}

fn nodes(facts: &Facts) -> BTreeMap<String, At> {
    let all = ["nodes", "new_nodes"].into_iter().flat_map(|group| facts.hosts(group));
    let mut nodes = BTreeMap::new();
    for (host, at) in all {
        nodes.entry(host.to_owned()).or_insert_with(|| at.clone());
    }
    nodes
}

/// T4: neither runtime. Hosts that have it from the same two lines are told of once.
fn runtimes(facts: &Facts, findings: &mut Vec<Finding>) {
    let mut all: BTreeMap<(String, usize, String), Vec<String>> = BTreeMap::new();
    for (host, at) in nodes(facts) {
        if truth(facts, &host, USE_CRIO) == Some(false) && truth(facts, &host, CRIO_ONLY) == Some(true) {
            let at = facts.effective(&host, USE_CRIO).map_or(&at, |fact| &fact.at);
            let only = facts.effective(&host, CRIO_ONLY).map(|fact| format!("{}:{}", fact.at.file, fact.at.line));
            all.entry((at.file.clone(), at.line, only.unwrap_or_default())).or_default().push(host);
        }
    }
    for ((file, line, only), hosts) in all {
        let (who, has) = match hosts.as_slice() {
            [one] => (one.clone(), "has"),
            [one, another] => (format!("{one} and {another}"), "have"),
            [one, rest @ ..] => (format!("{one} and {} more", rest.len()), "have"),
            [] => continue,
        };
        let what = format!(
            "{who} {has} {USE_CRIO}=False, but also {CRIO_ONLY}=True ({only}), so neither runtime would be installed"
        );
        let next = format!("set {CRIO_ONLY}=False for {} too", if hosts.len() == 1 { who } else { "them".to_owned() });
        findings.push(Finding::new(&At { file, line }, "no-runtime", what, next));
    }
}

/// T5 and T6: groups of joining hosts.
fn new_groups(facts: &Facts, findings: &mut Vec<Finding>) {
    for (new, old) in NEW {
        for (host, at) in facts.hosts(new) {
            let what = format!(
                "{host} is in [{new}]: upgrades leave it out, and every other playbook acts on the hosts of [{new}] alone"
            );
            findings.push(Finding::new(at, "left-in-new", what, format!("once it has joined, move it to [{old}]")));
        }
        let Some(at) = facts.groups.get(new) else { continue };
        let above = facts.above(new);
        if !above.contains("OSEv3") {
            let what = format!("[{new}] is not below OSEv3, so its hosts get none of the variables of the cluster");
            findings.push(Finding::new(at, "new-outside", what, format!("add {new} to [OSEv3:children]")));
        }
        if above.contains(old) {
            let what = format!("[{new}] is below {old}, so its hosts do not count as new, and no scaleup acts on them");
            findings.push(Finding::new(at, "new-within", what, format!("take {new} out of the children of {old}")));
        }
    }
}

/// T7: what goes wrong when lines are moved by hand.
fn lines(facts: &Facts, findings: &mut Vec<Finding>) {
    for (new, old) in NEW {
        let there: BTreeSet<&str> = facts.hosts(old).into_iter().map(|(host, _)| host).collect();
        for (host, at) in facts.members.get(new).into_iter().flatten() {
            if there.contains(host.as_str()) {
                let what = format!("{host} is in [{new}] and in [{old}]: its line was copied, not moved");
                findings.push(Finding::new(at, "in-both", what, format!("keep it in one of [{new}] and [{old}]")));
            }
        }
    }
    for (group, hosts) in &facts.members {
        let mut seen: BTreeMap<&str, &At> = BTreeMap::new();
        for (host, at) in hosts {
            if let Some(first) = seen.insert(host, at).filter(|first| *first != at) {
                let what = format!(
                    "{host} is in [{group}] twice, first at line {}; its place in the order is the first",
                    first.line
                );
                findings.push(Finding::new(at, "twice", what, "remove one of the lines, and keep its variables"));
            }
        }
    }
    for (host, name, facts) in facts.of_hosts() {
        let Some((last, earlier)) = facts.split_last() else { continue };
        if let Some(other) = earlier.iter().rev().find(|fact| fact.value != last.value) {
            let what = format!(
                "{host} has {name}={:?} here, and {:?} at {}:{}; the last that is read wins",
                last.value, other.value, other.at.file, other.at.line
            );
            findings.push(Finding::new(&last.at, "two-values", what, "set it once"));
        }
    }
}

/// T1, and names of node groups that are lost or that do not fit.
fn node_groups(facts: &Facts, findings: &mut Vec<Finding>) {
    let mut users: BTreeMap<String, Vec<(String, At)>> = BTreeMap::new();
    for (host, at) in nodes(facts) {
        match facts.effective(&host, NODE_GROUP) {
            Some(fact) => users.entry(fact.value.clone()).or_default().push((host, fact.at.clone())),
            None => {
                let what =
                    format!("{host} is a node without {NODE_GROUP}: it was lost when its line was moved, or never set");
                findings.push(Finding::new(&at, "no-node-group", what, format!("set {NODE_GROUP} for {host}")));
            }
        }
    }
    for (group, hosts) in &users {
        let runtime = |host: &str| truth(facts, host, USE_CRIO).unwrap_or(false);
        let (with, without): (Vec<_>, Vec<_>) = hosts.iter().partition(|(host, _)| runtime(host));
        if let (Some((crio, _)), Some((docker, at))) = (with.first(), without.first()) {
            let what = format!(
                "the node group {group} is shared by {crio} with CRI-O and {docker} without: to change its \
                 configuration changes the kubelet of both within minutes"
            );
            findings.push(Finding::new(at, "shared-node-group", what, "give each runtime a node group of its own"));
        }
        let Some((host, at)) = hosts.first() else { continue };
        let definitions = facts.effective(host, definitions::VARIABLE);
        let read = definitions.and_then(|fact| literal::parse(&fact.value, 0).ok());
        let named = read
            .as_ref()
            .and_then(|list| list.items())
            .map(|items| items.iter().find(|item| item.get("name").and_then(|name| name.scalar()) == Some(group)));
        let crio = match named {
            Some(None) => {
                let what =
                    format!("{host} uses the node group {group}, which {} does not define", definitions::VARIABLE);
                findings.push(Finding::new(at, "unknown-node-group", what, "define it, or correct the name"));
                continue;
            }
            Some(Some(definition)) => definition.canonical().contains("container-runtime"),
            // The groups that come with the playbooks.
            None => group.starts_with("node-config-") && group.ends_with("-crio"),
        };
        if let Some((host, at)) = without.first().filter(|_| crio) {
            let what = format!("{host} does not use CRI-O, but its node group {group} makes the kubelet look for it");
            findings.push(Finding::new(
                at,
                "runtime-mismatch",
                what,
                "use the node group for docker, or set the runtime",
            ));
        }
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
