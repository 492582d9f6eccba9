//! Inventory files of the control side: looked at, edited, and taken back without losing what others wrote since.

use super::file::Stop;
use crate::files::{FileContent, Files};
use crate::kind::{DoneBy, done_by};
use palinode_core::action::Action;
use palinode_core::port::{Bodies, BodyError, Control, Finished, LookError};
use palinode_core::record::Class;
use palinode_core::resource::State;
use std::io;

/// Carries out `inventory.edit` and `inventory.restore` on [`Files`].
#[derive(Debug, Clone, Default)]
pub struct InventoryFiles<F> {
    files: F,
}

impl<F: Files> InventoryFiles<F> {
    /// Acts on these files.
    pub fn new(files: F) -> Self {
        Self { files }
    }
}

impl<F: Files> Control for InventoryFiles<F> {
    fn observe(&self, path: &str, bodies: &dyn Bodies) -> Result<State, LookError> {
        let refused = |error: io::Error| LookError::Refused { target: path.to_owned(), why: error.to_string() };
        let Some(FileContent { mode, owner, bytes }) = self.files.read(path).map_err(refused)? else {
            return Ok(State::Absent);
        };
        let body = bodies.put(Class::Content, &bytes)?;
        Ok(State::file(mode, owner, bytes.len() as u64, body))
    }

    fn run(&self, action: &Action, bodies: &dyn Bodies) -> Result<Finished, BodyError> {
        let done = match done_by(action) {
            DoneBy::Files(kind) => kind.act(&self.files, bodies),
            DoneBy::Cluster(_) | DoneBy::Host(_) | DoneBy::Playbook(_) => {
                Err(Stop::before(format!("{} does not act on inventory files", action.name())))
            }
        };
        match done {
            Ok(message) => Ok(Finished { message: Some(message), ..Finished::default() }),
            Err(Stop::Said(why, message)) => {
                Ok(Finished { why: Some(why), message: Some(message), ..Finished::default() })
            }
            Err(Stop::Body(error)) => Err(error),
        }
    }
}
