//! Decisions: what follows from a finding. The driver takes them, and strict replay takes them again; there is no other
//! place where they are taken, so the two cannot drift apart.
//!
//! - [`prepare`]: from a plan's step to the action, the resources and the drift of an attempt.
//! - [`finding`]: what an ended job, a look at an in-doubt step, or a gate's sample means.
//! - [`ending`]: why a run pauses, and how it ends.
//! - [`version`]: the versions of the rules, and what differs between them.

pub mod ending;
pub mod finding;
pub mod prepare;
pub mod version;
