//! Tokens: indentation becomes brackets, and a key is known by the colon that follows it.

use crate::yaml::events::cursor::{Cursor, Mark, is_blank_or_end, is_break, is_line_end};
use crate::yaml::events::token::{Placed, Style, Token};
use crate::yaml::events::{DEEPEST, NoYaml};
use std::collections::VecDeque;

/// A key without a mark of its own is no longer than this, in characters.
const LONGEST_KEY: usize = 1024;

/// What would be a key, if a colon followed.
#[derive(Debug, Clone, Copy)]
struct SimpleKey {
    /// Nothing else may stand there.
    required: bool,
    /// The number of its first token.
    number: usize,
    mark: Mark,
}

#[derive(Debug)]
pub(super) struct Scanner<'a> {
    pub(super) cursor: Cursor<'a>,
    tokens: VecDeque<Placed>,
    /// So many tokens were taken.
    taken: usize,
    /// Whether the last token is there already.
    ended: bool,
    /// The columns of the blocks that are open; the innermost is apart.
    outer: Vec<Option<usize>>,
    /// The column of the innermost block; none outside of all.
    pub(super) indent: Option<usize>,
    /// For the text, and for each pair of brackets that is open.
    keys: Vec<Option<SimpleKey>>,
    /// Whether a key may begin here.
    pub(super) key_allowed: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, NoYaml> {
        Ok(Self {
            cursor: Cursor::new(text)?,
            tokens: VecDeque::new(),
            taken: 0,
            ended: false,
            outer: Vec::new(),
            indent: None,
            keys: vec![None],
            key_allowed: true,
        })
    }

    /// The next token, which stays.
    pub(super) fn peek(&mut self) -> Result<&Placed, NoYaml> {
        while self.needs_more()? {
            self.fetch()?;
        }
        let end = self.too_early();
        self.tokens.front().ok_or(end)
    }

    const fn too_early(&self) -> NoYaml {
        NoYaml { line: self.cursor.mark().line, why: "the text ends too early" }
    }

    /// The next token, which is gone then.
    pub(super) fn take(&mut self) -> Result<Placed, NoYaml> {
        self.peek()?;
        self.taken += 1;
        self.tokens.pop_front().ok_or_else(|| self.too_early())
    }

    /// A token that is the first of what may be a key must wait: another goes before it if it is one.
    fn needs_more(&mut self) -> Result<bool, NoYaml> {
        if self.ended {
            return Ok(false);
        }
        if self.tokens.is_empty() {
            return Ok(true);
        }
        self.drop_stale_keys()?;
        Ok(self.keys.iter().flatten().any(|key| key.number == self.taken))
    }

    pub(super) const fn no<T>(mark: Mark, why: &'static str) -> Result<T, NoYaml> {
        Err(NoYaml { line: mark.line, why })
    }

    pub(super) fn in_flow(&self) -> bool {
        self.keys.len() > 1
    }

    fn fetch(&mut self) -> Result<(), NoYaml> {
        self.skip_to_token();
        self.drop_stale_keys()?;
        let mark = self.cursor.mark();
        self.close_blocks(Some(mark.column));
        let Some(c) = self.cursor.peek() else { return self.fetch_end() };
        let bare = is_blank_or_end(self.cursor.peek_at(1));
        let flow = self.in_flow();
        match c {
            '%' if mark.column == 0 => self.fetch_directive(),
            '-' if self.cursor.at_document_mark() => self.fetch_document_mark(Token::DocumentStart),
            '.' if self.cursor.at_document_mark() => self.fetch_document_mark(Token::DocumentEnd),
            '[' => self.fetch_open(Token::FlowListStart),
            '{' => self.fetch_open(Token::FlowMapStart),
            ']' => self.fetch_close(Token::FlowListEnd),
            '}' => self.fetch_close(Token::FlowMapEnd),
            ',' => {
                self.drop_key()?;
                self.key_allowed = true;
                self.one(Token::FlowEntry)
            }
            '-' if bare => self.fetch_entry(),
            '?' if flow || bare => self.fetch_key(),
            ':' if flow || bare => self.fetch_value(),
            '*' | '&' => {
                self.save_key()?;
                self.key_allowed = false;
                let token = self.anchor(c == '*')?;
                self.push(token, mark)
            }
            '!' => {
                self.save_key()?;
                self.key_allowed = false;
                let token = self.tag()?;
                self.push(token, mark)
            }
            '|' | '>' if !flow => {
                self.drop_key()?;
                self.key_allowed = true;
                let style = if c == '|' { Style::Literal } else { Style::Folded };
                let (text, end) = self.block(style)?;
                self.push_to(Token::Scalar { text, style }, mark, end)
            }
            '\'' | '"' => {
                self.save_key()?;
                self.key_allowed = false;
                let style = if c == '"' { Style::Double } else { Style::Single };
                let text = self.quoted(style)?;
                self.push(Token::Scalar { text, style }, mark)
            }
            '-' => self.fetch_plain(mark),
            '?' | ':' if !flow => self.fetch_plain(mark),
            '?' | ':' | '#' | '|' | '>' | '%' | '@' | '`' | '\t' => {
                Self::no(mark, "no value begins with the character that stands there")
            }
            _ => self.fetch_plain(mark),
        }
    }

    fn push(&mut self, token: Token, start: Mark) -> Result<(), NoYaml> {
        let end = self.cursor.mark().at;
        self.push_to(token, start, end)
    }

    fn push_to(&mut self, token: Token, start: Mark, end: usize) -> Result<(), NoYaml> {
        self.tokens.push_back(Placed { token, start: start.at, line: start.line, end });
        Ok(())
    }

    /// A token of one character.
    fn one(&mut self, token: Token) -> Result<(), NoYaml> {
        let mark = self.cursor.mark();
        self.cursor.skip();
        self.push(token, mark)
    }

    fn skip_to_token(&mut self) {
        loop {
            if self.cursor.mark().column == 0 && self.cursor.peek() == Some('\u{feff}') {
                self.cursor.skip();
            }
            // A tab before what may be a key would be indentation.
            let tabs = self.in_flow() || !self.key_allowed;
            while self.cursor.peek() == Some(' ') || tabs && self.cursor.peek() == Some('\t') {
                self.cursor.skip();
            }
            if self.cursor.peek() == Some('#') {
                while !is_line_end(self.cursor.peek()) {
                    self.cursor.skip();
                }
            }
            if !is_break(self.cursor.peek()) {
                return;
            }
            self.cursor.skip_break();
            if !self.in_flow() {
                self.key_allowed = true;
            }
        }
    }

    fn drop_stale_keys(&mut self) -> Result<(), NoYaml> {
        let now = self.cursor.mark();
        for place in &mut self.keys {
            if let Some(key) = place
                && (key.mark.line < now.line || key.mark.index + LONGEST_KEY < now.index)
            {
                if key.required {
                    return Self::no(key.mark, "a colon is missing behind a key");
                }
                *place = None;
            }
        }
        Ok(())
    }

    /// Remembers that a key may begin here.
    fn save_key(&mut self) -> Result<(), NoYaml> {
        let mark = self.cursor.mark();
        let required = !self.in_flow() && self.indent == Some(mark.column);
        if self.key_allowed {
            self.drop_key()?;
            let number = self.taken + self.tokens.len();
            if let Some(place) = self.keys.last_mut() {
                *place = Some(SimpleKey { required, number, mark });
            }
        }
        Ok(())
    }

    fn drop_key(&mut self) -> Result<(), NoYaml> {
        match self.keys.last_mut().and_then(Option::take) {
            Some(key) if key.required => Self::no(key.mark, "a colon is missing behind a key"),
            _ => Ok(()),
        }
    }

    /// Opens a block if the column is further in than the one that is open; its token goes to that place in the row.
    fn open_block(&mut self, mark: Mark, number: Option<usize>, token: Token) -> Result<(), NoYaml> {
        if self.in_flow() || self.indent.is_some_and(|indent| indent >= mark.column) {
            return Ok(());
        }
        if self.outer.len() >= DEEPEST {
            return Self::no(mark, "lists and maps are too deep in each other");
        }
        self.outer.push(self.indent);
        self.indent = Some(mark.column);
        let token = Placed { token, start: mark.at, line: mark.line, end: mark.at };
        let place = number.map_or(self.tokens.len(), |number| number.saturating_sub(self.taken));
        self.tokens.insert(place.min(self.tokens.len()), token);
        Ok(())
    }

    /// Closes the blocks that are further in than a column.
    fn close_blocks(&mut self, column: Option<usize>) {
        let mark = self.cursor.mark();
        while !self.in_flow() && self.indent > column {
            let token = Placed { token: Token::BlockEnd, start: mark.at, line: mark.line, end: mark.at };
            self.tokens.push_back(token);
            self.indent = self.outer.pop().flatten();
        }
    }

    fn fetch_end(&mut self) -> Result<(), NoYaml> {
        self.close_blocks(None);
        self.drop_key()?;
        self.key_allowed = false;
        self.ended = true;
        self.push(Token::StreamEnd, self.cursor.mark())
    }

    fn fetch_directive(&mut self) -> Result<(), NoYaml> {
        self.close_blocks(None);
        self.drop_key()?;
        self.key_allowed = false;
        let mark = self.cursor.mark();
        let token = self.directive()?;
        self.push(token, mark)
    }

    fn fetch_document_mark(&mut self, token: Token) -> Result<(), NoYaml> {
        self.close_blocks(None);
        self.drop_key()?;
        self.key_allowed = false;
        let mark = self.cursor.mark();
        for _ in 0..3 {
            self.cursor.skip();
        }
        self.push(token, mark)
    }

    fn fetch_open(&mut self, token: Token) -> Result<(), NoYaml> {
        self.save_key()?;
        if self.keys.len() > DEEPEST {
            return Self::no(self.cursor.mark(), "brackets are too deep in each other");
        }
        self.keys.push(None);
        self.key_allowed = true;
        self.one(token)
    }

    fn fetch_close(&mut self, token: Token) -> Result<(), NoYaml> {
        self.drop_key()?;
        if self.in_flow() {
            self.keys.pop();
        }
        self.key_allowed = false;
        self.one(token)
    }

    fn fetch_entry(&mut self) -> Result<(), NoYaml> {
        if !self.in_flow() {
            let mark = self.cursor.mark();
            if !self.key_allowed {
                return Self::no(mark, "an item of a list may not stand there");
            }
            self.open_block(mark, None, Token::BlockListStart)?;
        }
        self.drop_key()?;
        self.key_allowed = true;
        self.one(Token::BlockEntry)
    }

    fn fetch_key(&mut self) -> Result<(), NoYaml> {
        if !self.in_flow() {
            let mark = self.cursor.mark();
            if !self.key_allowed {
                return Self::no(mark, "a key may not stand there");
            }
            self.open_block(mark, None, Token::BlockMapStart)?;
        }
        self.drop_key()?;
        self.key_allowed = !self.in_flow();
        self.one(Token::Key)
    }

    fn fetch_value(&mut self) -> Result<(), NoYaml> {
        if let Some(key) = self.keys.last_mut().and_then(Option::take) {
            let token = Placed { token: Token::Key, start: key.mark.at, line: key.mark.line, end: key.mark.at };
            let place = key.number.saturating_sub(self.taken).min(self.tokens.len());
            self.tokens.insert(place, token);
            self.open_block(key.mark, Some(key.number), Token::BlockMapStart)?;
            self.key_allowed = false;
        } else {
            if !self.in_flow() {
                let mark = self.cursor.mark();
                if !self.key_allowed {
                    return Self::no(mark, "a colon with a value may not stand there");
                }
                self.open_block(mark, None, Token::BlockMapStart)?;
            }
            self.key_allowed = !self.in_flow();
        }
        self.one(Token::Value)
    }

    fn fetch_plain(&mut self, mark: Mark) -> Result<(), NoYaml> {
        self.save_key()?;
        self.key_allowed = false;
        let (text, end) = self.plain()?;
        self.push_to(Token::Scalar { text, style: Style::Plain }, mark, end)
    }
}
