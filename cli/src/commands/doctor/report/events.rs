//! The last events that were kept of a run, with stand-ins for what people named.
//!
//! Each field is dealt with by its name, and one that is not known here is left out: what is told there tomorrow may be
//! anything.

use super::redact::{Redactor, Sort};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// How a field's text is shown.
enum Shown {
    /// As it is: words of ours, ids.
    Plain,
    /// A name of that sort.
    Name(Sort),
    /// A text with names in it.
    Text,
    /// A path of the API.
    Path,
}

fn of(field: &str) -> Option<Shown> {
    Some(match field {
        "action" | "answer" | "asks" | "came" | "cause" | "decision" | "end" | "ended" | "ending" | "next" | "rule"
        | "verb" | "verdict" | "why" | "word" | "world" | "job" | "run" | "takes_back" | "file" => Shown::Plain,
        "host" => Shown::Name(Sort::Host),
        "namespace" | "pod" => Shown::Name(Sort::Name),
        "step" | "resource" | "runbook" => Shown::Text,
        "path" => Shown::Path,
        _ => return None,
    })
}

/// The names that events tell, so that they are known before anything is shown.
pub(super) fn learn(bytes: &[u8], names: &mut Redactor) {
    for event in all(bytes) {
        for (field, value) in fields(&event) {
            let Some(text) = value.as_str() else { continue };
            match of(field) {
                Some(Shown::Name(sort)) if text != "(this machine)" => names.learn(sort, text),
                Some(Shown::Text) if field == "resource" => learn_resource(text, names),
                _ => {}
            }
        }
    }
}

/// A Node's key names it, and it may be no host's name.
pub(super) fn learn_resource(key: &str, names: &mut Redactor) {
    if let Some((name, _)) = key.strip_prefix("node/").and_then(|rest| rest.rsplit_once('@')) {
        names.learn(Sort::Host, name);
    }
}

/// The events for people.
pub(super) fn text(bytes: &[u8], names: &mut Redactor) -> String {
    let mut out = String::new();
    for event in all(bytes) {
        let word = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        if let Some(before) = event.get("before").and_then(Value::as_u64) {
            if before > 0 {
                let _ = writeln!(out, "({before} events before these are gone)");
            }
            continue;
        }
        // What is told is ours: a text of the program.
        let _ = write!(out, "{} {:<5} {}: {}", word("time"), word("level"), word("target"), word("message"));
        let mut told: Vec<String> = Vec::new();
        for (name, value) in fields(&event) {
            if told.iter().any(|known| known == name) {
                continue;
            }
            told.push(name.to_owned());
            let _ = write!(out, " {name}={}", shown(name, value, names));
        }
        out.push('\n');
    }
    out
}

fn shown(field: &str, value: &Value, names: &mut Redactor) -> String {
    let text = match value {
        Value::Number(number) => return number.to_string(),
        Value::Bool(flag) => return flag.to_string(),
        Value::String(text) => text,
        Value::Null | Value::Array(_) | Value::Object(_) => return "(left out)".to_owned(),
    };
    match of(field) {
        Some(Shown::Plain) => text.clone(),
        Some(Shown::Name(_)) if text == "(this machine)" => "this-machine".to_owned(),
        Some(Shown::Name(sort)) => names.name(sort, text),
        Some(Shown::Text) => names.text(text),
        Some(Shown::Path) => path(text, names),
        None => "(left out)".to_owned(),
    }
}

/// A path of the API: kinds stay, names of objects do not.
fn path(path: &str, names: &mut Redactor) -> String {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    // `/api/v1/...` or `/apis/GROUP/VERSION/...`; behind that kinds and names take turns.
    let head = match parts.first() {
        Some(&"api") => 2,
        Some(&"apis" | &"oapi") => 3,
        _ => parts.len(),
    };
    let shown = parts.iter().enumerate().map(|(at, part)| match at.checked_sub(head) {
        Some(behind) if behind % 2 == 1 => {
            let sort = if parts.get(at - 1) == Some(&"nodes") { Sort::Host } else { Sort::Name };
            names.name(sort, part)
        }
        _ => (*part).to_owned(),
    });
    format!("/{}", shown.collect::<Vec<_>>().join("/"))
}

fn all(bytes: &[u8]) -> impl Iterator<Item = Map<String, Value>> {
    // A last line that was cut is no object.
    String::from_utf8_lossy(bytes)
        .into_owned()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect::<Vec<_>>()
        .into_iter()
}

/// The fields of an event and of the spans around it, the nearest first.
fn fields(event: &Map<String, Value>) -> Vec<(&str, &Value)> {
    let own = event.get("fields").and_then(Value::as_object).into_iter();
    let spans = event.get("spans").and_then(Value::as_array).into_iter().flatten().rev().filter_map(Value::as_object);
    let all = own.chain(spans).flat_map(|fields| fields.iter());
    all.filter(|(name, _)| *name != "name").map(|(name, value)| (name.as_str(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_that_is_not_known_is_left_out_and_names_are_replaced() {
        let event = json!({
            "time": "T", "level": "debug", "target": "palinode_executors::ssh", "message": "host answered",
            "fields": { "bytes_in": 12, "surprise": "hunter2", "host": "db1.example.com", "asks": "p_status" },
            "spans": [{ "name": "run", "run": "00ff" }, { "name": "step", "step": "db1.example.com/stop" }],
        });
        let head = json!({ "palinode": "0.1.0", "run": "00ff", "before": 3 });
        let bytes = format!("{head}\n{event}\n{{\"cut");
        let mut names = Redactor::default();
        learn(bytes.as_bytes(), &mut names);
        let text = text(bytes.as_bytes(), &mut names);
        assert!(
            text.starts_with("(3 events before these are gone)\nT debug palinode_executors::ssh: host answered"),
            "{text}"
        );
        for word in
            ["host=host-1", "step=host-1/stop", "bytes_in=12", "surprise=(left out)", "run=00ff", "asks=p_status"]
        {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(!text.contains("db1") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn names_in_a_path_of_the_api_are_replaced() {
        let mut names = Redactor::default();
        for (asked, shown) in [
            ("/version", "/version"),
            ("/api/v1/nodes", "/api/v1/nodes"),
            ("/api/v1/nodes/db1.example.com", "/api/v1/nodes/host-1"),
            ("/api/v1/namespaces/shop/pods/web-1/eviction", "/api/v1/namespaces/name-1/pods/name-2/eviction"),
            ("/apis/apps/v1/namespaces/shop/daemonsets", "/apis/apps/v1/namespaces/name-1/daemonsets"),
        ] {
            assert_eq!(path(asked, &mut names), shown);
        }
    }
}
