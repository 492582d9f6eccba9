//! `kube.uncordon`: the node takes pods again.

use crate::action::{ActionKind, CheckError, Described, Place, Recovery, Target, Undo, UndoClass, on_cluster};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Fields, Footprint, Image, State};
use schemars::JsonSchema;

/// Uncordons the node: it takes pods again. To put back what was, use `restore`.
#[derive(Debug, JsonSchema)]
pub(crate) struct Uncordon;

impl Described for Uncordon {
    const EXAMPLES: &'static [&'static str] = &["\
- schedulable: { kube.uncordon: {} }
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

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

    fn check(&self) -> Result<(), CheckError> {
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
