//! Ansible's INI: its lines with their places, host patterns and ranges, and what it comes to.

pub(crate) mod address;
pub(crate) mod pattern;
mod query;
pub(crate) mod read;
pub(crate) mod split;
pub(crate) mod text;
