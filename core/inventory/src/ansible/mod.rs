//! Where Ansible looks: files, folders, scripts, and the files of variables beside them.

pub(crate) mod json;
pub(crate) mod script;
pub(crate) mod sources;
pub(crate) mod vars_files;

pub use sources::{Kind, Sources};
