//! A stand-in for the API server of Kubernetes 1.11, as OpenShift 3.11 has it: its answers, and its watch cache.
//!
//! Reads go to the store. A change is first made of what the cache has, which lags behind the store; only if the versions
//! differ is the store read, and then what a patch wrote is merged with what others wrote meanwhile: its tests are not
//! looked at again. A test that does not hold is a 500 with the words of the patch library (kubernetes#68202, #42644).

use crate::chance::Chance;
use crate::fake_api::{Asked, FakeApi, Reply};
use palinode_core::cluster::{self, merged};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Something that somebody else does, just before a change is made.
type Deed = Box<dyn FnOnce(&mut Store) + Send>;

/// Another answer than the one that belongs to a change, and whether the change is made all the same.
#[derive(Debug, Clone)]
pub struct Instead {
    /// What is answered.
    pub reply: Reply,
    /// Whether the change is made.
    pub happens: bool,
}

/// What the server has: its store, and its cache.
pub struct Store {
    objects: BTreeMap<String, Value>,
    cache: BTreeMap<String, Value>,
    /// What the cache does not know yet: when it will, of what, and what it is then.
    events: VecDeque<(Instant, String, Option<Value>)>,
    revision: u64,
    chance: Chance,
    lag: RangeInclusive<u64>,
    deeds: VecDeque<Option<Deed>>,
    instead: VecDeque<Option<Instead>>,
    /// What reads are answered in place of what is there.
    reads: VecDeque<Option<Reply>>,
    stale: u32,
    /// The pods whose disruption budget allows no eviction.
    held: BTreeSet<String>,
    /// How many objects a page of a list has.
    page: usize,
    /// How many pages behind the first one the server has forgotten.
    expired: u32,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("objects", &self.objects).finish_non_exhaustive()
    }
}

/// The address of a Node.
pub fn node_path(name: &str) -> String {
    format!("/api/v1/nodes/{name}")
}

/// The address of a pod in the namespace `default`.
pub fn pod_path(name: &str) -> String {
    format!("/api/v1/namespaces/default/pods/{name}")
}

fn failure(code: u16, reason: Option<&str>, message: &str) -> Reply {
    let mut status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "code": code });
    if let Some(reason) = reason {
        status["reason"] = reason.into();
    }
    Reply::Says(code, status)
}

impl Store {
    /// An object; null if it is not there.
    pub fn object(&self, path: &str) -> Value {
        self.objects.get(path).cloned().unwrap_or_default()
    }

    /// Somebody makes an object, or writes it anew under the UID that it has.
    pub fn put(&mut self, path: &str, mut object: Value) -> Value {
        let was = self.objects.get(path).map(cluster::uid).map(str::to_owned);
        self.revision += 1;
        object["metadata"]["resourceVersion"] = self.revision.to_string().into();
        object["metadata"]["uid"] = was.unwrap_or_else(|| format!("uid-{}", self.revision)).into();
        self.objects.insert(path.to_owned(), object.clone());
        self.event(path, Some(object.clone()));
        object
    }

    /// Somebody merges fields into an object that is there.
    pub fn merge(&mut self, path: &str, fields: &Value) {
        if let Some(object) = self.objects.get(path) {
            let object = merged(object, fields);
            self.put(path, object);
        }
    }

    /// Somebody removes an object.
    pub fn remove(&mut self, path: &str) {
        self.revision += 1;
        if self.objects.remove(path).is_some() {
            self.event(path, None);
        }
    }

