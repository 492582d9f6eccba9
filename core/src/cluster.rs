//! What is known of a cluster, and what its objects mean, as pure functions of what its API says: which pods a drain
//! takes, which of a node's fields are anyone's but the cluster's own.
//!
//! Objects are JSON as the server gave it: types of any one version would drop the fields of another. Nothing in it is
//! trusted to be there.

mod kinds;

pub use kinds::{ApiKind, NoKind, kind_called, listed_kinds};

use crate::resource::{Node, Pod};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Which cluster a run acts on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterId {
    /// The server's address.
    pub server: String,
    /// A digest of the authority that vouches for it; none where nobody does.
    pub ca: Option<String>,
    /// The context of the configuration that was taken.
    pub context: String,
    /// The version that the server says it has.
    pub version: String,
}

impl ClusterId {
    /// Why another one cannot stand for this one; none if it can. A server may have been brought to another version
    /// meanwhile, and be known by another context.
    pub fn differs(&self, other: &Self) -> Option<String> {
        if self.server != other.server {
            return Some(format!("the run acts on {}, and this is {}", self.server, other.server));
        }
        (self.ca != other.ca).then(|| format!("another authority vouches for {} than when the run began", self.server))
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, context {})", self.server, self.version, self.context)
    }
}

/// The annotation that says whose a Node is: a journal, and words for people.
pub const CLAIM: &str = "palinode/claim";

/// Taints with these prefixes come and go by the cluster's own hand.
const OWN_TAINTS: &[&str] = &["node.kubernetes.io/", "node.cloudprovider.kubernetes.io/"];

/// Annotations that are the cluster's own, or ours.
const OWN_ANNOTATIONS: &[&str] = &[CLAIM, "node.alpha.kubernetes.io/ttl"];

/// The name of the annotation by which a node tells which configuration it took over.
pub const MD5: &str = "node.openshift.io/md5sum";

fn texts(value: &Value) -> BTreeMap<String, String> {
    let all = value.as_object().into_iter().flatten();
    all.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// A text; empty if it is none.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The name of an object.
pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// The namespace of an object.
pub fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or_default()
}

/// The UID of an object.
pub fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().unwrap_or_default()
}

/// Whether a condition of an object is True.
pub fn holds(object: &Value, condition: &str) -> bool {
    let all = object["status"]["conditions"].as_array().into_iter().flatten();
    all.filter(|found| found["type"] == condition).any(|found| found["status"] == "True")
}

/// Whether taints of this key come and go by the cluster's own hand.
pub fn is_own_taint(key: &str) -> bool {
    OWN_TAINTS.iter().any(|prefix| key.starts_with(prefix))
}

/// A taint as `key=value:Effect`; none for one that is the cluster's own.
fn taint(taint: &Value) -> Option<String> {
    let key = taint["key"].as_str()?;
    let value = taint["value"].as_str().unwrap_or_default();
    (!is_own_taint(key)).then(|| format!("{key}={value}:{}", taint["effect"].as_str().unwrap_or_default()))
}

/// A Node, as far as Palinode changes or checks it.
pub fn node(object: &Value) -> Node {
    let mut annotations = texts(&object["metadata"]["annotations"]);
    annotations.retain(|key, _| !OWN_ANNOTATIONS.contains(&key.as_str()));
    let info = &object["status"]["nodeInfo"];
    Node {
        uid: uid(object).to_owned(),
        unschedulable: object["spec"]["unschedulable"].as_bool().unwrap_or(false),
        labels: texts(&object["metadata"]["labels"]),
        annotations,
        taints: object["spec"]["taints"].as_array().into_iter().flatten().filter_map(taint).collect(),
        ready: holds(object, "Ready"),
        runtime: text(&info["containerRuntimeVersion"]),
        kubelet: text(&info["kubeletVersion"]),
    }
}

