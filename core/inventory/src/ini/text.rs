//! The text of an inventory, line by line, with the place of everything that an edit may touch.

use crate::ini::line;
use crate::span::Span;
use std::fmt;

pub use crate::ini::line::{HostLine, HostVar, LineKind, SectionKind, Written};

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

/// A line of an INI inventory, with what it says and where.
#[derive(Debug, Clone, PartialEq)]
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

impl Line {
    /// Moves it, since something before it changed: by so many bytes, and so many lines.
    fn shift(&mut self, bytes: isize, lines: isize) {
        let moved = |span: &mut Span| {
            span.start = span.start.saturating_add_signed(bytes);
            span.end = span.end.saturating_add_signed(bytes);
        };
        moved(&mut self.span);
        moved(&mut self.content);
        match &mut self.kind {
            LineKind::Host(host) => {
                moved(&mut host.span);
                for var in &mut host.vars {
                    moved(&mut var.span);
                    moved(&mut var.name_span);
                    moved(&mut var.value_span);
                }
            }
            LineKind::Var { value_span, .. } => moved(value_span),
            LineKind::Wrong(wrong) => wrong.line = wrong.line.map(|line| line.saturating_add_signed(lines)),
            LineKind::Blank | LineKind::Comment | LineKind::Header | LineKind::Child { .. } => {}
        }
    }
}

/// Bytes that are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not UTF-8; save the file as UTF-8")]
pub struct NotText {
    /// The first line that is none, counted from 1.
    pub line: usize,
}

/// An inventory in INI form. Printing it gives back the text it was read from, byte for byte.
#[derive(Debug, Clone, PartialEq)]
pub struct Inventory {
    text: String,
    lines: Vec<Line>,
    sections: Vec<Section>,
}

impl Inventory {
    /// Reads any text: what Ansible refuses is kept as [`LineKind::Wrong`].
    pub fn parse(text: &str) -> Self {
        Self::of(text.to_owned())
    }

