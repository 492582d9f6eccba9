//! One line of an inventory in INI form, as Ansible takes it.

use crate::ini::address::is_space;
use crate::ini::pattern::HostPattern;
use crate::literal::python::{Literal, literal};
use crate::literal::value;
use crate::model::error::{Wrong, shown};
use crate::model::value::Value;
use crate::span::Span;
use std::borrow::Cow;

/// What the lines of a section hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SectionKind {
    /// `[group]`: hosts with their inline variables.
    Hosts,
    /// `[group:children]`: names of groups.
    Children,
    /// `[group:vars]`: variables of the group.
    Vars,
}

/// A value as Python gets it, and what that makes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    raw: String,
    /// None for what is no literal: the text stays what it is.
    literal: Option<Value>,
}

impl Written {
    pub(crate) fn read(raw: &str, line: usize) -> Result<Self, Wrong> {
        let literal = match literal(raw) {
            Literal::Value(value) => Some(value),
            Literal::Plain => None,
            Literal::Refused(why) => {
                let why = format!("the value `{}` {why}", shown(raw));
                return Err(Wrong::new(line, why, "write it in another way"));
            }
        };
        Ok(Self { raw: raw.to_owned(), literal })
    }

    /// The text after the shell's rules and before Python's.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The value.
    pub fn value(&self) -> Cow<'_, Value> {
        self.literal.as_ref().map_or_else(|| Cow::Owned(Value::Text(self.raw.clone())), Cow::Borrowed)
    }

    /// Whether Python takes it for a literal, a quoted text included.
    pub(crate) fn is_literal(&self) -> bool {
        self.literal.is_some()
    }
}

/// An inline variable of a host line.
#[derive(Debug, Clone, PartialEq)]
pub struct HostVar {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Written,
    /// The whole word.
    pub span: Span,
    /// The name; the whole word if its first `=` is quoted.
    pub name_span: Span,
    /// The raw value, quotes included; the whole word if its first `=` is quoted.
    pub value_span: Span,
}

/// A line that names hosts.
#[derive(Debug, Clone, PartialEq)]
pub struct HostLine {
    /// The host or hosts.
    pub pattern: HostPattern,
    /// From the pattern to the last variable, without a comment.
    pub span: Span,
    /// Its variables in order.
    pub vars: Vec<HostVar>,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq)]
pub enum LineKind {
    /// Nothing but white space.
    Blank,
    /// A comment of its own.
    Comment,
    /// A header, see [`Inventory::sections`](crate::Inventory::sections).
    Header,
    /// A host or a range of hosts.
    Host(HostLine),
    /// A variable of a group.
    Var {
        /// Its name.
        name: String,
        /// Its value.
        value: Written,
        /// The raw value, without a comment that Ansible drops.
        value_span: Span,
    },
    /// A child group.
    Child {
        /// Its name.
        group: String,
    },
    /// What Ansible refuses; kept as it is.
    Wrong(Wrong),
}

/// All ranges of a file together name no more hosts than this.
pub(crate) const MOST_HOSTS: usize = 1 << 20;

/// A line that was read.
pub(crate) struct Read {
    pub(crate) content: Span,
    pub(crate) kind: LineKind,
    /// The group and the kind of the section that begins here; of no kind if Ansible does not know it.
    pub(crate) begins: Option<(String, Option<SectionKind>)>,
}

/// Reads a line within a section. `room` is what is left for the hosts of ranges.
pub(crate) fn read(text: &str, span: Span, number: usize, within: Option<SectionKind>, room: &mut usize) -> Read {
    let line = span.of(text);
    let start = span.start + (line.len() - line.trim_start_matches(is_space).len());
    let body = line.trim_matches(is_space);
    let content = Span::new(start, start + body.len());
    let is = |kind| Read { content, kind, begins: None };
    if body.is_empty() {
        return is(LineKind::Blank);
    }
    if body.starts_with(['#', ';']) {
        return is(LineKind::Comment);
    }
    if let Some((group, tag)) = header(body) {
        let kind = match tag {
            "" | "hosts" => SectionKind::Hosts,
            "children" => SectionKind::Children,
            "vars" => SectionKind::Vars,
            _ => {
                let why = format!("a section [{}:{}] is of no known kind", shown(group), shown(tag));
                let wrong = Wrong::new(number, why, "write :vars or :children, or nothing behind the group");
                return Read { content, kind: LineKind::Wrong(wrong), begins: Some((group.to_owned(), None)) };
            }
        };
        return Read { content, kind: LineKind::Header, begins: Some((group.to_owned(), Some(kind))) };
    }
    if let Some(inner) = body.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        let why = format!("`{}` is no header of a section", shown(body));
        let wrong = Wrong::new(number, why, "write [group], [group:vars] or [group:children], without spaces");
        // What follows it belongs to nothing that we know.
        return Read { content, kind: LineKind::Wrong(wrong), begins: Some((inner.to_owned(), None)) };
    }
    let kind = match within {
        Some(SectionKind::Hosts) => host(body, start, number, room).map(LineKind::Host),
        Some(SectionKind::Children) => child(body, number),
        Some(SectionKind::Vars) => variable(body, start, number),
        None => Err(Wrong::new(number, "the line is below no section that is known", "mend the header above it")),
    };
    is(kind.unwrap_or_else(LineKind::Wrong))
}

