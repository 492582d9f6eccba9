//! Lines and sections of an INI inventory that an edit makes.

use crate::ini::text::{Inventory, LineKind};
use crate::span::Span;

/// Puts lines before a line.
pub(crate) fn insert_before(inventory: &mut Inventory, line: usize, new: String) {
    let at = inventory.start_of_line(line);
    inventory.splice(vec![(Span::new(at, at), new)]);
}

/// Takes lines away.
pub(crate) fn remove_lines(inventory: &mut Inventory, gone: &[usize]) {
    let spans = gone.iter().filter_map(|at| inventory.lines().get(*at)).map(|line| (line.span, String::new()));
    let spans = spans.collect();
    inventory.splice(spans);
}

/// Puts a section at the end, set off by a blank line.
pub(crate) fn add_section(inventory: &mut Inventory, header: &str, body: &str, eol: &str) {
    let gap = match inventory.lines().last() {
        None => "",
        Some(line) if line.kind == LineKind::Blank => "",
        Some(_) => eol,
    };
    let end = inventory.text().len();
    inventory.splice(vec![(Span::new(end, end), format!("{gap}{header}{eol}{body}"))]);
}
