//! What a text means: groups, hosts and variables, in whichever form it is written.

use crate::ini::pattern::HostPattern;
use crate::ini::split;
use crate::ini::text::{Inventory, LineKind};
use crate::yaml;
use crate::yaml::tree::{Entry, Node};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) type Word<'a> = Cow<'a, str>;
pub(crate) type Vars<'a> = BTreeMap<(Word<'a>, Word<'a>), Word<'a>>;

/// So many hosts of ranges are told one by one; if there are more, ranges count as they are written.
pub(crate) const MOST: u64 = 1 << 20;

#[derive(Default)]
pub(crate) struct Meaning<'a> {
    pub(crate) groups: BTreeSet<Word<'a>>,
    pub(crate) children: BTreeSet<(Word<'a>, Word<'a>)>,
    pub(crate) members: BTreeMap<Word<'a>, Vec<Word<'a>>>,
    pub(crate) host_vars: Vars<'a>,
    pub(crate) group_vars: Vars<'a>,
    /// Of a file in `group_vars` or `host_vars`.
    pub(crate) vars: BTreeMap<Word<'a>, Word<'a>>,
    pub(crate) other: BTreeSet<Word<'a>>,
}

/// A text that was read.
pub(crate) enum Read {
    Ini(Inventory),
    /// An inventory in YAML.
    Groups(Node),
    /// A file of variables.
    Vars(Node),
}

impl Read {
    /// Reads any text; what is no YAML is read as INI, line by line.
    pub(crate) fn of(text: &str) -> Self {
        if yaml::is_yaml(text)
            && let Ok(root) = yaml::parse(text)
            && let Some(entries) = root.entries()
        {
            return if are_groups(entries) { Self::Groups(root) } else { Self::Vars(root) };
        }
        Self::Ini(Inventory::parse(text))
    }

    /// Reads a file of variables; one that cannot be read says nothing.
    pub(crate) fn of_vars(text: &str) -> Self {
        yaml::parse(text).map_or_else(|_| Self::Ini(Inventory::parse("")), Self::Vars)
    }

    /// How many hosts the ranges name.
    pub(crate) fn spread(&self) -> u64 {
        match self {
            Self::Ini(inventory) => spread(inventory),
            Self::Groups(_) | Self::Vars(_) => 0,
        }
    }

    pub(crate) fn meaning(&self, expand: bool) -> Meaning<'_> {
        match self {
            Self::Ini(inventory) => Meaning::of(inventory, expand),
            Self::Groups(root) => Meaning::of_groups(root),
            Self::Vars(root) => Meaning::of_vars(root),
        }
    }
}

pub(crate) fn spread(inventory: &Inventory) -> u64 {
    let ranges = inventory.host_lines().filter(|(_, line)| line.pattern.is_range());
    ranges.map(|(_, line)| split::count(line.pattern.text()).unwrap_or(1)).fold(0, u64::saturating_add)
}

/// Whether the entries at the top are groups, and not variables.
fn are_groups(entries: &[Entry]) -> bool {
    let parts = |entry: &Entry| {
        let parts = entry.value.entries()?;
        Some(parts.iter().all(|part| matches!(part.key.scalar(), Some("hosts" | "children" | "vars"))))
    };
    let none = |entry: &Entry| entry.value.scalar() == Some("None");
    entries.iter().all(|entry| none(entry) || parts(entry) == Some(true))
        && entries.iter().any(|entry| parts(entry).is_some() || entry.key.scalar() == Some("all"))
}

impl<'a> Meaning<'a> {
    pub(crate) fn of(inventory: &'a Inventory, expand: bool) -> Self {
        let groups = inventory.groups().into_iter().filter(|group| inventory.group_exists(group)).map(Cow::Borrowed);
        let mut meaning = Self { groups: groups.collect(), ..Self::default() };
        let mut known = BTreeSet::new();
        for (at, line) in inventory.lines().iter().enumerate() {
            let group = Cow::Borrowed(inventory.group_at(at));
            match &line.kind {
                LineKind::Host(host) => {
                    for key in names(&host.pattern, expand) {
                        meaning.host(&mut known, &group, &key, host.pattern.port());
                        for var in &host.vars {
                            let name = Cow::Borrowed(var.name.as_str());
                            meaning.host_vars.insert((key.clone(), name), Cow::Borrowed(&var.value));
                        }
                    }
                }
                LineKind::Var { name, value, .. } => {
                    meaning.group_vars.insert((group, Cow::Borrowed(name)), Cow::Borrowed(value));
                }
                LineKind::Child { group: child } => {
                    meaning.children.insert((group, Cow::Borrowed(child)));
                }
                LineKind::Other => {
                    meaning.other.insert(Cow::Borrowed(line.content.of(inventory.text())));
                }
                LineKind::Blank | LineKind::Comment | LineKind::Header => {}
            }
        }
        meaning
    }

