//! Where events go: what is noted of spans, and who gets the events.

use super::noted::{Context, Fields, Noted};
use super::options::Format;
use crate::render::to_stderr;
use std::fs::File;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{self, Filter, Layer};
use tracing_subscriber::registry::LookupSpan;

/// How the names of our own crates begin.
pub(super) const OURS: &str = "palinode";

/// Lets what our own crates tell pass, up to a level.
pub(super) struct OnlyOurs(LevelFilter);

/// What our own crates tell, up to a level.
pub(super) fn only_ours(most: LevelFilter) -> OnlyOurs {
    OnlyOurs(most)
}

impl<S> Filter<S> for OnlyOurs {
    fn enabled(&self, meta: &Metadata<'_>, _: &layer::Context<'_, S>) -> bool {
        meta.target().starts_with(OURS) && *meta.level() <= self.0
    }

    fn callsite_enabled(&self, meta: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        match meta.target().starts_with(OURS) && *meta.level() <= self.0 {
            true => tracing::subscriber::Interest::always(),
            false => tracing::subscriber::Interest::never(),
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0)
    }
}

/// Notes the fields of spans, once for all who get events.
pub(super) struct Contexts;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Contexts {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, all: layer::Context<'_, S>) {
        let Some(span) = all.span(id) else { return };
        let around = span.parent().and_then(|parent| parent.extensions().get::<Arc<Context>>().cloned());
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let name = span.name();
        span.extensions_mut().insert(Arc::new(Context { name, fields, around }));
    }
}

/// What is noted of an event, with the spans around it.
pub(super) fn noted<S: Subscriber + for<'a> LookupSpan<'a>>(event: &Event<'_>, all: &layer::Context<'_, S>) -> Noted {
    let within = all.event_span(event).and_then(|span| span.extensions().get::<Arc<Context>>().cloned());
    Noted::of(event, within)
}

/// Where lines are written.
pub(super) enum Sink {
    /// Beside the progress, line by line.
    Stderr,
    /// A file of its own.
    File(Mutex<File>),
}

/// Writes events as they come, each with one write, so that no line is torn.
pub(super) struct Printer {
    sink: Sink,
    format: Format,
    failed: AtomicBool,
}

impl Printer {
    pub(super) fn new(sink: Sink, format: Format) -> Self {
        Self { sink, format, failed: AtomicBool::new(false) }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Printer {
    fn on_event(&self, event: &Event<'_>, all: layer::Context<'_, S>) {
        let line = noted(event, &all).line(self.format);
        match &self.sink {
            Sink::Stderr => to_stderr(&line),
            Sink::File(file) => {
                let written = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
                // A run does not stop for its log; that some of it is missing is said once.
                if let Err(error) = written
                    && !self.failed.swap(true, Ordering::Relaxed)
                {
                    to_stderr(&format!("notice: the log file cannot be written and is not complete: {error}\n"));
                }
            }
        }
    }
}
