//! YAML as a tree in which every value knows its line and column, readable as any typed value.
//!
//! Typed reading goes through serde, and an error names the innermost place that could not be read. Floats do not
//! exist here: `3.10` would become 3.1, which is how a version gets lost (T8), so such a value must be quoted.

pub use super::finding::At;
use super::finding::Finding;
use super::words;
use crate::shown::Shown as _;
use crate::suggest::nearest;
use serde::de::{self, DeserializeOwned, Expected, IntoDeserializer, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_saphyr::Spanned;
use std::fmt;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it stands.
    pub at: At,
    /// The value.
    pub value: Value,
}

/// A YAML value without floats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// true or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where it stands.
    pub at: At,
    /// Its text.
    pub text: String,
}

/// What becomes of a text at a place: another value, or nothing new.
pub type TextChange<'a> = &'a mut dyn FnMut(At, &str) -> Result<Option<Value>, Finding>;

impl Node {
    /// Reads one YAML document.
    pub fn parse(text: &str) -> Result<Self, Finding> {
        let (node, findings) = Self::parse_all(text);
        match (node, findings.into_iter().next()) {
            (_, Some(finding)) => Err(finding),
            (Some(node), None) => Ok(node),
            (None, None) => Err(Finding::new(At::default(), "there is no YAML document", "write one")),
        }
    }

    /// Reads one YAML document, with every finding. Numbers that are refused are texts in the tree; without a tree the
    /// YAML itself is broken.
    pub(super) fn parse_all(text: &str) -> (Option<Self>, Vec<Finding>) {
        let mut options = serde_saphyr::Options::default();
        options.strict_booleans = true;
        // `007` is no number to YAML 1.2, and 7 to whom it is one: it is meant as written.
        options.leading_zero_numbers_as_strings = true;
        match serde_saphyr::from_str_with_options::<Raw>(text, options) {
            Ok(raw) => {
                let mut findings = Vec::new();
                let mut node = Self::of(raw, &mut findings);
                node.keep_octals(text);
                (Some(node), findings)
            }
            Err(error) => {
                let error = error.without_snippet();
                let at = error.location().map_or(At::default(), |place| At {
                    line: u32::try_from(place.line()).unwrap_or(0),
                    column: u32::try_from(place.column()).unwrap_or(0),
                });
                (None, vec![Finding::unreadable(at, words::of_yaml(error), "mend the line and try again")])
            }
        }
    }

    /// A mode in the octal form of YAML stays as it is written: the number alone does not tell how it was meant.
    fn keep_octals(&mut self, text: &str) {
        match &mut self.value {
            Value::Map(entries) => {
                for (key, node) in entries {
                    if key.text == "mode" && matches!(node.value, Value::Int(_)) {
                        let line = text.lines().nth((node.at.line as usize).saturating_sub(1)).unwrap_or_default();
                        let rest = line.chars().skip((node.at.column as usize).saturating_sub(1));
                        let word: String = rest.take_while(char::is_ascii_alphanumeric).collect();
                        if word.starts_with("0o") {
                            node.value = Value::Text(word);
                        }
                    }
                    node.keep_octals(text);
                }
            }
            Value::List(items) => items.iter_mut().for_each(|item| item.keep_octals(text)),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Text(_) => {}
        }
    }

    /// The entries of a map; an error that says what was expected, otherwise.
    pub fn map(&self, what: &str) -> Result<&[(Key, Self)], Finding> {
        match &self.value {
            Value::Map(entries) => Ok(entries),
            other => Err(expected(self.at, what, other)),
        }
    }

    /// The items of a list.
    pub fn list(&self, what: &str) -> Result<&[Self], Finding> {
        match &self.value {
            Value::List(items) => Ok(items),
            other => Err(expected(self.at, what, other)),
        }
    }

    /// Text; numbers and booleans are taken as they are written.
    pub fn text(&self, what: &str) -> Result<String, Finding> {
        match &self.value {
            Value::Text(text) => Ok(text.clone()),
            Value::Int(number) => Ok(number.to_string()),
            Value::Bool(truth) => Ok(truth.to_string()),
            other => Err(expected(self.at, what, other)),
        }
    }

    /// Reads it as a type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Finding> {
        self.read_as().map_err(Wrong::into_finding)
    }

    /// Reads it as a type; an error tells its sort.
    pub(super) fn read_as<T: DeserializeOwned>(&self) -> Result<T, Wrong> {
        T::deserialize(self).map_err(|wrong| wrong.or_at(self.at))
    }

    /// Calls `change` on every text in the tree.
    pub fn texts(&mut self, change: TextChange<'_>) -> Result<(), Finding> {
        match &mut self.value {
            Value::Text(text) => {
                if let Some(new) = change(self.at, text)? {
                    self.value = new;
                }
                Ok(())
            }
            Value::List(items) => items.iter_mut().try_for_each(|item| item.texts(change)),
            Value::Map(entries) => entries.iter_mut().try_for_each(|(_, value)| value.texts(change)),
            Value::Null | Value::Bool(_) | Value::Int(_) => Ok(()),
        }
    }
}

