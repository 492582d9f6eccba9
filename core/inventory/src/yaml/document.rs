//! YAML texts as PyYAML reads them: tags, anchors and merge keys of YAML 1.1, on the events of a YAML parser.

use crate::model::error::{Wrong, shown};
use crate::model::value::{Pairs, Value};
use crate::yaml::scalar::{Kind, kind_of, value_of};
use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use std::collections::{BTreeMap, BTreeSet};

/// No file of variables has more values than this, aliases counted as often as they are used.
const MOST_VALUES: usize = 1_000_000;
/// Lists and maps in each other: more than anyone writes, and few enough for the stack.
const DEEPEST: usize = 200;

const CORE: &str = "tag:yaml.org,2002:";

#[derive(Debug)]
struct Node {
    line: usize,
    tag: Option<String>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Scalar { text: String, plain: bool },
    List(Vec<usize>),
    Map(Vec<(usize, usize)>),
}

/// A YAML document that is not made into values yet.
#[derive(Debug)]
pub(crate) struct Document {
    nodes: Vec<Node>,
    root: Option<usize>,
}

impl Document {
    /// Reads the one document of a text.
    pub(crate) fn parse(text: &str) -> Result<Self, Wrong> {
        let mut builder = Builder::default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let options = granit_parser::options! { emit_anchor_events: true };
        for step in Parser::new_from_str_with_options(text, options) {
            let (event, span) = step.map_err(|error| not_yaml(&error))?;
            builder.take(event, span)?;
        }
        Ok(Self { nodes: builder.nodes, root: builder.root })
    }

    /// Its value.
    pub(crate) fn value(&self) -> Result<Value, Wrong> {
        let Some(root) = self.root else { return Ok(Value::Null) };
        Maker { document: self, left: MOST_VALUES, unsafe_depth: 0 }.value(root, 0)
    }

    /// The lines of all keys below the root, by the keys on the way there.
    pub(crate) fn lines(&self) -> Lines<'_> {
        Lines { document: Some(self), at: self.root }
    }

    fn line(&self, node: usize) -> usize {
        self.nodes.get(node).map_or(1, |node| node.line)
    }
}

/// Where the keys of a map stand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lines<'a> {
    document: Option<&'a Document>,
    at: Option<usize>,
}

impl Lines<'_> {
    /// The line of a key, and the lines of what is below it. The last key of that name counts.
    pub(crate) fn of(&self, key: &str) -> (Option<usize>, Self) {
        let Some(document) = self.document else { return (None, Self::default()) };
        let Some(Content::Map(pairs)) = self.at.and_then(|at| document.nodes.get(at)).map(|node| &node.content) else {
            return (None, Self::default());
        };
        let text = |node: usize| match document.nodes.get(node).map(|node| &node.content) {
            Some(Content::Scalar { text, .. }) => Some(text.as_str()),
            _ => None,
        };
        let found = pairs.iter().rev().find(|(name, _)| text(*name) == Some(key));
        found.map_or((None, Self::default()), |(name, value)| {
            (Some(document.line(*name)), Self { document: self.document, at: Some(*value) })
        })
    }
}

fn not_yaml(error: &ScanError) -> Wrong {
    Wrong::new(error.marker().line(), format!("this is no YAML: {}", error.info()), "mend it there or right above")
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    root: Option<usize>,
    documents: usize,
    anchors: BTreeMap<usize, usize>,
    names: BTreeSet<String>,
    /// What is not closed yet: the node, and the key that waits for its value.
    open: Vec<(usize, Option<usize>)>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Wrong> {
        let line = span.start.line();
        let tag = |tag: Option<std::borrow::Cow<'_, granit_parser::Tag>>| {
            tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix())).filter(|tag| tag != "!")
        };
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Wrong::new(line, "a second document begins here", "keep one, without a second ---"));
                }
            }
            Event::Scalar(text, style, anchor, its) => {
                let original = its.as_ref().is_some_and(|tag| tag.suffix() == "!" || tag.suffix().is_empty());
                let plain = style == ScalarStyle::Plain || original;
                let content = Content::Scalar { text: text.into_owned(), plain };
                let node = self.add(Node { line, tag: tag(its), content }, anchor)?;
                self.place(node);
            }
            Event::SequenceStart(_, anchor, its) => {
                let node = self.add(Node { line, tag: tag(its), content: Content::List(Vec::new()) }, anchor)?;
                self.open.push((node, None));
            }
            Event::MappingStart(_, anchor, its) => {
                let node = self.add(Node { line, tag: tag(its), content: Content::Map(Vec::new()) }, anchor)?;
                self.open.push((node, None));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((node, _)) = self.open.pop() {
                    self.place(node);
                }
            }
            Event::Anchor(_, name) if !self.names.insert(name.to_string()) => {
                return Err(Wrong::new(line, "an anchor has the name of another", "give it a name of its own"));
            }
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied();
                let open = |node: usize| self.open.iter().any(|(open, _)| *open == node);
                match target {
                    Some(node) if !open(node) => self.place(node),
                    _ => {
                        return Err(Wrong::new(line, "an alias stands for nothing, or for itself", "correct its name"));
                    }
                }
            }
            _ => {}
        }
        if self.open.len() > DEEPEST {
            return Err(Wrong::new(line, "lists and maps are too deep in each other here", "make it flatter"));
        }
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<usize, Wrong> {
        if self.nodes.len() >= MOST_VALUES {
            return Err(Wrong::new(node.line, "there are too many values", "split the file"));
        }
        let at = self.nodes.len();
        self.nodes.push(node);
        if anchor > 0 {
            self.anchors.insert(anchor, at);
        }
        Ok(at)
    }

    fn place(&mut self, node: usize) {
        let Some((parent, key)) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match self.nodes.get_mut(*parent).map(|node| &mut node.content) {
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map(pairs)) => match key.take() {
                Some(key) => pairs.push((key, node)),
                None => *key = Some(node),
            },
            _ => {}
        }
    }
}

