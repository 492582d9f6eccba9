//! What two texts of an inventory mean differently, so that an edit can be held to what it was for.

use crate::ansible::Sources;
use crate::diff::meaning::Meaning;
use crate::model::ReadError;
use crate::model::estate::{ALL, Estate, Group, UNGROUPED, Vars};
use crate::model::value::Value;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

/// What kinds of values two are, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Kinds {
    /// That before.
    pub before: &'static str,
    /// That after.
    pub after: &'static str,
}

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
        /// What kind of value it was and is, where that differs.
        #[serde(skip_serializing_if = "Option::is_none")]
        kinds: Option<Kinds>,
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
        /// What kind of value it was and is, where that differs.
        #[serde(skip_serializing_if = "Option::is_none")]
        kinds: Option<Kinds>,
    },
    /// A variable of a file in `group_vars` or `host_vars`; `None` where it is not set.
    Var {
        /// The variable.
        name: String,
        /// Its value before.
        before: Option<String>,
        /// Its value after.
        after: Option<String>,
        /// What kind of value it was and is, where that differs.
        #[serde(skip_serializing_if = "Option::is_none")]
        kinds: Option<Kinds>,
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
        let var = |f: &mut fmt::Formatter<'_>, owner: &str, name: &str, change: [&Option<String>; 2], kinds| {
            match change.map(Option::as_deref) {
                [None, Some(after)] => write!(f, "{owner}{name} set to {after:?}"),
                [Some(before), None] => write!(f, "{owner}{name} removed, was {before:?}"),
                [before, after] => {
                    let (before, after) = (before.unwrap_or(""), after.unwrap_or(""));
                    let (was, is) = match kinds {
                        // Where the texts are alike, only the kinds tell them apart.
                        Some(Kinds { before: was, after: is }) if before == after => {
                            (format!(" ({was})"), format!(" ({is})"))
                        }
                        _ => (String::new(), String::new()),
                    };
                    write!(f, "{owner}{name} changed from {before:?}{was} to {after:?}{is}")
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
            Self::HostVar { host, name, before, after, kinds } => {
                var(f, &format!("{host}: "), name, [before, after], *kinds)
            }
            Self::Var { name, before, after, kinds } => var(f, "", name, [before, after], *kinds),
            Self::GroupVar { group, name, before, after, kinds } => {
                var(f, &format!("[{group}:vars]: "), name, [before, after], *kinds)
            }
            Self::OtherAdded { text } => write!(f, "line not understood added: {text:?}"),
            Self::OtherRemoved { text } => write!(f, "line not understood removed: {text:?}"),
        }
    }
}

/// The differences in meaning between two texts; none for changed comments, spacing or quotes.
///
/// A text is an inventory in INI or YAML form, or a file of variables in YAML. Values are compared as Ansible reads them,
/// with their types. What does not change for any reading is not listed.
pub fn difference(before: &str, after: &str) -> Vec<Change> {
    between(&Meaning::of(before), &Meaning::of(after))
}

/// The differences between what is at two places: files, folders and scripts, whatever Ansible reads.
///
/// # Errors
/// If one of them cannot be read.
pub fn difference_at(sources: &dyn Sources, before: &str, after: &str) -> Result<Vec<Change>, ReadError> {
    Ok(between(&Meaning::read(sources, before)?, &Meaning::read(sources, after)?))
}

/// The same between two meanings.
pub(crate) fn between(old: &Meaning, new: &Meaning) -> Vec<Change> {
    let mut changes = Vec::new();
    estates(&old.estate, &new.estate, &mut changes);
    let names: BTreeSet<&String> = old.vars.keys().chain(new.vars.keys()).collect();
    for name in names {
        if let Some((before, after, kinds)) = changed(old.vars.get(name), new.vars.get(name)) {
            changes.push(Change::Var { name: name.clone(), before, after, kinds });
        }
    }
    let (was, is): (BTreeSet<&String>, BTreeSet<&String>) = (old.wrong.iter().collect(), new.wrong.iter().collect());
    changes.extend(is.difference(&was).map(|text| Change::OtherAdded { text: (*text).clone() }));
    changes.extend(was.difference(&is).map(|text| Change::OtherRemoved { text: (*text).clone() }));
    changes
}