fn expected(at: At, what: &str, found: &Value) -> Finding {
    Finding::new(at, format!("expected {what}, found {}", found.kind()), "correct the value")
}

impl Value {
    /// What it is, with a number or a truth value as it is.
    fn shown(&self) -> String {
        match self {
            Self::Int(number) => format!("the number {number}"),
            Self::Bool(truth) => format!("`{truth}`"),
            other => other.kind().to_owned(),
        }
    }

    /// What it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Int(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

/// The form in which serde-saphyr hands values over.
struct Raw(Spanned<RawValue>);

enum RawValue {
    /// A value that a runbook cannot have, and why.
    Refused(&'static str, String),
    Scalar(Value),
    List(Vec<Raw>),
    Map(Vec<(Spanned<String>, Raw)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Spanned::deserialize(from).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = RawValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_bool<E: de::Error>(self, truth: bool) -> Result<RawValue, E> {
                Ok(RawValue::Scalar(Value::Bool(truth)))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<RawValue, E> {
                Ok(RawValue::Scalar(Value::Int(number)))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<RawValue, E> {
                let number_text = number.to_string();
                let number = i64::try_from(number).map(|number| RawValue::Scalar(Value::Int(number)));
                Ok(number.unwrap_or(RawValue::Refused("the number is too large", number_text)))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<RawValue, E> {
                // Whole, and beyond what any integer holds.
                if number.abs() >= 1e18 {
                    let why = "the number is too large: put it in quotes if it is a text";
                    return Ok(RawValue::Refused(why, number.to_string()));
                }
                let why = "a number with a point would lose its zeros (3.10 is not 3.1): put it in quotes";
                Ok(RawValue::Refused(why, number.to_string()))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<RawValue, E> {
                Ok(RawValue::Scalar(Value::Text(text.to_owned())))
            }
            fn visit_unit<E: de::Error>(self) -> Result<RawValue, E> {
                Ok(RawValue::Scalar(Value::Null))
            }
            fn visit_none<E: de::Error>(self) -> Result<RawValue, E> {
                Ok(RawValue::Scalar(Value::Null))
            }
            fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<RawValue, D::Error> {
                RawValue::deserialize(from)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut from: A) -> Result<RawValue, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = from.next_element()? {
                    items.push(item);
                }
                Ok(RawValue::List(items))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut from: A) -> Result<RawValue, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = from.next_entry()? {
                    entries.push(entry);
                }
                Ok(RawValue::Map(entries))
            }
        }
        from.deserialize_any(Any)
    }
}

fn at<T>(spanned: &Spanned<T>) -> At {
    let part = |number: u64| u32::try_from(number).unwrap_or(0);
    At { line: part(spanned.referenced.line()), column: part(spanned.referenced.column()) }
}

impl Node {
    fn of(raw: Raw, findings: &mut Vec<Finding>) -> Self {
        let at = at(&raw.0);
        let value = match raw.0.value {
            RawValue::Scalar(value) => value,
            RawValue::Refused(why, text) => {
                findings.push(Finding::unreadable(at, why, "put the value in quotes, such as \"3.10\""));
                Value::Text(text)
            }
            RawValue::List(items) => Value::List(items.into_iter().map(|item| Self::of(item, findings)).collect()),
            RawValue::Map(entries) => {
                let mut entry = |(key, value): (Spanned<String>, Raw)| {
                    (Key { at: self::at(&key), text: key.value }, Self::of(value, findings))
                };
                Value::Map(entries.into_iter().map(&mut entry).collect())
            }
        };
        Self { at, value }
    }
}

/// A typed reading that failed, at the innermost place known.
#[derive(Debug)]
pub struct Wrong {
    at: At,
    what: String,
    sort: Sort,
    /// The name that was probably meant.
    near: Option<String>,
    next: Option<&'static str>,
}

/// What a typed reading failed about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sort {
    /// A value, at its place.
    Value,
    /// A key that does not belong there, at its place.
    Key,
    /// A key that is missing, of the map at that place.
    Missing(&'static str),
}

impl Wrong {
    fn new(what: String) -> Self {
        Self { at: At::default(), what, sort: Sort::Value, near: None, next: None }
    }

    /// A key that is none of those that are known.
    pub(super) fn key(name: &str, known: &[&str]) -> Self {
        let near = nearest(name, known.iter().copied()).map(str::to_owned);
        let next = if known.is_empty() { "remove it" } else { "correct or remove the key" };
        Self { sort: Sort::Key, near, next: Some(next), ..Self::new(words::unknown_key(name, known)) }
    }

    /// Where it is.
    pub(super) fn at(&self) -> At {
        self.at
    }

    /// What it is about.
    pub(super) fn sort(&self) -> &Sort {
        &self.sort
    }

    /// With what to do about it.
    pub(super) fn into_finding(self) -> Finding {
        match self.sort {
            Sort::Missing(name) => Finding::missing(self.at, name),
            Sort::Value | Sort::Key => {
                let next = self.next.unwrap_or("correct the value");
                Finding::unknown(self.at, self.what, self.near.as_deref(), next)
            }
        }
    }

    pub(super) fn or_at(mut self, at: At) -> Self {
        if self.at == At::default() {
            self.at = at;
        }
        self
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::new(what.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        de::Error::custom(format!("expected {}, found {}", words::wanted(&wanted.to_string()), words::found(found)))
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::invalid_type(found, wanted)
    }

    fn invalid_length(length: usize, wanted: &dyn Expected) -> Self {
        let wanted = words::wanted(&wanted.to_string());
        de::Error::custom(format!("expected {wanted}, found a list of {length}"))
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        let near = nearest(name, known.iter().copied()).map(str::to_owned);
        let what = format!("unknown value `{}`, known are {}", name.shown(), known.join(", "));
        Self { near, ..Self::new(what) }
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::key(name, known)
    }

    fn missing_field(name: &'static str) -> Self {
        Self { sort: Sort::Missing(name), ..Self::new(format!("`{name}` is missing")) }
    }

    fn duplicate_field(name: &'static str) -> Self {
        de::Error::custom(format!("`{name}` stands twice"))
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(*truth),
            Value::Int(number) => visitor.visit_i64(*number),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Map(entries) => visitor.visit_map(Entries { entries: entries.iter(), value: None }),
        }
        .map_err(|wrong| wrong.or_at(self.at))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    /// Where text is wanted, an unquoted number or truth value is meant as written.
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.value {
            Value::Int(number) => visitor.visit_string(number.to_string()),
            Value::Bool(truth) => visitor.visit_string(truth.to_string()),
            _ => self.deserialize_any(visitor),
        }
        .map_err(|wrong| wrong.or_at(self.at))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_string(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let _ = name;
        match &self.value {
            Value::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Value::Map(entries) if entries.len() == 1 => {
                let (key, value) = &entries[0];
                visitor.visit_enum(Variant { key, value })
            }
            other => {
                Err(de::Error::custom(format!("expected one of {}, found {}", variants.join(", "), other.shown())))
            }
        }
        .map_err(|wrong: Wrong| wrong.or_at(self.at))
    }

    /// Values have names: a list is none of them in their order.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match &self.value {
            Value::List(_) => Err(Wrong::new("expected a map, found a list".to_owned()).or_at(self.at)),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

struct Items<'de>(std::slice::Iter<'de, Node>);

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = Wrong;
    fn next_element_seed<S: de::DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        self.0.next().map(|item| seed.deserialize(item).map_err(|wrong| wrong.or_at(item.at))).transpose()
    }
}

struct Entries<'de> {
    entries: std::slice::Iter<'de, (Key, Node)>,
    value: Option<&'de Node>,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = Wrong;
    fn next_key_seed<S: de::DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some(value);
        let text: de::value::StrDeserializer<'_, Wrong> = key.text.as_str().into_deserializer();
        seed.deserialize(text).map(Some).map_err(|wrong| wrong.or_at(key.at))
    }
    fn next_value_seed<S: de::DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        let value = self.value.take().ok_or_else(|| de::Error::custom("a value without a key"))?;
        seed.deserialize(value).map_err(|wrong| wrong.or_at(value.at))
    }
}

struct Variant<'de> {
    key: &'de Key,
    value: &'de Node,
}

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = Wrong;
    type Variant = &'de Node;
    fn variant_seed<S: de::DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, &'de Node), Wrong> {
        let text: de::value::StrDeserializer<'_, Wrong> = self.key.text.as_str().into_deserializer();
        seed.deserialize(text).map(|name| (name, self.value)).map_err(|wrong| wrong.or_at(self.key.at))
    }
}

impl<'de> de::VariantAccess<'de> for &'de Node {
    type Error = Wrong;
    fn unit_variant(self) -> Result<(), Wrong> {
        <()>::deserialize(self)
    }
    fn newtype_variant_seed<S: de::DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Wrong> {
        seed.deserialize(self)
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_any(visitor)
    }
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Wrong> {
        // serde_derive ignores unknown fields of struct variants without a rule of their own; `{}` actions have none.
        if let Value::Map(entries) = &self.value
            && let Some((key, _)) = entries.iter().find(|(key, _)| !fields.contains(&key.text.as_str()))
        {
            return Err(Wrong::key(&key.text, fields).or_at(key.at));
        }
        self.deserialize_any(visitor)
    }
}
