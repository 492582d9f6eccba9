//! Objects of any kind through a real API server: changed by merges, made, deleted, and put back as they were.

use palinode_core::cluster::manifest;
use palinode_tests::binary::{Desk, Out};
use palinode_tests::cluster::Cluster;
use palinode_tests::fake_api::{Asked, FakeApi, Reply};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A folder with a runbook whose steps belong to no host.
fn desk(steps: &str) -> Desk {
    let desk = Desk::new();
    desk.write("hosts", "[nodes]\nnobody\n");
    desk.write("book.yml", format!("runbook: book\nhosts: {{ group: nodes, serial: 1 }}\nbefore:\n{steps}"));
    desk
}

fn go(kubeconfig: &Path, desk: &Desk, args: &[&str]) -> Out {
    let kubeconfig = kubeconfig.display().to_string();
    let mut all = vec!["--kubeconfig", &kubeconfig];
    all.extend(args);
    desk.run(&all)
}

fn run(cluster: &Cluster, desk: &Desk, args: &[&str]) -> Out {
    go(&cluster.kubeconfig_of("one"), desk, args)
}

const RUN: [&str; 5] = ["run", "./book.yml", "-i", "hosts", "--yes"];
/// A runbook that was made of a run does not know the group.
const MADE: [&str; 7] = ["run", "./book.yml", "-i", "hosts", "--yes", "--set", "group=nodes"];
const UNDO: [&str; 3] = ["undo", "@", "--yes"];

/// A controller of pods that could only be on one node.
fn controller(kind: &str, name: &str, node: &str) -> Value {
    let labels = json!({ "app": name });
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": { "name": name, "labels": labels, "annotations": { "note": "kept" } },
        "spec": { "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels }, "spec": {
            "containers": [{ "name": "c", "image": "one" }], "terminationGracePeriodSeconds": 1,
            "nodeSelector": { "kubernetes.io/hostname": node },
        } } },
    });
    if kind == "Deployment" {
        object["spec"]["replicas"] = 1.into();
    }
    object
}

fn apps(space: &str, plural: &str) -> String {
    format!("/apis/apps/v1/namespaces/{space}/{plural}")
}

/// What a step's object is written as.
fn named(kind: &str, space: &str, name: &str) -> String {
    format!("object: {{ api: apps/v1, kind: {kind}, namespace: {space}, name: {name} }}")
}

/// The requests of one user that changed an object, as the server's audit log tells: verb and what was sent.
fn changes(cluster: &Cluster, space: &str, name: &str, by: &str) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for event in cluster.audit() {
        let about = &event["objectRef"];
        let good = event["responseStatus"]["code"].as_u64().is_some_and(|code| (200..300).contains(&code));
        let writes = matches!(event["verb"].as_str(), Some("patch" | "update" | "create" | "delete"));
        let is_it = about["namespace"] == space && about["name"] == name && about["subresource"].is_null();
        if good && writes && is_it && event["user"]["username"] == by {
            all.push((event["verb"].as_str().unwrap_or_default().to_owned(), event["requestObject"].clone()));
        }
    }
    all
}

fn generation(object: &Value) -> u64 {
    object["metadata"]["generation"].as_u64().unwrap_or_default()
}

