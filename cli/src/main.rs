//! The binary `palinode`: arguments in, words out. What it decides, it decides in the crates below.

mod actor;
mod args;
mod commands;
mod exit;
mod place;
mod render;
mod session;
mod when;
mod world;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match commands::dispatch(&args) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(args.output == args::Output::Json).into(),
    }
}
