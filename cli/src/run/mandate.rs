//! In whose name targets are claimed: a journal, and this process.

use crate::actor;
use crate::clock::wall;
use crate::error::{Exit, Failure};
use crate::journal::{Id, Journal, Store, place_of};
use palinode_core::id::RunId;
use palinode_core::port::{Journal as _, Store as _};
use palinode_executors::{Claim, Fence};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

/// A journal as targets know it: in its name they are claimed.
#[derive(Debug, Clone)]
pub(crate) struct Mandate {
    pub(super) store: Store,
    pub(super) id: Id,
    epoch: u64,
}

impl Mandate {
    /// That of a journal which this process owns.
    pub(crate) fn of(store: &Store, journal: &Journal) -> Self {
        Self { store: store.clone(), id: journal.id().clone(), epoch: journal.epoch().0 }
    }

    /// That of one that is made once a person agreed.
    pub(crate) fn fresh(store: &Store) -> Result<Self, Failure> {
        Ok(Self { store: store.clone(), id: Id::random().map_err(|error| no_chance(&error))?, epoch: 1 })
    }

    /// That of one that is only looked at: in its name nothing is claimed, and its own claims are known as such.
    pub(crate) fn to_look(store: &Store) -> Result<Self, Failure> {
        let id = match store.id().ok().flatten() {
            Some(id) => id,
            None => Id::random().map_err(|error| no_chance(&error))?,
        };
        Ok(Self { store: store.clone(), id, epoch: 0 })
    }

    /// In whose name a run changes hosts.
    pub(crate) fn claim(&self, run: RunId) -> Result<Claim, Failure> {
        let actor = actor::actor();
        let since = crate::render::moment(wall());
        let words = format!(
            "run {run} of {} on {}, since {since}, journal {}",
            actor.user,
            actor.host,
            place_of(self.store.root()).display()
        );
        Ok(Claim {
            journal: self.id.to_string(),
            words: words.chars().filter(|c| !c.is_control()).take(1000).collect(),
            fence: Fence { epoch: self.epoch, owner: process()? },
        })
    }
}

fn no_chance(error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("the system gives no random numbers: {error}"),
        "see that /dev/urandom can be read",
    )
}

/// A word of chance that no other process has, nor one in another container.
fn process() -> Result<String, Failure> {
    static WORD: OnceLock<String> = OnceLock::new();
    if let Some(word) = WORD.get() {
        return Ok(word.clone());
    }
    let word = Id::random().map_err(|error| no_chance(&error))?.to_string();
    Ok(WORD.get_or_init(|| word[..16].to_owned()).clone())
}

/// How targets knew a journal before it had an id of its own: by the id of this machine and its place.
pub(crate) fn former_name(journal: &Path) -> String {
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let named = blake3::derive_key(
        "palinode journal as hosts know it, 2026",
        [machine.trim().as_bytes(), place_of(journal).as_os_str().as_bytes()].join(&0).as_slice(),
    );
    named.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
