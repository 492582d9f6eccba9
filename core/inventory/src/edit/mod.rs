//! Edits: splices of the text, checked against what they were meant to change.

pub(crate) mod apply;
pub(crate) mod definitions;
pub(crate) mod dialect;
pub(crate) mod groups;
pub(crate) mod home;
mod hosts;
pub(crate) mod kinds;
pub(crate) mod meant;
pub(crate) mod outvoted;
pub(crate) mod pins;
pub(crate) mod place;
pub(crate) mod refusal;
mod sections;
mod yaml_edit;
mod yaml_groups;
mod yaml_hosts;
pub(crate) mod yaml_page;
