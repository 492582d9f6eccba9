//! The suites.

mod crash;
mod drift;
mod failing;
mod procedure;
