//! Values with their places: what a literal of Python and a YAML document have in common, as far as edits go.

use crate::span::Span;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// From its first byte to after its last, brackets and quotes included.
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text, number, truth value or nothing, as a template prints it.
    Scalar {
        value: String,
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
    Alias(Box<Node>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
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

impl Node {
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

    /// The entry of a map under a key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| entry.key.scalar() == Some(key))
    }

    /// The value of a map under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Whether nothing is written there.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { quote: None, .. }) && self.span.start == self.span.end
    }

    /// The value in one form, whatever the style and the quotes it is written in.
    pub(crate) fn canonical(&self) -> String {
        let list = |parts: Vec<String>, open, close| format!("{open}{}{close}", parts.join(", "));
        match &self.kind {
            Kind::Scalar { value, quote: Some(_) } => format!("{value:?}"),
            // What is bare and no number or the like is a text, as if it were quoted.
            Kind::Scalar { value, quote: None } => match value.as_str() {
                "True" | "False" | "None" => value.clone(),
                other if crate::literal::value::is_number(other) => other.to_owned(),
                other => format!("{other:?}"),
            },
            Kind::List { items, .. } => list(items.iter().map(Self::canonical).collect(), '[', ']'),
            Kind::Map { entries, .. } => {
                let mut parts: Vec<String> = entries
                    .iter()
                    .map(|entry| format!("{}: {}", entry.key.canonical(), entry.value.canonical()))
                    .collect();
                parts.sort();
                list(parts, '{', '}')
            }
            Kind::Alias(to) => to.canonical(),
        }
    }
}
