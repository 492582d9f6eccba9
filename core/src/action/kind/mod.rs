//! The kinds of actions, a file for each, and the table that makes [`Action`] of them.
//!
//! A new kind is a file here, with a type that implements [`ActionKind`], and a row of the table. What the compiler asks
//! for then is what a kind has to say of itself; nothing has a default that could be wrong without a word.

use super::{CheckError, Place, Recovery, Target, Undo, UndoClass};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, Residue, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use serde::{Deserialize, Serialize};

/// What a kind of action says of itself. Pure: the lab and real hosts share it.
pub(crate) trait ActionKind {
    /// Where it runs.
    fn place(&self) -> Place;

    /// The undo class, unless the runbook declares a stricter one.
    fn class(&self) -> UndoClass;

    /// The recovery rule, unless the runbook declares another. A kind that converges (its second run does only what is
    /// left) is safe to repeat.
    fn recovery(&self) -> Recovery;

    /// Whether it needs a host to act for.
    fn needs_host(&self) -> bool {
        self.place() != Place::Control
    }

    /// Whether it runs as a job that is claimed by its name and outlives the process that started it.
    fn is_job(&self) -> bool {
        self.place() == Place::Host
    }

    /// Whether its job may report by itself that what it promises is not there, beside what images show.
    fn says_unmet(&self) -> bool {
        false
    }

    /// Whether it replaces or removes files of a host as a whole. Then they are compared with what the attempt found
    /// before anything is done: what somebody wrote in between would be lost, and the way back would not bring it.
    fn replaces_files(&self) -> bool {
        false
    }

    /// What an in-doubt step is judged by.
    fn judged_by(&self) -> JudgedBy {
        JudgedBy::Goal
    }

    /// What it does to what, in one line. Values stand as they are: escape before printing.
    fn words(&self) -> String;

    /// What it acts on, as the second half of a step's name that nobody gave; empty if its name says enough.
    fn subject(&self) -> String {
        String::new()
    }

    /// Refuses values that may not reach a target: names that a shell or an option parser could misread, paths that are
    /// not absolute and plain. Texts that hold a template are checked again once it is filled in.
    fn check(&self) -> Result<(), CheckError>;

    /// The resources it declares before anyone looked at the target.
    fn footprint(&self, target: &Target) -> Vec<Footprint>;

    /// Whether its goal holds for one resource of its footprint; `None` where it has no goal for it.
    fn met(&self, key: &ResourceKey, before: Option<&State>, now: &State) -> Option<bool>;

    /// Whether it is `written` with what only its target could tell filled in.
    fn fills_in(&self, _written: &Action) -> bool {
        false
    }

    /// The actions that take it back, computed from what was there before.
    fn inverse(&self, target: &Target, before: &Image) -> Vec<Undo>;

    /// What is lost for good when it runs.
    fn losses(&self, _: &Image) -> Vec<Residue> {
        Vec::new()
    }

    /// What of the losses that were announced came true, as images from before and after show it: all of them, where they
    /// cannot tell.
    fn lost(&self, announced: &[Residue], _: &Image, _: &Image) -> Vec<Residue> {
        announced.to_vec()
    }

    /// The same, whatever kind it is.
    fn as_kind(&self) -> &dyn ActionKind
    where
        Self: Sized,
    {
        self
    }
}

/// What the documentation says of a kind: `palinode explain`, the schema of runbooks and the reference pages are made of it.
///
/// The doc comments of the forms and of their fields are its text, and serde's attributes say what is accepted and what
/// the defaults are, so that neither can drift from what is read.
pub(crate) trait Described {
    /// Steps that use it, as a runbook writes them, each text a list. The first shows what is usual. None for an inverse.
    const EXAMPLES: &'static [&'static str];

    /// Fields of which one has to be given, none of them by itself. A test finds a kind that has such and does not say so.
    const ONE_OF: &'static [&'static str] = &[];

    /// The values that a runbook gives it, in each form that it has. None for an inverse.
    fn forms() -> Vec<Form>;
}

impl<T: Described> Described for Box<T> {
    const EXAMPLES: &'static [&'static str] = T::EXAMPLES;
    const ONE_OF: &'static [&'static str] = T::ONE_OF;

    fn forms() -> Vec<Form> {
        T::forms()
    }
}

/// What an in-doubt step of a kind is judged by, when its job says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JudgedBy {
    /// Whether its goals are met.
    Goal,
    /// It names no goal state and changes one thing in one move: changed means applied.
    Change,
    /// It may leave anything behind: only a resource that is as before says something, that it was not applied.
    Stillness,
}

/// A row of the table of kinds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// The name in runbooks, logs and stored forms.
    pub(crate) name: &'static str,
    /// Whether runbooks may use it; others are inverses only.
    pub(crate) runbook: bool,
    /// Whether every action of the kind changes nothing, so that preflight may use it.
    pub(crate) reads: bool,
    /// What it does, of a kind that no runbook describes.
    pub(crate) about: &'static str,
    /// As [`Described::EXAMPLES`].
    pub(crate) examples: &'static [&'static str],
    /// As [`Described::ONE_OF`].
    pub(crate) one_of: &'static [&'static str],
    /// As [`Described::forms`].
    pub(crate) forms: fn() -> Vec<Form>,
}

