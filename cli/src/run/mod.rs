//! A run from the command line to its end, in stages. Each stage is a type that only the one before can make, so that no
//! verb can drive what was not checked, or change what a person did not agree to.
//!
//! ```text
//! verb (commands/*.rs)       its arguments become a `What` and `Settings`
//!   |
//!   v
//! World::open -> Opened      the journal is owned, the world is open; nothing was asked of a host
//!   |  check
//!   v
//! Ready                      targets were looked at: reached, allowed, the same machines, free
//!   |  claim(consent)        `look`: steps in doubt are looked at, and it is Ready again
//!   v
//! Claimed                    a person agreed, the journal is made if it was not there
//!   |  drive
//!   v
//! Stopped                    what was done is recorded; `report` prints it
//! ```
//!
//! The arguments of `run` go this way, and come back to a module that they had left three times:
//!
//! ```text
//! commands/run --> sources       the runbook's text, the inventory's text
//! commands/run <-- sources       1: a plan is made of them
//! commands/run --> run           What, Settings and Consent, once
//!          run --> journal       the place of the journal; it is owned
//!          run <-- journal       2: the world is opened, and checked
//!          run --> lab           a lab is made or opened, and disturbed
//!          run <-- lab           3: the driver goes to work
//!          run --> render        progress, and the report at the end
//! ```

mod against;
mod check;
mod claimed;
mod claims;
mod close;
mod executor;
mod mandate;
mod new_id;
mod opened;
mod outline;
mod reach;
mod ready;
mod record;
mod session;
mod settings;
mod stopped;
mod taking;
mod task;
mod world;

pub(crate) use close::close;
pub(crate) use mandate::{Mandate, former_name};
pub(crate) use new_id::new_id;
pub(crate) use opened::{InLab, Owned, What};
pub(crate) use outline::outline;
pub(crate) use reach::{fleet, runtime, ways};
pub(crate) use ready::Ready;
pub(crate) use record::record;
pub(crate) use settings::{Consent, OnHangup, RunMetadata, Settings};
pub(crate) use stopped::Stopped;
pub(crate) use world::World;
