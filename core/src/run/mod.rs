//! A run as a fold over its entries: its plan and state, what may be done next, what a finding means, and the way back.

pub mod admit;
pub(crate) mod at_work;
pub mod compensate;
pub mod decide;
pub mod effect;
pub mod history;
pub mod in_force;
pub mod inadmissible;
pub mod leftover;
pub mod life;
pub mod next;
pub mod originals;
pub mod plan;
pub mod rules;
pub mod scope;
pub mod state;