    /// A kubelet registers its node: not Ready yet, or no more.
    pub fn register(&mut self, name: &str) {
        let node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": { "name": name, "labels": { "kubernetes.io/hostname": name },
                "annotations": { "volumes.kubernetes.io/controller-managed-attach-detach": "true" } },
            "spec": { "externalID": name },
            "status": { "conditions": [{ "type": "Ready", "status": "Unknown" }], "nodeInfo": { "kubeletVersion": "v1.11.0+d4cacc0" } },
        });
        self.put(&node_path(name), node);
    }

    /// A pod without a controller is placed on a node.
    pub fn place(&mut self, name: &str, node: &str, spec: &Value) {
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": "default" },
            "spec": { "nodeName": node }, "status": { "phase": "Running" } });
        self.put(&pod_path(name), merged(&pod, &json!({ "spec": spec })));
    }

    /// A pod of a replica set is placed on a node. While the node takes pods, the set's controller makes another one there of
    /// each that goes.
    pub fn place_of(&mut self, set: &str, node: &str) {
        self.revision += 1;
        let name = format!("{set}-{}", self.revision);
        self.place(&name, node, &json!({}));
        let owner = json!([{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set, "controller": true }]);
        self.merge(&pod_path(&name), &json!({ "metadata": { "ownerReferences": owner } }));
    }

    /// From now on the disruption budget of a pod allows no eviction.
    pub fn hold(&mut self, name: &str) {
        self.held.insert(pod_path(name));
    }

    /// The server shows lists in pages of this size, and has forgotten so many that follow a first one.
    pub fn pages(&mut self, size: usize, expired: u32) {
        (self.page, self.expired) = (size, expired);
    }

    fn event(&mut self, path: &str, object: Option<Value>) {
        let (from, to) = (*self.lag.start(), *self.lag.end());
        let lag = from + self.chance.below(to - from + 1);
        let due = Instant::now() + Duration::from_millis(lag);
        // Events come in their order.
        let due = self.events.back().map_or(due, |(last, ..)| due.max(*last));
        self.events.push_back((due, path.to_owned(), object));
    }

    fn catch_up(&mut self) {
        let now = Instant::now();
        while self.events.front().is_some_and(|(due, ..)| *due <= now) {
            let Some((_, path, object)) = self.events.pop_front() else { return };
            match object {
                Some(object) => self.cache.insert(path, object),
                None => self.cache.remove(&path),
            };
        }
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        self.catch_up();
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        if !asked.writes() {
            return self.reads.pop_front().flatten().unwrap_or_else(|| self.read(path, query));
        }
        if let Some(Some(deed)) = self.deeds.pop_front() {
            deed(self);
            self.catch_up();
        }
        match self.instead.pop_front().flatten() {
            Some(Instead { reply, happens }) => {
                if happens {
                    let _ = self.write(asked, path);
                }
                reply
            }
            None => self.write(asked, path),
        }
    }

    fn read(&mut self, path: &str, query: &str) -> Reply {
        let kind = |name: &str, kind: &str, namespaced: bool| json!({ "name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": ["get", "list", "patch"] });
        let list = |version: &str, all: Value| {
            Reply::Says(
                200,
                json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": all }),
            )
        };
        match path {
            "/version" => {
                return Reply::Says(200, json!({ "major": "1", "minor": "11+", "gitVersion": "v1.11.0+d4cacc0" }));
            }
            "/api/v1" => {
                let mut eviction = kind("pods/eviction", "Eviction", true);
                (eviction["group"], eviction["version"]) = ("policy".into(), "v1beta1".into());
                let all = json!([
                    kind("nodes", "Node", false),
                    kind("nodes/status", "Node", false),
                    kind("pods", "Pod", true),
                    eviction,
                    kind("configmaps", "ConfigMap", true)
                ]);
                return list("v1", all);
            }
            "/apis/apps/v1" => return list("apps/v1", json!([kind("deployments", "Deployment", true)])),
            "/apis/apps/v1/daemonsets" => return Reply::Says(200, json!({ "kind": "DaemonSetList", "items": [] })),
            _ => {}
        }
        if let Some(object) = self.objects.get(path) {
            return Reply::Says(200, object.clone());
        }
        let plural = path.rsplit('/').next().unwrap_or_default();
        if ["nodes", "pods", "configmaps", "deployments"].contains(&plural) {
            let on = query.split('&').find_map(|part| part.strip_prefix("fieldSelector=spec.nodeName%3D"));
            let is_in = |key: &str, object: &Value| {
                key.rsplit('/').nth(1) == Some(plural) && on.is_none_or(|node| object["spec"]["nodeName"] == node)
            };
            let all: Vec<&Value> =
                self.objects.iter().filter(|(key, object)| is_in(key, object)).map(|(_, object)| object).collect();
            let word = |name: &str| query.split('&').find_map(|part| part.strip_prefix(name));
            let from = word("continue=").and_then(|from| from.parse().ok()).unwrap_or(0);
            if from > 0 && self.expired > 0 {
                self.expired -= 1;
                return failure(410, Some("Expired"), "The provided continue parameter is too old");
            }
            let page = if word("limit=").is_some() { self.page } else { usize::MAX };
            let shown: Vec<&Value> = all.iter().copied().skip(from).take(page).collect();
            let next = from + shown.len();
            let next = if next < all.len() { next.to_string() } else { String::new() };
            return Reply::Says(200, json!({ "kind": "List", "metadata": { "continue": next }, "items": shown }));
        }
        failure(404, Some("NotFound"), "the server could not find the requested resource")
    }

    fn write(&mut self, asked: &Asked, path: &str) -> Reply {
        match asked.method.as_str() {
            "POST" if path.ends_with("/eviction") => {
                self.evict(path.strip_suffix("/eviction").unwrap_or_default(), &asked.body)
            }
            "POST" => {
                let path = format!("{path}/{}", cluster::name(&asked.body));
                match self.objects.contains_key(&path) {
                    true => failure(409, Some("AlreadyExists"), "it already exists"),
                    false => Reply::Says(201, self.put(&path, asked.body.clone())),
                }
            }
            "DELETE" => self.delete(path, &asked.body["preconditions"]["uid"]),
            "PATCH" | "PUT" => self.update(path, &asked.body, asked.method == "PUT"),
            _ => failure(405, Some("MethodNotAllowed"), "the server does not allow this method"),
        }
    }

    fn evict(&mut self, path: &str, body: &Value) -> Reply {
        if body["apiVersion"] != "policy/v1beta1" {
            return failure(400, Some("BadRequest"), "no kind \"Eviction\" is registered for that version");
        }
        if self.held.contains(path) {
            let mut status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 429, "reason": "TooManyRequests" });
            status["message"] = "Cannot evict pod as it would violate the pod's disruption budget.".into();
            status["details"] = json!({ "causes": [{ "reason": "DisruptionBudget", "message": "needs 1" }] });
            return Reply::Says(429, status);
        }
        let pod = self.object(path);
        let reply = self.delete(path, &body["deleteOptions"]["preconditions"]["uid"]);
        let owner = &pod["metadata"]["ownerReferences"][0]["name"];
        if let (Reply::Says(200, _), Some(set), Some(node)) = (&reply, owner.as_str(), pod["spec"]["nodeName"].as_str())
        {
            let place = self.object(&node_path(node));
            if place.is_object() && place["spec"]["unschedulable"] != true {
                self.place_of(set, node);
            }
        }
        reply
    }

    /// Deletions read the store.
    fn delete(&mut self, path: &str, uid: &Value) -> Reply {
        match self.objects.get(path) {
            None => failure(404, Some("NotFound"), "not found"),
            Some(object) if uid.is_string() && object["metadata"]["uid"] != *uid => {
                failure(409, Some("Conflict"), "Precondition failed: UID in precondition does not fit")
            }
            Some(object) => {
                let held = object["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty());
                match held {
                    true => self.merge(path, &json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } })),
                    false => self.remove(path),
                }
                Reply::Says(200, json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" }))
            }
        }
    }

    /// A change, as `GuaranteedUpdate` makes it: of what the cache has, if it has it; of what the store has, if that is
    /// another version.
    fn update(&mut self, path: &str, body: &Value, whole: bool) -> Reply {
        let cached = self.cache.get(path).cloned();
        let Some(first) = cached.or_else(|| self.objects.get(path).cloned()) else {
            return failure(404, Some("NotFound"), "not found");
        };
        let wanted = match body {
            _ if whole => body.clone(),
            Value::Array(operations) => match patched(&first, operations) {
                Ok(object) => object,
                Err(words) => {
                    let stale = self.objects.get(path) != Some(&first);
                    self.stale += u32::from(stale);
                    return failure(500, None, &words);
                }
            },
            fields => merged(&first, fields),
        };
        let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
        let name = path.rsplit('/').next().unwrap_or_default();
        let conflict =
            |why: &str| failure(409, Some("Conflict"), &format!("Operation cannot be fulfilled on \"{name}\": {why}"));
        let modified = "the object has been modified; please apply your changes to the latest version and try again";
        let Some(now) = self.objects.get(path).cloned() else { return failure(404, Some("NotFound"), "not found") };
        if version(&first) == version(&now) && version(&wanted) == version(&now) {
            return Reply::Says(200, self.put(path, wanted));
        }
        if whole {
            return match version(&wanted).is_null() || version(&wanted) == version(&now) {
                true => Reply::Says(200, self.put(path, wanted)),
                false => conflict(modified),
            };
        }
        let (ours, theirs) = (difference(&first, &wanted), difference(&first, &now));
        if meet(&ours, &theirs) {
            return conflict("there is a meaningful conflict");
        }
        let all = merged(&now, &ours);
        match version(&all) == version(&now) {
            true => Reply::Says(200, self.put(path, all)),
            false => conflict(modified),
        }
    }
}

