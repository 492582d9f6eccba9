//! What an action does to files of the control side: a file for each kind.

mod inventory_edit;
mod inventory_restore;

use super::file::Stop;
use crate::files::Files;
use palinode_core::port::Bodies;

/// A kind of action that is done on this machine at once, on files.
pub(crate) trait OnFiles {
    /// Does it, and says what was done.
    fn act(&self, files: &dyn Files, bodies: &dyn Bodies) -> Result<String, Stop>;
}
