//! YAML as Ansible reads it: events with their places, a document of them, what it comes to, and splices that keep
//! every other byte.

pub(crate) mod document;
pub(crate) mod events;
pub(crate) mod graft;
pub(crate) mod make;
pub(crate) mod places;
pub(crate) mod read;
pub(crate) mod scalar;
pub(crate) mod tell;
pub(crate) mod tree;
pub(crate) mod write;

pub(crate) use places::{line_of, parse};
pub(crate) use tell::is_yaml;
pub(crate) use write::{float, is_value, quote_of, shown, text};
