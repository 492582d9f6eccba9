//! Hosts and groups while they are read: who is in what, and what was set where.

use crate::model::error::{Wrong, shown};
use crate::model::value::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Where something is said: a file, by its place in the list of files, and a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) file: usize,
    pub(crate) line: usize,
}

/// Variables by name, each with every value that it was given; the last counts.
pub(crate) type Vars = BTreeMap<String, Vec<(Value, At)>>;

#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) hosts: Vec<usize>,
    members: HashSet<usize>,
    pub(crate) children: Vec<usize>,
    pub(crate) parents: Vec<usize>,
    pub(crate) vars: Vars,
    /// The longest way down from `all`; known once all is read.
    pub(crate) depth: usize,
    pub(crate) priority: i128,
    /// What said the priority.
    pub(crate) ranked: Option<(Value, At)>,
    /// Where it is named first; none if that was not told.
    pub(crate) at: Option<At>,
    /// Each time that a host is named in it.
    pub(crate) named: Vec<(usize, At)>,
}

#[derive(Debug, Default)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) vars: Vars,
    /// The groups that name it.
    pub(crate) groups: Vec<usize>,
}

/// Hosts and groups in the order in which they were first named.
#[derive(Debug)]
pub(crate) struct Estate {
    pub(crate) groups: Vec<Group>,
    pub(crate) hosts: Vec<Host>,
    group_places: HashMap<String, usize>,
    host_places: HashMap<String, usize>,
    /// Parents and children.
    links: HashSet<(usize, usize)>,
}

/// The group that holds all.
pub(crate) const ALL: usize = 0;
/// The group of hosts without another.
pub(crate) const UNGROUPED: usize = 1;

const CIRCLE: &str = "take one of the two out of the other's children";

impl Estate {
    pub(crate) fn new() -> Self {
        let mut estate = Self {
            groups: Vec::new(),
            hosts: Vec::new(),
            group_places: HashMap::new(),
            host_places: HashMap::new(),
            links: HashSet::new(),
        };
        estate.group("all");
        estate.group("ungrouped");
        // These two cannot be above each other yet.
        let _ = estate.add_child(ALL, UNGROUPED, 0);
        estate
    }

    pub(crate) fn find_group(&self, name: &str) -> Option<usize> {
        self.group_places.get(name).copied()
    }

    pub(crate) fn find_host(&self, name: &str) -> Option<usize> {
        self.host_places.get(name).copied()
    }

    /// The group of that name, made if it is not there.
    pub(crate) fn group(&mut self, name: &str) -> usize {
        if let Some(known) = self.find_group(name) {
            return known;
        }
        let place = self.groups.len();
        self.groups.push(Group { name: name.to_owned(), priority: 1, ..Group::default() });
        self.group_places.insert(name.to_owned(), place);
        place
    }

    /// The same, and where it is named.
    pub(crate) fn group_at(&mut self, name: &str, at: At) -> usize {
        let place = self.group(name);
        self.seen(place, at);
        place
    }

    /// Notes that something is said of a group.
    fn seen(&mut self, group: usize, at: At) {
        if let Some(group) = self.groups.get_mut(group)
            && group.at.is_none_or(|first| at.file == first.file && at.line < first.line)
        {
            group.at = Some(at);
        }
    }

    /// Puts a host into a group, and makes it if it is not there. A port counts only when a host is made.
    pub(crate) fn add_host(&mut self, name: &str, group: usize, port: Option<&str>, at: At) {
        let host = self.find_host(name).unwrap_or_else(|| {
            let mut vars = Vars::new();
            if let Some(port) = port {
                vars.insert("ansible_port".to_owned(), vec![(Value::Int(port.to_owned()), at)]);
            }
            self.hosts.push(Host { name: name.to_owned(), vars, groups: Vec::new() });
            self.host_places.insert(name.to_owned(), self.hosts.len() - 1);
            self.hosts.len() - 1
        });
        self.seen(group, at);
        if let Some(group) = self.groups.get_mut(group) {
            group.named.push((host, at));
        }
        self.join(host, group);
    }

    fn join(&mut self, host: usize, group: usize) {
        if let (Some(group_data), Some(host_data)) = (self.groups.get_mut(group), self.hosts.get_mut(host))
            && group_data.members.insert(host)
        {
            group_data.hosts.push(host);
            host_data.groups.push(group);
        }
    }

    /// Sets a variable of whatever has this name: of a group, if there is one.
    pub(crate) fn set(&mut self, name: &str, variable: &str, value: Value, at: At) -> Result<(), Wrong> {
        if let Some(group) = self.find_group(name) {
            return self.set_of_group(group, variable, value, at);
        }
        if let Some(host) = self.find_host(name).and_then(|host| self.hosts.get_mut(host)) {
            host.vars.entry(variable.to_owned()).or_default().push((value, at));
        }
        Ok(())
    }

