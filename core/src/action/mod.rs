//! Typed actions: what each one touches, how it is judged, and how it is taken back.
//!
//! An action is pure data. Everything that must not differ between the simulated lab and real hosts is decided here:
//! its footprint, when it counts as done ([`Action::met`]), how an in-doubt one is judged from what is there now
//! ([`Action::judge`]), its inverse, its undo class and whether it is safe to repeat. Executors only observe and act.

mod check;
mod kind;
mod on_cluster;
mod on_host;
mod package_word;
mod secret;
mod undo;
pub(crate) mod units;
pub(crate) mod values;

pub use check::CheckError;
pub(crate) use check::InField;
pub use kind::*;
pub(crate) use kind::{ActionKind, Described, JudgedBy, Row, TABLE};
pub use secret::{Secret, Shown, Source, Word};
pub use undo::{Accept, Accepted, Undo, restore_touched};
pub(crate) use values::volume;

use crate::id::{HostName, ResourceKey};
use crate::resource::{Footprint, Image, Residue, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an action acts for: an inventory host and its API node name, once that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The inventory host; none for steps that belong to the whole run.
    pub host: Option<HostName>,
    /// The node name that the API knows it by; found by the executor and recorded.
    pub node: Option<String>,
}

/// Where an action runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the host of the target.
    Host,
    /// On the machine that Palinode runs on.
    Control,
    /// Through the cluster's API.
    Cluster,
}

/// What a rollback does about an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UndoClass {
    /// It changes nothing.
    Read,
    /// Its inverse restores what was.
    Reversible,
    /// It is not known what it changed: a rollback passes it, and it always counts as a residue.
    UnknownEffect,
    /// There is nothing to restore: a rollback passes it and lists it.
    NoUndo,
    /// A rollback refuses to cross it.
    PointOfNoReturn,
}

/// What to do with an in-doubt step when neither job nor probe decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Recovery {
    /// Declared safe to repeat.
    Repeat,
    /// Ask the operator.
    Ask,
}

/// What a look at the target says of an in-doubt step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The effect is there in full.
    Applied,
    /// Nothing of it is there.
    NotApplied,
    /// The job is still at work.
    StillRunning,
    /// Some of it is there.
    Partial,
    /// The look decides nothing.
    CannotTell,
}

/// The names of the actions that a runbook may use, sorted.
pub fn runbook_names() -> impl Iterator<Item = &'static str> + Clone {
    kind::TABLE.iter().filter(|row| row.runbook).map(|row| row.name)
}

/// Whether every action of this name changes nothing.
pub(crate) fn is_read_only(name: &str) -> bool {
    kind::TABLE.iter().any(|row| row.reads && row.name == name)
}

impl Action {
    /// What it does to what, as a piece of a step's path: letters, digits, dots and dashes.
    pub fn slug(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' };
        let text: String = format!("{} {}", self.name(), self.kind().subject()).chars().map(plain).take(100).collect();
        let parts: Vec<&str> = text.split('-').filter(|part| !part.is_empty()).collect();
        parts.join("-")
    }

    /// Whether its values are ones that may reach a target: names that no shell or option parser could misread, paths
    /// that are absolute and plain. Texts that still hold a template are checked again once it is filled in.
    ///
    /// # Errors
    /// The first value that may not, with the field that it stands in.
    pub fn check(&self) -> Result<(), CheckError> {
        self.kind().check()
    }

    /// What it does to what, in one line. Values stand as they are: escape before printing.
    pub fn words(&self) -> String {
        self.kind().words()
    }

    /// Where it runs.
    pub fn place(&self) -> Place {
        self.kind().place()
    }

    /// Whether it runs as a job that is claimed by its name and outlives whoever started it: then the boot of the
    /// machine it runs on tells whether a claim may have been lost.
    pub fn is_job(&self) -> bool {
        self.kind().is_job()
    }

    /// Whether its job may say itself that what it promises is not there, beside what images show.
    pub fn says_unmet(&self) -> bool {
        self.kind().says_unmet()
    }

