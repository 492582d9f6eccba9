//! Objects of any kind: merged into, made, removed by their UID, put back as a whole. Which path an object has, the server is
//! asked. One request each, under conditions that make it miss rather than hit something else.

use super::Cluster;
use super::api::{Answer, Fault, Verb, part};
use super::claim::{LOOKS, first_pause, rest};
use super::job::{ApiJob, Stop, failed, meaning, well};
use super::look::{map_path, unseen};
use super::node::EVERY;
use md5::{Digest, Md5};
use palinode_core::chain::chain;
use palinode_core::cluster::{self, MD5};
use palinode_core::id::{BodyId, ResourceKey};
use palinode_core::port::LookError;
use palinode_core::record::Why;
use palinode_core::resource::ObjectRef;
use palinode_core::resource::{Fields, Footprint, State};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// So long an object may take to go.
const GOING: Duration = Duration::from_secs(60);

/// So often something is tried while others write what is none of ours, such as its status.
pub(crate) const TRIES: u32 = 5;

/// What a server says that does not have such a kind.
pub(crate) fn unknown(object: &ObjectRef) -> String {
    format!("the server knows no {} in {}", object.kind, object.api)
}

/// An object, its key, and its address.
pub(crate) struct Thing {
    pub(crate) object: ObjectRef,
    pub(crate) key: ResourceKey,
    pub(crate) path: String,
}

impl Thing {
    /// A ConfigMap is known to every server.
    pub(crate) fn map(namespace: &str, name: &str) -> Result<Self, Stop> {
        let object = ObjectRef {
            api: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        };
        let path = map_path(namespace, name).map_err(|fault| failed(Why::Precondition, chain(&fault)))?;
        Ok(Self { key: ResourceKey::object(&object), object, path })
    }

    /// Where all of its kind are.
    pub(crate) fn siblings(&self) -> &str {
        self.path.rsplit_once('/').map_or(self.path.as_str(), |(all, _)| all)
    }
}

impl Cluster {
    /// The address of an object; none if the server has no such kind.
    pub(crate) async fn path_of(&self, object: &ObjectRef) -> Result<Option<String>, LookError> {
        let mut root = match object.api.contains('/') {
            true => "/apis".to_owned(),
            false => "/api".to_owned(),
        };
        for piece in object.api.split('/') {
            root.push('/');
            root.push_str(&part(piece).map_err(unseen)?);
        }
        let Some(list) = self.object(&root).await? else { return Ok(None) };
        let all = list["resources"].as_array().into_iter().flatten();
        let mut kinds = all.filter(|found| found["kind"] == object.kind.as_str());
        let found = kinds.find(|found| found["name"].as_str().is_some_and(|name| !name.contains('/')));
        let Some(found) = found else { return Ok(None) };
        let plural = part(found["name"].as_str().unwrap_or_default()).map_err(unseen)?;
        let name = part(&object.name).map_err(unseen)?;
        Ok(Some(match (found["namespaced"] == true, &object.namespace) {
            (true, Some(space)) => format!("{root}/namespaces/{}/{plural}/{name}", part(space).map_err(unseen)?),
            (false, None) => format!("{root}/{plural}/{name}"),
            (true, None) => {
                return Err(unseen(Fault::Nonsense(format!("{} needs a namespace", object.kind))));
            }
            (false, Some(_)) => {
                return Err(unseen(Fault::Nonsense(format!(
                    "{} belongs to the whole cluster, to no namespace",
                    object.kind
                ))));
            }
        }))
    }

    /// An object that the cluster deletes along with another one, to be recorded, if it is there. Where nobody can say, there
    /// is none: evidence is in nobody's way.
    pub(crate) async fn goes_along(&self, object: &ObjectRef) -> Option<Footprint> {
        let path = self.path_of(object).await.ok()??;
        self.object(&path).await.ok()??;
        Some(Footprint::new(ResourceKey::object(object), Fields::Evidence))
    }
}

