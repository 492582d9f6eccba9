//! What is wrong in a runbook, in its writer's words: those of serde and of the YAML reader are about Rust.

use crate::shown::Shown as _;
use serde::de::Unexpected;

/// What a type expects.
pub(super) fn wanted(expected: &str) -> String {
    let number = match expected {
        "u8" => Some("from 0 to 255"),
        "u16" => Some("from 0 to 65535"),
        "u32" | "u64" | "u128" | "usize" => Some("not below 0"),
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "integer" | "an integer" => Some(""),
        _ => None,
    };
    if let Some(range) = number {
        return format!("a whole number {range}").trim_end().to_owned();
    }
    let map = ["struct ", "a map", "map", "internally tagged", "adjacently tagged"];
    match expected {
        "a string" | "string" | "str" | "a borrowed string" | "identifier" | "field identifier" => "text",
        "variant identifier" => "one of the known names",
        "a boolean" | "bool" | "boolean" => "true or false",
        "unit" | "()" | "unit struct" | "null" => "nothing",
        "f32" | "f64" | "a floating point number" => "a number",
        "option" => "a value, or nothing",
        "a character" | "char" => "one letter",
        "a sequence" | "sequence" | "seq" => "a list",
        other if map.iter().any(|begin| other.starts_with(begin)) => "a map",
        other if other.starts_with("tuple") => "a list",
        other if other.starts_with("unit ") => "nothing",
        other if other.starts_with("enum") => "one of the known names",
        other => other,
    }
    .to_owned()
}

/// What stands there.
pub(super) fn found(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(truth) => format!("`{truth}`"),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number}"),
        Unexpected::Char(letter) => format!("the text `{}`", letter.to_string().shown()),
        Unexpected::Str(text) => format!("the text `{}`", text.chars().take(80).collect::<String>().shown()),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq | Unexpected::TupleVariant => "a list".to_owned(),
        Unexpected::Map | Unexpected::StructVariant | Unexpected::NewtypeStruct | Unexpected::NewtypeVariant => {
            "a map".to_owned()
        }
        Unexpected::UnitVariant => "a name without values".to_owned(),
        Unexpected::Enum => "a name".to_owned(),
        Unexpected::Bytes(_) => "bytes".to_owned(),
        Unexpected::Other(what) => what.to_owned(),
    }
}

/// A key that does not belong there.
pub(super) fn unknown_key(name: &str, known: &[&str]) -> String {
    match known {
        [] => format!("unknown key `{}`: this takes no values", name.shown()),
        _ => format!("unknown key `{}`, known are {}", name.shown(), known.join(", ")),
    }
}

/// What the YAML reader says, on one line, without the place, which is told beside it.
pub(super) fn of_yaml(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let text = lines.join("; ");
    // `line 3 column 4: ...`, or `... at line 3, column 4`.
    let text = match text.split_once(": ") {
        Some((place, rest)) if is_place(place) => rest.to_owned(),
        _ => text,
    };
    let text = match text.rsplit_once(" at ") {
        Some((what, place)) if is_place(place) => what.to_owned(),
        _ => text,
    };
    in_plain_words(&text)
}

/// The reader speaks of types, and of its own options.
fn in_plain_words(text: &str) -> String {
    if let Some(key) = text.strip_prefix("duplicate mapping key: ") {
        return format!("duplicate key: `{}` stands twice", key.split(", set ").next().unwrap_or(key));
    }
    if let Some(kind) = text.strip_prefix("invalid ").filter(|kind| !kind.contains(' ')) {
        return format!("this is not {}", wanted(kind));
    }
    text.split(", set ").next().unwrap_or(text).replace("string scalar", "text")
}

fn is_place(text: &str) -> bool {
    let text = text.trim_start_matches("error: ").trim_start_matches("error ");
    let word = |word: &str| word == "line" || word == "column" || word == "at";
    let number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    text.starts_with("line") && text.split([' ', ',', ':']).all(|part| word(part) || number(part))
}
