//! Values the way Ansible's INI reader sees them: shell words first, then Python literals; and back.

use crate::literal::python;
use crate::literal::written::python_string;
use crate::model::value::Value;
use crate::span::Span;
use crate::yaml::tree::Kind;

/// One word of a host line, after the shell rules.
#[derive(Debug)]
pub(crate) struct Word {
    /// Where the word stands, quotes included.
    pub(crate) span: Span,
    /// The word without quotes and escapes.
    pub(crate) text: String,
    /// The first `=`: its place in `text`, its place in the file, and whether all before it was bare.
    pub(crate) equals: Option<(usize, usize, bool)>,
    bare: bool,
}

impl Word {
    fn at(start: usize) -> Self {
        Self { span: Span::new(start, start), text: String::new(), equals: None, bare: true }
    }
}

#[derive(Clone, Copy)]
enum State {
    Bare,
    Quoted(char),
    Escaped(Option<char>),
}

/// Whether a byte is part of a word and nothing else.
fn is_plain(state: State, byte: u8) -> bool {
    match state {
        State::Bare => !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'#' | b'\'' | b'"' | b'\\' | b'='),
        State::Quoted('"') => !matches!(byte, b'"' | b'\\' | b'='),
        State::Quoted(_) => !matches!(byte, b'\'' | b'='),
        State::Escaped(_) => false,
    }
}

/// Splits a host line as Python's `shlex.split(line, comments=True)` does; `None` for an open quote or escape.
pub(crate) fn words(line: &str, offset: usize) -> Option<Vec<Word>> {
    let mut done = Vec::new();
    let mut word: Option<Word> = None;
    let mut state = State::Bare;
    let mut next = 0;
    while let Some(rest) = line.get(next..).filter(|rest| !rest.is_empty()) {
        let at = next;
        // What means nothing special here is taken as a whole.
        let run = rest.bytes().take_while(|byte| is_plain(state, *byte)).count();
        if let Some(plain) = rest.get(..run).filter(|plain| !plain.is_empty()) {
            word.get_or_insert_with(|| Word::at(offset + at)).text.push_str(plain);
            next += run;
            continue;
        }
        let Some(c) = rest.chars().next() else { break };
        next += c.len_utf8();
        if matches!(state, State::Bare) && matches!(c, ' ' | '\t' | '\r' | '\n' | '#') {
            if let Some(mut word) = word.take() {
                word.span.end = offset + at;
                done.push(word);
            }
            if c == '#' {
                return Some(done);
            }
            continue;
        }
        let word = word.get_or_insert_with(|| Word::at(offset + at));
        state = match (state, c) {
            (State::Bare, '\'' | '"') => {
                word.bare = false;
                State::Quoted(c)
            }
            (State::Bare, '\\') => {
                word.bare = false;
                State::Escaped(None)
            }
            (State::Quoted(q), _) if c == q => State::Bare,
            (State::Quoted('"'), '\\') => State::Escaped(Some('"')),
            (state, _) => {
                if c == '=' && word.equals.is_none() {
                    word.equals = Some((word.text.len(), offset + at, word.bare));
                }
                match state {
                    State::Escaped(Some(q)) => {
                        if c != '\\' && c != q {
                            word.text.push('\\');
                        }
                        word.text.push(c);
                        State::Quoted(q)
                    }
                    State::Escaped(None) => {
                        word.text.push(c);
                        State::Bare
                    }
                    state => {
                        word.text.push(c);
                        state
                    }
                }
            }
        };
    }
    if !matches!(state, State::Bare) {
        return None;
    }
    if let Some(mut word) = word {
        word.span.end = offset + line.len();
        done.push(word);
    }
    Some(done)
}

/// A text that Python's `literal_eval` takes for something other than itself.
struct Literal {
    /// What a template prints for it; the text itself of lists and dicts.
    value: String,
    /// Where the literal ends and a comment may begin.
    end: usize,
    /// Whether each release of Ansible, with each release of Python, reads it so.
    sure: bool,
    string: Option<char>,
}

