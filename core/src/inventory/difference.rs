//! What two texts of an inventory mean differently, so that an edit can be held to what it was for.

use super::text::{Inventory, LineKind};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One difference in meaning. A host is a name, or a range as it is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Change {
    /// A group is declared that was not.
    GroupAdded {
        /// The group.
        group: String,
    },
    /// A group is no longer declared.
    GroupRemoved {
        /// The group.
        group: String,
    },
    /// A group has a new child.
    ChildAdded {
        /// The group above.
        parent: String,
        /// The group below.
        child: String,
    },
    /// A group lost a child.
    ChildRemoved {
        /// The group above.
        parent: String,
        /// The group below.
        child: String,
    },
    /// A host joined a group's own lines.
    HostAdded {
        /// The host.
        host: String,
        /// The group.
        group: String,
    },
    /// A host left a group's own lines.
    HostRemoved {
        /// The host.
        host: String,
        /// The group.
        group: String,
    },
    /// The hosts that stayed in a group have another order, which is the order Ansible works in.
    OrderChanged {
        /// The group.
        group: String,
    },
    /// An inline variable; `None` where it is not set. A port after the name counts as `ansible_port`.
    HostVar {
        /// The host.
        host: String,
        /// The variable.
        name: String,
        /// Its value before.
        before: Option<String>,
        /// Its value after.
        after: Option<String>,
    },
    /// A variable in `[group:vars]`; `None` where it is not set.
    GroupVar {
        /// The group.
        group: String,
        /// The variable.
        name: String,
        /// Its value before.
        before: Option<String>,
        /// Its value after.
        after: Option<String>,
    },
    /// A line that is not understood came.
    OtherAdded {
        /// The line.
        text: String,
    },
    /// A line that is not understood went.
    OtherRemoved {
        /// The line.
        text: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let var =
            |f: &mut fmt::Formatter<'_>, owner: &str, name, before: &Option<String>, after: &Option<String>| match (
                before, after,
            ) {
                (None, Some(after)) => write!(f, "{owner}: {name} set to {after:?}"),
                (Some(before), None) => write!(f, "{owner}: {name} removed, was {before:?}"),
                (before, after) => {
                    let (before, after) = (before.as_deref().unwrap_or(""), after.as_deref().unwrap_or(""));
                    write!(f, "{owner}: {name} changed from {before:?} to {after:?}")
                }
            };
        match self {
            Self::GroupAdded { group } => write!(f, "group {group} declared"),
            Self::GroupRemoved { group } => write!(f, "group {group} no longer declared"),
            Self::ChildAdded { parent, child } => {
                write!(f, "group {child} made a child of {parent}")
            }
            Self::ChildRemoved { parent, child } => {
                write!(f, "group {child} no longer a child of {parent}")
            }
            Self::HostAdded { host, group } => write!(f, "{host}: joined [{group}]"),
            Self::HostRemoved { host, group } => write!(f, "{host}: left [{group}]"),
            Self::OrderChanged { group } => write!(f, "group {group}: order of hosts changed"),
            Self::HostVar { host, name, before, after } => var(f, host, name, before, after),
            Self::GroupVar { group, name, before, after } => var(f, &format!("[{group}:vars]"), name, before, after),
            Self::OtherAdded { text } => write!(f, "line not understood added: {text:?}"),
            Self::OtherRemoved { text } => write!(f, "line not understood removed: {text:?}"),
        }
    }
}

type Vars<'a> = BTreeMap<(&'a str, &'a str), &'a str>;

#[derive(Default)]
struct Meaning<'a> {
    groups: BTreeSet<&'a str>,
    children: BTreeSet<(&'a str, &'a str)>,
    members: BTreeMap<&'a str, Vec<&'a str>>,
    host_vars: Vars<'a>,
    group_vars: Vars<'a>,
    other: BTreeSet<&'a str>,
}

impl<'a> Meaning<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        let groups = inventory.groups().into_iter().filter(|group| inventory.group_exists(group)).collect();
        let mut meaning = Self { groups, ..Self::default() };
        let mut known = BTreeSet::new();
        for (at, line) in inventory.lines().iter().enumerate() {
            let group = inventory.group_at(at);
            match &line.kind {
                LineKind::Host(host) => {
                    let key = host.pattern.name().unwrap_or(host.pattern.text());
                    if known.insert((group, key)) {
                        meaning.members.entry(group).or_default().push(key);
                    }
                    if let Some(port) = host.pattern.port() {
                        meaning.host_vars.insert((key, "ansible_port"), port);
                    }
                    for var in &host.vars {
                        meaning.host_vars.insert((key, &var.name), &var.value);
                    }
                }
                LineKind::Var { name, value, .. } => {
                    meaning.group_vars.insert((group, name), value);
                }
                LineKind::Child { group: child } => {
                    meaning.children.insert((group, child));
                }
                LineKind::Other => {
                    meaning.other.insert(line.content.of(inventory.text()));
                }
                LineKind::Blank | LineKind::Comment | LineKind::Header => {}
            }
        }
        meaning
    }
}

