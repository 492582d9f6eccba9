//! Secrets that a runbook names and does not hold: each is read on the machine that Palinode runs on when its step begins,
//! and stands in no plan, no entry and no body.

use crate::shown::Shown as _;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Where a secret is, and how it is handed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// `file:PATH`, or `env:NAME`: on the machine that Palinode runs on.
    pub secret: String,
    /// Where others on the target may see it. Without this they cannot: it comes by standard input, or in a file that only
    /// root can read and that is gone with the command.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub shown: Option<Shown>,
}

/// Where a secret can be seen while a command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// Among the arguments of the command, which every user of the target can list.
    Argument,
    /// In the environment of the command.
    Environment,
}

/// The place that a secret is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// A file.
    File(&'a str),
    /// A variable of Palinode's own environment.
    Env(&'a str),
}

impl Secret {
    /// Where it is; none if that is neither form.
    pub fn source(&self) -> Option<Source<'_>> {
        if let Some(path) = self.secret.strip_prefix("file:") {
            return path.starts_with('/').then_some(Source::File(path));
        }
        self.secret.strip_prefix("env:").filter(|name| is_name(name)).map(Source::Env)
    }

    /// Whether it has a form that can be read, and is shown only where that is allowed.
    pub(super) fn check(&self, allowed: Option<Shown>, must: bool) -> Result<(), String> {
        let name = self.secret.shown();
        if self.secret.chars().any(char::is_control) || self.secret.len() > 4000 {
            return Err(format!("the secret `{name}` contains control characters or is too long"));
        }
        if !self.secret.contains("{{") && self.source().is_none() {
            return Err(format!("the secret `{name}` is neither `file:` with an absolute path nor `env:` with a name"));
        }
        match self.shown {
            Some(shown) if Some(shown) != allowed => {
                Err(format!("the secret `{name}` cannot be handed on `as: {shown}` in this place"))
            }
            None if must => Err(format!("the secret `{name}` would stand in the environment: say `as: environment`")),
            _ => Ok(()),
        }
    }
}

/// Whether a text names a variable of an environment.
pub(super) fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Argument => "argument",
            Self::Environment => "environment",
        })
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shown {
            Some(shown) => write!(f, "[secret {} as {shown}]", self.secret),
            None => write!(f, "[secret {}]", self.secret),
        }
    }
}

/// A word of a command or a value of a variable: a text, or a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// A text, which is public.
    Text(String),
    /// A secret.
    Secret(Secret),
}

impl Word {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Secret(_) => None,
        }
    }

    /// The secret, if it is one.
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Text(_) => None,
            Self::Secret(secret) => Some(secret),
        }
    }

    /// Words as people read them.
    pub fn join(words: &[Self]) -> String {
        words.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

impl From<String> for Word {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Secret(secret) => secret.fmt(f),
        }
    }
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Secret(secret) => secret.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Words)
    }
}

impl JsonSchema for Word {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Word")
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let secret = generator.subschema_for::<Secret>();
        json_schema!({ "anyOf": [{ "type": "string" }, secret] })
    }
}

struct Words;

impl<'de> Visitor<'de> for Words {
    type Value = Word;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or `{ secret: file:PATH }` or `{ secret: env:NAME }`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Word, E> {
        Ok(Word::Text(text.to_owned()))
    }

    // An unquoted number or truth value is meant as written.
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Word, E> {
        Ok(Word::Text(number.to_string()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Word, E> {
        Ok(Word::Text(number.to_string()))
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Word, E> {
        Ok(Word::Text(truth.to_string()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Word, A::Error> {
        Secret::deserialize(de::value::MapAccessDeserializer::new(map)).map(Word::Secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_stored_as_the_text_that_it_is_or_by_the_name_of_its_secret() {
        let secret = |text: &str, shown| Word::Secret(Secret { secret: text.to_owned(), shown });
        for (json, word, shown) in [
            ("\"a b\"", Word::Text("a b".to_owned()), "a b"),
            ("{\"secret\":\"file:/root/pw\"}", secret("file:/root/pw", None), "[secret file:/root/pw]"),
            (
                "{\"secret\":\"env:PW\",\"as\":\"argument\"}",
                secret("env:PW", Some(Shown::Argument)),
                "[secret env:PW as argument]",
            ),
        ] {
            let read: Word = serde_json::from_str(json).expect(json);
            assert_eq!(read, word);
            assert_eq!(serde_json::to_string(&read).expect("it is plain"), json);
            let stored = crate::canon::encode(&read).expect("it has a form");
            assert_eq!(crate::canon::decode::<Word>(&stored).expect("it is one"), word);
            assert_eq!(word.to_string(), shown);
        }
        // As a text was stored before words could be secrets.
        assert_eq!(crate::canon::encode(&Word::Text("x".to_owned())).ok(), crate::canon::encode(&"x".to_owned()).ok());
        assert!(serde_json::from_str::<Word>("{\"secret\":\"env:A\",\"as\":\"x\"}").is_err());
        assert!(serde_json::from_str::<Word>("{\"secrets\":\"env:A\"}").is_err());
    }

    #[test]
    fn a_secret_is_shown_only_where_the_runbook_says_so() {
        let check =
            |text: &str, shown, allowed, must| Secret { secret: text.to_owned(), shown }.check(allowed, must).is_ok();
        let (argument, environment) = (Some(Shown::Argument), Some(Shown::Environment));
        assert!(check("file:/a b", None, argument, false) && check("env:A_1", argument, argument, false));
        assert!(check("env:A", environment, environment, true) && check("file:{{ dir }}/x", None, None, false));
        for (text, shown, allowed, must) in [
            ("env:A", None, environment, true),
            ("env:A", argument, None, false),
            ("env:A", argument, environment, true),
            ("env:", None, None, false),
            ("env:1A", None, None, false),
            ("env:A-B", None, None, false),
            ("file:x", None, None, false),
            ("/x", None, None, false),
            ("file:/x\ny", None, None, false),
        ] {
            assert!(!check(text, shown, allowed, must), "{text}");
        }
    }
}
