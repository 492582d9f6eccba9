//! Texts that Python's `literal_eval` takes for something else: numbers, quoted texts, lists, dicts, tuples and sets.

use crate::literal::number::{float_text, in_decimal, signed};
use crate::model::value::{Pairs, Value};

/// What a text is to Python.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    /// A literal.
    Value(Value),
    /// Anything else: the text stays what it is.
    Plain,
    /// A literal that Ansible stumbles over, or that cannot be told without Python.
    Refused(&'static str),
}

/// Brackets in brackets, as many as Python takes.
const DEEPEST: usize = 200;
/// Digits of a whole number, as many as Python takes.
const MOST_DIGITS: usize = 4300;

/// Reads a text as Python does.
pub(crate) fn literal(text: &str) -> Literal {
    let mut reader = Reader { rest: text.trim_start_matches([' ', '\t']), open: 0 };
    match reader.whole() {
        Ok(node) => Literal::Value(node.value()),
        Err(Stop::Plain) => Literal::Plain,
        Err(Stop::Refused(why)) => Literal::Refused(why),
    }
}

enum Stop {
    Plain,
    Refused(&'static str),
}

/// How something was written, which decides what may be done with it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A number without a sign.
    Number,
    /// A number with a sign.
    Signed,
    Other,
}

enum Node {
    Value(Shape, Value),
    Imaginary(Shape, f64),
    Complex(f64, f64),
    Bytes(Vec<u8>),
    /// What no dict can have as a key.
    Loose(Value),
    /// What can be a key, but not in JSON.
    Tuple(Value),
}

