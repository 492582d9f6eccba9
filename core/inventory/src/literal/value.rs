//! Values the way Ansible's INI reader sees them: shell words first, then Python literals; and back.

use crate::span::Span;

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
    /// What a template prints for it, as far as `exact`.
    value: String,
    /// Where the literal ends and a comment may begin.
    end: usize,
    exact: bool,
    string: Option<char>,
}

fn literal(text: &str) -> Option<Literal> {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        return string_literal(text, quote);
    }
    if text.starts_with(['[', '{', '(']) && !text.starts_with("{{") {
        let end = structure_end(text)?;
        let rest = text.get(end..)?.trim_start();
        return (rest.is_empty() || rest.starts_with('#')).then(|| Literal {
            value: text.get(..end).unwrap_or(text).to_owned(),
            end,
            exact: true,
            string: None,
        });
    }
    let head = text.split('#').next().unwrap_or(text).trim_end();
    let (value, exact) = match head {
        "True" | "False" | "None" => (head.to_owned(), true),
        _ => number(head)?,
    };
    Some(Literal { value, end: head.len(), exact, string: None })
}

/// Where a list, dict or tuple of literals ends; `None` if a name, a template or bad nesting makes it plain text.
fn structure_end(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    let mut word = String::new();
    let mut quoted: Option<char> = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if let Some(quote) = quoted {
            if c == '\\' {
                chars.next()?;
            } else if c == quote {
                quoted = None;
            }
            continue;
        }
        if c.is_alphanumeric() || matches!(c, '_' | '.') {
            word.push(c);
            continue;
        }
        let known = matches!(word.as_str(), "" | "True" | "False" | "None") || number_part(&word);
        if !known {
            return None;
        }
        word.clear();
        match c {
            '[' => open.push(']'),
            '(' => open.push(')'),
            '{' => open.push('}'),
            ']' | ')' | '}' => {
                if open.pop() != Some(c) {
                    return None;
                }
                if open.is_empty() {
                    return Some(at + 1);
                }
            }
            '\'' | '"' => quoted = Some(c),
            ',' | ':' | '+' | '-' | ' ' | '\t' => {}
            _ => return None,
        }
    }
    None
}

fn string_literal(text: &str, quote: char) -> Option<Literal> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == quote {
            let end = at + c.len_utf8();
            let rest = text.get(end..)?.trim_start();
            return (rest.is_empty() || rest.starts_with('#')).then_some(Literal {
                value,
                end,
                exact: true,
                string: Some(quote),
            });
        }
        if c != '\\' {
            value.push(c);
            continue;
        }
        match chars.next()?.1 {
            c @ ('\\' | '\'' | '"') => value.push(c),
            'n' => value.push('\n'),
            't' => value.push('\t'),
            'r' => value.push('\r'),
            // Rarer escapes: the text is shown as it stands.
            _ => return None,
        }
    }
    None
}

/// Numbers of any Python, generously: sums, octals and old long integers count, since some version evaluates them.
fn number(text: &str) -> Option<(String, bool)> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        let plain = digits == "0" || !digits.starts_with('0');
        return Some((text.to_owned(), plain && text != "-0"));
    }
    let mut parts = text.split(['+', '-', ',', ' ', '\t']).filter(|part| !part.is_empty()).peekable();
    parts.peek()?;
    if !parts.all(number_part) {
        return None;
    }
    let decimal = digits.contains('.') && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match text.parse::<f64>() {
        Ok(parsed) if decimal && digits.len() <= 12 && parsed.abs() >= 0.001 => Some((format!("{parsed:?}"), true)),
        _ => Some((text.to_owned(), false)),
    }
}

/// Whether a word is a number for some Python, and not a version or a name.
pub(crate) fn is_number(word: &str) -> bool {
    number(word).is_some()
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
pub(crate) fn evaluate(text: &str) -> String {
    literal(text).map_or_else(|| text.to_owned(), |literal| literal.value)
}

/// Whether the text, written bare, surely reads back as this very value.
pub(crate) fn reads_as(text: &str, value: &str) -> bool {
    match literal(text) {
        Some(literal) => literal.exact && literal.value == value,
        None => text == value,
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

pub(crate) fn python_string(value: &str, preferred: Option<char>) -> String {
    let other = if value.contains('\'') && !value.contains('"') { '"' } else { '\'' };
    let quote = preferred.filter(|quote| !value.contains(*quote)).unwrap_or(other);
    let mut text = String::with_capacity(value.len() + 2);
    text.push(quote);
    for c in value.chars() {
        if c == quote || c == '\\' {
            text.push('\\');
        }
        text.push(c);
    }
    text.push(quote);
    text
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
