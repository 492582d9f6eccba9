//! `gluster.heal`: how the healing of volumes goes.

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

/// Asks a host of a storage cluster how the healing of its volumes goes. What it prints is the output of the step, sealed.
/// It starts no heal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GlusterHeal {
    /// Only these volumes; without them all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
}

impl Described for GlusterHeal {
    const EXAMPLES: &'static [&'static str] = &["\
- heal-info: { gluster.heal: { volumes: [heketidbstorage] } }
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for GlusterHeal {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { volumes: dice.words() }
    }
}

impl ActionKind for GlusterHeal {
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
        match self.volumes.is_empty() {
            true => "ask how the healing of all volumes goes".to_owned(),
            false => format!("ask how the healing of {} goes", values::list(&self.volumes, "volume")),
        }
    }

    fn check(&self) -> Result<(), CheckError> {
        self.volumes.iter().try_for_each(|name| values::volume(name)).within("volumes")
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

#[cfg(test)]
mod tests {
    use crate::action::Action;

    #[test]
    fn volumes_are_names_that_no_shell_misreads() {
        let heal = |text: &str| serde_json::from_str::<Action>(&format!("{{\"gluster.heal\": {text}}}"));
        for good in ["{}", "{\"volumes\": [\"heketidbstorage\", \"vol_5a\", \"v-1\"]}"] {
            assert_eq!(heal(good).expect(good).check(), Ok(()), "{good}");
        }
        for bad in ["[\"\"]", "[\"-v\"]", "[\"a b\"]", "[\"a;b\"]", "[\"$(x)\"]", "[\"a/b\"]", "[\"help\\n\"]"] {
            let text = format!("{{\"volumes\": {bad}}}");
            assert!(heal(&text).expect(bad).check().is_err(), "{bad}");
        }
        assert!(heal("{\"volume\": \"a\"}").is_err());
    }
}