    fn host(
        &mut self,
        known: &mut BTreeSet<(Word<'a>, Word<'a>)>,
        group: &Word<'a>,
        host: &Word<'a>,
        port: Option<&'a str>,
    ) {
        if known.insert((group.clone(), host.clone())) {
            self.members.entry(group.clone()).or_default().push(host.clone());
        }
        if let Some(port) = port {
            self.host_vars.insert((host.clone(), Cow::Borrowed("ansible_port")), Cow::Borrowed(port));
        }
    }

    fn of_groups(root: &'a Node) -> Self {
        let mut meaning = Self::default();
        let mut known = BTreeSet::new();
        let mut open: Vec<(Option<&str>, &Entry)> =
            root.entries().unwrap_or_default().iter().map(|e| (None, e)).collect();
        open.reverse();
        while let Some((parent, entry)) = open.pop() {
            let Some(name) = entry.key.scalar() else { continue };
            let group = Cow::Borrowed(name);
            if !matches!(name, "all" | "ungrouped") {
                meaning.groups.insert(group.clone());
            }
            if let Some(parent) = parent.filter(|parent| *parent != "all") {
                meaning.children.insert((Cow::Borrowed(parent), group.clone()));
            }
            for part in entry.value.entries().unwrap_or_default() {
                let entries = part.value.entries().unwrap_or_default();
                match part.key.scalar() {
                    Some("hosts") => entries.iter().for_each(|host| meaning.yaml_host(&mut known, &group, host)),
                    Some("vars") => {
                        for var in entries {
                            let Some(name) = var.key.scalar() else { continue };
                            let value = Cow::Owned(yaml::shown(&var.value));
                            meaning.group_vars.insert((group.clone(), Cow::Borrowed(name)), value);
                        }
                    }
                    Some("children") => open.extend(entries.iter().rev().map(|child| (Some(name), child))),
                    _ => {
                        meaning.other.insert(Cow::Owned(format!("{name}: {}", part.key.canonical())));
                    }
                }
            }
        }
        meaning
    }

    fn yaml_host(&mut self, known: &mut BTreeSet<(Word<'a>, Word<'a>)>, group: &Word<'a>, entry: &'a Entry) {
        let Some(pattern) = entry.key.scalar().and_then(HostPattern::parse) else {
            self.other.insert(Cow::Owned(format!("{group}: {}", entry.key.canonical())));
            return;
        };
        for key in pattern.hosts() {
            let key: Word<'a> = Cow::Owned(key);
            self.host(known, group, &key, None);
            if let Some(port) = pattern.port() {
                self.host_vars.insert((key.clone(), Cow::Borrowed("ansible_port")), Cow::Owned(port.to_owned()));
            }
            for var in entry.value.entries().unwrap_or_default() {
                let Some(name) = var.key.scalar() else { continue };
                self.host_vars.insert((key.clone(), Cow::Borrowed(name)), Cow::Owned(yaml::shown(&var.value)));
            }
        }
    }

    fn of_vars(root: &'a Node) -> Self {
        let vars = root.entries().unwrap_or_default().iter();
        let vars = vars.filter_map(|var| Some((Cow::Borrowed(var.key.scalar()?), Cow::Owned(yaml::shown(&var.value)))));
        Self { vars: vars.collect(), ..Self::default() }
    }
}

fn names(pattern: &HostPattern, expand: bool) -> Vec<Word<'_>> {
    match pattern.name() {
        Some(name) => vec![Cow::Borrowed(name)],
        None if expand => pattern.hosts().into_iter().map(Cow::Owned).collect(),
        None => vec![Cow::Borrowed(pattern.text())],
    }
}
