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
//! to, with typed values and the files beside it, is a [`reading::Reading`].

mod apply;
mod check;
mod check_types;
mod definitions;
mod dialect;
mod difference;
mod edit;
mod facts;
mod finding;
mod graft;
mod groups;
mod hosts;
mod literal;
mod meaning;
mod meant;
mod merge;
mod pattern;
mod pins;
mod place;
mod query;
pub mod reading;
mod refusal;
mod sections;
mod span;
mod split;
mod text;
mod tree;
mod value;
mod yaml;
mod yaml_edit;
mod yaml_groups;
mod yaml_hosts;
mod yaml_page;

pub use apply::{amend, apply};
pub use check::check;
pub use definitions::DefinitionChange;
pub use difference::{Change, difference};
pub use edit::{Edit, reads};
pub use facts::{Owner, Source, groups_in, outvoted};
pub use finding::Finding;
pub use merge::{Conflict, merge3};
pub use pattern::HostPattern;
pub use place::Place;
pub use refusal::EditError;
pub use span::Span;
pub use text::{HostLine, HostVar, Inventory, Line, LineKind, NotText, Section, SectionKind};
