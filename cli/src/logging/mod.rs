//! What is logged for people who look for faults. The journal is the record of a run; this is no part of it.
//!
//! 1. The crates below tell what they decide and whom they ask, in spans and events of `tracing`. No body, no secret and no
//!    word that may quote one is among the fields; `cli/docs/logging.md` lists them.
//! 2. `filter` reads `PALINODE_LOG` and decides which of them are wanted. Other crates stay silent unless they are named, and
//!    tell nothing below `info`, where some print headers.
//! 3. `noted` takes what is wanted out of an event, short and escaped; `layers` hands it to standard error, to a file
//!    (`file`), and to a ring of the last ones (`ring`), which is kept in the journal's folder if a run ends badly.

mod file;
mod filter;
mod layers;
mod noted;
pub(crate) mod options;
mod ring;

use crate::args::Args;
use crate::error::Failure;
use crate::logging::options::Options;
pub(crate) use file::{NotOurs, place};
use filter::Wanted;
use layers::{Contexts, Printer, Sink, only_ours};
pub(crate) use noted::escaped;
pub(crate) use ring::{Guard, ended, of_run};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::Registry;

/// The most talkative level that so many `-v` ask for.
fn level(verbose: u8) -> LevelFilter {
    match verbose {
        0 => LevelFilter::OFF,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}

/// Begins to log, as the command line and `PALINODE_LOG` say. What is wrong with them is said before anything is done.
pub(crate) fn start(args: &Args, drives: bool) -> Result<(), Failure> {
    let Options { verbose, log_file, log_format } = &args.logging;
    let wanted = Wanted::of_environment()?;
    let asked = level(*verbose);
    let bare = wanted.as_ref().and_then(|wanted| wanted.level);
    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = Vec::new();
    let mut most = LevelFilter::OFF;
    // `PALINODE_LOG` speaks of the file if there is one, and of standard error if that is asked for or there is none.
    if *verbose > 0 || (wanted.is_some() && log_file.is_none()) {
        let filter = filter::filter(asked.max(bare.unwrap_or(LevelFilter::OFF)), wanted.as_ref());
        most = most.max(filter.most);
        layers.push(Printer::new(Sink::Stderr, *log_format).with_filter(filter.rules).boxed());
    }
    if let Some(path) = log_file {
        let sink = file::open(path)?;
        let filter = filter::filter(asked.max(bare.unwrap_or(LevelFilter::DEBUG)), wanted.as_ref());
        most = most.max(filter.most);
        layers.push(Printer::new(sink, *log_format).with_filter(filter.rules).boxed());
    }
    let keeps = drives && (bare != Some(LevelFilter::OFF) || *verbose > 0);
    if keeps && layers.is_empty() {
        // As it is for nearly everyone: one layer, without what it takes to tell several apart.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(ring::Alone));
        return Ok(());
    }
    if keeps {
        most = most.max(ring::LEVEL);
        layers.push(ring::layer().with_filter(only_ours(ring::LEVEL)).boxed());
    }
    if layers.is_empty() {
        return Ok(());
    }
    // First, so that the others find what it noted of spans.
    layers.insert(0, Contexts.with_filter(only_ours(most)).boxed());
    // There is no other subscriber: this is the only place that sets one.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layers));
    if let Some(notice) = wanted.and_then(|wanted| wanted.notice) {
        crate::render::to_stderr(&notice);
    }
    Ok(())
}
