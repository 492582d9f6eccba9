//! Texts as YAML writes them, so that every reader of YAML takes them for texts.

use crate::literal;
use crate::literal::number::float_text;
use crate::model::value::Value;
use crate::yaml::scalar::{Kind, kind_of};
use crate::yaml::tree::{self, Node};

/// Whether a word, written bare, may be something else than a text to some reader of YAML.
fn is_special(word: &str) -> bool {
    let numeric = |b: u8| {
        b.is_ascii_hexdigit()
            || matches!(b, b'_' | b'.' | b'+' | b'-' | b':' | b'x' | b'o' | b'T' | b'Z' | b't' | b'z' | b' ')
    };
    let word_like =
        kind_of(word) != Kind::Text || matches!(word, "y" | "Y" | "n" | "N" | "None" | "=" | "<<" | "True" | "False");
    let first = word.trim_start_matches(['+', '-', '.']).bytes().next();
    let dotted = word.trim_start_matches('-').split('.').count() > 2;
    let number = word.bytes().all(numeric) && first.is_some_and(|b| b.is_ascii_digit()) && !dotted;
    word_like || number || matches!(word.trim_start_matches(['+', '-']).to_ascii_lowercase().as_str(), ".inf" | ".nan")
}

/// A text as a YAML scalar, bare where that is safe, in brackets and out of them.
pub(crate) fn text(value: &str, like: Option<char>) -> String {
    let leads = value.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '.'))
        || (value.starts_with('-') && value.chars().nth(1).is_some_and(char::is_alphanumeric));
    let inside =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | '=' | '+' | '@' | ' ' | '(' | ')');
    let colons = value.split(':').skip(1).all(|rest| rest.starts_with(|c: char| c.is_alphanumeric()));
    let bare =
        leads && colons && value.chars().all(|c| inside(c) || c == ':') && value.trim() == value && !is_special(value);
    match like.filter(|quote| matches!(quote, '\'' | '"')) {
        None if bare => value.to_owned(),
        Some('"') if !value.contains(['"', '\\']) => format!("\"{value}\""),
        _ => format!("'{}'", value.replace('\'', "''")),
    }
}

/// A number as YAML writes it, which knows no exponent without a point and a sign.
pub(crate) fn float(number: f64) -> String {
    let text = float_text(number);
    match text.as_str() {
        "nan" => ".nan".to_owned(),
        "inf" => ".inf".to_owned(),
        "-inf" => "-.inf".to_owned(),
        plain => match plain.split_once('e') {
            Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0e{exponent}"),
            _ => text,
        },
    }
}

/// Whether a node is this value, given as a template prints it.
pub(crate) fn is_value(node: &Node, value: &str) -> bool {
    match node.scalar() {
        // As a text, `True` and `False` both count as true.
        Some(printed) if matches!(value, "True" | "False") => {
            printed == value && matches!(node.value(), Value::Bool(_))
        }
        Some(printed) => printed == value,
        None => literal::parse(value, 0).is_ok_and(|wanted| wanted.canonical() == node.canonical()),
    }
}

/// The quote of a scalar.
pub(crate) fn quote_of(node: &Node) -> Option<char> {
    match &node.kind {
        tree::Kind::Scalar { quote, .. } => *quote,
        tree::Kind::List { .. } | tree::Kind::Map { .. } | tree::Kind::Alias(_) => None,
    }
}

/// What a template prints, about.
pub(crate) fn shown(node: &Node) -> String {
    node.scalar().map_or_else(|| node.canonical(), str::to_owned)
}
