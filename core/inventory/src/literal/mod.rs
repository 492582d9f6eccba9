//! Python's literals, as INI inventories hold them: values, and nodes with their places.

pub(crate) mod nodes;
pub(crate) mod number;
pub(crate) mod python;
pub(crate) mod value;

pub(crate) use nodes::parse;
