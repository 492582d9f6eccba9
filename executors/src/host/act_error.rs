//! Why an action cannot be said to a host.

use crate::secrets::NoSecret;
use palinode_core::port::BodyError;

/// What keeps a job from being written down. Nothing was asked of the host.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    /// The action is one of the cluster or of this machine.
    #[error("`{0}` is not done on a host")]
    Elsewhere(&'static str),
    /// A command begins with nothing, or with an option.
    #[error("the command has no name of a program")]
    NoProgram,
    /// It needs a secret that is not there.
    #[error(transparent)]
    Secret(#[from] NoSecret),
    /// What is to be put back is not in the journal any more.
    #[error("the recorded content cannot be opened: {0}")]
    Content(BodyError),
    /// What this attempt found is needed to compare with, and is not in the journal any more.
    #[error("what it found is not there: {0}")]
    Found(BodyError),
    /// A body of attributes holds something else.
    #[error("the recorded attributes are none")]
    Attributes,
    /// The recorded state is not one of files.
    #[error("`{0}` is nothing that can be put at a path")]
    NoFile(String),
    /// The step names nothing.
    #[error("nobody knows what to wait for")]
    NoWait,
}
