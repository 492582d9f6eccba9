//! The pure rules of Palinode: no I/O, no async runtime, no clock.
//!
//! The story in six steps:
//!
//! 1. A person writes a [`runbook`]; checked and expanded for concrete hosts it is an immutable [`plan`].
//! 2. Every step of a plan is a typed [`action`] on a target, or a gate. An action declares the [`resource`]s it
//!    touches, and computes its inverse from what was there before.
//! 3. Whatever happens is an [`event`], stored as an entry in the journal. Entries have one canonical byte form
//!    ([`canon`]) and are named by its hash.
//! 4. A run's [`state`] is a fold over its entries, under one table of legal moves ([`life`]). What may be done next
//!    follows from it ([`decide`]) and from nothing else, and what a finding means stands in [`rules`]; so any run
//!    replays strictly ([`strict`]).
//! 5. Taking a run back ([`compensate`]) is a pure function from entries to another plan.
//! 6. The world is behind two ports ([`port`]): a journal that makes entries durable, and an executor that looks and
//!    acts. Inventories are edited as text ([`inventory`]), without losing a byte of what people wrote.

pub mod action;
pub mod admit;
pub mod at_work;
#[cfg(test)]
mod bench;
pub mod canon;
#[cfg(test)]
mod chance;
pub mod cluster;
pub mod compensate;
pub mod decide;
pub mod describe;
pub mod event;
#[cfg(test)]
mod forms;
pub mod history;
pub mod id;
pub mod inventory;
pub mod leftover;
pub mod life;
pub mod plan;
pub mod port;
pub mod progress;
pub mod resource;
pub mod rules;
pub mod runbook;
pub mod shown;
pub mod span;
pub mod state;
pub mod strict;
