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
//! [`MemJournal`] does the same in memory, for rehearsals and tests; [`conformance`] holds both to the port's word.

mod ahead;
mod batch;
mod blob;
mod claims;
pub mod conformance;
pub mod diagnostics;
mod disk;
mod durable;
mod files;
mod frame;
#[doc(hidden)]
pub mod fuzz;
mod group;
mod head;
mod id;
mod inbox;
pub mod index;
mod layout;
mod lock;
mod mem;
mod open;
mod pick;
mod reader;
mod record;
mod ring;
mod segment;
pub mod sim;
mod tail;
pub mod trial;
pub mod trust;
mod vault;
mod verify;

pub use disk::{DiskJournal, EraseError, Options};
pub use files::{FileKind, FileLayer, Handle, Identity, Item, Os};
pub use group::{GroupCommit, Pending};
pub use id::JournalId;
pub use inbox::{HandInError, hand_in, hand_in_on};
pub use layout::{CreateError, ROOT_NAME, create, create_as, create_on, find_root};
pub use lock::OwnerState;
pub use mem::MemJournal;
pub use open::{OpenError, Opened, Previous, Torn};
pub use reader::{JournalReader, OpenReadError};
pub use verify::{Notice, Verified, VerifyError, verify, verify_on};
