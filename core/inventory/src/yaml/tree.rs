//! Values with their places: what a literal of Python and a YAML document have in common, as far as edits go.

use crate::literal::number::float_text;
use crate::model::value::{Pairs, Value};
use crate::span::Span;
use std::sync::Arc;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// From its first byte to after its last, brackets and quotes included.
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// A text, number, truth value or nothing, as a template prints it.
    Scalar {
        value: String,
        /// What it is.
        typed: Value,
        /// Its quote; none for what is written bare.
        quote: Option<char>,
    },
    List {
        items: Vec<Node>,
        style: Style,
    },
    Map {
        entries: Vec<Entry>,
        style: Style,
    },
    /// What stands elsewhere, under an anchor.
    Alias(Arc<Node>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Node,
    /// The byte after the colon.
    pub(crate) colon: usize,
    pub(crate) value: Node,
}

/// How a list or map is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// In brackets, with commas.
    Flow,
    /// On lines of their own.
    Block,
}

impl Kind {
    /// A scalar; the text counts where a template prints none, as of what is encrypted.
    pub(crate) fn scalar(typed: Value, text: &str, quote: Option<char>) -> Self {
        let value = match &typed {
            // In JSON it has a `T`, and a template prints a blank.
            Value::Time(time) => time.replacen('T', " ", 1),
            other => other.printed().unwrap_or_else(|| text.to_owned()),
        };
        Self::Scalar { value, typed, quote }
    }
}

impl Node {
    /// Nothing, at a place.
    pub(crate) fn nothing(at: usize) -> Self {
        Self { span: Span::new(at, at), kind: Kind::scalar(Value::Null, "", None) }
    }

    /// What it is, without its place.
    pub(crate) fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar { typed, .. } => typed.clone(),
            Kind::List { items, .. } => Value::List(items.iter().map(Self::value).collect()),
            Kind::Map { entries, .. } => {
                let mut pairs = Pairs::default();
                for entry in entries {
                    pairs.add(entry.key.value(), entry.value.value());
                }
                pairs.done()
            }
            Kind::Alias(to) => to.value(),
        }
    }

    /// The text of a scalar.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match &self.resolved().kind {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// What an alias stands for, or the node itself.
    pub(crate) fn resolved(&self) -> &Self {
        let mut node = self;
        while let Kind::Alias(to) = &node.kind {
            node = to;
        }
        node
    }

    /// The items of a list, also of one that stands elsewhere.
    pub(crate) fn items(&self) -> Option<&[Self]> {
        match &self.resolved().kind {
            Kind::List { items, .. } => Some(items),
            _ => None,
        }
    }

    /// The entries of a map.
    pub(crate) fn entries(&self) -> Option<&[Entry]> {
        match &self.resolved().kind {
            Kind::Map { entries, .. } => Some(entries),
            _ => None,
        }
    }

    /// The entry of a map under a key; the last one counts.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().rfind(|entry| entry.key.scalar() == Some(key))
    }

    /// The value of a map under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value that `<<` brings into a map which has none of its own.
    pub(crate) fn merged(&self, key: &str) -> Option<&Self> {
        let bare = |node: &Self| matches!(&node.kind, Kind::Scalar { quote: None, .. });
        let own = self.entries()?;
        if own.iter().any(|entry| entry.key.scalar() == Some(key)) {
            return None;
        }
        let from = own.iter().filter(|entry| entry.key.scalar() == Some("<<") && bare(&entry.key));
        from.rev().find_map(|entry| match entry.value.items() {
            Some(maps) => maps.iter().find_map(|map| map.get(key).or_else(|| map.merged(key))),
            None => entry.value.get(key).or_else(|| entry.value.merged(key)),
        })
    }

    /// Whether it is nothing, written or not.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.resolved().kind, Kind::Scalar { typed: Value::Null, .. })
    }

    /// Whether nothing is written there.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { quote: None, .. }) && self.span.start == self.span.end
    }

    /// The value in one form, whatever the style and the quotes it is written in.
    pub(crate) fn canonical(&self) -> String {
        canonical(&self.value())
    }
}

/// A value in one form: what differs in value or type differs there.
pub(crate) fn canonical(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(digits) => digits.clone(),
        Value::Float(number) => float_text(*number),
        Value::Text(text) => format!("{text:?}"),
        Value::Unsafe(text) => format!("!unsafe {text:?}"),
        Value::Time(text) => format!("!time {text:?}"),
        Value::Vault(text) => format!("!vault {text:?}"),
        Value::List(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(", ")),
        Value::Map(pairs) => {
            let mut parts: Vec<String> =
                pairs.iter().map(|(key, value)| format!("{}: {}", canonical(key), canonical(value))).collect();
            parts.sort();
            format!("{{{}}}", parts.join(", "))
        }
    }
}
