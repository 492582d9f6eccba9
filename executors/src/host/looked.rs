//! Why a host cannot be looked at.

use palinode_core::port::BodyError;

/// Why a host's answer does not tell what is there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Looked {
    /// The host cannot tell, and says why.
    #[error("{0}")]
    Cannot(String),
    /// What was found could not be kept.
    #[error(transparent)]
    Body(#[from] BodyError),
}
