//! What an inventory and its files of variables say together, each fact with the line it stands on.

use crate::diff::meaning::Read;
use crate::edit::kinds::Edit;
use crate::edit::refusal::EditError;
use crate::edit::yaml_page::spots;
use crate::ini::pattern::HostPattern;
use crate::ini::text::{Inventory, LineKind};
use crate::yaml;
use crate::yaml::tree::{Entry, Node};
use std::collections::{BTreeMap, BTreeSet};

/// Whose variables a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Groups, hosts and variables: an inventory.
    Inventory,
    /// A file in `group_vars`.
    Group(String),
    /// A file in `host_vars`.
    Host(String),
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path, as findings shall name it.
    pub file: String,
    /// Its text.
    pub text: String,
    /// Whose variables it holds.
    pub owner: Owner,
}

impl Source {
    pub(crate) fn read(&self) -> Read {
        if self.owner == Owner::Inventory { Read::of(&self.text) } else { Read::of_vars(&self.text) }
    }
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) file: String,
    pub(crate) line: usize,
}

/// A variable as it is set somewhere.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    pub(crate) at: At,
    pub(crate) value: String,
    /// Whether a file of variables sets it; such a file wins over the inventory.
    in_file: bool,
}

/// Everything together.
#[derive(Default)]
pub(crate) struct Facts {
    /// The hosts of each group's own lines, in order.
    pub(crate) members: BTreeMap<String, Vec<(String, At)>>,
    /// The groups that are declared or named as a child, with their first line.
    pub(crate) groups: BTreeMap<String, At>,
    children: BTreeMap<String, BTreeSet<String>>,
    host_vars: BTreeMap<String, BTreeMap<String, Vec<Fact>>>,
    group_vars: BTreeMap<String, BTreeMap<String, Vec<Fact>>>,
}

impl Facts {
    /// Reads all files. What is not understood says nothing.
    pub(crate) fn of(sources: &[Source]) -> Self {
        let mut facts = Self::default();
        let (inventories, files): (Vec<&Source>, Vec<&Source>) =
            sources.iter().partition(|source| source.owner == Owner::Inventory);
        for source in inventories.into_iter().chain(files) {
            match source.read() {
                Read::Ini(inventory) => facts.ini(source, &inventory),
                Read::Groups(root) => facts.yaml(source, &root),
                Read::Vars(root) => facts.vars(source, &root),
            }
        }
        facts
    }

    fn ini(&mut self, source: &Source, inventory: &Inventory) {
        for section in inventory.sections() {
            if let Some(header) = section.header {
                self.group(&section.group, at_line(source, header));
            }
        }
        for (index, line) in inventory.lines().iter().enumerate() {
            let (group, at) = (inventory.group_at(index), at_line(source, index));
            match &line.kind {
                LineKind::Host(host) => {
                    for name in host.pattern.hosts() {
                        self.member(group, &name, at.clone());
                        for var in &host.vars {
                            self.host_var(&name, &var.name, fact(&at, &var.value, false));
                        }
                    }
                }
                LineKind::Var { name, value, .. } => self.group_var(group, name, fact(&at, value, false)),
                LineKind::Child { group: child } => self.child(group, child, at),
                _ => {}
            }
        }
    }

    fn yaml(&mut self, source: &Source, root: &Node) {
        let at = |entry: &Entry| at_byte(source, entry.key.span.start);
        for spot in spots(root) {
            self.group(spot.group, at(spot.entry));
            if let Some(parent) = spot.parent {
                self.child(parent, spot.group, at(spot.entry));
            }
            for (name, entry) in named(spot.part("vars")) {
                self.group_var(spot.group, name, fact(&at(entry), &yaml::shown(&entry.value), false));
            }
            for (key, host) in named(spot.part("hosts")) {
                for name in HostPattern::parse(key).map(|pattern| pattern.hosts()).unwrap_or_default() {
                    self.member(spot.group, &name, at(host));
                    for (var, entry) in named(Some(host)) {
                        self.host_var(&name, var, fact(&at(entry), &yaml::shown(&entry.value), false));
                    }
                }
            }
        }
    }

    fn vars(&mut self, source: &Source, root: &Node) {
        for entry in root.entries().unwrap_or_default() {
            let Some(name) = entry.key.scalar() else { continue };
            let fact = fact(&at_byte(source, entry.key.span.start), &yaml::shown(&entry.value), true);
            match &source.owner {
                Owner::Group(group) => self.group_var(group, name, fact),
                Owner::Host(host) => self.host_var(host, name, fact),
                Owner::Inventory => {}
            }
        }
    }

