//! What an action does to its target: a file for each kind, and the one place where executors tell kinds apart.
//!
//! A kind implements the trait of the side that does it: [`OnHost`], [`OnCluster`] or [`OnFiles`].

mod apply_object;
mod approve_csr;
mod command;
mod cordon;
mod delete_node;
mod delete_object;
mod dns_check;
pub(crate) mod drain;
mod fetch;
mod file_absent;
mod file_copy;
mod file_permissions;
mod file_read;
mod file_restore;
mod file_write;
mod gluster_heal;
mod inventory_edit;
mod inventory_restore;
mod kube_exec;
mod kube_wait;
mod package;
mod patch_node;
mod patch_object;
mod put_object;
mod reboot;
mod record;
mod remove_object;
mod repository;
mod restore;
mod restore_node;
mod service;
mod uncordon;
mod wait;

pub(crate) use file_restore::attribute;
pub(crate) use reboot::old_boot;
pub(crate) use repository::REPOS;

use crate::cluster::OnCluster;
use crate::control::OnFiles;
use crate::host::OnHost;
use palinode_core::action::{Action, Playbook};

/// An action as what its executor does.
pub(crate) enum DoneBy<'a> {
    /// A job on a host.
    Host(&'a dyn OnHost),
    /// Requests to the cluster's API.
    Cluster(&'a dyn OnCluster),
    /// At once, on files of this machine.
    Files(&'a dyn OnFiles),
    /// A job of Ansible on this machine.
    Playbook(&'a Playbook),
}

/// Tells who does an action. A kind that is not in here does not compile.
pub(crate) fn done_by(action: &Action) -> DoneBy<'_> {
    match action {
        Action::ApplyObject(it) => DoneBy::Cluster(it),
        Action::ApproveCsr(it) => DoneBy::Cluster(it),
        Action::Command(it) => DoneBy::Host(it),
        Action::Cordon {} => DoneBy::Cluster(&cordon::Cordon),
        Action::DeleteNode {} => DoneBy::Cluster(&delete_node::DeleteNode),
        Action::DeleteObject(it) => DoneBy::Cluster(it),
        Action::DnsCheck(it) => DoneBy::Host(it),
        Action::Drain(it) => DoneBy::Cluster(it),
        Action::Fetch(it) => DoneBy::Host(it),
        Action::FileAbsent(it) => DoneBy::Host(it),
        Action::FileCopy(it) => DoneBy::Host(it),
        Action::FilePermissions(it) => DoneBy::Host(it),
        Action::FileRead(it) => DoneBy::Host(it),
        Action::FileRestore(it) => DoneBy::Host(it),
        Action::FileWrite(it) => DoneBy::Host(it),
        Action::GlusterHeal(it) => DoneBy::Host(it),
        Action::InventoryEdit(it) => DoneBy::Files(it),
        Action::InventoryRestore(it) => DoneBy::Files(it),
        Action::KubeExec(it) => DoneBy::Cluster(it),
        Action::KubeWait(it) => DoneBy::Cluster(it),
        Action::Package(it) => DoneBy::Host(it),
        Action::PatchNode(it) => DoneBy::Cluster(it),
        Action::PatchObject(it) => DoneBy::Cluster(it),
        Action::Playbook(it) => DoneBy::Playbook(it),
        Action::PutObject(it) => DoneBy::Cluster(it),
        Action::Reboot {} => DoneBy::Host(&reboot::Reboot),
        Action::Record(it) => DoneBy::Host(it),
        Action::RemoveObject(it) => DoneBy::Cluster(it),
        Action::Repository(it) => DoneBy::Host(it),
        Action::Restore(it) => DoneBy::Cluster(it),
        Action::RestoreNode(it) => DoneBy::Cluster(it),
        Action::Service(it) => DoneBy::Host(it),
        Action::Uncordon {} => DoneBy::Cluster(&uncordon::Uncordon),
        Action::Wait(it) => DoneBy::Host(it),
    }
}

impl<'a> DoneBy<'a> {
    /// What is done on a host; none if it is done elsewhere.
    pub(crate) fn on_host(self) -> Option<&'a dyn OnHost> {
        match self {
            Self::Host(kind) => Some(kind),
            Self::Cluster(_) | Self::Files(_) | Self::Playbook(_) => None,
        }
    }

    /// What is done through the API; none if it is done elsewhere.
    pub(crate) fn on_cluster(self) -> Option<&'a dyn OnCluster> {
        match self {
            Self::Cluster(kind) => Some(kind),
            Self::Host(_) | Self::Files(_) | Self::Playbook(_) => None,
        }
    }
}
