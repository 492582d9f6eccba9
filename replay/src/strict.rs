//! Strict replay of a journal: its entries, plans and keys handed to the checker of the core.

use palinode_core::id::{BodyId, RunId, Seq};
use palinode_core::port::{JournalRead, Vault};
use palinode_core::record::Sealed;
use palinode_core::run::history::LoadError;
pub use palinode_core::strict::{Divergence, Replayed, StrictError, Unchecked};
use palinode_core::strict::{Keys, Strict};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The vaults of a journal, each looked for once. One that is not there opens nothing.
struct Vaults<'a, J> {
    journal: &'a J,
    known: RefCell<BTreeMap<RunId, Option<Arc<dyn Vault>>>>,
}

impl<J: JournalRead> Vaults<'_, J> {
    fn of(&self, family: RunId) -> Option<Arc<dyn Vault>> {
        self.known.borrow_mut().entry(family).or_insert_with(|| self.journal.vault(family).ok()).clone()
    }
}

impl<J: JournalRead> Keys for Vaults<'_, J> {
    fn open(&self, family: RunId, id: BodyId, sealed: &Sealed) -> Option<Vec<u8>> {
        self.of(family)?.open(id, sealed).ok()
    }

    fn digest(&self, family: RunId, bytes: &[u8]) -> Option<BodyId> {
        self.of(family)?.digest(bytes).ok()
    }
}

/// Replays a journal strictly, all of it or one run. Nothing is written, no lock is taken; it works beside a living
/// driver, and as far as it goes without any key.
pub fn strict<J: JournalRead>(journal: &J, only: Option<RunId>) -> Result<Replayed, StrictError> {
    let vaults = Vaults { journal, known: RefCell::default() };
    let mut strict = Strict::new(&vaults, only);
    for stored in journal.read(Seq(1)).map_err(LoadError::from)? {
        let stored = stored.map_err(LoadError::from)?;
        strict.next(&stored, &mut |blob| journal.public(blob))?;
    }
    Ok(strict.replayed().clone())
}
