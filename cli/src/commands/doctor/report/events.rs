//! The last events that were kept of a run, with stand-ins for what people named.
//!
//! Each field is dealt with by its name, and one that is not known here is left out: what is told there tomorrow may be
//! anything.

use super::redact::{Redactor, Sort};
use crate::render::escape;
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
    /// A key of a resource.
    Resource,
    /// A path of the API.
    Path,
}

fn of(field: &str) -> Option<Shown> {
    Some(match field {
        "action" | "answer" | "asks" | "came" | "cause" | "decision" | "end" | "ended" | "ending" | "next" | "rule"
        | "verb" | "verdict" | "why" | "word" | "world" | "job" | "run" | "takes_back" => Shown::Plain,
        "host" => Shown::Name(Sort::Host),
        "namespace" | "pod" => Shown::Name(Sort::Name),
        "resource" => Shown::Resource,
        // A panic in a dependency names a file below somebody's home.
        "step" | "runbook" | "file" => Shown::Text,
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
                Some(Shown::Resource) => learn_resource(text, names),
                _ => {}
            }
        }
    }
}

/// The names in the key of a resource of the cluster: those of Nodes may be no host's name.
pub(super) fn learn_resource(key: &str, names: &mut Redactor) {
    let parts = key.strip_suffix(CLUSTER).map(in_cluster).unwrap_or_default();
    for (sort, part) in parts.into_iter().filter_map(|(sort, part)| Some((sort?, part))) {
        names.learn(sort, part);
    }
}

/// What the keys of the cluster's resources end in.
const CLUSTER: &str = "@cluster";

/// The parts of such a key, and what those are the names of that are names.
fn in_cluster(key: &str) -> Vec<(Option<Sort>, &str)> {
    let parts: Vec<&str> = key.split('/').collect();
    let sort = |at: usize| match parts.first() {
        _ if at == 0 || parts[at] == "-" => None,
        Some(&("node" | "pods")) => Some(Sort::Host),
        // `object/API/KIND/NAMESPACE/NAME`, and an API may hold a slash.
        Some(&"object") => (at + 2 >= parts.len()).then_some(Sort::Name),
        _ => Some(Sort::Name),
    };
    parts.iter().enumerate().map(|(at, part)| (sort(at), *part)).collect()
}

/// The key of a resource: what kind it is stays, which one it is does not.
fn resource(key: &str, names: &mut Redactor) -> String {
    let Some(inside) = key.strip_suffix(CLUSTER) else { return names.text(key) };
    let mut name =
        |(sort, part): (Option<Sort>, &str)| sort.map_or_else(|| part.to_owned(), |sort| names.name(sort, part));
    let parts: Vec<String> = in_cluster(inside).into_iter().map(&mut name).collect();
    format!("{}{CLUSTER}", parts.join("/"))
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
        let mut line = String::new();
        let _ = write!(line, "{} {:<5} {}: {}", word("time"), word("level"), word("target"), word("message"));
        let mut told: Vec<String> = Vec::new();
        for (name, value) in fields(&event) {
            if told.iter().any(|known| known == name) {
                continue;
            }
            told.push(name.to_owned());
            let _ = write!(line, " {name}={}", shown(name, value, names));
        }
        // The file is read as it lies on the disk, and who could write there could write anything.
        out.push_str(&escape(&line));
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
        Some(Shown::Resource) => resource(text, names),
        Some(Shown::Path) => path(text, names),
        None => "(left out)".to_owned(),
    }
}

/// A path of the API: kinds stay, names of objects do not.
fn path(path: &str, names: &mut Redactor) -> String {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    // `/api/v1/...` or `/apis/GROUP/VERSION/...`; behind that kinds and names take turns.
    let head = match parts.first() {
        Some(&"api" | &"oapi") => 2,
        Some(&"apis") => 3,
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
            "fields": { "file": "cli/src/run/session.rs", "bytes_in": 12, "surprise": "hunter2", "host": "db1.example.com", "asks": "p_status" },
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
        for word in [
            "host=host-1",
            "step=host-1/stop",
            "bytes_in=12",
            "surprise=(left out)",
            "run=00ff",
            "asks=p_status",
            "file=cli/src/run/session.rs",
        ] {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(!text.contains("db1") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn names_in_keys_of_resources_are_replaced() {
        let mut names = Redactor::default();
        for (key, shown) in [
            ("node/db1.example.com@cluster", "node/host-1@cluster"),
            ("pods/db1.example.com@cluster", "pods/host-1@cluster"),
            ("pod/shop/web-1@cluster", "pod/name-1/name-2@cluster"),
            ("configmap/shop/settings@cluster", "configmap/name-1/name-3@cluster"),
            ("object/apps/v1/DaemonSet/shop/agent@cluster", "object/apps/v1/DaemonSet/name-1/name-4@cluster"),
            ("object/v1/PersistentVolume/-/disk@cluster", "object/v1/PersistentVolume/-/name-5@cluster"),
            ("csr/csr-x1@cluster", "csr/name-6@cluster"),
            ("db1.example.com/unit/crio", "host-1/unit/crio"),
        ] {
            learn_resource(key, &mut names);
            assert_eq!(resource(key, &mut names), shown);
        }
    }

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        let event = json!({
            "time": "T\u{1b}[2J", "level": "debug", "target": "t", "message": "m\u{1b}]0;x\u{7}",
            "fields": { "why": "a\nb\u{202e}", "bad\u{1b}name": 1 }, "spans": [],
        });
        let text = text(event.to_string().as_bytes(), &mut Redactor::default());
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert!(!text.trim_end().chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
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
