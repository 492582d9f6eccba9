//! Typed actions: what each one touches, how it is judged, and how it is taken back.
//!
//! An action is pure data. Everything that must not differ between the simulated lab and real hosts is decided here:
//! its footprint, when it counts as done ([`Action::met`]), how an in-doubt one is judged from what is there now
//! ([`Action::judge`]), its inverse, its undo class and whether it is safe to repeat. Executors only observe and act.

mod check;
mod files;
mod hosts;
mod kube;
mod manifests;
mod objects;
mod playbook;
mod reads;
mod repository;
mod secret;
mod undo;
mod words;

pub(crate) use check::volume;
pub use files::{
    Command, FileAbsent, FileCopy, FileRead, FileRestore, FileState, FileWrite, InventoryEdit, InventoryRestore,
};
pub use hosts::{DnsCheck, Package, PackageState, Record, Service, ServiceState};
pub use kube::{
    ApplyObject, Bare, DeleteObject, Drain, Emptydir, PatchNode, Restore, RestoreField, RestoreNode, Terminating,
};
pub use manifests::{PatchObject, PutObject, RemoveObject};
pub use objects::{ApproveCsr, CertUse, KubeExec, KubeWait, ObjectRef, PodRef, Until};
pub use playbook::{Expect, Playbook, Require};
pub use reads::{Awaited, Fetch, GlusterHeal, Wait};
pub use repository::{Repository, UNSET};
pub use secret::{Secret, Shown, Source, Word};
pub use undo::{Accept, Accepted, Undo, restore_touched};

use crate::id::{HostName, ResourceKey};
use crate::resource::{Footprint, Image, Residue, State};
use serde::{Deserialize, Serialize};

/// What an action acts for: an inventory host and its API node name, once that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The inventory host; none for steps that belong to the whole run.
    pub host: Option<HostName>,
    /// The node name that the API knows it by; found by the executor and recorded.
    pub node: Option<String>,
}

/// Where an action runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the host of the target.
    Host,
    /// On the machine that Palinode runs on.
    Control,
    /// Through the cluster's API.
    Cluster,
}

/// What a rollback does about an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UndoClass {
    /// It changes nothing.
    Read,
    /// Its inverse restores what was.
    Reversible,
    /// It is not known what it changed: a rollback passes it, and it always counts as a residue.
    UnknownEffect,
    /// There is nothing to restore: a rollback passes it and lists it.
    NoUndo,
    /// A rollback refuses to cross it.
    PointOfNoReturn,
}

/// What to do with an in-doubt step when neither job nor probe decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recovery {
    /// Declared safe to repeat.
    Repeat,
    /// Ask the operator.
    Ask,
}

/// What a look at the target says of an in-doubt step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The effect is there in full.
    Applied,
    /// Nothing of it is there.
    NotApplied,
    /// The job is still at work.
    StillRunning,
    /// Some of it is there.
    Partial,
    /// The look decides nothing.
    CannotTell,
}

