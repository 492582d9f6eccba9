//! What a kind of action says that is done on files of the control side.

use super::file::Stop;
use crate::files::Files;
use palinode_core::port::Bodies;

/// A kind of action that is done on this machine at once, on files.
pub(crate) trait OnFiles {
    /// Does it, and says what was done.
    fn act(&self, files: &dyn Files, bodies: &dyn Bodies) -> Result<String, Stop>;
}
