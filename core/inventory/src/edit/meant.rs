//! Whether a change of meaning is one that an edit is for: what is not is refused before it is written.

use crate::diff::difference::Change;
use crate::diff::meaning::Meaning;
use crate::edit::definitions::VARIABLE;
use crate::edit::kinds::Edit;
use crate::edit::pins;
use crate::edit::refusal::EditError;
use crate::literal::python::{Literal, literal};
use crate::model::value::Value;

/// Holds edits to what they are for, and to all of it.
pub(crate) fn only(edits: &[Edit], changes: &[Change], after: &Meaning) -> Result<(), EditError> {
    if let Some(beyond) = changes.iter().find(|change| !edits.iter().any(|edit| is_for(edit, change, after))) {
        return Err(EditError::Beyond { change: beyond.to_string() });
    }
    for (at, edit) in edits.iter().enumerate() {
        let rest = edits.get(at + 1..).unwrap_or_default();
        let Some((name, value)) = set_by(edit).filter(|(name, _)| !rest.iter().any(|later| may_set(later, name)))
        else {
            continue;
        };
        if !said(edit, after).is_some_and(|found| means(found, value)) {
            return Err(EditError::NotReached { name: name.to_owned(), value: value.to_owned() });
        }
    }
    Ok(())
}

/// What an edit sets, and to what.
fn set_by(edit: &Edit) -> Option<(&str, &str)> {
    match edit {
        Edit::SetHostVar { name, value, .. } | Edit::SetGroupVar { name, value, .. } | Edit::SetVar { name, value } => {
            Some((name, value))
        }
        Edit::UnsetHostVar { .. }
        | Edit::StripHostVarSuffix { .. }
        | Edit::MoveHost { .. }
        | Edit::EnsureChild { .. }
        | Edit::UnsetGroupVar { .. }
        | Edit::LiftHostVar { .. }
        | Edit::PinVersions { .. }
        | Edit::NodeGroup { .. }
        | Edit::UnsetVar { .. } => None,
    }
}

/// Whether an edit may change a variable of this name.
fn may_set(edit: &Edit, name: &str) -> bool {
    match edit {
        Edit::SetHostVar { name: own, .. }
        | Edit::UnsetHostVar { name: own, .. }
        | Edit::StripHostVarSuffix { name: own, .. }
        | Edit::SetGroupVar { name: own, .. }
        | Edit::UnsetGroupVar { name: own, .. }
        | Edit::LiftHostVar { name: own, .. }
        | Edit::SetVar { name: own, .. }
        | Edit::UnsetVar { name: own } => own == name,
        Edit::PinVersions { .. } => pins::is_pin(name),
        Edit::NodeGroup { .. } => name == VARIABLE,
        Edit::MoveHost { .. } | Edit::EnsureChild { .. } => false,
    }
}

/// What is said in the end of a variable that an edit set.
fn said<'a>(edit: &Edit, after: &'a Meaning) -> Option<&'a Value> {
    let estate = &after.estate;
    let vars = match edit {
        Edit::SetHostVar { host, .. } => &estate.hosts.get(estate.find_host(host)?)?.vars,
        Edit::SetGroupVar { group, name, .. } => {
            let group = estate.groups.get(estate.find_group(group)?)?;
            if name == "ansible_group_priority" {
                return group.ranked.as_ref().map(|(value, _)| value);
            }
            &group.vars
        }
        Edit::SetVar { name, .. } => return after.vars.get(name),
        _ => return None,
    };
    vars.get(set_by(edit)?.0)?.last().map(|(value, _)| value)
}

/// Whether a value is the one that an edit means by a text, which is what a template shall print. A text that only looks
/// like a truth value is none: it counts as true, whatever it says.
pub(crate) fn means(found: &Value, wanted: &str) -> bool {
    match found {
        Value::Text(text) | Value::Unsafe(text) => text == wanted && !matches!(wanted, "True" | "False"),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Time(_) => {
            found.printed().as_deref() == Some(wanted)
        }
        // Of what is in brackets the spacing and the quotes do not count.
        Value::List(_) | Value::Map(_) => {
            wanted.starts_with(['[', '{', '(']) && matches!(literal(wanted), Literal::Value(value) if value.same(found))
        }
        Value::Vault(_) => false,
    }
}

fn is_for(edit: &Edit, change: &Change, meaning: &Meaning) -> bool {
    let reached = |value: &str| said(edit, meaning).is_some_and(|found| means(found, value));
    match (edit, change) {
        (Edit::SetHostVar { host, name, value }, Change::HostVar { host: of, name: var, .. }) => {
            host == of && name == var && reached(value)
        }
        (Edit::UnsetHostVar { host, name }, Change::HostVar { host: of, name: var, after, .. }) => {
            host == of && name == var && after.is_none()
        }
        (Edit::StripHostVarSuffix { host, name, .. }, Change::HostVar { host: of, name: var, .. }) => {
            host == of && name == var
        }
        (Edit::LiftHostVar { name, .. }, Change::HostVar { name: var, after, .. }) => name == var && after.is_none(),
        (Edit::MoveHost { host, to, .. }, Change::HostAdded { host: of, group }) => {
            host == of && (to == group || (loose(group) && loose(to)))
        }
        (Edit::MoveHost { to, .. }, Change::OrderChanged { group }) => to == group || (loose(group) && loose(to)),
        (Edit::MoveHost { host, from, .. }, Change::HostRemoved { host: of, group }) => {
            host == of && (from == group || (loose(group) && loose(from)))
        }
        (Edit::MoveHost { to, .. }, Change::GroupAdded { group }) => to == group,
        (Edit::SetGroupVar { group, name, value }, Change::GroupVar { group: of, name: var, .. }) => {
            group == of && name == var && reached(value)
        }
        (Edit::UnsetGroupVar { group, name }, Change::GroupVar { group: of, name: var, after, .. }) => {
            group == of && name == var && after.is_none()
        }
        (Edit::LiftHostVar { group, name }, Change::GroupVar { group: of, name: var, after, .. }) => {
            group == of && name == var && after.is_some()
        }
        (Edit::PinVersions { group: Some(group), .. }, Change::GroupVar { group: of, name, after, .. }) => {
            group == of && pins::is_pin(name) && after.is_some()
        }
        (Edit::NodeGroup { group: Some(group), .. }, Change::GroupVar { group: of, name, after, .. }) => {
            group == of && name == VARIABLE && after.is_some()
        }
        (Edit::EnsureChild { parent, child }, Change::ChildAdded { parent: above, child: below }) => {
            parent == above && child == below
        }
        (Edit::EnsureChild { parent, child }, Change::GroupAdded { group }) => group == parent || group == child,
        (Edit::SetVar { name, value }, Change::Var { name: var, .. }) => name == var && reached(value),
        (Edit::UnsetVar { name }, Change::Var { name: var, after, .. }) => name == var && after.is_none(),
        (Edit::PinVersions { group: None, .. }, Change::Var { name, after, .. }) => {
            pins::is_pin(name) && after.is_some()
        }
        (Edit::NodeGroup { group: None, .. }, Change::Var { name, after, .. }) => name == VARIABLE && after.is_some(),
        _ => false,
    }
}

/// Who is in `all` and in no other group is ungrouped.
fn loose(group: &str) -> bool {
    matches!(group, "all" | "ungrouped")
}
