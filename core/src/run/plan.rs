//! A plan: a runbook expanded for concrete hosts. Immutable, named by its digest, stored in the journal.
//!
//! Steps stand in lanes. A lane's steps run one after the other; the first lane (preflight and what comes before the
//! hosts) ends before any host begins, hosts run side by side up to `serial`, the last lane follows all of them.

use crate::action::{Accept, Action, Recovery, Target, UndoClass};
use crate::canon;
use crate::gate::Gate;
use crate::id::{HostName, Label, PlanDigest, StepPath};
use crate::record::{Compensates, Undoes, plan_digest};
use crate::run::rules::version::RULES;
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

/// Who made a plan. It is derived from stored fields, since the stored plan has no field for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A person typed its one action on the command line.
    Typed,
    /// It was expanded from a runbook.
    Runbook,
    /// It takes another run back.
    Rollback,
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
    /// Whether and how it can be taken back; the runbook may be stricter than the kind.
    pub class: UndoClass,
    /// What is done where it is not known whether it happened.
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
    /// Name and purpose that the plan of a typed action has. Both are stored, so they never change.
    const TYPED: (&str, &str) = ("exec", "one action, typed by a person");

    /// The plan of one action that a person typed: its steps in the lane of its host, or before all hosts where it has
    /// none.
    pub fn typed(host: Option<HostName>, steps: Vec<Step>, inventory: Option<String>) -> Self {
        let (runbook, about) = Self::TYPED;
        let count = StepIx::try_from(steps.len()).unwrap_or(StepIx::MAX);
        let first = Lane { kind: LaneKind::First, start: 0, end: if host.is_some() { 0 } else { count } };
        let own = host.map(|host| Lane { kind: LaneKind::Host(host), start: 0, end: count });
        let last = Lane { kind: LaneKind::Last, start: count, end: count };
        Self {
            runbook: runbook.to_owned(),
            about: about.to_owned(),
            rules: RULES,
            parameters: BTreeMap::new(),
            inventory,
            serial: 1,
            // A failure ends the run: there is nothing to go on with, and typing it again is a retry.
            max_fail: 1,
            lanes: std::iter::once(first).chain(own).chain([last]).collect(),
            steps,
            compensates: None,
        }
    }

    /// The steps that act, with their actions: all but the gates.
    pub fn actions(&self) -> impl Iterator<Item = (&Step, &Action)> {
        self.steps.iter().filter_map(|step| match &step.work {
            Work::Act(action) => Some((step, action)),
            Work::Gate { .. } => None,
        })
    }

    /// Tells who made the plan, by what [`Self::typed`] writes into it. A runbook that is named `exec` is still a
    /// runbook: its purpose is another.
    pub fn origin(&self) -> Origin {
        match &self.compensates {
            Some(_) => Origin::Rollback,
            None if (self.runbook.as_str(), self.about.as_str()) == Self::TYPED => Origin::Typed,
            None => Origin::Runbook,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RunId;
    use crate::record::Scope;

    fn typed() -> Plan {
        let host = HostName::new("g1.demo").expect("a host");
        let action = Action::Reboot {};
        let step = Step {
            path: StepPath::new("g1.demo/reboot").expect("a path"),
            label: Label::new("reboot").expect("a label"),
            target: Target { host: Some(host.clone()), node: None },
            when: None,
            capture: None,
            class: action.class(),
            recovery: action.recovery(),
            undo_after: Vec::new(),
            touches: Vec::new(),
            undoes: None,
            accepts: Vec::new(),
            undo_reason: None,
            work: Work::Act(action),
        };
        Plan::typed(Some(host), vec![step], None)
    }

    #[test]
    fn a_typed_action_a_runbook_and_a_rollback_are_told_apart() {
        let typed = typed();
        assert!(typed.check().is_ok());
        assert_eq!(typed.origin(), Origin::Typed);
        assert_eq!((typed.runbook.as_str(), typed.about.as_str()), ("exec", "one action, typed by a person"));
        let named_alike = Plan { about: "what a person wrote".to_owned(), ..typed.clone() };
        assert_eq!(named_alike.origin(), Origin::Runbook, "a runbook may have that name too");
        let back = Compensates { run: RunId([1; 8]), scope: Scope::Run };
        let rollback = Plan { compensates: Some(back), ..typed.clone() };
        assert_eq!(rollback.origin(), Origin::Rollback);
        let of_no_host = Plan::typed(None, typed.steps, None);
        assert!(of_no_host.check().is_ok() && of_no_host.hosts().next().is_none());
        assert_eq!(of_no_host.origin(), Origin::Typed);
    }
}
