//! `dns.check`: names that must resolve on the host.

use crate::action::{values, ActionKind, Place, Recovery, Target, Undo, UndoClass};
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, State};
use serde::{Deserialize, Serialize};

/// Names that must resolve on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsCheck {
    /// The names.
    pub names: Vec<String>,
}

impl ActionKind for DnsCheck {
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
        format!("resolve {}", values::list(&self.names, "name"))
    }

    fn check(&self) -> Result<(), String> {
        values::not_empty("names", self.names.len()).and_then(|()| values::words("name", &self.names, "-._"))
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
