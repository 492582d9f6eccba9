//! What a step declares of itself beside its action: its undo class, and when it is done.

use super::finding::Finding;
use super::node::{Node, Value};
use crate::action::{Action, UndoClass};
use crate::run::plan::When;
use crate::shown::Shown as _;

/// The undo class that a runbook declares: a class, stricter than the action's own, or `no-undo` with a reason. Of what
/// only the runbook knows, `no-undo` is the one class that makes less of it than it is, so it takes a reason.
pub(super) fn class(node: &Node, action: &Action, own: UndoClass) -> Result<(UndoClass, Option<String>), Finding> {
    const KEY: &str = "no-undo";
    const HOW: &str = "write `undo: { no-undo: \"why nothing has to be taken back\" }`";
    if let Value::Map(entries) = &node.value {
        let [(key, reason)] = entries.as_slice() else {
            return Err(Finding::new(node.at, "one class is declared", HOW));
        };
        if key.text != KEY {
            let what = format!("`{}` takes no reason, only `{KEY}` does", key.text.escape_debug());
            return Err(Finding::new(key.at, what, HOW));
        }
        let words = reason.text("a reason")?;
        if words.trim().is_empty() || words.chars().any(char::is_control) || words.chars().count() > REASON {
            let what = format!("the reason is one line of at most {REASON} characters, and not empty");
            return Err(Finding::new(reason.at, what, HOW));
        }
        if own > UndoClass::NoUndo {
            return Err(Finding::new(key.at, LAXER, "remove it"));
        }
        return Ok((UndoClass::NoUndo, Some(words.trim().to_owned())));
    }
    let class: UndoClass = node.read()?;
    let free = matches!(action, Action::Command(_) | Action::KubeExec(_) | Action::Playbook(_));
    if class == UndoClass::NoUndo && free && own != UndoClass::Read {
        let what = format!("`{KEY}` takes a reason here: only you know why nothing of `{}` stays", action.name());
        return Err(Finding::new(node.at, what, HOW));
    }
    if class < own {
        return Err(Finding::new(node.at, LAXER, "remove it"));
    }
    Ok((class, None))
}

const LAXER: &str = "an undo class can be declared stricter than the action's own, not laxer";

/// So many characters may the reason of `no-undo` have.
const REASON: usize = 300;

/// The comparison of a `when`.
pub(super) fn when(node: &Node) -> Result<When, Finding> {
    let text = node.text("a comparison such as `{{ name }} == value`")?;
    let wrong = |what: String| Finding::new(node.at, what, "write `LEFT == RIGHT` or `LEFT != RIGHT`");
    let (left, equal, right) = match (text.split_once("=="), text.split_once("!=")) {
        (Some((left, right)), None) => (left, true, right),
        (None, Some((left, right))) => (left, false, right),
        _ => return Err(wrong(format!("`{}` is not one comparison", text.shown()))),
    };
    let side = |side: &str| {
        let side = side.trim();
        let bare = side
            .strip_prefix('\'')
            .and_then(|s| s.strip_suffix('\''))
            .or_else(|| side.strip_prefix('"').and_then(|s| s.strip_suffix('"')));
        bare.unwrap_or(side).to_owned()
    };
    Ok(When { left: side(left), equal, right: side(right) })
}