/// The pattern of a variant that binds what is in it, if anything is.
macro_rules! bound {
    ($variant:ident {} $it:ident) => {
        Action::$variant {}
    };
    ($variant:ident ($type:ty) $it:ident) => {
        Action::$variant($it)
    };
}

/// What is in a variant, as a kind; for one without fields the type of its name.
macro_rules! in_it {
    ($variant:ident {} $file:ident $it:ident) => {
        &$file::$variant
    };
    ($variant:ident ($type:ty) $file:ident $it:ident) => {
        $it.as_kind()
    };
}

/// The type that a variant's kind is.
macro_rules! kind_of {
    ($variant:ident {} $file:ident) => {
        $file::$variant
    };
    ($variant:ident ($type:ty) $file:ident) => {
        $type
    };
}

/// Makes an action of a kind by chance.
#[cfg(test)]
macro_rules! by_chance {
    ($variant:ident {}) => {
        |_| Action::$variant {}
    };
    ($variant:ident ($type:ty)) => {
        |dice| Action::$variant(<$type as Arbitrary>::arbitrary(dice))
    };
}

/// Makes the enum of the rows `"name" Variant(Type) file [flags];`, where a flag is a field of [`Row`].
macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:literal $variant:ident $fields:tt $file:ident [$($flag:ident)*];)*) => {
        $(pub(super) mod $file;)*

        /// A typed operation. The serialized name is the one that runbooks use.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Action {
            $($(#[doc = $doc])* #[serde(rename = $name)] $variant $fields,)*
        }

        /// Every kind, sorted by name.
        pub(crate) const TABLE: &[Row] =
            &[$(Row {
                $($flag: true,)*
                ..Row {
                    name: $name,
                    runbook: false,
                    reads: false,
                    about: concat!($($doc),*),
                    examples: <kind_of!($variant $fields $file) as Described>::EXAMPLES,
                    one_of: <kind_of!($variant $fields $file) as Described>::ONE_OF,
                    forms: <kind_of!($variant $fields $file) as Described>::forms,
                }
            },)*];

        #[cfg(test)]
        impl Arbitrary for Action {
            fn arbitrary(dice: &mut Dice<'_>) -> Self {
                const KINDS: &[fn(&mut Dice<'_>) -> Action] = &[$(by_chance!($variant $fields)),*];
                dice.pick(KINDS)(dice)
            }
        }

        impl Action {
            /// The name that runbooks and logs use.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $name,)*
                }
            }

            pub(super) fn kind(&self) -> &dyn ActionKind {
                match self {
                    $(bound!($variant $fields it) => in_it!($variant $fields $file it),)*
                }
            }
        }
    };
}

pub use apply_object::ApplyObject;
pub use approve_csr::{ApproveCsr, CertUse};
pub use command::Command;
pub use delete_object::DeleteObject;
pub use dns_check::DnsCheck;
pub use drain::{Bare, Drain, Emptydir, Terminating};
pub use fetch::Fetch;
pub use file_absent::{FileAbsent, FileState};
pub use file_copy::FileCopy;
pub use file_permissions::FilePermissions;
pub use file_read::FileRead;
pub use file_restore::FileRestore;
pub use file_write::FileWrite;
pub use gluster_heal::GlusterHeal;
pub use inventory_edit::InventoryEdit;
pub use inventory_restore::InventoryRestore;
pub use kube_exec::{KubeExec, PodRef};
pub use kube_wait::{KubeWait, Until};
pub use package::{Package, PackageState};
pub use patch_node::PatchNode;
pub use patch_object::PatchObject;
pub use playbook::{Expect, Playbook, Require};
pub use put_object::PutObject;
pub use record::Record;
pub use remove_object::RemoveObject;
pub use repository::{Repository, UNSET};
pub use restore::{Restore, RestoreField};
pub use restore_node::RestoreNode;
pub use service::{Service, ServiceState};
pub use wait::{Awaited, Wait};