#[test]
fn a_merged_object_is_put_back_as_it_was() {
    let Some(cluster) = Cluster::find("kube: merged") else { return };
    let space = "merged";
    cluster.namespace(space);
    let path = format!("{}/storage", apps(space, "daemonsets"));
    cluster.hand().make(&apps(space, "daemonsets"), &controller("DaemonSet", "storage", "nowhere"));
    cluster.hand().make(&apps(space, "deployments"), &controller("Deployment", "front", "nowhere"));
    let front = format!("{}/front", apps(space, "deployments"));
    let counted = |cluster: &Cluster| {
        cluster.hand().get(&front)["metadata"]["annotations"]["deployment.kubernetes.io/revision"].clone()
    };
    cluster.until("the controller counts", |cluster| counted(cluster) == "1");
    let now = |cluster: &Cluster| [path.as_str(), front.as_str()].map(|path| cluster.hand().get(path));
    let before = now(cluster);
    assert_eq!(before[0]["spec"]["updateStrategy"]["type"], "RollingUpdate");
    // The template is changed too: server and controller count that in annotations of theirs.
    let template = "template: { metadata: { annotations: { new: 'yes', host: merged } } }";
    let steps = format!(
        "  - keep: {{ kube.patch: {{ {}, merge: {{ spec: {{ updateStrategy: {{ type: OnDelete, rollingUpdate: null }}, {template} }} }} }} }}\n\
         \x20 - front: {{ kube.patch: {{ {}, merge: {{ spec: {{ {template} }} }} }} }}\n",
        named("DaemonSet", space, "storage"),
        named("Deployment", space, "front"),
    );
    let desk = desk(&steps);
    run(cluster, &desk, &RUN).exits(0);
    let merged = now(cluster);
    assert_eq!(merged[0]["spec"]["updateStrategy"], json!({ "type": "OnDelete" }));
    assert_eq!(merged[0]["metadata"]["annotations"]["deprecated.daemonset.template.generation"], "2");
    assert_eq!(merged[0]["metadata"]["annotations"]["note"], "kept");
    let asked = changes(cluster, space, "storage", "one");
    let (verb, sent) = asked.last().expect("it was asked");
    assert_eq!(verb, "patch");
    for name in ["uid", "resourceVersion"] {
        assert_eq!(sent["metadata"][name], before[0]["metadata"][name], "bound to what was read");
    }
    cluster.until("the controller counts on", |cluster| counted(cluster) == "2");
    // Once more there is nothing to do, and nothing to take back.
    let again = self::desk(&steps);
    run(cluster, &again, &RUN).exits(0);
    again.run(&["show", "before/keep"]).exits(0).says(&["is so already"]);
    run(cluster, &again, &UNDO).exits(0);
    assert_eq!(now(cluster).each_ref().map(generation), merged.each_ref().map(generation));
    run(cluster, &desk, &UNDO).exits(0);
    for (was, is) in before.iter().zip(now(cluster)) {
        assert_eq!(manifest(&is), manifest(was));
        assert_eq!(is["metadata"]["uid"], was["metadata"]["uid"]);
    }
    let verbs: Vec<String> = changes(cluster, space, "storage", "one").into_iter().map(|(verb, _)| verb).collect();
    assert_eq!(verbs, ["patch", "update"]);
    desk.run(&["replay", "--strict"]).exits(0);
}

#[test]
fn what_was_not_there_is_made_and_taken_back() {
    let Some(cluster) = Cluster::find("kube: made") else { return };
    let space = "made";
    cluster.namespace(space);
    let mut front = controller("Deployment", "front", "nowhere");
    front["metadata"]["namespace"] = space.into();
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "namespace": space, "name": "map" }, "data": { "a": "1", "b": null } });
    let desk = desk(&format!(
        "  - map: {{ kube.apply: {{ manifest: {map} }} }}\n  - front: {{ kube.apply: {{ manifest: {front} }} }}\n"
    ));
    run(cluster, &desk, &RUN).exits(0);
    let paths = [format!("/api/v1/namespaces/{space}/configmaps/map"), format!("{}/front", apps(space, "deployments"))];
    assert_eq!(cluster.hand().get(&paths[0])["data"], json!({ "a": "1" }));
    let made = cluster.hand().get(&paths[1]);
    assert_eq!(made["spec"]["replicas"], 1);
    let sets =
        |cluster: &Cluster| cluster.hand().get(&apps(space, "replicasets"))["items"].as_array().map_or(0, Vec::len);
    cluster.until("its controller made a set", |cluster| sets(cluster) == 1);
    // What the night's work was, is written as it could have been.
    let out = desk.run(&["runbook", "from-run", "@"]).exits(0).says(&["kube.apply", "manifest"]);
    let did = actions(&desk, &["before/map", "before/front"]);
    run(cluster, &desk, &UNDO).exits(0);
    for path in &paths {
        assert_eq!(cluster.hand().get(path), Value::Null, "{path}");
    }
    cluster.until("what it owned is gone", |cluster| sets(cluster) == 0);
    let again = Desk::new();
    again.write("hosts", "[nodes]\nnobody\n");
    again.write("book.yml", &out.stdout);
    run(cluster, &again, &MADE).exits(0);
    assert_eq!(actions(&again, &["before/map", "before/front"]), did);
    run(cluster, &again, &UNDO).exits(0);
}

