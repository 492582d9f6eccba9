//! Runtimes and node groups of OpenShift: traps that only the values that hosts get in the end show.

use crate::check::finding::{At, Checked, Finding};
use crate::check::traps::{Together, hosts, name};
use crate::edit::definitions;
use crate::model::Reading;
use crate::model::estate::ALL;
use crate::model::value::Value;
use std::collections::BTreeMap;

const USE_CRIO: &str = "openshift_use_crio";
const CRIO_ONLY: &str = "openshift_use_crio_only";
const NODE_GROUP: &str = "openshift_node_group_name";

/// What is known of a value.
#[derive(Debug, Clone, PartialEq)]
enum Known<T> {
    Unset,
    Is(T, At),
    /// Why it cannot be told.
    Not(String, At),
}

pub(crate) fn findings(reading: &Reading, checked: &mut Checked) {
    let mut nodes: BTreeMap<usize, At> = BTreeMap::new();
    for (host, at) in ["nodes", "new_nodes"].into_iter().flat_map(|group| hosts(reading, group)) {
        nodes.entry(host).or_insert(at);
    }
    runtimes(reading, &nodes, &mut checked.findings);
    node_groups(reading, &nodes, checked);
}

/// A value that a host gets, if nothing hides it.
fn value_of(reading: &Reading, host: usize, variable: &str) -> Known<Value> {
    match reading.strongest(host, variable) {
        Some(said) => match said.value {
            Value::Text(text) | Value::Unsafe(text) if text.contains("{{") || text.contains("{%") => {
                Known::Not(format!("{variable} is a template"), At::of(&said))
            }
            Value::Vault(_) => Known::Not(format!("{variable} is encrypted"), At::of(&said)),
            value => Known::Is(value.clone(), At::of(&said)),
        },
        None => match reading.hidden(host) {
            Some(file) => {
                Known::Not(format!("{variable} may be set in here, and the file is encrypted"), At::new(file, 1))
            }
            None => Known::Unset,
        },
    }
}

/// As Ansible's `| bool` takes it.
fn truth(reading: &Reading, host: usize, variable: &str) -> Known<bool> {
    match value_of(reading, host, variable) {
        Known::Is(value, at) => {
            let text = value.printed().unwrap_or_default().to_ascii_lowercase();
            Known::Is(matches!(text.as_str(), "true" | "yes" | "on" | "1" | "y" | "t" | "1.0"), at)
        }
        Known::Not(why, at) => Known::Not(why, at),
        Known::Unset => Known::Unset,
    }
}

