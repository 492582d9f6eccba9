//! `kube.cordon`: the node takes no new pods.

use crate::action::{on_cluster, ActionKind, Place, Recovery, Target, Undo, UndoClass};
use crate::id::ResourceKey;
use crate::resource::{Fields, Footprint, Image, State};

/// Cordons the node.
#[derive(Debug)]
pub(crate) struct Cordon;

impl ActionKind for Cordon {
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
        "cordon the node".to_owned()
    }

    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        on_cluster::node(target, Fields::Schedulable)
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        on_cluster::scheduling(now, true)
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        on_cluster::scheduling_back(before)
    }
}