fn literal(text: &str) -> Option<Literal> {
    let (node, end) = python::read(text, 0).ok()?;
    let written = text.get(..end).unwrap_or(text).trim();
    Some(match &node.kind {
        Kind::Scalar { value, typed, quote } => {
            let sure = match typed {
                Value::Null | Value::Bool(_) => true,
                Value::Int(digits) => digits == written && digits != "-0",
                Value::Float(number) => {
                    let decimal = written.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
                    decimal && written.len() <= 12 && number.abs() >= 0.001 && !written.starts_with("--")
                }
                Value::Text(_) => quote.is_some_and(|quote| is_simple(written, quote)),
                Value::Unsafe(_) | Value::Time(_) | Value::Vault(_) | Value::List(_) | Value::Map(_) => false,
            };
            Literal { value: value.clone(), end, sure, string: *quote }
        }
        _ => Literal { value: written.to_owned(), end, sure: written.starts_with(['[', '{', '(']), string: None },
    })
}

/// One text between two quotes, with no escapes but those of quotes and backslashes.
fn is_simple(written: &str, quote: char) -> bool {
    let Some(body) = written.strip_prefix(quote).and_then(|body| body.strip_suffix(quote)) else { return false };
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        if c == quote || c == '\\' && !matches!(chars.next(), Some('\\' | '\'' | '"')) {
            return false;
        }
    }
    true
}

/// Whether some Python reads a bare text as a number: sums, octals and old long integers count.
fn is_number_somewhere(text: &str) -> bool {
    let head = text.split('#').next().unwrap_or(text).trim_end();
    let mut parts = head.split(['+', '-', ',', ' ', '\t']).filter(|part| !part.is_empty()).peekable();
    parts.peek().is_some() && parts.all(number_part)
}

