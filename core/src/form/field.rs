//! A field as the documentation tells of it, made from the schema that its type has.

use serde::Serialize;
use serde_json::{Map, Value};

/// A value that something takes, or a word that is one of several choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its name, as a runbook writes it.
    pub name: String,
    /// What it takes, in words: `text`, `span of time`, `list of text`.
    #[serde(rename = "type")]
    pub takes: String,
    /// In what a number counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether it must be given.
    pub required: bool,
    /// What it is if it is not given; none if something is left as it is then, or not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// What it does, in paragraphs.
    pub about: String,
    /// The values that it may have, if they are few.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Self>,
    /// The fields of the map that it takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Self>,
}

/// What a type takes: in words, with its choices and its fields.
#[derive(Default)]
struct Shape {
    takes: String,
    unit: Option<String>,
    choices: Vec<Field>,
    fields: Vec<Field>,
}

impl Field {
    /// A field from the schema of its type. `required` is what the map that it is in says.
    pub(crate) fn of(name: &str, schema: &Value, required: bool) -> Self {
        let Shape { takes, unit, choices, fields } = shape(schema);
        let default = match schema.get("default") {
            Some(Value::Null) => None,
            None if !required => empty(schema),
            given => given.cloned(),
        };
        Self { name: name.to_owned(), takes, unit, required, default, about: paragraphs(schema), choices, fields }
    }

    /// The fields of a map, those that must be given first.
    pub(super) fn all_of(schema: &Value) -> Vec<Self> {
        let required: Vec<&str> = array(schema, "required").iter().filter_map(Value::as_str).collect();
        let Some(Value::Object(properties)) = schema.get("properties") else { return Vec::new() };
        let mut all: Vec<Self> =
            properties.iter().map(|(name, schema)| Self::of(name, schema, required.contains(&name.as_str()))).collect();
        all.sort_by_key(|field| !field.required);
        all
    }

    /// A word that is one of several, and has nothing below it.
    fn word(word: &str, schema: &Value) -> Self {
        Self {
            name: word.to_owned(),
            takes: String::new(),
            unit: None,
            required: false,
            default: None,
            about: paragraphs(schema),
            choices: Vec::new(),
            fields: Vec::new(),
        }
    }

    /// The same of words that say nothing of themselves.
    fn words(all: &[Value]) -> impl Iterator<Item = Self> {
        all.iter().filter_map(Value::as_str).map(|word| Self::word(word, &Value::Null))
    }

    /// What it takes, with the words that it may be.
    pub fn kind(&self) -> String {
        let mut words: Vec<&str> = Vec::new();
        for choice in &self.choices {
            // One may stand alone, or as a map with its reason.
            if !words.contains(&choice.name.as_str()) {
                words.push(&choice.name);
            }
        }
        if words.is_empty() { self.takes.clone() } else { format!("{} {}", self.takes, words.join(", ")) }
    }

    /// Its default as a runbook would write it.
    pub fn default_text(&self) -> Option<String> {
        self.default.as_ref().map(written)
    }

    /// Its first sentence.
    pub fn summary(&self) -> &str {
        sentence(&self.about)
    }

    /// What is below it by that name: a field of its map, or one of its choices.
    pub fn below(&self, name: &str) -> Option<&Self> {
        self.fields.iter().chain(&self.choices).find(|field| field.name == name)
    }
}

/// The first sentence of a text.
pub fn sentence(text: &str) -> &str {
    let first = text.split("\n\n").next().unwrap_or(text);
    // `{ ... }` is no end of one.
    let end = first.match_indices(". ").find(|(at, _)| !first[..*at].ends_with('.'));
    end.map_or(first, |(at, _)| &first[..=at])
}

/// What serde's `default` without a function makes of a type that says nothing of it.
fn empty(schema: &Value) -> Option<Value> {
    match schema.get("type").and_then(Value::as_str)? {
        "boolean" => Some(Value::Bool(false)),
        "array" => Some(Value::Array(Vec::new())),
        "object" if schema.get("properties").is_none() => Some(Value::Object(Map::new())),
        _ => None,
    }
}

/// The description with each paragraph on one line.
pub(super) fn paragraphs(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let all = text.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    all.collect::<Vec<_>>().join("\n\n")
}

fn array<'a>(schema: &'a Value, key: &str) -> &'a [Value] {
    schema.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "null")
}

