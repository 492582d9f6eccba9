//! A place in a text that moves on, and the classes of characters that libyaml tells apart.

use crate::yaml::events::NoYaml;

/// A place, with what simple keys and indentation need to know of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    /// The byte.
    pub(super) at: usize,
    /// The line, counted from 1.
    pub(super) line: usize,
    /// Characters since the line began.
    pub(super) column: usize,
    /// Characters since the text began.
    pub(super) index: usize,
}

#[derive(Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    mark: Mark,
}

impl<'a> Cursor<'a> {
    /// Behind a byte order mark; refused if libyaml would not read the characters.
    pub(super) fn new(text: &'a str) -> Result<Self, NoYaml> {
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        if let Some((at, _)) = text.char_indices().find(|(_, c)| !is_allowed(*c)) {
            let line = 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
            return Err(NoYaml { line, why: "a control character stands there" });
        }
        Ok(Self { text, mark: Mark { at, line: 1, ..Mark::default() } })
    }

    pub(super) const fn mark(&self) -> Mark {
        self.mark
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.mark.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// So many characters ahead.
    pub(super) fn peek_at(&self, ahead: usize) -> Option<char> {
        self.rest().chars().nth(ahead)
    }

    /// Moves over a character that ends no line.
    pub(super) fn skip(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.mark.at += c.len_utf8();
        self.mark.column += 1;
        self.mark.index += 1;
        Some(c)
    }

    pub(super) fn read(&mut self, into: &mut String) {
        into.extend(self.skip());
    }

    /// Moves over a line end, and adds what libyaml makes of it.
    pub(super) fn read_break(&mut self, into: &mut String) {
        let rest = self.rest();
        let (bytes, characters) = match rest.chars().next() {
            Some('\r') if rest.starts_with("\r\n") => (2, 2),
            Some(c) if is_break(Some(c)) => (c.len_utf8(), 1),
            _ => return,
        };
        // Line and paragraph separators stay what they are.
        let c = rest.chars().next().filter(|c| matches!(c, '\u{2028}' | '\u{2029}'));
        into.push(c.unwrap_or('\n'));
        self.mark.at += bytes;
        self.mark.index += characters;
        self.mark.column = 0;
        self.mark.line += 1;
    }

    pub(super) fn skip_break(&mut self) {
        self.read_break(&mut String::new());
    }

    /// `---` or `...` at the begin of a line, with nothing right behind it.
    pub(super) fn at_document_mark(&self) -> bool {
        self.mark.column == 0
            && (self.rest().starts_with("---") || self.rest().starts_with("..."))
            && is_blank_or_end(self.peek_at(3))
    }

    /// Moves over blanks, and over the comment behind them.
    pub(super) fn skip_to_line_end(&mut self) {
        while is_blank(self.peek()) {
            self.skip();
        }
        if self.peek() == Some('#') {
            while !is_line_end(self.peek()) {
                self.skip();
            }
        }
    }
}

const fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

pub(super) const fn is_break(c: Option<char>) -> bool {
    matches!(c, Some('\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'))
}

/// The end of a line, or of the text.
pub(super) const fn is_line_end(c: Option<char>) -> bool {
    c.is_none() || is_break(c)
}

pub(super) const fn is_blank(c: Option<char>) -> bool {
    matches!(c, Some(' ' | '\t'))
}

pub(super) const fn is_blank_or_end(c: Option<char>) -> bool {
    is_blank(c) || is_line_end(c)
}

/// What names of anchors, tags and directives are made of.
pub(super) const fn is_word(c: Option<char>) -> bool {
    matches!(c, Some('0'..='9' | 'A'..='Z' | 'a'..='z' | '_' | '-'))
}
