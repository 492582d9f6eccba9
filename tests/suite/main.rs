//! The suites.

mod crash;
mod procedure;
