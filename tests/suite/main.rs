//! The suites.

mod crash;
mod failing;
mod procedure;
