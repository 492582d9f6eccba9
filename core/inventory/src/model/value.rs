//! Values of variables, typed as Ansible types them, and printed as Python prints JSON.

use crate::literal::number::float_text;
use crate::shown::is_bidi;
use std::collections::BTreeMap;

/// The value of a variable.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number of any size, in decimal digits.
    Int(String),
    /// A number with a fraction, or one that is none.
    Float(f64),
    /// A text.
    Text(String),
    /// A text that must not be taken for a template.
    Unsafe(String),
    /// A day or a time, as Python prints it.
    Time(String),
    /// A text that only the holder of a vault's password can read.
    Vault(String),
    /// Several values.
    List(Vec<Value>),
    /// Values by keys, each once, in the order of their first occurrence.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// A text of this, whatever Ansible would read it as.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The text of a text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Unsafe(text) => Some(text),
            _ => None,
        }
    }

    /// What a template prints for a plain value; none for lists, maps and vaults.
    pub fn printed(&self) -> Option<String> {
        Some(match self {
            Self::Null => "None".to_owned(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Int(digits) => digits.clone(),
            Self::Float(number) => float_text(*number),
            Self::Text(text) | Self::Unsafe(text) | Self::Time(text) => text.clone(),
            Self::Vault(_) | Self::List(_) | Self::Map(_) => return None,
        })
    }

    /// What a template prints for it, short of what only a password opens.
    pub fn shown(&self) -> String {
        match self {
            Self::Vault(_) => "(encrypted)".to_owned(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::literal).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Map(pairs) => {
                let pairs: Vec<String> =
                    pairs.iter().map(|(key, value)| format!("{}: {}", key.literal(), value.literal())).collect();
                format!("{{{}}}", pairs.join(", "))
            }
            plain => plain.printed().unwrap_or_default(),
        }
    }

    /// As a literal of Python.
    fn literal(&self) -> String {
        match self {
            Self::Text(text) | Self::Unsafe(text) => crate::literal::written::python_string(text, None),
            other => other.shown(),
        }
    }

    /// Whether it is the same value, of the same type. The order of a map does not count.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(one), Self::Float(two)) => one == two || (one.is_nan() && two.is_nan()),
            (Self::List(one), Self::List(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.same(two))
            }
            (Self::Map(one), Self::Map(two)) => {
                let sorted = |pairs: &[(Self, Self)]| -> BTreeMap<String, Self> {
                    let keyed = pairs.iter().map(|(key, value)| (key.identity().unwrap_or_default(), value.clone()));
                    keyed.collect()
                };
                let in_order = one.len() == two.len()
                    && one.iter().zip(two).all(|(one, two)| one.0.same(&two.0) && one.1.same(&two.1));
                in_order || {
                    let (one, two) = (sorted(one), sorted(two));
                    one.len() == two.len() && one.iter().zip(&two).all(|(one, two)| one.0 == two.0 && one.1.same(two.1))
                }
            }
            // What no template is made of may be trusted or not.
            (Self::Text(one), Self::Unsafe(two)) | (Self::Unsafe(one), Self::Text(two)) => {
                one == two && !one.contains("{{") && !one.contains("{%")
            }
            (one, two) => one == two,
        }
    }

    /// Whether Python takes it for false.
    pub(crate) fn is_false(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) => true,
            Self::Int(digits) => digits == "0",
            Self::Float(number) => *number == 0.0,
            Self::Text(text) | Self::Unsafe(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Map(pairs) => pairs.is_empty(),
            Self::Bool(true) | Self::Time(_) | Self::Vault(_) => false,
        }
    }

    /// What kind of value it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a truth value",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) | Self::Unsafe(_) => "a text",
            Self::Time(_) => "a day or a time",
            Self::Vault(_) => "an encrypted text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// As the key of a JSON object; none if it cannot be one.
    pub(crate) fn key(&self) -> Option<String> {
        Some(match self {
            Self::Null => "null".to_owned(),
            Self::Bool(truth) => truth.to_string(),
            Self::Int(digits) => digits.clone(),
            Self::Float(number) => json_float(*number),
            Self::Text(text) | Self::Unsafe(text) => text.clone(),
            Self::Time(_) | Self::Vault(_) | Self::List(_) | Self::Map(_) => return None,
        })
    }

    /// What two keys have in common that Python takes for one: `1`, `1.0` and `True` are.
    pub(crate) fn identity(&self) -> Option<String> {
        Some(match self {
            Self::Bool(truth) => format!("n{}", u8::from(*truth)),
            Self::Int(digits) => format!("n{digits}"),
            Self::Float(number) if number.fract() == 0.0 => format!("n{number:.0}"),
            Self::Text(text) | Self::Unsafe(text) => format!("t{text}"),
            _ => format!("o{}", self.key()?),
        })
    }

    /// Prints it as JSON with sorted keys; `indent` is that of the line it begins on, none for one line.
    pub fn print(&self, indent: Option<usize>, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
            Self::Int(digits) => out.push_str(digits),
            Self::Float(number) => out.push_str(&json_float(*number)),
            Self::Text(text) | Self::Time(text) => quote(text, out),
            Self::Unsafe(text) => wrapped("__ansible_unsafe", text, indent, out),
            Self::Vault(text) => wrapped("__ansible_vault", text, indent, out),
            Self::List(items) => {
                print_all(items.iter(), ['[', ']'], indent, out, |item, indent, out| item.print(indent, out));
            }
            Self::Map(pairs) => {
                // Keys that are printed alike are one: the last.
                let sorted: BTreeMap<String, &Self> =
                    pairs.iter().map(|(key, value)| (key.key().unwrap_or_default(), value)).collect();
                print_all(sorted.into_iter(), ['{', '}'], indent, out, |(key, value), indent, out| {
                    quote(&key, out);
                    out.push_str(": ");
                    value.print(indent, out);
                });
            }
        }
    }
}

