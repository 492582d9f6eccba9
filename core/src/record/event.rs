//! What can happen: the whole list.

use super::actor::{Actor, Owner};
use super::attempt::{Intent, Outcome, Probed};
use super::closed::RunClosed;
use super::decision::{Answer, PauseWhy, SkipWhy, Undoes};
use super::opened::{FoundThere, HostKeys, RunOpened, is_false};
use super::progress::Progress;
use crate::id::{BodyId, Micros, ResourceKey, StepPath};
use crate::resource::State;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that can happen. The serialized variant name is the kind of the entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A run begins.
    RunOpened(Box<RunOpened>),
    /// Another process drives from here. Every intent without outcome is in doubt.
    OwnerChanged {
        /// The new owner.
        owner: Owner,
        /// Virtual time that passed unattended, in a lab run.
        gap: Option<Micros>,
        /// Who started it.
        actor: Actor,
        /// Whether it may overwrite drift.
        force: bool,
        /// The hosts' keys that it found and that the run did not have recorded so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host_keys: Option<Box<HostKeys>>,
        /// What else it found, where it found anything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<Box<FoundThere>>,
    },
    /// About to act.
    Intent(Arc<Intent>),
    /// What a job told while it runs.
    Progress(Box<Progress>),
    /// What came of it.
    Outcome(Box<Outcome>),
    /// A look at an in-doubt step, and what follows from it.
    Probed(Box<Probed>),
    /// An operator's answer about a step.
    Resolved {
        /// By its path in the plan, such as `gluster1.demo/stop`.
        step: StepPath,
        /// What became of the step, as that person says.
        answer: Answer,
        /// Who decided it, and from which machine.
        by: Actor,
        /// Words of that person, `--reason`, sealed.
        reason: Option<BodyId>,
        /// Whether the answer overrules what the journal knew: the step was not in doubt. Left out where it does not.
        #[serde(default, skip_serializing_if = "is_false")]
        overruled: bool,
    },
    /// A step is passed over.
    Skipped {
        /// By its path in the plan, such as `gluster1.demo/stop`.
        step: StepPath,
        /// A condition, a person, or that all is so already.
        why: SkipWhy,
        /// Who, when it was a person.
        by: Option<Actor>,
        /// Words of that person, `--reason`, sealed.
        reason: Option<BodyId>,
        /// In a rollback: what it would have undone.
        undoes: Option<Undoes>,
    },
    /// One look at a gate's condition.
    GateSampled {
        /// The gate's step.
        step: StepPath,
        /// Whether the condition held.
        pass: bool,
        /// Whether it can no longer come true (a split brain).
        hopeless: bool,
        /// The figures, by name.
        facts: BTreeMap<String, String>,
        /// What the targets printed.
        evidence: Option<BodyId>,
        /// How long the gate was waited for when this sample came: time that passed in the processes that waited, by a
        /// clock that nobody sets. Left out before format 1.5.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waited: Option<Micros>,
    },
    /// A gate opened, or failed for good.
    GateDecided {
        /// The gate's step.
        step: StepPath,
        /// Whether it opened.
        passed: bool,
    },
    /// A gate's time is up.
    TimerFired {
        /// The gate's step.
        step: StepPath,
    },
    /// The run stops here for now.
    Paused {
        /// What it waits for.
        why: PauseWhy,
        /// Who, when it was a person.
        by: Option<Actor>,
        /// Words of that person, `--reason`, sealed.
        reason: Option<BodyId>,
    },
    /// A resource was not as last recorded.
    DriftFound {
        /// The step that found it.
        step: StepPath,
        /// By its key: the host or cluster, and what it is there.
        key: ResourceKey,
        /// The last recorded state.
        expected: State,
        /// What was found.
        found: State,
        /// Whether the step went on regardless.
        forced: bool,
        /// What differs, in words; left out before format 1.6.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        what: Option<BodyId>,
    },
    /// The run is over.
    RunClosed(Box<RunClosed>),
}

/// The kinds of events, as people read and ask for them.
pub const KINDS: &[&str] = &[
    "drift-found",
    "gate-decided",
    "gate-sampled",
    "intent",
    "outcome",
    "owner-changed",
    "paused",
    "probed",
    "progress",
    "resolved",
    "run-closed",
    "run-opened",
    "skipped",
    "timer-fired",
];

/// What every event tells: its kind, the step it is about, and whether the driver waits until it is stored.
struct Facts<'a> {
    kind: &'static str,
    step: Option<&'a StepPath>,
    waited: bool,
}

impl Event {
    /// One match for all three: a new event says them together.
    fn facts(&self) -> Facts<'_> {
        let (kind, step, waited) = match self {
            Self::RunOpened(_) => ("run-opened", None, true),
            Self::OwnerChanged { .. } => ("owner-changed", None, true),
            Self::Intent(intent) => ("intent", Some(&intent.step), true),
            Self::Progress(progress) => ("progress", Some(&progress.step), false),
            Self::Outcome(outcome) => ("outcome", Some(&outcome.step), true),
            Self::Probed(probed) => ("probed", Some(&probed.step), false),
            Self::Resolved { step, .. } => ("resolved", Some(step), true),
            Self::Skipped { step, .. } => ("skipped", Some(step), true),
            Self::GateSampled { step, .. } => ("gate-sampled", Some(step), false),
            Self::GateDecided { step, .. } => ("gate-decided", Some(step), false),
            Self::TimerFired { step } => ("timer-fired", Some(step), false),
            Self::Paused { .. } => ("paused", None, true),
            Self::DriftFound { step, .. } => ("drift-found", Some(step), false),
            Self::RunClosed(_) => ("run-closed", None, true),
        };
        Facts { kind, step, waited }
    }

    /// The kind, as people read it in a log; one of [`KINDS`].
    pub fn kind(&self) -> &'static str {
        self.facts().kind
    }

    /// The step it is about, if one.
    pub fn step(&self) -> Option<&StepPath> {
        self.facts().step
    }

    /// Whether the driver waits until it is on stable storage; the rest becomes durable with the next that is.
    pub fn waited(&self) -> bool {
        self.facts().waited
    }
}
