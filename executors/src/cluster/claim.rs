//! Whose a Node is: an annotation that says which journal acts on it. Each change of a Node tests it and writes it anew, in
//! the same request: what became of a request that nobody can tell of is told by the annotation.
//!
//! Old servers (1.11) apply a patch to what they remember of an object, which may lag behind what was just written, and
//! look again only at a conflict of versions. Then they do not test again: they merge what was written meanwhile with what
//! the patch writes, and refuse if both write the same field. A claim that each change writes is such a field.

use super::Cluster;
use super::api::Verb;
use super::job::{ApiJob, Stop, failed, meaning};
use super::look::node_path;
use palinode_core::chain::chain;
use palinode_core::cluster::{self, CLAIM};
use palinode_core::id::ResourceKey;
use palinode_core::port::LookError;
use palinode_core::record::Why;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// The annotation in a patch.
const POINTER: &str = "/metadata/annotations/palinode~1claim";

/// Where annotations are.
const ANNOTATIONS: &str = "/metadata/annotations";

/// A change that does not fit is tried again for this long, while nothing that it tests has changed: a server that lags
/// behind, or others that write the same object.
const PATIENCE: Duration = Duration::from_secs(20);

/// The first pause before a request is made again; each one is twice as long, up to [`LONGEST`].
const PAUSE: Duration = Duration::from_millis(100);

/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(1);

/// How often a thing is looked at after an answer that does not say what became of the change.
pub(crate) const LOOKS: u32 = 4;

/// How often a request is made that the server had no time for, or whose answer does not say what became of it while nothing
/// of it is to be seen. It tests what it found: of two that come late, one does not fit.
const TRIES: u32 = 5;

/// What the annotation says: the journal, and its words. The words are those of whichever run of the journal claimed it.
pub(crate) fn claimant(node: &Value) -> Option<(String, String)> {
    let text = node["metadata"]["annotations"][CLAIM].as_str()?;
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let part = |name: &str, or: &str| value[name].as_str().unwrap_or(or).to_owned();
    // What we cannot read is not ours.
    Some((part("journal", ""), part("words", text)))
}

/// What a patch tests and what it writes. All tests come first: each operation works on what those before it made.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    pub(crate) tests: Vec<Value>,
    pub(crate) writes: Vec<Value>,
}

/// How it is tested that a part of an object is left out, as it was when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    /// All that is around it is as it was read: every server knows that, but others may write there all the time.
    Around,
    /// It is null. Not every server takes what is left out for that.
    Null,
}

/// A test that a part of an object is as it was read. Where it and all around it is left out, the version of the whole is
/// tested, which others move.
pub(crate) fn as_read(object: &Value, at: &str, absence: Absence) -> Value {
    let part = |at: &str| object.pointer(at).filter(|part| !part.is_null());
    let around = at.rsplit_once('/').map_or("", |(around, _)| around);
    match (part(at), part(around)) {
        (Some(part), _) => json!({ "op": "test", "path": at, "value": part }),
        (None, Some(part)) if absence == Absence::Around && !around.is_empty() && around != "/metadata" => {
            json!({ "op": "test", "path": around, "value": part })
        }
        (None, Some(_)) if absence == Absence::Null => json!({ "op": "test", "path": at, "value": null }),
        _ => {
            let version = &object["metadata"]["resourceVersion"];
            json!({ "op": "test", "path": "/metadata/resourceVersion", "value": version })
        }
    }
}

/// Whether a Node has one of these claims.
fn is_written(node: &Value, texts: &BTreeSet<String>) -> bool {
    node["metadata"]["annotations"][CLAIM].as_str().is_some_and(|text| texts.contains(text))
}

/// The next pause.
pub(crate) async fn rest(pause: &mut Duration) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(LONGEST);
}

/// The pause before the first repetition.
pub(crate) fn first_pause() -> Duration {
    PAUSE
}

impl Cluster {
    fn claim_text(&self, mark: &str) -> String {
        json!({ "journal": self.claim.journal, "words": self.claim.words, "mark": mark }).to_string()
    }