/// The differences in meaning between two texts; none for changed comments, spacing or quotes.
///
/// A host in several lines counts with the values that win. What does not change for any reading is not listed.
pub fn difference(before: &str, after: &str) -> Vec<Change> {
    difference_of(&Inventory::parse(before), &Inventory::parse(after))
}

/// The same between two inventories that were read already.
pub fn difference_of(before: &Inventory, after: &Inventory) -> Vec<Change> {
    let (old, new) = (Meaning::of(before), Meaning::of(after));
    let mut changes = Vec::new();
    let own = |text: &&str| (*text).to_owned();
    changes.extend(new.groups.difference(&old.groups).map(|group| Change::GroupAdded { group: own(group) }));
    changes.extend(old.groups.difference(&new.groups).map(|group| Change::GroupRemoved { group: own(group) }));
    for (parent, child) in new.children.difference(&old.children) {
        changes.push(Change::ChildAdded { parent: own(parent), child: own(child) });
    }
    for (parent, child) in old.children.difference(&new.children) {
        changes.push(Change::ChildRemoved { parent: own(parent), child: own(child) });
    }
    let groups: BTreeSet<&str> = old.members.keys().chain(new.members.keys()).copied().collect();
    for group in groups {
        let members = |meaning: &Meaning<'_>| -> Vec<String> {
            meaning.members.get(group).into_iter().flatten().map(own).collect()
        };
        let (was, is) = (members(&old), members(&new));
        let (was_set, is_set): (BTreeSet<_>, BTreeSet<_>) = (was.iter().collect(), is.iter().collect());
        for host in is.iter().filter(|host| !was_set.contains(host)) {
            changes.push(Change::HostAdded { host: host.clone(), group: group.to_owned() });
        }
        for host in was.iter().filter(|host| !is_set.contains(host)) {
            changes.push(Change::HostRemoved { host: host.clone(), group: group.to_owned() });
        }
        let stayed = was.iter().filter(|host| is_set.contains(host));
        if stayed.ne(is.iter().filter(|host| was_set.contains(host))) {
            changes.push(Change::OrderChanged { group: group.to_owned() });
        }
    }
    for (host, name, before, after) in changed_vars(&old.host_vars, &new.host_vars) {
        changes.push(Change::HostVar { host, name, before, after });
    }
    for (group, name, before, after) in changed_vars(&old.group_vars, &new.group_vars) {
        changes.push(Change::GroupVar { group, name, before, after });
    }
    changes.extend(new.other.difference(&old.other).map(|text| Change::OtherAdded { text: own(text) }));
    changes.extend(old.other.difference(&new.other).map(|text| Change::OtherRemoved { text: own(text) }));
    changes
}

type ChangedVar = (String, String, Option<String>, Option<String>);

fn changed_vars(old: &Vars<'_>, new: &Vars<'_>) -> Vec<ChangedVar> {
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).copied().collect();
    keys.into_iter()
        .filter(|key| old.get(key) != new.get(key))
        .map(|key| {
            let value = |vars: &Vars<'_>| vars.get(&key).map(|value| (*value).to_owned());
            (key.0.to_owned(), key.1.to_owned(), value(old), value(new))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_meaning_counts() {
        let before = "# c\n[a]\nh1 x='1'\nh2\nh3:22\n[a:vars]\nv=1\n";
        assert_eq!(difference(before, "[a] # d\nh1   x=1\nh2\n\nh3:22 # e\n[a:vars]\nv = 1\n"), []);
        let after = "[a]\nh2 x=2\nh1\nh3:23\n[a:vars]\nv=2\n[b:children]\na\nh3\n[c]\nh4 y='\n[z:vars]\nw=1\n";
        let lines: Vec<String> = difference(before, after).iter().map(Change::to_string).collect();
        let expected = [
            "group b declared",
            "group c declared",
            "group a made a child of b",
            "group h3 made a child of b",
            "group a: order of hosts changed",
            "h1: x removed, was \"1\"",
            "h2: x set to \"2\"",
            "h3: ansible_port changed from \"22\" to \"23\"",
            "[a:vars]: v changed from \"1\" to \"2\"",
            "[z:vars]: w set to \"1\"",
            "line not understood added: \"h4 y='\"",
        ];
        assert_eq!(lines, expected);
        assert_eq!(difference(after, before).len(), expected.len());
    }
}
