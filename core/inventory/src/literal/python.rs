//! Texts that Python's `literal_eval` takes for something else, with the place of every part: numbers, quoted texts,
//! lists, dicts, tuples and sets.
//!
//! `true` of JSON is a name there, and a name makes the whole of it a plain text (T8).

use crate::literal::atoms::{Atom, complex_text, number, number_end};
use crate::literal::number::signed;
use crate::model::value::Value;
use crate::span::Span;
use crate::yaml::tree::{Entry, Kind, Node, Style};
use std::collections::BTreeSet;

/// What is no literal: where it stops being one, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoLiteral {
    pub(crate) at: usize,
    pub(crate) reason: &'static str,
}

/// What a text is to Python.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    /// A literal.
    Value(Value),
    /// Anything else: the text stays what it is.
    Plain,
    /// A literal that Ansible stumbles over, or that cannot be told without Python.
    Refused(&'static str),
}

/// Brackets in brackets, as many as Python takes.
const DEEPEST: usize = 200;

/// Reads a text as Python does.
pub(crate) fn literal(text: &str) -> Literal {
    match read(text, 0) {
        Ok((node, _)) => Literal::Value(node.value()),
        Err(Stop::Plain(_)) => Literal::Plain,
        Err(Stop::Refused(no)) => Literal::Refused(no.reason),
    }
}

/// A literal at the start of a text; what follows it must be white space or a comment.
pub(crate) fn parse(text: &str, offset: usize) -> Result<Node, NoLiteral> {
    match read(text, offset) {
        Ok((node, _)) => Ok(node),
        Err(Stop::Plain(no) | Stop::Refused(no)) => Err(no),
    }
}

/// The same, and where in the text it ends, with the brackets around it.
pub(crate) fn read(text: &str, offset: usize) -> Read<(Node, usize)> {
    let mut reader = Reader { text, at: 0, offset, open: 0 };
    reader.whole()
}

/// Why a text is no literal that can be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is a plain text.
    Plain(NoLiteral),
    /// Ansible stumbles over it, or only Python can tell.
    Refused(NoLiteral),
}

pub(super) type Read<T> = Result<T, Stop>;

/// What decides what may be done with a part.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// A number, with its sign or without.
    Number {
        signed: bool,
    },
    Imaginary {
        number: f64,
        signed: bool,
    },
    /// What can be a key, but not in JSON.
    NoName,
    /// What no dict can have as a key.
    Loose,
    Other,
}

struct Part {
    shape: Shape,
    node: Node,
}

pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) offset: usize,
    open: usize,
}

