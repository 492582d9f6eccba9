//! What a look before a rollback found that someone changed since.

use palinode_core::id::ResourceKey;

/// What was found when it was looked what someone changed.
#[derive(Debug, Default)]
pub struct Drifted {
    /// What was changed, and what differs in words.
    pub found: Vec<(ResourceKey, String)>,
    /// Why some resources could not be looked at.
    pub unseen: Vec<String>,
}
