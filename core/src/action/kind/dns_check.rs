//! `dns.check`: names that must resolve on the host.

use crate::action::{
    ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo, UndoClass, values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Checks that names resolve on the host. It fails if one does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsCheck {
    /// The names that must resolve.
    pub names: Vec<String>,
}

impl Described for DnsCheck {
    const EXAMPLES: &'static [&'static str] = &["\
- dns: { dns.check: { names: [registry.example.com, master1.example.com] } }
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for DnsCheck {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { names: dice.words() }
    }
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

    fn check(&self) -> Result<(), CheckError> {
        values::not_empty("names", self.names.len())
            .and_then(|()| values::words("name", &self.names, "-._"))
            .within("names")
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
