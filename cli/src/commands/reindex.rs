//! `palinode reindex`.

use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::journal;
use crate::render::{count, escape, print_json, span, to_stdout};
use palinode_core::id::Micros;
use palinode_core::port::StoreRead as _;
use std::time::Instant;

/// Build the index that `log` and `show` search large journals with.
///
/// They build it by themselves where it helps; it may be deleted at any time.
#[derive(Debug, clap::Args)]
pub(crate) struct Reindex {}

/// Builds the index anew.
pub(crate) fn reindex(args: &Args) -> Result<Exit, Failure> {
    let reader = journal::reader(args.journal.as_deref())?;
    let began = Instant::now();
    let built = palinode_journal::index::reindex(&reader)?;
    match args.output {
        Output::Json => print_json(&serde_json::json!({
            "journal": reader.describe(),
            "index": built.folder,
            "entries": built.entries,
            "runs": built.runs,
            "keys": built.keys,
            "bytes": built.bytes,
        })),
        Output::Text => {
            let took = Micros(i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX));
            to_stdout(&format!(
                "indexed: {} entries of {} in {}\n  {}, {} bytes\n",
                built.entries,
                count(usize::try_from(built.runs).unwrap_or(usize::MAX), "run"),
                span(took),
                escape(&built.folder.display().to_string()),
                built.bytes
            ));
        }
    }
    Ok(Exit::Done)
}
