//! `kube.patch`: fields, merged into an object of any kind.

use crate::action::{
    ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo, UndoClass, on_cluster, values,
};
use crate::cluster::SERVER_SET;
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Footprint, Image, ObjectRef, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// Merges fields into an object (RFC 7386): a value sets, `null` removes, and a list takes the place of the other list.
///
/// What is recorded of an object is sealed, so a look does not tell whether a merge was done. A merge in doubt is done
/// again, which changes nothing where it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchObject {
    /// The object that is changed; no Secret and no Node.
    pub object: ObjectRef,
    // Stored as compact JSON with sorted keys.
    /// The fields, as a map or as its JSON text. Everybody who may read the plan may read them.
    #[schemars(with = "Merge")]
    pub merge: String,
    /// Whether the object is made where it is not there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub create: bool,
}

// Serde asks with a reference.
fn is_false(value: &bool) -> bool {
    !*value
}

impl Described for PatchObject {
    const EXAMPLES: &'static [&'static str] = &["\
- image:
    kube.patch:
      object: { api: apps/v1, kind: Deployment, namespace: web, name: front }
      merge: { spec: { replicas: 2, paused: null } }
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

/// The fields that are merged, as a runbook writes them.
struct Merge;

impl JsonSchema for Merge {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Merge")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["object", "string"] })
    }
}

#[cfg(test)]
impl Arbitrary for PatchObject {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self { object: dice.object(), merge: dice.word(), create: dice.flag() }
    }
}

impl ActionKind for PatchObject {
    fn place(&self) -> Place {
        Place::Cluster
    }