impl Node {
    fn value(self) -> Value {
        match self {
            Self::Value(_, value) | Self::Loose(value) | Self::Tuple(value) => value,
            Self::Imaginary(_, number) => Value::Text(complex_text(None, number)),
            Self::Complex(real, imaginary) => Value::Text(complex_text(Some(real), imaginary)),
            // Nothing vouches for it as a template.
            Self::Bytes(bytes) => Value::Unsafe(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    fn key(self) -> Result<Value, Stop> {
        match self {
            Self::Value(_, value) => Ok(value),
            Self::Loose(_) => Err(Stop::Refused("has a list, dict or set where only a plain value can be")),
            _ => Err(Stop::Refused("has a key that JSON cannot have")),
        }
    }
}

/// `str` of a complex number.
fn complex_text(real: Option<f64>, imaginary: f64) -> String {
    let short = |number: f64| float_text(number).trim_end_matches(".0").to_owned();
    match real {
        Some(real) if real != 0.0 || real.is_sign_negative() => {
            let sign = if imaginary.is_sign_negative() { "" } else { "+" };
            format!("({}{sign}{}j)", short(real), short(imaginary))
        }
        _ => format!("{}j", short(imaginary)),
    }
}

struct Reader<'a> {
    rest: &'a str,
    open: usize,
}

type Read<T> = Result<T, Stop>;

impl<'a> Reader<'a> {
    fn whole(&mut self) -> Read<Node> {
        let first = self.item()?;
        let node = if self.take(',') {
            let mut items = vec![first.value()];
            while !self.at_end() {
                items.push(self.item()?.value());
                if !self.take(',') {
                    break;
                }
            }
            Node::Tuple(Value::List(items))
        } else {
            first
        };
        if self.at_end() { Ok(node) } else { Err(Stop::Plain) }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\u{c}']);
    }

    fn at_end(&mut self) -> bool {
        self.space();
        self.rest.is_empty() || self.rest.starts_with('#')
    }

    fn take(&mut self, c: char) -> bool {
        self.space();
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// A number with its sign, perhaps the real part of a complex one; or anything else.
    fn item(&mut self) -> Read<Node> {
        let left = self.with_sign()?;
        self.space();
        let Some(sign) = self.rest.chars().next().filter(|c| matches!(c, '+' | '-')) else { return Ok(left) };
        self.skip(1);
        let right = self.atom()?;
        let (Node::Value(Shape::Number | Shape::Signed, real), Node::Imaginary(Shape::Number, imaginary)) =
            (left, right)
        else {
            return Err(Stop::Plain);
        };
        let real = match real {
            Value::Int(digits) => digits.parse().unwrap_or(f64::INFINITY),
            Value::Float(number) => number,
            _ => return Err(Stop::Plain),
        };
        Ok(Node::Complex(real, if sign == '-' { -imaginary } else { imaginary }))
    }

    fn with_sign(&mut self) -> Read<Node> {
        self.space();
        let Some(sign) = self.rest.chars().next().filter(|c| matches!(c, '+' | '-')) else { return self.atom() };
        self.skip(1);
        let minus = sign == '-';
        match self.atom()? {
            Node::Value(Shape::Number, Value::Int(digits)) => {
                Ok(Node::Value(Shape::Signed, Value::Int(signed(minus, digits))))
            }
            Node::Value(Shape::Number, Value::Float(number)) => {
                Ok(Node::Value(Shape::Signed, Value::Float(if minus { -number } else { number })))
            }
            Node::Imaginary(Shape::Number, number) => {
                if minus {
                    Ok(Node::Complex(-0.0, -number))
                } else {
                    Ok(Node::Imaginary(Shape::Signed, number))
                }
            }
            _ => Err(Stop::Plain),
        }
    }

    fn atom(&mut self) -> Read<Node> {
        self.space();
        let first = self.rest.chars().next().ok_or(Stop::Plain)?;
        match first {
            '[' => {
                self.begin()?;
                let (items, _) = self.items(']')?;
                Ok(Node::Loose(Value::List(items.into_iter().map(Node::value).collect())))
            }
            '(' => {
                self.begin()?;
                let (mut items, comma) = self.items(')')?;
                if !comma && let Some(only) = items.pop() {
                    return Ok(only);
                }
                let loose = items.iter().any(|item| matches!(item, Node::Loose(_)));
                let list = Value::List(items.into_iter().map(Node::value).collect());
                Ok(if loose { Node::Loose(list) } else { Node::Tuple(list) })
            }
            '{' => {
                self.begin()?;
                self.braces()
            }
            '.' if self.rest.starts_with("...") => {
                self.skip(3);
                Ok(Node::Value(Shape::Other, Value::text("...")))
            }
            '0'..='9' | '.' => self.number(),
            '\'' | '"' => self.strings(),
            _ => {
                let word = self.rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                let value = match word {
                    "True" => Value::Bool(true),
                    "False" => Value::Bool(false),
                    "None" => Value::Null,
                    "set" => {
                        self.skip(3);
                        return if self.take('(') && self.take(')') {
                            Ok(Node::Loose(Value::List(Vec::new())))
                        } else {
                            Err(Stop::Plain)
                        };
                    }
                    _ => return self.strings(),
                };
                self.skip(word.len());
                Ok(Node::Value(Shape::Other, value))
            }
        }
    }

    fn begin(&mut self) -> Read<()> {
        self.skip(1);
        self.open += 1;
        if self.open > DEEPEST { Err(Stop::Plain) } else { Ok(()) }
    }

    /// What stands before the closing bracket, and whether there was a comma.
    fn items(&mut self, close: char) -> Read<(Vec<Node>, bool)> {
        let (mut items, mut comma) = (Vec::new(), false);
        while !self.take(close) {
            items.push(self.item()?);
            if self.take(',') {
                comma = true;
            } else if self.take(close) {
                break;
            } else {
                return Err(Stop::Plain);
            }
        }
        self.open -= 1;
        Ok((items, comma))
    }

    fn braces(&mut self) -> Read<Node> {
        if self.take('}') {
            self.open -= 1;
            return Ok(Node::Loose(Value::Map(Vec::new())));
        }
        let first = self.item()?;
        let mut pairs = Pairs::default();
        // Nothing is refused before all of it is known to be a literal.
        let mut refused = None;
        let mut add = |key: Node, value: Value| match key.key() {
            Ok(key) => {
                pairs.add(key, value);
            }
            Err(Stop::Refused(why)) => refused = refused.or(Some(why)),
            Err(Stop::Plain) => {}
        };
        let is_dict = self.take(':');
        let value = if is_dict { self.item()?.value() } else { Value::Null };
        add(first, value);
        while !self.take('}') {
            if !self.take(',') {
                return Err(Stop::Plain);
            }
            if self.take('}') {
                break;
            }
            let key = self.item()?;
            if self.take(':') != is_dict {
                return Err(Stop::Plain);
            }
            let value = if is_dict { self.item()?.value() } else { Value::Null };
            add(key, value);
        }
        self.open -= 1;
        if let Some(why) = refused {
            return Err(Stop::Refused(why));
        }
        Ok(Node::Loose(match pairs.done() {
            Value::Map(pairs) if !is_dict => Value::List(pairs.into_iter().map(|(key, _)| key).collect()),
            dict => dict,
        }))
    }

    fn number(&mut self) -> Read<Node> {
        let end = number_end(self.rest);
        let (word, rest) = self.rest.split_at_checked(end).ok_or(Stop::Plain)?;
        // What stands right behind a number belongs to it, or is wrong.
        if rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.')) {
            return Err(Stop::Plain);
        }
        self.rest = rest;
        number(word).ok_or(Stop::Plain)
    }

    /// One quoted text or several side by side.
    fn strings(&mut self) -> Read<Node> {
        let mut text: Option<String> = None;
        let mut bytes: Option<Vec<u8>> = None;
        loop {
            self.space();
            let letters = self.rest.find(['\'', '"']).unwrap_or(self.rest.len());
            let prefix = self.rest.get(..letters).unwrap_or_default().to_ascii_lowercase();
            let (raw, is_bytes) = match prefix.as_str() {
                "" | "u" => (false, false),
                "r" => (true, false),
                "b" => (false, true),
                "br" | "rb" => (true, true),
                _ => break,
            };
            if letters == self.rest.len() {
                break;
            }
            self.skip(letters);
            if is_bytes {
                self.quoted_bytes(raw, bytes.get_or_insert_default())?;
            } else {
                self.quoted(raw, text.get_or_insert_default())?;
            }
        }
        match (text, bytes) {
            (Some(text), None) => Ok(Node::Value(Shape::Other, Value::Text(text))),
            (None, Some(bytes)) if std::str::from_utf8(&bytes).is_ok() => Ok(Node::Bytes(bytes)),
            (None, Some(_)) => Err(Stop::Refused("has bytes that are not UTF-8")),
            _ => Err(Stop::Plain),
        }
    }

    /// What stands between quotes, as it is written.
    fn body(&mut self) -> Read<&'a str> {
        let quote = self.rest.chars().next().ok_or(Stop::Plain)?;
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        let mark = if self.rest.starts_with(&triple) { triple } else { quote.to_string() };
        self.skip(mark.len());
        let all = self.rest;
        loop {
            let at = self.rest.find(['\\', quote]).ok_or(Stop::Plain)?;
            self.skip(at);
            if self.rest.starts_with(&mark) {
                let body = all.get(..all.len() - self.rest.len()).ok_or(Stop::Plain)?;
                self.skip(mark.len());
                return Ok(body);
            }
            let mut chars = self.rest.chars();
            if chars.next() == Some('\\') {
                chars.next();
            }
            self.rest = chars.as_str();
        }
    }

    fn quoted(&mut self, raw: bool, out: &mut String) -> Read<()> {
        let body = self.body()?;
        if raw {
            out.push_str(body);
            return Ok(());
        }
        let mut chars = body.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            let kind = chars.next().ok_or(Stop::Plain)?;
            let code = match kind {
                'x' => hex(&mut chars, 2)?,
                'u' => hex(&mut chars, 4)?,
                'U' => hex(&mut chars, 8)?,
                'N' => return Err(Stop::Refused("names a character by \\N, which is not understood")),
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
                return Err(Stop::Refused("has half a character"));
            }
            out.push(char::from_u32(code).ok_or(Stop::Plain)?);
        }
        Ok(())
    }

