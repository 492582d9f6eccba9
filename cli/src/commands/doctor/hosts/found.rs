//! What was found on one host.

use super::judge::{Look, Row};
use palinode_core::id::HostName;

/// What was found at one host.
pub(crate) struct Found {
    pub(crate) host: HostName,
    pub(crate) look: Look,
    pub(crate) rows: Vec<Row>,
}
