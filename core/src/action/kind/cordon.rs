//! `kube.cordon`: the node takes no new pods.

use crate::action::{ActionKind, CheckError, Described, Place, Recovery, Target, Undo, UndoClass, on_cluster};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Fields, Footprint, Image, State};
use schemars::JsonSchema;

/// Cordons the node: it takes no new pods.
#[derive(Debug, JsonSchema)]
pub(crate) struct Cordon;

impl Described for Cordon {
    const EXAMPLES: &'static [&'static str] = &["\
- cordon: { kube.cordon: {} }
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

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

    fn check(&self) -> Result<(), CheckError> {
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