/// What two inventories mean differently. All are below `all`, so what it names says nothing.
pub(crate) fn estates(old: &Estate, new: &Estate, changes: &mut Vec<Change>) {
    let counterpart = |estate: &'_ Estate, group: &Group| estate.find_group(&group.name);
    let plain =
        |estate: &Estate| (0..estate.groups.len()).filter(|at| !matches!(*at, ALL | UNGROUPED)).collect::<Vec<_>>();
    let named = |estate: &Estate, at: usize| estate.groups.get(at).map(|group| group.name.clone()).unwrap_or_default();
    let mut gone: Vec<String> = Vec::new();
    let mut come: Vec<String> = Vec::new();
    for (from, to, list) in [(new, old, &mut come), (old, new, &mut gone)] {
        list.extend(plain(from).into_iter().map(|at| named(from, at)).filter(|name| to.find_group(name).is_none()));
        list.sort();
    }
    changes.extend(come.into_iter().map(|group| Change::GroupAdded { group }));
    changes.extend(gone.into_iter().map(|group| Change::GroupRemoved { group }));
    for (from, to, is_new) in [(new, old, true), (old, new, false)] {
        let mut pairs = Vec::new();
        for (at, group) in from.groups.iter().enumerate().filter(|(at, _)| *at != ALL) {
            let other = counterpart(to, group).and_then(|at| to.groups.get(at));
            for child in group.children.iter().filter(|child| !(at == UNGROUPED && **child == UNGROUPED)) {
                let child = named(from, *child);
                let there =
                    to.find_group(&child).is_some_and(|at| other.is_some_and(|other| other.children.contains(&at)));
                if !there {
                    pairs.push((group.name.clone(), child));
                }
            }
        }
        pairs.sort();
        changes.extend(pairs.into_iter().map(|(parent, child)| match is_new {
            true => Change::ChildAdded { parent, child },
            false => Change::ChildRemoved { parent, child },
        }));
    }
    let groups: BTreeMap<&str, ()> = old
        .groups
        .iter()
        .chain(&new.groups)
        .filter(|group| group.name != "all")
        .map(|g| (g.name.as_str(), ()))
        .collect();
    let members = |estate: &'_ Estate, group: &str| -> Vec<usize> {
        estate
            .find_group(group)
            .and_then(|at| estate.groups.get(at))
            .map(|group| group.hosts.clone())
            .unwrap_or_default()
    };
    for group in groups.keys() {
        let was = members(old, group);
        let is = members(new, group);
        let host = |estate: &Estate, at: usize| estate.hosts.get(at).map(|host| host.name.clone()).unwrap_or_default();
        let was: Vec<String> = was.into_iter().map(|at| host(old, at)).collect();
        let is: Vec<String> = is.into_iter().map(|at| host(new, at)).collect();
        if was == is {
            continue;
        }
        let (was_set, is_set): (HashSet<&String>, HashSet<&String>) = (was.iter().collect(), is.iter().collect());
        for host in is.iter().filter(|host| !was_set.contains(host)) {
            changes.push(Change::HostAdded { host: host.clone(), group: (*group).to_owned() });
        }
        for host in was.iter().filter(|host| !is_set.contains(host)) {
            changes.push(Change::HostRemoved { host: host.clone(), group: (*group).to_owned() });
        }
        let stayed = was.iter().filter(|host| is_set.contains(host));
        if stayed.ne(is.iter().filter(|host| was_set.contains(host))) {
            changes.push(Change::OrderChanged { group: (*group).to_owned() });
        }
    }
    let none = Vars::new();
    let mut found = Vec::new();
    for host in &new.hosts {
        let before = old.find_host(&host.name).and_then(|at| old.hosts.get(at)).map_or(&none, |host| &host.vars);
        variables(&host.name, before, &host.vars, &mut found);
    }
    for host in old.hosts.iter().filter(|host| new.find_host(&host.name).is_none()) {
        variables(&host.name, &host.vars, &none, &mut found);
    }
    found.sort();
    changes.extend(found.drain(..).map(|(host, name, before, after, kinds)| Change::HostVar {
        host,
        name,
        before,
        after,
        kinds,
    }));
    for group in &new.groups {
        let before = counterpart(old, group).and_then(|at| old.groups.get(at));
        variables(&group.name, before.map_or(&none, |group| &group.vars), &group.vars, &mut found);
        ranks(&group.name, before, Some(group), &mut found);
    }
    for group in old.groups.iter().filter(|group| counterpart(new, group).is_none()) {
        variables(&group.name, &group.vars, &none, &mut found);
        ranks(&group.name, Some(group), None, &mut found);
    }
    found.sort();
    changes.extend(found.into_iter().map(|(group, name, before, after, kinds)| Change::GroupVar {
        group,
        name,
        before,
        after,
        kinds,
    }));
}

