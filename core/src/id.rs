//! Identifiers: hashes, numbers and validated names, each its own type.

use crate::shown::{Shown as _, is_bidi};
use blake3::hazmat::HasherExt;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A character, in words where it cannot be seen.
fn named(c: char) -> String {
    match c {
        '\n' | '\r' => "a line break".to_owned(),
        '\t' => "a tab".to_owned(),
        ' ' => "a blank".to_owned(),
        c => c.to_string().shown(),
    }
}

/// Why a text is not a valid identifier. Reads after "cannot use `x` as ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    /// The text is empty.
    #[error("it is empty")]
    Empty,
    /// The text is longer than the limit in bytes.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// A character that the identifier's alphabet lacks; shown escaped.
    #[error("it contains {}, allowed are {allowed}", named(*.found))]
    BadChar {
        /// The first character that is not allowed.
        found: char,
        /// The alphabet in words.
        allowed: &'static str,
    },
    /// A part begins or ends with a character that may only stand inside.
    #[error("a part of it begins or ends with a dot or a dash, or is empty")]
    BadPart,
    /// Not the hexadecimal form of a hash of that length.
    #[error("it is not {0} hexadecimal digits")]
    NotHex(usize),
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], BadId> {
    let bytes = text.as_bytes();
    if bytes.len() != 2 * N {
        return Err(BadId::NotHex(2 * N));
    }
    let mut out = [0; N];
    for (slot, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
        match (hex_digit(pair[0]), hex_digit(pair[1])) {
            (Some(high), Some(low)) => *slot = high << 4 | low,
            _ => return Err(BadId::NotHex(2 * N)),
        }
    }
    Ok(out)
}

/// Reads exactly so many bytes without keeping them anywhere in between.
struct Fixed<const N: usize>;

impl<const N: usize> de::Visitor<'_> for Fixed<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}

/// Reads a byte string, and nothing else that could pass for one: an array of small numbers would be a second form.
pub(crate) fn byte_string<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    struct Bytes;
    impl de::Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a byte string")
        }

        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_owned())
        }
    }
    from.deserialize_bytes(Bytes)
}

/// Reads a text and makes a name of it, from the reader's own bytes where it lends them.
struct Named<T>(fn(&str) -> Result<T, BadId>);

impl<T> de::Visitor<'_> for Named<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

/// Fixed-size byte identifiers: MessagePack bin in stored forms, lower-case hexadecimal for people and JSON.
macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $size:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $size]);

        impl $name {
            /// The first eight hexadecimal digits: how people see it.
            pub fn short(&self) -> String {
                self.to_string()[..8].to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                parse_hex(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                if to.is_human_readable() {
                    to.collect_str(self)
                } else {
                    to.serialize_bytes(&self.0)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                if from.is_human_readable() {
                    String::deserialize(from)?.parse().map_err(de::Error::custom)
                } else {
                    from.deserialize_bytes(Fixed::<$size>).map(Self)
                }
            }
        }
    };
}

byte_id!(
    /// One execution of a plan. Chosen at random by whoever opens the run.
    RunId, 8);
byte_id!(
    /// BLAKE3 of an entry's stored bytes; the content address of one record.
    EntryId, 32);
byte_id!(
    /// BLAKE3 of a blob's stored bytes (the ciphertext, for sealed bodies).
    BlobId, 32);
byte_id!(
    /// Keyed digest of a body's plaintext, under the data key of its run: equal bodies have equal ids within
    /// one run and its rollbacks, and nobody without the key can guess the content from it.
    BodyId, 32);
byte_id!(
    /// Digest of a plan's canonical bytes.
    PlanDigest, 32);

/// A context of BLAKE3's derive-key mode, hashed once and not for every value: entries are named by the million.
#[derive(Debug)]
pub struct Context(blake3::hazmat::ContextKey);

impl Context {
    /// The context of this name, which must be a constant of the program.
    pub fn new(name: &str) -> Self {
        Self(blake3::hazmat::hash_derive_key_context(name))
    }

    /// The same as `blake3::derive_key` with that name.
    pub fn hash(&self, bytes: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_from_context_key(&self.0);
        hasher.update(bytes);
        *hasher.finalize().as_bytes()
    }
}

/// Position of an entry in the journal, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Seq(pub u64);

/// How many drivers have owned the journal so far; each take-over adds one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// The how-manieth try of a step, from 1.
pub type Attempt = u32;

