//! The world of the lab: what exists in it, what changes it, and what a look at it shows.
//!
//! [`World`] is a value (`model`). It changes in two ways only: controllers work as its clock moves (`controllers`), and
//! jobs (`job`) apply effects (`effect`, `apply`). The `ledger` holds every one of them. A look at it is answered by
//! `observe` and `heal`.

mod apply;
pub(super) mod attention;
pub(super) mod controllers;
mod digest;
pub(super) mod effect;
pub(super) mod files;
pub(super) mod gluster;
mod heal;
pub(super) mod job;
pub(super) mod ledger;
pub(super) mod model;
pub(super) mod node_files;
pub(super) mod observe;
pub(super) mod pods;
pub(super) mod repos;
pub(super) mod spec;

pub use digest::Digest;
pub use effect::{Effect, UnitVerb};
pub use files::{Archive, Entry, Files};
pub use gluster::{Brick, Storage, Volume};
pub use job::{End, Finish, JobRecord, Part};
pub use ledger::{Applied, Ledger, Line, What, effects};
pub use model::{Budget, ConfigMap, Host, Kubelet, NodeRecord, Owner, OwnerKind, PodRecord, Unit, World};
pub(crate) use spec::NODE_PACKAGES;
pub use spec::nevra;
