//! Nodes with their places: what edits splice.

use crate::edit::refusal::EditError;
use crate::model::error::Wrong;
use crate::model::value::Value;
use crate::span::Span;
use crate::yaml::document::{Content, Document, MOST_VALUES, Use};
use crate::yaml::events;
use crate::yaml::tree::{Entry, Kind, Node, Style};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const NEXT: &str = "mend the line, or edit the file by hand";

/// Reads a document with one value; an empty one is an empty scalar at the end. What Ansible would not read is refused.
pub(crate) fn parse(text: &str) -> Result<Node, EditError> {
    let document = Document::parse(text).map_err(refused)?;
    document.value().map_err(refused)?;
    tree(&document, text)
}

/// The nodes of a document that can be made into values.
pub(crate) fn tree(document: &Document, text: &str) -> Result<Node, EditError> {
    let Some(root) = document.root() else { return Ok(Node::nothing(text.len())) };
    let mut planter = Planter { document, text, known: BTreeMap::new(), left: MOST_VALUES };
    planter.plant(root)
}

fn refused(wrong: Wrong) -> EditError {
    EditError::Unclear { line: wrong.line.unwrap_or(0), reason: wrong.why, next: NEXT }
}

/// The line of a byte, counted from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
}

struct Planter<'a> {
    document: &'a Document,
    text: &'a str,
    /// What stands under an anchor, and how many values it is.
    known: BTreeMap<usize, (Arc<Node>, usize)>,
    left: usize,
}

impl Planter<'_> {
    fn plant(&mut self, at: Use) -> Result<Node, EditError> {
        let Some(span) = at.alias else { return self.node(at.node) };
        let before = self.left;
        let (node, size) = match self.known.get(&at.node) {
            Some((node, size)) => (Arc::clone(node), *size),
            None => {
                let node = Arc::new(self.node(at.node)?);
                self.known.insert(at.node, (Arc::clone(&node), before - self.left));
                (node, 0)
            }
        };
        // What is behind a name counts as often as the name, since whoever walks the tree meets it as often.
        self.spend(size, span)?;
        Ok(Node { span, kind: Kind::Alias(node) })
    }

    fn spend(&mut self, size: usize, span: Span) -> Result<(), EditError> {
        match self.left.checked_sub(size) {
            Some(left) => self.left = left,
            None => {
                let line = line_of(self.text, span.start);
                let reason = "it holds more values than anybody writes".to_owned();
                return Err(EditError::Unclear { line, reason, next: NEXT });
            }
        }
        Ok(())
    }

    fn node(&mut self, at: usize) -> Result<Node, EditError> {
        let document = self.document;
        let node = document.node(at).map_err(refused)?;
        self.spend(1, node.span)?;
        let style = |flow: bool| if flow { Style::Flow } else { Style::Block };
        let kind = match &node.content {
            Content::Scalar { text, style } => {
                // `<<` and `=` are no values.
                let typed = document.scalar(at).ok();
                let quote = match style {
                    _ if node.tag.is_some() => Some('!'),
                    Some(events::Style::Single) => Some('\''),
                    Some(events::Style::Double) => Some('"'),
                    Some(events::Style::Literal | events::Style::Folded) => Some('|'),
                    Some(events::Style::Plain) | None => None,
                };
                Kind::scalar(typed.unwrap_or_else(|| Value::text(text.as_str())), text, quote)
            }
            Content::List { items, flow } => {
                let mut planted = Vec::with_capacity(items.len());
                for item in items {
                    planted.push(self.plant(*item)?);
                }
                Kind::List { items: planted, style: style(*flow) }
            }
            Content::Map { pairs, flow } => {
                let mut entries = Vec::with_capacity(pairs.len());
                let mut keys = BTreeSet::new();
                for pair in pairs {
                    let line = document.node(pair.key.node).map_or(0, |node| node.line);
                    let key = self.plant(pair.key)?;
                    let refuse = |reason: &str| EditError::Unclear { line, reason: reason.to_owned(), next: NEXT };
                    let Some(name) = key.scalar() else { return Err(refuse("a key is no text")) };
                    if !keys.insert(name.to_owned()) {
                        return Err(refuse("a key stands there twice"));
                    }
                    let value = self.plant(pair.value)?;
                    entries.push(Entry { key, colon: pair.colon, value });
                }
                Kind::Map { entries, style: style(*flow) }
            }
        };
        Ok(Node { span: node.span, kind })
    }
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
