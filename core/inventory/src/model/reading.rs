//! Inventories as Ansible reads them: hosts, groups and typed variables, and the file and line that say so.
//!
//! [`Reading::of`] reads files, folders and scripts in INI, YAML and JSON, with what `group_vars` and `host_vars` beside
//! them add. It touches nothing: a [`Sources`] tells what is there. Where it differs from Ansible it does so on purpose;
//! `DIFFERENCES.md` of this crate is the list.

use super::error::ReadError;
use super::estate::{ALL, At, Estate, Vars};
use super::layer::Layer;
use super::value::Value;
use crate::ansible::sources::{Form, Kind, Refuse, Sources, Walk};
use crate::ansible::vars_files::VarsFiles;
use std::collections::BTreeMap;

/// An inventory that was read.
#[derive(Debug)]
pub struct Reading {
    files: Vec<String>,
    /// How many of them are of the inventory itself.
    own: usize,
    /// What each file of the inventory itself is.
    forms: Vec<Form>,
    pub(crate) estate: Estate,
    pub(crate) vars_files: VarsFiles,
}

/// A value, and where it is said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Said<'a> {
    /// The value.
    pub value: &'a Value,
    /// Who says it.
    pub layer: Layer<'a>,
    /// The file.
    pub file: &'a str,
    /// The line, counted from 1; 0 for what a script printed.
    pub line: usize,
}

/// A variable of a host.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting<'a> {
    /// Its name.
    pub name: &'a str,
    /// What counts.
    pub said: Said<'a>,
    /// What it overrides, the weakest first.
    pub overrides: Vec<Said<'a>>,
}

/// A group as Ansible has it once everything is read: members, children and own variables.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupView<'a> {
    /// Its name.
    pub name: &'a str,
    /// The hosts that it names itself.
    pub hosts: Vec<&'a str>,
    /// The groups below it.
    pub children: Vec<&'a str>,
    /// The variables that the inventory itself gives it, by name.
    pub vars: Vec<(&'a str, Said<'a>)>,
}

/// Variables that Ansible makes itself, whatever an inventory says.
const MADE_BY_ANSIBLE: [&str; 33] = [
    "ansible_async_path",
    "ansible_collection_name",
    "ansible_config_file",
    "ansible_dependent_role_names",
    "ansible_diff_mode",
    "ansible_facts",
    "ansible_forks",
    "ansible_inventory_sources",
    "ansible_limit",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "ansible_play_role_names",
    "ansible_playbook_python",
    "ansible_role_name",
    "ansible_role_names",
    "ansible_run_tags",
    "ansible_skip_tags",
    "ansible_verbosity",
    "ansible_version",
    "inventory_dir",
    "inventory_file",
    "inventory_hostname",
    "inventory_hostname_short",
    "groups",
    "group_names",
    "hostvars",
    "playbook_dir",
    "play_hosts",
    "role_name",
    "role_names",
    "role_path",
    "role_uuid",
];

impl Reading {
    /// Reads inventories, one after the other: of what several say the last counts.
    pub fn of(sources: &dyn Sources, paths: &[&str]) -> Result<Self, ReadError> {
        Self::made(sources, (paths, &[]), false, &mut Err)
    }

    /// The same, but files of variables that are encrypted as a whole are left out; [`Reading::encrypted`] names them.
    pub fn without_encrypted(sources: &dyn Sources, paths: &[&str]) -> Result<Self, ReadError> {
        Self::made(sources, (paths, &[]), true, &mut Err)
    }

    /// Reads one file whose content is at hand, with nothing beside it.
    pub fn of_text(file: &str, bytes: &[u8]) -> Result<Self, ReadError> {
        Self::of(&Alone(file, bytes), &[file])
    }

    /// The files that were left out because they are encrypted as a whole.
    pub fn encrypted(&self) -> impl Iterator<Item = &str> {
        self.vars_files.encrypted.iter().map(|left| left.file.as_str())
    }

    /// What it comes to, with what files of variables say as if the inventory itself said it last.
    pub(crate) fn into_estate(self, with_files: bool) -> Estate {
        let Self { mut estate, vars_files, .. } = self;
        if with_files {
            for (owner, vars, layer) in vars_files.all() {
                let of_host = matches!(layer, Layer::Host | Layer::HostFile);
                let own = match of_host {
                    true => estate.find_host(owner).and_then(|at| estate.hosts.get_mut(at)).map(|host| &mut host.vars),
                    false => {
                        estate.find_group(owner).and_then(|at| estate.groups.get_mut(at)).map(|group| &mut group.vars)
                    }
                };
                let Some(own) = own else { continue };
                for (name, given) in vars {
                    own.entry(name.clone()).or_default().extend(given.iter().cloned());
                }
            }
        }
        estate
    }

