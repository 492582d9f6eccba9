//! Runbooks: the YAML that a person writes, checked with line and column, and expanded into a plan.
//!
//! Reading goes in three moves: [`node`] turns the text into values that know their place, [`parse`](Runbook::parse)
//! turns those into steps, [`expand`](Runbook::expand) fills in parameters and hosts. Every complaint is a [`Finding`]
//! with place, reason and next step; all that can be found are found at once.

mod expand;
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
mod words;
mod work;

pub use expand::{Checked, Given};
pub use parse::{Hosts, Kind, Param, Runbook, StepSpec};

pub(crate) use forms::form_of;
use node::{At, Value};
use std::fmt;

/// Something wrong in a runbook or in what it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where; line 0 when it is not in the text.
    pub at: At,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub next: String,
}

impl Finding {
    pub(crate) fn new(at: At, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { at, what: what.into(), next: next.into() }
    }

    fn expected(at: At, what: &str, found: &Value) -> Self {
        Self::new(at, format!("expected {what}, found {}", found.kind()), "correct the value")
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.line > 0 {
            write!(f, "line {}, column {}: ", self.at.line, self.at.column)?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for Finding {}
