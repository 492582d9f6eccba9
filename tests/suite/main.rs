//! The suites.

mod conformance;
mod procedure;
