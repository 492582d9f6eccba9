//! Python's literals, as INI inventories hold them: one reader, which keeps values and places.

mod atoms;
pub(crate) mod number;
pub(crate) mod python;
mod quotes;
pub(crate) mod value;
pub(crate) mod written;

pub(crate) use python::parse;
