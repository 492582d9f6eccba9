//! Whether a change of meaning is one that an edit is for: what is not is refused before it is written.

use crate::diff::difference::Change;
use crate::edit::definitions::VARIABLE;
use crate::edit::kinds::Edit;
use crate::edit::pins;
use crate::edit::refusal::EditError;

/// Holds edits to what they are for.
pub(crate) fn only(edits: &[Edit], changes: &[Change]) -> Result<(), EditError> {
    match changes.iter().find(|change| !edits.iter().any(|edit| is_for(edit, change))) {
        Some(beyond) => Err(EditError::Beyond { change: beyond.to_string() }),
        None => Ok(()),
    }
}

fn is_for(edit: &Edit, change: &Change) -> bool {
    match (edit, change) {
        (Edit::SetHostVar { host, name, value }, Change::HostVar { host: of, name: var, after, .. }) => {
            host == of && name == var && after.as_ref().is_some_and(|after| is(after, value))
        }
        (Edit::UnsetHostVar { host, name }, Change::HostVar { host: of, name: var, after, .. }) => {
            host == of && name == var && after.is_none()
        }
        (Edit::StripHostVarSuffix { host, name, .. }, Change::HostVar { host: of, name: var, .. }) => {
            host == of && name == var
        }
        (Edit::LiftHostVar { name, .. }, Change::HostVar { name: var, after, .. }) => name == var && after.is_none(),
        (Edit::MoveHost { host, to, .. }, Change::HostAdded { host: of, group }) => host == of && to == group,
        (Edit::MoveHost { host, from, .. }, Change::HostRemoved { host: of, group }) => host == of && from == group,
        (Edit::MoveHost { to, .. }, Change::GroupAdded { group }) => to == group,
        (Edit::SetGroupVar { group, name, value }, Change::GroupVar { group: of, name: var, after, .. }) => {
            group == of && name == var && after.as_ref().is_some_and(|after| is(after, value))
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
        (Edit::SetVar { name, value }, Change::Var { name: var, after, .. }) => {
            name == var && after.as_ref().is_some_and(|after| is(after, value))
        }
        (Edit::UnsetVar { name }, Change::Var { name: var, after, .. }) => name == var && after.is_none(),
        (Edit::PinVersions { group: None, .. }, Change::Var { name, after, .. }) => {
            pins::is_pin(name) && after.is_some()
        }
        (Edit::NodeGroup { group: None, .. }, Change::Var { name, after, .. }) => name == VARIABLE && after.is_some(),
        _ => false,
    }
}

/// Whether a value that was found is the one that was meant; lists and dicts count whatever their quotes.
fn is(found: &str, meant: &str) -> bool {
    let form = |text: &str| crate::literal::parse(text, 0).ok().map(|node| node.canonical());
    found == meant || form(found).is_some_and(|found| Some(found) == form(meant))
}
