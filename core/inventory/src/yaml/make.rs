//! Values of nodes, as PyYAML makes them: tags and merge keys of YAML 1.1.

use crate::model::error::{Wrong, shown};
use crate::model::value::{Pairs, Value};
use crate::yaml::document::{Content, Document, MOST_VALUES, Node, Use};
use crate::yaml::events::DEEPEST;
use crate::yaml::scalar::{Kind, kind_of, value_of};

const CORE: &str = "tag:yaml.org,2002:";
/// So many bytes of text count as a value more.
const PIECE: usize = 64;

impl Document {
    /// Its value.
    pub(crate) fn value(&self) -> Result<Value, Wrong> {
        let Some(root) = self.root else { return Ok(Value::Null) };
        Maker::of(self).value(root.node, 0)
    }

    /// The value of one scalar, whatever stands above it.
    pub(crate) fn scalar(&self, node: usize) -> Result<Value, Wrong> {
        Maker::of(self).value(node, 0)
    }
}

/// Makes values of nodes. What it may make is bounded, since an alias costs nothing to write.
pub(crate) struct Maker<'a> {
    document: &'a Document,
    left: usize,
    unsafe_depth: usize,
}

impl<'a> Maker<'a> {
    pub(crate) const fn of(document: &'a Document) -> Self {
        Self { document, left: MOST_VALUES, unsafe_depth: 0 }
    }

