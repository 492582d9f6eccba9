//! The forms of the values of actions and gates, as a runbook writes them.

use super::keys;
use crate::action::TABLE;
use crate::form::{Form, schema_of};
use crate::gate::{GATE_EXAMPLES, Gate};
use serde_json::Value;
use std::sync::LazyLock;

/// The one form of the values of an action or a gate; none of an action that has several or none.
pub(crate) fn form_of(name: &str) -> Option<Form> {
    let row = TABLE.iter().find(|row| row.name == name && row.runbook);
    let mut forms = row.map_or_else(|| gate_form(name).into_iter().collect(), |row| (row.forms)());
    // What is read under a name is its first form: others have names of their own.
    (!forms.is_empty()).then(|| forms.remove(0))
}

fn gate_form(name: &str) -> Option<Form> {
    static ALL: LazyLock<Vec<(&str, Form)>> = LazyLock::new(|| {
        let all = schema_of::<Gate>();
        let branches = all["oneOf"].as_array().map_or(&[][..], Vec::as_slice);
        GATE_EXAMPLES.iter().map(|(name, _)| (*name, Form::from_schema(gate_schema(name, branches)))).collect()
    });
    ALL.iter().find(|(own, _)| *own == name).map(|(_, form)| form.clone())
}

/// The values of a gate, with those that all gates take.
fn gate_schema(name: &str, branches: &[Value]) -> Value {
    let branch = branches.iter().find(|branch| branch["properties"].get(name).is_some());
    let mut schema = branch.map(|branch| branch["properties"][name].clone()).unwrap_or_default();
    schema["description"] = branch.map(|branch| branch["description"].clone()).unwrap_or_default();
    for key in keys::GATE {
        schema["properties"][key.name] = key.schema();
    }
    schema["additionalProperties"] = Value::Bool(false);
    schema
}