impl ApiJob<'_> {
    /// The object that is meant, with its address.
    pub(crate) async fn thing(&self, object: &ObjectRef) -> Result<Thing, Stop> {
        let path = self.cluster.path_of(object).await?.ok_or_else(|| failed(Why::Precondition, unknown(object)))?;
        Ok(Thing { key: ResourceKey::object(object), object: object.clone(), path })
    }

    /// After an answer that does not say whether it was done: what is there says it, now or soon.
    pub(crate) async fn look_for(
        &self,
        thing: &Thing,
        answer: &Answer,
        is_it: impl Fn(Option<&Value>) -> bool,
    ) -> Result<Option<Stop>, Stop> {
        let (object, mut pause) = (&thing.object, first_pause());
        for _ in 0..LOOKS {
            if is_it(self.cluster.object(&thing.path).await?.as_ref()) {
                return Ok(Some(well(format!("{object} is as it was to be, though {}", answer.words()))));
            }
            rest(&mut pause).await;
        }
        tokio::time::sleep(answer.wait()).await;
        Ok(None)
    }

    /// The end of a change that was asked for so often, and never answered in a way that tells.
    fn never_told(&self, object: &ObjectRef, answer: &Answer) -> Stop {
        let words =
            format!("{}; it was asked {TRIES} times, and {object} does not have the change so far", answer.words());
        failed(meaning(answer), words)
    }

    /// The end of a change that the server had no time for, so often as it was asked.
    fn no_time_for(&self, object: &ObjectRef, answer: &Answer) -> Stop {
        failed(meaning(answer), format!("{}; it was asked {TRIES} times, and {object} was not changed", answer.words()))
    }

    /// After a request that did not fit: goes on only if nothing has changed but what is none of ours.
    pub(crate) async fn unless_changed(&self, thing: &Thing, was: Option<&Value>) -> Result<(), Stop> {
        let now = self.cluster.object(&thing.path).await?;
        let content = |object: &Value| (cluster::uid(object).to_owned(), cluster::manifest(object));
        match now.as_ref().map(content) == was.map(content) {
            true => Ok(()),
            false => Err(failed(
                Why::Conflict,
                format!("someone else wrote {} at the same time; nothing was changed here", thing.object),
            )),
        }
    }

    /// Deletes an object, by the UID that was looked at.
    pub(crate) async fn take_away(&mut self, thing: &Thing, unless_used: bool) -> Result<Stop, Stop> {
        let object = &thing.object;
        let Some(now) = self.cluster.object(&thing.path).await? else {
            return Ok(well(format!("{object} is gone already")));
        };
        let uid = cluster::uid(&now).to_owned();
        self.as_found(thing, Some(&now))?;
        if let Some(owner) = cluster::controller(&now) {
            let (kind, name) = (owner["kind"].as_str().unwrap_or("something"), cluster::text(&owner["name"]));
            let why = format!("{object} belongs to {kind} {name}, which would make it again: delete that");
            return Err(failed(Why::Precondition, why));
        }
        if unless_used && let Some(user) = self.user_of(&now).await? {
            let why = format!("{object} is in use: {user} takes its configuration from it");
            return Err(failed(Why::Precondition, why));
        }
        self.remove(&thing.key, &thing.path, &uid).await?;
        Ok(well(format!("{object} with UID {uid} deleted")))
    }

    /// Deletes an object by its UID and waits until that one is gone. What it owns goes too: some old servers leave that
    /// behind where nobody says so.
    pub(crate) async fn remove(&mut self, key: &ResourceKey, path: &str, uid: &str) -> Result<(), Stop> {
        let options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": { "uid": uid }, "propagationPolicy": "Background",
        });
        let (mut pause, mut tries) = (first_pause(), 0);
        loop {
            let answer = self.ask(("delete", key), Verb::Delete, path, Some(&options)).await?;
            tries += 1;
            match answer.code {
                404 => return Ok(()),
                _ if answer.is_good() => break,
                _ if answer.is_conflict() => {
                    let now = self.cluster.object(path).await?;
                    if now.as_ref().is_none_or(|now| cluster::uid(now) != uid) {
                        let why = format!("{key} was made anew meanwhile: {}", answer.message());
                        return Err(failed(Why::Conflict, why));
                    }
                    // That one is there: others wrote it at the same time.
                    if tries >= TRIES {
                        let why =
                            format!("others write {key} all the time, so it cannot be deleted: {}", answer.message());
                        return Err(failed(Why::Conflict, why));
                    }
                    rest(&mut pause).await;
                }
                429 if tries < TRIES => tokio::time::sleep(answer.wait()).await,
                _ if answer.is_open() && self.is_going(path, uid).await? => break,
                // It names the UID that it means, so it may be asked for again.
                _ if answer.is_open() && tries < TRIES => tokio::time::sleep(answer.wait()).await,
                _ => return Err(failed(meaning(&answer), answer.words())),
            }
        }
        let began = Instant::now();
        loop {
            match self.cluster.object(path).await? {
                None => return Ok(()),
                Some(now) if cluster::uid(&now) != uid => return Ok(()),
                Some(now) if began.elapsed() > GOING => {
                    let by: Vec<&str> = now["metadata"]["finalizers"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_str)
                        .collect();
                    return Err(failed(
                        Why::Timeout,
                        format!("{key} is being deleted, and held by its finalizers: {}", by.join(", ")),
                    ));
                }
                Some(_) => tokio::time::sleep(EVERY).await,
            }
        }
    }

    /// Whether an object of which nobody said that it is deleted is gone, or going, now or soon.
    async fn is_going(&self, path: &str, uid: &str) -> Result<bool, Stop> {
        let mut pause = first_pause();
        for _ in 0..LOOKS {
            match self.cluster.object(path).await? {
                Some(now) if cluster::uid(&now) == uid && cluster::deleted_at(&now).is_none() => rest(&mut pause).await,
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    /// A node, other than the target's, that took over just the configuration in this map (T1): its annotation says so.
    async fn user_of(&self, map: &Value) -> Result<Option<String>, Stop> {
        let Some(config) = cluster::node_config(map) else { return Ok(None) };
        let sum = Md5::digest(config.as_bytes()).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let own = self.job.target.node.as_deref();
        let all = self.cluster.objects("/api/v1/nodes", "").await?;
        let mut users = all.iter().filter(|node| node["metadata"]["annotations"][MD5] == sum.as_str());
        Ok(users.find(|node| Some(cluster::name(node)) != own).map(|node| cluster::name(node).to_owned()))
    }

    /// Puts a recorded object back: in place of what was looked at, or anew.
    pub(crate) async fn put(&mut self, thing: &Thing, body: BodyId) -> Result<Stop, Stop> {
        let object = &thing.object;
        let recorded = self
            .bodies
            .get(body)
            .map_err(|error| failed(Why::Precondition, format!("what was recorded cannot be opened: {error}")))?;
        let bad = |why: String| failed(Why::Precondition, format!("what was recorded of {object} {why}"));
        let wanted: Value = serde_json::from_slice(&recorded).map_err(|error| bad(format!("is no JSON: {error}")))?;
        let is_it = cluster::name(&wanted) == object.name
            && cluster::namespace(&wanted) == object.namespace.as_deref().unwrap_or_default();
        if !is_it {
            return Err(bad("is another one's".to_owned()));
        }
        let is_back = |now: &Value| cluster::manifest(now) == wanted && cluster::deleted_at(now).is_none();
        let (mut pause, mut untold, mut busy) = (first_pause(), None, None);
        for _ in 0..TRIES {
            let now = self.cluster.object(&thing.path).await?;
            let (verb, how, path, body) = match &now {
                Some(now) if is_back(now) => {
                    return Ok(well(format!("{object} is so already")));
                }
                // The server takes it only in place of what was just read.
                Some(now) => {
                    is_to_stay(object, now)?;
                    self.as_found(thing, Some(now))?;
                    let wanted = bound(&cluster::in_place_of(&wanted, now), now);
                    ("replace", Verb::Put, thing.path.as_str(), wanted)
                }
                None => ("create", Verb::Post, thing.siblings(), wanted.clone()),
            };
            let answer = self.ask((verb, &thing.key), how, path, Some(&body)).await?;
            match answer.code {
                _ if answer.is_good() => {
                    return Ok(well(format!("{object} is back, with UID {}", cluster::uid(&answer.body))));
                }
                _ if answer.is_conflict() => {
                    // An earlier one, of which nobody told, may have come late: the next look shows it.
                    if untold.is_none() {
                        self.unless_changed(thing, now.as_ref()).await?;
                    }
                    rest(&mut pause).await;
                }
                429 => {
                    tokio::time::sleep(answer.wait()).await;
                    busy = Some(answer);
                }
                _ if answer.is_open() => {
                    if let Some(stop) = self.look_for(thing, &answer, |now| now.is_some_and(is_back)).await? {
                        return Ok(stop);
                    }
                    untold = Some(answer);
                }
                _ => return Err(failed(meaning(&answer), answer.words())),
            }
        }
        Err(self.given_up(object, untold, busy))
    }

    /// Why a change was not made, asked for so often as it is: no answer told, the server had no time, or others were in its way.
    pub(crate) fn given_up(&self, object: &ObjectRef, untold: Option<Answer>, busy: Option<Answer>) -> Stop {
        match (untold, busy) {
            (Some(answer), _) => self.never_told(object, &answer),
            (None, Some(answer)) => self.no_time_for(object, &answer),
            (None, None) => restless(object),
        }
    }

    /// Whether an object is still as the first attempt found it. What goes back one day is what was found then: what someone
    /// changed since would be lost with it.
    pub(crate) fn as_found(&self, thing: &Thing, now: Option<&Value>) -> Result<(), Stop> {
        let object = &thing.object;
        let changed = |what: &str| {
            let why = format!("{object} {what} since it was looked at; nothing was changed here");
            Err(failed(Why::Conflict, why))
        };
        if now.is_some_and(|now| cluster::uid(now).is_empty()) {
            let why = format!("what the server says of {object} has no UID, so nothing can be bound to it");
            return Err(failed(Why::Precondition, why));
        }
        match (self.job.before.get(&thing.key), now) {
            (Some(State::Object { uid, .. }), Some(now)) if uid != cluster::uid(now) => changed("was made anew"),
            (Some(State::Object { body, .. }), Some(now)) => {
                let was = self.bodies.get(*body).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
                match was.is_some_and(|was| was != cluster::manifest(now)) {
                    true => changed("was changed by someone"),
                    false => Ok(()),
                }
            }
            (Some(State::Object { .. }), None) => changed("is gone"),
            (Some(State::Absent), Some(_)) => changed("was made by someone"),
            _ => Ok(()),
        }
    }
}

/// What is written, bound to the object that was just read: of another one, or another version of it, it misses.
pub(crate) fn bound(written: &Value, now: &Value) -> Value {
    let meta = &now["metadata"];
    let fence = json!({ "metadata": { "uid": meta["uid"], "resourceVersion": meta["resourceVersion"] } });
    cluster::merged(written, &fence)
}

/// Refuses to write into what is about to go.
pub(crate) fn is_to_stay(object: &ObjectRef, now: &Value) -> Result<(), Stop> {
    match cluster::deleted_at(now) {
        Some(since) => Err(failed(Why::Conflict, format!("{object} is being deleted since {since}"))),
        None => Ok(()),
    }
}

/// An object that others write too often.
fn restless(object: &ObjectRef) -> Stop {
    failed(Why::Conflict, format!("others write {object} all the time; nothing was changed here"))
}