/// The actions of steps of the latest run.
fn actions(desk: &Desk, steps: &[&str]) -> Vec<Value> {
    let intent = |step: &&str| {
        let shown = desk.json(&["show", step]);
        let entries = shown["entries"].as_array().cloned().unwrap_or_default();
        let found = entries.iter().find_map(|entry| entry["entry"]["event"].get("Intent")).cloned();
        found.unwrap_or_default()["action"].clone()
    };
    let all: Vec<Value> = steps.iter().map(intent).collect();
    assert!(all.iter().all(|action| !action.is_null()), "{all:?}");
    all
}

#[test]
fn a_deleted_object_comes_back_and_its_pods_are_made_again() {
    let Some(cluster) = Cluster::find("kube: deleted") else { return };
    let space = "deleted";
    cluster.node(space, &[]);
    cluster.namespace(space);
    let path = format!("{}/storage", apps(space, "daemonsets"));
    cluster.hand().make(&apps(space, "daemonsets"), &controller("DaemonSet", "storage", space));
    cluster.until_up(space, 1);
    let before = cluster.hand().get(&path);
    let desk = desk(&format!("  - drop: {{ kube.delete: {{ {} }} }}\n", named("DaemonSet", space, "storage")));
    run(cluster, &desk, &RUN).exits(0);
    assert_eq!(cluster.hand().get(&path), Value::Null);
    cluster.until("its pods are gone", |cluster| cluster.pods_on(space).is_empty());
    let out = desk.run(&["runbook", "from-run", "@"]).exits(0).says(&["kube.delete", "object"]);
    let did = actions(&desk, &["before/drop"]);
    run(cluster, &desk, &UNDO).exits(6).tells(&["new UID"]);
    let back = cluster.hand().get(&path);
    assert_eq!(manifest(&back), manifest(&before));
    assert_ne!(back["metadata"]["uid"], before["metadata"]["uid"]);
    cluster.until_up(space, 1);
    let verbs: Vec<String> = changes(cluster, space, "storage", "one").into_iter().map(|(verb, _)| verb).collect();
    assert_eq!(verbs, ["delete", "create"]);
    let again = Desk::new();
    again.write("hosts", "[nodes]\nnobody\n");
    again.write("book.yml", &out.stdout);
    run(cluster, &again, &MADE).exits(0);
    assert_eq!(actions(&again, &["before/drop"]), did);
}

/// Lets the server know a kind of its own.
fn define(cluster: &Cluster, group: &str, plural: &str, kind: &str) {
    let name = format!("{plural}.{group}");
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let schema = json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": name },
        "spec": { "group": group, "scope": "Cluster", "names": { "plural": plural, "singular": kind.to_lowercase(), "kind": kind },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": schema }] },
    });
    cluster.hand().make(path, &definition);
    let list = format!("/apis/{group}/v1/{plural}");
    cluster.until("the kind is known", |cluster| !cluster.hand().get(&list).is_null());
}

#[test]
fn kinds_of_a_servers_own_are_changed_as_any() {
    let Some(cluster) = Cluster::find("kube: own kinds") else { return };
    let (group, plural) = ("security.openshift.io", "securitycontextconstraints");
    define(cluster, group, plural, "SecurityContextConstraints");
    let all = format!("/apis/{group}/v1/{plural}");
    let path = format!("{all}/storage");
    let made = json!({
        "apiVersion": format!("{group}/v1"), "kind": "SecurityContextConstraints", "metadata": { "name": "storage" },
        "allowHostNetwork": true, "priority": null, "users": ["system:serviceaccount:glusterfs:default"],
    });
    cluster.hand().make(&all, &made);
    let before = cluster.hand().get(&path);
    let desk = desk(&format!(
        "  - it: {{ kube.patch: {{ object: {{ api: {group}/v1, kind: SecurityContextConstraints, name: storage }}, merge: {{ users: [a, b], allowHostNetwork: null }} }} }}\n"
    ));
    run(cluster, &desk, &RUN).exits(0);
    let now = cluster.hand().get(&path);
    assert_eq!((&now["users"], &now["allowHostNetwork"]), (&json!(["a", "b"]), &Value::Null));
    let out = desk.run(&["runbook", "from-run", "@"]).exits(0).says(&["allowHostNetwork: null"]);
    let did = actions(&desk, &["before/it"]);
    run(cluster, &desk, &UNDO).exits(0);
    assert_eq!(manifest(&cluster.hand().get(&path)), manifest(&before));
    let again = Desk::new();
    again.write("hosts", "[nodes]\nnobody\n");
    again.write("book.yml", &out.stdout);
    run(cluster, &again, &MADE).exits(0);
    assert_eq!(actions(&again, &["before/it"]), did);
}