/// T4: neither runtime. Hosts that have it from the same two lines are told of once.
fn runtimes(reading: &Reading, nodes: &BTreeMap<usize, At>, findings: &mut Vec<Finding>) {
    let mut all: Together<(String, usize, String)> = BTreeMap::new();
    for host in nodes.keys() {
        if let (Known::Is(false, at), Known::Is(true, only)) =
            (truth(reading, *host, USE_CRIO), truth(reading, *host, CRIO_ONLY))
        {
            let only = format!("{}:{}", only.file, only.line);
            all.entry((at.file, at.line, only)).or_default().push(name(reading, *host).to_owned());
        }
    }
    for ((file, line, only), mut hosts) in all {
        hosts.sort();
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

/// T1, and names of node groups that are lost or that do not fit.
fn node_groups(reading: &Reading, nodes: &BTreeMap<usize, At>, checked: &mut Checked) {
    let mut users: BTreeMap<String, Vec<(usize, At)>> = BTreeMap::new();
    let mut hidden: Together<(At, String)> = BTreeMap::new();
    let mut by_name: Vec<(usize, &At)> = nodes.iter().map(|(host, at)| (*host, at)).collect();
    by_name.sort_by_key(|(host, _)| name(reading, *host));
    for (host, at) in by_name {
        match value_of(reading, host, NODE_GROUP) {
            Known::Is(value, at) => users.entry(value.shown()).or_default().push((host, at)),
            Known::Not(why, at) => hidden.entry((at, why)).or_default().push(name(reading, host).to_owned()),
            Known::Unset => {
                let host = name(reading, host);
                let what =
                    format!("{host} is a node without {NODE_GROUP}: it was lost when its line was moved, or never set");
                checked.findings.push(Finding::new(at, "no-node-group", what, format!("set {NODE_GROUP} for {host}")));
            }
        }
    }
    for ((at, why), hosts) in hidden {
        let who = match hosts.as_slice() {
            [one] => one.clone(),
            [one, rest @ ..] => format!("{one} and {} more", rest.len()),
            [] => continue,
        };
        let what = format!("the node group of {who} is not known: {why}");
        checked.unknown.push(Finding::new(&at, "not-known", what, "look at what it comes to by hand"));
    }
    for (group, hosts) in &users {
        node_group(reading, group, hosts, &mut checked.findings);
    }
}

fn node_group(reading: &Reading, group: &str, hosts: &[(usize, At)], findings: &mut Vec<Finding>) {
    // A host whose runtime cannot be told is neither with nor without.
    let with = |wanted: bool| {
        hosts.iter().find(|(host, _)| match truth(reading, *host, USE_CRIO) {
            Known::Is(crio, _) => crio == wanted,
            Known::Unset => !wanted,
            Known::Not(..) => false,
        })
    };
    let (crio, docker) = (with(true), with(false));
    if let (Some((crio, _)), Some((docker, at))) = (crio, docker) {
        let what = format!(
            "the node group {group} is shared by {} with CRI-O and {} without: to change its \
             configuration changes the kubelet of both within minutes",
            name(reading, *crio),
            name(reading, *docker)
        );
        findings.push(Finding::new(at, "shared-node-group", what, "give each runtime a node group of its own"));
    }
    let Some((host, at)) = hosts.first() else { return };
    let definitions = value_of(reading, *host, definitions::VARIABLE);
    let of_crio = match definitions {
        Known::Is(Value::List(items), _) => {
            let named = |item: &&Value| get(item, "name").and_then(Value::as_text) == Some(group);
            let Some(definition) = items.iter().find(named) else {
                // Of a definition whose name is a template the name is not known.
                let open = items
                    .iter()
                    .any(|item| get(item, "name").and_then(Value::as_text).is_none_or(|n| n.contains("{{")));
                if !open {
                    let what = format!(
                        "{} uses the node group {group}, which {} does not define",
                        name(reading, *host),
                        definitions::VARIABLE
                    );
                    findings.push(Finding::new(at, "unknown-node-group", what, "define it, or correct the name"));
                }
                return;
            };
            definition.shown().contains("container-runtime")
        }
        Known::Is(..) | Known::Not(..) => false,
        // The groups that come with the playbooks.
        Known::Unset => group.starts_with("node-config-") && group.ends_with("-crio"),
    };
    if let Some((host, at)) = docker.filter(|_| of_crio) {
        let host = name(reading, *host);
        let what = format!("{host} does not use CRI-O, but its node group {group} makes the kubelet look for it");
        let next = "use the node group for docker, or set the runtime";
        findings.push(Finding::new(at, "runtime-mismatch", what, next));
    }
}

fn get<'a>(map: &'a Value, key: &str) -> Option<&'a Value> {
    let Value::Map(pairs) = map else { return None };
    pairs.iter().find(|(name, _)| name.as_text() == Some(key)).map(|(_, value)| value)
}

impl Reading {
    /// A file that may say anything of a host, and that only a password opens.
    fn hidden(&self, host: usize) -> Option<&str> {
        use crate::ansible::vars_files::Owner;
        if self.vars_files.encrypted.is_empty() {
            return None;
        }
        let groups = self.estate.groups_of(host);
        let is_for = |of: Owner| match of {
            Owner::Host(of) => of == host,
            Owner::Group(of) => of == ALL || groups.contains(&of),
        };
        self.vars_files.encrypted.iter().find(|left| is_for(left.of)).map(|left| left.file.as_str())
    }
}
