//! The keys of a runbook: what is read is what is documented, since both ask these tables.

use crate::action::{Recovery, UndoClass};
use crate::id::LABEL;
use schemars::JsonSchema;
use serde_json::{Value, json};

/// A key of a map in a runbook.
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: &'static str,
    /// Whether it must be there.
    pub(crate) required: bool,
    /// What its value is if it is not there, as JSON.
    pub(crate) default: Option<&'static str>,
    /// The schema of its value.
    takes: fn() -> Value,
    /// What it does.
    about: &'static str,
}

impl Key {
    /// The schema of its value, with what it does.
    pub(crate) fn schema(&self) -> Value {
        let mut schema = (self.takes)();
        schema["description"] = Value::from(self.about);
        if let Some(default) = self.default {
            schema["default"] = serde_json::from_str(default).unwrap_or_default();
        }
        schema
    }
}

/// Whether a table has a key.
pub(super) fn has(keys: &[Key], name: &str) -> bool {
    keys.iter().any(|key| key.name == name)
}

/// Whether every gate takes a key among its own.
#[cfg(test)]
pub(crate) fn has_gate(name: &str) -> bool {
    has(GATE, name)
}

/// The names in a table, for messages.
pub(crate) fn names(keys: &[Key]) -> Vec<&'static str> {
    keys.iter().map(|key| key.name).collect()
}

/// The schema of a map with these keys and no others.
pub(crate) fn map(keys: &[Key]) -> Value {
    let properties: serde_json::Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), key.schema())).collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// The keys of a runbook.
pub(crate) const TOP: &[Key] = &[
    Key { name: "runbook", required: true, default: None, takes: name, about: "The name of the runbook." },
    Key {
        name: "about",
        required: false,
        default: Some("\"\""),
        takes: text,
        about: "What the runbook is for, in one line.",
    },
    Key {
        name: "parameters",
        required: false,
        default: Some("{}"),
        takes: parameters,
        about: "The parameters, each with a default or to be given with `--set NAME=VALUE`. Texts use one as `{{ NAME }}`.",
    },
    Key {
        name: "hosts",
        required: true,
        default: None,
        takes: hosts,
        about: "The hosts that the runbook acts on, and how many of them at a time.",
    },
    Key {
        name: "preflight",
        required: false,
        default: Some("[]"),
        takes: steps,
        about: "Steps that only look: gates and actions that change nothing. All of them must succeed before anything is \
                changed. What needs a host is done for each host.",
    },
    Key {
        name: "before",
        required: false,
        default: Some("[]"),
        takes: steps,
        about: "Steps that are done once, before the first host. They belong to no host.",
    },
    Key {
        name: "each_host",
        required: false,
        default: Some("[]"),
        takes: steps,
        about: "Steps that are done on each host, in this order. `{{ host }}` is the name of the host.",
    },
    Key {
        name: "after",
        required: false,
        default: Some("[]"),
        takes: steps,
        about: "Steps that are done once, after the last host. They belong to no host.",
    },
];

/// The keys of `hosts`.
pub(crate) const HOSTS: &[Key] = &[
    Key {
        name: "group",
        required: true,
        default: None,
        takes: text,
        about: "The group of the inventory whose hosts are meant.",
    },
    Key {
        name: "serial",
        required: false,
        default: Some(SERIAL),
        takes: share,
        about: "How many hosts are worked on side by side: a number from 1, or a percentage of the group, rounded down and at \
                least 1.",
    },
    Key {
        name: "max_fail",
        required: false,
        default: Some(MAX_FAIL),
        takes: failures,
        about: "How many hosts may fail before no further host begins.",
    },
    Key {
        name: "on_failure",
        required: false,
        default: Some("\"pause\""),
        takes: on_failure,
        about: "What becomes of the run when a step fails. The run pauses, and an operator decides: to retry, to skip, to \
                resolve or to roll back.",
    },
];

/// How many hosts are worked on side by side, unless the runbook says it.
const SERIAL: &str = "1";
const MAX_FAIL: &str = "0";