#[test]
fn the_subnet_of_a_node_that_leaves_is_recorded() {
    let Some(cluster) = Cluster::find("kube: subnets") else { return };
    let (group, plural) = ("network.openshift.io", "hostsubnets");
    define(cluster, group, plural, "HostSubnet");
    let all = format!("/apis/{group}/v1/{plural}");
    let key = |node: &str| format!("object/network.openshift.io/v1/HostSubnet/-/{node}@cluster");
    for node in ["subnet", "without-subnet"] {
        cluster.node(node, &[]);
        cluster.ready(node, false);
    }
    cluster.hand().make(
        &all,
        &json!({ "apiVersion": format!("{group}/v1"), "kind": "HostSubnet", "metadata": { "name": "subnet" }, "subnet": "10.128.0.0/23" }),
    );
    for node in ["subnet", "without-subnet"] {
        let desk = crate::kube::nodes::desk(&[node], "  - leave: { kube.delete-node: {} }\n");
        run(cluster, &desk, &RUN).exits(0);
        let shown = desk.json(&["show", &format!("{node}/leave")]);
        let intent =
            shown["entries"].as_array().into_iter().flatten().find_map(|entry| entry["entry"]["event"].get("Intent"));
        let before = intent.map(|intent| intent["before"].to_string()).unwrap_or_default();
        assert_eq!(before.contains(&key(node)), node == "subnet", "{before}");
        if node == "subnet" {
            // The cluster deletes it too, and nobody is to put it back.
            cluster.hand().delete(&format!("{all}/{node}"));
            let back = std::thread::spawn(|| {
                std::thread::sleep(std::time::Duration::from_secs(2));
                let Some(cluster) = Cluster::find("kube: subnets") else { return };
                cluster.node("subnet", &[]);
            });
            run(cluster, &desk, &UNDO).exits(6).tells(&["new UID"]);
            back.join().expect("it registered");
        }
        desk.run(&["replay", "--strict"]).exits(0);
    }
}

#[test]
fn what_someone_changed_since_is_not_put_back() {
    let Some(cluster) = Cluster::find("kube: changed since") else { return };
    let space = "changed";
    cluster.namespace(space);
    let path = format!("{}/front", apps(space, "deployments"));
    cluster.hand().make(&apps(space, "deployments"), &controller("Deployment", "front", "nowhere"));
    let desk = desk(&format!(
        "  - front: {{ kube.patch: {{ {}, merge: {{ spec: {{ replicas: 2 }} }} }} }}\n",
        named("Deployment", space, "front")
    ));
    run(cluster, &desk, &RUN).exits(0);
    cluster.hand().merge(&path, &json!({ "spec": { "replicas": 5 } }));
    let changed = cluster.hand().get(&path);
    run(cluster, &desk, &UNDO).exits(3).tells(&["DRIFT", "object/apps/v1/Deployment/changed/front@cluster", "resume"]);
    let now = cluster.hand().get(&path);
    assert_eq!(generation(&now), generation(&changed), "nothing was written");
    assert_eq!(now["spec"]["replicas"], 5);
    run(cluster, &desk, &["resume", "--force"]).exits(0);
    assert_eq!(cluster.hand().get(&path)["spec"]["replicas"], 1);
}