    fn quoted_bytes(&mut self, raw: bool, out: &mut Vec<u8>) -> Read<()> {
        let body = self.body()?;
        if !body.is_ascii() {
            return Err(Stop::Plain);
        }
        let mut chars = body.chars();
        while let Some(c) = chars.next() {
            if c != '\\' || raw {
                out.extend(u8::try_from(c));
                continue;
            }
            let kind = chars.next().ok_or(Stop::Plain)?;
            let code = match kind {
                'x' => hex(&mut chars, 2)?,
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

fn hex(chars: &mut std::str::Chars<'_>, digits: usize) -> Read<u32> {
    let mut code = 0_u32;
    for _ in 0..digits {
        let digit = chars.next().and_then(|c| c.to_digit(16)).ok_or(Stop::Plain)?;
        code = code.wrapping_mul(16).wrapping_add(digit);
    }
    Ok(code)
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

/// How far a number may reach.
fn number_end(text: &str) -> usize {
    let mut end = 0;
    let mut last = ' ';
    let hex = text.starts_with("0x") || text.starts_with("0X");
    for c in text.chars() {
        let sign = matches!(c, '+' | '-') && matches!(last, 'e' | 'E') && !hex;
        if !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_') || sign) {
            break;
        }
        end += 1;
        last = c;
    }
    end
}

fn number(word: &str) -> Option<Node> {
    let lower = word.to_ascii_lowercase();
    for (mark, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(mark) {
            // One underscore may stand before any digit.
            let digits = plain_digits(digits.strip_prefix('_').unwrap_or(digits), base)?;
            return Some(Node::Value(Shape::Number, Value::Int(in_decimal(&digits, base)?)));
        }
    }
    let (body, imaginary) = lower.strip_suffix('j').map_or((lower.as_str(), false), |body| (body, true));
    let (mantissa, exponent) =
        body.split_once('e').map_or((body, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(whole, part)| (whole, Some(part)));
    let part = |text: &str| if text.is_empty() { Some(String::new()) } else { plain_digits(text, 10) };
    let (whole, fraction_digits) = (part(whole)?, part(fraction.unwrap_or_default())?);
    if whole.is_empty() && fraction_digits.is_empty() {
        return None;
    }
    let exponent_digits = match exponent {
        Some(text) => {
            let (sign, digits) =
                text.strip_prefix('-').map_or((text, text.strip_prefix('+').unwrap_or(text)), |d| ("-", d));
            let sign = if sign == "-" { "-" } else { "" };
            Some(format!("{sign}{}", plain_digits(digits, 10)?))
        }
        None => None,
    };
    if fraction.is_none() && exponent_digits.is_none() && !imaginary {
        // Python 3 has no octal numbers of that kind, but as many zeros as one likes.
        let zero = whole.bytes().all(|byte| byte == b'0');
        if (whole.starts_with('0') && !zero) || whole.len() > MOST_DIGITS {
            return None;
        }
        return Some(Node::Value(Shape::Number, Value::Int(in_decimal(&whole, 10)?)));
    }
    let text = format!("{}.{}e{}", pad(&whole), pad(&fraction_digits), exponent_digits.as_deref().unwrap_or("0"));
    let number: f64 = text.parse().ok()?;
    Some(if imaginary {
        Node::Imaginary(Shape::Number, number)
    } else {
        Node::Value(Shape::Number, Value::Float(number))
    })
}

fn pad(digits: &str) -> &str {
    if digits.is_empty() { "0" } else { digits }
}

/// Digits without the underscores, each of which stands between two.
fn plain_digits(text: &str, base: u32) -> Option<String> {
    let good = text.split('_').all(|part| !part.is_empty() && part.chars().all(|c| c.is_digit(base)));
    good.then(|| text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_what_python_takes_them_for() {
        for (text, json) in [
            ("True", "true"),
            ("None", "null"),
            (" 5", "5"),
            ("3.10", "3.1"),
            ("1_000", "1000"),
            ("00", "0"),
            ("0x_fF", "255"),
            ("0o17", "15"),
            ("0b101", "5"),
            ("-5", "-5"),
            ("+ 5", "5"),
            ("-(5)", "-5"),
            ("1.", "1.0"),
            (".5e1", "5.0"),
            ("09.5", "9.5"),
            ("1e400", "Infinity"),
            ("8080 # c", "8080"),
            ("1,2", "[1, 2]"),
            ("1,", "[1]"),
            ("()", "[]"),
            ("(1)", "1"),
            ("(1,)", "[1]"),
            ("['a', [None]] # c", r#"["a", [null]]"#),
            ("{'a': {1: 2}, 'b': (),}", r#"{"a": {"1": 2}, "b": []}"#),
            ("{1, 1.0, 2}", "[1, 2]"),
            ("set( )", "[]"),
            ("'a' \"b\"", r#""ab""#),
            ("'''a'b'''", r#""a'b""#),
            (r"r'\d'", r#""\\d""#),
            (r"'\x41\101\u00e9\d'", r#""AAé\\d""#),
            ("b'ab'", r#"{"__ansible_unsafe": "ab"}"#),
            ("u'x'", r#""x""#),
            ("2j", r#""2j""#),
            ("1+2j", r#""(1+2j)""#),
            ("-2j", r#""(-0-2j)""#),
            ("...", r#""...""#),
        ] {
            let Literal::Value(value) = literal(text) else { unreachable!("{text} is no literal") };
            let mut out = String::new();
            value.print(None, &mut out);
            assert_eq!(out, json, "{text}");
        }
    }

    #[test]
    fn anything_else_stays_text() {
        let deep = "[".repeat(100_000);
        let long = "9".repeat(5000);
        for text in [
            "",
            "true",
            "yes",
            "010",
            "1__0",
            "1_",
            "0x",
            "1e",
            "1.2.3",
            "3.11.161",
            "--5",
            "-True",
            "1+2",
            "1 2",
            "a",
            "'a",
            "'a' b",
            "[1 2]",
            "[a]",
            "{a}",
            "{'a': 1",
            "{{ x }}",
            "{1: 2, 3}",
            "{1, 2: 3}",
            "f'x'",
            "ur'x'",
            "'a' b'c'",
            "b'ü'",
            r"'\x4'",
            "(",
            "5;",
            "[*a]",
            "{**a}",
            "set(1)",
            "1..2",
            "1if 2 else 3",
            &deep,
            &long,
        ] {
            assert_eq!(literal(text), Literal::Plain, "{text}");
        }
    }

    #[test]
    fn what_ansible_stumbles_over_is_refused() {
        for text in ["{[]: 1}", "{{}}", "{(1, 2): 3}", "{1: 2, []: 3}", r"b'\xff'", r"'\ud800'", r"'\N{DIGIT ONE}'"] {
            assert!(matches!(literal(text), Literal::Refused(_)), "{text}");
        }
        // A template is no set of sets: its names are no literals.
        assert_eq!(literal("{{ [] + x }}"), Literal::Plain);
    }
}