/// The taints that a Node shall have: those given, and the cluster's own that it has.
pub fn taints(object: &Value, wanted: &BTreeSet<String>) -> Vec<Value> {
    let has = object["spec"]["taints"].as_array().into_iter().flatten();
    let mut all: Vec<Value> =
        has.filter(|found| taint(found).is_none_or(|text| wanted.contains(&text))).cloned().collect();
    let there: BTreeSet<String> = all.iter().filter_map(taint).collect();
    for text in wanted.difference(&there) {
        let (rest, effect) = text.rsplit_once(':').unwrap_or((text, "NoSchedule"));
        let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
        let mut made = serde_json::json!({ "key": key, "effect": effect });
        if !value.is_empty() {
            made["value"] = value.into();
        }
        all.push(made);
    }
    all
}

/// Why a drain leaves a pod where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stays {
    /// A DaemonSet would put it there again at once.
    DaemonSet,
    /// The kubelet made it from a file; the API shows a mirror of it.
    Mirror,
}

/// The controller of an object.
pub fn controller(object: &Value) -> Option<&Value> {
    object["metadata"]["ownerReferences"].as_array()?.iter().find(|owner| owner["controller"] == true)
}

/// Whether the pod has ended.
pub fn has_ended(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// Since when a pod is being deleted, as the server says; none if it is not.
pub fn deleted_at(pod: &Value) -> Option<&str> {
    pod["metadata"]["deletionTimestamp"].as_str()
}

/// The DaemonSets that there are, by namespace and name; none where nobody could say.
pub type DaemonSets = Option<BTreeSet<(String, String)>>;

/// The DaemonSet of a pod. They are known by kind and group, whatever version: pods that an old controller made name
/// `extensions/v1beta1` for good (T24).
fn daemon_set(pod: &Value) -> Option<&Value> {
    let owner = controller(pod)?;
    let group = owner["apiVersion"].as_str().unwrap_or_default().split('/').next().unwrap_or_default();
    (owner["kind"] == "DaemonSet" && matches!(group, "apps" | "extensions")).then_some(owner)
}

/// Whether the controller of a pod is a DaemonSet that is no more: nobody makes it anew.
fn is_orphan(pod: &Value, sets: &DaemonSets) -> bool {
    let (Some(owner), Some(sets)) = (daemon_set(pod), sets) else { return false };
    !sets.contains(&(namespace(pod).to_owned(), text(&owner["name"])))
}

/// Why a drain leaves this pod; none if it takes it. A pod that has ended has nothing to lose and is taken like any
/// other.
pub fn stays(pod: &Value, sets: &DaemonSets) -> Option<Stays> {
    if pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_string() {
        return Some(Stays::Mirror);
    }
    let daemons = daemon_set(pod).is_some() && !is_orphan(pod, sets);
    (daemons && !has_ended(pod)).then_some(Stays::DaemonSet)
}

/// Whether a pod may be placed on a node that is cordoned: then its controller may put it there again at once.
pub fn tolerates_cordon(pod: &Value) -> bool {
    let all = pod["spec"]["tolerations"].as_array().into_iter().flatten();
    all.into_iter().any(|found| {
        let effect = found["effect"].as_str().unwrap_or_default();
        let key = found["key"].as_str().unwrap_or_default();
        let all = key.is_empty() && found["operator"] == "Exists";
        matches!(effect, "" | "NoSchedule") && (all || key == "node.kubernetes.io/unschedulable")
    })
}

/// A pod as far as a drain cares.
pub fn pod(object: &Value, sets: &DaemonSets) -> Pod {
    let volumes = object["spec"]["volumes"].as_array().into_iter().flatten();
    let owner = controller(object).filter(|_| !is_orphan(object, sets));
    Pod {
        namespace: namespace(object).to_owned(),
        name: name(object).to_owned(),
        uid: uid(object).to_owned(),
        owner: owner.map(|owner| (text(&owner["kind"]), text(&owner["name"]))),
        // What a pod that has ended kept there is of no use to anyone.
        emptydir: !has_ended(object) && volumes.into_iter().any(|volume| volume.get("emptyDir").is_some()),
    }
}

/// The pods of a node that a drain takes, sorted.
pub fn taken(all: &[Value], sets: &DaemonSets) -> Vec<Pod> {
    let mut pods: Vec<Pod> =
        all.iter().filter(|found| stays(found, sets).is_none()).map(|found| pod(found, sets)).collect();
    pods.sort();
    pods
}

/// The runtime that a node configuration asks for.
pub fn runtime_of(config: &str) -> &'static str {
    if config.contains("crio.sock") { "cri-o" } else { "docker" }
}

