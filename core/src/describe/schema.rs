//! The JSON schema of runbooks, for editors and other programs.

use super::kind::{KindDoc, Sort, actions, gates};
use crate::action::TABLE;
use crate::runbook::keys;
use serde_json::{Map, Value, json};

/// The schema that accepts runbooks, as JSON Schema of draft 2020-12.
///
/// It accepts every runbook that is good, and refuses what can be told from its shape: unknown names, missing fields,
/// values of another type. What it cannot tell (whether a step is named that is there) is for `palinode runbook check`.
pub fn runbook_schema() -> Value {
    let (actions, gates) = (actions(), gates());
    let kinds: Vec<&KindDoc> = actions.iter().chain(&gates).filter(|kind| kind.sort != Sort::Inverse).collect();
    let mut defs = Map::new();
    for kind in &kinds {
        defs.insert(kind.name.to_owned(), values(kind));
    }
    let looks: Vec<&KindDoc> = kinds.iter().copied().filter(|kind| looks(kind)).collect();
    let gate_names: Vec<&str> = gates.iter().map(|gate| gate.name).collect();
    defs.insert("gate".to_owned(), one_of(&gate_names));
    defs.insert("step".to_owned(), step(&kinds));
    defs.insert("look".to_owned(), step(&looks));
    defs.insert("steps".to_owned(), steps("step"));
    defs.insert("looks".to_owned(), steps("look"));
    defs.insert(TEMPLATE.to_owned(), json!({ "type": "string", "pattern": "^\\{\\{[^{}]*\\}\\}$" }));
    let mut schema = keys::map(keys::TOP);
    for section in ["preflight", "before", "each_host", "after"] {
        let name = if section == "preflight" { "looks" } else { "steps" };
        let own = &schema["properties"][section];
        schema["properties"][section] = json!({ "description": own["description"], "$ref": format!("#/$defs/{name}") });
    }
    // The name and the purpose of a runbook are told before anything is filled in; what else may hold a template is open
    // to one.
    for key in ["hosts", "about", "runbook"] {
        if let Some(own) = schema["properties"].get_mut(key) {
            open(own);
        }
    }
    let fails = &mut schema["properties"]["hosts"]["properties"];
    for key in ["max_fail", "on_failure"] {
        fails[key] = keys::HOSTS.iter().find(|known| known.name == key).map(keys::Key::schema).unwrap_or_default();
    }
    schema["$schema"] = Value::from("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = Value::from("A runbook of Palinode");
    schema["$defs"] = Value::Object(defs);
    schema
}

const TEMPLATE: &str = "template";

/// Whether preflight may use it.
fn looks(kind: &KindDoc) -> bool {
    kind.sort == Sort::Gate || TABLE.iter().any(|row| row.name == kind.name && row.reads)
}

/// The values of an action or gate, in whichever form.
fn values(kind: &KindDoc) -> Value {
    let mut forms: Vec<Value> = kind.schemas.clone();
    for form in &mut forms {
        if form["required"].as_array().is_none_or(Vec::is_empty) {
            // `kube.cordon:` says as much as `kube.cordon: {}`.
            form["type"] = json!(["object", "null"]);
        }
        inside(form);
    }
    // A parameter may hold all of them.
    forms.push(json!({ "$ref": format!("#/$defs/{TEMPLATE}") }));
    let mut schema = json!({ "anyOf": forms });
    let examples = kind.examples.join("");
    schema["description"] = Value::from(format!("{}.\n\n{examples}", kind.summary).trim_end());
    schema
}

/// A map with exactly one of these names.
fn one_of(names: &[&str]) -> Value {
    let properties: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/$defs/{name}") }))).collect();
    json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
    })
}

/// What stands behind the name of a step: one action or gate, and keys beside it.
fn step(kinds: &[&KindDoc]) -> Value {
    let mut properties = Map::new();
    for kind in kinds {
        properties.insert(kind.name.to_owned(), json!({ "$ref": format!("#/$defs/{}", kind.name) }));
    }
    for key in keys::STEP {
        let mut schema = key.schema();
        open(&mut schema);
        properties.insert(key.name.to_owned(), schema);
    }
    let about = properties["gate"]["description"].clone();
    properties.insert("gate".to_owned(), json!({ "description": about, "$ref": "#/$defs/gate" }));
    // What is captured has a name of its own.
    if let Some(capture) = keys::STEP.iter().find(|key| key.name == "capture") {
        properties.insert(capture.name.to_owned(), capture.schema());
    }
    let names = kinds.iter().map(|kind| kind.name).chain(["gate"]);
    let one: Vec<Value> = names.map(|name| json!({ "required": [name] })).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false, "oneOf": one })
}

/// A list of steps, each a map from its name.
fn steps(of: &str) -> Value {
    json!({
        "type": "array",
        "items": {
            "type": "object",
            "propertyNames": { "pattern": crate::id::LABEL },
            "additionalProperties": { "$ref": format!("#/$defs/{of}") },
            "minProperties": 1,
            "maxProperties": 1,
        },
    })
}

/// Lets a template stand where a value does, and a number or a truth value where text is taken: it is meant as written.
fn open(schema: &mut Value) {
    inside(schema);
    let Value::Object(map) = schema else { return };
    let plain = map.get("type").is_some_and(|kind| is(kind, "string"))
        && !["enum", "const", "pattern", "anyOf", "oneOf"].iter().any(|key| map.contains_key(*key));
    if map.is_empty() || !map.keys().any(|key| SHAPES.contains(&key.as_str())) {
        return;
    }
    if plain {
        let mut kinds = vec!["string", "integer", "boolean"];
        kinds.extend(["null", "object"].iter().filter(|kind| map.get("type").is_some_and(|own| is(own, kind))));
        map.insert("type".to_owned(), json!(kinds));
        return;
    }
    let template = match map.contains_key("pattern") {
        // Where text of a form is taken, a template may be a part of it.
        true => json!({ "type": "string", "pattern": "\\{\\{" }),
        false => json!({ "$ref": format!("#/$defs/{TEMPLATE}") }),
    };
    let mut outer = Map::new();
    for key in ["description", "default", "x-unit", "format"] {
        if let Some(value) = map.remove(key) {
            outer.insert(key.to_owned(), value);
        }
    }
    outer.remove("format");
    outer.insert("anyOf".to_owned(), json!([Value::Object(std::mem::take(map)), template]));
    *map = outer;
}

const SHAPES: &[&str] = &["type", "enum", "const", "anyOf", "oneOf"];

fn is(kind: &Value, name: &str) -> bool {
    match kind {
        Value::String(kind) => kind == name,
        Value::Array(kinds) => kinds.iter().any(|kind| kind == name),
        _ => false,
    }
}

/// Opens what is in a map, a list or a choice, but not that itself.
fn inside(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    for value in map.get_mut("properties").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
        open(value);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(value) = map.get_mut(key) {
            open(value);
        }
    }
    for key in ["anyOf", "oneOf"] {
        for branch in map.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            let plain_text = branch.get("type").is_some_and(|kind| kind == "string") && branch.get("enum").is_none();
            if plain_text && branch.get("const").is_none() && branch.get("pattern").is_none() {
                open(branch);
            } else {
                inside(branch);
            }
        }
    }
}
