//! The schema of a type, and a form of values that is described by one.

use super::field::{Field, paragraphs};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// One form of the values that an action takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    /// What an action of this form does, in paragraphs.
    pub(crate) about: String,
    /// Its fields, those that must be given first.
    pub(crate) fields: Vec<Field>,
    /// The schema of the map of its values.
    pub(crate) schema: Value,
}

impl Form {
    /// The form that a type is read from.
    pub(crate) fn of<T: JsonSchema>() -> Self {
        Self::from_schema(schema_of::<T>())
    }

    /// A form that a schema describes.
    pub(crate) fn from_schema(mut schema: Value) -> Self {
        let about = paragraphs(&schema);
        if schema.get("type").is_some_and(|kind| kind == "null") {
            // A kind without values.
            schema = serde_json::json!({ "type": "object", "properties": {}, "additionalProperties": false });
        }
        Self { about, fields: Field::all_of(&schema), schema }
    }
}

/// The schema of what a type is read from, without references to other schemas.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut value = settings.into_generator().into_root_schema_for::<T>().to_value();
    if let Value::Object(map) = &mut value {
        map.remove("title");
    }
    value
}