/// The fields in which an object differs from another one, as a merge patch.
fn difference(was: &Value, now: &Value) -> Value {
    let (Value::Object(was), Value::Object(now)) = (was, now) else { return now.clone() };
    let gone = was.keys().filter(|key| !now.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    let changed = now.iter().filter(|(key, value)| was.get(*key) != Some(value)).map(|(key, value)| {
        let old = was.get(key).cloned().unwrap_or_default();
        (key.clone(), if old.is_object() && value.is_object() { difference(&old, value) } else { value.clone() })
    });
    Value::Object(gone.chain(changed).collect())
}

/// Whether two merge patches give a field two values.
fn meet(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Object(one), Value::Object(two)) => {
            one.iter().any(|(key, value)| two.get(key).is_some_and(|other| meet(value, other)))
        }
        (one, two) => one != two,
    }
}

/// Whether a test holds, as the patch library of 1.11 sees it: of two objects it looks at the fields of the first.
fn is_covered(document: &Value, test: &Value) -> bool {
    match (document, test) {
        (Value::Object(document), Value::Object(test)) => {
            document.iter().all(|(key, value)| test.get(key).is_some_and(|other| is_covered(value, other)))
        }
        (document, test) => document == test,
    }
}

/// An object with a JSON patch applied, or the words of the library that does not apply it.
fn patched(object: &Value, operations: &[Value]) -> Result<Value, String> {
    let mut object = object.clone();
    for operation in operations {
        let (op, path) = (operation["op"].as_str().unwrap_or_default(), operation["path"].as_str().unwrap_or_default());
        let (up, key) = path.rsplit_once('/').unwrap_or_default();
        let key = key.replace("~1", "/").replace("~0", "~");
        let Some(Value::Object(inside)) = object.pointer_mut(up) else {
            return Err(match op {
                "test" => format!("jsonpatch test operation does not apply: is missing path: {path}"),
                _ => format!("jsonpatch {op} operation does not apply: doc is missing path: {path}"),
            });
        };
        match (op, inside.contains_key(&key)) {
            ("test", there) => {
                let holds = match there {
                    true => is_covered(inside.get(&key).unwrap_or(&Value::Null), &operation["value"]),
                    false => operation["value"].is_null(),
                };
                if !holds {
                    return Err(format!("Testing value {path} failed"));
                }
            }
            ("add", _) | ("replace", true) => {
                inside.insert(key, operation["value"].clone());
            }
            ("remove", true) => {
                inside.remove(&key);
            }
            ("remove", false) => return Err(format!("Unable to remove nonexistent key: {key}")),
            ("replace", false) => {
                return Err(format!("jsonpatch replace operation does not apply: doc is missing key: {path}"));
            }
            _ => return Err(format!("Unexpected kind: {op}")),
        }
    }
    Ok(object)
}

