//! Runs in the simulated lab, most of them in memory.

pub(crate) mod conformance;
pub(crate) mod crash;
mod decisions;
mod drift;
mod driver;
mod failing;
mod large;
mod procedure;
mod side_by_side;
