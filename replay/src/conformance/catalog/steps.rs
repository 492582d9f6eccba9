//! Actions and preparations that the cases of several kinds need.

use crate::conformance::{Change, Prep};
use palinode_core::action::{
    Action, Bare, DeleteObject, Drain, Emptydir, FileAbsent, FileCopy, FileState, InventoryEdit, Package, PackageState,
    Service, ServiceState,
};
use palinode_core::inventory::{Edit, Place};
use palinode_core::span::Span;
use std::collections::BTreeMap;

/// The storage node that most cases act on.
pub(super) const NODE: &str = "gluster1.demo";

pub(super) fn service(unit: &str, run: ServiceState) -> Action {
    let enabled = Some(run == ServiceState::Started);
    Action::Service(Service { unit: unit.to_owned(), units: Vec::new(), state: Some(run), enabled })
}

pub(super) fn services(units: &[&str], run: ServiceState) -> Action {
    let units = units.iter().map(|unit| (*unit).to_owned()).collect();
    let enabled = Some(run == ServiceState::Started);
    Action::Service(Service { unit: String::new(), units, state: Some(run), enabled })
}

pub(super) fn stop(unit: &str) -> Action {
    service(unit, ServiceState::Stopped)
}

pub(super) fn start(unit: &str) -> Action {
    service(unit, ServiceState::Started)
}

pub(super) fn packages(names: &[&str], state: PackageState) -> Action {
    Action::Package(Package::of(names.iter().map(|name| (*name).to_owned()).collect(), state))
}

pub(super) fn remove(names: &[&str]) -> Action {
    packages(names, PackageState::Absent)
}

pub(super) fn install(names: &[&str]) -> Action {
    packages(names, PackageState::Present)
}

pub(super) fn absent(paths: &[&str]) -> Action {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    Action::FileAbsent(FileAbsent { paths, state: FileState::Absent })
}

/// Where the upstream name servers of a node are kept.
pub(super) const UPSTREAM: &str = "/etc/origin/node/resolv.conf";

pub(super) fn resolver(from: &str) -> Action {
    Action::FileCopy(FileCopy { from: from.to_owned(), to: "/etc/resolv.conf".to_owned(), resolver: true })
}

pub(super) fn drain(emptydir: Emptydir, bare: Bare) -> Action {
    Action::Drain(Drain {
        emptydir,
        bare,
        timeout: Span::seconds(900),
        terminating: None,
        grace: None,
        retry_denied: None,
    })
}

pub(super) fn write(path: &str, text: &str) -> Prep {
    Prep::Change(Change::WriteFile { host: NODE.to_owned(), path: path.to_owned(), text: text.to_owned() })
}

pub(super) fn does(actions: impl IntoIterator<Item = Action>) -> impl Iterator<Item = Prep> {
    actions.into_iter().map(Prep::Do)
}

pub(super) fn labels(pairs: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned))).collect()
}

/// The unit of its kubelet.
pub(super) const NODE_UNIT: &str = "atomic-openshift-node";

pub(super) fn delete_map(name: &str) -> Action {
    let (namespace, name) = ("openshift-node".to_owned(), name.to_owned());
    Action::DeleteObject(DeleteObject { namespace, name, unless_used: true })
}

pub(super) fn edit(file: &str, edits: Vec<Edit>) -> Action {
    Action::InventoryEdit(InventoryEdit { file: file.to_owned(), edits, home_of: None })
}

/// What the migration does to the inventory for one node.
pub(super) fn migrate(file: &str) -> Action {
    let text = |text: &str| text.to_owned();
    let host = || NODE.to_owned();
    edit(
        file,
        vec![
            Edit::EnsureChild { parent: text("OSEv3"), child: text("new_nodes") },
            Edit::SetGroupVar { group: text("OSEv3"), name: text("openshift_pkg_version"), value: text("-3.11.161") },
            Edit::SetHostVar { host: host(), name: text("openshift_use_crio"), value: text("False") },
            Edit::StripHostVarSuffix { host: host(), name: text("openshift_node_group_name"), suffix: text("-crio") },
            Edit::MoveHost { host: host(), from: text("nodes"), to: text("new_nodes"), place: Place::default() },
        ],
    )
}