    fn class(&self) -> UndoClass {
        UndoClass::Reversible
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    // A server drops fields that it does not know.
    fn says_unmet(&self) -> bool {
        true
    }

    fn needs_host(&self) -> bool {
        false
    }

    fn words(&self) -> String {
        let merge = serde_json::from_str(&self.merge).unwrap_or_default();
        let mut names = Vec::new();
        fields(&merge, "", &mut names);
        let own = ["apiVersion", "kind", "metadata.name", "metadata.namespace"];
        names.retain(|name| !own.contains(&name.as_str()));
        let does = if self.create { "apply" } else { "patch" };
        format!("{does} {}: {}", self.object, values::list(&names, "field"))
    }

    fn subject(&self) -> String {
        self.object.name.clone()
    }

    fn check(&self) -> Result<(), CheckError> {
        let wrong = |why: &str| CheckError::of("merge", why);
        self.object.check().within("object")?;
        match self.object.kind.as_str() {
            "Secret" => {
                let why = "a Secret is not written: its content would be in the plan, which anyone may read";
                return Err(CheckError::of("object", why));
            }
            "Node" => {
                let why = "use kube.cordon, kube.uncordon, kube.patch-node: Nodes are claimed and fenced";
                return Err(CheckError::of("object", why));
            }
            _ => {}
        }
        if self.create
            && let Some(what) = on_cluster::goes_along(&self.object.kind)
        {
            let kind = &self.object.kind;
            let why = format!("a {kind} is not made: its way back would delete it, and {what} with it");
            return Err(CheckError::of("object", why));
        }
        if self.merge.contains("{{") {
            return Err(wrong(
                "what is merged takes no values that are captured during a run, and no other `{{`: it is all known when the plan \
                 is made",
            ));
        }
        let merge = serde_json::from_str::<Value>(&self.merge).ok().filter(Value::is_object);
        let merge = merge.ok_or_else(|| wrong("what is merged is no JSON object"))?;
        if let Some(number) = no_whole_number(&merge) {
            return Err(wrong(&format!(
                "what is merged holds {number}, which is no whole number of 64 bits, and plans have no others; write it as text if \
                 the API takes that, such as \"500m\""
            )));
        }
        let one_form = merge.to_string();
        if one_form != self.merge {
            return Err(wrong("what is merged is not JSON in its one form: compact, keys sorted"));
        }
        if merge == Value::Object(serde_json::Map::new()) {
            return Err(wrong("what is merged is empty"));
        }
        if merge.get("status").is_some() {
            return Err(wrong("`status` is what the cluster says of the object: leave it out"));
        }
        if merge.get("metadata").is_some_and(|meta| !meta.is_object()) {
            return Err(wrong("`metadata` is no map"));
        }
        let meta = &merge["metadata"];
        if let Some(name) = SERVER_SET.iter().find(|name| meta.get(**name).is_some()) {
            return Err(wrong(&format!("`metadata.{name}` is the server's to say: leave it out")));
        }
        let own = [
            ("apiVersion", merge.get("apiVersion"), Some(&self.object.api)),
            ("kind", merge.get("kind"), Some(&self.object.kind)),
            ("metadata.name", meta.get("name"), Some(&self.object.name)),
            ("metadata.namespace", meta.get("namespace"), self.object.namespace.as_ref()),
        ];
        for (what, found, own) in own {
            let later = own.is_some_and(|own| own.contains("{{"));
            if found.is_some_and(|found| found.as_str() != own.map(String::as_str)) && !later {
                return Err(wrong(&format!("`{what}` of what is merged is not that of {}", self.object)));
            }
        }
        Ok(())
    }

    fn footprint(&self, _: &Target) -> Vec<Footprint> {
        on_cluster::object(&self.object)
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, _: &State) -> Option<bool> {
        None
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        on_cluster::object_back(&self.object, before)
    }
}

/// The fields that a merge is about, each as the names on the way to it.
fn fields(merge: &Value, way: &str, names: &mut Vec<String>) {
    match merge {
        Value::Object(all) if !all.is_empty() => {
            for (name, below) in all {
                let way = if way.is_empty() { name.clone() } else { format!("{way}.{name}") };
                fields(below, &way, names);
            }
        }
        _ => names.push(way.to_owned()),
    }
}

/// A number that the stored forms do not have.
fn no_whole_number(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => (!number.is_i64()).then(|| number.to_string()),
        Value::Array(all) => all.iter().find_map(no_whole_number),
        Value::Object(all) => all.values().find_map(no_whole_number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Accepted, Action, PatchNode, PutObject, RemoveObject, Verdict};
    use crate::id::BodyId;
    use crate::resource::{Fields, Loss, Residue};
    use serde_json::json;

    fn object(kind: &str, namespace: Option<&str>) -> ObjectRef {
        ObjectRef {
            api: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: "web".to_owned(),
        }
    }

    fn patch(merge: &str) -> PatchObject {
        PatchObject { object: object("Deployment", Some("shop")), merge: merge.to_owned(), create: false }
    }

    fn there(uid: &str, content: u8) -> State {
        State::Object { uid: uid.to_owned(), body: BodyId([content; 32]), marks: Default::default() }
    }

    #[test]
    fn what_may_not_be_merged_is_refused_and_told_why() {
        for (merge, words) in [
            (r#"{"spec":{"replicas":2}}"#, None),
            (r#"{"metadata":{"labels":{"a":null}},"spec":{"list":[1,-2,{"x":true}]}}"#, None),
            (r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"}}"#, None),
            ("[1]", Some("no JSON object")),
            ("\"spec\"", Some("no JSON object")),
            ("{", Some("no JSON object")),
            ("{}", Some("empty")),
            (r#"{"spec":{"share":[{"x":1.5}]}}"#, Some("1.5")),
            (r#"{"spec":18446744073709551615}"#, Some("whole number")),
            (r#"{"spec":{"b":1,"a":2}}"#, Some("one form")),
            (r#"{"spec":1,"spec":2}"#, Some("one form")),
            (r#"{"spec": 1}"#, Some("one form")),
            (r#"{"spec":"{{ found }}"}"#, Some("captured")),
            (r#"{"status":{}}"#, Some("`status`")),
            (r#"{"metadata":null}"#, Some("`metadata` is no map")),
            (r#"{"metadata":{"uid":"x"}}"#, Some("`metadata.uid`")),
            (r#"{"metadata":{"resourceVersion":null}}"#, Some("`metadata.resourceVersion`")),
            (r#"{"metadata":{"managedFields":[]}}"#, Some("`metadata.managedFields`")),
            (r#"{"apiVersion":"v1"}"#, Some("`apiVersion`")),
            (r#"{"kind":"DaemonSet"}"#, Some("`kind`")),
            (r#"{"metadata":{"name":"other"}}"#, Some("`metadata.name`")),
            (r#"{"metadata":{"name":null}}"#, Some("`metadata.name`")),
            (r#"{"metadata":{"namespace":"other"}}"#, Some("`metadata.namespace`")),
        ] {
            let found = Action::PatchObject(patch(merge)).check();
            match words {
                None => assert_eq!(found, Ok(()), "{merge}"),
                Some(words) => {
                    assert!(found.as_ref().is_err_and(|error| error.reason.contains(words)), "{merge}: {found:?}");
                }
            }
        }
        let of = |kind: &str| PatchObject { object: object(kind, None), ..patch(r#"{"a":1}"#) };
        let refused = |action: Action| action.check().map_err(|error| error.reason).err().unwrap_or_default();
        assert!(refused(Action::PatchObject(of("Secret"))).contains("in the plan, which anyone may read"));
        assert!(refused(Action::PatchObject(of("Node"))).contains("kube.patch-node"));
        let remove = |kind: &str| Action::RemoveObject(RemoveObject { object: object(kind, None) });
        assert!(refused(remove("Secret")).contains("Secret"));
        assert!(refused(remove("Node")).contains("kube.delete-node"));
        for (kind, words) in [
            ("Namespace", "all that is in it"),
            ("Project", "all that is in it"),
            ("CustomResourceDefinition", "all that is in it"),
            ("PersistentVolumeClaim", "what is stored there"),
            ("PersistentVolume", "what is stored there"),
        ] {
            assert!(refused(remove(kind)).contains(words), "{kind}");
            let made = PatchObject { create: true, ..of(kind) };
            assert!(refused(Action::PatchObject(made)).contains("its way back would delete it"), "{kind}");
            assert_eq!(Action::PatchObject(of(kind)).check(), Ok(()), "{kind}");
        }
        assert!(refused(remove("Job")).contains("run once more"));
        assert!(refused(remove("Pod")).contains("successor"));
        assert!(refused(remove("../x")).contains("kind"));
        assert_eq!(refused(remove("DaemonSet")), "");
        let cluster = PatchObject { object: object("X", None), ..patch(r#"{"metadata":{"namespace":"a"}}"#) };
        assert!(refused(Action::PatchObject(cluster)).contains("`metadata.namespace`"), "it belongs to no namespace");
    }

    #[test]
    fn what_was_there_is_put_back_and_what_was_not_is_removed() {
        let object = object("Deployment", Some("shop"));
        let key = ResourceKey::object(&object);
        let was = Image::from([(key.clone(), there("u1", 1))]);
        let none = Image::from([(key.clone(), State::Absent)]);
        let put = Action::PutObject(PutObject { object: object.clone(), body: BodyId([1; 32]) });
        let remove = Action::RemoveObject(RemoveObject { object });
        for action in [Action::PatchObject(patch("{\"a\":1}")), remove.clone(), put.clone()] {
            let back = |image: &Image| action.inverse(&Default::default(), image);
            assert_eq!(back(&was), [Undo::new(put.clone()).or(&key, Accepted::Absent)], "{action:?}");
            assert_eq!(back(&none), [Undo::new(remove.clone()).or(&key, Accepted::Absent)], "{action:?}");
            assert_eq!(crate::action::restore_touched(&was), [Undo::new(put.clone())]);
            assert_eq!(action.footprint(&Default::default()), [Footprint::new(key.clone(), Fields::Content)]);
        }
        assert_eq!(remove.losses(&was), [Residue { key, loss: Loss::NewUid }]);
        assert_eq!(remove.losses(&none), []);
        assert_eq!(put.losses(&was), []);
    }

    #[test]
    fn what_is_there_tells_of_all_but_a_merge() {
        let object = object("Deployment", Some("shop"));
        let key = ResourceKey::object(&object);
        let put = Action::PutObject(PutObject { object: object.clone(), body: BodyId([1; 32]) });
        let remove = Action::RemoveObject(RemoveObject { object });
        let merge = Action::PatchObject(patch("{\"a\":1}"));
        let table = [
            (&merge, there("u", 1), there("u", 2), Verdict::CannotTell),
            (&merge, there("u", 1), there("u", 1), Verdict::CannotTell),
            (&merge, State::Absent, there("u", 1), Verdict::CannotTell),
            (&remove, there("u", 1), State::Absent, Verdict::Applied),
            (&remove, there("u", 1), there("v", 1), Verdict::Applied),
            (&remove, there("u", 1), there("u", 1), Verdict::NotApplied),
            (&put, there("u", 2), there("u", 1), Verdict::Applied),
            (&put, State::Absent, there("v", 1), Verdict::Applied),
            (&put, there("u", 2), there("u", 2), Verdict::NotApplied),
            (&put, there("u", 2), there("u", 3), Verdict::Partial),
        ];
        for (action, before, now, verdict) in table {
            let image = |state: &State| Image::from([(key.clone(), state.clone())]);
            let footprint = action.footprint(&Default::default());
            let found = action.judge(&footprint, &image(&before), &image(&now));
            assert_eq!(found, verdict, "{action:?} from {before:?} to {now:?}");
        }
    }

    #[test]
    fn the_words_of_a_merge_say_which_fields_it_is_about() {
        let merge = |text: &str| Action::PatchObject(patch(text)).words();
        let of = |fields: &str| format!("patch Deployment shop/web: {fields}");
        assert_eq!(
            merge(r#"{"spec":{"updateStrategy":{"rollingUpdate":null,"type":"OnDelete"}}}"#),
            of("spec.updateStrategy.rollingUpdate and spec.updateStrategy.type")
        );
        assert_eq!(merge(r#"{"kind":"Deployment","metadata":{"name":"web"},"spec":{"a":[1,{"b":2}]}}"#), of("spec.a"));
        assert_eq!(merge(r#"{"a":1,"b":1,"c":1,"d":1}"#), of("a, b and 2 more fields"));
        let patch = Action::PatchNode(PatchNode {
            unschedulable: Some(true),
            labels: [("a".to_owned(), Some("1".to_owned())), ("b".to_owned(), None)].into(),
            taints: [("c=d:NoSchedule".to_owned(), true), ("e=:NoExecute".to_owned(), false)].into(),
        });
        let words = "cordon the node, label the node a=1, remove the label b, taint the node c=d:NoSchedule, remove the taint e=:NoExecute";
        assert_eq!(patch.words(), words);
    }

    #[test]
    fn a_merge_that_only_changes_is_stored_without_a_word_of_making() {
        let stored = |action: &Action| serde_json::to_value(action).expect("it is stored");
        let mut merge = patch(r#"{"a":1}"#);
        let object = json!({ "api": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web" });
        let wanted = json!({ "kube.patch": { "object": object, "merge": "{\"a\":1}" } });
        assert_eq!(stored(&Action::PatchObject(merge.clone())), wanted);
        merge.create = true;
        assert_eq!(stored(&Action::PatchObject(merge))["kube.patch"]["create"], true);
    }
}
