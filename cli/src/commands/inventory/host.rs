//! `palinode inventory host`: each variable of a host, who says it, and what that overrides.

use super::source::{Source, layer, place, read, shown, unknown};
use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::render::{escape, print_json, to_stdout};
use palinode_core::inventory::model::{Said, Setting};
use serde_json::{Value, json};
use std::fmt::Write as _;

pub(crate) fn host(args: &Args, source: &Source, host: &str) -> Result<Exit, Failure> {
    let reading = read(source)?;
    if !reading.has_host(host) {
        return Err(unknown("host", host, source));
    }
    let (groups, settings) = (reading.groups_of(host), reading.settings(host));
    if args.output == Output::Json {
        let variables: serde_json::Map<String, Value> =
            settings.iter().map(|setting| (setting.name.to_owned(), in_json(setting))).collect();
        print_json(&json!({ "host": host, "groups": groups, "variables": variables }));
        return Ok(Exit::Done);
    }
    let mut out = format!("{} in {}\n", escape(host), escape(&groups.join(", ")));
    for setting in &settings {
        let said = &setting.said;
        let _ = writeln!(out, "\n{} = {}", escape(setting.name), shown(said.value, 2000));
        let _ = writeln!(out, "  {} ({})", place(said), layer(said.layer));
        for weaker in setting.overrides.iter().rev() {
            let _ =
                writeln!(out, "  overrides {} ({}): {}", place(weaker), layer(weaker.layer), shown(weaker.value, 60));
        }
    }
    to_stdout(&out);
    Ok(Exit::Done)
}

fn in_json(setting: &Setting<'_>) -> Value {
    let said = |said: &Said<'_>| {
        let mut text = String::new();
        said.value.print(None, &mut text);
        // What is no number in JSON is told as a text.
        let value: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        json!({ "value": value, "file": said.file, "line": said.line, "from": layer(said.layer) })
    };
    let mut value = said(&setting.said);
    if let Some(object) = value.as_object_mut() {
        object.insert("overrides".to_owned(), setting.overrides.iter().rev().map(said).collect());
    }
    value
}