impl Reader<'_> {
    pub(super) fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) const fn here(&self, reason: &'static str) -> NoLiteral {
        NoLiteral { at: self.offset + self.at, reason }
    }

    pub(super) const fn no(&self, reason: &'static str) -> Stop {
        Stop::Plain(self.here(reason))
    }

    /// What is wrong with a word that is no value.
    pub(super) fn no_value(&self) -> Stop {
        let rest = self.rest();
        let length = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '+')));
        match rest.get(..length.unwrap_or(rest.len())).unwrap_or_default() {
            "" => self.no("a value is missing"),
            "true" | "false" | "null" => self
                .no("true, false and null of JSON make it a plain text for ansible, which wants True, False and None"),
            _ => self.no("a word without quotes makes it a plain text for ansible"),
        }
    }

    pub(super) fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\u{c}']).len();
    }

    fn at_end(&mut self) -> bool {
        self.space();
        matches!(self.peek(), None | Some('#'))
    }

    fn take(&mut self, c: char) -> bool {
        self.space();
        let found = self.peek() == Some(c);
        self.at += if found { c.len_utf8() } else { 0 };
        found
    }

    fn node(&self, start: usize, kind: Kind) -> Node {
        Node { span: Span::new(self.offset + start, self.offset + self.at), kind }
    }

    fn plain(&self, start: usize, shape: Shape, value: Value, quote: Option<char>) -> Part {
        Part { shape, node: self.node(start, Kind::scalar(value, "", quote)) }
    }

    fn list(&self, start: usize, items: Vec<Node>) -> Node {
        self.node(start, Kind::List { items, style: Style::Flow })
    }

    fn whole(&mut self) -> Read<(Node, usize)> {
        self.at += self.text.len() - self.text.trim_start_matches([' ', '\t']).len();
        let start = self.at;
        let first = self.item()?;
        let mut end = self.at;
        let node = if self.take(',') {
            let mut items = vec![first.node];
            end = self.at;
            while !self.at_end() {
                items.push(self.item()?.node);
                end = self.at;
                if !self.take(',') {
                    break;
                }
                end = self.at;
            }
            let span = Span::new(self.offset + start, self.offset + end);
            Node { span, kind: Kind::List { items, style: Style::Flow } }
        } else {
            first.node
        };
        if self.at_end() { Ok((node, end)) } else { Err(self.no("something stands behind its end")) }
    }

    /// A number with its sign, perhaps the real part of a complex one; or anything else.
    fn item(&mut self) -> Read<Part> {
        self.space();
        let start = self.at;
        let left = self.with_sign()?;
        let end = self.at;
        self.space();
        let Some(sign) = self.peek().filter(|c| matches!(c, '+' | '-')) else {
            self.at = end;
            return Ok(left);
        };
        let here = self.no("a sum is no literal");
        self.at += 1;
        let right = self.atom()?;
        let (Shape::Number { .. }, Shape::Imaginary { number, signed: false }) = (left.shape, right.shape) else {
            return Err(here);
        };
        let real = match left.node.value() {
            Value::Int(digits) => digits.parse().unwrap_or(f64::INFINITY),
            Value::Float(number) => number,
            _ => return Err(here),
        };
        let text = complex_text(Some(real), if sign == '-' { -number } else { number });
        Ok(self.plain(start, Shape::NoName, Value::Text(text), None))
    }

    fn with_sign(&mut self) -> Read<Part> {
        self.space();
        let start = self.at;
        let Some(sign) = self.peek().filter(|c| matches!(c, '+' | '-')) else { return self.atom() };
        self.at += 1;
        let minus = sign == '-';
        let part = self.atom()?;
        let (shape, value) = match (part.shape, part.node.value()) {
            (Shape::Number { signed: false }, Value::Int(digits)) => {
                (Shape::Number { signed: true }, Value::Int(signed(minus, digits)))
            }
            (Shape::Number { signed: false }, Value::Float(number)) => {
                (Shape::Number { signed: true }, Value::Float(if minus { -number } else { number }))
            }
            (Shape::Imaginary { number, signed: false }, _) if minus => {
                (Shape::NoName, Value::Text(complex_text(Some(-0.0), -number)))
            }
            (Shape::Imaginary { number, signed: false }, value) => (Shape::Imaginary { number, signed: true }, value),
            _ => {
                self.at = start;
                return Err(self.no_value());
            }
        };
        Ok(self.plain(start, shape, value, None))
    }

    fn atom(&mut self) -> Read<Part> {
        self.space();
        let start = self.at;
        let Some(first) = self.peek() else { return Err(self.no_value()) };
        match first {
            '[' => {
                self.begin()?;
                let (items, _) = self.items(']')?;
                let items = items.into_iter().map(|part| part.node).collect();
                Ok(Part { shape: Shape::Loose, node: self.list(start, items) })
            }
            '(' => {
                self.begin()?;
                let (mut items, comma) = self.items(')')?;
                if !comma && let Some(only) = items.pop() {
                    return Ok(only);
                }
                let loose = items.iter().any(|item| item.shape == Shape::Loose);
                let shape = if loose { Shape::Loose } else { Shape::NoName };
                let items = items.into_iter().map(|part| part.node).collect();
                Ok(Part { shape, node: self.list(start, items) })
            }
            '{' => {
                self.begin()?;
                self.braces(start)
            }
            '.' if self.rest().starts_with("...") => {
                self.at += 3;
                Ok(self.plain(start, Shape::Other, Value::text("..."), None))
            }
            '0'..='9' | '.' => self.number(),
            '\'' | '"' => self.texts(start),
            _ => {
                let word = self.rest().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                let value = match word {
                    "True" => Value::Bool(true),
                    "False" => Value::Bool(false),
                    "None" => Value::Null,
                    "set" => {
                        self.at += 3;
                        if self.take('(') && self.take(')') {
                            return Ok(Part { shape: Shape::Loose, node: self.list(start, Vec::new()) });
                        }
                        self.at = start;
                        return Err(self.no_value());
                    }
                    _ => return self.texts(start),
                };
                self.at += word.len();
                Ok(self.plain(start, Shape::Other, value, None))
            }
        }
    }

    fn texts(&mut self, start: usize) -> Read<Part> {
        let (value, quote) = self.strings()?;
        let shape = if matches!(value, Value::Unsafe(_)) { Shape::NoName } else { Shape::Other };
        Ok(self.plain(start, shape, value, quote))
    }

    fn number(&mut self) -> Read<Part> {
        let start = self.at;
        let end = number_end(self.rest());
        let (word, rest) = self.rest().split_at_checked(end).unwrap_or_default();
        // What stands right behind a number belongs to it, or is wrong.
        let behind = rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.'));
        let Some(atom) = number(word).filter(|_| !behind) else { return Err(self.no_value()) };
        self.at += end;
        Ok(match atom {
            Atom::Number(value) => self.plain(start, Shape::Number { signed: false }, value, None),
            Atom::Imaginary(number) => {
                let text = Value::Text(complex_text(None, number));
                self.plain(start, Shape::Imaginary { number, signed: false }, text, None)
            }
        })
    }

    fn begin(&mut self) -> Read<()> {
        self.at += 1;
        self.open += 1;
        if self.open > DEEPEST { Err(self.no("it is nested too deeply")) } else { Ok(()) }
    }

    /// What stands before the closing bracket, and whether there was a comma.
    fn items(&mut self, close: char) -> Read<(Vec<Part>, bool)> {
        let (mut items, mut comma) = (Vec::new(), false);
        while !self.take(close) {
            items.push(self.item()?);
            if self.take(',') {
                comma = true;
            } else if self.take(close) {
                break;
            } else {
                return Err(self.no("a comma or bracket is missing"));
            }
        }
        self.open -= 1;
        Ok((items, comma))
    }

    /// A dict or a set. Nothing is refused before all of it is known to be a literal.
    fn braces(&mut self, start: usize) -> Read<Part> {
        let mut refused = None;
        let (mut entries, mut items, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        let mut is_dict = None;
        while !self.take('}') {
            let key = self.item()?;
            let colon = self.take(':');
            let dict = *is_dict.get_or_insert(colon);
            if colon != dict {
                return Err(self.no("a colon is missing, or there is one too many"));
            }
            let no = match key.shape {
                Shape::Loose => Some("has a list, dict or set where only a plain value can be"),
                Shape::NoName | Shape::Imaginary { .. } => Some("has a key that JSON cannot have"),
                Shape::Number { .. } | Shape::Other => None,
            };
            refused = refused.or(no.map(|why| self.refuse(why)));
            if dict {
                let colon = self.offset + self.at;
                let value = self.item()?.node;
                entries.push(Entry { key: key.node, colon, value });
            } else if seen.insert(key.node.value().identity()) {
                items.push(key.node);
            }
            if !self.take(',') && self.peek() != Some('}') {
                let reason =
                    if dict { "a comma or bracket is missing" } else { "a colon, comma or bracket is missing" };
                return Err(self.no(reason));
            }
        }
        self.open -= 1;
        if let Some(why) = refused {
            return Err(why);
        }
        let kind = if is_dict == Some(false) {
            Kind::List { items, style: Style::Flow }
        } else {
            Kind::Map { entries, style: Style::Flow }
        };
        Ok(Part { shape: Shape::Loose, node: self.node(start, kind) })
    }
}

#[cfg(test)]
#[path = "python_tests.rs"]
mod tests;
