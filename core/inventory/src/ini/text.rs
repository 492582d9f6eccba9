//! The text of an inventory, line by line, with the place of everything that an edit may touch.

use crate::ini::pattern::HostPattern;
use crate::literal::value;
use crate::span::Span;
use std::fmt;

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

/// A section, from its header to the line before the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The group it belongs to; `ungrouped` for the lines before the first header.
    pub group: String,
    /// What it holds; `None` if its header is of a kind that Ansible does not know.
    pub kind: Option<SectionKind>,
    /// The index of its header; `None` for the lines before the first header.
    pub header: Option<usize>,
    /// The index of its first line after the header.
    pub first: usize,
    /// The index after its last line.
    pub end: usize,
}

/// An inline variable of a host line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostVar {
    /// Its name.
    pub name: String,
    /// Its value, as a template prints it.
    pub value: String,
    /// The whole word.
    pub span: Span,
    /// The name; the whole word if its first `=` is quoted.
    pub name_span: Span,
    /// The raw value, quotes included; the whole word if its first `=` is quoted.
    pub value_span: Span,
    /// The text after the shell's rules and before Python's.
    pub(crate) raw: String,
}

/// A line that names hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostLine {
    /// The host or hosts.
    pub pattern: HostPattern,
    /// From the pattern to the last variable, without a comment.
    pub span: Span,
    /// Its variables in order.
    pub vars: Vec<HostVar>,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineKind {
    /// Nothing but white space.
    Blank,
    /// A comment of its own.
    Comment,
    /// A header, see [`Inventory::sections`].
    Header,
    /// A host or a range of hosts.
    Host(HostLine),
    /// A variable of a group.
    Var {
        /// Its name.
        name: String,
        /// Its value, as a template prints it.
        value: String,
        /// The raw value, without a comment that Ansible drops.
        value_span: Span,
    },
    /// A child group.
    Child {
        /// Its name.
        group: String,
    },
    /// Not understood, and kept.
    Other,
}

/// A line of an INI inventory, with what it says and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it stands, with its line end.
    pub span: Span,
    /// Where its content stands, without white space around it.
    pub content: Span,
    /// What it is.
    pub kind: LineKind,
    /// The section it is in: an index into [`Inventory::sections`].
    pub section: usize,
}

/// Bytes that are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not UTF-8; save the file as UTF-8")]
pub struct NotText {
    /// The first line that is none, counted from 1.
    pub line: usize,
}

/// An inventory in INI form. Printing it gives back the text it was read from, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    text: String,
    lines: Vec<Line>,
    sections: Vec<Section>,
}

impl Inventory {
    /// Reads any text: what is not understood is kept as [`LineKind::Other`].
    pub fn parse(text: &str) -> Self {
        let implicit =
            Section { group: "ungrouped".to_owned(), kind: Some(SectionKind::Hosts), header: None, first: 0, end: 0 };
        let mut inventory = Self { text: text.to_owned(), lines: Vec::new(), sections: vec![implicit] };
        for span in line_spans(text) {
            inventory.read_line(text, span);
        }
        let count = inventory.lines.len();
        inventory.close_section(count);
        inventory
    }

