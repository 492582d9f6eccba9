//! Names of processes and people that tests act as.

use palinode_core::record::{Actor, Owner};

/// A process.
pub fn owner(pid: u32) -> Owner {
    Owner { host: "bastion.demo".to_owned(), boot: "boot".to_owned(), pid, started: u64::from(pid) }
}

/// A person.
pub fn actor() -> Actor {
    Actor { user: "ops".to_owned(), host: "bastion.demo".to_owned(), ..Actor::default() }
}
