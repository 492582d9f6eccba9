//! `command`: a program on the host, with what it changes and how it is undone.

use crate::action::secret::is_name;
use crate::action::{
    Action, ActionKind, CheckError, Described, InField as _, JudgedBy, Place, Recovery, Secret, Shown, Target, Undo,
    UndoClass, Word, on_host, values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, State};
use crate::shown::Shown as _;
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Runs a command on the host. What it changes is declared, so that a look at the host can tell whether it ran.
///
/// Without `changes` and `undo` its effect is unknown: a rollback passes it and lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The program and its arguments; no shell reads them. A secret among them is the name of a file that holds it while the
    /// command runs, or with `as: argument` the secret itself.
    pub run: Vec<Word>,
    /// The files that it changes, absolute. They are recorded before and after; a changed one means that it ran.
    #[serde(default)]
    pub changes: Vec<String>,
    /// The command that takes it back; without it the changed files are put back.
    #[serde(default)]
    pub undo: Option<Vec<Word>>,
    /// A secret that it reads from standard input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<Secret>,
    /// Variables of its environment, each a secret with `as: environment`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, Secret>,
}

impl Command {
    /// A command of public words.
    pub fn of(run: Vec<String>, changes: Vec<String>) -> Self {
        let run = run.into_iter().map(Word::Text).collect();
        Self { run, changes, undo: None, stdin: None, environment: BTreeMap::new() }
    }
}

impl Described for Command {
    const EXAMPLES: &'static [&'static str] = &[
        "\
- exclude:
    command:
      run: [/sbin/atomic-openshift-excluder, exclude]
      undo: [/sbin/atomic-openshift-excluder, unexclude]
      changes: [/etc/yum.conf]
",
        "\
- note:
    command: { run: [/usr/bin/logger, the migration begins] }
    undo: { no-undo: \"a line in a log\" }
",
    ];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for Command {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self {
            run: dice.list(|dice| dice.text_or_secret(Some(Shown::Argument))),
            changes: dice.words(),
            undo: dice.maybe(|dice| dice.list(|dice| dice.text_or_secret(Some(Shown::Argument)))),
            stdin: dice.maybe(|dice| Secret { secret: dice.word(), shown: None }),
            environment: dice
                .list(|dice| (dice.word(), Secret { secret: dice.word(), shown: Some(Shown::Environment) })),
        }
    }
}

impl ActionKind for Command {
    fn place(&self) -> Place {
        Place::Host
    }

    fn class(&self) -> UndoClass {
        match self.undo.is_none() && self.changes.is_empty() {
            true => UndoClass::UnknownEffect,
            false => UndoClass::Reversible,
        }
    }

    fn recovery(&self) -> Recovery {
        Recovery::Ask
    }

    fn judged_by(&self) -> JudgedBy {
        JudgedBy::Change
    }

    /// With the secrets that it gets and where they can be seen.
    fn words(&self) -> String {
        let mut text = format!("run {}", Word::join(&self.run));
        if let Some(secret) = &self.stdin {
            text.push_str(&format!(" with {secret} on its standard input"));
        }
        for (name, secret) in &self.environment {
            text.push_str(&format!(" with {name}={secret}"));
        }
        text
    }

    fn check(&self) -> Result<(), CheckError> {
        values::not_empty("words of the command", self.run.len()).within("run")?;
        self.changes.iter().try_for_each(|text| values::path(text)).within("changes")?;
        for (field, words) in std::iter::once(("run", &self.run)).chain(self.undo.iter().map(|words| ("undo", words))) {
            if words.first().is_some_and(|program| program.text().is_none()) {
                let why = "the first word of a command is the name of a program, and no secret";
                return Err(CheckError::of(field, why));
            }
            for word in words {
                match word {
                    Word::Text(text) if text.contains('\0') => {
                        return Err(CheckError::of(field, "the command contains a NUL byte"));
                    }
                    Word::Text(_) => {}
                    Word::Secret(secret) => secret.check(Some(Shown::Argument), false).within(field)?,
                }
            }
        }
        self.stdin.iter().try_for_each(|secret| secret.check(None, false)).within("stdin")?;
        let environment = self.environment.iter().try_for_each(|(name, secret)| {
            if !is_name(name) {
                return Err(format!("`{}` cannot name a variable of an environment", name.shown()));
            }
            secret.check(Some(Shown::Environment), true)
        });
        environment.within("environment")
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        on_host::files(target, self.changes.iter().map(String::as_str))
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, _: &State) -> Option<bool> {
        None
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        match &self.undo {
            Some(undo) => {
                let (run, undo) = (undo.clone(), Some(self.run.clone()));
                let action = Self { run, undo, ..self.clone() };
                vec![Undo::new(Action::Command(action))]
            }
            None => on_host::put_back(before),
        }
    }
}
