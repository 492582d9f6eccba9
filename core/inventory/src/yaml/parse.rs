//! YAML read with the place of every value, and texts written so that PyYAML reads them back.

use crate::edit::refusal::EditError;
use crate::literal::value;
use crate::span::Span;
use crate::yaml::tree::{Entry, Kind, Node, Style};
use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};
use std::collections::BTreeMap;

/// Deeper nesting than anybody writes.
const DEPTH: usize = 64;
/// So many values, those of aliases counted each time.
const MOST: usize = 1 << 18;

const NEXT: &str = "mend the line, or edit the file by hand";

/// Whether the text of an inventory is YAML: its first line that counts opens a document or a map.
pub(crate) fn is_yaml(text: &str) -> bool {
    let lines = text.lines().map(|line| line.strip_prefix('\u{feff}').unwrap_or(line));
    let first = lines.map(str::trim_end).find(|line| !line.is_empty() && !line.trim_start().starts_with(['#', ';']));
    first.is_some_and(|line| {
        let key = line.split(['#']).next().unwrap_or(line).trim_end();
        line == "---"
            || line.starts_with("--- ")
            || line.starts_with('{')
            || line.starts_with("%YAML")
            || (key.ends_with(':') && !key.contains('='))
            || line
                .split_once(": ")
                .is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !key.is_empty())
    })
}

/// An open list or map.
struct Open {
    start: usize,
    anchor: usize,
    /// How many values were read before it.
    count: usize,
    style: Style,
    items: Vec<Node>,
    /// The key that waits for its value; maps only.
    key: Option<Node>,
    entries: Option<Vec<Entry>>,
}

/// Reads a document with one value; an empty one is an empty scalar at the end.
pub(crate) fn parse(text: &str) -> Result<Node, EditError> {
    let mut reader = Reader { text, open: Vec::new(), root: None, anchors: BTreeMap::new(), count: 0 };
    let mut documents = 0;
    for next in Parser::new_from_str(text) {
        let (event, span) = next.map_err(|error| {
            let line = error.marker().line();
            refused(line, format!("the YAML cannot be read: {}", error.info()))
        })?;
        let span = span.byte_range().map(|range| Span::new(range.start, range.end)).unwrap_or(Span::new(0, 0));
        match event {
            Event::DocumentStart(..) => {
                documents += 1;
                if documents > 1 {
                    return Err(reader.refuse(span.start, "a second document begins"));
                }
            }
            event => reader.take(event, span)?,
        }
    }
    let none = Kind::Scalar { value: "None".to_owned(), quote: None };
    Ok(reader.root.unwrap_or(Node { span: Span::new(text.len(), text.len()), kind: none }))
}

fn refused(line: usize, reason: String) -> EditError {
    EditError::Unclear { line, reason, next: NEXT }
}

/// The line of a byte, counted from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
}

struct Reader<'a> {
    text: &'a str,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: BTreeMap<usize, (Node, usize)>,
    count: usize,
}

