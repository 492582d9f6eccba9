//! `kube.wait`: until something holds of an object.

use crate::action::{ActionKind, Place, Recovery, Target, Undo, UndoClass};
use crate::resource::{ObjectRef};
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, State};
use crate::span::Span;
use serde::{Deserialize, Serialize};

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Until {
    /// It exists.
    Exists,
    /// It does not exist.
    Gone,
    /// Its controller has seen the latest change of it, and as many pods as are wanted are of that change and up.
    RolledOut,
    /// A condition of it is True.
    Condition(String),
    /// A field of it has a value.
    Field {
        /// The field, as a JSON pointer: `/status/phase`.
        at: String,
        /// The value, as text.
        is: String,
    },
}

/// Waits until something holds of an object, or some time has passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubeWait {
    /// The object.
    pub object: ObjectRef,
    /// What.
    pub until: Until,
    /// How long at most; then the step fails with what was last seen.
    #[serde(default = "ten_minutes")]
    pub timeout: Span,
}

fn ten_minutes() -> Span {
    Span::seconds(600)
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

    fn check(&self) -> Result<(), String> {
        self.object.check()?;
        match &self.until {
            Until::Field { at, .. } if !at.starts_with('/') => {
                Err(format!("`{at}` is no JSON pointer: it begins with a slash"))
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