/// Where the ConfigMap of a node group has the configuration of its nodes.
const NODE_CONFIG: &str = "node-config.yaml";

/// The configuration of nodes in a ConfigMap, if it has one.
pub fn node_config(map: &Value) -> Option<&str> {
    map["data"][NODE_CONFIG].as_str()
}

/// The ConfigMap of a node group, as a manifest.
pub fn node_config_map(namespace: &str, name: &str, config: &str) -> Value {
    serde_json::json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "namespace": namespace, "name": name },
        "data": { NODE_CONFIG: config },
    })
}

/// The mark of an object that is being deleted, and will be gone once nothing holds it.
pub(crate) const DELETING: &str = "deleting";

/// What of an object is public: for a node group's ConfigMap, the runtime that it asks for; whether it is about to go.
pub fn marks(object: &Value) -> BTreeMap<String, String> {
    let config = node_config(object).map(|text| ("runtime".to_owned(), runtime_of(text).to_owned()));
    let going = deleted_at(object).map(|_| (DELETING.to_owned(), "yes".to_owned()));
    config.into_iter().chain(going).collect()
}

/// The metadata that only the server may set.
pub(crate) const SERVER_SET: &[&str] = &[
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "managedFields",
];

/// Annotations that controllers count in: what is put back would look different for them alone.
const COUNTED: &[&str] = &["deprecated.daemonset.template.generation", "deployment.kubernetes.io/revision"];

/// What is behind the name of an account in the names of the secrets that controllers make for it: its tokens, and in OpenShift
/// what lets its pods pull images.
const MADE_FOR_ACCOUNTS: [&str; 2] = ["-token-", "-dockercfg-"];

/// The lists of secrets that an account has.
const OF_ACCOUNTS: [&str; 2] = ["secrets", "imagePullSecrets"];

/// Whether a secret of an account was made for it by a controller.
fn is_made_for(account: &str, secret: &Value) -> bool {
    let rest = secret["name"].as_str().and_then(|name| name.strip_prefix(account));
    rest.is_some_and(|rest| MADE_FOR_ACCOUNTS.iter().any(|made| rest.strip_prefix(made).is_some_and(is_random)))
}

/// Takes the secrets out of an account that controllers made for it. They go with it, and others are made for the one that is
/// put back.
fn without_made(account: &mut Value) {
    let own = name(account).to_owned();
    let Some(all) = account.as_object_mut() else { return };
    for field in OF_ACCOUNTS {
        if let Some(list) = all.get_mut(field).and_then(Value::as_array_mut) {
            list.retain(|found| !is_made_for(&own, found));
            if list.is_empty() {
                all.remove(field);
            }
        }
    }
}

/// Puts the secrets back in that controllers made for the account that is there.
fn with_made(wanted: &mut Value, now: &Value) {
    for field in OF_ACCOUNTS {
        let made: Vec<Value> = now[field]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|found| is_made_for(name(now), found))
            .cloned()
            .collect();
        if made.is_empty() {
            continue;
        }
        let mut list = wanted[field].as_array().cloned().unwrap_or_default();
        list.extend(made);
        wanted[field] = list.into();
    }
}

/// Whether a text is what servers put behind a name that shall be another one each time.
fn is_random(text: &str) -> bool {
    text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// An object without what only the server or a controller may set: what is stored, and can be put back.
pub fn manifest(object: &Value) -> Value {
    let mut kept = object.clone();
    if let Some(all) = kept.as_object_mut() {
        all.remove("status");
    }
    if object["kind"] == "ServiceAccount" {
        without_made(&mut kept);
    }
    if let Some(meta) = kept.get_mut("metadata").and_then(Value::as_object_mut) {
        for name in SERVER_SET {
            meta.remove(*name);
        }
        if let Some(annotations) = meta.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|name, _| !COUNTED.contains(&name.as_str()));
            if annotations.is_empty() {
                meta.remove("annotations");
            }
        }
    }
    kept
}

