//! What is stored: entries, the events in them, and the facts that events hold.

mod event;
mod progress;

pub use event::*;
pub use progress::*;