    /// The files that it was read from, in order.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// Whether one of its files is of the inventory itself, and not of variables.
    pub(crate) fn is_inventory(&self, file: &str) -> bool {
        self.files.iter().take(self.own).any(|own| own == file)
    }

    /// Whether edits can be made in it: it is one file, in INI or YAML.
    pub fn can_be_edited(&self) -> bool {
        matches!(self.forms.as_slice(), [Form::Ini | Form::Yaml])
    }

    /// As much as can be read, and all that is wrong. Files of variables are read for some groups without hosts, too.
    pub(crate) fn as_far_as_it_goes(sources: &dyn Sources, paths: &[&str], also: &[&str]) -> (Self, Vec<ReadError>) {
        let mut found = Vec::new();
        let mut wrong = |error| {
            found.push(error);
            Ok(())
        };
        let reading = Self::made(sources, (paths, also), true, &mut wrong);
        let reading = reading.unwrap_or_else(|error| {
            found.push(error);
            Self {
                files: Vec::new(),
                own: 0,
                forms: Vec::new(),
                estate: Estate::new(),
                vars_files: VarsFiles::default(),
            }
        });
        (reading, found)
    }

    fn made(
        sources: &dyn Sources,
        (paths, also): (&[&str], &[&str]),
        leave_encrypted: bool,
        wrong: Refuse<'_>,
    ) -> Result<Self, ReadError> {
        let mut walk =
            Walk { sources, files: Vec::new(), forms: Vec::new(), estate: Estate::new(), wrong: &mut *wrong };
        for path in paths {
            walk.source(path, 0).or_else(&mut *walk.wrong)?;
        }
        let Walk { mut files, forms, mut estate, .. } = walk;
        let first = paths.first().copied().unwrap_or_default();
        estate.settle().map_err(|wrong| wrong.within(first)).or_else(&mut *wrong)?;
        let own = files.len();
        let vars_files = VarsFiles::of(sources, (paths, also), &estate, &mut files, leave_encrypted, wrong)?;
        Ok(Self { files, own, forms, estate, vars_files })
    }

