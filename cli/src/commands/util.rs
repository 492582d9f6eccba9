//! `palinode util`: what other programs want of Palinode.

use crate::error::{Exit, Failure};
use crate::render::print_json;
use clap::Subcommand;
use palinode_core::describe::runbook_schema;

/// What other programs want of Palinode.
#[derive(Debug, Subcommand)]
pub(crate) enum Util {
    /// Print the JSON schema of runbooks, with which editors complete and check them.
    Schema,
}

pub(crate) fn util(command: &Util) -> Result<Exit, Failure> {
    match command {
        Util::Schema => print_json(&runbook_schema()),
    }
    Ok(Exit::Done)
}
