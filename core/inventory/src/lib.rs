//! Ansible inventories: read as Ansible reads them, edited in place, merged by lines; never re-serialised.
//!
//! A parsed text is for places and splices: [`Inventory::parse`] keeps every byte of an INI file, and gives each line its
//! kind, its places and its typed values; what Ansible refuses it keeps as [`LineKind::Wrong`]. What it all *means* is the
//! model, a [`model::Reading`]: hosts, groups and typed variables, with the file and line of each. Every question is asked
//! of the model: [`check()`] looks for traps in it, [`difference`] compares two of them, and [`apply`], which carries out
//! [`Edit`]s by splicing the text, holds each edit to what it was for by the models before and after. [`merge3`] takes back
//! one host's edits while later ones stay.
//!
//! The *value* of an edit is the text that a template prints for it: the quotes of the shell and of Python are gone,
//! `3.10` written bare is `3.1`, since that is what Ansible reads. Writing quotes again what needs it.
//!
//! Ranges such as `gluster[1:3].demo` are kept as they are written; an edit of a host inside one splits it first.

pub mod ansible;
mod check;
mod diff;
mod edit;
mod ini;
mod literal;
pub mod model;
pub mod shown;
mod span;
mod yaml;

pub use check::finding::{Checked, Finding};
pub use check::inventory::check;
pub use diff::difference::{Change, Kinds, difference, difference_at};
pub use diff::merge::{Conflict, merge3};
pub use edit::apply::{amend, apply};
pub use edit::definitions::DefinitionChange;
pub use edit::home::at_home;
pub use edit::kinds::{Edit, reads};
pub use edit::outvoted::outvoted;
pub use edit::place::Place;
pub use edit::refusal::EditError;
pub use ini::pattern::HostPattern;
pub use ini::text::{HostLine, HostVar, Inventory, Line, LineKind, NotText, Section, SectionKind, Written};
pub use span::Span;
