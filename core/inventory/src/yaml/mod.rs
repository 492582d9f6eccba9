//! YAML: nodes with their places, splices that keep every other byte, and what a document comes to.

pub(crate) mod document;
pub(crate) mod graft;
pub(crate) mod parse;
pub(crate) mod read;
pub(crate) mod scalar;
pub(crate) mod tree;

pub(crate) use parse::{is_value, is_yaml, line_of, parse, quote_of, shown, text};
