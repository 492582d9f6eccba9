//! The forms of values, described by the types that they are read as: fields with type, unit and default.
//!
//! What is described depends on nothing but types, so that actions and gates can say their forms themselves.

mod field;
mod schema;

pub use field::{Field, sentence};
pub(crate) use schema::{Form, schema_of};
