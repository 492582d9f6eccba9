//! The binary `palinode`: arguments in, words out. What it decides, it decides in the crates below.

mod actor;
mod args;
mod asking;
mod clock;
mod commands;
mod confirm;
mod entries;
mod error;
mod journal;
mod lab;
mod logging;
mod render;
mod run;
mod sources;
mod time_arg;

use clap::Parser;
use std::process::ExitCode;

/// A long history is taken apart on several threads. What one allocates another frees, and with glibc they wait for it.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let line = commands::CommandLine::parse();
    let _guard = logging::Guard::new();
    match logging::start(&line.args, line.drives()).and_then(|()| commands::dispatch(&line)) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(line.args.output == args::Output::Json).into(),
    }
}
