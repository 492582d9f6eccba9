//! What was found on one host.

use super::super::row::{Look, Row};
use palinode_core::id::HostName;
use palinode_executors::Checkup;

/// What was found at one host.
pub(crate) struct Found {
    pub(crate) host: HostName,
    pub(crate) look: Look<Checkup>,
    pub(crate) rows: Vec<Row>,
}
