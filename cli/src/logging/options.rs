//! What is logged, where to, and in which form.

use clap::{ArgAction, ValueEnum};
use std::path::PathBuf;

/// How much of what happens is logged, and where to.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Log to standard error: -v what is decided, -vv each question to a host and request to the API, -vvv all.
    ///
    /// `PALINODE_LOG=palinode_executors::ssh=debug` chooses by part of the program.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Log into this file, behind what is in it: as -vv does, or as PALINODE_LOG says. A new one is private to you.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,
    /// How each event is written.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(crate) log_format: Format,
}

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A line for people.
    Text,
    /// One JSON object a line.
    Json,
}
