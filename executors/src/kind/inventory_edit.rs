//! `inventory.edit`: the text is amended in place, if what it then means is what was meant.

use crate::control::OnFiles;
use crate::control::file::{Stop, listed, read, swap};
use crate::files::Files;
use palinode_core::action::InventoryEdit;
use palinode_core::inventory::{EditError, Owner, Source, amend, groups_in, outvoted};
use palinode_core::port::Bodies;

impl OnFiles for InventoryEdit {
    fn act(&self, files: &dyn Files, _: &dyn Bodies) -> Result<String, Stop> {
        let file = &self.file;
        if let Some(step) = &self.home_of {
            let words = format!("{file}: the places that its hosts had before step {step} were not looked up");
            return Err(Stop::before(words));
        }
        let Some(now) = read(files, file)? else {
            return Err(Stop::before(format!("{file}: there is no such file; name the inventory, or create it")));
        };
        let text = std::str::from_utf8(&now.bytes).map_err(|error| {
            let line = 1 + now.bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
            Stop::before(format!("{file}: line {line} is not UTF-8 text; save the inventory as UTF-8, then retry"))
        })?;
        let refused = |error: EditError| Stop::before(format!("{file}: {error}"));
        let (after, changes) = amend(text, &self.edits).map_err(refused)?;
        if after == text {
            return Ok(format!("{file}: already as wanted, not written"));
        }
        outvoted(&after, &beside(files, file, text)?, &self.edits).map_err(refused)?;
        swap(files, file, &now, after.as_bytes(), now.mode)?;
        Ok(listed(format!("{file}: edited"), &changes))
    }
}

/// The files in `group_vars` beside an inventory, as far as they go by the names of its groups.
fn beside(files: &dyn Files, file: &str, text: &str) -> Result<Vec<Source>, Stop> {
    let folder = file.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let mut found = Vec::new();
    for group in groups_in(text) {
        for ending in ["", ".yml", ".yaml", ".json"] {
            let path = format!("{folder}group_vars/{group}{ending}");
            // A folder of files, and what cannot be read, is for the check of the whole inventory to tell of.
            let Ok(Some(content)) = files.read(&path) else { continue };
            if let Ok(text) = String::from_utf8(content.bytes) {
                found.push(Source { file: path, text, owner: Owner::Group(group.clone()) });
            }
        }
    }
    Ok(found)
}
