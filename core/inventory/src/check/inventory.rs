//! The check of inventories: what Ansible refuses, what the model holds, and how values are spelled.

use crate::ansible::{Kind, Sources};
use crate::check::finding::{At, Checked, Finding};
use crate::check::{names, nodes, spelled, traps};
use crate::model::{ReadError, Reading};

/// Looks through inventories, with what lies beside them, as one; findings come by file and line.
///
/// # Errors
/// If there is no such inventory. What cannot be read is a finding.
pub fn check(sources: &dyn Sources, paths: &[&str]) -> Result<Checked, ReadError> {
    for path in paths {
        if sources.kind(path) == Kind::Missing && !path.contains(',') {
            let why = "there is no such file or folder, or it may not be read";
            return Err(ReadError::new(path, None, why, "correct its name"));
        }
    }
    let (reading, refused) = Reading::as_far_as_it_goes(sources, paths, &[]);
    let mut checked = Checked::default();
    let left = reading.vars_files.encrypted.iter().map(|left| &left.file);
    checked.looked_at = reading.files().iter().chain(left).cloned().collect();
    for error in &refused {
        if !checked.looked_at.contains(&error.file) && sources.kind(&error.file) != Kind::Folder {
            checked.looked_at.push(error.file.clone());
        }
        let at = At::new(&error.file, error.line.unwrap_or(1));
        checked.findings.push(Finding::new(&at, "not-understood", error.why.clone(), error.mend.clone()));
    }
    for file in reading.files() {
        // What a script prints was read; the script itself is none of ours.
        if sources.kind(file) == Kind::File
            && let Ok(bytes) = sources.read(file)
            && let Ok(text) = std::str::from_utf8(&bytes)
        {
            let is_refused = refused.iter().any(|error| error.file == *file);
            spelled::findings(file, text, reading.is_inventory(file), is_refused, &mut checked.findings);
        }
    }
    names::findings(&reading, &mut checked.findings);
    // Of half an inventory nothing can be said that holds for all of it.
    if refused.is_empty() {
        traps::findings(&reading, &mut checked.findings);
        nodes::findings(&reading, &mut checked);
    }
    for list in [&mut checked.findings, &mut checked.unknown] {
        list.sort();
        list.dedup();
    }
    Ok(checked)
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
