//! Reading a map of values as a type, with everything that is wrong in it: what cannot be read is noted, taken out, and the
//! rest is read again.

use super::finding::Finding;
use super::node::{At, Node, Sort, Value, Wrong};

/// What a reading came to.
pub(super) enum Gathered<T> {
    /// The value, and nothing is wrong.
    Good(T),
    /// What is wrong; nothing if a value depends on what is not known yet. And the map with what could be read.
    Bad { findings: Vec<Finding>, rest: Node },
}

/// So many findings in one map are enough.
const MOST: usize = 100;

/// Reads `params` with `read`. A text for which `later` holds is one whose value is not known yet: that it does not fit says
/// nothing.
pub(super) fn gather<T>(
    params: &Node,
    read: impl Fn(&Node) -> Result<T, Wrong>,
    later: impl Fn(&str) -> bool,
) -> Gathered<T> {
    let mut node = params.clone();
    let mut findings: Vec<Finding> = Vec::new();
    // Maps and lists from which something was taken: that they cannot be read any more is no news.
    let mut cut: Vec<At> = Vec::new();
    for _ in 0..MOST {
        let wrong = match read(&node) {
            Ok(value) if findings.is_empty() && cut.is_empty() => return Gathered::Good(value),
            Ok(_) => break,
            Err(wrong) => wrong,
        };
        let (at, sort) = (wrong.at(), wrong.sort().clone());
        let unknown = text_at(&node, at).is_some_and(&later);
        let finding = wrong.into_finding();
        let again = findings.iter().any(|other| other.at == at) && sort != Sort::Key;
        let lacks = matches!(sort, Sort::Missing(name) if params_has(params, at, name));
        let echo = sort != Sort::Key && cut.contains(&at) && (lacks || !matches!(sort, Sort::Missing(_)));
        // A key that is misspelt is not missing.
        let misspelt = match sort {
            Sort::Missing(name) => findings.iter().any(|finding| finding.is_misspelt(name)),
            Sort::Value | Sort::Key => false,
        };
        if !unknown && !again && !echo && !misspelt {
            findings.push(finding);
        }
        if !prune(&mut node, at, &sort, &mut cut) {
            break;
        }
    }
    Gathered::Bad { findings, rest: node }
}

/// The text that stands at a place.
fn text_at(node: &Node, at: At) -> Option<&str> {
    match &node.value {
        Value::Text(text) if node.at == at => Some(text),
        Value::List(items) => items.iter().find_map(|item| text_at(item, at)),
        Value::Map(entries) => entries.iter().find_map(|(_, value)| text_at(value, at)),
        _ => None,
    }
}

/// Whether the map at a place has a key, as it was written.
fn params_has(node: &Node, at: At, name: &str) -> bool {
    match &node.value {
        Value::Map(entries) => {
            (node.at == at && entries.iter().any(|(key, _)| key.text == name))
                || entries.iter().any(|(_, value)| params_has(value, at, name))
        }
        Value::List(items) => items.iter().any(|item| params_has(item, at, name)),
        _ => false,
    }
}

/// Takes what is wrong at a place out of the list or map that it stands in; false if there is nothing to take.
fn prune(node: &mut Node, at: At, sort: &Sort, cut: &mut Vec<At>) -> bool {
    let own = node.at;
    let taken = match &mut node.value {
        Value::List(items) => {
            let position = items.iter_mut().position(|item| prune(item, at, sort, cut));
            match position {
                Some(_) => true,
                None => match items.iter().position(|item| is_it(item, at, sort)) {
                    Some(position) => {
                        items.remove(position);
                        true
                    }
                    None => false,
                },
            }
        }
        Value::Map(entries) => {
            if entries.iter_mut().any(|(_, value)| prune(value, at, sort, cut)) {
                true
            } else {
                let here = entries.iter().position(|(key, value)| match sort {
                    Sort::Key => key.at == at,
                    Sort::Value | Sort::Missing(_) => is_it(value, at, sort),
                });
                match here {
                    Some(position) => {
                        entries.remove(position);
                        true
                    }
                    None => false,
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Text(_) => false,
    };
    if taken && !(*sort == Sort::Key) && !cut.contains(&own) {
        cut.push(own);
    }
    taken
}

/// Whether a value is the one that is wrong.
fn is_it(node: &Node, at: At, sort: &Sort) -> bool {
    node.at == at && (!matches!(sort, Sort::Missing(_)) || matches!(node.value, Value::Map(_)))
}