    pub(crate) fn set_of_group(&mut self, group: usize, name: &str, value: Value, at: At) -> Result<(), Wrong> {
        self.seen(group, at);
        let Some(group) = self.groups.get_mut(group) else { return Ok(()) };
        if name == "ansible_group_priority" {
            let why = || Wrong::new(at.line, "ansible_group_priority is no whole number", "write a number such as 10");
            group.priority = priority(&value).ok_or_else(why)?;
            group.ranked = Some((value, at));
        } else {
            group.vars.entry(name.to_owned()).or_default().push((value, at));
        }
        Ok(())
    }

    /// Puts a group below another.
    pub(crate) fn add_child(&mut self, parent: usize, child: usize, line: usize) -> Result<(), Wrong> {
        let name = |group: usize| self.groups.get(group).map_or_else(String::new, |group| shown(&group.name));
        if parent == child {
            return Err(Wrong::new(line, format!("group {} is its own child", name(parent)), "take it out there"));
        }
        if self.links.contains(&(parent, child)) || self.groups.get(parent).is_none() {
            return Ok(());
        }
        if self.is_below(child, parent) {
            let why = format!("group {} cannot be a child of {}, which is below it", name(child), name(parent));
            return Err(Wrong::new(line, why, CIRCLE));
        }
        self.links.insert((parent, child));
        if let Some(group) = self.groups.get_mut(parent) {
            group.children.push(child);
        }
        if let Some(group) = self.groups.get_mut(child) {
            group.parents.push(parent);
        }
        Ok(())
    }

    /// Whether a group is below another. It is looked for from both ends side by side: one of them is near, as inventories
    /// are written, and a long chain is not walked for each of its links.
    fn is_below(&self, above: usize, below: usize) -> bool {
        let (mut down, mut up) = (vec![above], vec![below]);
        let (mut seen_down, mut seen_up) = (HashSet::from([above]), HashSet::from([below]));
        loop {
            let Some(group) = down.pop() else { return false };
            for child in self.groups.get(group).map(|group| group.children.as_slice()).unwrap_or_default() {
                if *child == below {
                    return true;
                }
                if seen_down.insert(*child) {
                    down.push(*child);
                }
            }
            let Some(group) = up.pop() else { return false };
            for parent in self.groups.get(group).map(|group| group.parents.as_slice()).unwrap_or_default() {
                if *parent == above {
                    return true;
                }
                if seen_up.insert(*parent) {
                    up.push(*parent);
                }
            }
        }
    }

    /// A child is deeper than all its parents: the longest way counts.
    fn measure(&mut self) {
        let mut waits: Vec<usize> = self.groups.iter().map(|group| group.parents.len()).collect();
        let mut open: Vec<usize> = (0..waits.len()).filter(|group| waits.get(*group) == Some(&0)).collect();
        while let Some(group) = open.pop() {
            let Some(depth) = self.groups.get(group).map(|group| group.depth) else { continue };
            for at in 0..self.groups.get(group).map_or(0, |group| group.children.len()) {
                let Some(child) = self.groups.get(group).and_then(|group| group.children.get(at)).copied() else {
                    continue;
                };
                if let Some(child) = self.groups.get_mut(child) {
                    child.depth = child.depth.max(depth + 1);
                }
                if let Some(left) = waits.get_mut(child) {
                    *left -= 1;
                    if *left == 0 {
                        open.push(child);
                    }
                }
            }
        }
    }

