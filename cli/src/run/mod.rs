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
//! The arguments of `run` go this way. They come back to a module that they had left once, in a lab three times. What a
//! module gives in return for a part of them, such as the journal for `--journal`, is not counted.
//!
//! ```text
//! commands/run --> sources      RUNBOOK and -i are read
//! commands/run <-- sources      1: as texts, from which --set and --host make the plan
//! commands/run --> run          What, Settings and Consent, once
//!          run --> journal      --journal: its place is found, and it is owned
//! commands/run <-- run          2: in a lab, whose folder the plan names, the plan is made now
//!          run <-- commands/run 3: with the plan
//!          run --> lab          --lab-state, --drop and the like: the lab is made, and disturbed
//!          run --> driver       the plan, --reason and --change; --take-over and --on-hangup stay in run
//!          run --> render       -o: the report at the end
//! ```

mod against;
mod check;
mod claimed;
mod claims;
mod close;
mod executor;
mod foresee;
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
mod unkept;
mod world;

pub(crate) use close::close;
pub(crate) use foresee::{Intended, Outlook, foresee};
pub(crate) use mandate::{Mandate, former_name};
pub(crate) use opened::{InLab, Owned, What};
pub(crate) use outline::outline;
pub(crate) use reach::{NodeNames, cluster_to_ask, fleet, open_to_ask, runtime, ways};
pub(crate) use ready::Ready;
pub(crate) use record::record;
pub(crate) use settings::{Consent, OnHangup, RunMetadata, Settings};
pub(crate) use stopped::Stopped;
pub(crate) use world::World;
