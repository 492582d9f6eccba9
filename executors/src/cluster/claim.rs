//! Whose a Node is: an annotation that says which journal acts on it, and that every change of it is tested against.

use super::Cluster;
use super::api::Verb;
use super::doing::{Doing, Stop, failed, meaning};
use super::look::node_path;
use palinode_core::cluster::{self, CLAIM};
use palinode_core::event::Why;
use palinode_core::id::ResourceKey;
use palinode_core::port::LookError;
use serde_json::{Value, json};

/// The annotation in a patch.
const POINTER: &str = "/metadata/annotations/palinode~1claim";

/// So often a claim is tried while others change the same Node.
const TRIES: usize = 5;

/// What the annotation says: the journal, and its words. The words are those of whichever run of the journal claimed it.
pub(super) fn claimant(node: &Value) -> Option<(String, String)> {
    let text = node["metadata"]["annotations"][CLAIM].as_str()?;
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let part = |name: &str, or: &str| value[name].as_str().unwrap_or(or).to_owned();
    // What we cannot read is not ours.
    Some((part("journal", ""), part("words", text)))
}

impl Cluster {
    fn claim_text(&self) -> String {
        json!({ "journal": self.claim.journal, "words": self.claim.words }).to_string()
    }

    /// Who else has a Node, in their words.
    pub(crate) async fn claimed_by(&self, name: &str) -> Result<Option<String>, LookError> {
        let Some(node) = self.node(name).await? else { return Ok(None) };
        Ok(claimant(&node).filter(|(journal, _)| *journal != self.claim.journal).map(|(_, words)| words))
    }

    /// Removes the claim of another journal. Only for a person who knows that nobody is at work there.
    pub(crate) async fn take_node(&self, name: &str) -> Result<(), LookError> {
        self.unclaim(name, |journal| journal != self.claim.journal).await
    }

    /// Gives a Node up.
    pub(crate) async fn release_node(&self, name: &str) -> Result<(), LookError> {
        self.unclaim(name, |journal| journal == self.claim.journal).await
    }

    async fn unclaim(&self, name: &str, whose: impl Fn(&str) -> bool) -> Result<(), LookError> {
        let path = node_path(name).map_err(super::look::unseen)?;
        for _ in 0..TRIES {
            let Some(node) = self.node(name).await? else { return Ok(()) };
            if !claimant(&node).is_some_and(|(journal, _)| whose(&journal)) {
                return Ok(());
            }
            let text = &node["metadata"]["annotations"][CLAIM];
            let patch = json!([{ "op": "test", "path": POINTER, "value": text }, { "op": "remove", "path": POINTER }]);
            let answer = self.api.ask(Verb::JsonPatch, &path, Some(&patch)).await.map_err(super::look::unseen)?;
            match answer.code {
                _ if answer.is_good() => return Ok(()),
                404 => return Ok(()),
                409 | 422 => {}
                _ => return Err(super::look::refused(&answer)),
            }
        }
        let why = format!("others change the node {name} all the time");
        Err(LookError::Refused { target: "the cluster's API".to_owned(), why })
    }
}

impl Doing<'_> {
    /// Claims a Node that was just read, for this journal. It is read again where others change it meanwhile.
    pub(super) async fn claim(&mut self, name: &str, mut node: Value) -> Result<Value, Stop> {
        let key = ResourceKey::node(name);
        let path = node_path(name).map_err(|fault| failed(Why::Precondition, super::chain(&fault)))?;
        for _ in 0..TRIES {
            match claimant(&node) {
                Some((journal, _)) if journal == self.cluster.claim.journal => {
                    self.cluster.held.borrow_mut().insert(name.to_owned());
                    return Ok(node);
                }
                Some((_, words)) => return Err(failed(Why::Conflict, format!("another journal has {name}: {words}"))),
                // It was ours before: someone took it, and may have changed things since.
                None if self.cluster.held.borrow().contains(name) => {
                    let why = "this journal's claim was removed meanwhile; see what was changed, then retry";
                    self.cluster.held.borrow_mut().remove(name);
                    return Err(failed(Why::Conflict, format!("{name}: {why}")));
                }
                None => {}
            }
            // Nobody's claim is there in the version that was read, and it is still that version.
            let mut patch = vec![
                json!({ "op": "test", "path": "/metadata/uid", "value": cluster::uid(&node) }),
                json!({ "op": "test", "path": "/metadata/resourceVersion", "value": node["metadata"]["resourceVersion"] }),
            ];
            let text = self.cluster.claim_text();
            patch.push(match node["metadata"]["annotations"].is_object() {
                true => json!({ "op": "add", "path": POINTER, "value": text }),
                false => json!({ "op": "add", "path": "/metadata/annotations", "value": { CLAIM: text } }),
            });
            let answer = self.ask(("claim", &key), Verb::JsonPatch, &path, Some(&Value::Array(patch))).await?;
            match answer.code {
                _ if answer.is_good() => node = answer.body,
                404 => return Err(failed(Why::Conflict, format!("nodes \"{name}\" not found any more"))),
                409 | 422 => {
                    node = match self.cluster.node(name).await? {
                        Some(node) => node,
                        None => return Err(failed(Why::Conflict, format!("nodes \"{name}\" not found any more"))),
                    }
                }
                _ => return Err(failed(meaning(&answer), answer.words())),
            }
        }
        Err(failed(Why::Conflict, format!("others change the node {name} all the time, so it cannot be claimed")))
    }

    /// What must still hold when a claimed Node is changed: it is that very one, and still claimed as it was read.
    pub(super) fn fence(node: &Value) -> Vec<Value> {
        vec![
            json!({ "op": "test", "path": "/metadata/uid", "value": cluster::uid(node) }),
            json!({ "op": "test", "path": POINTER, "value": node["metadata"]["annotations"][CLAIM] }),
        ]
    }
}
