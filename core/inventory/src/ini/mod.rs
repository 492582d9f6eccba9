//! Ansible's INI: its lines with their places, host patterns and ranges, and what it comes to.

pub(crate) mod address;
mod line;
pub(crate) mod pattern;
pub(crate) mod read;
pub(crate) mod split;
pub(crate) mod text;
