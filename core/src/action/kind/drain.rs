//! `kube.drain`: the pods that can move are evicted.

use crate::action::{ActionKind, CheckError, Described, Place, Recovery, Target, Undo, UndoClass, on_cluster};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, Loss, Pod, Residue, State};
use crate::span::Span;
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a drain does with pods that have emptyDir volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Emptydir {
    /// Evict them; their data is lost and listed as residue.
    Delete,
    /// Refuse to drain.
    Refuse,
}

/// What a drain does with pods that no controller would make anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bare {
    /// Delete them for good.
    Delete,
    /// Refuse to drain.
    Refuse,
}

fn refuse_emptydir() -> Emptydir {
    Emptydir::Refuse
}

fn refuse_bare() -> Bare {
    Bare::Refuse
}

fn a_quarter() -> Span {
    Span::seconds(900)
}

/// Evicts every pod that is not static and not of a DaemonSet. PodDisruptionBudgets are respected until the timeout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drain {
    /// What is done with pods that have emptyDir volumes.
    #[serde(default = "refuse_emptydir")]
    pub emptydir: Emptydir,
    /// What is done with pods that no controller would make anew.
    #[serde(default = "refuse_bare")]
    pub bare: Bare,
    /// How long to go on asking; then the step fails.
    #[serde(default = "a_quarter")]
    pub timeout: Span,
    /// What is done with pods that stay Terminating, as those do whose runtime no longer answers. Without it they are
    /// waited for, until the timeout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminating: Option<Terminating>,
    /// How long a pod gets to end, instead of what it says itself. `0s`: at once, without a word to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<Span>,
    /// How long an eviction that is denied (403), as an admission webhook may do, is asked for again. Without it the first
    /// denial ends the step.
    #[serde(default, rename = "retry-denied", skip_serializing_if = "Option::is_none")]
    pub retry_denied: Option<Span>,
}

/// What a drain does with a pod that is still Terminating so long after its time to end was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Terminating {
    /// The step fails and says which pods they are: a person looks.
    Ask {
        /// So long after.
        after: Span,
    },
    /// The pod's object is deleted by its UID without waiting for the node. Its containers may go on running: only where
    /// the node is about to be stopped or rebooted anyway.
    Force {
        /// So long after.
        after: Span,
    },
}

impl Described for Drain {
    const EXAMPLES: &'static [&'static str] = &[
        "\
- drain: { kube.drain: { emptydir: delete, timeout: 15m } }
",
        "\
- drain:
    kube.drain:
      emptydir: delete
      grace: 30s
      terminating: { force: { after: 2m } }
",
    ];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for Drain {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self {
            emptydir: dice.pick(&[Emptydir::Delete, Emptydir::Refuse]),
            bare: dice.pick(&[Bare::Delete, Bare::Refuse]),
            timeout: dice.span(),
            terminating: dice.maybe(|dice| match dice.flag() {
                true => Terminating::Ask { after: dice.span() },
                false => Terminating::Force { after: dice.span() },
            }),
            grace: dice.maybe(Dice::span),
            retry_denied: dice.maybe(Dice::span),
        }
    }
}

impl ActionKind for Drain {
    fn place(&self) -> Place {
        Place::Cluster
    }

    fn class(&self) -> UndoClass {
        UndoClass::Reversible
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    // What was evicted may be back.
    fn says_unmet(&self) -> bool {
        true
    }

    fn words(&self) -> String {
        format!("drain the node, for at most {}", self.timeout)
    }

    fn check(&self) -> Result<(), CheckError> {
        Ok(())
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        on_cluster::pods(target)
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        match now {
            State::Pods { pods } => Some(pods.is_empty()),
            State::Absent => Some(true),
            _ => None,
        }
    }

    fn inverse(&self, _: &Target, _: &Image) -> Vec<Undo> {
        Vec::new()
    }

    fn losses(&self, before: &Image) -> Vec<Residue> {
        before.values().flat_map(|state| Self::losses_of(pods_in(state))).collect()
    }

    /// Only the pods that are gone.
    fn lost(&self, announced: &[Residue], before: &Image, after: &Image) -> Vec<Residue> {
        let still: BTreeSet<&str> = after.values().flat_map(pods_in).map(|pod| pod.uid.as_str()).collect();
        let all = before.iter().filter(|(key, _)| after.contains_key(*key)).flat_map(|(_, state)| pods_in(state));
        let gone: Vec<Pod> = all.filter(|pod| !still.contains(pod.uid.as_str())).cloned().collect();
        let lost = Self::losses_of(&gone);
        announced.iter().filter(|loss| lost.contains(loss)).cloned().collect()
    }
}

fn pods_in(state: &State) -> &[Pod] {
    match state {
        State::Pods { pods } => pods,
        _ => &[],
    }
}

impl Drain {
    /// What is lost for good with these pods.
    pub fn losses_of(pods: &[Pod]) -> Vec<Residue> {
        let mut losses = Vec::new();
        for pod in pods {
            // A generated name dies with the pod; what people know is the owner.
            let name = pod.owner.as_ref().map_or(pod.name.as_str(), |(kind, name)| {
                if kind == "StatefulSet" { pod.name.as_str() } else { name.as_str() }
            });
            let key = ResourceKey::pod(&pod.namespace, name);
            let loss = if pod.owner.is_none() { Loss::BarePod } else { Loss::Moved };
            losses.push(Residue { key: key.clone(), loss });
            if pod.emptydir {
                losses.push(Residue { key, loss: Loss::EmptyDir });
            }
        }
        losses
    }
}