impl Reader<'_> {
    fn refuse(&self, at: usize, reason: &str) -> EditError {
        refused(line_of(self.text, at), reason.to_owned())
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), EditError> {
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                let quote = match style {
                    _ if tag.is_some() => Some('!'),
                    ScalarStyle::SingleQuoted => Some('\''),
                    ScalarStyle::DoubleQuoted => Some('"'),
                    ScalarStyle::Plain => None,
                    _ => Some('|'),
                };
                let value = if quote.is_none() { printed(&value) } else { value.into_owned() };
                self.add(Node { span, kind: Kind::Scalar { value, quote } }, (anchor, 1), 1)
            }
            Event::SequenceStart(style, anchor, _) => self.enter(span, style, anchor, false),
            Event::MappingStart(style, anchor, _) => self.enter(span, style, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let last = match &open.entries {
                    Some(entries) => entries.last().map(|entry| entry.value.span.end.max(entry.colon)),
                    None => open.items.last().map(|item| item.span.end),
                };
                // A block ends where its last value ends, not where the next thing begins.
                let end = if open.style == Style::Flow { span.end } else { last.unwrap_or(open.start) };
                let kind = match open.entries {
                    Some(entries) => Kind::Map { entries, style: open.style },
                    None => Kind::List { items: open.items, style: open.style },
                };
                let size = self.count - open.count;
                self.add(Node { span: Span::new(open.start, end), kind }, (open.anchor, size), 0)
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(self.refuse(span.start, "an alias names what holds it"));
                };
                self.add(Node { span, kind: Kind::Alias(Box::new(node)) }, (0, 0), size)
            }
            _ => Ok(()),
        }
    }

    fn enter(&mut self, span: Span, style: StructureStyle, anchor: usize, map: bool) -> Result<(), EditError> {
        if self.open.len() >= DEPTH {
            return Err(self.refuse(span.start, "it is nested too deeply"));
        }
        let style = if style == StructureStyle::Flow { Style::Flow } else { Style::Block };
        let entries = map.then(Vec::new);
        self.open.push(Open {
            start: span.start,
            anchor,
            count: self.count,
            style,
            items: Vec::new(),
            key: None,
            entries,
        });
        self.count += 1;
        Ok(())
    }

    fn add(&mut self, node: Node, (anchor, whole): (usize, usize), size: usize) -> Result<(), EditError> {
        self.count += size;
        if self.count > MOST {
            return Err(self.refuse(node.span.start, "it holds more values than anybody writes"));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), whole));
        }
        let (at, line) = (node.span.start, self.text);
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        let Some(entries) = &mut open.entries else {
            open.items.push(node);
            return Ok(());
        };
        let Some(key) = open.key.take() else {
            if node.resolved().scalar().is_none() {
                return Err(self.refuse(at, "a key is no text"));
            }
            if entries.iter().any(|entry| entry.key.scalar() == node.scalar()) {
                return Err(self.refuse(at, "a key stands there twice"));
            }
            open.key = Some(node);
            return Ok(());
        };
        let after = line.get(key.span.end..).unwrap_or_default();
        // In brackets a key may stand without a colon.
        let blanks = after.len() - after.trim_start().len();
        let colon = key.span.end + if after.trim_start().starts_with(':') { blanks + 1 } else { 0 };
        let empty = matches!(&node.kind, Kind::Scalar { quote: None, .. }) && node.span.start == node.span.end;
        let node = if empty { Node { span: Span::new(colon, colon), ..node } } else { node };
        entries.push(Entry { key, colon, value: node });
        Ok(())
    }
}

/// What a template prints for a plain scalar, as PyYAML reads it.
fn printed(plain: &str) -> String {
    match plain {
        "" | "~" | "null" | "Null" | "NULL" => "None".to_owned(),
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => "True".to_owned(),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => "False".to_owned(),
        other if is_float(other) => value::evaluate(other),
        other => other.to_owned(),
    }
}

/// Digits with one point, which is a float in every YAML.
fn is_float(word: &str) -> bool {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "x"));
    !whole.is_empty() && whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit())
}

/// Whether a word, written bare, may be something else than a text to some reader of YAML.
fn is_special(word: &str) -> bool {
    let numeric = |b: u8| {
        b.is_ascii_hexdigit()
            || matches!(b, b'_' | b'.' | b'+' | b'-' | b':' | b'x' | b'o' | b'T' | b'Z' | b't' | b'z' | b' ')
    };
    let word_like =
        printed(word) != word || matches!(word, "y" | "Y" | "n" | "N" | "None" | "=" | "<<" | "True" | "False");
    let first = word.trim_start_matches(['+', '-', '.']).bytes().next();
    let dotted = word.trim_start_matches('-').split('.').count() > 2;
    let number = word.bytes().all(numeric) && first.is_some_and(|b| b.is_ascii_digit()) && !dotted;
    word_like || number || matches!(word.trim_start_matches(['+', '-']).to_ascii_lowercase().as_str(), ".inf" | ".nan")
}

/// A text as a YAML scalar, bare where that is safe, in brackets and out of them.
pub(crate) fn text(value: &str, like: Option<char>) -> String {
    let leads = value.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '.'))
        || (value.starts_with('-') && value.chars().nth(1).is_some_and(char::is_alphanumeric));
    let inside =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | '=' | '+' | '@' | ' ' | '(' | ')');
    let colons = value.split(':').skip(1).all(|rest| rest.starts_with(|c: char| c.is_alphanumeric()));
    let bare =
        leads && colons && value.chars().all(|c| inside(c) || c == ':') && value.trim() == value && !is_special(value);
    match like.filter(|quote| matches!(quote, '\'' | '"')) {
        None if bare => value.to_owned(),
        Some('"') if !value.contains(['"', '\\']) => format!("\"{value}\""),
        _ => format!("'{}'", value.replace('\'', "''")),
    }
}

/// Whether a node prints as this value.
pub(crate) fn is_value(node: &Node, value: &str) -> bool {
    shown(node) == value
        || crate::literal::nodes::parse(value, 0)
            .is_ok_and(|wanted| wanted.canonical() == node.canonical() && wanted.scalar().is_none())
}

/// The quote of a scalar.
pub(crate) fn quote_of(node: &Node) -> Option<char> {
    match &node.kind {
        Kind::Scalar { quote, .. } => *quote,
        _ => None,
    }
}

