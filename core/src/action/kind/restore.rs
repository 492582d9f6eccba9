//! `restore`: fields of the node, as an earlier step found them.

use crate::action::{
    Action, ActionKind, CheckError, Described, InField as _, PatchNode, Place, Recovery, Target, Undo, UndoClass,
    on_cluster, values,
};
use crate::form::Form;
use crate::id::{Label, ResourceKey};
use crate::resource::{Footprint, Image, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A field that `restore` can put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RestoreField {
    /// Whether the node is cordoned.
    Unschedulable,
    /// The node's labels.
    Labels,
}

/// Puts fields of the node back to what they were before an earlier step of the same host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// The earlier step, by its name in the runbook.
    pub step: Label,
    /// The fields that are put back.
    pub fields: Vec<RestoreField>,
    /// Labels that are left as they are now.
    #[serde(default)]
    pub except: BTreeSet<String>,
}

impl Restore {
    /// The concrete action, from that step's before-image. Labels that the node has gained since stay.
    pub fn resolve(&self, before: &Image) -> Option<Action> {
        let (_, node) = on_cluster::nodes(before).find(|(_, node)| node.is_some())?;
        let node = node?;
        let labels = self.fields.contains(&RestoreField::Labels).then(|| {
            let kept = node.labels.iter().filter(|(key, _)| !self.except.contains(*key));
            kept.map(|(key, value)| (key.clone(), Some(value.clone()))).collect()
        });
        Some(Action::PatchNode(PatchNode {
            unschedulable: self.fields.contains(&RestoreField::Unschedulable).then_some(node.unschedulable),
            labels: labels.unwrap_or_default(),
            taints: BTreeMap::new(),
        }))
    }
}

impl Described for Restore {
    const EXAMPLES: &'static [&'static str] = &["\
- cordon: { kube.cordon: {} }
- schedulable: { restore: { step: cordon, fields: [unschedulable] } }
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for Restore {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self {
            step: dice.label(),
            fields: dice.list(|dice| dice.pick(&[RestoreField::Unschedulable, RestoreField::Labels])),
            except: dice.words(),
        }
    }
}

impl ActionKind for Restore {
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
        format!("put fields of the node back as `{}` found them", self.step)
    }

    fn check(&self) -> Result<(), CheckError> {
        values::not_empty("fields", self.fields.len()).within("fields")
    }

    fn footprint(&self, _: &Target) -> Vec<Footprint> {
        Vec::new()
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, _: &State) -> Option<bool> {
        None
    }

    fn inverse(&self, _: &Target, _: &Image) -> Vec<Undo> {
        Vec::new()
    }
}