    fn group(&mut self, group: &str, at: At) {
        self.groups.entry(group.to_owned()).or_insert(at);
    }

    fn child(&mut self, parent: &str, child: &str, at: At) {
        self.group(child, at);
        self.children.entry(parent.to_owned()).or_default().insert(child.to_owned());
    }

    fn member(&mut self, group: &str, host: &str, at: At) {
        self.members.entry(group.to_owned()).or_default().push((host.to_owned(), at));
    }

    fn host_var(&mut self, host: &str, name: &str, fact: Fact) {
        self.host_vars.entry(host.to_owned()).or_default().entry(name.to_owned()).or_default().push(fact);
    }

    fn group_var(&mut self, group: &str, name: &str, fact: Fact) {
        self.group_vars.entry(group.to_owned()).or_default().entry(name.to_owned()).or_default().push(fact);
    }

    /// The inline variables of all hosts, each with everything that sets it.
    pub(crate) fn of_hosts(&self) -> impl Iterator<Item = (&str, &str, &[Fact])> {
        let hosts = self.host_vars.iter();
        hosts.flat_map(|(host, vars)| {
            vars.iter().map(move |(name, facts)| (host.as_str(), name.as_str(), facts.as_slice()))
        })
    }

    /// All groups above a group, with it.
    pub(crate) fn above(&self, group: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::from([group.to_owned()]);
        let mut open = vec![group.to_owned()];
        while let Some(group) = open.pop() {
            for parent in self.children.iter().filter(|(_, below)| below.contains(&group)).map(|(parent, _)| parent) {
                if found.insert(parent.clone()) {
                    open.push(parent.clone());
                }
            }
        }
        found
    }

    /// The hosts of a group and of the groups below it, each with its first line.
    pub(crate) fn hosts(&self, group: &str) -> Vec<(&str, &At)> {
        let mut seen = BTreeSet::new();
        let below = self.members.iter().filter(|(own, _)| group == "all" || self.above(own).contains(group));
        let hosts = below.flat_map(|(_, hosts)| hosts);
        hosts.filter(|(host, _)| seen.insert(host)).map(|(host, at)| (host.as_str(), at)).collect()
    }

    /// The groups of a host, the outermost first, as their variables are overlaid; `all` is the first.
    fn layers(&self, host: &str) -> Vec<String> {
        let own = self.members.iter().filter(|(_, hosts)| hosts.iter().any(|(name, _)| name == host));
        let held: BTreeSet<String> = own.flat_map(|(group, _)| self.above(group)).collect();
        let mut depths: BTreeMap<&str, usize> = held.iter().map(|group| (group.as_str(), 1)).collect();
        // The longest way down from `all`; bounded, so that a cycle ends.
        for _ in 0..held.len() {
            for group in &held {
                let parents = self.children.iter().filter(|(_, below)| below.contains(group));
                let above = parents.filter_map(|(parent, _)| depths.get(parent.as_str())).max().copied();
                let depth = above.map_or(1, |above| above.saturating_add(1).min(held.len()));
                depths.insert(group, depth);
            }
        }
        let mut layers: Vec<(usize, &String)> = held
            .iter()
            .filter(|group| *group != "all")
            .map(|group| (depths.get(group.as_str()).copied().unwrap_or(1), group))
            .collect();
        layers.sort();
        ["all".to_owned()].into_iter().chain(layers.into_iter().map(|(_, group)| group.clone())).collect()
    }

    /// The variable as a playbook gets it, without the variables of the playbook and the command line.
    pub(crate) fn effective(&self, host: &str, name: &str) -> Option<&Fact> {
        if let Some(own) = self.host_vars.get(host).and_then(|vars| vars.get(name)).and_then(|facts| facts.last()) {
            return Some(own);
        }
        let facts = self.layers(host).into_iter().filter_map(|group| self.group_vars.get(&group)?.get(name));
        let facts: Vec<&Fact> = facts.flatten().collect();
        facts.iter().rev().find(|fact| fact.in_file).or(facts.last()).copied()
    }
}