#[test]
fn what_is_done_in_other_ways_or_not_at_all_is_refused() {
    let Some(cluster) = Cluster::find("kube: refused objects") else { return };
    let meta = "metadata: { namespace: default, name: x }";
    for (step, words) in [
        (
            format!("kube.apply: {{ manifest: {{ apiVersion: v1, kind: Secret, {meta}, data: {{ a: Yg== }} }} }}"),
            "in the plan, which anyone may read",
        ),
        (
            "kube.patch: { object: { kind: Node, name: x }, merge: { spec: { unschedulable: true } } }".to_owned(),
            "kube.patch-node",
        ),
        ("kube.delete: { object: { kind: Node, name: x } }".to_owned(), "kube.delete-node"),
    ] {
        let desk = desk(&format!("  - it: {{ {step} }}\n"));
        run(cluster, &desk, &RUN).exits(2).complains(&[words]);
        assert!(!desk.path().join(".palinode").exists(), "nothing was begun");
    }
    for step in [
        "kube.patch: { object: { api: example.com/v1, kind: Nothing, name: x }, merge: { a: 1 } }",
        "kube.delete: { object: { api: example.com/v1, kind: Nothing, name: x } }",
        "kube.apply: { manifest: { apiVersion: example.com/v1, kind: Nothing, metadata: { name: x } } }",
    ] {
        let desk = desk(&format!("  - it: {{ {step} }}\n"));
        let out = run(cluster, &desk, &RUN).tells(&["the server knows no Nothing in example.com/v1"]);
        assert_eq!(out.code, Some(3), "{out}");
    }
    // What is not there is not merged into.
    let desk = desk(
        "  - it: { kube.patch: { object: { kind: Service, namespace: default, name: none }, merge: { a: 1 } } }\n",
    );
    run(cluster, &desk, &RUN).exits(3).tells(&["Service default/none not found"]);
    // The lab has none of that.
    let lab = Desk::new();
    let steps = "  - it: { kube.patch: { object: { kind: Service, namespace: default, name: x }, merge: { a: 1 } } }\n";
    lab.write("book.yml", format!("runbook: book\nhosts: {{ group: glusterfs }}\nbefore:\n{steps}"));
    lab.run(&["run", "./book.yml", "--lab"]).exits(2).complains(&["the lab cannot do", "patch Service default/x"]);
}

#[test]
fn a_merge_cut_at_every_entry_is_had_once() {
    let Some(cluster) = Cluster::find("kube: merges cut") else { return };
    let kubeconfig = cluster.kubeconfig_of("one").display().to_string();
    let space = "merges-cut";
    cluster.namespace(space);
    let mut cut = 0;
    for at in 2.. {
        let name = format!("set-{at}");
        let path = format!("{}/{name}", apps(space, "daemonsets"));
        cluster.hand().make(&apps(space, "daemonsets"), &controller("DaemonSet", &name, "nowhere"));
        let before = cluster.hand().get(&path);
        let merge = "merge: { spec: { updateStrategy: { type: OnDelete, rollingUpdate: null } } }";
        let desk = desk(&format!("  - keep: {{ kube.patch: {{ {}, {merge} }} }}\n", named("DaemonSet", space, &name)));
        let mut args = vec!["--kubeconfig", &kubeconfig];
        args.extend(RUN);
        let mut live = desk.spawn(&args);
        crate::kube::nodes::wait_for_entries(&desk, at, &mut live);
        let ended = live.has_ended();
        if ended {
            live.end().exits(0);
        } else {
            live.kill();
            cut += 1;
            let out = run(cluster, &desk, &["resume"]);
            assert!(out.code == Some(0) || out.stderr.contains("no run is open"), "{out}");
        }
        let now = cluster.hand().get(&path);
        assert_eq!(generation(&now), generation(&before) + 1, "cut at {at}: one change");
        assert_eq!(now["spec"]["updateStrategy"], json!({ "type": "OnDelete" }));
        run(cluster, &desk, &UNDO).exits(0);
        assert_eq!(manifest(&cluster.hand().get(&path)), manifest(&before), "cut at {at}");
        if ended {
            break;
        }
    }
    assert!(cut >= 2, "it was cut {cut} times");
}