kinds! {
    /// Runs a playbook.
    "ansible.playbook" Playbook(Box<Playbook>) playbook [runbook];
    /// Runs a command on the host, with what it changes and how it is undone declared.
    "command" Command(Command) command [runbook];
    /// Checks that names resolve on the host.
    "dns.check" DnsCheck(DnsCheck) dns_check [runbook reads];
    /// Brings a file or a directory from the host.
    "fetch" Fetch(Fetch) fetch [runbook reads];
    /// Removes files and trees.
    "file" FileAbsent(FileAbsent) file_absent [runbook];
    /// Copies one file on the host over another.
    "file.copy" FileCopy(FileCopy) file_copy [runbook];
    /// Changes mode and owner of a file.
    "file.permissions" FilePermissions(FilePermissions) file_permissions [runbook];
    /// Reads one `KEY=value` line.
    "file.read" FileRead(FileRead) file_read [runbook reads];
    /// Puts a file, link or tree back as it was recorded.
    "file.restore" FileRestore(FileRestore) file_restore [];
    /// Writes a file. A runbook writes it as `file` with a `content`.
    "file.write" FileWrite(FileWrite) file_write [runbook];
    /// Asks the host how the healing of volumes goes; changes nothing.
    "gluster.heal" GlusterHeal(GlusterHeal) gluster_heal [runbook reads];
    /// Edits the inventory text in place.
    "inventory.edit" InventoryEdit(InventoryEdit) inventory_edit [runbook];
    /// Takes an inventory edit back: the recorded bytes, or a three-way merge.
    "inventory.restore" InventoryRestore(InventoryRestore) inventory_restore [];
    /// Puts a ConfigMap back.
    "kube.apply" ApplyObject(ApplyObject) apply_object [runbook];
    /// Approves the certificates that the node's kubelet asks for.
    "kube.approve-csr" ApproveCsr(ApproveCsr) approve_csr [runbook];
    /// Cordons the node.
    "kube.cordon" Cordon {} cordon [runbook];
    /// Deletes a ConfigMap.
    "kube.delete" DeleteObject(DeleteObject) delete_object [runbook];
    /// Deletes the Node object, bound to the UID found before.
    "kube.delete-node" DeleteNode {} delete_node [runbook];
    /// Evicts the pods that can move.
    "kube.drain" Drain(Drain) drain [runbook];
    /// Runs a command in a pod.
    "kube.exec" KubeExec(KubeExec) kube_exec [runbook];
    /// Merges fields into an object of any kind. A runbook writes one that may make it as `kube.apply` with a `manifest`.
    "kube.patch" PatchObject(PatchObject) patch_object [runbook];
    /// Sets fields of the Node object.
    "kube.patch-node" PatchNode(PatchNode) patch_node [runbook];
    /// Puts an object of any kind back.
    "kube.put-back" PutObject(PutObject) put_object [];
    /// Deletes an object of any kind. A runbook writes it as `kube.delete` with an `object`.
    "kube.remove" RemoveObject(RemoveObject) remove_object [];
    /// Waits for the node to register again and gives it back what it had.
    "kube.restore-node" RestoreNode(RestoreNode) restore_node [];
    /// Makes the node schedulable.
    "kube.uncordon" Uncordon {} uncordon [runbook];
    /// Waits until something holds of an object of the cluster.
    "kube.wait" KubeWait(KubeWait) kube_wait [runbook reads];
    /// Installs or removes packages in one transaction.
    "package" Package(Package) package [runbook];
    /// Reboots the host and waits for a stable new boot.
    "reboot" Reboot {} reboot [runbook];
    /// Records the state of units, packages, files and the node; changes nothing.
    "record" Record(Record) record [runbook reads];
    /// Enables and disables package repositories, and pins the release.
    "repository" Repository(Repository) repository [runbook];
    /// Puts fields back to an earlier step's before-image; becomes `kube.patch-node` when its turn comes.
    "restore" Restore(Restore) restore [runbook];
    /// Starts, stops, enables or disables systemd units.
    "service" Service(Service) service [runbook];
    /// Waits until something holds on the host.
    "wait" Wait(Wait) wait [runbook reads];
}

/// The minor version of the journal's format that a kind came with, of those that are newer than format 1.5. `FORMAT.md`
/// has the others.
#[cfg(test)]
const NEWER: &[(&str, u32)] = &[("file.permissions", 6)];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::is_read_only;
    use crate::record::FORMAT;
    use std::collections::BTreeSet;

    /// A reader of an older format does not know a kind that came later: it is told by the version.
    #[test]
    fn a_new_kind_came_with_a_version_of_the_format() {
        let newer = |row: &&Row| NEWER.iter().any(|(name, _)| *name == row.name);
        let others = TABLE.iter().filter(|row| !newer(row)).count();
        assert_eq!(others, 33, "a kind that did not come with format 1.5 or before stands in `NEWER`");
        assert_eq!(TABLE.iter().filter(newer).count(), NEWER.len(), "and what stands there is a kind");
        assert!(NEWER.iter().all(|(_, minor)| (6..=FORMAT.1).contains(minor)), "`FORMAT` is the newest of them");
    }

    #[test]
    fn the_table_is_sorted_and_has_each_name_once() {
        assert!(TABLE.is_sorted_by(|one, next| one.name < next.name));
    }

    /// The forms' own test then sees each of them stored.
    #[test]
    fn each_kind_is_made_by_chance_and_reads_only_if_the_table_says_so() {
        let mut made = BTreeSet::new();
        let kinds = u16::try_from(TABLE.len()).expect("they are few");
        for number in 0..30 * kinds {
            let tape = [number, number / kinds, number / 7];
            let action = Action::arbitrary(&mut Dice(&tape));
            made.insert(action.name());
            let reads = action.class() == UndoClass::Read;
            let may = matches!(&action, Action::KubeExec(exec) if exec.reads);
            assert_eq!(is_read_only(action.name()) || may, reads, "{action:?}");
        }
        assert_eq!(made, TABLE.iter().map(|row| row.name).collect());
    }
}
