//! What a package transaction takes along, as yum resolves it: asked by the package step and by playbooks.

use super::draft::refuse;
use crate::lab::world::job::Finish;
use crate::lab::world::model::{Host, World};
use crate::lab::world::spec;
use palinode_core::resource::Nevra;
use std::collections::{BTreeMap, BTreeSet};

/// The installed packages that go when these go: themselves, and whatever needs one of them.
pub(super) fn erased(host: &Host, names: &BTreeSet<String>) -> BTreeSet<String> {
    let mut gone: BTreeSet<String> = names.iter().filter(|name| host.packages.contains_key(*name)).cloned().collect();
    loop {
        let more: Vec<String> = host
            .packages
            .keys()
            .filter(|name| !gone.contains(*name) && spec::requires(name).iter().any(|need| gone.contains(*need)))
            .cloned()
            .collect();
        if more.is_empty() {
            return gone;
        }
        gone.extend(more);
    }
}

impl World {
    /// The newest version of a package that a plain install would find.
    pub(super) fn available(&self, host: &Host, name: &str, version: Option<&str>) -> Result<Nevra, Finish> {
        if host.files.text("/etc/yum.conf").is_some_and(|text| spec::hidden(text, name)) {
            return Err(refuse(format!("No package {name} available: exclude= in /etc/yum.conf hides it.")));
        }
        self.newest(name, version)
    }

    /// The newest version of a package in the repositories, excludes aside.
    pub(super) fn newest(&self, name: &str, version: Option<&str>) -> Result<Nevra, Finish> {
        let matching = |nevra: &&Nevra| nevra.name == name && version.is_none_or(|want| same_version(nevra, want));
        self.repository.iter().filter(matching).max().cloned().ok_or_else(|| {
            let version = version.map(|version| format!("-{version}")).unwrap_or_default();
            refuse(format!("No package {name}{version} available."))
        })
    }

    /// Packages with those that they need and the host lacks, needed ones first.
    pub(super) fn with_needs(&self, host: &Host, wanted: Vec<Nevra>) -> Vec<Nevra> {
        let mut all: BTreeMap<String, Nevra> = wanted.into_iter().map(|nevra| (nevra.name.clone(), nevra)).collect();
        loop {
            let needed = all
                .keys()
                .flat_map(|name| spec::requires(name))
                .find(|need| !all.contains_key(**need) && !host.packages.contains_key(**need));
            let found = needed.and_then(|need| self.repository.iter().filter(|nevra| nevra.name == **need).max());
            let Some(found) = found else {
                break;
            };
            all.insert(found.name.clone(), found.clone());
        }
        let mut order = Vec::new();
        while let Some(next) = all.keys().find(|name| !all.keys().any(|other| needs(name, other))).cloned() {
            order.extend(all.remove(&next));
        }
        order
    }
}

/// Whether a package cannot do without another one.
pub(super) fn needs(user: &str, name: &str) -> bool {
    spec::requires(user).contains(&name)
}

/// Whether a package is of a version, with its release or without.
pub(super) fn same_version(nevra: &Nevra, version: &str) -> bool {
    nevra.version == version || format!("{}-{}", nevra.version, nevra.release) == version
}
