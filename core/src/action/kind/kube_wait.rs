//! `kube.wait`: until something holds of an object.

use crate::action::{ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo, UndoClass};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, ObjectRef, State};
use crate::span::Span;
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What must hold of the object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Until {
    /// The object exists.
    Exists,
    /// The object does not exist.
    Gone,
    /// Its controller has seen the latest change of it, and as many pods as are wanted are of that change and up.
    RolledOut,
    /// This condition of the object is True, such as `Available`.
    Condition(String),
    /// A field of the object has a value.
    Field {
        /// The field, as a JSON pointer: `/status/phase`.
        at: String,
        /// The value, as text.
        is: String,
    },
}

/// Waits until something holds of an object of the cluster. It fails when the time is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KubeWait {
    /// The object that is looked at.
    pub object: ObjectRef,
    /// What must hold of it.
    pub until: Until,
    /// How long at most; then the step fails with what was last seen.
    #[serde(default = "ten_minutes")]
    pub timeout: Span,
}

fn ten_minutes() -> Span {
    Span::seconds(600)
}

impl Described for KubeWait {
    const EXAMPLES: &'static [&'static str] = &[
        "\
- rolled-out:
    kube.wait:
      object: { api: apps/v1, kind: DaemonSet, namespace: logs, name: agent }
      until: rolled-out
      timeout: 20m
",
        "\
- bound:
    kube.wait:
      object: { kind: PersistentVolumeClaim, namespace: web, name: data }
      until: { field: { at: /status/phase, is: Bound } }
",
    ];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for KubeWait {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self {
            object: dice.object(),
            until: match dice.below(5) {
                0 => Until::Exists,
                1 => Until::Gone,
                2 => Until::RolledOut,
                3 => Until::Condition(dice.word()),
                _ => Until::Field { at: dice.word(), is: dice.word() },
            },
            timeout: dice.span(),
        }
    }
}

impl ActionKind for KubeWait {
    fn place(&self) -> Place {
        Place::Cluster
    }

    fn class(&self) -> UndoClass {
        UndoClass::Read
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn needs_host(&self) -> bool {
        false
    }

    fn words(&self) -> String {
        let until = match &self.until {
            Until::Exists => "is there".to_owned(),
            Until::Gone => "is gone".to_owned(),
            Until::RolledOut => "is rolled out".to_owned(),
            Until::Condition(condition) => format!("is {condition}"),
            Until::Field { at, is } => format!("has {is} at {at}"),
        };
        format!("wait until {} {until}, for at most {}", self.object, self.timeout)
    }

    fn check(&self) -> Result<(), CheckError> {
        self.object.check().within("object")?;
        match &self.until {
            Until::Field { at, .. } if !at.starts_with('/') => {
                Err(CheckError::of("until", format!("`{at}` is no JSON pointer: it begins with a slash")))
            }
            _ => Ok(()),
        }
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
