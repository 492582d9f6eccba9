//! What a drain remembers from one round to the next.

use palinode_core::cluster::DaemonSets;
use palinode_core::resource::Pod;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// See the module.
#[derive(Debug)]
pub(crate) struct Draining {
    pub(crate) began: Instant,
    pub(crate) pods: BTreeMap<String, Known>,
    /// What the last look found that is to go, and whether it is being deleted.
    pub(crate) there: Vec<(Pod, bool)>,
    pub(crate) sets: Option<DaemonSets>,
    /// The UID of the Node that was claimed.
    pub(crate) node: Option<String>,
    /// Since when the server gives no answer.
    pub(crate) silent: Option<Instant>,
    pub(crate) evicted: usize,
    /// The controllers whose pods were evicted: namespace, kind and name.
    pub(crate) owners: BTreeSet<(String, String, String)>,
    /// The pods that are there in place of evicted ones.
    pub(crate) back: BTreeSet<String>,
}

/// What is known of a pod.
#[derive(Debug)]
pub(crate) struct Known {
    /// When it may be asked for again; none if it was evicted.
    pub(crate) next: Option<Instant>,
    /// Why it is still there.
    pub(crate) why: String,
    /// How often a server error answered.
    pub(crate) errors: u32,
    /// Since when it is seen being deleted.
    pub(crate) going: Option<Instant>,
    /// Whether its object was deleted by force.
    pub(crate) forced: bool,
    /// When that may be asked for again, after an answer that may pass.
    pub(crate) force_again: Option<Instant>,
    /// Since when its eviction is denied.
    pub(crate) denied: Option<Instant>,
}

impl Known {
    pub(crate) fn new(now: Instant) -> Self {
        let why = "its turn had not come".to_owned();
        Self { next: Some(now), why, errors: 0, going: None, forced: false, force_again: None, denied: None }
    }
}

impl Draining {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            pods: BTreeMap::new(),
            there: Vec::new(),
            sets: None,
            node: None,
            silent: None,
            evicted: 0,
            owners: BTreeSet::new(),
            back: BTreeSet::new(),
        }
    }

    /// The pods that were still there, and go: their eviction was accepted, or they are being deleted.
    pub(crate) fn going(&self) -> Vec<Pod> {
        let goes = |pod: &Pod| self.pods.get(&pod.uid).is_some_and(|known| known.going.is_some());
        let going = self.there.iter().filter(|(pod, deleted)| *deleted || goes(pod));
        going.map(|(pod, _)| pod.clone()).collect()
    }
}
