//! All that a rollback has to bring back of a part of the cluster.

use super::world::{SORTS, World};
use crate::cluster::Hand;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A dump: objects by the key that a residue of theirs has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApiSurvey {
    /// UID and content.
    objects: BTreeMap<String, (String, Value)>,
    /// By UID.
    pods: BTreeMap<String, Pod>,
    /// How many pods each controller has.
    owners: BTreeMap<String, usize>,
    /// The requests for certificates that are approved.
    approved: BTreeSet<String>,
}

/// A pod that is not about to go.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pod {
    key: String,
    owner: Option<String>,
    emptydir: bool,
}

/// In what way something differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It is another one of that name, it is gone, or it was made.
    Uid,
    /// What it says.
    Content,
    /// A pod is gone or about to go.
    Pod {
        /// The key of its controller.
        owner: Option<String>,
        /// Whether its data went with it.
        emptydir: bool,
    },
    /// A controller has another number of pods.
    Fewer,
    /// A certificate was approved.
    Approved,
}

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The key that a residue of it has.
    pub key: String,
    /// In what way.
    pub what: What,
    /// What it was, and what it is.
    pub words: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}: {}", self.key, self.what, self.words)
    }
}

/// What changes by itself.
const SERVERS: [&str; 9] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
    "deletionGracePeriodSeconds",
    "namespace",
    "name",
];

/// Annotations that controllers count in.
const COUNTED: [&str; 3] =
    ["deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation", "node.alpha.kubernetes.io/ttl"];

/// Kinds of which each object is made by something else.
const MADE: [&str; 7] = ["events", "endpoints", "endpointslices", "controllerrevisions", "secrets", "leases", "jobs"];

/// What an object says, without what only the server or a controller says.
fn content(object: &Value) -> Value {
    let mut kept = object.clone();
    if let Some(all) = kept.as_object_mut() {
        all.retain(|name, _| !["status", "apiVersion", "kind"].contains(&name.as_str()));
        // Made for an account by a controller.
        all.remove("secrets");
    }
    if let Some(meta) = kept["metadata"].as_object_mut() {
        meta.retain(|name, _| !SERVERS.contains(&name.as_str()));
        if let Some(notes) = meta.get_mut("annotations").and_then(Value::as_object_mut) {
            notes.retain(|name, _| !COUNTED.contains(&name.as_str()));
        }
        // No annotations, or none that count.
        meta.retain(|_, value| value.as_object().is_none_or(|all| !all.is_empty()));
    }
    kept
}

