//! Edits of inventories and files of variables in YAML: each a few splices, the rest of the text stays.

use crate::edit::definitions::{self, DefinitionChange, VARIABLE};
use crate::edit::dialect::Dialect;
use crate::edit::kinds::{Edit, host_of};
use crate::edit::pins;
use crate::edit::place::splice;
use crate::edit::refusal::{EditError, check_name, check_value};
use crate::edit::yaml_groups;
use crate::edit::yaml_hosts;
use crate::edit::yaml_page::{Page, spots};
use crate::yaml;
use crate::yaml::graft;
use crate::yaml::tree::{Entry, Node};

/// Whether an edit is for a file of variables.
pub(crate) fn is_for_vars(edit: &Edit) -> bool {
    matches!(
        edit,
        Edit::SetVar { .. }
            | Edit::UnsetVar { .. }
            | Edit::PinVersions { group: None, .. }
            | Edit::NodeGroup { group: None, .. }
    )
}

/// Carries out edits in order, of an inventory or of a file of variables.
pub(crate) fn edited(text: &str, edits: &[Edit], vars: bool) -> Result<String, EditError> {
    let dos = text.matches("\r\n").count();
    let eol = if dos * 2 > text.matches('\n').count() { "\r\n" } else { "\n" };
    let open = !text.is_empty() && !text.ends_with('\n');
    let mut now = if open { format!("{text}{eol}") } else { text.to_owned() };
    let mut root = yaml::parse(&now)?;
    for edit in edits {
        let page = Page { text: &now, root, eol };
        let next = if vars { in_vars(&page, edit)? } else { in_groups(&page, edit)? };
        // The file was good, so it is the edit that is not.
        let unread = |error: EditError| EditError::Beyond { change: format!("the text cannot be read then: {error}") };
        root = if next == now { page.root } else { yaml::parse(&next).map_err(unread)? };
        now = next;
    }
    if open && let Some(body) = now.strip_suffix(eol) {
        return Ok(body.to_owned());
    }
    Ok(now)
}

fn in_groups(page: &Page<'_>, edit: &Edit) -> Result<String, EditError> {
    if let Some(host) = host_of(edit).filter(|host| spots(&page.root).iter().any(|spot| spot.group == *host)) {
        return Err(EditError::TwoThings { host: host.to_owned() });
    }
    match edit {
        Edit::SetHostVar { host, name, value } => {
            check_name("variable name", name)?;
            check_value(name, value)?;
            yaml_hosts::set(page, host, name, value)
        }
        Edit::UnsetHostVar { host, name } => yaml_hosts::unset(page, host, name),
        Edit::StripHostVarSuffix { host, name, suffix } => {
            if suffix.is_empty() {
                return Err(EditError::InvalidValue { name: name.clone(), reason: "has no suffix to strip" });
            }
            yaml_hosts::strip(page, host, name, suffix)
        }
        Edit::MoveHost { host, from, to, place } => {
            check_name("group name", from)?;
            check_name("group name", to)?;
            yaml_hosts::move_to(page, host, (from, to), place)
        }
        Edit::SetGroupVar { group, name, value } => {
            check_name("variable name", name)?;
            check_value(name, value)?;
            yaml_groups::set(page, group, name, value)
        }
        Edit::UnsetGroupVar { group, name } => yaml_groups::unset(page, group, name),
        Edit::LiftHostVar { group, name } => yaml_groups::lift(page, group, name),
        Edit::EnsureChild { parent, child } => {
            check_name("group name", parent)?;
            check_name("group name", child)?;
            yaml_groups::ensure_child(page, parent, child)
        }
        Edit::PinVersions { group: Some(group), openshift, storage } => {
            let known = yaml_groups::vars(page, group);
            let known = known.into_iter().map(|(name, entry)| (name, yaml::shown(&entry.value)));
            let mut now = page.text.to_owned();
            for (name, value) in pins::variables(openshift.as_deref(), storage.as_deref(), known)? {
                now = yaml_groups::set(&Page::read(&now, page.eol)?, group, &name, &value)?;
            }
            Ok(now)
        }
        Edit::NodeGroup { group: Some(group), definition, change } => {
            if *change == DefinitionChange::Drop
                && let Some((at, host)) = yaml_hosts::user(page, definition)
            {
                return Err(page.refuse(at, &format!("{host} uses the definition {definition:?}")));
            }
            let vars = yaml_groups::vars(page, group);
            let holder = vars.into_iter().find(|(name, _)| *name == VARIABLE).map(|(_, entry)| entry);
            defined(page, holder, definition, change, &|root| {
                let holders = spots(root).into_iter().filter(|spot| spot.group == group);
                holders.filter_map(|spot| spot.part("vars")?.value.get(VARIABLE)).next().cloned()
            })
        }
        Edit::SetVar { .. }
        | Edit::UnsetVar { .. }
        | Edit::PinVersions { group: None, .. }
        | Edit::NodeGroup { group: None, .. } => Err(EditError::NoGroup),
    }
}

fn in_vars(page: &Page<'_>, edit: &Edit) -> Result<String, EditError> {
    let root = &page.root;
    if root.entries().is_none() && !root.is_null() {
        return Err(page.refuse(root.span.start, "the file holds no variables"));
    }
    match edit {
        Edit::SetVar { name, value } => {
            check_name("variable name", name)?;
            check_value(name, value)?;
            page.with(page.set_in(None, root, name, value))
        }
        Edit::UnsetVar { name } => {
            page.not_merged(root, name)?;
            let at = root.entries().and_then(|entries| entries.iter().position(|e| e.key.scalar() == Some(name)));
            at.map_or(Ok(page.text.to_owned()), |at| page.with(graft::remove_entry(page.text, root, at)))
        }
        Edit::PinVersions { openshift, storage, .. } => {
            let known = root.entries().unwrap_or_default().iter();
            let known = known.filter_map(|entry| Some((entry.key.scalar()?, yaml::shown(&entry.value))));
            let mut now = page.text.to_owned();
            for (name, value) in pins::variables(openshift.as_deref(), storage.as_deref(), known)? {
                let page = Page::read(&now, page.eol)?;
                let next = page.with(page.set_in(None, &page.root, &name, &value))?;
                now = next;
            }
            Ok(now)
        }
        Edit::NodeGroup { definition, change, .. } => {
            defined(page, root.entry(VARIABLE), definition, change, &|root| root.get(VARIABLE).cloned())
        }
        _ => Err(EditError::OnlyVars),
    }
}

/// Changes a definition in the list that an entry holds.
fn defined(
    page: &Page<'_>,
    holder: Option<&Entry>,
    definition: &str,
    change: &DefinitionChange,
    again: &dyn Fn(&Node) -> Option<Node>,
) -> Result<String, EditError> {
    let Some(holder) = holder else {
        return Err(page.refuse(0, &format!("{VARIABLE} is not set there")));
    };
    let line = |at| yaml::line_of(page.text, at);
    let splices = definitions::splices(page.text, holder, definition, change, (Dialect::Yaml, page.eol), &line)?;
    let now = splice(page.text, splices);
    match again(&yaml::parse(&now)?) {
        Some(after) => definitions::only_meant(&holder.value, &after, definition, change)?,
        None => return Err(page.refuse(holder.key.span.start, "the list would be lost")),
    }
    Ok(now)
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "yaml_kinds_tests.rs"]
mod kinds_tests;