/// A manifest with what an object that is there has of its controllers: they go on counting from there.
pub fn in_place_of(manifest: &Value, now: &Value) -> Value {
    let mut wanted = manifest.clone();
    // Kinds without a status of its own would lose what is written there.
    if let (Some(all), Some(status)) = (wanted.as_object_mut(), now.get("status")) {
        all.insert("status".to_owned(), status.clone());
    }
    if wanted["kind"] == "ServiceAccount" {
        with_made(&mut wanted, now);
    }
    for name in COUNTED {
        let counted = &now["metadata"]["annotations"][*name];
        if counted.is_string() && wanted["metadata"].is_object() {
            wanted = merged(&wanted, &serde_json::json!({ "metadata": { "annotations": { *name: counted } } }));
        }
    }
    wanted
}

/// An object with a merge patch applied to it (RFC 7386).
pub fn merged(object: &Value, patch: &Value) -> Value {
    let Value::Object(fields) = patch else { return patch.clone() };
    let mut all = object.as_object().cloned().unwrap_or_default();
    for (name, value) in fields {
        match value {
            Value::Null => {
                all.remove(name);
            }
            value => {
                let old = all.remove(name).unwrap_or_default();
                all.insert(name.clone(), merged(&old, value));
            }
        }
    }
    Value::Object(all)
}