    fn node(&self, at: usize) -> Result<&'a Node, Wrong> {
        self.document.node(at)
    }

    fn spend(&mut self, node: &Node, depth: usize) -> Result<(), Wrong> {
        let text = match &node.content {
            Content::Scalar { text, .. } => text.len() / PIECE,
            Content::List { .. } | Content::Map { .. } => 0,
        };
        self.left = self.left.saturating_sub(1 + text);
        if self.left == 0 || depth > DEEPEST * 2 {
            return Err(Wrong::new(node.line, "aliases make too many values", "use fewer aliases"));
        }
        Ok(())
    }

    pub(crate) fn value(&mut self, at: usize, depth: usize) -> Result<Value, Wrong> {
        let node = self.node(at)?;
        match node.tag() {
            Some("!unsafe") => {
                self.unsafe_depth += 1;
                let value = self.untagged(node, at, depth, true);
                self.unsafe_depth -= 1;
                value
            }
            Some("!vault" | "!vault-encrypted") => match self.untagged(node, at, depth, true)? {
                Value::Text(text) | Value::Unsafe(text) => Ok(Value::Vault(text)),
                _ => Err(Wrong::new(node.line, "!vault stands before what is no text", "write the text behind it")),
            },
            Some(tag) => self.tagged(node, at, depth, tag),
            None => self.untagged(node, at, depth, false),
        }
    }

    fn text(&self, text: String) -> Value {
        if self.unsafe_depth > 0 { Value::Unsafe(text) } else { Value::Text(text) }
    }

    fn scalar(&self, node: &Node, kind: Kind, text: &str) -> Result<Value, Wrong> {
        match value_of(kind, text) {
            Some(Value::Text(text)) if kind == Kind::Text => Ok(self.text(text)),
            Some(value) => Ok(value),
            None => {
                let why = format!("`{}` is not what it looks like or is tagged as", shown(text));
                Err(Wrong::new(node.line, why, "put it in quotes"))
            }
        }
    }

    /// By its form; after some tags as if it had no quotes either.
    fn untagged(&mut self, node: &Node, at: usize, depth: usize, unquoted: bool) -> Result<Value, Wrong> {
        match &node.content {
            Content::Scalar { text, .. } => {
                let kind = if node.is_plain() || unquoted { kind_of(text) } else { Kind::Text };
                self.spend(node, depth)?;
                self.scalar(node, kind, text)
            }
            Content::List { items, .. } => self.list(node, items, depth),
            Content::Map { .. } => self.map(node, at, depth),
        }
    }

    fn tagged(&mut self, node: &Node, at: usize, depth: usize, tag: &str) -> Result<Value, Wrong> {
        let unknown = || Wrong::new(node.line, format!("the tag {} is not understood", shown(tag)), "leave it away");
        let core = tag.strip_prefix(CORE).ok_or_else(unknown)?;
        self.spend(node, depth)?;
        match (core, &node.content) {
            ("str" | "python/unicode", Content::Scalar { text, .. }) => Ok(self.text(text.clone())),
            ("null", Content::Scalar { .. }) => Ok(Value::Null),
            ("bool", Content::Scalar { text, .. }) => self.scalar(node, Kind::Bool, text),
            ("int", Content::Scalar { text, .. }) => self.scalar(node, Kind::Int, text),
            ("float", Content::Scalar { text, .. }) => self.scalar(node, Kind::Float, text),
            ("timestamp", Content::Scalar { text, .. }) => self.scalar(node, Kind::Time, text),
            ("seq", Content::List { items, .. }) => self.list(node, items, depth),
            ("map" | "python/dict", Content::Map { .. }) => self.map(node, at, depth),
            ("set", Content::Map { .. }) => match self.map(node, at, depth)? {
                Value::Map(pairs) => Ok(Value::List(pairs.into_iter().map(|(key, _)| key).collect())),
                other => Ok(other),
            },
            ("omap" | "pairs", Content::List { items, .. }) => {
                let mut list = Vec::new();
                for item in items {
                    let inner = self.node(item.node)?;
                    let Content::Map { pairs, .. } = &inner.content else { return Err(unknown()) };
                    let [pair] = pairs.as_slice() else { return Err(unknown()) };
                    list.push(Value::List(vec![
                        self.value(pair.key.node, depth + 1)?,
                        self.value(pair.value.node, depth + 1)?,
                    ]));
                }
                Ok(Value::List(list))
            }
            _ => Err(unknown()),
        }
    }

    fn list(&mut self, node: &Node, items: &[Use], depth: usize) -> Result<Value, Wrong> {
        self.spend(node, depth)?;
        let mut list = Vec::new();
        for item in items {
            list.push(self.value(item.node, depth + 1)?);
        }
        Ok(Value::List(list))
    }

    fn map(&mut self, node: &Node, at: usize, depth: usize) -> Result<Value, Wrong> {
        self.spend(node, depth)?;
        let mut pairs = Pairs::default();
        for (key, value) in self.pairs_of(at, depth)? {
            let name = match self.node(key)? {
                node @ Node { content: Content::Scalar { text, .. }, .. }
                    if text == "=" && node.is_plain() && node.tag().is_none() =>
                {
                    Value::text("=")
                }
                _ => self.value(key, depth + 1)?,
            };
            let value = self.value(value, depth + 1)?;
            if pairs.add(name, value).is_none() {
                let line = self.node(key)?.line;
                return Err(Wrong::new(line, "a key is a list, a map or encrypted", "write a plain word as the key"));
            }
        }
        Ok(pairs.done())
    }

    /// The pairs of a map: what `<<` brings first, so that its own win.
    fn pairs_of(&mut self, at: usize, depth: usize) -> Result<Vec<(usize, usize)>, Wrong> {
        let node = self.node(at)?;
        self.spend(node, depth)?;
        let Content::Map { pairs, .. } = &node.content else { return Ok(Vec::new()) };
        let (mut merged, mut own) = (Vec::new(), Vec::new());
        for pair in pairs {
            let (key, value) = (pair.key.node, pair.value.node);
            if !self.merges(key)? {
                own.push((key, value));
                continue;
            }
            let from = self.node(value)?;
            match &from.content {
                Content::Map { .. } => merged.extend(self.pairs_of(value, depth + 1)?),
                // Of several the first wins.
                Content::List { items, .. } => {
                    for item in items.iter().rev() {
                        if !matches!(self.node(item.node)?.content, Content::Map { .. }) {
                            return Err(Wrong::new(from.line, "<< merges what is no map", "merge maps only"));
                        }
                        merged.extend(self.pairs_of(item.node, depth + 1)?);
                    }
                }
                Content::Scalar { .. } => {
                    return Err(Wrong::new(from.line, "<< merges what is no map", "merge maps only"));
                }
            }
            self.left = self.left.saturating_sub(merged.len());
        }
        merged.extend(own);
        Ok(merged)
    }

    fn merges(&self, key: usize) -> Result<bool, Wrong> {
        let node = self.node(key)?;
        Ok(match (&node.content, node.tag()) {
            (Content::Scalar { text, .. }, None) => node.is_plain() && kind_of(text) == Kind::Merge,
            (_, Some(tag)) => tag.strip_prefix(CORE) == Some("merge"),
            _ => false,
        })
    }
}
