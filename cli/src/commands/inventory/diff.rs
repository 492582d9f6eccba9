//! `palinode inventory diff`: what two inventories mean differently.

use super::source::text_of;
use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::render::{count, escape, print_json, to_stdout};
use palinode_core::inventory::difference;
use std::fmt::Write as _;

pub(crate) fn diff(args: &Args, before: &str, after: &str) -> Result<Exit, Failure> {
    let changes = difference(&text_of(before)?, &text_of(after)?);
    if args.output == Output::Json {
        print_json(&serde_json::json!({ "before": before, "after": after, "changes": changes }));
        return Ok(Exit::Done);
    }
    let mut out = String::new();
    for change in &changes {
        let _ = writeln!(out, "{}", escape(&change.to_string()));
    }
    if changes.is_empty() {
        out.push_str("they mean the same\n");
    } else {
        let _ = writeln!(out, "{} in meaning", count(changes.len(), "difference"));
    }
    to_stdout(&out);
    Ok(Exit::Done)
}
