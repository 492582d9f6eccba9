//! The simulated lab: a deterministic stand-in for production.
//!
//! A [`World`] is a value: eleven machines with units, packages and files, a cluster with nodes, pods and ConfigMaps,
//! gluster volumes that fall behind and heal. It changes in two ways only: controllers work as its clock moves
//! (`world::controllers`), and jobs apply [`Effect`]s. [`Lab`] puts it behind the executor port: an action becomes
//! the parts of a job that are still to do (`actions`, a file for each kind), they are applied as virtual time passes, whoever watches, and
//! every one of them is a line in the [`Ledger`]. Initial world and ledger together are the world: a process that
//! is killed finds it again with [`Lab::open`].
//!
//! Time is virtual. When every future of the driver waits, it polls [`Executor::idle`](palinode_core::port::Executor::idle), which moves the clock to the
//! next moment anyone waits for.

mod actions;
mod demo;
mod executor;
mod faults;
mod simulation;
#[cfg(test)]
mod tests;
mod world;

pub use actions::{Outside, cannot};
pub use demo::{DEFAULT_NODES, NODES, inventory_of, inventory_text};
pub use faults::{Failing, Fault, Phase};
pub use simulation::{Lab, Sleeper, Surroundings, block_on};
pub(crate) use world::NODE_PACKAGES;
pub use world::{
    Applied, Archive, Brick, Budget, ConfigMap, Digest, Effect, End, Entry, Files, Finish, Host, JobRecord, Kubelet,
    Ledger, Line, NodeRecord, Owner, OwnerKind, Part, PodRecord, Storage, Unit, UnitVerb, Volume, What, World, effects,
    nevra,
};