fn shape(schema: &Value) -> Shape {
    let name = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    if let Some(takes) = named(name) {
        let unit = schema.get("x-unit").and_then(Value::as_str).map(str::to_owned);
        return Shape { takes: takes.to_owned(), unit, ..Shape::default() };
    }
    if let Some(word) = schema.get("const").and_then(Value::as_str) {
        return Shape {
            takes: "one of".to_owned(),
            choices: vec![Field::word(word, &Value::Null)],
            ..Shape::default()
        };
    }
    let branches: Vec<&Value> =
        array(schema, "anyOf").iter().chain(array(schema, "oneOf")).filter(|branch| !is_null(branch)).collect();
    let unit = schema.get("x-unit").and_then(Value::as_str).map(str::to_owned);
    match branches.as_slice() {
        [] => {}
        [one] => return Shape { unit: unit.or_else(|| shape(one).unit), ..shape(one) },
        many if many.iter().all(|branch| is_choice(branch)) => return choices(many),
        many => {
            let mut all = Shape::default();
            let mut words = Vec::new();
            for branch in many {
                let one = shape(branch);
                words.push(one.takes);
                all.choices.extend(one.choices);
                all.fields.extend(one.fields);
            }
            all.takes = words.join(", or ");
            return all;
        }
    }
    let words = array(schema, "enum");
    if !words.is_empty() {
        return Shape { takes: "one of".to_owned(), choices: Field::words(words).collect(), ..Shape::default() };
    }
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        _ => Vec::new(),
    };
    let mut all = Shape { unit, ..Shape::default() };
    let words: Vec<String> = kinds.iter().map(|kind| plain(kind, schema, &mut all)).collect();
    all.takes = if words.is_empty() { "anything".to_owned() } else { words.join(", or ") };
    all
}

/// Types of Palinode's own, by their `format`.
fn named(format: &str) -> Option<&'static str> {
    match format {
        "span" => Some("span of time"),
        "label" => Some("name"),
        "host" => Some("host"),
        "steps" => Some("list of steps"),
        "comparison" => Some("comparison"),
        "share" => Some("number, or percentage"),
        _ => None,
    }
}

fn plain(kind: &str, schema: &Value, all: &mut Shape) -> String {
    match kind {
        "string" => "text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "integer" => {
            let end = |key: &str| schema.get(key).and_then(Value::as_u64);
            match (end("minimum"), end("maximum")) {
                (Some(least), Some(most)) => format!("number from {least} to {most}"),
                (Some(0), None) | (None, None) => "number".to_owned(),
                (Some(least), None) => format!("number from {least}"),
                (None, Some(most)) => format!("number up to {most}"),
            }
        }
        "array" => {
            let Some(items) = schema.get("items") else { return "list".to_owned() };
            let one = shape(items);
            let takes = match (one.choices.is_empty(), one.fields.is_empty()) {
                (true, true) => format!("list of {}", plural(&one.takes)),
                (false, _) => "list of".to_owned(),
                (true, false) => format!("list of {}", maps(&one.takes)),
            };
            (all.choices, all.fields) = (one.choices, one.fields);
            takes
        }
        "object" => {
            all.fields.extend(Field::all_of(schema));
            match schema.get("additionalProperties") {
                Some(values @ Value::Object(_)) if all.fields.is_empty() => {
                    let one = shape(values);
                    (all.choices, all.fields) = (one.choices, one.fields);
                    match all.choices.is_empty() && all.fields.is_empty() {
                        true => format!("map from names to {}", one.takes),
                        false => format!("map from names to {}", maps(&one.takes)),
                    }
                }
                _ => "map".to_owned(),
            }
        }
        other => other.to_owned(),
    }
}

/// Of a map, several.
fn maps(takes: &str) -> String {
    takes.strip_suffix("map").map_or_else(|| takes.to_owned(), |before| format!("{before}maps"))
}

fn plural(takes: &str) -> String {
    match takes {
        "name" | "host" | "number" => format!("{takes}s"),
        other => other.to_owned(),
    }
}

/// A word, or a map with one key, as an enum has them.
fn is_choice(schema: &Value) -> bool {
    let words = array(schema, "enum");
    let map = schema.get("properties").and_then(Value::as_object).is_some_and(|all| all.len() == 1)
        && array(schema, "required").len() == 1;
    schema.get("const").is_some_and(Value::is_string) || !words.is_empty() || map
}

fn choices(branches: &[&Value]) -> Shape {
    let mut all = Vec::new();
    for branch in branches {
        if let Some(word) = branch.get("const").and_then(Value::as_str) {
            all.push(Field::word(word, branch));
        }
        all.extend(Field::words(array(branch, "enum")));
        for (name, schema) in branch.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let about = paragraphs(branch);
            let field = Field::of(name, schema, false);
            all.push(Field { about: if about.is_empty() { field.about.clone() } else { about }, ..field });
        }
    }
    Shape { takes: "one of".to_owned(), choices: all, ..Shape::default() }
}

/// A value as a runbook writes it on one line.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
