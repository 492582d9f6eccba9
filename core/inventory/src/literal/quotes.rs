//! Quoted texts of Python, several side by side, with their escapes.

use crate::literal::python::{Read, Reader, Stop};
use crate::model::value::Value;

/// What quotes hold.
#[derive(Default)]
struct Held {
    text: Option<String>,
    bytes: Option<Vec<u8>>,
    quote: Option<char>,
}

impl Reader<'_> {
    /// One quoted text or several side by side, and the first quote.
    pub(super) fn strings(&mut self) -> Read<(Value, Option<char>)> {
        let mut held = Held::default();
        loop {
            let before = self.at;
            self.space();
            let rest = self.rest();
            let letters = rest.find(['\'', '"']).unwrap_or(rest.len());
            let prefix = rest.get(..letters.min(3)).unwrap_or_default().to_ascii_lowercase();
            let (raw, is_bytes) = match prefix.as_str() {
                "" | "u" => (false, false),
                "r" => (true, false),
                "b" => (false, true),
                "br" | "rb" => (true, true),
                _ => {
                    self.at = before;
                    break;
                }
            };
            if letters == rest.len() {
                self.at = before;
                break;
            }
            self.at += letters;
            held.quote = held.quote.or(self.peek());
            if is_bytes {
                self.quoted_bytes(raw, held.bytes.get_or_insert_default())?;
            } else {
                self.quoted(raw, held.text.get_or_insert_default())?;
            }
        }
        match (held.text, held.bytes) {
            (Some(text), None) => Ok((Value::Text(text), held.quote)),
            // Nothing vouches for it as a template.
            (None, Some(bytes)) => match String::from_utf8(bytes) {
                Ok(text) => Ok((Value::Unsafe(text), held.quote)),
                Err(_) => Err(self.refuse("has bytes that are not UTF-8")),
            },
            (Some(_), Some(_)) => Err(self.no("a text and bytes stand side by side")),
            (None, None) => Err(self.no_value()),
        }
    }

    /// What stands between quotes, as it is written.
    fn body(&mut self) -> Read<&str> {
        let quote = self.peek().unwrap_or('"');
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        let mark = if self.rest().starts_with(&triple) { triple } else { quote.to_string() };
        let start = self.at + mark.len();
        let mut at = start;
        loop {
            let rest = self.text.get(at..).unwrap_or_default();
            let Some(found) = rest.find(['\\', quote]) else {
                self.at = self.text.len();
                return Err(self.no("a quote is not closed"));
            };
            let rest = rest.get(found..).unwrap_or_default();
            at += found;
            if rest.starts_with(&mark) {
                self.at = at + mark.len();
                return Ok(self.text.get(start..at).unwrap_or_default());
            }
            let mut chars = rest.chars();
            if chars.next() == Some('\\') {
                chars.next();
            }
            at += rest.len() - chars.as_str().len();
        }
    }

    fn quoted(&mut self, raw: bool, out: &mut String) -> Read<()> {
        let body = self.body()?.to_owned();
        if raw {
            out.push_str(&body);
            return Ok(());
        }
        let mut chars = body.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            let Some(kind) = chars.next() else { break };
            let code = match kind {
                'x' => self.hex(&mut chars, 2)?,
                'u' => self.hex(&mut chars, 4)?,
                'U' => self.hex(&mut chars, 8)?,
                'N' => return Err(self.refuse("names a character by \\N, which is not understood")),
                '0'..='7' => octal(kind, &mut chars),
                _ => {
                    match simple_escape(kind) {
                        Some(c) => out.push(c),
                        None => out.extend(['\\', kind]),
                    }
                    continue;
                }
            };
            if (0xd800..0xe000).contains(&code) {
                return Err(self.refuse("has half a character"));
            }
            out.push(char::from_u32(code).ok_or_else(|| self.no("an escape is no character"))?);
        }
        Ok(())
    }

    fn quoted_bytes(&mut self, raw: bool, out: &mut Vec<u8>) -> Read<()> {
        let body = self.body()?.to_owned();
        if !body.is_ascii() {
            return Err(self.no("bytes hold a character that is none"));
        }
        let mut chars = body.chars();
        while let Some(c) = chars.next() {
            if c != '\\' || raw {
                out.extend(u8::try_from(c));
                continue;
            }
            let Some(kind) = chars.next() else { break };
            let code = match kind {
                'x' => self.hex(&mut chars, 2)?,
                '0'..='7' => octal(kind, &mut chars) & 0xff,
                _ => match simple_escape(kind) {
                    Some(c) => u32::from(c),
                    None => {
                        out.push(b'\\');
                        u32::from(kind)
                    }
                },
            };
            out.extend(u8::try_from(code));
        }
        Ok(())
    }

    fn hex(&self, chars: &mut std::str::Chars<'_>, digits: usize) -> Read<u32> {
        let mut code = 0_u32;
        for _ in 0..digits {
            let digit = chars.next().and_then(|c| c.to_digit(16));
            let digit = digit.ok_or_else(|| self.no("digits are missing in an escape"))?;
            code = code.wrapping_mul(16).wrapping_add(digit);
        }
        Ok(code)
    }

    pub(super) fn refuse(&self, reason: &'static str) -> Stop {
        Stop::Refused(self.here(reason))
    }
}

const fn simple_escape(kind: char) -> Option<char> {
    Some(match kind {
        '\\' | '\'' | '"' => kind,
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        _ => return None,
    })
}

fn octal(first: char, chars: &mut std::str::Chars<'_>) -> u32 {
    let mut code = first.to_digit(8).unwrap_or(0);
    for _ in 0..2 {
        let Some(digit) = chars.clone().next().and_then(|c| c.to_digit(8)) else { break };
        chars.next();
        code = code * 8 + digit;
    }
    code
}