    /// Whether it replaces or removes files of a host as a whole: executors compare them with [`Job::seen`] first, and a
    /// step that finds one changed looks again.
    ///
    /// [`Job::seen`]: crate::port::Job::seen
    pub fn replaces_files(&self) -> bool {
        self.kind().replaces_files()
    }

    /// Whether it needs a host to act for.
    pub fn needs_host(&self) -> bool {
        self.kind().needs_host()
    }

    /// The undo class, unless the runbook declares a stricter one.
    pub fn class(&self) -> UndoClass {
        self.kind().class()
    }

    /// The recovery rule, unless the runbook declares another. Converging actions (their second run does only what
    /// is left) are safe to repeat; a reboot, a command and a playbook are not, unless declared.
    pub fn recovery(&self) -> Recovery {
        self.kind().recovery()
    }

    /// Whether it is `written` with what only its target could tell filled in: which package `devtoolset-7` is, say.
    pub fn fills_in(&self, written: &Self) -> bool {
        self.kind().fills_in(written)
    }

    /// The resources it declares before anyone looked at the target. An executor's survey adds what only the target
    /// knows: the other packages of a transaction, changed configuration files.
    pub fn footprint(&self, target: &Target) -> Vec<Footprint> {
        self.kind().footprint(target)
    }

    /// Whether the goal of the action holds for one resource of its footprint; `None` where the action has no goal
    /// for it (evidence, or something it touches without promising a state).
    pub fn met(&self, key: &ResourceKey, before: Option<&State>, now: &State) -> Option<bool> {
        self.kind().met(key, before, now)
    }

    /// Judges an in-doubt step from the before-image and what is there now. Pure: the lab and real hosts share it.
    pub fn judge(&self, footprint: &[Footprint], before: &Image, now: &Image) -> Verdict {
        let (mut goals, mut met, mut looked, mut moved) = (0, 0, 0, 0);
        for Footprint { key, fields } in footprint {
            let (Some(old), Some(new)) = (before.get(key), now.get(key)) else {
                continue;
            };
            looked += 1;
            let changed = match (old, new) {
                (State::Boot { id: a }, State::Boot { id: b }) => a != b,
                (State::Pods { pods: a }, State::Pods { pods: b }) => {
                    a.iter().any(|pod| b.iter().all(|other| other.uid != pod.uid))
                }
                (State::Node(a), State::Node(b)) if a.uid != b.uid => true,
                _ => !old.same(new, *fields),
            };
            moved += usize::from(changed);
            if let Some(done) = self.met(key, Some(old), new) {
                goals += 1;
                met += usize::from(done);
            }
        }
        match (goals, moved) {
            _ if looked == 0 => Verdict::CannotTell,
            (0, _) => match (self.kind().judged_by(), moved) {
                (JudgedBy::Change | JudgedBy::Stillness, 0) => Verdict::NotApplied,
                (JudgedBy::Change, _) => Verdict::Applied,
                (JudgedBy::Goal | JudgedBy::Stillness, _) => Verdict::CannotTell,
            },
            _ if met == goals => Verdict::Applied,
            (_, 0) => Verdict::NotApplied,
            _ => Verdict::Partial,
        }
    }

    /// Whether the state after a run that ended well is what the action promises; the first resource that is not,
    /// otherwise. An exit code alone never counts as success.
    pub fn unmet<'a>(&self, before: &Image, after: &'a Image) -> Option<&'a ResourceKey> {
        after.iter().find(|(key, now)| self.met(key, before.get(*key), now) == Some(false)).map(|(key, _)| key)
    }

    /// The actions that take it back, computed from what was there before.
    pub fn inverse(&self, target: &Target, before: &Image) -> Vec<Undo> {
        self.kind().inverse(target, before)
    }

    /// What is lost for good when it runs.
    pub fn losses(&self, before: &Image) -> Vec<Residue> {
        self.kind().losses(before)
    }

    /// What of the losses that were announced came true, as images from before and after show it.
    pub fn lost(&self, announced: &[Residue], before: &Image, after: &Image) -> Vec<Residue> {
        self.kind().lost(announced, before, after)
    }
}
