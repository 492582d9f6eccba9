//! What stands before a value or a document: anchors, aliases, tags and directives.

use crate::yaml::events::NoYaml;
use crate::yaml::events::cursor::{Mark, is_blank, is_blank_or_end, is_break, is_line_end, is_word};
use crate::yaml::events::scanner::Scanner;
use crate::yaml::events::token::Token;

/// Digits of a version, as many as libyaml takes.
const MOST_DIGITS: usize = 9;

impl Scanner<'_> {
    pub(super) fn anchor(&mut self, alias: bool) -> Result<Token, NoYaml> {
        let start = self.cursor.mark();
        self.cursor.skip();
        let name = self.word();
        let ends = matches!(self.cursor.peek(), Some('?' | ':' | ',' | ']' | '}' | '%' | '@' | '`'));
        if name.is_empty() || !(ends || is_blank_or_end(self.cursor.peek())) {
            return Self::no(start, "the name of an anchor has letters, digits, `_` and `-` only");
        }
        Ok(if alias { Token::Alias(name) } else { Token::Anchor(name) })
    }

    fn word(&mut self) -> String {
        let mut name = String::new();
        while is_word(self.cursor.peek()) {
            self.cursor.read(&mut name);
        }
        name
    }

    pub(super) fn tag(&mut self) -> Result<Token, NoYaml> {
        let start = self.cursor.mark();
        let (handle, suffix) = if self.cursor.peek_at(1) == Some('<') {
            self.cursor.skip();
            self.cursor.skip();
            let suffix = self.uri(true, "", start)?;
            if self.cursor.peek() != Some('>') {
                return Self::no(start, "a tag lacks its `>`");
            }
            self.cursor.skip();
            (String::new(), suffix)
        } else {
            let handle = self.handle(false, start)?;
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.uri(false, "", start)?;
                (handle, suffix)
            } else {
                let suffix = self.uri(false, &handle, start)?;
                // A mark alone: the tag that says nothing.
                if suffix.is_empty() { (suffix, "!".to_owned()) } else { ("!".to_owned(), suffix) }
            }
        };
        let comma = self.in_flow() && self.cursor.peek() == Some(',');
        if !comma && !is_blank_or_end(self.cursor.peek()) {
            return Self::no(start, "a blank is missing behind a tag");
        }
        Ok(Token::Tag { handle, suffix })
    }

    fn handle(&mut self, directive: bool, start: Mark) -> Result<String, NoYaml> {
        let mut handle = String::new();
        if self.cursor.peek() != Some('!') {
            return Self::no(start, "a tag begins with `!`");
        }
        self.cursor.read(&mut handle);
        handle.push_str(&self.word());
        if self.cursor.peek() == Some('!') {
            self.cursor.read(&mut handle);
        } else if directive && handle != "!" {
            return Self::no(start, "the handle of a tag ends with `!`");
        }
        Ok(handle)
    }

    /// What follows a handle; what looked like one and is none is its begin.
    fn uri(&mut self, brackets: bool, head: &str, start: Mark) -> Result<String, NoYaml> {
        let mut uri: Vec<u8> = head.bytes().skip(1).collect();
        let mut any = !head.is_empty();
        while let Some(c) = self.cursor.peek() {
            let plain = is_word(Some(c))
                || matches!(
                    c,
                    ';' | '/' | '?' | ':' | '@' | '&' | '=' | '+' | '$' | '.' | '!' | '~' | '*' | '\'' | '(' | ')'
                )
                || brackets && matches!(c, ',' | '[' | ']');
            if plain {
                uri.extend(c.encode_utf8(&mut [0; 4]).bytes());
                self.cursor.skip();
            } else if c == '%' {
                let octet = |at: usize| self.cursor.peek_at(at).and_then(|c| c.to_digit(16));
                let (Some(high), Some(low)) = (octet(1), octet(2)) else {
                    return Self::no(start, "two digits are missing behind `%` in a tag");
                };
                uri.extend(u8::try_from(high * 16 + low));
                for _ in 0..3 {
                    self.cursor.skip();
                }
            } else {
                break;
            }
            any = true;
        }
        if !any {
            return Self::no(start, "a tag has no name");
        }
        String::from_utf8(uri).or_else(|_| Self::no(start, "a tag is not UTF-8"))
    }

    pub(super) fn directive(&mut self) -> Result<Token, NoYaml> {
        let start = self.cursor.mark();
        self.cursor.skip();
        let name = self.word();
        if name.is_empty() || !is_blank_or_end(self.cursor.peek()) {
            return Self::no(start, "`%` at the begin of a line is for a directive");
        }
        let token = match name.as_str() {
            "YAML" => {
                self.blanks();
                let major = self.version(start)?;
                if self.cursor.peek() != Some('.') {
                    return Self::no(start, "a version of YAML has two numbers");
                }
                self.cursor.skip();
                Token::Version { major, minor: self.version(start)? }
            }
            "TAG" => {
                self.blanks();
                let handle = self.handle(true, start)?;
                if !is_blank(self.cursor.peek()) {
                    return Self::no(start, "a blank is missing in a directive");
                }
                self.blanks();
                let prefix = self.uri(true, "", start)?;
                if !is_blank_or_end(self.cursor.peek()) {
                    return Self::no(start, "a blank is missing in a directive");
                }
                Token::TagPrefix { handle, prefix }
            }
            _ => return Self::no(start, "the directive is none of YAML"),
        };
        self.cursor.skip_to_line_end();
        if !is_line_end(self.cursor.peek()) {
            return Self::no(start, "something stands behind a directive");
        }
        if is_break(self.cursor.peek()) {
            self.cursor.skip_break();
        }
        Ok(token)
    }

    fn blanks(&mut self) {
        while is_blank(self.cursor.peek()) {
            self.cursor.skip();
        }
    }

    fn version(&mut self, start: Mark) -> Result<u32, NoYaml> {
        let mut digits = String::new();
        while self.cursor.peek().is_some_and(|c| c.is_ascii_digit()) && digits.len() <= MOST_DIGITS {
            self.cursor.read(&mut digits);
        }
        match digits.parse() {
            Ok(number) if digits.len() <= MOST_DIGITS => Ok(number),
            _ => Self::no(start, "a version of YAML has two numbers"),
        }
    }
}
