//! Sections of an INI inventory that an edit makes.

use crate::edit::place::splice;
use crate::ini::text::{Inventory, LineKind};
use crate::span::Span;

/// The text with a line more.
pub(crate) fn insert_before(inventory: &Inventory, line: usize, new: String) -> String {
    let at = inventory.start_of_line(line);
    splice(inventory.text(), vec![(Span::new(at, at), new)])
}

/// The text with a section at its end, set off by a blank line.
pub(crate) fn with_section(inventory: &Inventory, header: &str, body: &str, eol: &str) -> String {
    let gap = match inventory.lines().last() {
        None => "",
        Some(line) if line.kind == LineKind::Blank => "",
        Some(_) => eol,
    };
    format!("{}{gap}{header}{eol}{body}", inventory.text())
}
