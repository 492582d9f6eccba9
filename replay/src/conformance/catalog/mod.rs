//! The cases that every subject goes through: each action of the CRI-O migration, as its runbook uses it and as its
//! rollback does, with what must be refused.
//!
//! They expect the world of the lab: host names, node groups and files are those of [`crate::lab::World::demo`].

mod cluster;
mod control;
mod hosts;

use super::{Case, Change, Prep};
use palinode_core::action::{
    Action, Bare, Drain, Emptydir, FileAbsent, FileCopy, FileState, Package, PackageState, Service, ServiceState,
};
use palinode_core::id::BadId;
use palinode_core::span::Span;
use std::collections::BTreeMap;

/// The storage node that most cases act on.
const NODE: &str = "gluster1.demo";

/// Every case. `inventory` is the path of the inventory on the control side.
///
/// # Errors
/// Never with the names in here; a name that is none would be told.
pub fn all(inventory: &str) -> Result<Vec<Case>, BadId> {
    let mut cases = cluster::cases()?;
    cases.extend(hosts::cases()?);
    cases.extend(control::cases(inventory)?);
    Ok(cases)
}

fn service(unit: &str, run: ServiceState) -> Action {
    let enabled = Some(run == ServiceState::Started);
    Action::Service(Service { unit: unit.to_owned(), units: Vec::new(), state: Some(run), enabled })
}

fn services(units: &[&str], run: ServiceState) -> Action {
    let units = units.iter().map(|unit| (*unit).to_owned()).collect();
    let enabled = Some(run == ServiceState::Started);
    Action::Service(Service { unit: String::new(), units, state: Some(run), enabled })
}

fn stop(unit: &str) -> Action {
    service(unit, ServiceState::Stopped)
}

fn start(unit: &str) -> Action {
    service(unit, ServiceState::Started)
}

fn packages(names: &[&str], state: PackageState) -> Action {
    Action::Package(Package { names: names.iter().map(|name| (*name).to_owned()).collect(), state, exact: Vec::new() })
}

fn remove(names: &[&str]) -> Action {
    packages(names, PackageState::Absent)
}

fn install(names: &[&str]) -> Action {
    packages(names, PackageState::Present)
}

fn absent(paths: &[&str]) -> Action {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    Action::FileAbsent(FileAbsent { paths, state: FileState::Absent })
}

/// Where the upstream name servers of a node are kept.
const UPSTREAM: &str = "/etc/origin/node/resolv.conf";

fn resolver(from: &str) -> Action {
    Action::FileCopy(FileCopy { from: from.to_owned(), to: "/etc/resolv.conf".to_owned(), resolver: true })
}

fn drain(emptydir: Emptydir, bare: Bare) -> Action {
    Action::Drain(Drain { emptydir, bare, timeout: Span::seconds(900), terminating: None, grace: None })
}

fn write(path: &str, text: &str) -> Prep {
    Prep::Change(Change::WriteFile { host: NODE.to_owned(), path: path.to_owned(), text: text.to_owned() })
}

fn does(actions: impl IntoIterator<Item = Action>) -> impl Iterator<Item = Prep> {
    actions.into_iter().map(Prep::Do)
}

fn labels(pairs: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned))).collect()
}