/// The groups that a text names, with `all`; files of variables may go by these names.
pub fn groups_in(text: &str) -> BTreeSet<String> {
    let source = Source { file: String::new(), text: text.to_owned(), owner: Owner::Inventory };
    let groups = Facts::of(&[source]).groups.into_keys();
    // A name that leads elsewhere names no file beside the inventory.
    groups.chain(["all".to_owned()]).filter(|group| !group.contains('/') && !group.starts_with('.')).collect()
}

/// Refuses edits of group variables that a file in `group_vars` would outvote: what such a file says wins over all
/// group variables of the inventory.
///
/// # Errors
/// With the file and line that says something else.
pub fn outvoted(text: &str, files: &[Source], edits: &[Edit]) -> Result<(), EditError> {
    let inventory = Source { file: String::new(), text: text.to_owned(), owner: Owner::Inventory };
    let facts = Facts::of(&[&[inventory], files].concat());
    for edit in edits {
        let (group, names): (&str, Vec<&str>) = match edit {
            Edit::SetGroupVar { group, name, .. } | Edit::LiftHostVar { group, name } => (group, vec![name]),
            Edit::PinVersions { group: Some(group), .. } => (group, crate::edit::pins::names()),
            Edit::NodeGroup { group: Some(group), .. } => (group, vec![crate::edit::definitions::VARIABLE]),
            _ => continue,
        };
        for name in names {
            let set = facts.group_vars.get(group).and_then(|vars| vars.get(name));
            let Some(wanted) = set.and_then(|facts| facts.iter().rev().find(|fact| !fact.in_file)) else { continue };
            // What wins for a host of the group; the group's own file counts even while it has no host.
            let mine = set.and_then(|facts| facts.iter().rev().find(|fact| fact.in_file));
            let hosts = facts.hosts(group);
            let others = hosts.iter().filter_map(|(host, _)| facts.effective(host, name));
            let winner = mine.into_iter().chain(others).find(|fact| fact.in_file && fact.value != wanted.value);
            if let Some(winner) = winner {
                return Err(EditError::Outvoted {
                    file: winner.at.file.clone(),
                    line: winner.at.line,
                    group: group.to_owned(),
                    name: name.to_owned(),
                });
            }
        }
    }
    Ok(())
}

fn fact(at: &At, value: &str, in_file: bool) -> Fact {
    Fact { at: at.clone(), value: value.to_owned(), in_file }
}

fn named(map: Option<&Entry>) -> impl Iterator<Item = (&str, &Entry)> {
    let entries = map.and_then(|map| map.value.entries()).unwrap_or_default().iter();
    entries.filter_map(|entry| Some((entry.key.scalar()?, entry)))
}

pub(crate) fn at_line(source: &Source, index: usize) -> At {
    At { file: source.file.clone(), line: index + 1 }
}

pub(crate) fn at_byte(source: &Source, at: usize) -> At {
    At { file: source.file.clone(), line: yaml::line_of(&source.text, at) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(owner: Owner, text: &str) -> Source {
        Source { file: "f".to_owned(), text: text.to_owned(), owner }
    }

    #[test]
    fn files_win_over_the_inventory_and_deeper_groups_over_others() {
        let text =
            "[p:children]\ng\n[g]\nh a=inline\n[h]\nh\n[p:vars]\na=1\nb=1\nc=1\n[g:vars]\nc=2\nd=2\n[all:vars]\ne=0\n";
        let group = |name: &str, text| source(Owner::Group(name.to_owned()), text);
        let files = [
            source(Owner::Inventory, text),
            group("all", "b: 3\nd: 3\n"),
            group("p", "d: 4\n"),
            source(Owner::Host("h".to_owned()), "a: file\n"),
        ];
        let facts = Facts::of(&files);
        for (name, value) in
            [("a", Some("file")), ("b", Some("3")), ("c", Some("2")), ("d", Some("4")), ("e", Some("0")), ("f", None)]
        {
            assert_eq!(facts.effective("h", name).map(|fact| fact.value.as_str()), value, "{name}");
        }
        assert_eq!(groups_in(text).into_iter().collect::<Vec<_>>(), ["all", "g", "h", "p"]);
        let edit = |group: &str, name: &str| Edit::LiftHostVar { group: group.to_owned(), name: name.to_owned() };
        for (edit, refused) in
            [(edit("g", "c"), false), (edit("g", "d"), true), (edit("p", "b"), true), (edit("p", "x"), false)]
        {
            let error = outvoted(text, &files[1..], std::slice::from_ref(&edit));
            assert_eq!(error.is_err(), refused, "{edit:?}: {error:?}");
        }
    }
}
