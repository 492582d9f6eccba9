//! `{{ name }}` in texts: parameters when the plan is made, captures when a step's turn comes. Nothing else.

use super::finding::Finding;
use super::node::{At, Node, Value};
use crate::shown::Shown as _;

/// One piece of a text.
enum Piece<'a> {
    Plain(&'a str),
    Name(&'a str),
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(end) = rest[start..].find("}}") else {
            return Err("`{{` stands without `}}`".to_owned());
        };
        let name = rest[start + 2..start + end].trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(format!(
                "`{}` is not a name: {{{{ }}}} takes the name of a parameter or capture, nothing else",
                name.shown()
            ));
        }
        found.push(Piece::Plain(&rest[..start]));
        found.push(Piece::Name(name));
        rest = &rest[start + end + 2..];
    }
    found.push(Piece::Plain(rest));
    Ok(found)
}

/// What a name stands for.
pub enum Known<'a> {
    /// This value, now.
    Value(&'a Value),
    /// A value that will be captured before it is needed; the text keeps its template.
    Later,
    /// The name is not known; what to do about it.
    No(String),
}

impl Known<'_> {
    /// What to do about a name that is not known: to use the one that may have been meant.
    pub(super) fn meant(near: Option<&str>) -> String {
        match near {
            Some(near) => format!("did you mean `{{{{ {near} }}}}`?"),
            None => "declare it under parameters, or capture it first".to_owned(),
        }
    }
}

/// Fills in the names of every text in the tree; every finding. A text that is one template and nothing else takes the
/// value as it is, lists included; inside a longer text only plain values fit. A text with something wrong stays as it is.
pub(super) fn fill<'a>(node: &mut Node, known: &dyn Fn(&str) -> Known<'a>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let filled = node.texts(&mut |at, text| {
        Ok(fill_text(at, text, known).unwrap_or_else(|finding| {
            findings.push(finding);
            None
        }))
    });
    findings.extend(filled.err());
    findings
}

fn fill_text<'a>(at: At, text: &str, known: &dyn Fn(&str) -> Known<'a>) -> Result<Option<Value>, Finding> {
    if !text.contains("{{") {
        return Ok(None);
    }
    let wrong = |what: String| Finding::new(at, what, "correct the template");
    let pieces = pieces(text).map_err(wrong)?;
    let unknown = |name: &str, next: String| {
        Finding::new(at, format!("`{name}` is neither a parameter nor captured by an earlier step"), next)
    };
    if let [Piece::Plain(""), Piece::Name(name), Piece::Plain("")] = pieces.as_slice() {
        return match known(name) {
            Known::Value(value) => Ok(Some(value.clone())),
            Known::Later => Ok(None),
            Known::No(next) => Err(unknown(name, next)),
        };
    }
    let mut filled = String::new();
    for piece in pieces {
        match piece {
            Piece::Plain(plain) => filled.push_str(plain),
            Piece::Name(name) => match known(name) {
                Known::Value(Value::Text(text)) => filled.push_str(text),
                Known::Value(Value::Int(number)) => filled.push_str(&number.to_string()),
                Known::Value(Value::Bool(truth)) => filled.push_str(&truth.to_string()),
                Known::Value(other) => {
                    return Err(wrong(format!("`{name}` is {}, which does not fit inside a text", other.kind())));
                }
                Known::Later => filled.push_str(&format!("{{{{ {name} }}}}")),
                Known::No(next) => return Err(unknown(name, next)),
            },
        }
    }
    Ok(Some(Value::Text(filled)))
}

/// Fills captured values into a text; names that are not captured stay as they are.
pub(crate) fn fill_captures(text: &str, captured: &dyn Fn(&str) -> Option<String>) -> String {
    let Ok(pieces) = pieces(text) else { return text.to_owned() };
    let mut filled = String::new();
    for piece in pieces {
        match piece {
            Piece::Plain(plain) => filled.push_str(plain),
            Piece::Name(name) => match captured(name) {
                Some(value) => filled.push_str(&value),
                None => filled.push_str(&format!("{{{{ {name} }}}}")),
            },
        }
    }
    filled
}

/// The names a text uses.
pub fn names(text: &str) -> Vec<String> {
    let pieces = pieces(text).unwrap_or_default();
    pieces
        .into_iter()
        .filter_map(|piece| if let Piece::Name(name) = piece { Some(name.to_owned()) } else { None })
        .collect()
}
