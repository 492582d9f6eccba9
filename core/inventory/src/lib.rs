//! Ansible inventories as text: read line by line, edited in place, merged by lines; never re-serialised.
//!
//! [`Inventory::parse`] keeps every byte and gives each line a meaning; what it does not understand it keeps as
//! [`LineKind::Other`]. [`apply`] carries out [`Edit`]s by splicing the text, [`difference`] says what an edit
//! meant, and [`merge3`] takes back one host's edits while later ones stay.
//!
//! A *value* is the text that a template prints for it: the quotes of the shell and of Python are gone,
//! `3.10` written bare is `3.1`, since that is what Ansible reads. Writing quotes again what needs it.
//!
//! Ranges such as `gluster[1:3].demo` are kept as they are written:
//! [`Inventory::every_host`] names their hosts, and an edit of a host inside one splits it first. What all of it comes
//! to, with typed values and the files beside it, is a [`model::Reading`].

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

pub use check::facts::{Owner, Source, groups_in, outvoted};
pub use check::finding::Finding;
pub use check::traps::check;
pub use diff::difference::{Change, difference};
pub use diff::merge::{Conflict, merge3};
pub use edit::apply::{amend, apply};
pub use edit::definitions::DefinitionChange;
pub use edit::kinds::{Edit, reads};
pub use edit::place::Place;
pub use edit::refusal::EditError;
pub use ini::pattern::HostPattern;
pub use ini::text::{HostLine, HostVar, Inventory, Line, LineKind, NotText, Section, SectionKind};
pub use span::Span;