/// What a Node says, without what comes and goes by the cluster's own hand.
fn node(object: &Value) -> Value {
    let mut kept = content(object);
    let taints = kept["spec"]["taints"].take();
    let own = |taint: &&Value| !taint["key"].as_str().is_some_and(|key| key.starts_with("node.kubernetes.io/"));
    let mut taints: Vec<Value> = taints.as_array().into_iter().flatten().filter(own).cloned().collect();
    for taint in &mut taints {
        if let Some(taint) = taint.as_object_mut() {
            taint.remove("timeAdded");
        }
    }
    taints.sort_by_key(Value::to_string);
    let cordoned = kept["spec"]["unschedulable"] == true;
    json!({ "metadata": kept["metadata"], "taints": taints, "cordoned": cordoned })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn key_of(api: &str, kind: &str, space: &str, name: &str) -> String {
    match (api, kind) {
        ("v1", "ConfigMap") => format!("configmap/{space}/{name}@cluster"),
        _ => format!("object/{api}/{kind}/{space}/{name}@cluster"),
    }
}

/// Group and version, kind, and address of all that may be in a namespace, each in the version that the server prefers, or in
/// another one if it has it in no other.
fn lists(hand: &Hand, space: &str) -> Vec<(String, String, String)> {
    let groups = hand.get("/apis");
    let mut seen = BTreeSet::new();
    let versions = groups["groups"].as_array().into_iter().flatten().flat_map(|group| {
        let all = group["versions"].as_array().into_iter().flatten().map(|version| text(&version["groupVersion"]));
        std::iter::once(text(&group["preferredVersion"]["groupVersion"])).chain(all)
    });
    let mut all = Vec::new();
    for api in std::iter::once("v1".to_owned()).chain(versions) {
        let group = api.split('/').next().unwrap_or_default().to_owned();
        let root = if api.contains('/') { "apis" } else { "api" };
        let found = hand.get(&format!("/{root}/{api}"));
        for resource in found["resources"].as_array().into_iter().flatten() {
            let name = text(&resource["name"]);
            let lists = resource["verbs"].as_array().is_some_and(|verbs| verbs.iter().any(|verb| verb == "list"));
            let is_new = seen.insert((group.clone(), name.clone()));
            if is_new && lists && resource["namespaced"] == true && !MADE.contains(&name.as_str()) && name != "pods" {
                all.push((api.clone(), text(&resource["kind"]), format!("/{root}/{api}/namespaces/{space}/{name}")));
            }
        }
    }
    all
}

impl ApiSurvey {
    /// Looks at all of a part of the cluster.
    #[track_caller]
    pub fn of(world: &World<'_>) -> Self {
        let (hand, space) = (world.cluster.hand(), world.space.as_str());
        let mut found = Self::default();
        for name in &world.nodes {
            let now = world.cluster.node_now(name);
            if now.is_object() {
                found.objects.insert(format!("node/{name}@cluster"), (text(&now["metadata"]["uid"]), node(&now)));
            }
            let request = format!("{name}-client");
            let asked = hand.get(&format!("/apis/certificates.k8s.io/v1/certificatesigningrequests/{request}"));
            let mut conditions = asked["status"]["conditions"].as_array().into_iter().flatten();
            if conditions.any(|condition| condition["type"] == "Approved") {
                found.approved.insert(format!("csr/{request}@cluster"));
            }
        }
        for (api, kind, path) in lists(hand, space) {
            let list = hand.get(&path);
            for object in list["items"].as_array().into_iter().flatten() {
                if object["metadata"]["ownerReferences"].is_array() {
                    continue;
                }
                let key = key_of(&api, &kind, space, &text(&object["metadata"]["name"]));
                found.objects.insert(key, (text(&object["metadata"]["uid"]), content(object)));
            }
        }
        for sort in SORTS.iter().filter(|sort| !sort.namespaced) {
            let name = sort.name_in(space);
            let object = hand.get(&format!("{}/{name}", sort.path(space)));
            if object.is_object() {
                let key = key_of(sort.api, sort.kind, "-", &name);
                found.objects.insert(key, (text(&object["metadata"]["uid"]), content(&object)));
            }
        }
        found.pods(hand, space);
        found
    }

    fn pods(&mut self, hand: &Hand, space: &str) {
        // A Deployment's are a set's.
        let sets = hand.get(&format!("/apis/apps/v1/namespaces/{space}/replicasets"));
        let above: BTreeMap<String, String> = sets["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|set| {
                let owner = &set["metadata"]["ownerReferences"][0];
                let name = owner["name"].as_str()?;
                Some((
                    text(&set["metadata"]["name"]),
                    key_of(owner["apiVersion"].as_str()?, owner["kind"].as_str()?, space, name),
                ))
            })
            .collect();
        let list = hand.get(&format!("/api/v1/namespaces/{space}/pods"));
        for pod in list["items"].as_array().into_iter().flatten() {
            if pod["metadata"]["deletionTimestamp"].is_string() {
                continue;
            }
            let (name, owner) = (text(&pod["metadata"]["name"]), &pod["metadata"]["ownerReferences"][0]);
            let kind = text(&owner["kind"]);
            let known = if owner.is_null() || kind == "StatefulSet" { name } else { text(&owner["name"]) };
            let controller = owner["name"].as_str().map(|name| {
                above.get(name).cloned().unwrap_or_else(|| key_of(&text(&owner["apiVersion"]), &kind, space, name))
            });
            if let Some(controller) = &controller {
                *self.owners.entry(controller.clone()).or_default() += 1;
            }
            let mut volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
            let emptydir = volumes.any(|volume| volume["emptyDir"].is_object());
            let pod_seen = Pod { key: format!("pod/{space}/{known}@cluster"), owner: controller, emptydir };
            self.pods.insert(text(&pod["metadata"]["uid"]), pod_seen);
        }
    }

    /// What differs in another one, taken later.
    pub fn differences(&self, later: &Self) -> Vec<Difference> {
        let mut all = Vec::new();
        let keys: BTreeSet<&String> = self.objects.keys().chain(later.objects.keys()).collect();
        for key in keys {
            let (was, is) = (self.objects.get(key), later.objects.get(key));
            let mut differs = |what: What, words: String| all.push(Difference { key: key.clone(), what, words });
            if was.map(|was| &was.0) != is.map(|is| &is.0) {
                differs(What::Uid, format!("{:?} is now {:?}", was.map(|was| &was.0), is.map(|is| &is.0)));
            }
            if let (Some(was), Some(is)) = (was, is)
                && was.1 != is.1
            {
                differs(What::Content, format!("{} is now {}", was.1, is.1));
            }
        }
        for (uid, pod) in self.pods.iter().filter(|(uid, _)| !later.pods.contains_key(*uid)) {
            let what = What::Pod { owner: pod.owner.clone(), emptydir: pod.emptydir };
            all.push(Difference { key: pod.key.clone(), what, words: format!("the pod {uid} is gone") });
        }
        let owners: BTreeSet<&String> = self.owners.keys().chain(later.owners.keys()).collect();
        for owner in owners {
            let count = |survey: &Self| survey.owners.get(owner).copied().unwrap_or_default();
            if count(self) != count(later) {
                let words = format!("{} pods are now {}", count(self), count(later));
                all.push(Difference { key: owner.clone(), what: What::Fewer, words });
            }
        }
        for request in later.approved.difference(&self.approved) {
            let words = "it was approved".to_owned();
            all.push(Difference { key: request.clone(), what: What::Approved, words });
        }
        all
    }
}
