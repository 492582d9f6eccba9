//! What a disk really promises, measured: nothing here knows the journal, and no file but its own is touched.
//!
//! 1. [`Mount::of`] says on which file system a folder is, and [`Device::of`] on which device.
//! 2. [`Scratch`] is a folder to work in, gone when it is dropped.
//! 3. [`Habits::of`] tries what the journal relies on: locks, renames, synced folders, private files.
//! 4. [`Speed::of`] times writes with and without a sync, and counts what reached the device.
//! 5. [`cuts`] cuts a throw-away file system off its device under a writer, and looks what is left.

mod cut;
mod habits;
mod mount;
mod scratch;
mod speed;

pub use cut::{CutError, Cuts, System, Tally, cuts};
pub use habits::Habits;
pub use mount::{Device, Mount, Room};
pub use scratch::Scratch;
pub use speed::{Speed, Times};