/// What a template prints, about.
pub(crate) fn shown(node: &Node) -> String {
    node.scalar().map_or_else(|| node.canonical(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::dialect::value_text;
    use proptest::prelude::*;

    #[test]
    fn values_know_their_places() {
        let text = "# c\nall:\n  hosts:\n    g1: # one\n    g2: {x: 'a', y: 3.10}  # two\n  vars:\n    l:\n    - a\n    - b: 1\n\n# end\n";
        let root = parse(text).expect("a document");
        let all = root.get("all").expect("all");
        let hosts = all.entry("hosts").expect("hosts");
        assert_eq!(hosts.value.span.of(text), "g1: # one\n    g2: {x: 'a', y: 3.10}");
        let g1 = hosts.value.entry("g1").expect("g1");
        assert!(g1.value.is_empty() && text[..g1.colon].ends_with("g1:"));
        let g2 = hosts.value.get("g2").expect("g2");
        assert_eq!((g2.span.of(text), g2.canonical().as_str()), ("{x: 'a', y: 3.10}", "{\"x\": \"a\", \"y\": 3.1}"));
        let vars = all.get("vars").expect("vars");
        assert_eq!(vars.span.of(text), "l:\n    - a\n    - b: 1");
        assert!(parse("").expect("empty").is_empty());
    }

    #[test]
    fn what_cannot_be_edited_safely_is_refused() {
        for (text, part) in [
            ("a: 1\na: 2\n", "line 2: a key stands there twice"),
            ("a: 1\n---\nb: 1\n", "a second document"),
            ("a: [\n", "cannot be read"),
            ("[a, b]: 1\n", "a key is no text"),
            ("a: *b\n", "cannot be read"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(parse(&"[".repeat(5000)).is_err());
        let bomb: String = (1..40).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}]\n", n - 1)).collect();
        assert!(parse(&format!("a0: &a0 x\n{bomb}")).is_err());
    }

    #[test]
    fn yaml_is_told_from_ini() {
        for (text, yaml) in [
            ("---\nall:\n", true),
            ("# c\n\nall:\n  hosts:\n", true),
            ("all: # c\n", true),
            ("a_1: x=1\n", true),
            ("{\"all\": {}}", true),
            ("[all]\n", false),
            ("host:22 x=1\n", false),
            ("host\n", false),
            ("", false),
        ] {
            assert_eq!(is_yaml(text), yaml, "{text}");
        }
    }

    #[test]
    fn texts_are_quoted_only_as_needed() {
        for (value, expected) in [
            ("False", "False"),
            ("true", "'true'"),
            ("no", "'no'"),
            ("8080", "8080"),
            ("3.10", "'3.10'"),
            ("3.11.161", "3.11.161"),
            ("-3.11.161", "-3.11.161"),
            ("v3.11", "v3.11"),
            ("010", "'010'"),
            ("1e3", "'1e3'"),
            ("12:30", "'12:30'"),
            ("2019-12-24", "'2019-12-24'"),
            ("r.io:5000/a:v1", "r.io:5000/a:v1"),
            ("a b", "a b"),
            ("a # b", "'a # b'"),
            ("a: b", "'a: b'"),
            ("it's", "'it''s'"),
            ("{{ x }}", "'{{ x }}'"),
            ("[ \"/dev/vdb\", True ]", "['/dev/vdb', True]"),
            ("", "''"),
            ("~", "'~'"),
            ("None", "'None'"),
        ] {
            assert_eq!(value_text(value, None), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn a_written_value_reads_back(value in "[ -~é]{0,12}|[0-9a-eTzx_.:+ #'-]{0,8}", quote in 0..3usize) {
            let like = [None, Some('\''), Some('"')][quote];
            for text in [format!("k: {} # c\n", value_text(&value, like)), format!("k: [{}]\n", value_text(&value, like))] {
                let root = parse(&text).expect("a document");
                let found = root.get("k").expect("a value");
                let found = if text.contains("k: [") && !value.starts_with('[') || found.items().is_some_and(|i| i.len() == 1 && text.starts_with("k: [[")) {
                    found.items().and_then(|items| items.first()).unwrap_or(found)
                } else {
                    found
                };
                prop_assert!(is_value(found, &value) || !text.contains("# c"), "{}: {}", text, found.canonical());
            }
        }

        #[test]
        fn no_text_panics(text in "(?s)[a-c:\\-\\[\\]{}&*!|>'\"# \n,é]{0,40}") {
            if let Ok(root) = parse(&text) {
                prop_assert!(root.span.of(&text).len() <= text.len());
            }
        }
    }
}
