//! What is noted of an event: its fields, short and escaped, with those of the spans around it.

use super::options::Format;
use palinode_core::shown::is_bidi;
use serde_json::{Map, Value as Json};
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::SystemTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// So many characters of one text are noted.
const TEXT: usize = 256;

/// What stands for the rest of a longer one.
const MORE: &str = "...";

/// A field's value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Unsigned(u64),
    Signed(i64),
    Flag(bool),
    Text(String),
}

/// The fields of an event or a span. The message is one of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fields(pub(super) Vec<(&'static str, Value)>);

/// A span, and those around it.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) name: &'static str,
    pub(super) fields: Fields,
    pub(super) around: Option<Arc<Self>>,
}

/// An event.
#[derive(Debug)]
pub(super) struct Noted {
    at: SystemTime,
    level: Level,
    target: &'static str,
    fields: Fields,
    within: Option<Arc<Context>>,
}

/// Takes characters, escapes what a terminal would act on, and stops at a limit.
#[derive(Default)]
struct Short {
    text: String,
    count: usize,
}

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.count == TEXT {
                self.text.push_str(MORE);
            }
            self.count += 1;
            if self.count > TEXT {
                // Whoever writes may stop here.
                return Err(fmt::Error);
            }
            if c.is_control() || is_bidi(c) {
                self.text.extend(c.escape_default());
            } else {
                self.text.push(c);
            }
        }
        Ok(())
    }
}

/// A text as it is noted.
pub(crate) fn escaped(text: &str) -> String {
    let mut short = Short::default();
    let _ = short.write_str(text);
    short.text
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.push((field.name(), Value::Unsigned(value)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.push((field.name(), Value::Signed(value)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.push((field.name(), Value::Flag(value)));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), Value::Text(escaped(value))));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut short = Short::default();
        // It stops where the text is long enough.
        let _ = write!(short, "{value:?}");
        self.0.push((field.name(), Value::Text(short.text)));
    }
}

impl Noted {
    /// What is noted of an event that happened now.
    pub(super) fn of(event: &Event<'_>, within: Option<Arc<Context>>) -> Self {
        let mut fields = Fields(Vec::with_capacity(8));
        event.record(&mut fields);
        let meta = event.metadata();
        Self { at: SystemTime::now(), level: *meta.level(), target: meta.target(), fields, within }
    }

    /// The part of the program that tells it. What a file is called that only tells things says nothing.
    fn part(&self) -> &'static str {
        self.target.strip_suffix("::log").unwrap_or(self.target)
    }

    fn time(&self) -> chrono::DateTime<chrono::Utc> {
        self.at.into()
    }

    /// The spans around it, the outermost first.
    fn spans(&self) -> Vec<&Context> {
        let mut spans: Vec<&Context> =
            std::iter::successors(self.within.as_deref(), |one| one.around.as_deref()).collect();
        spans.reverse();
        spans
    }

    /// One line, with its end.
    pub(super) fn line(&self, format: Format) -> String {
        let mut line = match format {
            Format::Text => self.text(),
            Format::Json => self.json().to_string(),
        };
        line.push('\n');
        line
    }

    fn text(&self) -> String {
        let mut out = format!("{} {:<5} {}: ", self.time().format("%H:%M:%S%.6fZ"), self.level, self.part());
        let mut told: Vec<&str> = vec!["message"];
        if let Some((_, Value::Text(message))) = self.fields.0.iter().find(|(name, _)| *name == "message") {
            out.push_str(message);
        }
        let mut spans = self.spans();
        spans.reverse();
        // What is nearest counts: an event may name another host than the step that it belongs to.
        for (name, value) in
            std::iter::once(&self.fields).chain(spans.iter().map(|span| &span.fields)).flat_map(|all| &all.0)
        {
            if told.contains(name) {
                continue;
            }
            told.push(name);
            let _ = write!(out, " {name}={value}");
        }
        out
    }

    fn json(&self) -> Json {
        let message = self.fields.0.iter().find(|(name, _)| *name == "message").map(|(_, value)| value.json());
        let spans = self.spans().into_iter().map(|span| {
            let mut all = Map::from_iter([("name".to_owned(), Json::from(span.name))]);
            all.extend(span.fields.json());
            Json::Object(all)
        });
        serde_json::json!({
            "time": self.time().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
            "level": self.level.as_str().to_lowercase(),
            "target": self.part(),
            "message": message.unwrap_or_default(),
            "fields": Json::Object(self.fields.json().filter(|(name, _)| name != "message").collect()),
            "spans": spans.collect::<Vec<_>>(),
        })
    }
}

impl Fields {
    fn json(&self) -> impl Iterator<Item = (String, Json)> {
        self.0.iter().map(|(name, value)| ((*name).to_owned(), value.json()))
    }
}

impl Value {
    fn json(&self) -> Json {
        match self {
            Self::Unsigned(number) => Json::from(*number),
            Self::Signed(number) => Json::from(*number),
            Self::Flag(flag) => Json::from(*flag),
            Self::Text(text) => Json::from(text.as_str()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned(number) => number.fmt(f),
            Self::Signed(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Text(text) if !text.is_empty() && !text.contains([' ', '=', '"']) => f.write_str(text),
            Self::Text(text) => write!(f, "\"{}\"", text.replace('"', "\\\"")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_short_and_escaped() {
        assert_eq!(escaped("a\u{1b}[2Jb\n\u{9b}\u{202e}"), "a\\u{1b}[2Jb\\n\\u{9b}\\u{202e}");
        assert_eq!(escaped(&"x".repeat(TEXT)), "x".repeat(TEXT));
        assert_eq!(escaped(&"x".repeat(10_000)), format!("{}{MORE}", "x".repeat(TEXT)));
    }

    #[test]
    fn a_line_has_the_fields_of_the_spans_around_and_what_is_nearest_counts() {
        let text = |text: &str| Value::Text(text.to_owned());
        let run = Context { name: "run", fields: Fields(vec![("run", text("ab"))]), around: None };
        let host = Context {
            name: "host",
            fields: Fields(vec![("host", text("outer")), ("n", Value::Signed(-1))]),
            around: Some(Arc::new(run)),
        };
        let fields =
            vec![("message", text("it is told")), ("host", text("inner")), ("odd", text("a b\"c")), ("none", text(""))];
        let noted = Noted {
            at: SystemTime::UNIX_EPOCH,
            level: Level::DEBUG,
            target: "palinode_executors::ssh::log",
            fields: Fields(fields),
            within: Some(Arc::new(host)),
        };
        let line = noted.line(Format::Text);
        assert_eq!(
            line,
            "00:00:00.000000Z DEBUG palinode_executors::ssh: it is told host=inner odd=\"a b\\\"c\" none=\"\" n=-1 run=ab\n"
        );
        let json: Json = serde_json::from_str(&noted.line(Format::Json)).expect("one object");
        assert_eq!(json["spans"][0], serde_json::json!({ "name": "run", "run": "ab" }));
        assert_eq!(json["spans"][1], serde_json::json!({ "name": "host", "host": "outer", "n": -1 }));
        assert_eq!((&json["message"], &json["fields"]["host"]), (&"it is told".into(), &"inner".into()));
        assert_eq!((&json["level"], &json["time"]), (&"debug".into(), &"1970-01-01T00:00:00.000000Z".into()));
    }
}
