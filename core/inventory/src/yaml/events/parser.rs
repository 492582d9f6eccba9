//! Events: what belongs to what, as the states of libyaml's parser have it.

use crate::yaml::events::NoYaml;
use crate::yaml::events::scanner::Scanner;
use crate::yaml::events::token::{Placed, Style, Token};

/// Where an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The first byte, behind an anchor and a tag.
    pub(crate) start: usize,
    /// The byte after the last.
    pub(crate) end: usize,
    /// The line of the first byte, counted from 1.
    pub(crate) line: usize,
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) kind: Kind,
    pub(crate) place: Place,
    pub(crate) anchor: Option<String>,
    pub(crate) tag: Option<String>,
    /// The byte after the colon that this is the value behind.
    pub(crate) colon: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    DocumentStart,
    DocumentEnd,
    Alias(String),
    /// None of the styles if nothing is written there.
    Scalar {
        text: String,
        style: Option<Style>,
    },
    ListStart {
        flow: bool,
    },
    ListEnd,
    MapStart {
        flow: bool,
    },
    MapEnd,
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    FirstDocument,
    NextDocument,
    Content,
    ContentEnd,
    BlockNode,
    BlockListItem,
    LooseListItem,
    BlockKey,
    BlockValue,
    FlowListItem { first: bool },
    FlowListKey,
    FlowListValue,
    FlowListMapEnd,
    FlowKey { first: bool },
    FlowValue { none: bool },
    End,
}

/// The events of a text; they end with the first error.
#[derive(Debug)]
pub(crate) struct Events<'a> {
    scanner: Scanner<'a>,
    state: State,
    later: Vec<State>,
    prefixes: Vec<(String, String)>,
    colon: Option<usize>,
    /// The lines of the brackets that are open.
    brackets: Vec<usize>,
}

impl<'a> Events<'a> {
    pub(crate) fn of(text: &'a str) -> Result<Self, NoYaml> {
        let scanner = Scanner::new(text)?;
        Ok(Self {
            scanner,
            state: State::FirstDocument,
            later: Vec::new(),
            prefixes: Vec::new(),
            colon: None,
            brackets: Vec::new(),
        })
    }

