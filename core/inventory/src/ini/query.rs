//! What an inventory says: hosts, groups and variables as Ansible would see them.

use crate::ini::text::{Inventory, LineKind, SectionKind};
use crate::model::hosts_of;
use std::collections::{BTreeMap, BTreeSet};

impl Inventory {
    /// The groups in order of their first header, whatever its kind.
    pub fn groups(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let known = self.sections().iter().filter(|section| section.header.is_some() && section.kind.is_some());
        known.map(|section| section.group.as_str()).filter(|group| seen.insert(*group)).collect()
    }

    /// Whether the group is declared by `[group]` or `[group:children]`; `all` and `ungrouped` always are.
    ///
    /// To have variables or to be named as a child is not enough: Ansible refuses such a file.
    pub fn group_exists(&self, group: &str) -> bool {
        matches!(group, "all" | "ungrouped")
            || self.sections().iter().any(|section| {
                section.header.is_some()
                    && section.group == group
                    && matches!(section.kind, Some(SectionKind::Hosts | SectionKind::Children))
            })
    }

    /// The child groups that `[group:children]` names, in order.
    pub fn children(&self, group: &str) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        self.sections_of(group, SectionKind::Children)
            .flat_map(|section| self.lines_in(section))
            .filter_map(|(_, line)| match &line.kind {
                LineKind::Child { group } => Some(group.as_str()),
                _ => None,
            })
            .filter(|child| seen.insert(*child))
            .collect()
    }

    /// The group and all below it, the group first; a cycle is walked once.
    pub fn descendants(&self, group: &str) -> Vec<String> {
        let mut found = vec![group.to_owned()];
        let mut seen = BTreeSet::from([group.to_owned()]);
        let mut at = 0;
        while let Some(group) = found.get(at).cloned() {
            for child in self.children(&group) {
                if seen.insert(child.to_owned()) {
                    found.push(child.to_owned());
                }
            }
            at += 1;
        }
        found
    }

    /// The explicit hosts of a group and its children, each once, in order: the group's own, then each child's.
    ///
    /// Hosts inside a range are not listed; see [`Inventory::every_host`].
    pub fn hosts(&self, group: &str) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let named = self.host_patterns(group).into_iter().filter_map(|(_, name)| name);
        named.filter(|name| seen.insert(*name)).collect()
    }

    /// Every host of a group and its children, also those of ranges, each once, in the order of [`Inventory::hosts`]; or
    /// which range names none, and why.
    pub fn every_host(&self, group: &str) -> Result<Vec<String>, String> {
        let mut seen = BTreeSet::new();
        let mut hosts = Vec::new();
        for (text, name) in self.host_patterns(group) {
            let named = match name {
                Some(name) => vec![name.to_owned()],
                None => hosts_of(text)?,
            };
            for host in named {
                let wanted = name.is_some() || group != "ungrouped" || self.own_groups(&host) == ["ungrouped"];
                if wanted && seen.insert(host.clone()) {
                    hosts.push(host);
                }
            }
        }
        Ok(hosts)
    }

    /// The lines of a group and its children that are not understood, with their numbers from 1: each may name a host,
    /// so a caller that needs every host must refuse them.
    pub fn strange_lines(&self, group: &str) -> Vec<(usize, &str)> {
        let groups = self.descendants(group);
        let wanted = |at: &str| group == "all" || groups.iter().any(|group| group == at);
        let all = self.lines().iter().enumerate().filter(|(_, line)| matches!(line.kind, LineKind::Other));
        all.filter(|(at, line)| {
            let section = self.sections().get(line.section);
            wanted(self.group_at(*at)) && section.is_none_or(|section| section.kind != Some(SectionKind::Vars))
        })
        .map(|(at, line)| (at + 1, self.text().get(line.content.start..line.content.end).unwrap_or_default()))
        .collect()
    }

    fn host_patterns(&self, group: &str) -> Vec<(&str, Option<&str>)> {
        if group == "all" {
            return self.host_lines().map(|(_, line)| (line.pattern.text(), line.pattern.name())).collect();
        }
        let mut found = Vec::new();
        for group in self.descendants(group) {
            for section in self.sections_of(&group, SectionKind::Hosts) {
                for (_, line) in self.lines_in(section) {
                    let LineKind::Host(line) = &line.kind else {
                        continue;
                    };
                    // A host of any other group is not ungrouped.
                    let name = line.pattern.name();
                    if group != "ungrouped" || name.is_none_or(|name| self.own_groups(name) == ["ungrouped"]) {
                        found.push((line.pattern.text(), name));
                    }
                }
            }
        }
        found
    }

    /// The groups whose own lines name the host, alone or in a range, in order.
    pub(crate) fn own_groups(&self, host: &str) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let lines = self.host_lines().filter(|(_, line)| line.pattern.names(host));
        lines.map(|(at, _)| self.group_at(at)).filter(|group| seen.insert(*group)).collect()
    }

    /// All groups that hold the host, also through children, its own first; without `all`.
    pub fn groups_of(&self, host: &str) -> Vec<String> {
        let mut found: Vec<String> = self.own_groups(host).into_iter().map(str::to_owned).collect();
        let mut at = 0;
        while let Some(group) = found.get(at).cloned() {
            for parent in self.parents(&group) {
                if parent != "all" && !found.iter().any(|known| known == parent) {
                    found.push(parent.to_owned());
                }
            }
            at += 1;
        }
        if found.len() > 1 {
            found.retain(|group| group != "ungrouped");
        }
        found
    }

    fn parents(&self, group: &str) -> Vec<&str> {
        self.groups().into_iter().filter(|parent| self.children(parent).contains(&group)).collect()
    }

    /// Whether any line names the host, alone or in a range.
    pub fn has_host(&self, host: &str) -> bool {
        self.host_lines().any(|(_, line)| line.pattern.names(host))
    }

    /// An inline variable of the host: the last of all lines that name it.
    pub fn host_var(&self, host: &str, name: &str) -> Option<&str> {
        let lines = self.host_lines().rev().filter(|(_, line)| line.pattern.names(host));
        lines.flat_map(|(_, line)| line.vars.iter().rev()).find(|var| var.name == name).map(|var| var.value.as_str())
    }

    /// The text of an inline variable after the shell's rules and before Python's.
    pub(crate) fn host_var_text(&self, host: &str, name: &str) -> Option<&str> {
        let lines = self.host_lines().rev().filter(|(_, line)| line.pattern.names(host));
        lines.flat_map(|(_, line)| line.vars.iter().rev()).find(|var| var.name == name).map(|var| var.raw.as_str())
    }

    /// All inline variables of the host.
    pub fn host_vars(&self, host: &str) -> BTreeMap<&str, &str> {
        let lines = self.host_lines().filter(|(_, line)| line.pattern.names(host));
        lines.flat_map(|(_, line)| &line.vars).map(|var| (var.name.as_str(), var.value.as_str())).collect()
    }

    /// The variables that `[group:vars]` sets; the last wins.
    pub fn group_vars(&self, group: &str) -> BTreeMap<&str, &str> {
        self.sections_of(group, SectionKind::Vars)
            .flat_map(|section| self.lines_in(section))
            .filter_map(|(_, line)| match &line.kind {
                LineKind::Var { name, value, .. } => Some((name.as_str(), value.as_str())),
                _ => None,
            })
            .collect()
    }

    /// The variable as this file alone gives it to the host: inline, else of the deepest group, else of `all`.
    ///
    /// At equal depth the group that is last in the alphabet wins. Files in `group_vars` and `host_vars`, and
    /// `ansible_group_priority`, are not looked at.
    pub fn effective_var(&self, host: &str, name: &str) -> Option<&str> {
        if let Some(value) = self.host_var(host, name) {
            return Some(value);
        }
        let mut groups: Vec<(usize, String)> = vec![(0, "all".to_owned())];
        if self.has_host(host) {
            let held = self.groups_of(host);
            let mut depths: BTreeMap<&str, usize> = held.iter().map(|group| (group.as_str(), 1)).collect();
            // The longest way down from `all`; bounded, so that a cycle ends.
            for _ in 0..held.len() {
                for group in &held {
                    let above = self.parents(group).into_iter().filter_map(|parent| depths.get(parent)).max().copied();
                    let depth = above.map_or(1, |above| above.saturating_add(1).min(held.len()));
                    depths.insert(group, depth);
                }
            }
            groups.extend(depths.into_iter().map(|(group, depth)| (depth, group.to_owned())));
        }
        groups.sort();
        groups.iter().rev().find_map(|(_, group)| self.group_vars(group).get(name).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
lone
[OSEv3:children]
masters
nodes
[OSEv3:vars]
deployment=openshift
region=eu # kept
[nodes:vars]
region='us'
[masters]
m1:22
[nodes]
m1 role=master
g1 role=node group='x-crio'
g[2:3] role=range
[glusterfs]
g1 role=storage devices='[ \"/dev/vdb\" ]'
[loop:children]
pool
[pool:children]
loop
glusterfs
";

    #[test]
    fn hosts_and_groups() {
        let inventory = Inventory::parse(TEXT);
        assert_eq!(inventory.hosts("OSEv3"), ["m1", "g1"]);
        assert_eq!(inventory.every_host("OSEv3").expect("ranges"), ["m1", "g1", "g2", "g3"]);
        assert_eq!(inventory.every_host("ungrouped").expect("ranges"), ["lone"]);
        let strange = Inventory::parse("[a]\nn[1:999999999]\n").every_host("a");
        assert!(strange.is_err_and(|why| why.contains("more than")));
        assert_eq!(inventory.hosts("all"), ["lone", "m1", "g1"]);
        assert_eq!(inventory.hosts("ungrouped"), ["lone"]);
        assert_eq!(inventory.hosts("loop"), ["g1"]);
        assert_eq!(inventory.children("OSEv3"), ["masters", "nodes"]);
        assert_eq!(inventory.own_groups("g1"), ["nodes", "glusterfs"]);
        assert_eq!(inventory.groups_of("g1"), ["nodes", "glusterfs", "OSEv3", "pool", "loop"]);
        assert_eq!(inventory.groups_of("lone"), ["ungrouped"]);
        for (group, exists) in [("nodes", true), ("pool", true), ("all", true), ("new_nodes", false)] {
            assert_eq!(inventory.group_exists(group), exists, "{group}");
        }
        assert!(!Inventory::parse("[g:vars]\nx=1\n").group_exists("g"));
    }

    #[test]
    fn lines_that_may_name_a_host() {
        let inventory = Inventory::parse("[a:children]\nb\n[b]\ng1\ng[2\n[c]\nh[2\n[b:vars]\nx\n");
        assert_eq!(inventory.strange_lines("a"), [(5, "g[2")]);
        assert_eq!(inventory.strange_lines("all"), [(5, "g[2"), (7, "h[2")]);
        assert_eq!(Inventory::parse(TEXT).strange_lines("all"), []);
    }

    #[test]
    fn variables() {
        let inventory = Inventory::parse(TEXT);
        assert_eq!(inventory.host_var("g1", "role"), Some("storage"));
        assert_eq!(inventory.host_var("g3", "role"), Some("range"));
        assert_eq!(inventory.host_var("g4", "role"), None);
        assert_eq!(inventory.host_vars("g1").len(), 3);
        assert_eq!(inventory.group_vars("OSEv3").get("region"), Some(&"eu # kept"));
        assert_eq!(inventory.effective_var("g1", "region"), Some("us"));
        assert_eq!(inventory.effective_var("g1", "deployment"), Some("openshift"));
        assert_eq!(inventory.effective_var("lone", "deployment"), None);
        assert_eq!(inventory.effective_var("g1", "role"), Some("storage"));
    }
}