/// The node that is a host's, among all nodes: by its name in lower case, a name that is given, the name that the node
/// says its host has, or an address. More than one is one too many.
pub fn node_of<'a>(
    nodes: &'a [Value],
    host: &str,
    given: Option<&str>,
    address: Option<&str>,
) -> Result<Option<&'a str>, String> {
    let host = host.to_lowercase();
    let by = |is: &dyn Fn(&Value) -> bool| -> Vec<&'a str> { nodes.iter().filter(|node| is(node)).map(name).collect() };
    let addresses = |node: &Value, kinds: &[&str], wanted: &str| {
        let all = node["status"]["addresses"].as_array();
        all.into_iter().flatten().any(|found| {
            found["type"].as_str().is_some_and(|kind| kinds.contains(&kind))
                && found["address"].as_str().is_some_and(|address| address.eq_ignore_ascii_case(wanted))
        })
    };
    let label = |node: &Value, wanted: &str| node["metadata"]["labels"]["kubernetes.io/hostname"] == *wanted;
    let mut ways: Vec<Vec<&str>> = Vec::new();
    if let Some(given) = given {
        // Said by a person: nothing else counts.
        ways.push(by(&|node| name(node) == given.to_lowercase()));
    } else {
        ways.push(by(&|node| name(node) == host));
        ways.push(by(&|node| label(node, &host) || addresses(node, &["Hostname", "InternalDNS"], &host)));
        if let Some(address) = address {
            ways.push(by(&|node| addresses(node, &["InternalIP", "ExternalIP", "Hostname", "InternalDNS"], address)));
        }
    }
    for found in ways {
        match found.as_slice() {
            [] => {}
            [one] => return Ok(Some(one)),
            many => {
                return Err(format!(
                    "{} nodes could be {host}: {}; say which in openshift_kubelet_name_override",
                    many.len(),
                    many.iter().take(5).copied().collect::<Vec<_>>().join(", ")
                ));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Whatever a server says, nothing in it is taken to be there.
    #[test]
    fn objects_of_any_shape_are_read() {
        let shapes = [
            Value::Null,
            json!([]),
            json!("text"),
            json!({ "metadata": [], "spec": "x", "status": 1 }),
            json!({ "metadata": { "name": 1, "ownerReferences": {}, "annotations": [] }, "spec": { "taints": {}, "volumes": "x" } }),
            json!({ "metadata": { "ownerReferences": ["x", {}] }, "spec": { "taints": [1, {}], "volumes": [1] }, "status": { "conditions": [1] } }),
        ];
        for shape in &shapes {
            let _ = (node(shape), pod(shape, &None), marks(shape), manifest(shape), stays(shape, &None));
            let _ = (
                taints(shape, &BTreeSet::from(["a=b:NoSchedule".to_owned()])),
                holds(shape, "Ready"),
                has_ended(shape),
            );
        }
        assert_eq!(node_of(&shapes, "h", None, Some("10.0.0.1")), Ok(None));
    }

    #[test]
    fn a_pod_of_a_daemon_set_stays_while_there_is_one() {
        let owned = |version: &str, kind: &str| {
            json!({ "metadata": { "name": "p", "namespace": "s", "ownerReferences": [
                { "apiVersion": version, "kind": kind, "name": "ds", "controller": true }] } })
        };
        let sets = |names: &[&str]| Some(names.iter().map(|name| ("s".to_owned(), (*name).to_owned())).collect());
        let old = owned("extensions/v1beta1", "DaemonSet");
        assert_eq!(stays(&owned("apps/v1", "DaemonSet"), &sets(&["ds"])), Some(Stays::DaemonSet));
        assert_eq!(stays(&old, &sets(&["ds"])), Some(Stays::DaemonSet));
        assert_eq!(stays(&old, &None), Some(Stays::DaemonSet), "where nobody may look it is taken to be there");
        // Nobody makes it anew: it is like any bare pod.
        assert_eq!(stays(&old, &sets(&["other"])), None);
        assert_eq!(pod(&old, &sets(&["other"])).owner, None);
        assert_eq!(stays(&owned("example.com/v1", "DaemonSet"), &sets(&[])), None);
        assert_eq!(stays(&owned("apps/v1", "ReplicaSet"), &sets(&[])), None);
        let mut ended = old;
        ended["status"] = json!({ "phase": "Succeeded" });
        assert_eq!(stays(&ended, &sets(&["ds"])), None);
    }

    #[test]
    fn some_pods_tolerate_a_cordon() {
        let table = [
            (json!([{ "operator": "Exists" }]), true),
            (json!([{ "operator": "Exists", "effect": "NoExecute" }]), false),
            (json!([{ "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" }]), true),
            (json!([{ "key": "node.kubernetes.io/unschedulable", "operator": "Exists" }]), true),
            (json!([{ "key": "dedicated", "operator": "Exists" }]), false),
            (json!([{ "operator": "Equal" }]), false),
            (json!({}), false),
        ];
        for (tolerations, tolerates) in table {
            assert_eq!(
                tolerates_cordon(&json!({ "spec": { "tolerations": tolerations } })),
                tolerates,
                "{tolerations}"
            );
        }
    }

    #[test]
    fn taints_of_the_cluster_are_left_to_it() {
        let node = json!({ "spec": { "taints": [
            { "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" },
            { "key": "dedicated", "value": "storage", "effect": "NoSchedule" },
            { "key": "old", "effect": "NoExecute" },
        ] } });
        assert_eq!(
            super::node(&node).taints,
            BTreeSet::from(["dedicated=storage:NoSchedule".to_owned(), "old=:NoExecute".to_owned()])
        );
        let wanted = BTreeSet::from(["dedicated=storage:NoSchedule".to_owned(), "new=x:NoSchedule".to_owned()]);
        let keys: Vec<String> = taints(&node, &wanted).iter().map(|taint| text(&taint["key"])).collect();
        assert_eq!(keys, ["node.kubernetes.io/unschedulable", "dedicated", "new"]);
    }

    #[test]
    fn what_is_stored_is_without_what_server_and_controllers_say() {
        let object = |meta: Value| json!({ "kind": "X", "metadata": meta, "spec": { "a": [1] } });
        let full = json!({
            "name": "n", "uid": "u", "resourceVersion": "7", "generation": 3, "creationTimestamp": "t", "selfLink": "s",
            "managedFields": [], "labels": { "a": "b" }, "finalizers": ["f"], "ownerReferences": [{ "uid": "o" }],
            "annotations": { "deprecated.daemonset.template.generation": "3", "deployment.kubernetes.io/revision": "2", "mine": "x" },
        });
        let mut object_now = object(full);
        object_now["status"] = json!({ "ready": 1 });
        let kept = json!({ "name": "n", "labels": { "a": "b" }, "finalizers": ["f"], "ownerReferences": [{ "uid": "o" }], "annotations": { "mine": "x" } });
        assert_eq!(manifest(&object_now), object(kept));
        let counted = object(json!({ "name": "n", "annotations": { "deployment.kubernetes.io/revision": "2" } }));
        assert_eq!(manifest(&counted), object(json!({ "name": "n" })), "no map is left");
        // Where an object is put in place of another the count goes on.
        assert_eq!(in_place_of(&object(json!({ "name": "n" })), &counted), counted);
        assert_eq!(in_place_of(&Value::Null, &counted), Value::Null);
    }

    #[test]
    fn what_controllers_make_for_an_account_is_not_its_own() {
        let account =
            |secrets: Value| json!({ "kind": "ServiceAccount", "metadata": { "name": "robot" }, "secrets": secrets });
        let all = json!([{ "name": "robot-token-x7k2p" }, { "name": "mine" }, { "name": "robot-token-of-mine" }]);
        let own = json!([{ "name": "mine" }, { "name": "robot-token-of-mine" }]);
        assert_eq!(manifest(&account(all)), account(own.clone()));
        let mut plain = account(json!([{ "name": "robot-token-x7k2p" }]));
        plain["imagePullSecrets"] = json!([{ "name": "robot-dockercfg-12345" }]);
        assert_eq!(manifest(&plain), json!({ "kind": "ServiceAccount", "metadata": { "name": "robot" } }));
        // Put in place of one that is there it keeps those that this one has.
        let now = account(json!([{ "name": "robot-token-abcde" }]));
        let both = json!([{ "name": "mine" }, { "name": "robot-token-of-mine" }, { "name": "robot-token-abcde" }]);
        assert_eq!(in_place_of(&account(own), &now), account(both));
        let other =
            json!({ "kind": "X", "metadata": { "name": "robot" }, "secrets": [{ "name": "robot-token-x7k2p" }] });
        assert_eq!(manifest(&other), other);
    }

    /// The examples of RFC 7386.
    #[test]
    fn a_patch_is_merged_as_the_standard_has_it() {
        for (object, patch, wanted) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), Value::Null, Value::Null),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            assert_eq!(merged(&object, &patch), wanted, "{object} with {patch}");
        }
    }

    #[test]
    fn a_host_is_one_node_or_none() {
        let node = |name: &str, host: &str, address: &str| {
            json!({ "metadata": { "name": name, "labels": { "kubernetes.io/hostname": host } },
                "status": { "addresses": [{ "type": "InternalIP", "address": address }] } })
        };
        let all = [
            node("a.demo", "a.demo", "10.0.0.1"),
            node("ip-2", "b.demo", "10.0.0.2"),
            node("ip-3", "c.demo", "10.0.0.3"),
        ];
        assert_eq!(node_of(&all, "A.demo", None, None), Ok(Some("a.demo")));
        assert_eq!(node_of(&all, "b.demo", None, None), Ok(Some("ip-2")));
        assert_eq!(node_of(&all, "other", None, Some("10.0.0.3")), Ok(Some("ip-3")));
        assert_eq!(node_of(&all, "b.demo", Some("IP-3"), None), Ok(Some("ip-3")), "what a person says counts");
        assert_eq!(node_of(&all, "other", None, Some("10.0.0.9")), Ok(None));
        let twice = [node("ip-2", "b.demo", "10.0.0.2"), node("ip-4", "b.demo", "10.0.0.4")];
        assert!(node_of(&twice, "b.demo", None, None).is_err());
    }
}