    /// All groups, those that were named first first.
    pub fn groups(&self) -> impl Iterator<Item = GroupView<'_>> {
        (0..self.estate.groups.len()).filter_map(|group| self.view(group))
    }

    /// A group by its name.
    pub fn group(&self, name: &str) -> Option<GroupView<'_>> {
        self.view(self.estate.find_group(name)?)
    }

    fn view(&self, group: usize) -> Option<GroupView<'_>> {
        let group = self.estate.groups.get(group)?;
        let children = group.children.iter().filter_map(|child| self.estate.groups.get(*child));
        let vars = group.vars.iter().filter_map(|(name, given)| {
            let (value, at) = given.last()?;
            Some((name.as_str(), self.said(value, *at, Layer::Group(&group.name))))
        });
        Some(GroupView {
            name: &group.name,
            hosts: group
                .hosts
                .iter()
                .filter_map(|host| self.estate.hosts.get(*host))
                .map(|host| host.name.as_str())
                .collect(),
            children: children.map(|child| child.name.as_str()).collect(),
            vars: vars.collect(),
        })
    }

    /// The hosts of a group and of all groups below it, each once: its own, then those of its children, level by level.
    pub fn hosts(&self, group: &str) -> Vec<&str> {
        let hosts = self.estate.hosts_of(group).into_iter().filter_map(|host| self.estate.hosts.get(host));
        hosts.map(|host| host.name.as_str()).collect()
    }

    /// Whether there is a host of that name.
    pub fn has_host(&self, host: &str) -> bool {
        self.place(host).is_some()
    }

    /// The groups that a host is in, by name, without `all`.
    pub fn groups_of(&self, host: &str) -> Vec<&str> {
        let Some(host) = self.place(host) else { return Vec::new() };
        let groups = self.estate.groups_of(host).into_iter().filter(|group| *group != ALL);
        let mut names: Vec<&str> =
            groups.filter_map(|group| self.estate.groups.get(group)).map(|group| group.name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// A host that is in some group, as all are that anything can be done with.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        let place = self.estate.find_host(name)?;
        self.estate.hosts.get(place).filter(|host| !host.groups.is_empty()).map(|_| place)
    }

    pub(crate) fn said<'a>(&'a self, value: &'a Value, at: At, layer: Layer<'a>) -> Said<'a> {
        let file = self.files.get(at.file).map(String::as_str).unwrap_or_default();
        Said { value, layer, file, line: at.line }
    }

    /// A variable of a host.
    pub fn setting(&self, host: &str, name: &str) -> Option<Said<'_>> {
        self.strongest(self.place(host)?, name)
    }

    /// What counts of a variable: who comes last in the order of [`Reading::settings`].
    pub(crate) fn strongest<'a>(&'a self, place: usize, name: &str) -> Option<Said<'a>> {
        if MADE_BY_ANSIBLE.contains(&name) {
            return None;
        }
        let host = self.estate.hosts.get(place)?;
        let in_files = |all: &'a [Vars]| all.iter().rev().find_map(|vars| vars.get(name)?.last());
        let folders = || (0..self.vars_files.folders()).rev();
        let own = folders().find_map(|folder| in_files(self.vars_files.of_host(folder, &host.name)));
        if let Some((value, at)) = own {
            return Some(self.said(value, *at, Layer::HostFile));
        }
        if let Some((value, at)) = host.vars.get(name).and_then(|given| given.last()) {
            return Some(self.said(value, *at, Layer::Host));
        }
        let order = self.estate.order_of(place);
        for groups in [order.as_slice(), &[ALL]] {
            for folder in folders() {
                for group in groups.iter().rev().filter_map(|group| self.estate.groups.get(*group)) {
                    if let Some((value, at)) = in_files(self.vars_files.of_group(folder, &group.name)) {
                        return Some(self.said(value, *at, Layer::GroupFile(&group.name)));
                    }
                }
            }
        }
        let groups = order.iter().rev().chain(&[ALL]).filter_map(|group| self.estate.groups.get(*group));
        groups
            .filter_map(|group| group.vars.get(name)?.last().map(|said| (said, group)))
            .map(|((value, at), group)| self.said(value, *at, Layer::Group(&group.name)))
            .next()
    }

    /// What the files of one group say of a variable.
    pub(crate) fn of_group_files(&self, group: usize, name: &str) -> Option<Said<'_>> {
        let group = self.estate.groups.get(group)?;
        let files = (0..self.vars_files.folders()).flat_map(|folder| self.vars_files.of_group(folder, &group.name));
        let (value, at) = files.filter_map(|vars| vars.get(name)?.last()).next_back()?;
        Some(self.said(value, *at, Layer::GroupFile(&group.name)))
    }

    /// All variables of a host, by name.
    pub fn settings(&self, host: &str) -> Vec<Setting<'_>> {
        let Some(place) = self.place(host) else { return Vec::new() };
        let Some(host) = self.estate.hosts.get(place) else { return Vec::new() };
        let mut all: BTreeMap<&str, Vec<Said<'_>>> = BTreeMap::new();
        let groups = self.estate.order_of(place);
        let in_order = || std::iter::once(&ALL).chain(&groups).filter_map(|group| self.estate.groups.get(*group));
        for group in in_order() {
            self.add_all(&mut all, &group.vars, Layer::Group(&group.name));
        }
        // The files of all groups are stronger than what the inventory itself says of any.
        for groups in [&[ALL][..], &groups] {
            for folder in 0..self.vars_files.folders() {
                for group in groups.iter().filter_map(|group| self.estate.groups.get(*group)) {
                    for vars in self.vars_files.of_group(folder, &group.name) {
                        self.add_all(&mut all, vars, Layer::GroupFile(&group.name));
                    }
                }
            }
        }
        self.add_all(&mut all, &host.vars, Layer::Host);
        for folder in 0..self.vars_files.folders() {
            for vars in self.vars_files.of_host(folder, &host.name) {
                self.add_all(&mut all, vars, Layer::HostFile);
            }
        }
        let settings = all.into_iter().filter(|(name, _)| !MADE_BY_ANSIBLE.contains(name));
        settings
            .filter_map(|(name, mut overrides)| overrides.pop().map(|said| Setting { name, said, overrides }))
            .collect()
    }

    fn add_all<'a>(&'a self, all: &mut BTreeMap<&'a str, Vec<Said<'a>>>, vars: &'a Vars, layer: Layer<'a>) {
        for (name, given) in vars {
            let said = given.iter().map(|(value, at)| self.said(value, *at, layer));
            all.entry(name.as_str()).or_default().extend(said);
        }
    }
}

/// One file in memory, with nothing beside it.
struct Alone<'a>(&'a str, &'a [u8]);

impl Sources for Alone<'_> {
    fn kind(&self, path: &str) -> Kind {
        if path == self.0 { Kind::File } else { Kind::Missing }
    }

    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(self.1.to_vec())
    }

    fn list(&self, _: &str) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn run(&self, _: &str, _: &[&str]) -> Result<Vec<u8>, String> {
        Err("nothing is run here".to_owned())
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