    /// Reads the bytes of a file. What is not UTF-8 is no text that can be edited, and is refused with the first line
    /// that has it; everything else prints back as it was.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotText> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::parse(text)),
            Err(error) => {
                let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let text = String::from_utf8_lossy(before);
                let ended = text.chars().next_back().is_none_or(ends_line);
                let lines = line_spans(&text).len();
                Err(NotText { line: if ended { lines + 1 } else { lines } })
            }
        }
    }

    fn read_line(&mut self, text: &str, span: Span) {
        let line = span.of(text);
        let start = span.start + (line.len() - line.trim_start().len());
        let content = Span::new(start, start + line.trim().len());
        let body = content.of(text);
        let index = self.lines.len();
        let kind = if body.is_empty() {
            LineKind::Blank
        } else if body.starts_with(['#', ';']) {
            LineKind::Comment
        } else if let Some((group, kind)) = header(body) {
            self.close_section(index);
            self.sections.push(Section { group, kind, header: Some(index), first: index + 1, end: index + 1 });
            if kind.is_some() { LineKind::Header } else { LineKind::Other }
        } else {
            match self.sections.last().and_then(|section| section.kind) {
                Some(SectionKind::Hosts) => host(body, content.start).map(LineKind::Host),
                Some(SectionKind::Children) => {
                    name_and_comment(body).map(|group| LineKind::Child { group: group.to_owned() })
                }
                Some(SectionKind::Vars) => variable(body, content.start),
                None => None,
            }
            .unwrap_or(LineKind::Other)
        };
        let section = self.sections.len() - 1;
        self.lines.push(Line { span, content, kind, section });
    }

    fn close_section(&mut self, end: usize) {
        if let Some(section) = self.sections.last_mut() {
            section.end = end;
        }
    }

    /// All of it, byte for byte as it was read or edited.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The lines in order.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The sections in order; the first has no header and holds the ungrouped hosts.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The line end that most lines have, for new lines.
    pub(crate) fn line_ending(&self) -> &'static str {
        let dos = self.text.matches("\r\n").count();
        if dos * 2 > self.text.matches('\n').count() { "\r\n" } else { "\n" }
    }

    /// The sections of a group that hold this kind of lines.
    pub(crate) fn sections_of(&self, group: &str, kind: SectionKind) -> impl DoubleEndedIterator<Item = &Section> {
        self.sections.iter().filter(move |section| section.kind == Some(kind) && section.group == group)
    }

    /// The lines of a section, each with its index.
    pub(crate) fn lines_in(&self, section: &Section) -> impl DoubleEndedIterator<Item = (usize, &Line)> {
        let first = section.first;
        let lines = self.lines.get(first..section.end).unwrap_or_default();
        lines.iter().enumerate().map(move |(at, line)| (first + at, line))
    }

    /// The host lines, each with its index.
    pub(crate) fn host_lines(&self) -> impl DoubleEndedIterator<Item = (usize, &HostLine)> {
        self.lines.iter().enumerate().filter_map(|(at, line)| match &line.kind {
            LineKind::Host(host) => Some((at, host)),
            _ => None,
        })
    }

    /// The group that a line stands in.
    pub(crate) fn group_at(&self, line: usize) -> &str {
        let section = self.lines.get(line).and_then(|line| self.sections.get(line.section));
        section.map_or("ungrouped", |section| &section.group)
    }
}

impl fmt::Display for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether Python's `splitlines`, which Ansible uses, ends a line at this character.
pub(crate) fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The lines of a text, each with its line end.
pub(crate) fn line_spans(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let (mut start, mut at) = (0, 0);
    // The first byte of every character that ends a line: most texts have none but line feeds.
    let may_end = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0x0b | 0x0c | 0x1c..=0x1e | 0xc2 | 0xe2);
    while let Some(run) = text.as_bytes().get(at..).and_then(|rest| rest.iter().position(may_end)) {
        at += run;
        let mut chars = text.get(at..).unwrap_or_default().chars();
        let Some(c) = chars.next() else { break };
        at += c.len_utf8();
        if ends_line(c) {
            at += usize::from(c == '\r' && chars.next() == Some('\n'));
            spans.push(Span::new(start, at));
            start = at;
        }
    }
    if start < text.len() {
        spans.push(Span::new(start, text.len()));
    }
    spans
}

/// A group name alone, perhaps with a comment after it.
fn name_and_comment(text: &str) -> Option<&str> {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, ':' | ']' | '#'));
    let (name, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
    let rest = rest.trim_start();
    (!name.is_empty() && (rest.is_empty() || rest.starts_with('#'))).then_some(name)
}

fn header(body: &str) -> Option<(String, Option<SectionKind>)> {
    let (inner, rest) = body.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start();
    let (group, tag) = inner.split_once(':').map_or((inner, None), |(group, tag)| (group, Some(tag)));
    let named = !group.is_empty() && !group.contains(char::is_whitespace);
    if named && (rest.is_empty() || rest.starts_with('#')) {
        let kind = match tag {
            None => Some(SectionKind::Hosts),
            Some("hosts") => Some(SectionKind::Hosts),
            Some("children") => Some(SectionKind::Children),
            Some("vars") => Some(SectionKind::Vars),
            Some(_) => None,
        };
        return Some((group.to_owned(), kind));
    }
    // Anything else in brackets is no host: what follows it belongs to nothing that we know.
    (body.ends_with(']') && rest.is_empty()).then(|| (inner.to_owned(), None))
}

