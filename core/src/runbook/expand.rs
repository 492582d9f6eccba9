//! Placeholder.
/// Placeholder.
#[derive(Debug)]
pub struct Given;
