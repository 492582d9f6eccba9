//! YAML as a person would write it: short values in one line, long ones below each other.

use palinode_core::shown::is_bidi;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Lines are kept this short, where they can be.
const WIDTH: usize = 110;

/// These keys come first, in this order, and those of `LAST` last.
const FIRST: [&str; 12] =
    ["unit", "units", "names", "paths", "from", "to", "path", "run", "namespace", "name", "group", "host"];
const LAST: [&str; 3] = ["state", "enabled", "undo"];

/// What a map's value looks like behind its key: on the same line, or on lines of their own.
pub(super) fn value(value: &Value, indent: usize, used: usize) -> String {
    let line = flow(value);
    if used + 1 + line.chars().count() <= WIDTH {
        return format!(" {line}\n");
    }
    let pad = " ".repeat(indent);
    let mut out = String::new();
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            out.push('\n');
            for (key, value) in sorted(entries) {
                let head = format!("{pad}{}:", scalar(key));
                let _ = write!(out, "{head}{}", self::value(value, indent + 2, head.chars().count()));
            }
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                let _ = writeln!(out, "{pad}- {}", flow(item));
            }
        }
        _ => {
            let _ = writeln!(out, " {line}");
        }
    }
    out
}

/// A value in one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let all = sorted(entries).into_iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value)));
            format!("{{ {} }}", all.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn sorted(entries: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let rank =
        |key: &str| match (FIRST.iter().position(|first| *first == key), LAST.iter().position(|last| *last == key)) {
            (Some(at), _) => at,
            (None, Some(at)) => 200 + at,
            (None, None) => 100,
        };
    let mut all: Vec<_> = entries.iter().collect();
    all.sort_by_key(|(key, _)| rank(key));
    all
}

/// A text, in quotes unless it can only be read as itself.
pub(super) fn scalar(text: &str) -> String {
    const WORDS: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "nan"];
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    let first = |c: char| c.is_ascii_alphabetic() || c == '/';
    let lower = text.to_ascii_lowercase();
    // A span of time.
    if text
        .strip_suffix(['s', 'm', 'h'])
        .is_some_and(|number| number.parse::<u32>().is_ok() && !number.starts_with('+'))
    {
        return text.to_owned();
    }
    if text.starts_with(first) && text.chars().all(plain) && text.len() > 1 && !WORDS.contains(&lower.as_str()) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || is_bidi(c) || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use palinode_core::runbook::node::Node;
    use serde_json::json;

    #[test]
    fn whatever_is_written_is_read_back() {
        let hostile = "a: b #c\n- \"d\"\t\\ \u{1b}[2J\u{202e}\u{85}{{ host }} 'e' %f &g *h !i |j >k @l `m` \u{1f980}";
        let values = [
            json!({ "run": ["/bin/sh", "-c", hostile], "changes": [], "x": { "y": true, "z": 3 } }),
            json!({ "names": (0..40).map(|number| format!("package-{number}")).collect::<Vec<_>>(), "state": "absent" }),
            json!([
                "", "~", "3.10", "010", "true", "No", "on", "null", "-", "-x", "0x1", "1e3", ".inf", "a:", "y", "=",
                "<<"
            ]),
            json!({ "a b": "c", "true": "d", "": "e", "on": [{ "f": "g" }, []] }),
        ];
        for written in values {
            let text = format!("key:{}", value(&written, 2, 4));
            assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || is_bidi(c)), "{text}");
            let read = Node::parse(&text).unwrap_or_else(|error| unreachable!("{error}: {text}"));
            let [(_, node)] = read.map("a map").expect("a map") else { unreachable!("one key: {text}") };
            let back: Value = node.read().unwrap_or_else(|error| unreachable!("{error}: {text}"));
            assert_eq!(back, written, "{text}");
        }
    }
}
