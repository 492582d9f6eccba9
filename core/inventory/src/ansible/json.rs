//! JSON texts, with the marks that Ansible puts into them.

use crate::model::value::{Pairs, Value};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Reads a JSON text; none if it is none.
pub(crate) fn from_json(text: &str) -> Option<Value> {
    serde_json::from_str::<Read>(text).ok().map(|read| read.0)
}

/// The same, and why not.
pub(crate) fn from_json_or_why(text: &str) -> Result<Value, (usize, String)> {
    serde_json::from_str::<Read>(text).map(|read| read.0).map_err(|error| (error.line(), error.to_string()))
}

struct Read(Value);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Int(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Read(item)) = from.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut pairs = Pairs::default();
        while let Some((key, Read(value))) = from.next_entry::<String, Read>()? {
            pairs.add(Value::Text(key), value);
        }
        let value = pairs.done();
        let marked = match &value {
            Value::Map(pairs) => pairs.iter().find_map(|pair| match pair {
                (Value::Text(key), Value::Text(text)) if key == "__ansible_unsafe" => Some(Value::Unsafe(text.clone())),
                (Value::Text(key), Value::Text(text)) if key == "__ansible_vault" => Some(Value::Vault(text.clone())),
                _ => None,
            }),
            _ => None,
        };
        Ok(marked.unwrap_or(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_says() {
        for (text, json) in [
            (r#"{"b": 1, "a": [1.50, null, true], "b": 2}"#, r#"{"a": [1.5, null, true], "b": 2}"#),
            (r#"{"__ansible_unsafe": "x"}"#, r#"{"__ansible_unsafe": "x"}"#),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            let mut out = String::new();
            from_json(text).expect("it is JSON").print(None, &mut out);
            assert_eq!(out, json, "{text}");
        }
        assert_eq!(from_json("a: 1"), None);
        assert!(from_json_or_why("{\n1}").is_err_and(|(line, _)| line == 2));
        assert_eq!(from_json(&"[".repeat(100_000)), None);
    }
}
