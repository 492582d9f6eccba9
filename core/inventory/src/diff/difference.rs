//! What two texts of an inventory mean differently, so that an edit can be held to what it was for.

use crate::diff::meaning::{MOST, Meaning, Read, Vars, Word, spread};
use crate::ini::text::Inventory;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// One difference in meaning. A host is a name, of a range too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
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
    /// A variable of a file in `group_vars` or `host_vars`; `None` where it is not set.
    Var {
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
            |f: &mut fmt::Formatter<'_>, owner: &str, name: &str, before: &Option<String>, after: &Option<String>| {
                match (before, after) {
                    (None, Some(after)) => write!(f, "{owner}{name} set to {after:?}"),
                    (Some(before), None) => write!(f, "{owner}{name} removed, was {before:?}"),
                    (before, after) => {
                        let (before, after) = (before.as_deref().unwrap_or(""), after.as_deref().unwrap_or(""));
                        write!(f, "{owner}{name} changed from {before:?} to {after:?}")
                    }
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
            Self::HostVar { host, name, before, after } => var(f, &format!("{host}: "), name, before, after),
            Self::Var { name, before, after } => var(f, "", name, before, after),
            Self::GroupVar { group, name, before, after } => var(f, &format!("[{group}:vars]: "), name, before, after),
            Self::OtherAdded { text } => write!(f, "line not understood added: {text:?}"),
            Self::OtherRemoved { text } => write!(f, "line not understood removed: {text:?}"),
        }
    }
}

/// The differences in meaning between two texts; none for changed comments, spacing or quotes.
///
/// A text is an inventory in INI or YAML form, or a file of variables in YAML. A host in several lines counts with the
/// values that win. What does not change for any reading is not listed.
pub fn difference(before: &str, after: &str) -> Vec<Change> {
    let (old, new) = (Read::of(before), Read::of(after));
    let expand = old.spread().saturating_add(new.spread()) <= MOST;
    between(&old.meaning(expand), &new.meaning(expand))
}

/// The same between two files of variables.
pub(crate) fn difference_of_vars(before: &str, after: &str) -> Vec<Change> {
    between(&Read::of_vars(before).meaning(true), &Read::of_vars(after).meaning(true))
}

/// The same between two inventories that were read already.
pub(crate) fn difference_of(before: &Inventory, after: &Inventory) -> Vec<Change> {
    let expand = spread(before).saturating_add(spread(after)) <= MOST;
    between(&Meaning::of(before, expand), &Meaning::of(after, expand))
}

fn between(old: &Meaning<'_>, new: &Meaning<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    let own = |text: &Word<'_>| text.clone().into_owned();
    changes.extend(new.groups.difference(&old.groups).map(|group| Change::GroupAdded { group: own(group) }));
    changes.extend(old.groups.difference(&new.groups).map(|group| Change::GroupRemoved { group: own(group) }));
    for (parent, child) in new.children.difference(&old.children) {
        changes.push(Change::ChildAdded { parent: own(parent), child: own(child) });
    }
    for (parent, child) in old.children.difference(&new.children) {
        changes.push(Change::ChildRemoved { parent: own(parent), child: own(child) });
    }
    let groups: BTreeSet<&Word<'_>> = old.members.keys().chain(new.members.keys()).collect();
    for group in groups {
        let members = |meaning: &Meaning<'_>| -> Vec<String> {
            meaning.members.get(group).into_iter().flatten().map(own).collect()
        };
        let (was, is) = (members(old), members(new));
        let (was_set, is_set): (BTreeSet<_>, BTreeSet<_>) = (was.iter().collect(), is.iter().collect());
        for host in is.iter().filter(|host| !was_set.contains(host)) {
            changes.push(Change::HostAdded { host: host.clone(), group: own(group) });
        }
        for host in was.iter().filter(|host| !is_set.contains(host)) {
            changes.push(Change::HostRemoved { host: host.clone(), group: own(group) });
        }
        let stayed = was.iter().filter(|host| is_set.contains(host));
        if stayed.ne(is.iter().filter(|host| was_set.contains(host))) {
            changes.push(Change::OrderChanged { group: own(group) });
        }
    }
    for (host, name, before, after) in changed_vars(&old.host_vars, &new.host_vars) {
        changes.push(Change::HostVar { host, name, before, after });
    }
    for (group, name, before, after) in changed_vars(&old.group_vars, &new.group_vars) {
        changes.push(Change::GroupVar { group, name, before, after });
    }
    let names: BTreeSet<&Word<'_>> = old.vars.keys().chain(new.vars.keys()).collect();
    for name in names.into_iter().filter(|name| old.vars.get(*name) != new.vars.get(*name)) {
        let value = |meaning: &Meaning<'_>| meaning.vars.get(name).map(own);
        changes.push(Change::Var { name: own(name), before: value(old), after: value(new) });
    }
    changes.extend(new.other.difference(&old.other).map(|text| Change::OtherAdded { text: own(text) }));
    changes.extend(old.other.difference(&new.other).map(|text| Change::OtherRemoved { text: own(text) }));
    changes
}

type ChangedVar = (String, String, Option<String>, Option<String>);

fn changed_vars(old: &Vars<'_>, new: &Vars<'_>) -> Vec<ChangedVar> {
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| {
            let value = |vars: &Vars<'_>| vars.get(key).map(|value| value.clone().into_owned());
            (key.0.clone().into_owned(), key.1.clone().into_owned(), value(old), value(new))
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

    #[test]
    fn forms_and_ranges_are_one_language() {
        let ini = "[OSEv3:children]\nnodes\n[OSEv3:vars]\na='3.10'\n[nodes]\ng1 x=1\ng2 x=1\ng3:22\n";
        let yaml = "all:\n  children:\n    OSEv3:\n      vars: {a: '3.10'}\n      children:\n        nodes:\n          hosts:\n            \
                    g[1:2]: {x: 1}\n            g3: {ansible_port: 22}\n";
        assert_eq!(difference(ini, yaml), []);
        assert_eq!(difference("[nodes]\ng[1:3]\n", "[nodes]\ng1\ng[2:3]\n"), []);
        let lines = |a: &str, b: &str| difference(a, b).iter().map(Change::to_string).collect::<Vec<_>>();
        let vars = ("---\na: 1\nb: [x]\nc: yes\n", "---\na: '2'\nb:\n- x\nd: 3.10\n");
        let expected = ["a changed from \"1\" to \"2\"", "c removed, was \"True\"", "d set to \"3.1\""];
        assert_eq!(lines(vars.0, vars.1), expected);
        assert_eq!(lines("[n]\ng[1:3]\n", "[n]\ng[1:2]\n"), ["g3: left [n]"]);
    }
}
