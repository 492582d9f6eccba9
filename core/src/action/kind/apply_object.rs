//! `kube.apply`: a recorded ConfigMap, put back.

use crate::action::{
    ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo, UndoClass, on_cluster, values,
};
use crate::form::Form;
use crate::id::{BodyId, ResourceKey};
use crate::resource::{Footprint, Image, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Puts a recorded ConfigMap back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyObject {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// The recorded manifest.
    pub body: BodyId,
    /// Public marks of that content.
    pub marks: BTreeMap<String, String>,
}

impl Described for ApplyObject {
    const EXAMPLES: &'static [&'static str] = &["\
- service:
    kube.apply:
      manifest:
        apiVersion: v1
        kind: Service
        metadata: { namespace: web, name: front }
        spec: { ports: [ { port: 80 } ] }
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Manifest>()]
    }
}

/// Makes an object as a manifest says, or merges the manifest into the object that is there.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a runbook's manifest becomes a `kube.patch` before it is read; this describes it")]
struct Manifest {
    /// The object, with `apiVersion`, `kind`, `metadata.name` and, for what is in one, `metadata.namespace`.
    manifest: BTreeMap<String, serde_json::Value>,
}

#[cfg(test)]
impl Arbitrary for ApplyObject {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { namespace: dice.word(), name: dice.word(), body: dice.body(), marks: dice.pairs() }
    }
}

impl ActionKind for ApplyObject {
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
        format!("put ConfigMap {}/{} back", self.namespace, self.name)
    }

    fn check(&self) -> Result<(), CheckError> {
        values::word("namespace", &self.namespace, values::OBJECT).within("namespace")?;
        values::word("name", &self.name, values::OBJECT).within("name")
    }

    fn footprint(&self, _: &Target) -> Vec<Footprint> {
        on_cluster::config_map(&self.namespace, &self.name)
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        Some(on_cluster::is_put_back(&self.body, now))
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        on_cluster::config_map_back(before)
    }
}
