//! Decides order over time: the driver, reconciliation, rollback, and the simulated lab.
//!
//! 1. [`driver`] folds the journal and goes on from there: look, record the intent, act, record the outcome.
//! 2. What is in doubt after a crash is looked at first, and decided by the step's declared rule.
//! 3. [`rollback`] plans the way back from the journal; it is driven like any other run.
//! 4. [`lab`] is a stand-in for production, with a clock and a ledger of its own.
//! 5. [`conformance`] tortures every action on any executor and hands back images to compare.

pub mod conformance;
pub mod driver;
pub mod lab;
pub mod rollback;
pub mod strict;