    /// The next event; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, NoYaml> {
        match self.state {
            State::FirstDocument => self.document(true),
            State::NextDocument => self.document(false),
            State::Content => self.content().map(Some),
            State::ContentEnd => self.content_end().map(Some),
            State::BlockNode => self.node(true, false).map(Some),
            State::BlockListItem => self.block_item().map(Some),
            State::LooseListItem => self.loose_item().map(Some),
            State::BlockKey => self.block_key().map(Some),
            State::BlockValue => self.block_value().map(Some),
            State::FlowListItem { first } => self.flow_item(first).map(Some),
            State::FlowListKey => self.flow_list_key().map(Some),
            State::FlowListValue => self.flow_list_value().map(Some),
            State::FlowListMapEnd => self.flow_list_map_end().map(Some),
            State::FlowKey { first } => self.flow_key(first).map(Some),
            State::FlowValue { none } => self.flow_value(none).map(Some),
            State::End => Ok(None),
        }
    }

    fn sees(&mut self, wanted: &[Token]) -> Result<bool, NoYaml> {
        let token = &self.scanner.peek()?.token;
        Ok(wanted.contains(token))
    }

    fn no<T>(&mut self, why: &'static str) -> Result<T, NoYaml> {
        let next = self.scanner.peek()?;
        let (line, at_end) = (next.line, next.token == Token::StreamEnd);
        match self.brackets.last() {
            Some(line) if at_end => Err(NoYaml { line: *line, why: "a bracket is not closed" }),
            _ => Err(NoYaml { line, why }),
        }
    }

    fn event(&mut self, kind: Kind, place: Place) -> Event {
        Event { kind, place, anchor: None, tag: None, colon: self.colon.take() }
    }

    /// Nothing, where a value may be.
    fn nothing(&mut self, line: usize, at: usize, then: State) -> Event {
        self.state = then;
        let place = Place { start: at, end: at, line };
        self.event(Kind::Scalar { text: String::new(), style: None }, place)
    }

    fn back(&mut self) {
        self.state = self.later.pop().unwrap_or(State::End);
    }

    fn document(&mut self, first: bool) -> Result<Option<Event>, NoYaml> {
        while !first && self.sees(&[Token::DocumentEnd])? {
            self.scanner.take()?;
        }
        if self.sees(&[Token::StreamEnd])? {
            self.state = State::End;
            return Ok(None);
        }
        let next = self.scanner.peek()?;
        let place = Place { start: next.start, end: next.end, line: next.line };
        let explicit = matches!(next.token, Token::Version { .. } | Token::TagPrefix { .. } | Token::DocumentStart);
        self.directives()?;
        if first && !explicit {
            self.state = State::BlockNode;
        } else if self.sees(&[Token::DocumentStart])? {
            self.scanner.take()?;
            self.state = State::Content;
        } else {
            return self.no("something stands behind the end of the value");
        }
        self.later.push(State::ContentEnd);
        Ok(Some(self.event(Kind::DocumentStart, place)))
    }

    fn directives(&mut self) -> Result<(), NoYaml> {
        let mut version = false;
        self.prefixes.clear();
        loop {
            match self.scanner.peek()?.token.clone() {
                Token::Version { major, minor } => {
                    if version || major != 1 || !matches!(minor, 1 | 2) {
                        return self.no("the version is none that can be read, or there are two");
                    }
                    version = true;
                }
                Token::TagPrefix { handle, prefix } => {
                    if self.prefixes.iter().any(|(known, _)| *known == handle) {
                        return self.no("the handle of a tag is there twice");
                    }
                    self.prefixes.push((handle, prefix));
                }
                _ => break,
            }
            self.scanner.take()?;
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.prefixes.iter().any(|(known, _)| known == handle) {
                self.prefixes.push((handle.to_owned(), prefix.to_owned()));
            }
        }
        Ok(())
    }

    fn content(&mut self) -> Result<Event, NoYaml> {
        let next = self.scanner.peek()?;
        let none = matches!(
            next.token,
            Token::Version { .. }
                | Token::TagPrefix { .. }
                | Token::DocumentStart
                | Token::DocumentEnd
                | Token::StreamEnd
        );
        let (line, at) = (next.line, next.start);
        if !none {
            return self.node(true, false);
        }
        self.back();
        let then = self.state;
        Ok(self.nothing(line, at, then))
    }

    fn content_end(&mut self) -> Result<Event, NoYaml> {
        let next = self.scanner.peek()?;
        let place = Place { start: next.start, end: next.end, line: next.line };
        if self.sees(&[Token::DocumentEnd])? {
            self.scanner.take()?;
        }
        self.state = State::NextDocument;
        Ok(self.event(Kind::DocumentEnd, place))
    }

    fn node(&mut self, block: bool, loose_list: bool) -> Result<Event, NoYaml> {
        let next = self.scanner.peek()?;
        let (mut end, line) = (next.start, next.line);
        if let Token::Alias(name) = &next.token {
            let name = name.clone();
            let token = self.scanner.take()?;
            self.back();
            return Ok(self.event(Kind::Alias(name), placed(&token)));
        }
        let (mut anchor, mut tag) = (None, None);
        loop {
            match &self.scanner.peek()?.token {
                Token::Anchor(name) if anchor.is_none() => anchor = Some(name.clone()),
                Token::Tag { handle, suffix } if tag.is_none() => tag = Some((handle.clone(), suffix.clone())),
                _ => break,
            }
            end = self.scanner.take()?.end;
        }
        let tag = match tag {
            Some((handle, suffix)) if handle.is_empty() => Some(suffix),
            Some((handle, suffix)) => match self.prefixes.iter().find(|(known, _)| *known == handle) {
                Some((_, prefix)) => Some(format!("{prefix}{suffix}")),
                None => return Err(NoYaml { line, why: "the handle of a tag is not known" }),
            },
            None => None,
        };
        let next = &self.scanner.peek()?.token;
        // What opens a list of items without indentation is an item of it already.
        let loose = loose_list && *next == Token::BlockEntry;
        let state = match next {
            Token::BlockEntry if loose => State::LooseListItem,
            Token::Scalar { .. } => self.later.pop().unwrap_or(State::End),
            Token::FlowListStart => State::FlowListItem { first: true },
            Token::FlowMapStart => State::FlowKey { first: true },
            Token::BlockListStart if block => State::BlockListItem,
            Token::BlockMapStart if block => State::BlockKey,
            _ if anchor.is_some() || tag.is_some() => {
                self.back();
                let then = self.state;
                let nothing = self.nothing(line, end, then);
                return Ok(Event { anchor, tag, ..nothing });
            }
            _ => return self.no("a value is missing before what stands there"),
        };
        self.state = state;
        if self.sees(&[Token::FlowListStart, Token::FlowMapStart])? {
            self.brackets.push(line);
        }
        let token = if loose { self.scanner.peek()?.clone() } else { self.scanner.take()? };
        let place = placed(&token);
        let kind = match token.token {
            Token::Scalar { text, style } => Kind::Scalar { text, style: Some(style) },
            Token::FlowListStart => Kind::ListStart { flow: true },
            Token::FlowMapStart => Kind::MapStart { flow: true },
            Token::BlockMapStart => Kind::MapStart { flow: false },
            _ => Kind::ListStart { flow: false },
        };
        let event = self.event(kind, place);
        Ok(Event { anchor, tag, ..event })
    }

    /// An item of a list, or a key or value of a map: nothing if one of these tokens follows, else a node.
    fn node_or_nothing(&mut self, before: &Placed, none: &[Token], loose: bool, then: State) -> Result<Event, NoYaml> {
        if self.sees(none)? {
            return Ok(self.nothing(before.line, before.end, then));
        }
        self.later.push(then);
        self.node(true, loose)
    }

    fn close(&mut self, kind: Kind) -> Result<Event, NoYaml> {
        let token = self.scanner.take()?;
        self.back();
        Ok(self.event(kind, placed(&token)))
    }

    fn block_item(&mut self) -> Result<Event, NoYaml> {
        if self.sees(&[Token::BlockEntry])? {
            let dash = self.scanner.take()?;
            return self.node_or_nothing(&dash, &[Token::BlockEntry, Token::BlockEnd], false, State::BlockListItem);
        }
        if self.sees(&[Token::BlockEnd])? {
            return self.close(Kind::ListEnd);
        }
        self.no("an item of a list should begin here, with a dash")
    }

    /// An item of a list that is no further in than the key above it.
    fn loose_item(&mut self) -> Result<Event, NoYaml> {
        if self.sees(&[Token::BlockEntry])? {
            let dash = self.scanner.take()?;
            let none = [Token::BlockEntry, Token::Key, Token::Value, Token::BlockEnd];
            return self.node_or_nothing(&dash, &none, false, State::LooseListItem);
        }
        let next = placed(self.scanner.peek()?);
        self.back();
        Ok(self.event(Kind::ListEnd, Place { end: next.start, ..next }))
    }

    fn block_key(&mut self) -> Result<Event, NoYaml> {
        if self.sees(&[Token::Key])? {
            let key = self.scanner.take()?;
            let none = [Token::Key, Token::Value, Token::BlockEnd];
            return self.node_or_nothing(&key, &none, true, State::BlockValue);
        }
        if self.sees(&[Token::BlockEnd])? {
            return self.close(Kind::MapEnd);
        }
        self.no("a key should begin here")
    }

    fn block_value(&mut self) -> Result<Event, NoYaml> {
        if self.sees(&[Token::Value])? {
            let colon = self.scanner.take()?;
            self.colon = Some(colon.end);
            let none = [Token::Key, Token::Value, Token::BlockEnd];
            return self.node_or_nothing(&colon, &none, true, State::BlockKey);
        }
        let next = self.scanner.peek()?;
        let (line, at) = (next.line, next.start);
        Ok(self.nothing(line, at, State::BlockKey))
    }

    fn flow_item(&mut self, first: bool) -> Result<Event, NoYaml> {
        if !self.sees(&[Token::FlowListEnd])? && !first {
            if !self.sees(&[Token::FlowEntry])? {
                return self.no("a comma or `]` should stand here");
            }
            self.scanner.take()?;
        }
        if self.sees(&[Token::FlowListEnd])? {
            self.brackets.pop();
            return self.close(Kind::ListEnd);
        }
        if self.sees(&[Token::Key])? {
            let key = self.scanner.take()?;
            self.state = State::FlowListKey;
            return Ok(self.event(Kind::MapStart { flow: true }, placed(&key)));
        }
        self.later.push(State::FlowListItem { first: false });
        self.node(false, false)
    }

    fn flow_list_key(&mut self) -> Result<Event, NoYaml> {
        if self.sees(&[Token::Value, Token::FlowEntry, Token::FlowListEnd])? {
            let next = self.scanner.peek()?;
            let (line, at) = (next.line, next.start);
            // libyaml takes the colon or the comma for the key, so `[? : x]` is refused.
            if !self.sees(&[Token::FlowListEnd])? {
                self.scanner.take()?;
            }
            return Ok(self.nothing(line, at, State::FlowListValue));
        }
        self.later.push(State::FlowListValue);
        self.node(false, false)
    }

    fn flow_list_value(&mut self) -> Result<Event, NoYaml> {
        if self.sees(&[Token::Value])? {
            self.colon = Some(self.scanner.take()?.end);
            if !self.sees(&[Token::FlowEntry, Token::FlowListEnd])? {
                self.later.push(State::FlowListMapEnd);
                return self.node(false, false);
            }
        }
        let next = self.scanner.peek()?;
        let (line, at) = (next.line, next.start);
        Ok(self.nothing(line, at, State::FlowListMapEnd))
    }

    /// A map of one entry in a list ends where the next thing begins.
    fn flow_list_map_end(&mut self) -> Result<Event, NoYaml> {
        let next = placed(self.scanner.peek()?);
        self.state = State::FlowListItem { first: false };
        Ok(self.event(Kind::MapEnd, Place { end: next.start, ..next }))
    }

    fn flow_key(&mut self, first: bool) -> Result<Event, NoYaml> {
        if !self.sees(&[Token::FlowMapEnd])? && !first {
            if !self.sees(&[Token::FlowEntry])? {
                return self.no("a comma or `}` should stand here");
            }
            self.scanner.take()?;
        }
        if self.sees(&[Token::FlowMapEnd])? {
            self.brackets.pop();
            return self.close(Kind::MapEnd);
        }
        if !self.sees(&[Token::Key])? {
            self.later.push(State::FlowValue { none: true });
            return self.node(false, false);
        }
        self.scanner.take()?;
        if !self.sees(&[Token::Value, Token::FlowEntry, Token::FlowMapEnd])? {
            self.later.push(State::FlowValue { none: false });
            return self.node(false, false);
        }
        let next = self.scanner.peek()?;
        let (line, at) = (next.line, next.start);
        Ok(self.nothing(line, at, State::FlowValue { none: false }))
    }

    fn flow_value(&mut self, none: bool) -> Result<Event, NoYaml> {
        if !none && self.sees(&[Token::Value])? {
            self.colon = Some(self.scanner.take()?.end);
            if !self.sees(&[Token::FlowEntry, Token::FlowMapEnd])? {
                self.later.push(State::FlowKey { first: false });
                return self.node(false, false);
            }
        }
        let next = self.scanner.peek()?;
        let (line, at) = (next.line, next.start);
        Ok(self.nothing(line, at, State::FlowKey { first: false }))
    }
}

const fn placed(token: &Placed) -> Place {
    Place { start: token.start, end: token.end, line: token.line }
}