    fn is_ours(&self, node: &Value) -> bool {
        claimant(node).is_some_and(|(journal, _)| journal == self.claim.journal)
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
        let (began, mut pause, mut errors) = (Instant::now(), PAUSE, 0);
        // No answer is like one that does not tell: the patch names what it removes, and the next look shows whether it is there.
        let passes = |error: &LookError, errors: u32| {
            matches!(error, LookError::Unreachable { .. }) && errors < TRIES && began.elapsed() < PATIENCE
        };
        loop {
            let node = match self.node(name).await {
                Err(error) if passes(&error, errors) => {
                    errors += 1;
                    tokio::time::sleep(LONGEST).await;
                    continue;
                }
                found => found?,
            };
            let Some(node) = node else { return Ok(()) };
            if !claimant(&node).is_some_and(|(journal, _)| whose(&journal)) {
                self.held.borrow_mut().remove(name);
                return Ok(());
            }
            let text = &node["metadata"]["annotations"][CLAIM];
            let uid = json!({ "op": "test", "path": "/metadata/uid", "value": cluster::uid(&node) });
            let patch =
                json!([uid, { "op": "test", "path": POINTER, "value": text }, { "op": "remove", "path": POINTER }]);
            let answer = match self.api.ask(Verb::JsonPatch, &path, Some(&patch)).await.map_err(super::look::unseen) {
                Err(error) if passes(&error, errors) => {
                    errors += 1;
                    tokio::time::sleep(LONGEST).await;
                    continue;
                }
                answer => answer?,
            };
            match answer.code {
                _ if answer.is_good() => {
                    self.wrote(name, &answer.body);
                    self.held.borrow_mut().remove(name);
                    return Ok(());
                }
                404 => return Ok(()),
                _ if answer.is_misfit() && began.elapsed() < PATIENCE => rest(&mut pause).await,
                _ if answer.is_misfit() => {
                    let why = format!("others change the node {name} all the time, so its claim cannot be removed");
                    return Err(LookError::Refused { target: "the cluster's API".to_owned(), why });
                }
                // Whether it is done, the next look tells.
                408 | 429 | 500.. if errors < TRIES => {
                    errors += 1;
                    tokio::time::sleep(answer.wait()).await;
                }
                _ => return Err(super::look::refused(&answer)),
            }
        }
    }
}

