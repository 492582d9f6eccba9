//! A YAML document: its nodes, each with its place, its tag and what it holds, as PyYAML composes them of events.

use crate::model::error::Wrong;
use crate::span::Span;
use crate::yaml::events::{DEEPEST, Event, Events, Kind, NoYaml, Style};
use std::collections::BTreeMap;

/// No file of variables has more values than this, aliases counted as often as they are used.
pub(crate) const MOST_VALUES: usize = 1_000_000;

/// A node, or a name that stands for one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use {
    pub(crate) node: usize,
    /// Where the name stands.
    pub(crate) alias: Option<Span>,
}

#[derive(Debug)]
pub(crate) struct Node {
    /// Behind its anchor and tag; a block ends where its last value ends.
    pub(crate) span: Span,
    pub(crate) line: usize,
    pub(crate) tag: Option<String>,
    pub(crate) content: Content,
}

/// A key, its value, and the byte after the colon.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) key: Use,
    pub(crate) colon: usize,
    pub(crate) value: Use,
}

#[derive(Debug)]
pub(crate) enum Content {
    /// Without a style if nothing is written there.
    Scalar {
        text: String,
        style: Option<Style>,
    },
    List {
        items: Vec<Use>,
        flow: bool,
    },
    Map {
        pairs: Vec<Pair>,
        flow: bool,
    },
}

impl Node {
    /// Whether its form decides what it is: it has no quotes, or a tag that says so.
    pub(crate) fn is_plain(&self) -> bool {
        match &self.content {
            Content::Scalar { style, .. } if self.says_nothing() => style.is_some(),
            Content::Scalar { style, .. } => matches!(style, None | Some(Style::Plain)),
            Content::List { .. } | Content::Map { .. } => false,
        }
    }

    /// A tag of one mark alone, which is as none.
    pub(crate) fn says_nothing(&self) -> bool {
        self.tag.as_deref() == Some("!")
    }

    /// The tag that counts.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.tag.as_deref().filter(|tag| *tag != "!")
    }
}

/// A YAML document that is not made into values yet.
#[derive(Debug)]
pub(crate) struct Document {
    nodes: Vec<Node>,
    pub(super) root: Option<Use>,
}

impl Document {
    /// Reads the one document of a text.
    pub(crate) fn parse(text: &str) -> Result<Self, Wrong> {
        let mut composer = Composer::default();
        let mut events = Events::of(text).map_err(not_yaml)?;
        while let Some(event) = events.next().map_err(not_yaml)? {
            composer.take(event, text)?;
        }
        Ok(Self { nodes: composer.nodes, root: composer.root })
    }

    /// The lines of all keys below the root, by the keys on the way there.
    pub(crate) fn lines(&self) -> Lines<'_> {
        Lines { document: Some(self), at: self.root.map(|root| root.node) }
    }

    pub(crate) const fn root(&self) -> Option<Use> {
        self.root
    }

    pub(crate) fn node(&self, at: usize) -> Result<&Node, Wrong> {
        self.nodes.get(at).ok_or_else(|| Wrong::anywhere("a value is missing", "mend the file"))
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
        let node = |at: usize| document.nodes.get(at);
        let Some(Content::Map { pairs, .. }) = self.at.and_then(node).map(|node| &node.content) else {
            return (None, Self::default());
        };
        let is = |pair: &&Pair| matches!(node(pair.key.node).map(|node| &node.content), Some(Content::Scalar { text, .. }) if text == key);
        let found = pairs.iter().rev().find(is);
        found.map_or((None, Self::default()), |pair| {
            (node(pair.key.node).map(|node| node.line), Self { document: self.document, at: Some(pair.value.node) })
        })
    }
}

fn not_yaml(error: NoYaml) -> Wrong {
    Wrong::new(error.line, format!("this is no YAML: {}", error.why), "mend it there or right above")
}

/// A list or map that is not closed yet.
struct Open {
    node: usize,
    /// Whether brackets of its own end it.
    brackets: bool,
    key: Option<Use>,
}

#[derive(Default)]
struct Composer {
    nodes: Vec<Node>,
    pub(super) root: Option<Use>,
    documents: usize,
    anchors: BTreeMap<String, usize>,
    open: Vec<Open>,
}

