//! `file.copy`: one file on the host, copied over another.

use crate::action::{on_host, values, ActionKind, JudgedBy, Place, Recovery, Target, Undo, UndoClass};
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, State};
use serde::{Deserialize, Serialize};

/// Copies one file on the host over another, keeping the security context (`cp -Z`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileCopy {
    /// Source, absolute.
    pub from: String,
    /// Destination file, absolute.
    pub to: String,
    /// Refuse unless the source names a `nameserver` other than the host itself (T9).
    #[serde(default)]
    pub resolver: bool,
}

impl ActionKind for FileCopy {
    fn place(&self) -> Place {
        Place::Host
    }

    fn class(&self) -> UndoClass {
        UndoClass::Reversible
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn replaces_files(&self) -> bool {
        true
    }

    fn judged_by(&self) -> JudgedBy {
        JudgedBy::Change
    }

    fn words(&self) -> String {
        format!("copy {} to {}", self.from, self.to)
    }

    fn check(&self) -> Result<(), String> {
        values::path(&self.from).and_then(|()| values::path(&self.to))
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        on_host::files(target, [self.to.as_str()])
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, _: &State) -> Option<bool> {
        None
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        on_host::put_back(before)
    }
}