/// Pairs of which a later one with the same key takes the place of the former.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    pairs: Vec<(Value, Value)>,
    places: BTreeMap<String, usize>,
}

impl Pairs {
    /// Adds one; none if that is no key.
    pub(crate) fn add(&mut self, key: Value, value: Value) -> Option<()> {
        match self.places.entry(key.identity()?) {
            std::collections::btree_map::Entry::Occupied(place) => {
                if let Some(pair) = self.pairs.get_mut(*place.get()) {
                    pair.1 = value;
                }
            }
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(self.pairs.len());
                self.pairs.push((key, value));
            }
        }
        Some(())
    }

    pub(crate) fn done(self) -> Value {
        Value::Map(self.pairs)
    }
}

fn wrapped(name: &str, text: &str, indent: Option<usize>, out: &mut String) {
    Value::Map(vec![(Value::text(name), Value::text(text))]).print(indent, out);
}

/// Prints what stands between brackets, four columns further in.
pub(crate) fn print_all<T>(
    mut items: impl Iterator<Item = T>,
    [open, close]: [char; 2],
    indent: Option<usize>,
    out: &mut String,
    print: impl Fn(T, Option<usize>, &mut String),
) {
    out.push(open);
    let inner = indent.map(|indent| indent + 4);
    let line = |indent: Option<usize>, out: &mut String| {
        if let Some(indent) = indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
        }
    };
    if let Some(first) = items.next() {
        line(inner, out);
        print(first, inner, out);
        for item in items {
            out.push_str(if indent.is_some() { "," } else { ", " });
            line(inner, out);
            print(item, inner, out);
        }
        line(indent, out);
    }
    out.push(close);
}

fn json_float(number: f64) -> String {
    match number {
        n if n.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        n => float_text(n),
    }
}

/// A text in JSON. What a terminal would act on is escaped, which JSON takes for the same.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            _ if !c.is_control() && !is_bidi(c) => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_python_prints_them() {
        let nested = Value::Map(vec![
            (Value::text("z"), Value::List(vec![Value::Null, Value::Float(3.1)])),
            (Value::Bool(true), Value::List(Vec::new())),
            (Value::text("a"), Value::Vault("x\n".to_owned())),
        ]);
        for (value, indent, text) in [
            (Value::text("ü\u{1f600}\u{7f}\u{202e}\u{1}\"\\"), None, "\"ü\u{1f600}\\u007f\\u202e\\u0001\\\"\\\\\""),
            (Value::Float(f64::INFINITY), None, "Infinity"),
            (nested, None, r#"{"a": {"__ansible_vault": "x\n"}, "true": [], "z": [null, 3.1]}"#),
            (Value::List(vec![Value::Bool(true)]), Some(4), "[\n        true\n    ]"),
            (Value::Map(Vec::new()), Some(0), "{}"),
        ] {
            let mut out = String::new();
            value.print(indent, &mut out);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn keys_that_python_takes_for_one_are_one() {
        let mut pairs = Pairs::default();
        for (key, value) in [
            (Value::Int("1".to_owned()), Value::text("a")),
            (Value::text("1"), Value::text("b")),
            (Value::Bool(true), Value::text("c")),
            (Value::Float(1.0), Value::text("d")),
        ] {
            assert_eq!(pairs.add(key, value), Some(()));
        }
        assert_eq!(pairs.add(Value::List(Vec::new()), Value::Null), None);
        let expected = vec![(Value::Int("1".to_owned()), Value::text("d")), (Value::text("1"), Value::text("b"))];
        assert_eq!(pairs.done(), Value::Map(expected));
    }
}
