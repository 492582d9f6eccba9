//! What a runbook can say, described: every action, gate and key, with the type, unit and default of each field.
//!
//! Nothing here is written twice. The text is that of the doc comments of the types that are read, what is accepted and
//! what the defaults are comes from serde's attributes, and undo class, recovery and place from the kinds themselves. Of
//! this are made `palinode explain` ([`lookup`]), the schema of runbooks ([`runbook_schema`]) and the reference pages
//! ([`page`]).

mod keys;
mod kind;
mod lookup;
pub mod page;
mod schema;
#[cfg(test)]
mod tests;

pub use crate::form::{Field, sentence};
pub use keys::Keys;
pub use kind::{Fact, FormDoc, KindDoc, Sort, actions, gates};
pub use lookup::{Subject, Unknown, everything, lookup, topics};
pub use schema::runbook_schema;