fn number_part(part: &str) -> bool {
    let lower = part.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0x") {
        return hex.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b'_' | b'l'));
    }
    let lower = lower.strip_prefix("0o").or(lower.strip_prefix("0b")).unwrap_or(&lower);
    let body = lower.strip_suffix(['j', 'l']).unwrap_or(lower);
    let (mantissa, exponent) = body.split_once('e').unwrap_or((body, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    mantissa.bytes().any(|b| b.is_ascii_digit())
        && !mantissa.starts_with('_')
        && mantissa.matches('.').count() <= 1
        && digits(&mantissa.replace('.', ""))
        && digits(exponent)
}

/// What a template prints for a value text: quotes of a Python string are gone, `3.10` has become `3.1`.
#[cfg(test)]
fn evaluate(text: &str) -> String {
    literal(text).map_or_else(|| text.to_owned(), |literal| literal.value)
}

/// Whether the text, written bare, surely reads back as this very value.
pub(crate) fn reads_as(text: &str, value: &str) -> bool {
    match literal(text) {
        Some(literal) => literal.sure && literal.value == value,
        None => text == value && !is_number_somewhere(text),
    }
}

/// The length of a literal that is followed by a comment, in a `[group:vars]` line.
pub(crate) fn commented_literal(text: &str) -> Option<usize> {
    literal(text).map(|literal| literal.end).filter(|end| *end < text.trim_end().len())
}

/// Whether the value must be written as a Python string to be read back unchanged.
fn needs_literal(value: &str) -> bool {
    let prefixed = value.trim_start_matches(['u', 'U', 'b', 'B', 'r', 'R']);
    let head = value.split('#').next().unwrap_or(value).trim();
    prefixed.starts_with(['\'', '"'])
        || matches!(head, "..." | "set()")
        || (value.trim() != value && literal(value.trim()).is_some())
        || !reads_as(value, value)
}

/// The value as one word of a host line; `like` is the text it replaces, whose quotes are kept where they can be.
pub(crate) fn host_value(value: &str, like: Option<&str>) -> String {
    let text = if needs_literal(value) { python_string(value, None) } else { value.to_owned() };
    let old = like.and_then(|like| like.chars().next()).filter(|c| matches!(c, '\'' | '"'));
    let special = text.is_empty() || text.chars().any(|c| c.is_whitespace() || matches!(c, '\'' | '"' | '\\' | '#'));
    match old {
        None if !special => text,
        Some('"') if !text.contains(['"', '\\']) => format!("\"{text}\""),
        _ if !text.contains('\'') => format!("'{text}'"),
        _ => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// The value for a line of `[group:vars]`; `like` is the text it replaces, `commented` says that a comment follows it.
pub(crate) fn group_value(value: &str, like: Option<&str>, commented: bool) -> String {
    let quote = like.and_then(literal).and_then(|literal| literal.string);
    let is_literal = literal(value).is_some();
    let quoted = needs_literal(value) || value.trim() != value || (!is_literal && (commented || quote.is_some()));
    if quoted { python_string(value, quote) } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_follow_the_shell() {
        let cases: [(&str, Option<&[&str]>); 9] = [
            ("a b=c", Some(&["a", "b=c"])),
            ("a  b='c d' \t e=\"f\"", Some(&["a", "b=c d", "e=f"])),
            ("a b=c#d e=f", Some(&["a", "b=c"])),
            ("a b='c#d' # e", Some(&["a", "b=c#d"])),
            ("a b=\\'x", Some(&["a", "b='x"])),
            ("a b=\"x\\\"y\\z\"", Some(&["a", "b=x\"y\\z"])),
            ("a b=''", Some(&["a", "b="])),
            ("a b='c", None),
            ("a b=c\\", None),
        ];
        for (line, expected) in cases {
            let got = words(line, 0).map(|words| words.into_iter().map(|word| word.text).collect::<Vec<_>>());
            assert_eq!(got, expected.map(|words| words.iter().map(|w| (*w).to_owned()).collect()), "{line}");
        }
    }

    #[test]
    fn literals_evaluate_as_python_does() {
        for (text, value) in [
            ("True", "True"),
            ("true", "true"),
            ("3.10", "3.1"),
            ("'3.10'", "3.10"),
            ("-3.11.161", "-3.11.161"),
            ("8080 # c", "8080"),
            ("bar # c", "bar # c"),
            ("'bar' # c", "bar"),
            ("[\"/dev/vdb\"]", "[\"/dev/vdb\"]"),
            ("[1] # c", "[1]"),
            ("['#]', {'a': None}] # [c]", "['#]', {'a': None}]"),
            ("{{ a }} # c", "{{ a }} # c"),
            ("{\"a\": true} # c", "{\"a\": true} # c"),
            ("010", "010"),
            ("", ""),
        ] {
            assert_eq!(evaluate(text), value, "{text}");
        }
    }

    #[test]
    fn values_are_quoted_only_as_needed() {
        for (value, host, group) in [
            ("False", "False", "False"),
            ("8080", "8080", "8080"),
            ("-3.11.161", "-3.11.161", "-3.11.161"),
            ("3.10", "\"'3.10'\"", "'3.10'"),
            ("010", "\"'010'\"", "'010'"),
            ("1e3", "\"'1e3'\"", "'1e3'"),
            ("2019-12-24", "\"'2019-12-24'\"", "'2019-12-24'"),
            ("[ \"/dev/vdb\" ]", "'[ \"/dev/vdb\" ]'", "[ \"/dev/vdb\" ]"),
            ("a b", "'a b'", "a b"),
            ("a#b", "'a#b'", "a#b"),
            ("5 # x", "\"'5 # x'\"", "'5 # x'"),
            ("it's", "\"it's\"", "it's"),
            ("'x'", "\"\\\"'x'\\\"\"", "\"'x'\""),
            (" x", "' x'", "' x'"),
            ("", "''", ""),
        ] {
            assert_eq!(host_value(value, None), host, "{value}");
            assert_eq!(group_value(value, None, false), group, "{value}");
        }
        assert_eq!(host_value("x", Some("\"y\"")), "\"x\"");
        assert_eq!(group_value("x", Some("8080"), true), "'x'");
        assert_eq!(group_value("False", Some("'True'"), false), "False");
    }

    proptest! {
        #[test]
        fn a_written_value_reads_back(value in "[ -~]{0,12}|[0-9a-eEjlx_.+' \"\\\\#-]{0,8}", quote in 0..3usize) {
            let like = [None, Some("'x'"), Some("\"x\"")][quote];
            let line = format!("h v={} w=1", host_value(&value, like));
            let words = words(&line, 0).unwrap_or_default();
            prop_assert_eq!(words.len(), 3, "{}", line);
            prop_assert!(reads_as(words[1].text.split_once('=').map_or("", |(_, v)| v), &value), "{}", line);
            prop_assert!(reads_as(group_value(&value, like, false).trim(), &value));
            let commented = format!("{} # c", group_value(&value, like, true));
            prop_assert!(commented_literal(&commented).is_some(), "{}", commented);
            prop_assert_eq!(evaluate(&commented), value);
        }
    }
}
