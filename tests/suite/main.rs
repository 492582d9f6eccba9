//! The suites.

mod drift;
mod procedure;