/// UTC time in microseconds since 1970; in a lab run this is the world's virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// A span of whole seconds, in microseconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// This time moved by a span; stays at the ends of the range instead of wrapping.
    pub const fn plus(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The span from `earlier` to this time.
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Validated names: safe in a shell word, a path segment and a terminal by construction. A clone shares the text: names
/// stand in every entry, and the fold keeps many of them.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text and takes it.
            pub fn new(text: impl AsRef<str>) -> Result<Self, BadId> {
                let text = text.as_ref();
                $check(text)?;
                Ok(Self(text.into()))
            }

            /// As it is written in runbooks, logs and stored forms.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::new(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_str(Named(|text| Self::new(text)))
            }
        }
    };
}

fn check_chars(text: &str, limit: usize, allowed: &'static str, ok: impl Fn(char) -> bool) -> Result<(), BadId> {
    if text.is_empty() {
        return Err(BadId::Empty);
    }
    if text.len() > limit {
        return Err(BadId::TooLong(limit));
    }
    match text.chars().find(|found| !ok(*found)) {
        Some(found) => Err(BadId::BadChar { found, allowed }),
        None => Ok(()),
    }
}

fn check_host(text: &str) -> Result<(), BadId> {
    // An address of IPv6 is safe wherever a name is.
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok(());
    }
    check_chars(text, 253, "letters, digits, dot, dash and underscore", |c| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
    })?;
    if text.split('.').any(|part| part.is_empty() || part.starts_with('-') || part.ends_with('-')) {
        return Err(BadId::BadPart);
    }
    Ok(())
}

fn check_step(text: &str) -> Result<(), BadId> {
    check_chars(text, 512, "letters, digits, dot, dash, underscore, colon, @ and slash", |c| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '/' | '@')
    })?;
    if text.split('/').any(|part| part.is_empty() || part.starts_with('-')) {
        return Err(BadId::BadPart);
    }
    Ok(())
}

/// What a [`Label`] looks like, as a regular expression.
pub const LABEL: &str = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$";

fn check_label(text: &str) -> Result<(), BadId> {
    check_chars(text, 64, "letters, digits, dash and underscore", |c| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
    })?;
    if text.starts_with('-') { Err(BadId::BadPart) } else { Ok(()) }
}

fn check_key(text: &str) -> Result<(), BadId> {
    // Nearly every key is plain ASCII, and keys are read by the million.
    if (1..=4096).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Ok(());
    }
    check_chars(text, 4096, "printable characters", |c| !c.is_control() && !is_bidi(c))
}

name!(
    /// An inventory host name. Inventory names are not API node names; the mapping is a recorded fact.
    HostName, check_host);
name!(
    /// Stable path of a step such as `gluster1.demo/stop-runtime/crio`.
    StepPath, check_step);
name!(
    /// Name of a step, a parameter or a capture inside a runbook.
    Label, check_label);
name!(
    /// Stable key of a resource such as `gluster1.demo/unit/crio`; see [`crate::resource`].
    ResourceKey, check_key);

impl JsonSchema for Label {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Label")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "label", "pattern": LABEL })
    }
}

impl JsonSchema for HostName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("HostName")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "host", "pattern": "^([A-Za-z0-9_][A-Za-z0-9._-]*|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]+)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_refuse_what_a_shell_or_terminal_would_act_on() {
        for bad in [
            "",
            "a b",
            "a;b",
            "a:22",
            "::1%eth0",
            "[::1]",
            "1::2::3",
            "$(x)",
            "a\u{1b}[2J",
            "-rf",
            "a..b",
            "x\n",
            "a\u{202e}b",
            "é",
        ] {
            assert!(HostName::new(bad).is_err(), "{bad:?}");
        }
        for good in ["gluster1.demo", "a", "10.0.0.1", "node_1.example.com", "2001:db8::1", "::1", "::ffff:10.0.0.1"] {
            assert!(HostName::new(good).is_ok(), "{good}");
        }
        assert!(StepPath::new("gluster1.demo/stop-runtime/crio").is_ok());
        assert!(StepPath::new("2001:db8::1/stop-runtime").is_ok());
        for bad in ["a//b", "/a", "a/-b", "a b", "a\u{7}"] {
            assert!(StepPath::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_context_hashes_like_the_library() {
        assert_eq!(Context::new("a context").hash(b"bytes"), blake3::derive_key("a context", b"bytes"));
    }

    #[test]
    fn hex_forms_round_trip_and_refuse_the_rest() {
        let run = RunId([0, 1, 2, 0xab, 0xcd, 0xef, 0xff, 9]);
        assert_eq!(run.to_string(), "000102abcdefff09");
        assert_eq!("000102abcdefff09".parse(), Ok(run));
        for bad in ["", "00", "000102ABCDEFFF09", "000102abcdefff0g", "000102abcdefff0é"] {
            assert!(bad.parse::<RunId>().is_err(), "{bad}");
        }
    }
}