impl Composer {
    fn take(&mut self, event: Event, text: &str) -> Result<(), Wrong> {
        let line = event.place.line;
        let span = Span::new(event.place.start, event.place.end);
        match event.kind {
            Kind::DocumentStart => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Wrong::new(line, "a second document begins here", "keep one, without a second ---"));
                }
            }
            Kind::DocumentEnd => {}
            Kind::Scalar { text, style } => {
                // Nothing stands right behind the colon that it is the value of.
                let span = match (style, event.colon, &event.anchor, &event.tag) {
                    (None, Some(colon), None, None) => Span::new(colon, colon),
                    _ => span,
                };
                let content = Content::Scalar { text, style };
                let node = self.add(Node { span, line, tag: event.tag, content }, event.anchor)?;
                self.place(Use { node, alias: None }, event.colon);
            }
            Kind::ListStart { flow } => {
                let content = Content::List { items: Vec::new(), flow };
                self.enter(Node { span, line, tag: event.tag, content }, event.anchor, event.colon, flow)?;
            }
            Kind::MapStart { flow } => {
                let content = Content::Map { pairs: Vec::new(), flow };
                let brackets = flow && span.of(text) == "{";
                self.enter(Node { span, line, tag: event.tag, content }, event.anchor, event.colon, brackets)?;
            }
            Kind::ListEnd | Kind::MapEnd => {
                if let Some(open) = self.open.pop() {
                    let end = if open.brackets { span.end } else { self.last_end(open.node) };
                    if let Some(node) = self.nodes.get_mut(open.node) {
                        node.span.end = end.max(node.span.start);
                    }
                }
            }
            Kind::Alias(name) => match self.anchors.get(&name) {
                Some(node) if !self.open.iter().any(|open| open.node == *node) => {
                    self.place(Use { node: *node, alias: Some(span) }, event.colon);
                }
                _ => return Err(Wrong::new(line, "an alias stands for nothing, or for itself", "correct its name")),
            },
        }
        if self.open.len() > DEEPEST {
            return Err(Wrong::new(line, "lists and maps are too deep in each other here", "make it flatter"));
        }
        Ok(())
    }

    /// Where the last value of a block ends.
    fn last_end(&self, node: usize) -> usize {
        let end =
            |at: Use| at.alias.or_else(|| self.nodes.get(at.node).map(|node| node.span)).map_or(0, |span| span.end);
        match self.nodes.get(node).map(|node| &node.content) {
            Some(Content::List { items, .. }) => items.last().map_or(0, |item| end(*item)),
            Some(Content::Map { pairs, .. }) => pairs.last().map_or(0, |pair| end(pair.value).max(pair.colon)),
            _ => 0,
        }
    }

    fn enter(&mut self, node: Node, anchor: Option<String>, colon: Option<usize>, brackets: bool) -> Result<(), Wrong> {
        let node = self.add(node, anchor)?;
        self.place(Use { node, alias: None }, colon);
        self.open.push(Open { node, brackets, key: None });
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: Option<String>) -> Result<usize, Wrong> {
        let line = node.line;
        if self.nodes.len() >= MOST_VALUES {
            return Err(Wrong::new(line, "there are too many values", "split the file"));
        }
        let at = self.nodes.len();
        self.nodes.push(node);
        if anchor.is_some_and(|name| self.anchors.insert(name, at).is_some()) {
            return Err(Wrong::new(line, "an anchor has the name of another", "give it a name of its own"));
        }
        Ok(at)
    }

    fn place(&mut self, at: Use, colon: Option<usize>) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(at);
            return;
        };
        let Some(key) = open.key.take() else {
            match self.nodes.get_mut(open.node).map(|node| &mut node.content) {
                Some(Content::List { items, .. }) => items.push(at),
                _ => open.key = Some(at),
            }
            return;
        };
        let behind = key.alias.or_else(|| self.nodes.get(key.node).map(|node| node.span)).map_or(0, |span| span.end);
        if let Some(Content::Map { pairs, .. }) = self.nodes.get_mut(open.node).map(|node| &mut node.content) {
            pairs.push(Pair { key, colon: colon.unwrap_or(behind), value: at });
        }
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
