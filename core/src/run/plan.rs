//! A plan: a runbook expanded for concrete hosts. Immutable, named by its digest, stored in the journal.
//!
//! Steps stand in lanes. A lane's steps run one after the other; the first lane (preflight and what comes before the
//! hosts) ends before any host begins, hosts run side by side up to `serial`, the last lane follows all of them.

use crate::action::{Accept, Action, Recovery, Target, UndoClass};
use crate::canon;
use crate::gate::Gate;
use crate::id::{HostName, Label, PlanDigest, StepPath};
use crate::record::{Compensates, Undoes, plan_digest};
use crate::span::Span;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Index of a step in [`Plan::steps`].
pub type StepIx = u32;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Name of the runbook, or of what made the plan.
    pub runbook: String,
    /// What it is for, in one line.
    pub about: String,
    /// Version of the rules it was made for.
    pub rules: u32,
    /// Parameters as given, for people.
    pub parameters: BTreeMap<Label, String>,
    /// The inventory file on the control side.
    pub inventory: Option<String>,
    /// How many hosts run side by side.
    pub serial: u32,
    /// How many hosts may fail before no further host begins.
    pub max_fail: u32,
    /// The lanes, in order.
    pub lanes: Vec<Lane>,
    /// The steps of all lanes, lane after lane.
    pub steps: Vec<Step>,
    /// For a rollback: what it takes back.
    pub compensates: Option<Compensates>,
}

/// Where a lane stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LaneKind {
    /// Before every host.
    First,
    /// One host.
    Host(HostName),
    /// After every host.
    Last,
}

/// A sequence of steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// Where it stands.
    pub kind: LaneKind,
    /// Its first step.
    pub start: StepIx,
    /// One past its last step.
    pub end: StepIx,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// Carries out an action.
    Act(Action),
    /// Waits until a condition holds.
    Gate {
        /// The condition.
        gate: Gate,
        /// How many samples in a row must hold.
        samples: u32,
        /// Time between samples.
        every: Span,
        /// When to give up; never if not given.
        timeout: Option<Span>,
    },
}

/// A comparison of two texts, each perhaps with a capture in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Left side.
    pub left: String,
    /// Whether the sides must be equal, or must differ.
    pub equal: bool,
    /// Right side.
    pub right: String,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its stable path.
    pub path: StepPath,
    /// The name of the runbook's line it comes from.
    pub label: Label,
    /// Whom it acts for. The node name is found when its turn comes.
    pub target: Target,
    /// What it does.
    pub work: Work,
    /// Passed over unless this holds.
    pub when: Option<When>,
    /// Name under which the value it reads is captured.
    pub capture: Option<Label>,
    /// Undo class.
    pub class: UndoClass,
    /// Recovery rule.
    pub recovery: Recovery,
    /// Its undo follows directly after the undo of these steps.
    pub undo_after: Vec<StepPath>,
    /// Steps whose resources it changes too.
    pub touches: Vec<StepPath>,
    /// In a rollback: what it undoes.
    pub undoes: Option<Undoes>,
    /// In a rollback: live states it accepts although they are not the last recorded ones.
    pub accepts: Vec<Accept>,
    /// Why the runbook says that nothing takes it back, where the action alone would not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_reason: Option<String>,
}

impl Plan {
    /// The canonical bytes and their digest.
    pub fn encode(&self) -> Result<(Vec<u8>, PlanDigest), canon::EncodeError> {
        let bytes = canon::encode(self)?;
        let digest = plan_digest(&bytes);
        Ok((bytes, digest))
    }

    /// Reads stored bytes and checks what the rules rely on, so that a damaged or foreign plan is an error here and
    /// not a panic later.
    pub fn decode(bytes: &[u8]) -> Result<Self, PlanError> {
        let plan: Self = canon::decode(bytes)?;
        plan.check()?;
        Ok(plan)
    }

    /// Checks what the rules rely on.
    pub fn check(&self) -> Result<(), PlanError> {
        let mut at = 0;
        for lane in &self.lanes {
            if lane.start != at || lane.end < lane.start {
                return Err(PlanError::Lanes);
            }
            at = lane.end;
        }
        if usize::try_from(at).ok() != Some(self.steps.len()) {
            return Err(PlanError::Lanes);
        }
        let mut paths = std::collections::BTreeSet::new();
        match self.steps.iter().find(|step| !paths.insert(&step.path)) {
            Some(step) => Err(PlanError::Twice(step.path.clone())),
            None => Ok(()),
        }
    }

    /// The step at an index.
    pub fn step(&self, ix: StepIx) -> Option<&Step> {
        self.steps.get(ix as usize)
    }

    /// The hosts, in order.
    pub fn hosts(&self) -> impl Iterator<Item = &HostName> {
        self.lanes.iter().filter_map(|lane| if let LaneKind::Host(host) = &lane.kind { Some(host) } else { None })
    }

    /// The hosts that it reaches: those that it acts on, and those that its gates ask.
    pub fn reached(&self) -> BTreeSet<&HostName> {
        let asked = self.steps.iter().flat_map(|step| match &step.work {
            Work::Gate { gate, .. } => gate.asks(),
            Work::Act(_) => &[],
        });
        self.hosts().chain(asked).collect()
    }
}

/// Why stored bytes are not a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The bytes are damaged or foreign.
    #[error("cannot read the plan")]
    Bytes(#[from] canon::DecodeError),
    /// The lanes do not cover the steps.
    #[error("the lanes of the plan do not cover its steps")]
    Lanes,
    /// Two steps have the same path.
    #[error("two steps of the plan have the path {0}")]
    Twice(StepPath),
}
