//! How a value is written: as YAML, or as a literal of Python.

use crate::model::value::Value;
use crate::yaml;
use crate::yaml::text;
use crate::yaml::tree::{Entry, Kind, Node};

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Python,
    Yaml,
}

impl Dialect {
    /// A text; `like` is the quote of its neighbours.
    pub(crate) fn text(self, value: &str, like: Option<char>) -> String {
        match self {
            Self::Python => crate::literal::written::python_string(value, like),
            Self::Yaml => yaml::text(value, like),
        }
    }

    /// A whole value, in brackets if it is a list or a map.
    pub(crate) fn value(self, node: &Node) -> String {
        match &node.kind {
            Kind::Scalar { typed, value, .. } => self.scalar(typed, value),
            Kind::List { items, .. } => {
                let items: Vec<String> = items.iter().map(|item| self.value(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Kind::Map { entries, .. } => {
                let pair = |entry: &Entry| format!("{}: {}", self.value(&entry.key), self.value(&entry.value));
                let entries: Vec<String> = entries.iter().map(pair).collect();
                format!("{{{}}}", entries.join(", "))
            }
            Kind::Alias(to) => self.value(to),
        }
    }
}

impl Dialect {
    fn scalar(self, typed: &Value, printed: &str) -> String {
        match (typed, self) {
            (Value::Null, Self::Yaml) => "null".to_owned(),
            (Value::Float(number), Self::Yaml) => yaml::float(*number),
            (Value::Float(number), Self::Python) if number.is_infinite() => {
                if *number > 0.0 {
                    "1e999".to_owned()
                } else {
                    "-1e999".to_owned()
                }
            }
            (Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_), _) => printed.to_owned(),
            (Value::Text(_) | Value::Unsafe(_) | Value::Time(_) | Value::Vault(_), _) => self.text(printed, Some('\'')),
            // A scalar is neither.
            (Value::List(_) | Value::Map(_), _) => self.text(printed, Some('\'')),
        }
    }
}

/// A value, given as a template prints it: a list or a dict of Python, a truth value, a number, or a text.
pub(crate) fn value_text(value: &str, like: Option<char>) -> String {
    if matches!(value, "True" | "False") {
        return value.to_owned();
    }
    let whole = value.strip_prefix('-').unwrap_or(value);
    let plain = whole == "0" || (!whole.starts_with('0') && !whole.is_empty() && whole.len() < 19);
    if plain && whole.bytes().all(|b| b.is_ascii_digit()) && value != "-0" {
        return value.to_owned();
    }
    if value.starts_with(['[', '{'])
        && !value.starts_with("{{")
        && let Ok(node) = crate::literal::parse(value, 0)
        && node.span.end == value.len()
    {
        return Dialect::Yaml.value(&node);
    }
    text(value, like)
}
