//! Lists and dicts as they stand on one line of an inventory in INI form, with the place of every part.
//!
//! What counts is what Python's `literal_eval` takes: `true` of JSON is a name there, and a name makes the whole line
//! a plain text (T8).

use crate::span::Span;
use crate::yaml::tree::{Entry, Kind, Node, Style};

/// What is no literal: where it stops being one, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoLiteral {
    pub(crate) at: usize,
    pub(crate) reason: &'static str,
}

/// Deeper nesting than anybody writes.
const DEPTH: usize = 64;

/// Reads a literal at the start of a text; what follows it must be white space or a comment.
pub(crate) fn parse(text: &str, offset: usize) -> Result<Node, NoLiteral> {
    let mut reader = Reader { text, at: 0, offset };
    let node = reader.node(0)?;
    reader.blanks();
    match reader.peek() {
        None | Some('#') => Ok(node),
        Some(_) => Err(reader.no("something stands behind its end")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    offset: usize,
}

impl Reader<'_> {
    fn no(&self, reason: &'static str) -> NoLiteral {
        NoLiteral { at: self.offset + self.at, reason }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.at += 1;
        }
    }

    fn node(&mut self, depth: usize) -> Result<Node, NoLiteral> {
        if depth > DEPTH {
            return Err(self.no("it is nested too deeply"));
        }
        self.blanks();
        let start = self.at;
        let kind = match self.peek() {
            Some('[') => self.list(']', depth)?,
            Some('(') => self.list(')', depth)?,
            Some('{') => self.map(depth)?,
            Some(quote @ ('\'' | '"')) => Kind::Scalar { value: self.string(quote)?, quote: Some(quote) },
            _ => self.bare()?,
        };
        Ok(Node { span: Span::new(self.offset + start, self.offset + self.at), kind })
    }

    fn list(&mut self, close: char, depth: usize) -> Result<Kind, NoLiteral> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blanks();
            if self.take(close) {
                return Ok(Kind::List { items, style: Style::Flow });
            }
            items.push(self.node(depth + 1)?);
            self.comma(close)?;
        }
    }

    fn map(&mut self, depth: usize) -> Result<Kind, NoLiteral> {
        self.at += 1;
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            self.blanks();
            if self.take('}') {
                return Ok(Kind::Map { entries, style: Style::Flow });
            }
            let key = self.node(depth + 1)?;
            self.blanks();
            if !self.take(':') {
                return Err(self.no("a colon is missing"));
            }
            if entries.iter().any(|entry| entry.key.canonical() == key.canonical()) {
                return Err(self.no("a key stands there twice"));
            }
            let colon = self.offset + self.at;
            let value = self.node(depth + 1)?;
            entries.push(Entry { key, colon, value });
            self.comma('}')?;
        }
    }

    fn comma(&mut self, close: char) -> Result<(), NoLiteral> {
        self.blanks();
        if self.take(',') || self.peek() == Some(close) {
            Ok(())
        } else {
            Err(self.no("a comma or bracket is missing"))
        }
    }

    fn string(&mut self, quote: char) -> Result<String, NoLiteral> {
        self.at += 1;
        let mut value = String::new();
        while let Some(c) = self.peek() {
            self.at += c.len_utf8();
            match c {
                c if c == quote => return Ok(value),
                '\\' => {
                    let escaped = self.peek();
                    value.push(match escaped {
                        Some(c @ ('\\' | '\'' | '"')) => c,
                        Some('n') => '\n',
                        Some('t') => '\t',
                        Some('r') => '\r',
                        _ => return Err(self.no("an escape is not understood")),
                    });
                    self.at += 1;
                }
                c => value.push(c),
            }
        }
        Err(self.no("a quote is not closed"))
    }

    fn bare(&mut self) -> Result<Kind, NoLiteral> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length =
            rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '+'))).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        if word.is_empty() {
            return Err(self.no("a value is missing"));
        }
        if !matches!(word, "True" | "False" | "None") && !crate::literal::value::is_number(word) {
            let json = matches!(word, "true" | "false" | "null");
            return Err(self.no(if json {
                "true, false and null of JSON make it a plain text for ansible, which wants True, False and None"
            } else {
                "a word without quotes makes it a plain text for ansible"
            }));
        }
        self.at += length;
        Ok(Kind::Scalar { value: crate::literal::value::evaluate(word), quote: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn literals_and_what_only_looks_like_one() {
        for (text, canonical) in [
            ("[]", "[]"),
            ("{'b': [1, 'x'], \"a\": None, }", "{\"a\": None, \"b\": [1, \"x\"]}"),
            ("[ 'it\\'s', ( True, ) ]  # c", "[\"it's\", [True]]"),
            ("[{'name': 'a', 'edits': []}, {}]", "[{\"edits\": [], \"name\": \"a\"}, {}]"),
        ] {
            assert_eq!(parse(text, 0).map(|node| node.canonical()).as_deref(), Ok(canonical), "{text}");
        }
        for (text, at, reason) in [
            ("[{'a': true}]", 7, "true, false and null"),
            ("[a]", 1, "without quotes"),
            ("[1 2]", 3, "comma"),
            ("['a", 3, "not closed"),
            ("{'a' 1}", 5, "colon"),
            ("{'a': 1, 'a': 2}", 13, "twice"),
            ("['\\x41']", 3, "escape"),
            ("[1] x", 4, "behind its end"),
            ("", 0, "missing"),
        ] {
            let error = parse(text, 0).expect_err(text);
            assert!(error.reason.contains(reason) && error.at == at, "{text}: {error:?}");
        }
        assert!(parse(&"[".repeat(100_000), 0).is_err());
    }

    #[test]
    fn places_are_those_of_the_file() {
        let text = "x=[{'name': 'a'}]";
        let node = parse(&text[2..], 2).expect("a literal");
        let name = node.items().and_then(|items| items[0].get("name")).expect("a name");
        assert_eq!((node.span.of(text), name.span.of(text)), ("[{'name': 'a'}]", "'a'"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[\\[\\]{}()'\",: a1é\\\\#]{0,24}") {
            if let Ok(node) = parse(&text, 0) {
                prop_assert_eq!(parse(node.span.of(&text), 0).map(|again| again.canonical()), Ok(node.canonical()));
            }
        }
    }
}