fn host(body: &str, start: usize) -> Option<HostLine> {
    let mut words = value::words(body, start)?.into_iter();
    let first = words.next()?;
    let pattern = HostPattern::parse(&first.text)?;
    let mut span = first.span;
    let mut vars = Vec::new();
    for word in words {
        let (at, raw_at, bare) = word.equals?;
        let (name, raw) = (word.text.get(..at)?, word.text.get(at + 1..)?);
        let (name_span, value_span) = if bare {
            (Span::new(word.span.start, raw_at), Span::new(raw_at + 1, word.span.end))
        } else {
            (word.span, word.span)
        };
        span.end = word.span.end;
        vars.push(HostVar {
            name: name.to_owned(),
            value: value::evaluate(raw),
            span: word.span,
            name_span,
            value_span,
            raw: raw.to_owned(),
        });
    }
    Some(HostLine { pattern, span, vars })
}

fn variable(body: &str, start: usize) -> Option<LineKind> {
    let (name, rest) = body.split_once('=')?;
    let raw = rest.trim();
    let at = start + name.len() + 1 + (rest.len() - rest.trim_start().len());
    let end = at + value::commented_literal(raw).unwrap_or(raw.len());
    Some(LineKind::Var { name: name.trim().to_owned(), value: value::evaluate(raw), value_span: Span::new(at, end) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_line_has_its_kind_and_place() {
        let text = "lone\r\n[nodes] # all\r\na.demo x='1 2' y=3 # c\n; c\n\n[nodes:vars]\nk = v # w\nn=8080 # c\n\
                    [p:children]\nnodes # c\n[odd:kind]\nq\n[nodes]\nb x='\nn[1:3] z=1\nbad var";
        let inventory = Inventory::parse(text);
        let kinds: Vec<String> = inventory.lines().iter().map(|line| format!("{:?}", line.kind)).collect();
        let starts = [
            "Host", "Header", "Host", "Comment", "Blank", "Header", "Var", "Var", "Header", "Child", "Other", "Other",
            "Header", "Other", "Host", "Other",
        ];
        assert_eq!(kinds.len(), starts.len());
        for (kind, start) in kinds.iter().zip(starts) {
            assert!(kind.starts_with(start), "{kind} is not {start}");
        }
        let (_, host) = inventory.host_lines().nth(1).expect("a host");
        assert_eq!(host.span.of(text), "a.demo x='1 2' y=3");
        assert_eq!(host.vars[0].value_span.of(text), "'1 2'");
        assert_eq!(host.vars[0].name_span.of(text), "x");
        assert_eq!(host.vars[0].value, "1 2");
        let LineKind::Var { name, value, value_span } = &inventory.lines()[7].kind else { unreachable!() };
        assert_eq!((name.as_str(), value.as_str(), value_span.of(text)), ("n", "8080", "8080"));
        assert_eq!(inventory.line_ending(), "\n");
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_with_their_line() {
        for (bytes, line) in
            [(&b"\xff"[..], 1), (b"a\n\xff", 2), (b"a\nb \xff\n", 2), (b"# \xc3\r\nb", 1), (b"a\r\xe2\x80", 2)]
        {
            assert_eq!(Inventory::from_bytes(bytes), Err(NotText { line }), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn printing_is_the_identity_for_all_bytes(bytes in prop::collection::vec(
            prop_oneof![4 => prop::sample::select(&b"ab[]=:#; \r\n'\"\\"[..]), 1 => any::<u8>()], 0..60,
        )) {
            match Inventory::from_bytes(&bytes) {
                Ok(inventory) => prop_assert_eq!(inventory.to_string().into_bytes(), bytes),
                Err(refused) => {
                    prop_assert!(std::str::from_utf8(&bytes).is_err());
                    // Without the lines from there on it is a text.
                    let good = String::from_utf8_lossy(&bytes);
                    let before: String = line_spans(&good).iter().take(refused.line - 1).map(|span| span.of(&good)).collect();
                    prop_assert!(bytes.starts_with(before.as_bytes()), "{:?}", refused);
                }
            }
        }

        #[test]
        fn printing_is_the_identity(text in "(?s).{0,80}") {
            let inventory = Inventory::parse(&text);
            prop_assert_eq!(&inventory.to_string(), &text);
            let joined: String = inventory.lines().iter().map(|line| line.span.of(&text)).collect();
            prop_assert_eq!(joined, text);
        }

        #[test]
        fn likely_text_is_kept_too(text in "([a-c\\[\\]:='\"# \\\\\r\n]|vars|children){0,60}") {
            let inventory = Inventory::parse(&text);
            prop_assert_eq!(&inventory.to_string(), &text);
            for section in inventory.sections() {
                prop_assert!(section.first <= section.end && section.end <= inventory.lines().len());
            }
        }
    }
}
