//! The suites.

mod drift;
mod procedure;
mod review;
