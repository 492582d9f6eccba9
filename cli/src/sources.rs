//! What a command line names and is read: runbooks and inventories.

use crate::error::Failure;
use crate::render::escape;
use palinode_core::action::Action;
use palinode_core::inventory::model::{ReadError, Reading};
use palinode_core::run::plan::{Plan, Work};
use palinode_core::suggest::nearest;
use palinode_executors::{DiskSources, FILE_LIMIT, read_plain};
use std::collections::BTreeMap;
use std::path::Path;

/// Names and texts of the runbooks that come with Palinode.
pub(crate) const SHIPPED: &[(&str, &str)] = &[("crio-to-docker", include_str!("../runbooks/crio-to-docker.yml"))];

/// Name and text of a runbook: one that is shipped, or a file.
pub(crate) fn load_runbook(name: &str) -> Result<(String, String), Failure> {
    if let Some((name, text)) = SHIPPED.iter().find(|(known, _)| *known == name) {
        return Ok(((*name).to_owned(), (*text).to_owned()));
    }
    let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    let shown = name;
    let path = Path::new(name);
    if !path.exists() {
        let next = match nearest(shown, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? `palinode runbook list` shows all"),
            None => "type `palinode runbook list`".to_owned(),
        };
        let what = format!("there is no runbook `{shown}`: it is neither a file nor one of {}", names.join(", "));
        return Err(Failure::usage(what, next));
    }
    let unread =
        |why: String| Failure::usage(format!("cannot read the runbook {shown}: {why}"), "give a readable text file");
    let bytes = read_plain(path, FILE_LIMIT).map_err(|error| unread(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| unread(error.to_string()))?;
    Ok((name.to_owned(), text))
}

/// Reads an inventory given on the command line: whatever Ansible reads, and nothing that it refuses. Files of variables
/// that are encrypted as a whole are left out.
pub(crate) fn read_inventory(path: &Path) -> Result<Reading, Failure> {
    let name = named(path)?;
    Reading::without_encrypted(&DiskSources::default(), &[&name]).map_err(|error| unread(&error))
}

/// An inventory that cannot be read, as a failure.
pub(crate) fn unread(error: &ReadError) -> Failure {
    let place = error.line.map_or_else(String::new, |line| format!(":{line}"));
    let what = format!("cannot read the inventory {}{place}: {}", escape(&error.file), escape(&error.why));
    Failure::usage(what, escape(&error.mend))
}

/// Refuses a plan that edits its own inventory where that is no file that can be edited.
pub(crate) fn no_edits(plan: &Plan) -> Result<(), Failure> {
    let own = plan.inventory.as_deref();
    let edits = plan.steps.iter().find(|step| match &step.work {
        Work::Act(Action::InventoryEdit(edit)) => Some(edit.file.as_str()) == own,
        _ => false,
    });
    let Some(step) = edits else { return Ok(()) };
    Err(Failure::usage(
        format!(
            "the step {} edits the inventory {}, which is no file of INI or YAML",
            step.path,
            escape(own.unwrap_or_default())
        ),
        "name the file with `file:` in that step, or give -i an inventory that is one file",
    ))
}

/// The text of one file of an inventory, for a lab.
pub(crate) fn inventory_text(path: &Path) -> Result<String, Failure> {
    let bytes = read_plain(path, FILE_LIMIT).map_err(|error| {
        Failure::usage(format!("cannot read the inventory {}: {error}", path.display()), "correct the path after -i")
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::usage(format!("the inventory {} is not UTF-8 from byte {at} on", path.display()), "save it as UTF-8")
    })
}

fn named(path: &Path) -> Result<String, Failure> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::usage(format!("the inventory {} has a name that is not UTF-8", path.display()), "give it another name")
    })
}

/// The absolute path of a file, as it is recorded. Names of hosts between commas stay what they are.
pub(crate) fn recorded_path(path: &Path) -> Result<String, Failure> {
    if !path.exists() && path.to_str().is_some_and(|names| names.contains(',')) {
        return named(path);
    }
    named(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// The parameters after `--set`.
pub(crate) fn parameters(set: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut all = BTreeMap::new();
    for text in set {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("`--set {text}` has no ="), "write --set NAME=VALUE"))?;
        if all.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Failure::usage(format!("the parameter `{name}` is set twice"), "set it once"));
        }
    }
    Ok(all)
}
