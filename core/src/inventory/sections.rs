//! Sections of an INI inventory that an edit makes.

use super::place::splice;
use super::span::Span;
use super::text::{Inventory, LineKind};

/// The text with a line more.
pub(super) fn insert_before(inventory: &Inventory, line: usize, new: String) -> String {
    let at = inventory.start_of_line(line);
    splice(inventory.text(), vec![(Span::new(at, at), new)])
}

/// The text with a section at its end, set off by a blank line.
pub(super) fn with_section(inventory: &Inventory, header: &str, body: &str, eol: &str) -> String {
    let gap = match inventory.lines().last() {
        None => "",
        Some(line) if line.kind == LineKind::Blank => "",
        Some(_) => eol,
    };
    format!("{}{gap}{header}{eol}{body}", inventory.text())
}
