//! A case: one action on one target, in a world prepared for it, and what is expected of it.

use super::{Change, Rule};
use palinode_core::action::{Action, Recovery, Target};
use palinode_core::id::{BadId, HostName};
use palinode_core::record::Why;
use palinode_core::span::Span;

/// A piece of preparation.
#[derive(Debug, Clone, PartialEq)]
pub enum Prep {
    /// This action is done and ends well.
    Do(Action),
    /// So is this one, and one of its inverses is the action under test.
    Keep(Action),
    /// Others change the world.
    Change(Change),
    /// Time passes.
    Wait(Span),
}

/// The action under test.
#[derive(Debug, Clone)]
pub enum Under {
    /// This one.
    Plain(Action),
    /// The first of the kept action's inverses that fits.
    Inverse(fn(&Action) -> bool),
}

/// How the action is expected to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Well, and it changes something.
    Done,
    /// Well, with nothing to do.
    Nothing,
    /// Not well: for this reason, and with these words in its message. Nothing changes.
    Ends(Why, &'static str),
}

/// A residue that the case declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// How the key of the fingerprint begins.
    pub key: String,
    /// Why it stays.
    pub why: &'static str,
}

/// One action on one target.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name; unique in a list.
    pub name: &'static str,
    /// Whom the action acts for; the node name is found by the survey.
    pub target: Target,
    /// What is done to the world before.
    pub prepare: Vec<Prep>,
    /// Whether the action begins right after the preparation, instead of in a world that has settled.
    pub hot: bool,
    /// The action.
    pub under: Under,
    /// For playbooks: the actions whose resources it may touch.
    pub touches: Vec<Action>,
    /// What the runbook declares for it, if not the action's own rule.
    pub recovery: Option<Recovery>,
    /// How it is expected to end.
    pub expect: Expect,
    /// What a runbook's order takes back before this action.
    pub before_undo: Vec<Prep>,
    /// What stays after it was taken back, beside the losses that the action itself declares.
    pub left: Vec<Left>,
    /// Rules that cannot hold, each with the reason.
    pub except: Vec<(Rule, &'static str)>,
}

impl Case {
    /// An action that changes something in the untouched world.
    pub fn new(name: &'static str, host: &str, action: Action) -> Result<Self, BadId> {
        Ok(Self {
            name,
            target: Target { host: Some(HostName::new(host)?), node: None },
            prepare: Vec::new(),
            hot: false,
            under: Under::Plain(action),
            touches: Vec::new(),
            recovery: None,
            expect: Expect::Done,
            before_undo: Vec::new(),
            left: Vec::new(),
            except: Vec::new(),
        })
    }

    /// After these preparations.
    pub fn after(mut self, prepare: impl IntoIterator<Item = Prep>) -> Self {
        self.prepare.extend(prepare);
        self
    }

    /// Instead of the action, an inverse of the kept one.
    pub fn inverse(mut self, fits: fn(&Action) -> bool) -> Self {
        self.under = Under::Inverse(fits);
        self
    }

    /// Right after the preparation.
    pub fn hot(mut self) -> Self {
        self.hot = true;
        self
    }

    /// With nothing to do.
    pub fn nothing(mut self) -> Self {
        self.expect = Expect::Nothing;
        self
    }

    /// A precondition does not hold; the message has these words.
    pub fn refused(self, words: &'static str) -> Self {
        self.ends(Why::Precondition, words)
    }

    /// It does not end well; the message has these words.
    pub fn ends(mut self, why: Why, words: &'static str) -> Self {
        self.expect = Expect::Ends(why, words);
        self
    }

    /// Declared safe to repeat by the runbook.
    pub fn repeat(mut self) -> Self {
        self.recovery = Some(Recovery::Repeat);
        self
    }

    /// Taken back after these.
    pub fn undo_after(mut self, before: impl IntoIterator<Item = Prep>) -> Self {
        self.before_undo.extend(before);
        self
    }

    /// Something that stays when it was taken back.
    pub fn leaves(mut self, key: impl Into<String>, why: &'static str) -> Self {
        self.left.push(Left { key: key.into(), why });
        self
    }

    /// A rule that cannot hold.
    pub fn except(mut self, rule: Rule, why: &'static str) -> Self {
        self.except.push((rule, why));
        self
    }
}