/// A typed operation. The serialized name is the one that runbooks use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Records the state of units, packages, files and the node; changes nothing.
    #[serde(rename = "record")]
    Record(Record),
    /// Cordons the node.
    #[serde(rename = "kube.cordon")]
    Cordon {},
    /// Makes the node schedulable.
    #[serde(rename = "kube.uncordon")]
    Uncordon {},
    /// Evicts the pods that can move.
    #[serde(rename = "kube.drain")]
    Drain(Drain),
    /// Deletes the Node object, bound to the UID found before.
    #[serde(rename = "kube.delete-node")]
    DeleteNode {},
    /// Waits for the node to register again and gives it back what it had.
    #[serde(rename = "kube.restore-node")]
    RestoreNode(RestoreNode),
    /// Sets fields of the Node object.
    #[serde(rename = "kube.patch-node")]
    PatchNode(PatchNode),
    /// Puts fields back to an earlier step's before-image; becomes `kube.patch-node` when its turn comes.
    #[serde(rename = "restore")]
    Restore(Restore),
    /// Deletes a ConfigMap.
    #[serde(rename = "kube.delete")]
    DeleteObject(DeleteObject),
    /// Puts a ConfigMap back.
    #[serde(rename = "kube.apply")]
    ApplyObject(ApplyObject),
    /// Merges fields into an object of any kind. A runbook writes one that may make it as `kube.apply` with a `manifest`.
    #[serde(rename = "kube.patch")]
    PatchObject(PatchObject),
    /// Deletes an object of any kind. A runbook writes it as `kube.delete` with an `object`.
    #[serde(rename = "kube.remove")]
    RemoveObject(RemoveObject),
    /// Puts an object of any kind back.
    #[serde(rename = "kube.put-back")]
    PutObject(PutObject),
    /// Waits until something holds of an object of the cluster.
    #[serde(rename = "kube.wait")]
    KubeWait(KubeWait),
    /// Runs a command in a pod.
    #[serde(rename = "kube.exec")]
    KubeExec(KubeExec),
    /// Approves the certificates that the node's kubelet asks for.
    #[serde(rename = "kube.approve-csr")]
    ApproveCsr(ApproveCsr),
    /// Starts, stops, enables or disables systemd units.
    #[serde(rename = "service")]
    Service(Service),
    /// Installs or removes packages in one transaction.
    #[serde(rename = "package")]
    Package(Package),
    /// Enables and disables package repositories, and pins the release.
    #[serde(rename = "repository")]
    Repository(Repository),
    /// Removes files and trees.
    #[serde(rename = "file")]
    FileAbsent(FileAbsent),
    /// Copies one file on the host over another.
    #[serde(rename = "file.copy")]
    FileCopy(FileCopy),
    /// Writes a file. A runbook writes it as `file` with a `content`.
    #[serde(rename = "file.write")]
    FileWrite(FileWrite),
    /// Reads one `KEY=value` line.
    #[serde(rename = "file.read")]
    FileRead(FileRead),
    /// Puts a file, link or tree back as it was recorded.
    #[serde(rename = "file.restore")]
    FileRestore(FileRestore),
    /// Reboots the host and waits for a stable new boot.
    #[serde(rename = "reboot")]
    Reboot {},
    /// Waits until something holds on the host.
    #[serde(rename = "wait")]
    Wait(Wait),
    /// Brings a file or a directory from the host.
    #[serde(rename = "fetch")]
    Fetch(Fetch),
    /// Asks the host how the healing of volumes goes; changes nothing.
    #[serde(rename = "gluster.heal")]
    GlusterHeal(GlusterHeal),
    /// Checks that names resolve on the host.
    #[serde(rename = "dns.check")]
    DnsCheck(DnsCheck),
    /// Edits the inventory text in place.
    #[serde(rename = "inventory.edit")]
    InventoryEdit(InventoryEdit),
    /// Takes an inventory edit back: the recorded bytes, or a three-way merge.
    #[serde(rename = "inventory.restore")]
    InventoryRestore(InventoryRestore),
    /// Runs a playbook.
    #[serde(rename = "ansible.playbook")]
    Playbook(Box<Playbook>),
    /// Runs a command on the host, with what it changes and how it is undone declared.
    #[serde(rename = "command")]
    Command(Command),
}

/// The names of the actions a runbook may use, for messages and documents.
pub const NAMES: &[&str] = &[
    "ansible.playbook",
    "command",
    "dns.check",
    "fetch",
    "file",
    "file.copy",
    "file.read",
    "file.write",
    "gluster.heal",
    "inventory.edit",
    "kube.apply",
    "kube.approve-csr",
    "kube.cordon",
    "kube.delete",
    "kube.delete-node",
    "kube.drain",
    "kube.exec",
    "kube.patch",
    "kube.patch-node",
    "kube.uncordon",
    "kube.wait",
    "package",
    "reboot",
    "record",
    "repository",
    "restore",
    "service",
    "wait",
];

/// Those of them that change nothing.
pub const READ_ONLY: &[&str] = &["dns.check", "fetch", "file.read", "gluster.heal", "kube.wait", "record", "wait"];