/// A server that has one Deployment, and answers the next changes as a test says: with a code, or not at all after it did
/// what was asked.
struct One {
    object: Value,
    script: Vec<Next>,
}

enum Next {
    /// It refuses, and someone wrote this meanwhile.
    Refuses(u16, Value),
    /// It says that it did it, and this is what it did.
    Takes(Value),
    /// It does it, and the answer is lost.
    Lost,
}

impl One {
    fn api(script: Vec<Next>) -> (FakeApi, Arc<Mutex<Self>>) {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "front", "namespace": "shop", "uid": "u1", "resourceVersion": "1" },
            "spec": { "replicas": 1 }, "status": {},
        });
        let one = Arc::new(Mutex::new(Self { object, script }));
        let inner = Arc::clone(&one);
        (FakeApi::new(move |asked| inner.lock().expect("nobody died here").answer(asked)), one)
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        let none =
            || Reply::Says(404, json!({ "kind": "Status", "status": "Failure", "code": 404, "message": "not found" }));
        let all = "/apis/apps/v1/namespaces/shop/deployments";
        match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/version") => Reply::Says(200, json!({ "gitVersion": "v1.11.0+d4cacc0" })),
            ("GET", "/apis/apps/v1") => {
                let kind = |name: &str| json!({ "name": name, "kind": "Deployment", "namespaced": true });
                Reply::Says(200, json!({ "resources": [kind("deployments/status"), kind("deployments")] }))
            }
            ("GET", path) if path == format!("{all}/front") => match self.object.is_null() {
                true => none(),
                false => Reply::Says(200, self.object.clone()),
            },
            ("GET", _) => none(),
            _ => match if self.script.is_empty() { None } else { Some(self.script.remove(0)) } {
                Some(Next::Refuses(code, wrote)) => {
                    self.object = palinode_core::cluster::merged(&self.object, &wrote);
                    Reply::Says(
                        code,
                        json!({ "kind": "Status", "status": "Failure", "code": code, "message": "the object has been modified" }),
                    )
                }
                Some(Next::Takes(what)) => {
                    self.object = palinode_core::cluster::merged(&self.object, &what);
                    Reply::Says(200, self.object.clone())
                }
                Some(Next::Lost) => {
                    self.change(asked);
                    Reply::Cut
                }
                None => {
                    self.change(asked);
                    Reply::Says(200, self.object.clone())
                }
            },
        }
    }

    fn change(&mut self, asked: &Asked) {
        let uid = self.object["metadata"]["uid"].clone();
        match asked.method.as_str() {
            "PATCH" => self.object = palinode_core::cluster::merged(&self.object, &asked.body),
            "DELETE" => self.object = Value::Null,
            _ => self.object = asked.body.clone(),
        }
        if self.object.is_object() {
            self.object["metadata"]["uid"] = if uid.is_null() { "u2".into() } else { uid };
            self.object["metadata"]["resourceVersion"] = format!("{}0", asked.method.len()).into();
        }
    }
}

const MERGE: &str = "  - it: { kube.patch: { object: { api: apps/v1, kind: Deployment, namespace: shop, name: front }, merge: { spec: { replicas: 3 } } } }\n";

