//! The index: finds entries by run, step, host, action, resource, kind, time and id without reading the whole journal.
//!
//! It is derived and may be deleted at any time. Only [`Catalog`] opens it, for `log`, `show` and `reindex`; the
//! driver, `status` and [`crate::verify`] never do, so nothing that decides can depend on it.
//!
//! How far it is trusted:
//!
//! - Its files are hashed as a whole when they are closed (`seal`), and again before they are opened: the store under
//!   it, sled 0.34, may lose data silently, hang or panic on damaged files, so it never gets to see any. It is sealed
//!   only after it was opened again and gave back all that was put in.
//! - The last entry that it knows must be the journal's entry at that place.
//! - Every hit is read from the segments again, and must be what was asked for.
//!
//! Whatever does not fit is thrown away and built anew. If that cannot be done (another process has it open, the disk
//! is full or read-only), the same answers come from reading the journal. What remains: whoever may write into the
//! journal's folder can make an index that hides entries, with a seal that fits. `verify` and everything that decides
//! read the segments.

mod build;
mod catalog;
mod keys;
mod meta;
mod place;
mod query;
mod quiet;
mod run;
mod seal;
mod search;
mod store;
mod terms;
#[cfg(test)]
mod tests;

pub use catalog::Catalog;
pub use query::Query;
pub use run::Run;
pub use store::{Built, IndexError, reindex};