/// `[group]` or `[group:kind]`, perhaps with a comment behind it.
fn header(body: &str) -> Option<(&str, &str)> {
    let inner = body.strip_prefix('[')?;
    let end = inner.find(|c: char| matches!(c, ':' | ']') || is_space(c))?;
    let (group, rest) = inner.split_at_checked(end).filter(|(group, _)| !group.is_empty())?;
    let (kind, rest) = match rest.strip_prefix(':') {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
            rest.split_at_checked(end).filter(|(kind, _)| !kind.is_empty())?
        }
        None => ("", rest),
    };
    let rest = rest.strip_prefix(']')?.trim_start_matches(is_space);
    (rest.is_empty() || rest.starts_with('#')).then_some((group, kind))
}

fn host(body: &str, start: usize, number: usize, room: &mut usize) -> Result<HostLine, Wrong> {
    let quotes = || Wrong::new(number, "a quote or backslash has no end", "close it, or put the value in other quotes");
    let mut words = value::words(body, start).ok_or_else(quotes)?.into_iter();
    // A line of quotes alone has a first word, too: an empty one.
    let Some(first) = words.next() else {
        return Err(Wrong::new(number, "a host has no name", "write its name first"));
    };
    let pattern = HostPattern::read(&first.text, number)?;
    if pattern.is_range() {
        let why = || format!("the ranges of the file name more than {MOST_HOSTS} hosts up to here");
        *room = room
            .checked_sub(pattern.each().len())
            .ok_or_else(|| Wrong::new(number, why(), "split the file, or name fewer"))?;
    }
    let mut span = first.span;
    let mut vars = Vec::new();
    for word in words {
        let Some((at, raw_at, bare)) = word.equals else {
            let why = format!("`{}` behind a host is no variable", shown(&word.text));
            return Err(Wrong::new(number, why, "write name=value, with quotes around a value that has spaces"));
        };
        let (name, raw) = (word.text.get(..at).unwrap_or_default(), word.text.get(at + 1..).unwrap_or_default());
        let (name_span, value_span) = if bare {
            (Span::new(word.span.start, raw_at), Span::new(raw_at + 1, word.span.end))
        } else {
            (word.span, word.span)
        };
        span.end = word.span.end;
        let value = Written::read(raw, number)?;
        vars.push(HostVar { name: name.to_owned(), value, span: word.span, name_span, value_span });
    }
    Ok(HostLine { pattern, span, vars })
}

fn child(body: &str, number: usize) -> Result<LineKind, Wrong> {
    let wrong = || {
        let why = format!("`{}` is no name of a group", shown(body));
        Wrong::new(number, why, "name one group on each line, without variables")
    };
    group_name(body).map(|group| LineKind::Child { group: group.to_owned() }).ok_or_else(wrong)
}

fn variable(body: &str, start: usize, number: usize) -> Result<LineKind, Wrong> {
    let Some((name, rest)) = body.split_once('=') else {
        let why = format!("`{}` is no variable", shown(body));
        return Err(Wrong::new(number, why, "write name=value, or begin the section of hosts with [group]"));
    };
    let raw = rest.trim_matches(is_space);
    let at = start + name.len() + 1 + (rest.len() - rest.trim_start_matches(is_space).len());
    let end = at + value::commented_literal(raw).unwrap_or(raw.len());
    let name = name.trim_matches(is_space).to_owned();
    Ok(LineKind::Var { name, value: Written::read(raw, number)?, value_span: Span::new(at, end) })
}

/// The name of a group, perhaps with a comment behind it. A `#` in a word belongs to the name if nothing but the name is there.
fn group_name(body: &str) -> Option<&str> {
    let end = body.find(|c: char| matches!(c, ':' | ']') || is_space(c)).unwrap_or(body.len());
    let (name, rest) = body.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
    let rest = rest.trim_start_matches(is_space);
    if rest.is_empty() || rest.starts_with('#') {
        return Some(name);
    }
    name.rfind('#').and_then(|at| name.get(..at)).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_in_the_name_of_a_group() {
        for (body, name) in [
            ("b", Some("b")),
            ("b # c", Some("b")),
            ("b#c", Some("b#c")),
            ("b# c", Some("b")),
            ("b c", None),
            ("b:c", None),
        ] {
            assert_eq!(group_name(body), name, "{body}");
        }
    }
}
