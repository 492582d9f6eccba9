//! A run's story with entries in it that nobody recorded: folded, decided on, taken back.

use super::seeds;
use palinode_core::id::{RunId, Seq};
use palinode_core::port::{JournalRead, ReadError, Stored};
use palinode_core::record::{Entry, Scope, entry_id};
use palinode_core::run::history::History;
use palinode_core::run::rules::version::RULES;
use palinode_core::run::state::RunState;
use palinode_journal::MemJournal;
use palinode_replay::rollback;
use std::sync::LazyLock;

/// Into so many parts the story is cut; each is a place to go on from.
pub(super) const PLACES: usize = 16;

/// The history at each place.
static PLACE: LazyLock<Vec<History>> = LazyLock::new(|| {
    let journal = seeds::journal();
    (1..=PLACES).map(|part| load(&journal.truncated(part * journal.len() / PLACES))).collect()
});

fn load(journal: &MemJournal) -> History {
    History::load(journal).expect("a true story folds")
}

/// Whatever comes next fits the story or is refused; what may be done next is the same however it is computed; every
/// run can be asked for its way back.
pub(super) fn story(bytes: &[u8]) {
    let Some((place, mut bytes)) = bytes.split_first() else { return };
    let mut history = PLACE[usize::from(*place) % PLACES].clone();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (payload, rest) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
        bytes = rest;
        let Ok(mut entry) = Entry::decode(payload) else { continue };
        entry.seq = Seq(history.seq.0 + 1);
        let stored = Stored { id: entry_id(payload), entry };
        let public = &mut |blob| -> Result<Vec<u8>, ReadError> { seeds::journal().public(blob) };
        if let Err(refused) = history.apply(&stored, public) {
            assert!(!refused.to_string().chars().any(|c| c.is_control()), "{refused:?}");
            // A reader stops here.
            break;
        }
    }
    for (run, state) in &history.runs {
        stands(state);
        goes_back(&history, *run);
    }
}

/// Step by step or all at once: the same may be done next.
fn stands(state: &RunState) {
    let mut fresh = state.clone();
    fresh.refresh_all();
    let ready: Vec<_> = state.ready().collect();
    assert_eq!(ready, fresh.ready().collect::<Vec<_>>(), "{}", state.run);
    assert_eq!(state.standing(), fresh.standing());
    let counted: u64 = state.counts().values().sum();
    assert_eq!(counted, state.plan.steps.len() as u64);
    for next in ready {
        assert!(state.is_ready(next) && state.step(next.step()).is_some());
    }
}

/// Its way back is a plan that can be stored, or there is a reason why not.
fn goes_back(history: &History, run: RunId) {
    let host = history.runs[&run].plan.hosts().next().map(|host| (Scope::Host(host.clone()), true));
    for (scope, preview) in host.into_iter().chain([(Scope::Run, false)]) {
        match rollback::plan(seeds::journal(), history, run, &scope, preview) {
            Ok(back) => {
                let (bytes, _) = back.plan.encode().expect("a plan can be stored");
                let read = palinode_core::run::plan::Plan::decode(&bytes).expect("a stored plan can be read");
                assert_eq!((&read, read.rules), (&back.plan, RULES));
            }
            Err(refused) => assert!(!refused.to_string().is_empty()),
        }
    }
}
