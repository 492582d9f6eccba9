//! The real world: the operator's hosts over SSH, the cluster's API, and the files of the machine that Palinode runs on.
//!
//! [`Real`] hands each question about an action to the side where the action is done (`side`): a host, the cluster, files of
//! this machine, or Ansible on it.

mod claims;
mod errors;
mod executor;
mod gates;
mod on_cluster;
mod on_control;
mod on_host;
mod reasons;
mod router;
mod side;
mod watch;

pub use claims::{NotTaken, Unready};
pub use executor::{Listener, Real, Teller};
