//! What touches a target: the ports of [`palinode_core::port`] for real worlds.
//!
//! Rules are not made here. An executor looks at a target, does what a typed action says, and reports what happened in
//! words an operator can act on; what follows from that is decided in core.
//!
//! 1. [`Real`] is the executor of real runs. It sends what is for the control side, the machine Palinode itself runs on, to
//!    [`InventoryFiles`], and what is for a host to that host.
//! 2. A [`Fleet`] reaches hosts: one link for each, the operator's own `ssh`, with one long-lived root shell on it.
//! 3. What is there is asked in one question for all resources of a host. What an action does is a piece of shell, made
//!    from typed values that are quoted in one place, and run as a job: a folder on the host that one claimant makes, and
//!    that tells by files how it went, whoever is still connected.
//! 4. A host is claimed in a journal's name ([`Claim`]) before it is changed.
//! 5. A [`Cluster`] is reached by its API: one request for each attempt, told as it is made, bound to UIDs and to a claim.
//! 6. A playbook is such a job on the control side ([`PlaybookDirs`]), run by the operator's own Ansible; what it does is told
//!    line by line, and recorded as it happens.
//! 6. Whether storage is healed is asked of several of its members, each in one question, and judged from what all of them
//!    told.
//!
//! Inventories are whole [`Files`], on disk ([`DiskFiles`]) or in memory ([`MemFiles`]), so that a rehearsal and a real run
//! go through the same code. What Ansible reads in them, with all that lies beside them, [`DiskSources`] brings.

mod ansible;
mod checkup;
mod cluster;
mod control;
mod files;
mod gluster;
mod host;
mod inventories;
mod kind;
mod plain;
pub mod reading;
mod real;
mod secrets;
mod ssh;

pub use ansible::{Asker, PlaybookDirs, Prompt, Reply};
pub use checkup::{Checkup, Clock, Jobs, Lock, Room, Tool};
pub use cluster::{Cluster, ClusterCheckup, Given, Kinds, NoCluster, NodeFound, Nodes, RightsOf};
pub use control::InventoryFiles;
pub use files::{DiskFiles, FILE_LIMIT, FileContent, Files, MemFiles};
pub use inventories::DiskSources;
pub(crate) use plain::check_plain;
pub use plain::{NotPlain, read_plain};
pub use real::{Listener, NotTaken, Real, Teller, Unready};
pub use ssh::{BadSetting, Claim, Fence, Fleet, LinkError, Seen, SshSettings, Whose};
