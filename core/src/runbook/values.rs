//! What templates are filled with.

use super::node::Node;
use super::template::{Known, names};
use crate::id::Label;
use crate::suggest::nearest;
use std::collections::{BTreeMap, BTreeSet};

/// The values of parameters.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) known: BTreeMap<Label, Node>,
    /// Those whose values are not known.
    pub(super) unknown: BTreeSet<String>,
}

impl Values {
    /// What a name stands for.
    pub(super) fn lookup(&self, name: &str) -> Known<'_> {
        if self.unknown.contains(name) {
            return Known::Later;
        }
        match self.known.iter().find(|(known, _)| known.as_str() == name) {
            Some((_, node)) => Known::Value(&node.value),
            None => Known::No(Known::meant(nearest(name, self.known.keys().map(Label::as_str)))),
        }
    }

    /// The names of the parameters.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.known.keys().map(Label::as_str).chain(self.unknown.iter().map(String::as_str))
    }

    /// Whether a text holds a parameter whose value is not known.
    pub(super) fn waits(&self, text: &str) -> bool {
        names(text).iter().any(|name| self.unknown.contains(name))
    }
}
