//! The append-only, content-addressed journal: bytes on disk, and nothing that decides.
//!
//! The story in eight steps (every byte is in `FORMAT.md`):
//!
//! 1. [`create`] makes a directory; [`find_root`] finds it again from any folder below.
//! 2. [`DiskJournal::open`] takes the lock, reads from the head to the end, cuts a torn tail and keeps what it cut.
//! 3. Entries are written in batches, each with one sync; the head follows and never leads. Any failed write poisons
//!    the handle, so nothing is done that cannot be recorded.
//! 4. Bodies are sealed under the data keys of their run and class before they are stored; destroying a key erases
//!    them and leaves the chain whole.
//! 5. [`JournalReader`] reads without a lock, also beside a live writer; [`hand_in`] gives that writer decisions.
//! 6. [`index`] finds entries without reading everything; it is derived, and nothing that decides looks at it.
//! 7. [`verify`] reads everything and names file and offset of whatever is not as it was written.
//! 8. Every path to the disk leads through a [`FileLayer`]. [`sim`] is one that simulates a disk: its power can be cut at
//!    every sync, any of its operations can fail, and whatever mixture of writes that leaves is a journal that opens.
//!
//! [`MemJournal`] does the same in memory, for rehearsals and tests; [`test_util::conformance`] holds both to the port's
//! word.

mod body;
pub mod diagnostics;
pub mod disk_check;
mod file;
mod format;
pub mod index;
mod mem;
mod read;
pub mod sim;
pub mod test_util;
pub mod trust;
mod write;

pub use file::layer::{FileKind, FileLayer, Handle, Identity, Item, Os};
pub use format::id::JournalId;
pub use format::layout::{ROOT_NAME, find_root};
pub use mem::MemJournal;
pub use read::reader::{JournalReader, OpenReadError};
pub use read::verify::{Notice, Verified, VerifyError, verify, verify_on};
pub use write::create::{CreateError, create, create_as, create_on};
pub use write::disk::{DiskJournal, EraseError};
pub use write::group::{GroupCommit, Pending};
pub use write::inbox::{HandInError, hand_in, hand_in_on};
pub use write::lock::OwnerState;
pub use write::open::{OpenError, Opened, Previous, Torn};
pub use write::options::Options;
