//! Placeholder.
pub mod inventory;
