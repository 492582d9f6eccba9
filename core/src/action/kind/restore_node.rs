//! `kube.restore-node`: a node that registered again gets back what it had.

use crate::action::{ActionKind, CheckError, Described, Place, Recovery, Target, Undo, UndoClass, on_cluster};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Fields, Footprint, Image, State};
use crate::span::Span;
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Gives a node that registered again what it had: labels, annotations, taints, schedulability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestoreNode {
    /// Whether it was cordoned.
    pub unschedulable: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Taints.
    pub taints: BTreeSet<String>,
    /// How long to wait for it to register.
    pub timeout: Span,
}

impl Described for RestoreNode {
    const EXAMPLES: &'static [&'static str] = &[];

    fn forms() -> Vec<Form> {
        Vec::new()
    }
}

#[cfg(test)]
impl Arbitrary for RestoreNode {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self {
            unschedulable: dice.flag(),
            labels: dice.pairs(),
            annotations: dice.pairs(),
            taints: dice.words(),
            timeout: dice.span(),
        }
    }
}

impl ActionKind for RestoreNode {
    fn place(&self) -> Place {
        Place::Cluster
    }

    fn class(&self) -> UndoClass {
        UndoClass::NoUndo
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn words(&self) -> String {
        "wait for the node to register, give it back labels, taints, scheduling".to_owned()
    }

    fn check(&self) -> Result<(), CheckError> {
        Ok(())
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        on_cluster::node(target, Fields::Membership)
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        let is_back = matches!(now, State::Node(node) if node.unschedulable == self.unschedulable
            && node.labels == self.labels && node.annotations == self.annotations && node.taints == self.taints);
        Some(is_back)
    }

    fn inverse(&self, _: &Target, _: &Image) -> Vec<Undo> {
        Vec::new()
    }
}
