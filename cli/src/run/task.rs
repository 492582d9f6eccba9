//! What a driver is about to do.

use palinode_core::record;
use palinode_core::run::plan::Plan;

/// What becomes of the run of a session.
pub(super) enum Task {
    /// It is new, and begins.
    Begin {
        /// Its plan.
        plan: Box<Plan>,
        /// The world it acts in, as it is recorded.
        place: record::World,
        /// What is told when nothing stands in the way any more.
        announced: String,
    },
    /// It is open, and goes on.
    GoOn,
    /// It is looked at, before it is taken back by a run of its own.
    Look,
}