type Changed = (String, String, Option<String>, Option<String>, Option<Kinds>);

/// The variables of one owner; of several values of one the last counts.
fn variables(owner: &str, old: &Vars, new: &Vars, found: &mut Vec<Changed>) {
    let last =
        |vars: &'_ Vars, name: &str| vars.get(name).and_then(|given| given.last()).map(|(value, _)| value.clone());
    for (name, given) in new {
        let now = given.last().map(|(value, _)| value);
        let was = old.get(name).and_then(|given| given.last()).map(|(value, _)| value);
        if let Some((before, after, kinds)) = changed(was, now) {
            found.push((owner.to_owned(), name.clone(), before, after, kinds));
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        if let Some((before, after, kinds)) = changed(last(old, name).as_ref(), None) {
            found.push((owner.to_owned(), name.clone(), before, after, kinds));
        }
    }
}

/// What decides between groups is no variable to Ansible, and changes what hosts get.
fn ranks(owner: &str, old: Option<&Group>, new: Option<&Group>, found: &mut Vec<Changed>) {
    let said = |group: Option<&Group>| group.and_then(|group| group.ranked.as_ref()).map(|(value, _)| value.clone());
    if old.map_or(1, |group| group.priority) != new.map_or(1, |group| group.priority)
        && let Some((before, after, kinds)) = changed(said(old).as_ref(), said(new).as_ref())
    {
        found.push((owner.to_owned(), "ansible_group_priority".to_owned(), before, after, kinds));
    }
}

/// Two values as a template prints them, if they are not the same.
fn changed(was: Option<&Value>, is: Option<&Value>) -> Option<(Option<String>, Option<String>, Option<Kinds>)> {
    let kinds = match (was, is) {
        (None, None) => return None,
        (Some(was), Some(is)) if was.same(is) => return None,
        (Some(was), Some(is)) => {
            Some(Kinds { before: was.kind(), after: is.kind() }).filter(|kinds| kinds.before != kinds.after)
        }
        _ => None,
    };
    Some((was.map(Value::shown), is.map(Value::shown), kinds))
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
            "group z declared",
            "group a made a child of b",
            "group a: order of hosts changed",
            "h1: x removed, was \"1\"",
            "h2: x set to \"2\"",
            "h3: ansible_port changed from \"22\" to \"23\"",
            "[a:vars]: v changed from \"1\" to \"2\"",
            "[z:vars]: w set to \"1\"",
            "line not understood added: \"[z:vars]\"",
            "line not understood added: \"h3\"",
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

    #[test]
    fn values_are_compared_with_their_types() {
        let lines = |a: &str, b: &str| difference(a, b).iter().map(Change::to_string).collect::<Vec<_>>();
        let host = |value: &str| format!("[n]\nh x={value}\n");
        for (one, two) in [("0x10", "16"), ("1_000", "1000"), ("\"u'a'\"", "a"), ("\"[1,  'a']\"", "\"[1,'a']\"")] {
            assert_eq!(lines(&host(one), &host(two)), [""; 0], "{one} {two}");
        }
        for (one, two, told) in [
            ("False", "\"'False'\"", "h: x changed from \"False\" (a truth value) to \"False\" (a text)"),
            ("1", "1.0", "h: x changed from \"1\" to \"1.0\""),
            ("3.10", "\"'3.10'\"", "h: x changed from \"3.1\" to \"3.10\""),
            ("None", "\"'None'\"", "h: x changed from \"None\" (nothing) to \"None\" (a text)"),
            ("\"{'a': 1}\"", "\"{'a': '1'}\"", "h: x changed from \"{'a': 1}\" to \"{'a': '1'}\""),
        ] {
            assert_eq!(lines(&host(one), &host(two)), [told], "{one} {two}");
        }
        assert_eq!(lines(&host("\"{'a': 1, 'b': 2}\""), &host("\"{'b':2,'a':1}\"")), [""; 0]);
        let ranked = |rank: &str| format!("[a]\nh\n[a:vars]\nx=1\n{rank}[b]\nh\n[b:vars]\nx=2\n");
        let told = ["[a:vars]: ansible_group_priority set to \"5\""];
        assert_eq!(lines(&ranked(""), &ranked("ansible_group_priority=5\n")), told);
    }
}
