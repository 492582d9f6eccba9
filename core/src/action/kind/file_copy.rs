//! `file.copy`: one file on the host, copied over another.

use crate::action::{
    ActionKind, CheckError, Described, InField as _, JudgedBy, Place, Recovery, Target, Undo, UndoClass, on_host,
    values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, Residue, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Copies one file on the host over another, keeping the security context (`cp -Z`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileCopy {
    /// The file that is copied, absolute.
    pub from: String,
    /// The file that it is copied to, absolute.
    pub to: String,
    // T9.
    /// Refuse unless the source names a `nameserver` other than the host itself.
    #[serde(default)]
    pub resolver: bool,
}

impl Described for FileCopy {
    const EXAMPLES: &'static [&'static str] = &["\
- resolv-conf:
    file.copy: { from: /srv/resolv, to: /etc/resolv.conf, resolver: true }
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for FileCopy {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { from: dice.word(), to: dice.word(), resolver: dice.flag() }
    }
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

    fn check(&self) -> Result<(), CheckError> {
        values::path(&self.from).within("from")?;
        values::path(&self.to).within("to")
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

    fn losses(&self, before: &Image) -> Vec<Residue> {
        on_host::losses(before)
    }
}