    /// All groups above some, without these, unless they are above each other.
    pub(crate) fn above(&self, groups: &[usize]) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open: Vec<usize> = groups.to_vec();
        while let Some(group) = open.pop() {
            for parent in self.groups.get(group).map(|group| group.parents.as_slice()).unwrap_or_default() {
                if found.insert(*parent) {
                    open.push(*parent);
                }
            }
        }
        found
    }

    /// A group and all below it, level by level; none if there is no such group.
    pub(crate) fn below(&self, group: &str) -> Vec<usize> {
        let mut order: Vec<usize> = self.find_group(group).into_iter().collect();
        let mut seen: HashSet<usize> = order.iter().copied().collect();
        let mut at = 0;
        while let Some(group) = order.get(at).and_then(|group| self.groups.get(*group)) {
            order.extend(group.children.iter().filter(|child| seen.insert(**child)));
            at += 1;
        }
        order
    }

    /// The hosts of a group and of all groups below it, each once: its own, then those of its children, level by level.
    pub(crate) fn hosts_of(&self, group: &str) -> Vec<usize> {
        let mut known = HashSet::new();
        let groups = self.below(group).into_iter().filter_map(|group| self.groups.get(group));
        groups.flat_map(|group| &group.hosts).copied().filter(|host| known.insert(*host)).collect()
    }

    /// The groups of a host, without `all`: the deepest last, then by priority, then by name.
    pub(crate) fn order_of(&self, host: usize) -> Vec<usize> {
        let mut groups: Vec<usize> = self.groups_of(host).into_iter().filter(|group| *group != ALL).collect();
        groups.sort_by_key(|group| self.groups.get(*group).map(|group| (group.depth, group.priority, &group.name)));
        groups
    }

    /// A variable as the inventory alone gives it to a host.
    pub(crate) fn effective(&self, host: &str, name: &str) -> Option<&Value> {
        let place = self.find_host(host)?;
        if let Some((value, _)) = self.hosts.get(place)?.vars.get(name).and_then(|given| given.last()) {
            return Some(value);
        }
        let groups = self.order_of(place).into_iter().rev().chain([ALL]);
        groups.filter_map(|group| self.groups.get(group)?.vars.get(name)?.last()).map(|(value, _)| value).next()
    }

    /// All groups that a host is in.
    pub(crate) fn groups_of(&self, host: usize) -> BTreeSet<usize> {
        let own = self.hosts.get(host).map(|host| host.groups.as_slice()).unwrap_or_default();
        let mut all = self.above(own);
        all.extend(own);
        all
    }

    /// The groups that some host is in, and `all` if there is any host, in the order of the groups.
    pub(crate) fn groups_with_hosts(&self) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let own = self.hosts.iter().flat_map(|host| &host.groups);
        let mut open: Vec<usize> = own.copied().filter(|group| found.insert(*group)).collect();
        while let Some(group) = open.pop() {
            for parent in self.groups.get(group).map(|group| group.parents.as_slice()).unwrap_or_default() {
                if found.insert(*parent) {
                    open.push(*parent);
                }
            }
        }
        if !found.is_empty() {
            found.insert(ALL);
        }
        found
    }

    /// What holds at the end: every group is below `all`, and hosts without a group are ungrouped.
    pub(crate) fn settle(&mut self) -> Result<(), Wrong> {
        for group in 1..self.groups.len() {
            if self.groups.get(group).is_some_and(|group| group.parents.is_empty()) {
                self.add_child(ALL, group, 0).map_err(|wrong| Wrong { line: None, ..wrong })?;
            }
        }
        for host in 0..self.hosts.len() {
            // Most hosts are in a group of their own, and what is above that does not matter then.
            let own = self.hosts.get(host).map(|host| host.groups.as_slice()).unwrap_or_default();
            let plain = |group: &usize| *group != ALL && *group != UNGROUPED;
            if !own.contains(&UNGROUPED) && own.iter().any(plain) && !self.ungrouped_has_children() {
                continue;
            }
            let groups = self.groups_of(host);
            if groups.contains(&UNGROUPED) {
                if groups.iter().any(plain) {
                    self.leave_ungrouped(host);
                }
            } else if groups.iter().all(|group| *group == ALL) {
                let name = self.hosts.get(host).map(|host| host.name.clone()).unwrap_or_default();
                // Ansible looks a name up among groups first: a host that is called like a group stays without one, and
                // the group goes where the host should have gone.
                match self.find_group(&name).filter(|group| *group != ALL && *group != UNGROUPED) {
                    Some(group) => {
                        self.add_child(UNGROUPED, group, 0).map_err(|wrong| Wrong { line: None, ..wrong })?;
                    }
                    None => self.join(host, UNGROUPED),
                }
            }
        }
        self.measure();
        Ok(())
    }

    /// Whether `ungrouped` has groups below it.
    fn ungrouped_has_children(&self) -> bool {
        self.groups.get(UNGROUPED).is_some_and(|group| !group.children.is_empty())
    }

    fn leave_ungrouped(&mut self, host: usize) {
        if let Some(group) = self.groups.get_mut(UNGROUPED) {
            group.hosts.retain(|member| *member != host);
            group.members.remove(&host);
        }
        if let Some(host) = self.hosts.get_mut(host) {
            host.groups.retain(|group| *group != UNGROUPED);
        }
    }
}

/// As `int` reads it.
fn priority(value: &Value) -> Option<i128> {
    match value {
        Value::Bool(truth) => Some(i128::from(*truth)),
        Value::Int(digits) => digits.parse().ok(),
        Value::Float(number) if number.is_finite() && number.abs() < 1e30 => {
            format!("{:.0}", number.trunc()).parse().ok()
        }
        Value::Text(text) | Value::Unsafe(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    }
}
