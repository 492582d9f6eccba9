//! The last events of a run, kept in memory, and in the journal's folder once the run ends badly: who asks for help then
//! did not type `-v` before.

use super::layers::{Contexts, OURS, noted};
use super::noted::Noted;
use super::options::Format;
use palinode_core::id::RunId;
use palinode_core::record::{PauseWhy, RunEnd};
use palinode_journal::diagnostics;
use palinode_replay::driver::Stopped;
use std::collections::VecDeque;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, error};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// So many events are kept.
const MOST: usize = 1000;

/// What is kept of what our own crates tell.
pub(super) const LEVEL: LevelFilter = LevelFilter::DEBUG;

#[derive(Default)]
struct Last {
    events: VecDeque<Noted>,
    /// How many came before those.
    gone: u64,
    /// The journal and the run that is driven.
    of: Option<(PathBuf, RunId)>,
}

static LAST: Mutex<Last> = Mutex::new(Last { events: VecDeque::new(), gone: 0, of: None });

fn last() -> MutexGuard<'static, Last> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the last events.
pub(super) struct Ring;

pub(super) fn layer() -> Ring {
    Ring
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Ring {
    fn on_event(&self, event: &Event<'_>, all: Context<'_, S>) {
        let noted = noted(event, &all);
        let mut last = last();
        if last.events.len() == MOST {
            last.events.pop_front();
            last.gone += 1;
        }
        last.events.push_back(noted);
    }
}

/// The same where nobody else listens: notes the fields of spans too, and passes over what is not kept.
pub(super) struct Alone;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Alone {
    fn register_callsite(&self, meta: &'static Metadata<'static>) -> Interest {
        if is_kept(meta) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, meta: &Metadata<'_>, _: Context<'_, S>) -> bool {
        is_kept(meta)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LEVEL)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, all: Context<'_, S>) {
        Contexts.on_new_span(attributes, id, all);
    }

    fn on_event(&self, event: &Event<'_>, all: Context<'_, S>) {
        Ring.on_event(event, all);
    }
}

fn is_kept(meta: &Metadata<'_>) -> bool {
    meta.target().starts_with(OURS) && *meta.level() <= LEVEL
}

/// From here on events are about a run of a journal.
pub(crate) fn of_run(root: &Path, run: RunId) {
    last().of = Some((root.to_owned(), run));
}

/// Keeps what there is, if driving ended badly: the last events of a run that went well are of no use.
pub(crate) fn ended<E>(stopped: Result<&Stopped, E>) {
    let badly = match stopped {
        Ok(Stopped::Closed(RunEnd::Failed | RunEnd::PartlyRolledBack)) | Err(_) => true,
        Ok(Stopped::Paused(why)) => *why != PauseWhy::Asked,
        Ok(Stopped::Closed(RunEnd::Done | RunEnd::RolledBack) | Stopped::Left | Stopped::Looked) => false,
    };
    if badly {
        keep();
    }
}

/// Writes the ring into the journal's folder. That it cannot be written changes nothing: it is no record.
fn keep() {
    let last = last();
    let Some((root, run)) = &last.of else { return };
    if last.events.is_empty() {
        return;
    }
    let head =
        serde_json::json!({ "palinode": env!("CARGO_PKG_VERSION"), "run": run.to_string(), "before": last.gone });
    let mut text = format!("{head}\n");
    last.events.iter().for_each(|noted| text.push_str(&noted.line(Format::Json)));
    let _ = diagnostics::keep(root, *run, text.as_bytes());
}

/// Keeps the last events also where this process panics.
pub(crate) struct Guard(());

impl Guard {
    /// Notes where a panic comes from. What it says may quote anything, and is not noted.
    pub(crate) fn new() -> Self {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let (file, line) = info.location().map_or(("", 0), |at| (at.file(), at.line()));
            error!(file, line, "panic");
            before(info);
        }));
        Self(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            keep();
        }
    }
}