/// The server.
#[derive(Debug)]
pub struct FakeApi111 {
    api: FakeApi,
    store: Arc<Mutex<Store>>,
}

impl FakeApi111 {
    /// Starts one whose cache lags behind by so many milliseconds, and no two times by the same.
    pub fn new(chance: Chance, lag: RangeInclusive<u64>) -> Self {
        let store = Arc::new(Mutex::new(Store {
            objects: BTreeMap::new(),
            cache: BTreeMap::new(),
            events: VecDeque::new(),
            revision: 1000,
            chance,
            lag,
            deeds: VecDeque::new(),
            instead: VecDeque::new(),
            reads: VecDeque::new(),
            stale: 0,
            held: BTreeSet::new(),
            page: usize::MAX,
            expired: 0,
        }));
        let inner = Arc::clone(&store);
        let api = FakeApi::new(move |asked| inner.lock().expect("nobody died here").answer(asked));
        Self { api, store }
    }

    /// What it has; nothing is answered meanwhile.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().expect("nobody died here")
    }

    /// Gives another hand on what it has.
    pub fn shared(&self) -> Arc<Mutex<Store>> {
        Arc::clone(&self.store)
    }

    /// Somebody does this just before the change after `skip` further changes is made.
    pub fn before_change(&self, skip: usize, deed: impl FnOnce(&mut Store) + Send + 'static) {
        let mut store = self.store();
        while store.deeds.len() < skip {
            store.deeds.push_back(None);
        }
        store.deeds.push_back(Some(Box::new(deed)));
    }

    /// The change after `skip` further changes is answered so.
    pub fn instead(&self, skip: usize, reply: Reply, happens: bool) {
        let mut store = self.store();
        while store.instead.len() < skip {
            store.instead.push_back(None);
        }
        store.instead.push_back(Some(Instead { reply, happens }));
    }

    /// The read after `skip` further reads is answered so.
    pub fn read_instead(&self, skip: usize, reply: Reply) {
        let mut store = self.store();
        while store.reads.len() < skip {
            store.reads.push_back(None);
        }
        store.reads.push_back(Some(reply));
    }

    /// How many answers to reads are still kept for later.
    pub fn reads_left(&self) -> usize {
        self.store().reads.len()
    }

    /// How many patches did not fit for no other reason than that the cache lagged behind.
    pub fn stale(&self) -> u32 {
        self.store().stale
    }

    /// The file by which it is reached.
    pub fn kubeconfig(&self) -> PathBuf {
        self.api.kubeconfig()
    }

    /// What was asked so far that would change something.
    pub fn writes(&self) -> Vec<Asked> {
        self.api.writes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(store: &mut Store, operations: Value) -> u16 {
        match store.update(&node_path("n"), &operations, false) {
            Reply::Says(code, _) => code,
            _ => 0,
        }
    }

    #[test]
    fn the_cache_lags_behind_and_a_late_patch_is_merged_without_its_tests() {
        let api = FakeApi111::new(Chance::new(1), 60_000..=60_000);
        let mut store = api.store();
        store.register("n");
        let registered = store.object(&node_path("n"));
        store.cache.insert(node_path("n"), registered);
        store.merge(&node_path("n"), &json!({ "metadata": { "labels": { "a": "1" } } }));
        // What was just written is not seen.
        let test = |value: &str| json!({ "op": "test", "path": "/metadata/labels/a", "value": value });
        let add = |path: &str, value: &str| json!({ "op": "add", "path": path, "value": value });
        assert_eq!(patch(&mut store, json!([test("1"), add("/metadata/labels/b", "2")])), 500);
        // What it would not fit any more is not tested again, but two values of one field are a conflict.
        assert_eq!(patch(&mut store, json!([add("/metadata/labels/a", "2")])), 409);
        assert_eq!(patch(&mut store, json!([add("/metadata/labels/b", "2")])), 200);
        let labels = store.object(&node_path("n"))["metadata"]["labels"].clone();
        assert_eq!(labels, json!({ "kubernetes.io/hostname": "n", "a": "1", "b": "2" }));
        // What is put in place of it must be of the version that the store has.
        let mut whole = store.object(&node_path("n"));
        assert!(matches!(store.update(&node_path("n"), &whole, true), Reply::Says(200, _)));
        whole["metadata"]["resourceVersion"] = "1".into();
        assert!(matches!(store.update(&node_path("n"), &whole, true), Reply::Says(409, _)));
    }
}
