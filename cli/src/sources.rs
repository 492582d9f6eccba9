//! What a command line names and is read: runbooks and inventories.

use crate::error::Failure;
use palinode_executors::{FILE_LIMIT, read_plain};
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
        return Err(Failure::usage(
            format!("there is no runbook `{shown}`: it is neither a file nor one of {}", names.join(", ")),
            "type `palinode runbook list`",
        ));
    }
    let unread =
        |why: String| Failure::usage(format!("cannot read the runbook {shown}: {why}"), "give a readable text file");
    let bytes = read_plain(path, FILE_LIMIT).map_err(|error| unread(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| unread(error.to_string()))?;
    Ok((name.to_owned(), text))
}

/// Reads an inventory given on the command line.
pub(crate) fn read_inventory(path: &Path) -> Result<String, Failure> {
    let bytes = read_plain(path, FILE_LIMIT).map_err(|error| {
        Failure::usage(format!("cannot read the inventory {}: {error}", path.display()), "correct the path after -i")
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::usage(format!("the inventory {} is not UTF-8 from byte {at} on", path.display()), "save it as UTF-8")
    })
}

/// The absolute path of a file, as it is recorded.
pub(crate) fn recorded_path(path: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::usage(format!("the inventory {} has a name that is not UTF-8", path.display()), "give it another name")
    })
}
