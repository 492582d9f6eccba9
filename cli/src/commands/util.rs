//! `palinode util`: what other programs want of Palinode.

use crate::args::Util;
use crate::exit::{Exit, Failure};
use crate::render::json;
use palinode_core::describe::runbook_schema;

pub(crate) fn util(command: &Util) -> Result<Exit, Failure> {
    match command {
        Util::Schema => json(&runbook_schema()),
    }
    Ok(Exit::Done)
}