impl Action {
    /// The name that runbooks and logs use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Record(_) => "record",
            Self::Cordon {} => "kube.cordon",
            Self::Uncordon {} => "kube.uncordon",
            Self::Drain(_) => "kube.drain",
            Self::DeleteNode {} => "kube.delete-node",
            Self::RestoreNode(_) => "kube.restore-node",
            Self::PatchNode(_) => "kube.patch-node",
            Self::Restore(_) => "restore",
            Self::DeleteObject(_) => "kube.delete",
            Self::ApplyObject(_) => "kube.apply",
            Self::PatchObject(_) => "kube.patch",
            Self::RemoveObject(_) => "kube.remove",
            Self::PutObject(_) => "kube.put-back",
            Self::KubeWait(_) => "kube.wait",
            Self::KubeExec(_) => "kube.exec",
            Self::ApproveCsr(_) => "kube.approve-csr",
            Self::Service(_) => "service",
            Self::Package(_) => "package",
            Self::Repository(_) => "repository",
            Self::FileAbsent(_) => "file",
            Self::FileCopy(_) => "file.copy",
            Self::FileWrite(_) => "file.write",
            Self::FileRead(_) => "file.read",
            Self::FileRestore(_) => "file.restore",
            Self::Reboot {} => "reboot",
            Self::Wait(_) => "wait",
            Self::Fetch(_) => "fetch",
            Self::GlusterHeal(_) => "gluster.heal",
            Self::DnsCheck(_) => "dns.check",
            Self::InventoryEdit(_) => "inventory.edit",
            Self::InventoryRestore(_) => "inventory.restore",
            Self::Playbook(_) => "ansible.playbook",
            Self::Command(_) => "command",
        }
    }

    /// What it does to what, as a piece of a step's path: letters, digits, dots and dashes.
    pub fn slug(&self) -> String {
        let units;
        let subject = match self {
            Self::Service(service) => {
                units = service.names().collect::<Vec<_>>().join(" ");
                units.as_str()
            }
            Self::FileRestore(file) => file.path.as_str(),
            Self::Fetch(fetch) => fetch.path.as_str(),
            Self::FileWrite(file) => file.path.as_str(),
            Self::PatchObject(PatchObject { object, .. })
            | Self::RemoveObject(RemoveObject { object })
            | Self::PutObject(PutObject { object, .. }) => object.name.as_str(),
            Self::Package(package) if package.state == PackageState::Absent => "remove",
            Self::Package(_) => "install",
            _ => "",
        };
        let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' };
        let text: String = format!("{} {subject}", self.name()).chars().map(plain).take(100).collect();
        let parts: Vec<&str> = text.split('-').filter(|part| !part.is_empty()).collect();
        parts.join("-")
    }

    /// Whether its values are ones that may reach a target: names that no shell or option parser could misread, paths
    /// that are absolute and plain. Texts that still hold a template are checked again once it is filled in.
    pub fn check(&self) -> Result<(), String> {
        check::action(self)
    }

    /// Where it runs.
    pub fn place(&self) -> Place {
        match self {
            Self::Cordon {}
            | Self::Uncordon {}
            | Self::Drain(_)
            | Self::DeleteNode {}
            | Self::RestoreNode(_)
            | Self::PatchNode(_)
            | Self::Restore(_)
            | Self::DeleteObject(_)
            | Self::ApplyObject(_)
            | Self::PatchObject(_)
            | Self::RemoveObject(_)
            | Self::PutObject(_)
            | Self::KubeWait(_)
            | Self::KubeExec(_)
            | Self::ApproveCsr(_) => Place::Cluster,
            Self::InventoryEdit(_) | Self::InventoryRestore(_) | Self::Playbook(_) => Place::Control,
            _ => Place::Host,
        }
    }

    /// Whether it runs as a job that is claimed by its name and outlives whoever started it: then the boot of the
    /// machine it runs on tells whether a claim may have been lost.
    pub fn is_job(&self) -> bool {
        self.place() == Place::Host || matches!(self, Self::Playbook(_))
    }

    /// Whether its job may say itself that what it promises is not there, beside what images show.
    pub fn says_unmet(&self) -> bool {
        matches!(self, Self::Playbook(_) | Self::Fetch(_))
    }

    /// Whether it needs a host to act for.
    pub fn needs_host(&self) -> bool {
        if let Self::KubeExec(exec) = self {
            return exec.pod.name.is_none();
        }
        !matches!(
            self,
            Self::InventoryEdit(_)
                | Self::InventoryRestore(_)
                | Self::Playbook(_)
                | Self::DeleteObject(_)
                | Self::ApplyObject(_)
                | Self::PatchObject(_)
                | Self::RemoveObject(_)
                | Self::PutObject(_)
                | Self::KubeWait(_)
        )
    }

    /// The undo class, unless the runbook declares a stricter one.
    pub fn class(&self) -> UndoClass {
        match self {
            Self::Record(_) | Self::FileRead(_) | Self::DnsCheck(_) | Self::Wait(_) | Self::Fetch(_) => UndoClass::Read,
            Self::GlusterHeal(_) => UndoClass::Read,
            Self::KubeWait(_) => UndoClass::Read,
            Self::KubeExec(exec) if exec.reads => UndoClass::Read,
            Self::KubeExec(_) => UndoClass::UnknownEffect,
            Self::Reboot {} | Self::RestoreNode(_) | Self::ApproveCsr(_) => UndoClass::NoUndo,
            Self::Command(command) if command.undo.is_none() && command.changes.is_empty() => UndoClass::UnknownEffect,
            _ => UndoClass::Reversible,
        }
    }

    /// The recovery rule, unless the runbook declares another. Converging actions (their second run does only what
    /// is left) are safe to repeat; a reboot, a command and a playbook are not, unless declared.
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::Reboot {} | Self::Command(_) | Self::Playbook(_) => Recovery::Ask,
            Self::KubeExec(exec) if !exec.reads => Recovery::Ask,
            _ => Recovery::Repeat,
        }
    }

    /// The resources it declares before anyone looked at the target. An executor's survey adds what only the target
    /// knows: the other packages of a transaction, changed configuration files.
    pub fn footprint(&self, target: &Target) -> Vec<Footprint> {
        match self {
            Self::Record(record) => record.footprint(target),
            Self::Service(service) => service.footprint(target),
            Self::Package(package) => package.footprint(target),
            Self::DnsCheck(_) | Self::Wait(_) | Self::Fetch(_) | Self::Restore(_) => Vec::new(),
            Self::GlusterHeal(_) => Vec::new(),
            Self::KubeWait(_) | Self::KubeExec(_) | Self::ApproveCsr(_) => Vec::new(),
            Self::Reboot {} => hosts::boot(target),
            Self::Repository(repository) => repository.footprint(target),
            Self::FileAbsent(file) => file.footprint(target),
            Self::FileCopy(copy) => files::on_host(target, [copy.to.as_str()]),
            Self::FileWrite(file) => files::on_host(target, [file.path.as_str()]),
            Self::FileRead(read) => files::evidence(target, &read.path),
            Self::FileRestore(file) => files::on_host(target, [file.path.as_str()]),
            Self::Command(command) => files::on_host(target, command.changes.iter().map(String::as_str)),
            Self::InventoryEdit(edit) => files::on_control(&edit.file),
            Self::InventoryRestore(restore) => files::on_control(&restore.file),
            Self::Cordon {} | Self::Uncordon {} => kube::node(target, crate::resource::Fields::Schedulable),
            Self::Drain(_) => kube::pods(target),
            Self::DeleteNode {} | Self::RestoreNode(_) | Self::PatchNode(_) => {
                kube::node(target, crate::resource::Fields::Membership)
            }
            Self::DeleteObject(object) => kube::object(&object.namespace, &object.name),
            Self::ApplyObject(object) => kube::object(&object.namespace, &object.name),
            Self::PatchObject(PatchObject { object, .. })
            | Self::RemoveObject(RemoveObject { object })
            | Self::PutObject(PutObject { object, .. }) => manifests::footprint(object),
            Self::Playbook(playbook) => playbook.footprint(target),
        }
    }

    /// Whether the goal of the action holds for one resource of its footprint; `None` where the action has no goal
    /// for it (evidence, or something it touches without promising a state).
    pub fn met(&self, key: &ResourceKey, before: Option<&State>, now: &State) -> Option<bool> {
        use crate::resource::{Fields, Kind};
        match self {
            Self::Record(_) | Self::DnsCheck(_) | Self::FileRead(_) | Self::Restore(_) => None,
            Self::Wait(_) | Self::Fetch(_) | Self::GlusterHeal(_) => None,
            Self::KubeWait(_) | Self::KubeExec(_) | Self::ApproveCsr(_) => None,
            Self::Service(service) => service.met(key, now),
            Self::Package(package) => package.met(key, now),
            Self::Reboot {} => match (key.kind(), before, now) {
                (Some(Kind::Boot(_)), Some(State::Boot { id: old }), State::Boot { id }) => Some(old != id),
                _ => None,
            },
            Self::Repository(repository) => repository.met(key, now),
            Self::FileAbsent(file) => file.met(key, now),
            Self::FileWrite(file) => file.met(now),
            Self::FileCopy(_) | Self::InventoryEdit(_) | Self::Command(_) => None,
            // Of a merge nobody knows the result beforehand; the recorded bytes themselves are a good end.
            Self::InventoryRestore(restore) => (*now == restore.to).then_some(true),
            Self::FileRestore(file) => Some(file.state.same(now, Fields::All)),
            Self::Cordon {} => kube::scheduling(now, true),
            Self::Uncordon {} => kube::scheduling(now, false),
            Self::Drain(_) => match now {
                State::Pods { pods } => Some(pods.is_empty()),
                State::Absent => Some(true),
                _ => None,
            },
            // What goes along with a node is evidence.
            Self::DeleteNode {} if !matches!(key.kind(), Some(Kind::Node(_))) => None,
            Self::DeleteNode {} => match (before, now) {
                (_, State::Absent) => Some(true),
                (Some(State::Node(old)), State::Node(new)) => Some(old.uid != new.uid),
                _ => Some(false),
            },
            Self::RestoreNode(restore) => Some(restore.met(now)),
            Self::PatchNode(patch) => Some(patch.met(now)),
            Self::DeleteObject(_) | Self::RemoveObject(_) => Some(manifests::removed(before, now)),
            Self::ApplyObject(ApplyObject { body: wanted, .. }) | Self::PutObject(PutObject { body: wanted, .. }) => {
                // One that is about to go is not back.
                Some(matches!(now, State::Object { body, marks, .. }
                    if body == wanted && !marks.contains_key(crate::cluster::DELETING)))
            }
            Self::PatchObject(_) => None,
            Self::Playbook(playbook) => playbook.met(key, now),
        }
    }

    /// Judges an in-doubt step from the before-image and what is there now. Pure: the lab and real hosts share it.
    pub fn judge(&self, footprint: &[Footprint], before: &Image, now: &Image) -> Verdict {
        // Actions that change one thing in one move and name no goal state: changed means applied.
        let by_change =
            matches!(self, Self::FileCopy(_) | Self::FileWrite(_) | Self::InventoryEdit(_) | Self::Command(_));
        let (mut goals, mut met, mut looked, mut moved) = (0, 0, 0, 0);
        for Footprint { key, fields } in footprint {
            let (Some(old), Some(new)) = (before.get(key), now.get(key)) else {
                continue;
            };
            looked += 1;
            let changed = match (old, new) {
                (State::Boot { id: a }, State::Boot { id: b }) => a != b,
                (State::Pods { pods: a }, State::Pods { pods: b }) => {
                    a.iter().any(|pod| b.iter().all(|other| other.uid != pod.uid))
                }
                (State::Node(a), State::Node(b)) if a.uid != b.uid => true,
                _ => !old.same(new, *fields),
            };
            moved += usize::from(changed);
            if let Some(done) = self.met(key, Some(old), new) {
                goals += 1;
                met += usize::from(done);
            }
        }
        match (goals, moved) {
            _ if looked == 0 => Verdict::CannotTell,
            (0, 0) if by_change || matches!(self, Self::InventoryRestore(_)) => Verdict::NotApplied,
            (0, _) if by_change => Verdict::Applied,
            (0, _) => Verdict::CannotTell,
            _ if met == goals => Verdict::Applied,
            (_, 0) => Verdict::NotApplied,
            _ => Verdict::Partial,
        }
    }

    /// Whether the state after a run that ended well is what the action promises; the first resource that is not,
    /// otherwise. An exit code alone never counts as success.
    pub fn unmet<'a>(&self, before: &Image, after: &'a Image) -> Option<&'a ResourceKey> {
        after.iter().find(|(key, now)| self.met(key, before.get(*key), now) == Some(false)).map(|(key, _)| key)
    }

    /// The actions that take it back, computed from what was there before.
    pub fn inverse(&self, target: &Target, before: &Image) -> Vec<Undo> {
        match self {
            Self::Service(service) => service.inverse(target, before),
            Self::Package(package) => package.inverse(before),
            Self::FileAbsent(_) | Self::FileCopy(_) | Self::FileWrite(_) => files::put_back(before),
            Self::FileRestore(_) => files::put_back(before),
            Self::Repository(repository) => repository.inverse(before),
            Self::Command(command) => command.inverse(before),
            Self::InventoryEdit(edit) => edit.inverse(before),
            Self::InventoryRestore(restore) => restore.inverse(before),
            Self::Cordon {} | Self::Uncordon {} => kube::scheduling_back(before),
            Self::DeleteNode {} => kube::node_back(before),
            Self::PatchNode(patch) => patch.inverse(before),
            Self::DeleteObject(_) | Self::ApplyObject(_) => kube::object_back(before),
            Self::PatchObject(PatchObject { object, .. })
            | Self::RemoveObject(RemoveObject { object })
            | Self::PutObject(PutObject { object, .. }) => manifests::back(object, before),
            Self::Playbook(_) => restore_touched(before),
            Self::Record(_)
            | Self::Restore(_)
            | Self::Drain(_)
            | Self::RestoreNode(_)
            | Self::FileRead(_)
            | Self::Reboot {}
            | Self::Wait(_)
            | Self::Fetch(_)
            | Self::GlusterHeal(_)
            | Self::KubeWait(_)
            | Self::KubeExec(_)
            | Self::ApproveCsr(_)
            | Self::DnsCheck(_) => Vec::new(),
        }
    }

    /// What is lost for good when it runs.
    pub fn losses(&self, before: &Image) -> Vec<Residue> {
        match self {
            Self::Drain(_) => kube::drain_losses(before),
            Self::DeleteNode {} => kube::node_losses(before),
            Self::RemoveObject(remove) => remove.losses(before),
            _ => Vec::new(),
        }
    }
}
