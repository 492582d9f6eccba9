//! A judge of runs and rollbacks through the API that is not Palinode: dumps of all objects before and after, and the audit
//! log of the server.
//!
//! What differs, and is not named as a residue, is a fault; so is a residue of something that does not differ, and a request
//! that could hit something else than was meant, or be done twice.

mod books;
mod requests;
mod survey;
mod way;
mod world;

pub use books::{ApiBook, api_book};
pub use requests::{requests, wrong_requests};
pub use survey::{ApiSurvey, Difference, What};
pub use way::{Mishap, Way};
pub use world::{SORTS, Sort, World};

use serde_json::Value;
use std::collections::BTreeSet;

/// A residue that a rollback named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lost {
    /// The key of the resource, as it was printed.
    pub key: String,
    /// What was lost, in the words of the record.
    pub loss: String,
}

/// The residues that the end of the last rollback names, from the events of a journal.
pub fn lost(events: &[Value]) -> Vec<Lost> {
    let closed = events.iter().rev().find_map(|event| event.get("RunClosed"));
    let listed = closed.and_then(|closed| closed["residues"].as_array()).cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    listed.iter().map(|residue| Lost { key: text(&residue["key"]), loss: text(&residue["loss"]) }).collect()
}

/// The resources that the steps of a journal's runs had to do with.
fn touched(events: &[Value]) -> BTreeSet<String> {
    let intents = events.iter().filter_map(|event| event.get("Intent"));
    let places = intents.flat_map(|intent| intent["footprint"].as_array().cloned().unwrap_or_default());
    places.filter_map(|place| place["key"].as_str().map(str::to_owned)).collect()
}

/// Differences that no residue names, and residues of what does not differ.
pub fn verdict(differences: &[Difference], residues: &[Lost], events: &[Value]) -> Vec<String> {
    let touched = touched(events);
    let steps: BTreeSet<&str> = events
        .iter()
        .filter_map(|event| event["Intent"]["action"].as_object()?.keys().next().map(String::as_str))
        .collect();
    let mut wrong: Vec<String> = differences
        .iter()
        .filter(|found| !found.is_meant(&touched, &steps) && !residues.iter().any(|lost| names(lost, found)))
        .map(|found| format!("no residue names it: {found}"))
        .collect();
    let hollow = residues.iter().filter(|lost| !differences.iter().any(|found| names(lost, found)));
    wrong.extend(hollow.map(|lost| format!("a residue names what does not differ: {} {}", lost.key, lost.loss)));
    wrong
}

/// Whether a residue names a difference.
fn names(lost: &Lost, found: &Difference) -> bool {
    lost.key == found.key
        && match (lost.loss.as_str(), &found.what) {
            ("new-uid", What::Uid) => true,
            ("bare-pod", What::Pod { owner, .. }) => owner.is_none(),
            ("moved", What::Pod { owner, .. }) => owner.is_some(),
            ("empty-dir", What::Pod { emptydir, .. }) => *emptydir,
            ("differs" | "not-undone", What::Uid | What::Content) => true,
            _ => false,
        }
}

impl Difference {
    /// Whether it is what the steps of a run are for, and nothing takes back: certificates stay approved, and a controller
    /// that was changed or made anew made other pods.
    fn is_meant(&self, touched: &BTreeSet<String>, steps: &BTreeSet<&str>) -> bool {
        match &self.what {
            What::Approved => steps.contains("kube.approve-csr"),
            // A DaemonSet's goes with its Node, and comes back with it.
            What::Pod { owner: Some(owner), .. } => {
                touched.contains(owner) || owner.contains("/DaemonSet/") && steps.contains("kube.delete-node")
            }
            // A ConfigMap is what it says: whatever reads it names it.
            What::Uid => self.key.starts_with("configmap/") && touched.contains(&self.key),
            What::Content | What::Pod { owner: None, .. } | What::Fewer => false,
        }
    }
}
