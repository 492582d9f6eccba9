//! The suites.

mod procedure;
