//! `palinode verify`.

use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::journal;
use crate::render::{count, escape, print_json, to_stdout};
use palinode_journal::Notice;
use std::fmt::Write as _;

/// Check every byte of the journal.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {}

fn notice(notice: &Notice) -> String {
    match notice {
        Notice::TornTail { file, offset } => {
            format!("{file} ends in an unfinished batch at byte {offset}; the next owner cuts it and keeps the bytes")
        }
        Notice::TornHead => {
            "the last owner died, and one half of the head is not of its last write; the other one is sound, and the \
             next owner rewrites both"
                .to_owned()
        }
        Notice::Alive => "a living process is writing; what it wrote meanwhile was not looked at".to_owned(),
        Notice::Unknown(file) => format!("{file} is no part of a journal"),
        Notice::Unnamed(number) => {
            format!("{number} sound blobs that no entry names; their owner died before it recorded them")
        }
    }
}

/// Checks every byte, and that the history folds.
pub(crate) fn verify(args: &Args) -> Result<Exit, Failure> {
    let root = journal::find(args.journal.as_deref())?;
    let found = palinode_journal::verify(&root)?;
    let (_, history) = journal::read(Some(&root))?;
    match args.output {
        Output::Json => print_json(&serde_json::json!({
            "sound": true,
            "journal": root,
            "entries": found.entries,
            "batches": found.batches,
            "blobs": found.blobs,
            "bytes": found.bytes,
            "runs": history.runs.len(),
            "last": found.last.map(|(seq, id)| serde_json::json!({ "seq": seq, "id": id })),
            "notices": found.notices.iter().map(notice).collect::<Vec<_>>(),
        })),
        Output::Text => {
            let mut out = format!(
                "sound: {}, {}, {}, {} bytes\n",
                count(usize::try_from(found.entries).unwrap_or(usize::MAX), "entry").replace("entrys", "entries"),
                count(usize::try_from(found.blobs).unwrap_or(usize::MAX), "blob"),
                count(history.runs.len(), "run"),
                found.bytes
            );
            if let Some((seq, id)) = found.last {
                let _ = writeln!(out, "last entry {seq}, {id}");
            }
            for found in &found.notices {
                let _ = writeln!(out, "notice: {}", escape(&notice(found)));
            }
            to_stdout(&out);
        }
    }
    Ok(Exit::Done)
}
