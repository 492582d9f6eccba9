//! What the lab does in place of the real thing: a file for each kind of action.
//!
//! A job becomes the parts that are still to do in this world (`draft`), and they are applied as virtual time passes. What
//! several kinds need is in `found`, `transaction` and `ini`.

mod apply_object;
mod approve_csr;
mod command;
mod cordon;
mod delete_node;
mod delete_object;
mod dns_check;
mod draft;
mod drain;
mod fetch;
mod file_absent;
mod file_copy;
mod file_permissions;
mod file_read;
mod file_restore;
mod file_write;
mod found;
mod gluster_heal;
mod in_lab;
mod inventory_edit;
mod inventory_restore;
mod package;
mod patch_node;
mod playbook;
mod reboot;
mod record;
mod repository;
mod restore;
mod restore_node;
mod service;
mod transaction;
mod uncordon;
mod wait;

use command::knows_command;
pub(super) use draft::Draft;
pub use draft::Outside;
use playbook::knows_playbook;

use super::world::job::Finish;
use super::world::model::World;
use crate::lab::actions::in_lab::InLab;
use draft::refuse;
use palinode_core::action::{Action, Target, Word};
use palinode_core::port::{Job, LookError};
use palinode_core::resource::Footprint;

/// An action as what the lab does; none for one whose pods and objects the lab does not have.
fn kind(action: &Action) -> Option<&dyn InLab> {
    Some(match action {
        Action::ApplyObject(it) => it,
        Action::ApproveCsr(it) => it,
        Action::Command(it) => it,
        Action::DeleteObject(it) => it,
        Action::DnsCheck(it) => it,
        Action::Drain(it) => it,
        Action::Fetch(it) => it,
        Action::FileAbsent(it) => it,
        Action::FileCopy(it) => it,
        Action::FilePermissions(it) => it,
        Action::FileRead(it) => it,
        Action::FileRestore(it) => it,
        Action::FileWrite(it) => it,
        Action::GlusterHeal(it) => it,
        Action::InventoryEdit(it) => it,
        Action::InventoryRestore(it) => it,
        Action::Package(it) => it,
        Action::PatchNode(it) => it,
        Action::Playbook(it) => &**it,
        Action::Record(it) => it,
        Action::Repository(it) => it,
        Action::Restore(it) => it,
        Action::RestoreNode(it) => it,
        Action::Service(it) => it,
        Action::Wait(it) => it,
        Action::Cordon {} => &cordon::Cordon,
        Action::DeleteNode {} => &delete_node::DeleteNode,
        Action::Reboot {} => &reboot::Reboot,
        Action::Uncordon {} => &uncordon::Uncordon,
        Action::KubeExec(_)
        | Action::KubeWait(_)
        | Action::PatchObject(_)
        | Action::PutObject(_)
        | Action::RemoveObject(_) => return None,
    })
}

/// What the lab cannot do of an action, as a verb and what follows it: objects and pods that it does not have, commands
/// and playbooks that it does not know. None if it does the action.
pub fn cannot(action: &Action) -> Option<(&'static str, String)> {
    match (kind(action), action) {
        (None, action) => Some(("do", action.words())),
        (_, Action::Command(command)) if !knows_command(&command.run) => {
            Some(("run the command", Word::join(&command.run)))
        }
        (_, Action::Playbook(playbook)) if !knows_playbook(&playbook.path) => Some(("play", playbook.path.clone())),
        (Some(_), _) => None,
    }
}

impl World {
    /// The parts of a job that are still to do.
    pub(super) fn draft(&self, job: &Job, outside: &Outside<'_>) -> Result<Draft, Finish> {
        match kind(&job.action) {
            Some(kind) => kind.draft(self, job, outside),
            None => Err(refuse("the lab has no objects and pods of that kind")),
        }
    }

    /// An action with what only its target could tell filled in.
    pub(super) fn filled(&self, target: &Target, action: &Action) -> Option<Action> {
        kind(action)?.filled(self, target)
    }

    /// Resources beyond those that an action declares.
    pub(super) fn more(&self, target: &Target, action: &Action) -> Result<Vec<Footprint>, LookError> {
        kind(action).map_or_else(|| Ok(Vec::new()), |kind| kind.more(self, target))
    }
}
