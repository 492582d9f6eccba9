//! `kube.uncordon`: the node takes pods again.

use crate::action::{on_cluster, ActionKind, Place, Recovery, Target, Undo, UndoClass};
use crate::id::ResourceKey;
use crate::resource::{Fields, Footprint, Image, State};

/// Makes the node schedulable.
#[derive(Debug)]
pub(crate) struct Uncordon;

impl ActionKind for Uncordon {
    fn place(&self) -> Place {
        Place::Cluster
    }

    fn class(&self) -> UndoClass {
        UndoClass::Reversible
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn words(&self) -> String {
        "make the node schedulable".to_owned()
    }

    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        on_cluster::node(target, Fields::Schedulable)
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        on_cluster::scheduling(now, false)
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        on_cluster::scheduling_back(before)
    }
}
