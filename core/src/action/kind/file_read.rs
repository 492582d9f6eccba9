//! `file.read`: one `KEY=value` line of a file.

use crate::action::{on_host, values, ActionKind, Place, Recovery, Target, Undo, UndoClass};
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, State};
use serde::{Deserialize, Serialize};

/// Reads `KEY=value` from a file; the value is public and can be captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRead {
    /// The file, absolute.
    pub path: String,
    /// The key.
    pub key: String,
}

impl ActionKind for FileRead {
    fn place(&self) -> Place {
        Place::Host
    }

    fn class(&self) -> UndoClass {
        UndoClass::Read
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn words(&self) -> String {
        format!("read {} from {}", self.key, self.path)
    }

    fn check(&self) -> Result<(), String> {
        values::path(&self.path).and_then(|()| values::word("key", &self.key, "_-."))
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        on_host::evidence(target, &self.path)
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, _: &State) -> Option<bool> {
        None
    }

    fn inverse(&self, _: &Target, _: &Image) -> Vec<Undo> {
        Vec::new()
    }
}