#[test]
fn a_merge_that_does_not_fit_changes_nothing_and_says_so() {
    // Someone else wrote the same object.
    let (api, one) = One::api(vec![Next::Refuses(
        409,
        json!({ "metadata": { "resourceVersion": "2" }, "spec": { "paused": true } }),
    )]);
    let book = desk(MERGE);
    go(&api.kubeconfig(), &book, &RUN).exits(3).tells(&["someone else wrote Deployment shop/front at the same time"]);
    let paused = json!({ "replicas": 1, "paused": true });
    assert_eq!(one.lock().expect("nobody died here").object["spec"], paused);
    assert_eq!(api.writes().len(), 1);
    // What the other wrote is not ours to take back, nor to write over when it is tried again.
    go(&api.kubeconfig(), &book, &["retry", "before/it"]);
    go(&api.kubeconfig(), &book, &["resume"]).exits(3).tells(&["was changed by someone since it was looked at"]);
    go(&api.kubeconfig(), &book, &UNDO).exits(3).tells(&["DRIFT", "object/apps/v1/Deployment/shop/front@cluster"]);
    assert_eq!(one.lock().expect("nobody died here").object["spec"], paused);
    assert_eq!(api.writes().len(), 1);
    // Its controller wrote its status: that is read, and it is tried again.
    let (api, one) = One::api(vec![Next::Refuses(
        409,
        json!({ "metadata": { "resourceVersion": "2" }, "status": { "replicas": 1 } }),
    )]);
    let book = desk(MERGE);
    go(&api.kubeconfig(), &book, &RUN).exits(0);
    assert_eq!(one.lock().expect("nobody died here").object["spec"], json!({ "replicas": 3 }));
    let writes = api.writes();
    let versions: Vec<&Value> = writes.iter().map(|asked| &asked.body["metadata"]["resourceVersion"]).collect();
    assert_eq!(versions, ["1", "2"]);
    assert!(writes.iter().all(|asked| asked.method == "PATCH" && asked.body["metadata"]["uid"] == "u1"), "{writes:?}");
    // Not for ever.
    let refusals = |number: u32| Next::Refuses(409, json!({ "metadata": { "resourceVersion": format!("9{number}") } }));
    let (api, _) = One::api((0..20).map(refusals).collect());
    let book = desk(MERGE);
    go(&api.kubeconfig(), &book, &RUN).exits(3).tells(&["all the time"]);
    assert_eq!(api.writes().len(), 5);
    // What the server does not take is told in its words.
    let (api, _) = One::api(vec![Next::Refuses(422, json!({}))]);
    let book = desk(MERGE);
    go(&api.kubeconfig(), &book, &RUN).exits(3).tells(&["422", "has been modified"]);
}

#[test]
fn a_merge_that_the_server_drops_is_no_success() {
    let (api, _) = One::api(vec![Next::Takes(json!({}))]);
    let book = desk(&MERGE.replace("replicas", "replica"));
    go(&api.kubeconfig(), &book, &RUN).exits(3).tells(&["the server took none of it"]);
}

#[test]
fn what_is_about_to_go_is_not_back() {
    // Something holds it, and the deletion does not end.
    let held = json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } });
    let (api, one) = One::api(vec![Next::Takes(held)]);
    let book =
        desk("  - it: { kube.delete: { object: { api: apps/v1, kind: Deployment, namespace: shop, name: front } } }\n");
    go(&api.kubeconfig(), &book, &RUN).exits(3).tells(&["is being deleted, and held by its finalizers"]);
    go(&api.kubeconfig(), &book, &UNDO).exits(3).tells(&["is being deleted since 2026-01-01"]);
    assert_eq!(api.writes().len(), 1);
    // Once it is gone it is made again.
    one.lock().expect("nobody died here").object = Value::Null;
    go(&api.kubeconfig(), &book, &["retry", "undo/before/it"]);
    go(&api.kubeconfig(), &book, &["resume"]);
    assert_eq!(one.lock().expect("nobody died here").object["spec"], json!({ "replicas": 1 }));
}

#[test]
fn a_merge_whose_answer_is_lost_is_not_had_twice() {
    let (api, one) = One::api(vec![Next::Lost]);
    let book = desk(MERGE);
    go(&api.kubeconfig(), &book, &RUN).exits(0);
    assert_eq!(one.lock().expect("nobody died here").object["spec"], json!({ "replicas": 3 }));
    assert_eq!(api.writes().len(), 1);
    book.run(&["show", "before/it"]).exits(0).says(&["is so already"]);
}

