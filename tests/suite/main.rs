//! The suites.

mod conformance;
mod crash;
mod drift;
mod failing;
mod procedure;
