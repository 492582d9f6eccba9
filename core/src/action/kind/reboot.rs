//! `reboot`: a reboot of the host, until a new boot is stable.

use crate::action::{ActionKind, CheckError, Described, Place, Recovery, Target, Undo, UndoClass};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Fields, Footprint, Image, Kind, State};
use schemars::JsonSchema;

/// Reboots the host and waits until a new boot is stable.
#[derive(Debug, JsonSchema)]
pub(crate) struct Reboot;

impl Described for Reboot {
    const EXAMPLES: &'static [&'static str] = &["\
- reboot: { reboot: {}, undo: no-undo }
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

impl ActionKind for Reboot {
    fn place(&self) -> Place {
        Place::Host
    }

    fn class(&self) -> UndoClass {
        UndoClass::NoUndo
    }

    fn recovery(&self) -> Recovery {
        Recovery::Ask
    }

    fn words(&self) -> String {
        "reboot".to_owned()
    }

    fn check(&self) -> Result<(), CheckError> {
        Ok(())
    }

    /// The boot is evidence, since nobody puts a boot back.
    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        let boot = target.host.as_ref().map(|host| Footprint::new(ResourceKey::boot(host), Fields::Evidence));
        boot.into_iter().collect()
    }

    fn met(&self, key: &ResourceKey, before: Option<&State>, now: &State) -> Option<bool> {
        match (key.kind(), before, now) {
            (Some(Kind::Boot(_)), Some(State::Boot { id: old }), State::Boot { id }) => Some(old != id),
            _ => None,
        }
    }

    fn inverse(&self, _: &Target, _: &Image) -> Vec<Undo> {
        Vec::new()
    }
}
