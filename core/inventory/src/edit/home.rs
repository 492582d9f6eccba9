//! Hosts on their way back to where they stood.

use crate::edit::kinds::Edit;
use crate::ini::text::Inventory;

/// Edits whose moves of hosts lead to the places that the hosts had in an earlier text.
pub fn at_home(edits: &[Edit], earlier: &str) -> Vec<Edit> {
    let inventory = Inventory::parse(earlier);
    let home = |edit: &Edit| match edit {
        Edit::MoveHost { host, from, to, place } => {
            let place = inventory.place_of(host, to).unwrap_or_else(|| place.clone());
            Edit::MoveHost { host: host.clone(), from: from.clone(), to: to.clone(), place }
        }
        other => other.clone(),
    };
    edits.iter().map(home).collect()
}