#[test]
fn what_is_deleted_is_bound_to_its_uid_and_takes_what_it_owns_along() {
    let (api, _) = One::api(vec![]);
    let book =
        desk("  - it: { kube.delete: { object: { api: apps/v1, kind: Deployment, namespace: shop, name: front } } }\n");
    go(&api.kubeconfig(), &book, &RUN).exits(0);
    let writes = api.writes();
    let asked: Vec<(&str, &Value)> = writes.iter().map(|asked| (asked.method.as_str(), &asked.body)).collect();
    let options = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": { "uid": "u1" }, "propagationPolicy": "Background" });
    assert_eq!(asked, [("DELETE", &options)]);
    go(&api.kubeconfig(), &book, &UNDO).exits(6);
    let writes = api.writes();
    let back = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "front", "namespace": "shop" }, "spec": { "replicas": 1 } });
    assert_eq!((writes[1].method.as_str(), &writes[1].body), ("POST", &back));
    // One that was made anew meanwhile is another one's.
    let (api, _) = One::api(vec![Next::Refuses(409, json!({ "metadata": { "uid": "u9" } }))]);
    let book =
        desk("  - it: { kube.delete: { object: { api: apps/v1, kind: Deployment, namespace: shop, name: front } } }\n");
    go(&api.kubeconfig(), &book, &RUN).exits(3).tells(&["made anew meanwhile"]);
}

#[test]
fn taints_of_a_node_are_set_and_put_back() {
    let Some(cluster) = Cluster::find("kube: taints") else { return };
    cluster.node("tainted", &[]);
    let taints = |cluster: &Cluster| {
        let node = cluster.node_now("tainted");
        let all = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
        let text = |taint: &Value| {
            format!(
                "{}={}:{}",
                taint["key"].as_str().unwrap_or_default(),
                taint["value"].as_str().unwrap_or_default(),
                taint["effect"].as_str().unwrap_or_default()
            )
        };
        all.iter().map(text).collect::<Vec<_>>()
    };
    let first = json!([{ "key": "dedicated", "value": "old", "effect": "NoSchedule" }, { "key": "kept", "effect": "NoSchedule" }]);
    cluster.hand().merge("/api/v1/nodes/tainted", &json!({ "spec": { "taints": first } }));
    let desk = crate::kube::nodes::desk(
        &["tainted"],
        "  - set: { kube.patch-node: { taints: { 'dedicated=new:NoSchedule': true, 'kept=:NoSchedule': true, 'none=:NoSchedule': false } } }\n\
         \x20 - more: { kube.patch-node: { unschedulable: true, taints: { 'kept=:NoSchedule': false } } }\n",
    );
    run(cluster, &desk, &RUN).exits(0);
    let own = |all: Vec<String>| {
        all.into_iter().filter(|taint| !taint.starts_with("node.kubernetes.io/")).collect::<Vec<_>>()
    };
    assert_eq!(own(taints(cluster)), ["dedicated=new:NoSchedule"]);
    run(cluster, &desk, &UNDO).exits(0);
    let mut back = own(taints(cluster));
    back.sort();
    assert_eq!(back, ["dedicated=old:NoSchedule", "kept=:NoSchedule"]);
    // A node without any.
    cluster.node("untainted", &[]);
    let desk = crate::kube::nodes::desk(
        &["untainted"],
        "  - set: { kube.patch-node: { taints: { 'a=b:NoExecute': true } } }\n",
    );
    run(cluster, &desk, &RUN).exits(0);
    assert_eq!(
        cluster.node_now("untainted")["spec"]["taints"],
        json!([{ "key": "a", "value": "b", "effect": "NoExecute" }])
    );
    run(cluster, &desk, &UNDO).exits(0);
    assert_eq!(cluster.node_now("untainted")["spec"]["taints"], Value::Null);
}

#[test]
fn a_merge_of_which_the_server_takes_nothing_fails_and_that_follows_from_the_rules() {
    let Some(cluster) = Cluster::find("kube: took none of it") else { return };
    let space = "none-of-it";
    cluster.namespace(space);
    cluster.hand().make(&apps(space, "deployments"), &controller("Deployment", "front", "nowhere"));
    // The server puts its default in place of what is removed, and drops what it does not know.
    for merge in ["{ spec: { replicas: null } }", "{ spec: { replcas: 3 } }"] {
        let named = named("Deployment", space, "front");
        let desk = desk(&format!("  - it: {{ kube.patch: {{ {named}, merge: {merge} }} }}\n"));
        run(cluster, &desk, &RUN).exits(3).tells(&["the server took none of it"]);
        desk.run(&["replay", "--strict"]).exits(0);
        run(cluster, &desk, &UNDO).exits(0);
        desk.run(&["replay", "--strict"]).exits(0);
    }
}
