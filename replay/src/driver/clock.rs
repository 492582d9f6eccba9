//! Time as gates count it: what passed in the processes that waited, by a clock that nobody sets.

use palinode_core::id::Micros;
use palinode_core::port::Executor;
use palinode_core::run::plan::StepIx;
use std::collections::BTreeMap;
use std::time::Instant;

/// The monotonic clock of a driver, and the gates that are waited for.
#[derive(Debug)]
pub(super) struct Clock {
    began: Instant,
    /// When a gate began to be waited for in this process, and what was waited before.
    gates: BTreeMap<StepIx, (Micros, Micros)>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), gates: BTreeMap::new() }
    }

    /// Time that passed since some moment; a virtual world's clock is never set back.
    fn now<E: Executor>(&self, executor: &E) -> Micros {
        match executor.is_virtual() {
            true => executor.now(),
            false => Micros(i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX)),
        }
    }

    /// A gate is about to be asked. `goes_on`: it was asked before and did not answer well enough yet; `before`: what was
    /// waited for it in earlier processes, or up to its last sample.
    pub(super) fn ask<E: Executor>(&mut self, executor: &E, ix: StepIx, goes_on: bool, before: Option<Micros>) {
        if !goes_on || !self.gates.contains_key(&ix) {
            self.gates.insert(ix, (self.now(executor), before.unwrap_or(Micros(0))));
        }
    }

    /// How long a gate was waited for by now.
    pub(super) fn waited<E: Executor>(&self, executor: &E, ix: StepIx) -> Micros {
        let now = self.now(executor);
        self.gates.get(&ix).map_or(Micros(0), |(since, before)| before.plus(now.since(*since)))
    }
}
