//! The binary `palinode`: arguments in, words out. What it decides, it decides in the crates below.

mod acting;
mod actor;
mod args;
mod commands;
mod consent;
mod exit;
mod logging;
mod place;
mod render;
mod session;
mod targets;
mod when;
mod world;

use clap::Parser;
use std::process::ExitCode;

/// A long history is taken apart on several threads. What one allocates another frees, and with glibc they wait for it.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let _guard = logging::Guard::new();
    match logging::start(&args).and_then(|()| commands::dispatch(&args)) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(args.output == args::Output::Json).into(),
    }
}