    fn of(text: String) -> Self {
        let implicit =
            Section { group: "ungrouped".to_owned(), kind: Some(SectionKind::Hosts), header: None, first: 0, end: 0 };
        let mut inventory = Self { text: String::new(), lines: Vec::new(), sections: vec![implicit] };
        let mut room = line::MOST_HOSTS;
        for span in line_spans(&text) {
            inventory.read_line(&text, span, &mut room);
        }
        let count = inventory.lines.len();
        inventory.close_section(count);
        inventory.text = text;
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

    fn read_line(&mut self, text: &str, span: Span, room: &mut usize) {
        let index = self.lines.len();
        let within = self.sections.last().and_then(|section| section.kind);
        let read = line::read(text, span, index + 1, within, room);
        if let Some((group, kind)) = read.begins {
            self.close_section(index);
            self.sections.push(Section { group, kind, header: Some(index), first: index + 1, end: index + 1 });
        }
        let section = self.sections.len() - 1;
        self.lines.push(Line { span, content: read.content, kind: read.kind, section });
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

    /// The same, to keep.
    pub fn into_text(self) -> String {
        self.text
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

    /// Whether a header of any kind names the group.
    pub(crate) fn has_section(&self, group: &str) -> bool {
        self.sections.iter().any(|section| section.header.is_some() && section.kind.is_some() && section.group == group)
    }

    /// The lines of a section, each with its index.
    pub(crate) fn lines_in(&self, section: &Section) -> impl DoubleEndedIterator<Item = (usize, &Line)> {
        let first = section.first;
        let lines = self.lines.get(first..section.end).unwrap_or_default();
        lines.iter().enumerate().map(move |(at, line)| (first + at, line))
    }

    /// The host lines, each with its index.
    pub(crate) fn host_lines(&self) -> impl DoubleEndedIterator<Item = (usize, &HostLine)> + Clone {
        self.lines.iter().enumerate().filter_map(|(at, line)| match &line.kind {
            LineKind::Host(host) => Some((at, host)),
            _ => None,
        })
    }

    /// The lines that name a host, alone or in a range.
    pub(crate) fn lines_of<'a>(
        &'a self,
        host: &'a str,
    ) -> impl DoubleEndedIterator<Item = (usize, &'a HostLine)> + Clone {
        self.host_lines().filter(move |(_, line)| line.pattern.names(host))
    }

    /// The groups whose own lines name the host, alone or in a range, in order.
    pub(crate) fn groups_naming<'a>(&'a self, host: &'a str) -> Vec<&'a str> {
        let mut found: Vec<&str> = Vec::new();
        for (at, _) in self.lines_of(host) {
            let group = self.group_at(at);
            if !found.contains(&group) {
                found.push(group);
            }
        }
        found
    }

    /// The group that a line stands in.
    pub(crate) fn group_at(&self, line: usize) -> &str {
        let section = self.lines.get(line).and_then(|line| self.sections.get(line.section));
        section.map_or("ungrouped", |section| &section.group)
    }

    /// Replaces stretches of the text. Only the lines that they touch are read again. Those that overlap an earlier one
    /// are left out.
    pub(crate) fn splice(&mut self, mut splices: Vec<(Span, String)>) {
        splices.sort_by_key(|(span, _)| (span.start, span.end));
        let mut done = 0;
        splices.retain(|(span, _)| {
            let fits = span.start >= done;
            done = if fits { span.end } else { done };
            fits
        });
        // From the end, so that those still to come keep their places. Of several at one place the first stands first.
        for (span, new) in splices.into_iter().rev() {
            self.replace(span, &new);
        }
    }

    fn replace(&mut self, span: Span, new: &str) {
        let ended = |text: &str| text.chars().next_back().is_some_and(ends_line);
        let mut from = self.lines.partition_point(|line| line.span.end <= span.start);
        let follows = if new.is_empty() { self.text.get(span.end..).unwrap_or_default() } else { new };
        // What is not ended goes on, and so may a carriage return.
        let open = |line: &Line| {
            let text = line.span.of(&self.text);
            !ended(text) || (text.ends_with('\r') && follows.starts_with('\n'))
        };
        if let Some(before) = from.checked_sub(1)
            && self.lines.get(before).is_some_and(open)
        {
            from = before;
        }
        let mut to = self.lines.partition_point(|line| line.span.start < span.end).max(from);
        let bound = |at: usize| self.lines.get(at).map_or(self.text.len(), |line| line.span.start);
        let start = bound(from).min(span.start);
        let mut region = format!(
            "{}{new}{}",
            Span::new(start, span.start).of(&self.text),
            Span::new(span.end, bound(to).max(span.end)).of(&self.text)
        );
        while let Some(next) = self.lines.get(to) {
            let next = next.span.of(&self.text);
            if region.is_empty() || (ended(&region) && !(region.ends_with('\r') && next.starts_with('\n'))) {
                break;
            }
            region.push_str(next);
            to += 1;
        }
        let context = from.checked_sub(1).and_then(|before| self.lines.get(before)).map_or(0, |line| line.section);
        let within = self.sections.get(context).and_then(|section| section.kind);
        let bytes = new.len().cast_signed() - (span.end - span.start).cast_signed();
        let mut headers = self.sections.iter().any(|s| s.header.is_some_and(|at| (from..to).contains(&at)));
        let mut made = Vec::new();
        let mut room = line::MOST_HOSTS;
        self.text.replace_range(span.start..span.end, new);
        for piece in line_spans(&region) {
            let piece = Span::new(piece.start + start, piece.end + start);
            let read = line::read(&self.text, piece, from + made.len() + 1, within, &mut room);
            headers |= read.begins.is_some();
            made.push(Line { span: piece, content: read.content, kind: read.kind, section: context });
        }
        if headers {
            *self = Self::of(std::mem::take(&mut self.text));
            return;
        }
        let lines = made.len().cast_signed() - (to - from).cast_signed();
        let count = made.len();
        self.lines.splice(from..to, made);
        for line in self.lines.iter_mut().skip(from + count) {
            line.shift(bytes, lines);
        }
        for (at, section) in self.sections.iter_mut().enumerate().skip(context) {
            section.end = section.end.saturating_add_signed(lines);
            if at > context {
                section.first = section.first.saturating_add_signed(lines);
                section.header = section.header.map(|header| header.saturating_add_signed(lines));
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::Value;
    use proptest::prelude::*;

    #[test]
    fn every_line_has_its_kind_and_place() {
        let text = "lone\r\n[nodes] # all\r\na.demo x='1 2' y=3 # c\n; c\n\n[nodes:vars]\nk = v # w\nn=8080 # c\n\
                    [p:children]\nnodes # c\n[odd:kind]\nq\n[nodes]\nb x='\nn[1:3] z=1\nbad var";
        let inventory = Inventory::parse(text);
        let kinds: Vec<String> = inventory.lines().iter().map(|line| format!("{:?}", line.kind)).collect();
        let starts = [
            "Host", "Header", "Host", "Comment", "Blank", "Header", "Var", "Var", "Header", "Child", "Wrong", "Wrong",
            "Header", "Wrong", "Host", "Wrong",
        ];
        assert_eq!(kinds.len(), starts.len());
        for (kind, start) in kinds.iter().zip(starts) {
            assert!(kind.starts_with(start), "{kind} is not {start}");
        }
        let (_, host) = inventory.host_lines().nth(1).expect("a host");
        assert_eq!(host.span.of(text), "a.demo x='1 2' y=3");
        assert_eq!(host.vars[0].value_span.of(text), "'1 2'");
        assert_eq!(host.vars[0].name_span.of(text), "x");
        assert_eq!(host.vars[0].value.raw(), "1 2");
        let LineKind::Var { name, value, value_span } = &inventory.lines()[7].kind else { unreachable!() };
        assert_eq!((name.as_str(), value_span.of(text)), ("n", "8080"));
        assert_eq!(*value.value(), Value::Int("8080".to_owned()));
        assert_eq!(inventory.line_ending(), "\n");
    }

    #[test]
    fn a_file_names_no_more_hosts_than_anybody_has() {
        let text = "n[1:100000]\n".repeat(12);
        let wrong = Inventory::parse(&text).lines().iter().position(|line| matches!(line.kind, LineKind::Wrong(_)));
        assert_eq!(wrong, Some(10));
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

        /// Reading what a splice touched comes to the same as reading all of it again.
        #[test]
        fn a_splice_is_as_good_as_reading_it_all_again(
            text in "([a-c=:#\\]' ]|\\[a\\]|\\[b:vars\\]|\n|\r|\r\n){0,30}",
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, "([a=\\[\\]' ]|\n|\r|\r\n){0,6}"), 1..4),
        ) {
            let mut inventory = Inventory::parse(&text);
            let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let splices: Vec<(Span, String)> = cuts.iter().map(|(at, length, new)| {
                let from = at.index(bounds.len());
                (Span::new(bounds[from], bounds[(from + length).min(bounds.len() - 1)]), new.clone())
            }).collect();
            let whole = crate::edit::place::splice(&text, splices.clone());
            inventory.splice(splices);
            prop_assert_eq!(inventory, Inventory::parse(&whole));
        }
    }
}
