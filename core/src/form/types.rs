//! Schemas of types that are read from a text of their own.

use crate::id::{HostName, LABEL, Label};
use crate::span::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

impl JsonSchema for Span {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Span")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let (format, unit, pattern) = ("span", "90s, 15m or 2h; a bare number is seconds", "^[0-9]+[smh]?$");
        json_schema!({ "type": ["string", "integer"], "format": format, "x-unit": unit, "pattern": pattern, "minimum": 0 })
    }
}

impl JsonSchema for Label {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Label")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "label", "pattern": LABEL })
    }
}

impl JsonSchema for HostName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("HostName")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "host", "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]*$" })
    }
}
