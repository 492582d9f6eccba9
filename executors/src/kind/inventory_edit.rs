//! `inventory.edit`: the text is amended in place, if what it then means is what was meant.

use crate::control::OnFiles;
use crate::control::file::{Stop, listed, read, swap};
use crate::files::Files;
use palinode_core::action::InventoryEdit;
use palinode_core::inventory::ansible::{Kind, Sources};
use palinode_core::inventory::{EditError, amend, outvoted};
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
        outvoted(&Edited { files, file, text: &after }, file, &self.edits).map_err(refused)?;
        swap(files, file, &now, after.as_bytes(), now.mode)?;
        Ok(listed(format!("{file}: edited"), &changes))
    }
}

/// An inventory as an edit shall leave it, with the files in `group_vars` beside it. Folders in there, and what cannot be
/// read, are for the check of the whole inventory to tell of.
struct Edited<'a> {
    files: &'a dyn Files,
    file: &'a str,
    text: &'a str,
}

impl Sources for Edited<'_> {
    fn kind(&self, path: &str) -> Kind {
        if path == self.file {
            Kind::File
        } else if path.rsplit('/').next() == Some("group_vars") {
            Kind::Folder
        } else if path.contains("group_vars/") && matches!(self.files.read(path), Ok(Some(_))) {
            Kind::File
        } else {
            Kind::Missing
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        if path == self.file {
            return Ok(self.text.as_bytes().to_vec());
        }
        let found = self.files.read(path).map_err(|error| error.to_string())?;
        found.map(|found| found.bytes).ok_or_else(|| "it is gone".to_owned())
    }

    fn list(&self, path: &str) -> Result<Vec<String>, String> {
        Err(format!("{path} is not listed"))
    }

    fn run(&self, path: &str, _: &[&str]) -> Result<Vec<u8>, String> {
        Err(format!("{path} is not run"))
    }
}
