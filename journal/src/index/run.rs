//! Runs as the index lists them.

use palinode_core::id::{Micros, RunId, Seq};
use palinode_core::port::Stored;
use palinode_core::record::Event;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a list of runs says of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// By its id, sixteen hexadecimal digits.
    pub run: RunId,
    /// Its first entry.
    pub first: Seq,
    /// Its last entry.
    pub last: Seq,
    /// The time of that, by the run's own clock.
    pub changed: Micros,
    /// Whether that clock is virtual.
    pub is_virtual: bool,
    /// Whether it is closed.
    pub closed: bool,
    /// The run whose keys seal its bodies.
    pub keys: RunId,
    /// For a rollback: the run that it takes back.
    pub compensates: Option<RunId>,
}

impl Run {
    /// Notes an entry of a run.
    pub(crate) fn note(runs: &mut BTreeMap<RunId, Self>, stored: &Stored) {
        let entry = &stored.entry;
        let run = runs.entry(entry.run).or_insert_with(|| Self {
            run: entry.run,
            first: entry.seq,
            last: Seq(0),
            changed: entry.time,
            is_virtual: false,
            closed: false,
            keys: entry.run,
            compensates: None,
        });
        (run.last, run.changed, run.is_virtual) = (entry.seq, entry.time, entry.wall.is_some());
        match &entry.event {
            Event::RunOpened(opened) => {
                run.keys = opened.keys;
                run.compensates = opened.compensates.as_ref().map(|back| back.run);
            }
            Event::RunClosed(_) => run.closed = true,
            _ => {}
        }
    }
}