/// Makes values of nodes. What it may make is bounded, since an alias costs nothing to write.
struct Maker<'a> {
    document: &'a Document,
    left: usize,
    unsafe_depth: usize,
}

impl<'a> Maker<'a> {
    fn node(&self, at: usize) -> Result<&'a Node, Wrong> {
        self.document.nodes.get(at).ok_or_else(|| Wrong::anywhere("a value is missing", "mend the file"))
    }

    fn spend(&mut self, line: usize, depth: usize) -> Result<(), Wrong> {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 || depth > DEEPEST * 2 {
            return Err(Wrong::new(line, "aliases make too many values", "use fewer aliases"));
        }
        Ok(())
    }

    fn value(&mut self, at: usize, depth: usize) -> Result<Value, Wrong> {
        let node = self.node(at)?;
        match node.tag.as_deref() {
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
            Content::Scalar { text, plain } => {
                let kind = if *plain || unquoted { kind_of(text) } else { Kind::Text };
                self.spend(node.line, depth)?;
                self.scalar(node, kind, text)
            }
            Content::List(items) => self.list(node, items, depth),
            Content::Map(_) => self.map(node, at, depth),
        }
    }

    fn tagged(&mut self, node: &Node, at: usize, depth: usize, tag: &str) -> Result<Value, Wrong> {
        let unknown = || Wrong::new(node.line, format!("the tag {} is not understood", shown(tag)), "leave it away");
        let core = tag.strip_prefix(CORE).ok_or_else(unknown)?;
        self.spend(node.line, depth)?;
        match (core, &node.content) {
            ("str" | "python/unicode", Content::Scalar { text, .. }) => Ok(self.text(text.clone())),
            ("null", Content::Scalar { .. }) => Ok(Value::Null),
            ("bool", Content::Scalar { text, .. }) => self.scalar(node, Kind::Bool, text),
            ("int", Content::Scalar { text, .. }) => self.scalar(node, Kind::Int, text),
            ("float", Content::Scalar { text, .. }) => self.scalar(node, Kind::Float, text),
            ("timestamp", Content::Scalar { text, .. }) => self.scalar(node, Kind::Time, text),
            ("seq", Content::List(items)) => self.list(node, items, depth),
            ("map" | "python/dict", Content::Map(_)) => self.map(node, at, depth),
            ("set", Content::Map(_)) => match self.map(node, at, depth)? {
                Value::Map(pairs) => Ok(Value::List(pairs.into_iter().map(|(key, _)| key).collect())),
                other => Ok(other),
            },
            ("omap" | "pairs", Content::List(items)) => {
                let mut list = Vec::new();
                for item in items {
                    let inner = self.node(*item)?;
                    let Content::Map(pairs) = &inner.content else { return Err(unknown()) };
                    let [(key, value)] = pairs.as_slice() else { return Err(unknown()) };
                    list.push(Value::List(vec![self.value(*key, depth + 1)?, self.value(*value, depth + 1)?]));
                }
                Ok(Value::List(list))
            }
            _ => Err(unknown()),
        }
    }

    fn list(&mut self, node: &Node, items: &[usize], depth: usize) -> Result<Value, Wrong> {
        self.spend(node.line, depth)?;
        let mut list = Vec::new();
        for item in items {
            list.push(self.value(*item, depth + 1)?);
        }
        Ok(Value::List(list))
    }

    fn map(&mut self, node: &Node, at: usize, depth: usize) -> Result<Value, Wrong> {
        self.spend(node.line, depth)?;
        let mut pairs = Pairs::default();
        for (key, value) in self.pairs_of(at, depth)? {
            let name = match self.node(key)? {
                Node { content: Content::Scalar { text, plain: true }, tag: None, .. } if text == "=" => {
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
        self.spend(node.line, depth)?;
        let Content::Map(pairs) = &node.content else { return Ok(Vec::new()) };
        let (mut merged, mut own) = (Vec::new(), Vec::new());
        for (key, value) in pairs {
            if !self.merges(*key)? {
                own.push((*key, *value));
                continue;
            }
            let from = self.node(*value)?;
            match &from.content {
                Content::Map(_) => merged.extend(self.pairs_of(*value, depth + 1)?),
                // Of several the first wins.
                Content::List(items) => {
                    for item in items.iter().rev() {
                        if !matches!(self.node(*item)?.content, Content::Map(_)) {
                            return Err(Wrong::new(from.line, "<< merges what is no map", "merge maps only"));
                        }
                        merged.extend(self.pairs_of(*item, depth + 1)?);
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
        Ok(match (&node.content, node.tag.as_deref()) {
            (Content::Scalar { text, plain: true }, None) => kind_of(text) == Kind::Merge,
            (_, Some(tag)) => tag.strip_prefix(CORE) == Some("merge"),
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<String, Wrong> {
        let mut out = String::new();
        Document::parse(text)?.value()?.print(None, &mut out);
        Ok(out)
    }

    #[test]
    fn documents_are_what_pyyaml_makes_of_them() {
        for (text, expected) in [
            ("", "null"),
            ("---\n", "null"),
            ("a: yes\nb: 'yes'\nc: 010\nd:\n", r#"{"a": true, "b": "yes", "c": 8, "d": null}"#),
            ("- 1:30\n- !!str 5\n- !!int '0x10'\n", r#"[90, "5", 16]"#),
            ("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n", r#"{"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 3}}"#),
            ("a: {<<: [{p: 1}, {p: 2, q: 3}]}", r#"{"a": {"p": 1, "q": 3}}"#),
            ("'<<': 1\n", r#"{"<<": 1}"#),
            ("a: !unsafe '{{ x }}'\n", r#"{"a": {"__ansible_unsafe": "{{ x }}"}}"#),
            ("a: !unsafe '5'\n", r#"{"a": 5}"#),
            ("a: !unsafe [x, {k: y}]", r#"{"a": [{"__ansible_unsafe": "x"}, {"k": {"__ansible_unsafe": "y"}}]}"#),
            ("a: !vault |\n  $ANSIBLE_VAULT;1.1\n  61\n", r#"{"a": {"__ansible_vault": "$ANSIBLE_VAULT;1.1\n61\n"}}"#),
            ("a: |\n  x\n   y\nb: >\n  x\n  y\n", r#"{"a": "x\n y\n", "b": "x y\n"}"#),
            ("a: 1\na: 2\n", r#"{"a": 2}"#),
            ("{1: a, true: b, ~: c}", r#"{"1": "b", "null": "c"}"#),
        ] {
            assert_eq!(json(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, line, why) in [
            ("a: 1\nb: [1\n", 2, "no YAML"),
            ("a: 1\n---\nb: 1\n", 2, "second document"),
            ("a: &x [*x]\n", 1, "alias"),
            ("a: &x 1\nb: &x 2\n", 2, "anchor"),
            ("a:\n  b: !strange x\n", 2, "tag"),
            ("a: 2019-13-01\n", 1, "not what it looks like"),
            ("? [a]\n: 1\n", 1, "key"),
            ("a: {<<: 1}", 1, "merges"),
            ("a: =\n", 1, "not what"),
        ] {
            let wrong = json(text).expect_err(text);
            assert_eq!(wrong.line, Some(line), "{text} {wrong:?}");
            assert!(wrong.why.contains(why), "{text} {wrong:?}");
        }
        let mut bomb = "a0: &a0 [x, x]\n".to_owned();
        for n in 1..40 {
            bomb.push_str(&format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1));
        }
        assert!(json(&bomb).is_err_and(|wrong| wrong.why.contains("alias")));
        assert!(json(&"[".repeat(100_000)).is_err());
        assert!(json(&"{a: ".repeat(100_000)).is_err());
    }

    #[test]
    fn lines_of_keys() {
        let document = Document::parse("all:\n  vars:\n    # c\n    x: 1\n").expect("YAML");
        let (line, all) = document.lines().of("all");
        assert_eq!(line, Some(1));
        assert_eq!(all.of("vars").1.of("x").0, Some(4));
        assert_eq!(all.of("hosts").0, None);
    }
}
