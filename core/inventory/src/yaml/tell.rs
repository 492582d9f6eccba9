//! Which texts are YAML inventories: those of which Ansible's YAML plugin makes one, which is asked before that for INI.

use crate::model::value::Value;
use crate::yaml::document::Document;

/// Whether the text of an inventory is YAML.
///
/// What can be read as a map is, whatever its keys are called. What cannot be read is YAML if it begins as YAML does, so
/// that it is not taken for odd lines of INI.
pub(crate) fn is_yaml(text: &str) -> bool {
    // A section: no map of YAML begins so, since a list is no key.
    let begin = text.trim_start_matches('\u{feff}').trim_start();
    if begin.is_empty() || begin.starts_with('[') {
        return false;
    }
    match Document::parse(text).and_then(|document| document.value()) {
        // A line of INI may be a map of one text, as `h x='a: b'` is.
        Ok(Value::Map(pairs)) => {
            let group = |value: &Value| matches!(value, Value::Map(_) | Value::Null);
            pairs.iter().any(|(_, value)| group(value)) || looks_so(text)
        }
        Ok(_) => begin.starts_with("---") || begin.starts_with("%YAML"),
        Err(_) => looks_so(text),
    }
}

/// Whether the first line that counts opens a document or a map.
fn looks_so(text: &str) -> bool {
    let lines = text.lines().map(|line| line.strip_prefix('\u{feff}').unwrap_or(line));
    let first = lines.map(str::trim_end).find(|line| !line.is_empty() && !line.trim_start().starts_with(['#', ';']));
    first.is_some_and(|line| {
        let code = line.split(" #").next().unwrap_or(line).trim_end();
        let is_key = |key: &str| !key.is_empty() && !key.contains(['=', ' ', '[', ']']);
        line == "---"
            || line.starts_with("--- ")
            || line.starts_with('{')
            || line.starts_with("%YAML")
            || code.strip_suffix(':').is_some_and(is_key)
            || line.split_once(": ").is_some_and(|(key, _)| is_key(key))
    })
}