impl ApiJob<'_> {
    /// Whether a Node is claimed by this journal; an end of the job where it is another's, or was ours.
    pub(crate) fn is_ours(&self, name: &str, node: &Value) -> Result<bool, Stop> {
        let conflict = |why: String| {
            self.cluster.held.borrow_mut().remove(name);
            Err(failed(Why::Conflict, why))
        };
        let held = self.cluster.held.borrow().contains(name);
        match claimant(node) {
            Some(_) if self.cluster.is_ours(node) => {
                self.cluster.held.borrow_mut().insert(name.to_owned());
                Ok(true)
            }
            // Whoever took it may have changed things since.
            Some((_, words)) if held => {
                conflict(format!("another journal took node {name} over meanwhile ({words}); see what it changed"))
            }
            Some((_, words)) => conflict(format!("another journal has {name}: {words}")),
            None if held => {
                let why = "this journal's claim was removed meanwhile; see what was changed, then retry";
                conflict(format!("{name}: {why}"))
            }
            None => Ok(false),
        }
    }

    /// The whole patch of a change, and the claim that it writes. It misses another Node of that name, one that somebody
    /// else claimed, and one whose claim is not as it was read.
    fn fenced(
        &self,
        name: &str,
        node: &Value,
        operations: Operations,
        absence: Absence,
    ) -> Result<(Value, String), Stop> {
        let text = self.cluster.claim_text(&self.mark());
        let mut patch = vec![json!({ "op": "test", "path": "/metadata/uid", "value": cluster::uid(node) })];
        // Where it was nobody's, it still is.
        self.is_ours(name, node)?;
        patch.push(as_read(node, POINTER, absence));
        patch.extend(operations.tests);
        let any = node["metadata"]["annotations"].is_object()
            || operations.writes.iter().any(|write| write["path"] == ANNOTATIONS);
        patch.extend(operations.writes);
        patch.push(match any {
            true => json!({ "op": "add", "path": POINTER, "value": text }),
            false => json!({ "op": "add", "path": ANNOTATIONS, "value": { CLAIM: text } }),
        });
        Ok((Value::Array(patch), text))
    }

    /// Claims a Node that was just read, for this journal. It is read again where others change it meanwhile.
    pub(crate) async fn claim(&mut self, name: &str, node: Value) -> Result<Value, Stop> {
        match self.is_ours(name, &node)? {
            true => Ok(node),
            false => self.change("claim", name, node, |_, _| Ok(Operations::default())).await,
        }
    }

    /// Changes a Node that was just read, and claims it, in one request. `wanted` makes the operations of the Node as it is
    /// now, each time that the request is made; where it finds that somebody else changed what it is about, it says so.
    ///
    /// An answer that a condition does not hold is believed only if a look shows one that does not: old servers answer so
    /// where what they remember of the object lags behind.
    pub(crate) async fn change(
        &mut self,
        verb: &str,
        name: &str,
        mut node: Value,
        mut wanted: impl FnMut(&Value, Absence) -> Result<Operations, Stop>,
    ) -> Result<Value, Stop> {
        let key = ResourceKey::node(name);
        let path = node_path(name).map_err(|fault| failed(Why::Precondition, chain(&fault)))?;
        let (began, mut pause, mut unsaid) = (Instant::now(), PAUSE, 0);
        let mut texts = BTreeSet::new();
        let mut absence = Absence::Around;
        loop {
            let (patch, text) = self.fenced(name, &node, wanted(&node, absence)?, absence)?;
            texts.insert(text);
            let is_new = !self.is_ours(name, &node)?;
            let answer = self.ask((verb, &key), Verb::JsonPatch, &path, Some(&patch)).await?;
            if is_new && verb != "claim" && answer.is_good() {
                // One request did both, and whoever looks for claims finds it.
                self.tell("claim", &key, &Ok(answer.clone()))?;
            }
            let is_open = answer.is_open();
            match answer.code {
                _ if answer.is_good() => return self.changed(name, &node, answer.body),
                429 if unsaid < TRIES => tokio::time::sleep(answer.wait()).await,
                404 => {}
                _ if is_open || answer.is_misfit() => {}
                _ => return Err(failed(meaning(&answer), answer.words())),
            }
            unsaid += u32::from(!answer.is_misfit());
            let mut looks = 1;
            let now = loop {
                let now = self.same_as(name, &node).await?;
                if is_written(&now, &texts) {
                    return self.changed(name, &node, now);
                }
                self.is_ours(name, &now)?;
                // It may still be under way.
                if !is_open || looks == LOOKS {
                    break now;
                }
                looks += 1;
                rest(&mut pause).await;
            };
            if is_open {
                if unsaid >= TRIES {
                    let words = format!(
                        "{}; it was asked {TRIES} times, and node {name} does not have the change so far",
                        answer.words()
                    );
                    return Err(failed(meaning(&answer), words));
                }
                tokio::time::sleep(answer.wait()).await;
            }
            if answer.code == 404 {
                // It is there, as the look says: made again, as may be.
                if unsaid >= TRIES {
                    return Err(failed(Why::Conflict, answer.words()));
                }
                rest(&mut pause).await;
            }
            if answer.is_misfit() {
                wanted(&now, absence)?;
                if !answer.has_reason() {
                    let why = format!("someone else changed the same fields of node {name} at the same time");
                    return Err(failed(Why::Conflict, why));
                }
                if began.elapsed() >= PATIENCE {
                    let why = format!(
                        "others change the node {name} all the time, or the API server does not see what was written: in {} seconds it took no change ({})",
                        PATIENCE.as_secs(),
                        answer.words()
                    );
                    return Err(failed(Why::Conflict, why));
                }
                rest(&mut pause).await;
                absence = match absence {
                    Absence::Around => Absence::Null,
                    Absence::Null => Absence::Around,
                };
            }
            node = self.same_as(name, &now).await?;
            // It may have come late.
            if is_written(&node, &texts) {
                return self.changed(name, &now, node);
            }
        }
    }

    /// A Node as it is now, which must be the very one that was read.
    async fn same_as(&self, name: &str, was: &Value) -> Result<Value, Stop> {
        match self.cluster.node(name).await? {
            None => Err(failed(Why::Conflict, format!("nodes \"{name}\" not found any more"))),
            Some(now) if cluster::uid(&now) != cluster::uid(was) => Err(failed(
                Why::Conflict,
                format!("node {name} registered again meanwhile, under UID {}", cluster::uid(&now)),
            )),
            Some(now) => Ok(now),
        }
    }

    /// What the server says of a Node that it changed: it is believed if it is the one that was meant.
    fn changed(&self, name: &str, was: &Value, now: Value) -> Result<Value, Stop> {
        if !cluster::uid(&now).is_empty() && cluster::uid(&now) != cluster::uid(was) {
            let why =
                format!("node {name} registered again just before it was changed, under UID {}", cluster::uid(&now));
            return Err(failed(Why::Conflict, why));
        }
        // What does not show the claim that was just written is not what was written.
        if self.cluster.is_ours(&now) {
            self.cluster.wrote(name, &now);
        }
        self.cluster.held.borrow_mut().insert(name.to_owned());
        Ok(now)
    }
}
