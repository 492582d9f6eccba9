//! The pure rules of Palinode: no I/O, no async runtime, no clock.
//!
//! The story in six steps:
//!
//! 1. A person writes a [`runbook`]; checked and expanded for concrete hosts it is an immutable [plan](run::plan).
//! 2. Every step of a plan is a typed [`action`] on a target, or a gate. An action declares the [`resource`]s it
//!    touches, and computes its inverse from what was there before.
//! 3. Whatever happens is an event of the [`record`], stored as an entry in the journal. Entries have one canonical byte
//!    form ([`canon`]) and are named by its hash.
//! 4. A run's [state](run::state) is a fold over its entries, under one table of legal moves ([`run::life`]). What may be
//!    done next follows from it ([`run::decide`]) and from nothing else, and what a finding means stands in
//!    [`run::rules`]; so any run replays strictly ([`strict`]).
//! 5. Taking a run back ([`run::compensate`]) is a pure function from entries to another plan.
//! 6. The world is behind two ports ([`port`]): a journal that makes entries durable, and an executor that looks and
//!    acts. Inventories are edited as text ([`inventory`]), without losing a byte of what people wrote.

pub mod action;
pub mod canon;
pub mod chain;
pub mod cluster;
pub mod describe;
pub mod exit;
pub mod form;
pub mod gate;
pub mod id;
pub mod port;
pub mod record;
pub mod resource;
pub mod run;
pub mod runbook;
pub mod span;
pub mod strict;
pub mod suggest;
#[cfg(test)]
mod test_util;

pub use palinode_inventory as inventory;
pub use palinode_inventory::shown;
