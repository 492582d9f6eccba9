//! `kube.delete`: a ConfigMap, deleted.

use crate::action::{
    ActionKind, CheckError, Described, InField as _, Place, Recovery, RemoveObject, Target, Undo, UndoClass,
    on_cluster, values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Deletes a ConfigMap, bound to the UID that was found before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteObject {
    /// The namespace of the ConfigMap.
    pub namespace: String,
    /// The name of the ConfigMap.
    pub name: String,
    // T1.
    /// Refuse while another live node takes its configuration from it.
    #[serde(default = "yes")]
    pub unless_used: bool,
}

fn yes() -> bool {
    true
}

impl Described for DeleteObject {
    const EXAMPLES: &'static [&'static str] = &[
        "\
- drop-node-group:
    kube.delete: { namespace: openshift-node, name: node-config-infra-crio }
",
        "\
- drop-service:
    kube.delete:
      object: { kind: Service, namespace: web, name: front }
",
    ];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>(), Form::of::<RemoveObject>()]
    }
}

#[cfg(test)]
impl Arbitrary for DeleteObject {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { namespace: dice.word(), name: dice.word(), unless_used: dice.flag() }
    }
}

impl ActionKind for DeleteObject {
    fn place(&self) -> Place {
        Place::Cluster
    }

    fn class(&self) -> UndoClass {
        UndoClass::Reversible
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn needs_host(&self) -> bool {
        false
    }

    fn words(&self) -> String {
        format!("delete ConfigMap {}/{}", self.namespace, self.name)
    }

    fn check(&self) -> Result<(), CheckError> {
        values::word("namespace", &self.namespace, values::OBJECT).within("namespace")?;
        values::word("name", &self.name, values::OBJECT).within("name")
    }

    fn footprint(&self, _: &Target) -> Vec<Footprint> {
        on_cluster::config_map(&self.namespace, &self.name)
    }

    fn met(&self, _: &ResourceKey, before: Option<&State>, now: &State) -> Option<bool> {
        Some(on_cluster::is_removed(before, now))
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        on_cluster::config_map_back(before)
    }
}
