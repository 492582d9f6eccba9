//! The texts of scalars: bare, in quotes and in blocks, each with the line ends that are folded.

use crate::yaml::events::NoYaml;
use crate::yaml::events::cursor::{Mark, is_blank, is_blank_or_end, is_break, is_line_end};
use crate::yaml::events::scanner::Scanner;
use crate::yaml::events::token::Style;

/// White space between two words, until it is known what it comes to.
#[derive(Default)]
struct Gap {
    blanks: String,
    /// The first line end.
    first: String,
    /// Those after it.
    more: String,
    lines: bool,
}

impl Gap {
    /// A line end is a blank, several are one less; separators of Unicode stay.
    fn fold(&mut self, into: &mut String) {
        if !self.lines {
            into.push_str(&self.blanks);
        } else if self.first != "\n" {
            // An escaped line end has no first one.
            into.push_str(&self.first);
            into.push_str(&self.more);
        } else if self.more.is_empty() {
            into.push(' ');
        } else {
            into.push_str(&self.more);
        }
        *self = Self::default();
    }
}

/// What is kept of the line ends at the end of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

impl Scanner<'_> {
    /// A scalar without quotes, and where its last word ends.
    pub(super) fn plain(&mut self) -> Result<(String, usize), NoYaml> {
        let start = self.cursor.mark();
        let least = self.indent.map_or(0, |indent| indent + 1);
        let (mut text, mut gap, mut end) = (String::new(), Gap::default(), start.at);
        let flow = self.in_flow();
        loop {
            if self.cursor.at_document_mark() || self.cursor.peek() == Some('#') {
                break;
            }
            while let Some(c) = self.cursor.peek().filter(|c| !is_blank_or_end(Some(*c))) {
                let next = self.cursor.peek_at(1);
                if flow && c == ':' && matches!(next, Some(',' | '?' | '[' | ']' | '{' | '}')) {
                    return Self::no(self.cursor.mark(), "in brackets, a blank is missing behind a colon");
                }
                if c == ':' && is_blank_or_end(next) || flow && matches!(c, ',' | '[' | ']' | '{' | '}') {
                    break;
                }
                if gap.lines || !gap.blanks.is_empty() {
                    gap.fold(&mut text);
                }
                self.cursor.read(&mut text);
                end = self.cursor.mark().at;
            }
            let next = self.cursor.peek();
            if !is_blank(next) && !is_break(next) {
                break;
            }
            self.plain_gap(&mut gap, least)?;
            if !flow && self.cursor.mark().column < least {
                break;
            }
        }
        if gap.lines {
            self.key_allowed = true;
        }
        Ok((text, end))
    }

    fn plain_gap(&mut self, gap: &mut Gap, least: usize) -> Result<(), NoYaml> {
        loop {
            let next = self.cursor.peek();
            if is_break(next) {
                if gap.lines {
                    self.cursor.read_break(&mut gap.more);
                } else {
                    gap.blanks.clear();
                    self.cursor.read_break(&mut gap.first);
                    gap.lines = true;
                }
            } else if !is_blank(next) {
                return Ok(());
            } else if !gap.lines {
                self.cursor.read(&mut gap.blanks);
            } else if next == Some('\t') && self.cursor.mark().column < least {
                return Self::no(self.cursor.mark(), "a tab stands where spaces must indent");
            } else {
                self.cursor.skip();
            }
        }
    }

    /// A scalar in quotes.
    pub(super) fn quoted(&mut self, style: Style) -> Result<String, NoYaml> {
        let start = self.cursor.mark();
        let double = style == Style::Double;
        let quote = if double { '"' } else { '\'' };
        self.cursor.skip();
        let mut text = String::new();
        loop {
            if self.cursor.at_document_mark() {
                return Self::no(start, "a quote is not closed before the document ends");
            }
            let mut gap = Gap::default();
            while let Some(c) = self.cursor.peek().filter(|c| !is_blank_or_end(Some(*c))) {
                match c {
                    '\'' if !double && self.cursor.peek_at(1) == Some('\'') => {
                        self.cursor.skip();
                        self.cursor.read(&mut text);
                    }
                    c if c == quote => break,
                    '\\' if double && is_break(self.cursor.peek_at(1)) => {
                        self.cursor.skip();
                        self.cursor.skip_break();
                        gap.lines = true;
                        break;
                    }
                    '\\' if double => text.push(self.escaped(start)?),
                    _ => self.cursor.read(&mut text),
                }
            }
            match self.cursor.peek() {
                Some(c) if c == quote => {
                    self.cursor.skip();
                    return Ok(text);
                }
                None => return Self::no(start, "a quote is not closed"),
                Some(_) => {}
            }
            self.quoted_gap(&mut gap);
            gap.fold(&mut text);
        }
    }

    fn quoted_gap(&mut self, gap: &mut Gap) {
        loop {
            let next = self.cursor.peek();
            if is_break(next) {
                if gap.lines {
                    self.cursor.read_break(&mut gap.more);
                } else {
                    gap.blanks.clear();
                    self.cursor.read_break(&mut gap.first);
                    gap.lines = true;
                }
            } else if !is_blank(next) {
                return;
            } else if gap.lines {
                self.cursor.skip();
            } else {
                self.cursor.read(&mut gap.blanks);
            }
        }
    }

    fn escaped(&mut self, start: Mark) -> Result<char, NoYaml> {
        self.cursor.skip();
        let digits = match self.cursor.skip() {
            Some('0') => return Ok('\0'),
            Some('a') => return Ok('\u{7}'),
            Some('b') => return Ok('\u{8}'),
            Some('t' | '\t') => return Ok('\t'),
            Some('n') => return Ok('\n'),
            Some('v') => return Ok('\u{b}'),
            Some('f') => return Ok('\u{c}'),
            Some('r') => return Ok('\r'),
            Some('e') => return Ok('\u{1b}'),
            Some(c @ (' ' | '"' | '/' | '\\')) => return Ok(c),
            Some('N') => return Ok('\u{85}'),
            Some('_') => return Ok('\u{a0}'),
            Some('L') => return Ok('\u{2028}'),
            Some('P') => return Ok('\u{2029}'),
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => return Self::no(start, "an escape in quotes is none of YAML"),
        };
        let mut code = 0_u32;
        for _ in 0..digits {
            let Some(digit) = self.cursor.peek().and_then(|c| c.to_digit(16)) else {
                return Self::no(start, "digits are missing in an escape");
            };
            code = code.wrapping_mul(16).wrapping_add(digit);
            self.cursor.skip();
        }
        char::from_u32(code).map_or_else(|| Self::no(start, "an escape is no character"), Ok)
    }

    /// A block of text, and where it ends: behind its last line that counts.
    pub(super) fn block(&mut self, style: Style) -> Result<(String, usize), NoYaml> {
        let start = self.cursor.mark();
        self.cursor.skip();
        let (chomp, more) = self.block_header(start)?;
        self.cursor.skip_to_line_end();
        if !is_line_end(self.cursor.peek()) {
            return Self::no(start, "something stands behind the mark of a block of text");
        }
        self.cursor.skip_break();
        let (mut text, mut first, mut breaks) = (String::new(), String::new(), String::new());
        let mut end = self.cursor.mark().at;
        let mut indent = more.map(|more| self.indent.unwrap_or(0) + more);
        let (mut column, mut behind) = self.block_breaks(&mut indent, &mut breaks, start)?;
        let mut blank = false;
        while self.cursor.mark().column == column && self.cursor.peek().is_some() {
            let blank_now = is_blank(self.cursor.peek());
            if style == Style::Folded && first == "\n" && !blank && !blank_now {
                if breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(&first);
            }
            first.clear();
            text.push_str(&breaks);
            breaks.clear();
            blank = blank_now;
            while !is_line_end(self.cursor.peek()) {
                self.cursor.read(&mut text);
            }
            self.cursor.read_break(&mut first);
            end = self.cursor.mark().at;
            (column, behind) = self.block_breaks(&mut indent, &mut breaks, start)?;
        }
        if chomp != Chomp::Strip {
            text.push_str(&first);
        }
        if chomp == Chomp::Keep {
            text.push_str(&breaks);
            end = end.max(behind);
        }
        Ok((text, end))
    }

    fn block_header(&mut self, start: Mark) -> Result<(Chomp, Option<usize>), NoYaml> {
        let (mut chomp, mut more) = (None, None);
        for _ in 0..2 {
            match self.cursor.peek() {
                Some('+') if chomp.is_none() => chomp = Some(Chomp::Keep),
                Some('-') if chomp.is_none() => chomp = Some(Chomp::Strip),
                Some('0') if more.is_none() => return Self::no(start, "a block of text cannot be indented by 0"),
                Some(c @ '1'..='9') if more.is_none() => more = c.to_digit(10).and_then(|c| usize::try_from(c).ok()),
                _ => break,
            }
            self.cursor.skip();
        }
        Ok((chomp.unwrap_or(Chomp::Clip), more))
    }

    /// Moves to the next line of a block that has something on it. The column of the block, which the first one decides,
    /// and the byte after the last empty line.
    fn block_breaks(
        &mut self,
        indent: &mut Option<usize>,
        breaks: &mut String,
        start: Mark,
    ) -> Result<(usize, usize), NoYaml> {
        let (mut most, mut behind) = (0, 0);
        loop {
            let before = |scanner: &Self| indent.is_none_or(|indent| scanner.cursor.mark().column < indent);
            while before(self) && self.cursor.peek() == Some(' ') {
                self.cursor.skip();
            }
            most = most.max(self.cursor.mark().column);
            if before(self) && self.cursor.peek() == Some('\t') {
                return Self::no(start, "a tab stands where spaces must indent a block of text");
            }
            if !is_break(self.cursor.peek()) {
                break;
            }
            self.cursor.read_break(breaks);
            behind = self.cursor.mark().at;
        }
        let least = self.indent.map_or(1, |indent| indent + 1).max(1);
        Ok((*indent.get_or_insert(most.max(least)), behind))
    }
}
