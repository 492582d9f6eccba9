//! Placeholder.

pub mod lab;