/// The default of a key as a number.
pub(super) fn number(keys: &[Key], name: &str) -> i64 {
    let key = keys.iter().find(|key| key.name == name);
    key.and_then(|key| key.default).and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// The keys of a parameter.
pub(crate) const PARAMETER: &[Key] = &[
    Key {
        name: "default",
        required: false,
        default: None,
        takes: anything,
        about: "The value that it has if none is given: text, a number, true or false, a list or a map. A value that is given \
                has the same type. Without a default the parameter must be given.",
    },
    Key { name: "about", required: false, default: None, takes: text, about: "What the parameter is for." },
];

/// The keys of a step beside its action or gate.
pub(crate) const STEP: &[Key] = &[
    Key {
        name: "gate",
        required: false,
        default: None,
        takes: gate,
        about: "A gate, as `gate: { NAME: { ... } }`: a condition that must hold before the next step. The name of the gate may \
                stand in place of `gate` too.",
    },
    Key {
        name: "when",
        required: false,
        default: None,
        takes: comparison,
        about: "A comparison of captured values, `{{ NAME }} == VALUE` or `{{ NAME }} != VALUE`. The step is passed over if it \
                does not hold.",
    },
    Key {
        name: "capture",
        required: false,
        default: None,
        takes: name,
        about: "The name under which later steps of the host use the value that `file.read` brings, as `{{ NAME }}`.",
    },
    Key {
        name: "each",
        required: false,
        default: None,
        takes: list,
        about: "Items, for each of which the step is done once. `{{ item }}` is the item.",
    },
    Key {
        name: "timeout",
        required: false,
        default: None,
        takes: span,
        about: "How long a gate or a `wait` may take; then the step fails. Without it a gate has 1h, and a `wait` 5m.",
    },
    Key {
        name: "undo_after",
        required: false,
        default: None,
        takes: steps_named,
        about: "An earlier step of the same section, or a list of them: a rollback takes this step back only after those. \
                Usually it goes from the last step to the first.",
    },
    Key {
        name: "touches",
        required: false,
        default: None,
        takes: steps_named,
        about: "Earlier steps of the same section whose resources this step may change too, as a playbook does. They are \
                recorded before it, and a rollback puts them back to that.",
    },
    Key {
        name: "recovery",
        required: false,
        default: None,
        takes: recovery,
        about: "What is done about the step when it is not known whether it was done. Without this the action decides.",
    },
    Key {
        name: "undo",
        required: false,
        default: None,
        takes: undo,
        about: "What a rollback does about the step. It can be stricter than what the action says, not laxer. Without this the \
                action decides.",
    },
];

/// The keys that every gate takes among its own.
pub(crate) const GATE: &[Key] = &[
    Key {
        name: "samples",
        required: false,
        default: Some("1"),
        takes: samples,
        about: "How many looks in a row must find that the condition holds.",
    },
    Key {
        name: "every",
        required: false,
        default: Some("\"15s\""),
        takes: span,
        about: "How long it is from one look to the next.",
    },
];

fn text() -> Value {
    json!({ "type": "string" })
}

fn name() -> Value {
    json!({ "type": "string", "format": "label", "pattern": LABEL })
}

fn anything() -> Value {
    json!({})
}

fn list() -> Value {
    json!({ "type": "array", "items": {} })
}

fn span() -> Value {
    crate::form::schema_of::<crate::span::Span>()
}

fn samples() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": 100, "x-unit": "looks" })
}

fn failures() -> Value {
    json!({ "type": "integer", "minimum": 0, "x-unit": "hosts" })
}

fn share() -> Value {
    let percent = json!({ "type": "string", "pattern": "^(100|[1-9][0-9]?)%$|^[1-9][0-9]*$" });
    json!({ "format": "share", "x-unit": "hosts", "anyOf": [{ "type": "integer", "minimum": 1 }, percent] })
}

fn on_failure() -> Value {
    json!({ "type": "string", "enum": ["pause"] })
}

fn comparison() -> Value {
    json!({ "type": "string", "format": "comparison", "pattern": "[=!]=" })
}

fn steps() -> Value {
    json!({ "type": "array", "format": "steps" })
}

fn gate() -> Value {
    json!({ "type": "object", "minProperties": 1, "maxProperties": 1 })
}

fn steps_named() -> Value {
    json!({ "anyOf": [name(), { "type": "array", "items": name() }] })
}

fn parameters() -> Value {
    json!({ "type": "object", "propertyNames": { "pattern": LABEL }, "additionalProperties": optional(map(PARAMETER)) })
}

/// A map that may be left empty.
fn optional(mut map: Value) -> Value {
    map["type"] = json!(["object", "null"]);
    map
}

fn hosts() -> Value {
    map(HOSTS)
}

fn recovery() -> Value {
    of::<Recovery>()
}

fn undo() -> Value {
    let mut schema = of::<UndoClass>();
    let reason = json!({ "type": "string", "description": "The reason, in one line of at most 300 characters." });
    let no_undo = json!({
        "type": "object",
        "properties": { "no-undo": reason },
        "required": ["no-undo"],
        "additionalProperties": false,
        "description": "There is nothing to restore, for a reason that only the runbook knows.",
    });
    if let Some(Value::Array(all)) = schema.get_mut("oneOf") {
        all.push(no_undo);
    }
    schema
}

fn of<T: JsonSchema>() -> Value {
    crate::form::schema_of::<T>()
}
