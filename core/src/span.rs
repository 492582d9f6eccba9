//! Spans of time as people write them: `90s`, `15m`, `2h`.

use crate::id::Micros;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A whole number of seconds; written `90s`, `15m`, `2h`, or a bare number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u32);

impl Span {
    /// That many seconds.
    pub const fn seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// As long in the unit that entries count time in.
    pub const fn micros(self) -> Micros {
        Micros::seconds(self.0 as i64)
    }
}

impl FromStr for Span {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "expected a span of time such as 90s, 15m or 2h";
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let number: u32 = text[..split].parse().map_err(|_| WRONG)?;
        let unit = match &text[split..] {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(WRONG),
        };
        number.checked_mul(unit).map(Self).ok_or("the span of time is too long")
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            s if s >= 3600 && s % 3600 == 0 => write!(f, "{}h", s / 3600),
            s if s >= 60 && s % 60 == 0 => write!(f, "{}m", s / 60),
            s => write!(f, "{s}s"),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Span;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a span of time such as 90s, 15m or 2h")
            }
            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Span, E> {
                u32::try_from(seconds).map(Span).map_err(|_| E::custom("the span of time is too long"))
            }
            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Span, E> {
                u32::try_from(seconds).map(Span).map_err(|_| E::custom("a span of time cannot be negative"))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }
        from.deserialize_any(Visitor)
    }
}

impl JsonSchema for Span {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Span")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let (format, unit, pattern) = ("span", "90s, 15m or 2h; a bare number is seconds", "^[0-9]+[smh]?$");
        json_schema!({ "type": ["string", "integer"], "format": format, "x-unit": unit, "pattern": pattern, "minimum": 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn reads_what_people_write() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("2h", 7200), ("7", 7), ("0", 0)] {
            assert_eq!(text.parse(), Ok(Span::seconds(seconds)), "{text}");
        }
        for bad in ["", "m", "1d", "-1s", "1.5m", "99999999h", "1 m"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
        assert_eq!(Span::seconds(900).to_string(), "15m");
    }
}
