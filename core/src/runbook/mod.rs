//! Runbooks: the YAML that a person writes, checked with line and column, and expanded into a plan.
//!
//! Reading goes in three moves: [`node`] turns the text into values that know their place, [`parse`](Runbook::parse)
//! turns those into steps, [`expand`](Runbook::expand) fills in parameters and hosts. Every complaint is a [`Finding`]
//! with place, reason and next step; all that can be found are found at once.

mod declared;
mod expand;
mod finding;
mod forms;
mod gather;
mod hosts;
pub(crate) mod keys;
pub mod node;
mod objects;
mod parse;
mod step;
pub mod template;
#[cfg(test)]
mod tests;
mod values;
mod words;
mod work;

pub use expand::{Checked, Given};
pub use finding::{At, Finding};
pub use objects::typed_merge;
pub use parse::{Hosts, Kind, Param, Runbook, StepSpec};

pub(crate) use forms::form_of;
