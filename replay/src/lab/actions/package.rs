//! `package`: installs and removals, with what goes or comes along.

use super::draft::{At, Draft, Outside, refuse};
use super::in_lab::InLab;
use super::transaction::{erased, needs, same_version};
use crate::lab::world::effect::Effect;
use crate::lab::world::job::Finish;
use crate::lab::world::model::{Host, World};
use crate::lab::world::spec;
use palinode_core::action::{Action, Package, PackageState, Target};
use palinode_core::id::ResourceKey;
use palinode_core::port::{Job, LookError};
use palinode_core::resource::{Fields, Footprint, Nevra};
use std::collections::BTreeSet;

impl InLab for Package {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        transaction(self, world, world.reach(&job.target)?)
    }

    fn filled(&self, world: &World, target: &Target) -> Option<Action> {
        let host = world.reachable(target.host.as_ref()?.as_str()).ok()?;
        let installed: Vec<Nevra> = host.packages.values().flatten().cloned().collect();
        let package = self.resolved(&installed, world.repository.iter());
        (package != *self).then_some(Action::Package(package))
    }

    /// The rest of a transaction, whether it removes or installs, and the configuration files that it takes away.
    fn more(&self, world: &World, target: &Target) -> Result<Vec<Footprint>, LookError> {
        let Some(name) = &target.host else { return Ok(Vec::new()) };
        let host = world.reachable(name.as_str())?;
        let (names, package_state) = (names_of(self), self.state);
        let gone = match self.state {
            PackageState::Absent => erased(host, &going(self, host)),
            PackageState::Present => installed_by(self, world, (name.as_str(), host)).union(&names).cloned().collect(),
        };
        let mut more = Vec::new();
        // Units come and go with their packages; whoever looks at them later must not take that for drift.
        let mut units = Vec::new();
        for package in &gone {
            units.extend(spec::units(package).iter().map(|unit| ResourceKey::unit(name, unit)));
            if !names.contains(package) {
                more.push(ResourceKey::package(name, package));
            }
            if package_state == PackageState::Present {
                continue;
            }
            for (path, _) in spec::configs(package) {
                let now = host.files.get(path);
                if now.is_some() && now != spec::default_config(package, path).as_ref() {
                    more.push(ResourceKey::file(name, path));
                    more.push(ResourceKey::file(name, &format!("{path}.rpmsave")));
                }
            }
        }
        if gone.iter().any(|package| spec::is_excluder(package)) {
            more.push(ResourceKey::file(name, "/etc/yum.conf"));
        }
        more.sort();
        let more = more.into_iter().map(|key| Footprint::new(key, Fields::All));
        Ok(more.chain(units.into_iter().map(|key| Footprint::new(key, Fields::Evidence))).collect())
    }
}

/// The names of a package action, versions cut off.
fn names_of(package: &Package) -> BTreeSet<String> {
    package.all_names().map(str::to_owned).collect()
}

/// Whether a removal means an installed package.
fn removes(step: &Package, nevra: &Nevra) -> bool {
    let plain = |item: &str| !step.named.contains_key(item) && Package::base_name(item) == nevra.name;
    step.names.iter().any(|item| plain(item) || step.named.contains_key(item) && Package::means(item, nevra))
}

/// The names of the installed packages that a removal means.
fn going(step: &Package, host: &Host) -> BTreeSet<String> {
    let all = host.packages.values().flatten().filter(|nevra| removes(step, nevra));
    all.map(|nevra| nevra.name.clone()).collect()
}

fn transaction(step: &Package, world: &World, (name, host): At<'_>) -> Result<Draft, Finish> {
    let mut draft = Draft::default();
    if step.state == PackageState::Absent {
        // Users of a package go before it.
        let named = going(step, host);
        let mut rest = erased(host, &named);
        while let Some(next) = rest.iter().find(|name| !rest.iter().any(|user| needs(user, name))).cloned() {
            rest.remove(&next);
            let all = host.packages.get(&next).into_iter().flatten();
            for nevra in all.filter(|nevra| !named.contains(&next) || removes(step, nevra)) {
                draft.then(4, Effect::Erase { host: name.to_owned(), package: nevra.clone() });
            }
        }
        return Ok(draft.ends(3));
    }
    let mut wanted = Vec::new();
    for item in &step.names {
        let base = step.name_of(item);
        let installed = host.packages.get(base);
        if step.named.contains_key(item) {
            if !installed.is_some_and(|list| list.iter().any(|nevra| Package::means(item, nevra))) {
                let there = world.repository.iter().filter(|nevra| nevra.name == base && Package::means(item, nevra));
                wanted.push(there.max().cloned().ok_or_else(|| refuse(format!("No package {item} available.")))?);
            }
            continue;
        }
        let version = Package::version(item);
        let there = installed
            .is_some_and(|list| version.is_none_or(|version| list.iter().any(|nevra| same_version(nevra, version))));
        if !there {
            wanted.push(world.available(host, base, version)?);
        }
    }
    for nevra in &step.exact {
        if !host.packages.get(&nevra.name).is_some_and(|list| list.contains(nevra)) {
            if !world.repository.contains(nevra) {
                return Err(refuse(format!("No package {nevra} available.")));
            }
            wanted.push(nevra.clone());
        }
    }
    if !wanted.is_empty() && !host.resolves() {
        return Err(refuse(format!("{name}: Could not resolve host: repo.demo")));
    }
    for nevra in world.with_needs(host, wanted) {
        draft.then(5, Effect::Install { host: name.to_owned(), package: nevra });
    }
    Ok(draft.ends(4))
}

/// The names of the packages that an install brings, those that are only needed included; none if it is refused.
fn installed_by(step: &Package, world: &World, at: At<'_>) -> BTreeSet<String> {
    let parts = transaction(step, world, at).map(|draft| draft.parts).unwrap_or_default();
    let brought = parts.into_iter().filter_map(|part| match part.effect {
        Effect::Install { package, .. } => Some(package.name),
        _ => None,
    });
    brought.collect()
}
