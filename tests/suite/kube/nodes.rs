//! Nodes and the pods on them through a real API server: changed once, by UID, under a claim, and put back as they were.

use palinode_tests::binary::{Desk, Live, Out};
use palinode_tests::cluster::{Cluster, STUCK};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A folder with an inventory of these hosts and a runbook with these steps for each.
pub(crate) fn desk(hosts: &[&str], steps: &str) -> Desk {
    let desk = Desk::new();
    desk.write("hosts", format!("[nodes]\n{}\n", hosts.join("\n")));
    desk.write("book.yml", format!("runbook: book\nhosts: {{ group: nodes, serial: 1 }}\neach_host:\n{steps}"));
    desk
}

pub(crate) const DRAIN: &str =
    "  - cordon: { kube.cordon: {} }\n  - drain: { kube.drain: { emptydir: delete, bare: delete, timeout: 60s } }\n";

fn run(cluster: &Cluster, desk: &Desk, args: &[&str]) -> Out {
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let mut all = vec!["--kubeconfig", &kubeconfig];
    all.extend(args);
    desk.run(&all)
}

const RUN: [&str; 5] = ["run", "./book.yml", "-i", "hosts", "--yes"];

/// A pod with one container.
fn spec(node: Option<&str>) -> Value {
    let mut spec = json!({
        "containers": [{ "name": "c", "image": "none" }],
        "terminationGracePeriodSeconds": 1,
    });
    if let Some(node) = node {
        spec["nodeName"] = node.into();
    }
    spec
}

fn pod(name: &str, node: &str) -> Value {
    json!({ "metadata": { "name": name, "labels": { "app": name } }, "spec": spec(Some(node)) })
}

/// A controller whose pods can only be on one node.
fn pinned(kind: &str, version: &str, name: &str, node: &str, mut more: Value) -> Value {
    let mut template = spec(None);
    template["nodeSelector"] = json!({ "kubernetes.io/hostname": node });
    let labels = json!({ "app": name });
    let mut object = json!({
        "apiVersion": version, "kind": kind, "metadata": { "name": name },
        "spec": { "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels }, "spec": template } },
    });
    for (key, value) in more.as_object_mut().into_iter().flatten() {
        object["spec"][key] = value.take();
    }
    object
}

/// Twenty shapes of pods on a node; gives how many pods are there once all are up.
fn shapes(cluster: &Cluster, space: &str, node: &str) -> usize {
    let hand = cluster.hand();
    let core = |kind: &str| format!("/api/v1/namespaces/{space}/{kind}");
    let apps = |kind: &str| format!("/apis/apps/v1/namespaces/{space}/{kind}");
    let one = json!({ "replicas": 1 });
    hand.make(&apps("replicasets"), &pinned("ReplicaSet", "apps/v1", "rs", node, one.clone()));
    hand.make(&apps("deployments"), &pinned("Deployment", "apps/v1", "deploy", node, json!({ "replicas": 2 })));
    let sets = json!({ "replicas": 2, "serviceName": "none", "podManagementPolicy": "Parallel" });
    hand.make(&apps("statefulsets"), &pinned("StatefulSet", "apps/v1", "sts", node, sets));
    let mut rc = pinned("ReplicationController", "v1", "rc", node, one.clone());
    rc["spec"]["selector"] = json!({ "app": "rc" });
    hand.make(&core("replicationcontrollers"), &rc);
    let mut job = pinned("Job", "batch/v1", "job", node, json!({}));
    job["spec"].as_object_mut().expect("a spec").remove("selector");
    job["spec"]["template"]["metadata"] = json!({});
    job["spec"]["template"]["spec"]["restartPolicy"] = "Never".into();
    hand.make(&format!("/apis/batch/v1/namespaces/{space}/jobs"), &job);
    hand.make(&apps("daemonsets"), &pinned("DaemonSet", "apps/v1", "ds", node, json!({})));
    let mut disk = pinned("ReplicaSet", "apps/v1", "disk", node, one);
    disk["spec"]["template"]["spec"]["volumes"] = json!([{ "name": "d", "emptyDir": {} }]);
    hand.make(&apps("replicasets"), &disk);
    // Pods that nobody's controller makes: bare, with their own disk, of hosts' paths, ended, crashing.
    hand.make(&core("pods"), &pod("bare", node));
    let mut own = pod("bare-disk", node);
    own["spec"]["volumes"] = json!([{ "name": "d", "emptyDir": {} }]);
    hand.make(&core("pods"), &own);
    let mut path = pod("bare-path", node);
    path["spec"]["volumes"] = json!([{ "name": "d", "hostPath": { "path": "/tmp" } }]);
    hand.make(&core("pods"), &path);
    for (name, note) in [("ended", "test/ended"), ("crashing", "test/crashing")] {
        let mut bare = pod(name, node);
        bare["metadata"]["annotations"] = json!({ note: "yes" });
        hand.make(&core("pods"), &bare);
    }
    let mut mirror = pod("mirror", node);
    mirror["metadata"]["annotations"] =
        json!({ "kubernetes.io/config.mirror": "abc", "kubernetes.io/config.source": "file" });
    hand.make(&core("pods"), &mirror);
    // A pod that an old controller made names an old version of its set.
    hand.make(&apps("daemonsets"), &pinned("DaemonSet", "apps/v1", "old", node, json!({})));
    cluster.until("the pod of the old set", |cluster| kinds(&cluster.pods_on(node)).contains_key("old"));
    let pods = cluster.pods_on(node);
    let old = pods.iter().find(|pod| pod["metadata"]["labels"]["app"] == "old").expect("it is there");
    let mut owners = old["metadata"]["ownerReferences"].clone();
    owners[0]["apiVersion"] = "extensions/v1beta1".into();
    let path = format!("{}/{}", core("pods"), old["metadata"]["name"].as_str().expect("a name"));
    hand.merge(&path, &json!({ "metadata": { "ownerReferences": owners } }));
    // A controller of a kind of its own, whose object is there.
    let map = hand.make(&core("configmaps"), &json!({ "metadata": { "name": "operator" } }));
    let mut operated = pod("operated", node);
    operated["metadata"]["ownerReferences"] = json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": "operator", "uid": map["metadata"]["uid"], "controller": true }]);
    hand.make(&core("pods"), &operated);
    // Budgets: one that allows, one that refuses for a while.
    let budget = |name: &str, app: &str, min: u64| json!({ "metadata": { "name": name }, "spec": { "minAvailable": min, "selector": { "matchLabels": { "app": app } } } });
    for name in ["held", "free"] {
        hand.make(&apps("replicasets"), &pinned("ReplicaSet", "apps/v1", name, node, json!({ "replicas": 2 })));
    }
    let budgets = format!("/apis/policy/v1beta1/namespaces/{space}/poddisruptionbudgets");
    hand.make(&budgets, &budget("free", "free", 0));
    hand.make(&budgets, &budget("held", "held", 2));
    // rs 1, deploy 2, sts 2, rc 1, job 1, ds 1, disk 1, bare 3, ended 1, mirror 1, old 1, operated 1, held 2, free 2;
    // the one that crashes is never up.
    20
}

/// The pods on a node by what they are: the name without what was generated, and how many of them there are.
fn kinds(pods: &[Value]) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for pod in pods {
        let owner = pod["metadata"]["ownerReferences"][0]["name"].as_str();
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        let generated = pod["metadata"]["generateName"].is_string();
        let word = match owner {
            Some(owner) if generated => owner.split("-").next().unwrap_or(owner),
            _ => name,
        };
        *all.entry(word.to_owned()).or_default() += 1;
    }
    all
}

fn uids(pods: &[Value]) -> BTreeSet<String> {
    pods.iter().filter_map(|pod| pod["metadata"]["uid"].as_str().map(str::to_owned)).collect()
}

/// Lets the budget that holds pods go, some seconds from now.
fn relent(cluster: &'static Cluster, space: &str) -> std::thread::JoinHandle<()> {
    let path = format!("/apis/policy/v1beta1/namespaces/{space}/poddisruptionbudgets/held");
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(8));
        cluster.hand().merge(&path, &json!({ "spec": { "minAvailable": 0 } }));
    })
}

#[test]
fn the_same_pods_go_and_stay_as_with_kubectl() {
    let Some(cluster) = Cluster::find("kube: beside kubectl") else { return };
    if Command::new("kubectl").arg("version").arg("--client").output().is_err() {
        return palinode_tests::skip::skip("kube: beside kubectl", "kubectl is not on the PATH");
    }
    let (mine, theirs) = ("beside-us", "beside-kubectl");
    let mut before = Vec::new();
    for node in [mine, theirs] {
        cluster.node(node, &[]);
        cluster.namespace(node);
        let count = shapes(cluster, node, node);
        cluster.until_up(node, count);
        before.push(cluster.pods_on(node));
    }
    assert_eq!(kinds(&before[0]), kinds(&before[1]), "the same on both");
    let two = relent(cluster, theirs);
    let kubectl = Command::new("kubectl")
        .arg("--kubeconfig")
        .arg(cluster.kubeconfig())
        .args(["drain", theirs, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=90s"])
        .stdin(Stdio::null())
        .output()
        .expect("kubectl can be started");
    assert!(kubectl.status.success(), "{}", String::from_utf8_lossy(&kubectl.stderr));
    let desk = desk(&[mine], DRAIN);
    let one = relent(cluster, mine);
    run(cluster, &desk, &RUN).exits(0).tells(&["evict pod/beside-us/held", "429"]);
    one.join().expect("it relented");
    two.join().expect("it relented");
    let left = |node: &str, before: &[Value]| -> BTreeMap<String, usize> {
        let was = uids(before);
        let pods: Vec<Value> = cluster
            .pods_on(node)
            .into_iter()
            .filter(|pod| pod["metadata"]["uid"].as_str().is_some_and(|uid| was.contains(uid)))
            .collect();
        kinds(&pods)
    };
    let (ours, kubectls) = (left(mine, &before[0]), left(theirs, &before[1]));
    assert_eq!(ours, kubectls);
    let stay: Vec<&str> = ours.keys().map(String::as_str).collect();
    assert_eq!(stay, ["ds", "mirror", "old"]);
    // What is lost for good stood in the intent.
    desk.run(&["show", "beside-us/drain"]).exits(0).says(&["had no controller", "emptyDir data lost"]);
}

/// The evictions of a namespace's pods that were answered so, by pod UID, as the server's audit log tells.
fn evictions_that(cluster: &Cluster, space: &str, is_it: impl Fn(u64) -> bool) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for event in cluster.audit() {
        let about = &event["objectRef"];
        let is_it = event["responseStatus"]["code"].as_u64().is_some_and(&is_it);
        if about["subresource"] == "eviction" && about["namespace"] == space && is_it {
            let uid = &event["requestObject"]["deleteOptions"]["preconditions"]["uid"];
            // Some servers leave out of their log what was sent; these pods never come back under their name.
            let key = uid.as_str().or_else(|| about["name"].as_str()).unwrap_or("none");
            *all.entry(key.to_owned()).or_default() += 1;
        }
    }
    all
}

/// Those that the server let pass.
fn evictions(cluster: &Cluster, space: &str) -> BTreeMap<String, usize> {
    evictions_that(cluster, space, |code| (200..300).contains(&code))
}

/// The pods of those that ended with the connection: the server has an error for them, whatever became of the pod.
fn evictions_untold(cluster: &Cluster, space: &str) -> BTreeSet<String> {
    evictions_that(cluster, space, |code| code >= 500).into_keys().collect()
}

fn journal(desk: &Desk) -> Vec<Value> {
    let out = desk.run(&["log", "-o", "json"]).exits(0).value();
    out.as_array().cloned().unwrap_or_default()
}

/// How many entries a journal has that is being written.
pub(crate) fn entries(desk: &Desk) -> usize {
    use palinode_core::id::Seq;
    use palinode_core::port::JournalRead;
    let Ok(journal) = palinode_journal::JournalReader::open(&desk.path().join(".palinode")) else { return 0 };
    journal.read(Seq(1)).map_or(0, |all| all.take_while(Result::is_ok).count())
}

/// Waits until a run that is alive has so many entries, or has ended.
pub(crate) fn wait_for_entries(desk: &Desk, at: usize, live: &mut Live) {
    while entries(desk) < at && !live.has_ended() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_drain_cut_at_every_entry_evicts_each_pod_once_and_is_taken_back() {
    let Some(cluster) = Cluster::find("kube: cut at every entry") else { return };
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let (mut cut, mut missed, mut at) = (0, 0, 2);
    loop {
        let node = format!("cut-{at}-{missed}");
        cluster.node(&node, &[]);
        cluster.namespace(&node);
        for name in ["one", "two", "three"] {
            cluster.hand().make(&format!("/api/v1/namespaces/{node}/pods"), &pod(name, &node));
        }
        cluster.until_up(&node, 3);
        let desk = desk(&[&node], DRAIN);
        let mut live = desk.spawn(&["--kubeconfig", &kubeconfig, "run", "./book.yml", "-i", "hosts", "--yes"]);
        wait_for_entries(&desk, at, &mut live);
        let ended = live.has_ended();
        // Seen too late, on a busy machine or because the run ends right after it.
        let too_late = ended && entries(&desk) >= at;
        if !ended {
            live.kill();
            cut += 1;
            // It may have ended before it could be killed.
            let out = run(cluster, &desk, &["resume"]);
            assert!(out.code == Some(0) || out.stderr.contains("no run is open"), "{out}");
        } else {
            live.end().exits(0);
        }
        // A pod that went with the request of a client that was gone by then is told as an error, to nobody.
        let (evicted, untold) = (evictions(cluster, &node), evictions_untold(cluster, &node));
        let all: BTreeSet<&String> = evicted.keys().chain(&untold).collect();
        assert_eq!(all.len(), 3, "cut at {at}: {evicted:?} {untold:?}");
        assert!(evicted.values().all(|count| *count == 1), "cut at {at}: {evicted:?}");
        assert!(untold.is_empty() || !ended, "cut at {at}: {untold:?}");
        assert_eq!(cluster.pods_on(&node), Vec::<Value>::new(), "cut at {at}");
        assert_eq!(cluster.node_now(&node)["spec"]["unschedulable"], true);
        run(cluster, &desk, &["undo", "@", "--yes"]).exits(6).tells(&["had no controller"]);
        assert_eq!(cluster.node_now(&node)["spec"]["unschedulable"], Value::Null, "schedulable as it was");
        let claim = &cluster.node_now(&node)["metadata"]["annotations"]["palinode/claim"];
        assert_eq!(*claim, Value::Null, "given up");
        if too_late && missed < 2 {
            missed += 1;
        } else if too_late || !ended {
            (at, missed) = (at + 1, 0);
        } else {
            break;
        }
    }
    assert!(cut >= 8, "it was cut {cut} times");
}

#[test]
fn a_node_that_was_cordoned_stays_cordoned() {
    let Some(cluster) = Cluster::find("kube: cordoned before") else { return };
    cluster.node("cordoned-before", &[]);
    cluster.hand().merge("/api/v1/nodes/cordoned-before", &json!({ "spec": { "unschedulable": true } }));
    let desk = desk(&["cordoned-before"], "  - cordon: { kube.cordon: {} }\n  - open: { kube.uncordon: {} }\n");
    run(cluster, &desk, &RUN).exits(0);
    assert_eq!(cluster.node_now("cordoned-before")["spec"]["unschedulable"], Value::Null);
    run(cluster, &desk, &["undo", "@", "--yes"]).exits(0);
    assert_eq!(cluster.node_now("cordoned-before")["spec"]["unschedulable"], true);
}

#[test]
fn a_node_that_registered_again_is_never_deleted() {
    let Some(cluster) = Cluster::find("kube: registered again") else { return };
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let desk = desk(&["again"], "  - leave: { kube.delete-node: {} }\n");
    cluster.node("again", &[("zone", "a")]);
    // Its kubelet seems to run: the step waits to see whether it is heard of.
    let live = desk.spawn(&["--kubeconfig", &kubeconfig, "run", "./book.yml", "-i", "hosts", "--yes"]);
    cluster.until("the intent is there", |_| entries(&desk) >= 2);
    live.kill();
    cluster.hand().delete("/api/v1/nodes/again");
    cluster.node("again", &[("zone", "b")]);
    cluster.ready("again", false);
    let uid = cluster.node_now("again")["metadata"]["uid"].clone();
    // The node that was meant is gone: so is the doubt.
    run(cluster, &desk, &["resume"]).exits(0);
    assert_eq!(cluster.node_now("again")["metadata"]["uid"], uid, "it is still there");
}

#[test]
fn a_node_that_registers_again_while_it_is_to_be_deleted_is_left_alone() {
    let Some(cluster) = Cluster::find("kube: registers again") else { return };
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let desk = desk(&["meanwhile"], "  - leave: { kube.delete-node: {} }\n");
    cluster.node("meanwhile", &[]);
    let live = desk.spawn(&["--kubeconfig", &kubeconfig, "run", "./book.yml", "-i", "hosts", "--yes"]);
    // It is shown Ready, so the step waits until it is missed.
    cluster.until("the intent is there", |_| entries(&desk) >= 2);
    cluster.hand().delete("/api/v1/nodes/meanwhile");
    cluster.node("meanwhile", &[]);
    cluster.ready("meanwhile", false);
    let uid = cluster.node_now("meanwhile")["metadata"]["uid"].clone();
    let out = live.end();
    // Whether it saw it gone or back, what came back stays.
    assert!(out.code == Some(3) && out.stdout.contains("registered again") || out.code == Some(0), "{out}");
    assert_eq!(cluster.node_now("meanwhile")["metadata"]["uid"], uid);
}

#[test]
fn a_node_leaves_and_is_given_back_what_it_had() {
    let Some(cluster) = Cluster::find("kube: leaves and returns") else { return };
    let desk = desk(&["leaves"], "  - cordon: { kube.cordon: {} }\n  - leave: { kube.delete-node: {} }\n");
    cluster.node("leaves", &[("glusterfs", "storage-host"), ("region", "infra")]);
    let taint = json!([{ "key": "dedicated", "value": "storage", "effect": "NoSchedule" }]);
    cluster.hand().merge(
        "/api/v1/nodes/leaves",
        &json!({ "spec": { "taints": taint }, "metadata": { "annotations": { "note": "kept" } } }),
    );
    cluster.ready("leaves", false);
    run(cluster, &desk, &RUN).exits(0);
    assert_eq!(cluster.node_now("leaves"), Value::Null);
    // The outcome names the requests as the server's audit log does.
    let shown = desk.run(&["show", "leaves/leave"]).exits(0).says(&["deleted (audit id"]);
    let ids =
        cluster.audit().into_iter().filter(|event| event["verb"] == "delete" && event["objectRef"]["name"] == "leaves");
    let ids: Vec<String> = ids.filter_map(|event| event["auditID"].as_str().map(str::to_owned)).collect();
    assert!(!ids.is_empty() && ids.iter().any(|id| shown.stdout.contains(id)), "{ids:?}: {shown}");
    // Its kubelet is started again while the way back waits for it.
    let back = std::thread::spawn(|| {
        std::thread::sleep(Duration::from_secs(2));
        let Some(cluster) = Cluster::find("kube: leaves and returns") else { return };
        cluster.node("leaves", &[]);
    });
    run(cluster, &desk, &["undo", "@", "--yes"]).exits(6).tells(&["new UID"]);
    back.join().expect("it registered");
    let node = cluster.node_now("leaves");
    assert_eq!(
        node["metadata"]["labels"],
        json!({ "kubernetes.io/hostname": "leaves", "glusterfs": "storage-host", "region": "infra" })
    );
    assert_eq!(node["metadata"]["annotations"]["note"], "kept");
    assert_eq!(node["spec"]["unschedulable"], Value::Null);
    // The node controller takes its own taint away from what it last read, and may take ours along: what was asked counts.
    let asked = |event: &Value| {
        let patch = event["requestObject"].to_string();
        event["objectRef"]["name"] == "leaves" && patch.contains("/spec/taints") && patch.contains("dedicated")
    };
    assert!(cluster.audit().iter().any(asked), "{node}");
    // It was never open to pods before it had its labels again.
    let order: Vec<Value> = cluster
        .audit()
        .into_iter()
        .filter(|event| event["objectRef"]["name"] == "leaves" && event["verb"] == "patch")
        .map(|event| event["requestObject"].clone())
        .filter(|patch| patch.to_string().contains("unschedulable"))
        .collect();
    assert!(order.len() >= 3, "cordoned, cordoned again as it came back, opened: {order:?}");
}

#[test]
fn two_journals_do_not_change_one_node() {
    let Some(cluster) = Cluster::find("kube: two journals") else { return };
    cluster.node("shared", &[]);
    let (one, two) = (
        desk(
            &["shared"],
            "  - cordon: { kube.cordon: {} }\n  - drain: { kube.drain: { timeout: 1s, bare: delete } }\n",
        ),
        desk(&["shared"], "  - open: { kube.uncordon: {} }\n"),
    );
    cluster.namespace("shared");
    let mut stuck = pod("stays", "shared");
    stuck["metadata"]["annotations"] = json!({ STUCK: "yes" });
    cluster.hand().make("/api/v1/namespaces/shared/pods", &stuck);
    cluster.until_up("shared", 1);
    run(cluster, &one, &RUN).exits(3).tells(&["still there after 1s", "Terminating"]);
    run(cluster, &two, &RUN).exits(9).tells(&["claimed by another journal", "nothing was touched"]);
    assert_eq!(cluster.node_now("shared")["spec"]["unschedulable"], true);
    let mut take = RUN.to_vec();
    take.push("--take-over");
    run(cluster, &two, &take).exits(0);
    // The first one sees that it lost the node, and does nothing to it.
    run(cluster, &one, &["retry", "shared/drain"]).exits(0);
    let resumed = run(cluster, &one, &["resume"]);
    assert!(resumed.code != Some(0), "{resumed}");
    cluster.hand().delete("/api/v1/namespaces/shared/pods/stays");
}

#[test]
fn pods_that_stay_terminating_are_dealt_with_as_the_step_says() {
    let Some(cluster) = Cluster::find("kube: terminating") else { return };
    for (name, policy, code, words) in [
        ("stays-ask", "ask: { after: 1s }", 3, "1 pod still Terminating"),
        ("stays-force", "force: { after: 1s }", 0, "delete by force"),
    ] {
        cluster.node(name, &[]);
        cluster.namespace(name);
        let mut stuck = pod("stuck", name);
        stuck["metadata"]["annotations"] = json!({ STUCK: "yes" });
        cluster.hand().make(&format!("/api/v1/namespaces/{name}/pods"), &stuck);
        cluster.until_up(name, 1);
        let steps = format!(
            "  - cordon: {{ kube.cordon: {{}} }}\n  - drain: {{ kube.drain: {{ bare: delete, timeout: 60s, terminating: {{ {policy} }} }} }}\n"
        );
        let desk = desk(&[name], &steps);
        let out = run(cluster, &desk, &RUN).exits(code);
        let log = desk.run(&["log"]).exits(0);
        assert!(out.stderr.contains(words) || log.stdout.contains(words), "{out}{log}");
        cluster.hand().delete(&format!("/api/v1/namespaces/{name}/pods/stuck"));
    }
}

#[test]
fn what_may_not_be_lost_is_not_evicted() {
    let Some(cluster) = Cluster::find("kube: refused") else { return };
    cluster.node("refused", &[]);
    cluster.namespace("refused");
    cluster.hand().make("/api/v1/namespaces/refused/pods", &pod("bare", "refused"));
    cluster.until_up("refused", 1);
    let desk = desk(&["refused"], "  - drain: { kube.drain: {} }\n");
    run(cluster, &desk, &RUN).exits(3).tells(&["not cordoned"]);
    let other = self::desk(&["refused"], "  - cordon: { kube.cordon: {} }\n  - drain: { kube.drain: {} }\n");
    let mut take = RUN.to_vec();
    take.push("--take-over");
    run(cluster, &other, &take).exits(3).tells(&["no controller", "nothing was evicted"]);
    assert_eq!(cluster.pods_on("refused").len(), 1);
    assert!(evictions(cluster, "refused").is_empty());
    assert!(!journal(&other).is_empty());
}

#[test]
fn a_pod_that_tolerates_the_cordon_is_evicted_once_and_its_controller_named() {
    let Some(cluster) = Cluster::find("kube: tolerates the cordon") else { return };
    cluster.node("tolerant", &[]);
    cluster.namespace("tolerant");
    let path = "/apis/apps/v1/namespaces/tolerant/replicasets";
    let mut set = pinned("ReplicaSet", "apps/v1", "stubborn", "tolerant", json!({ "replicas": 2 }));
    set["spec"]["template"]["spec"]["tolerations"] = json!([{ "operator": "Exists" }]);
    cluster.hand().make(path, &set);
    cluster.hand().make(path, &pinned("ReplicaSet", "apps/v1", "meek", "tolerant", json!({ "replicas": 3 })));
    cluster.until_up("tolerant", 5);
    let desk = desk(&["tolerant"], DRAIN);
    let words = ["2 pods still there", "tolerates the cordon", "scale ReplicaSet stubborn down", "(5 pods evicted)"];
    run(cluster, &desk, &RUN).exits(3).says(&words);
    assert_eq!(evictions(cluster, "tolerant").values().copied().collect::<Vec<_>>(), [1, 1, 1, 1, 1]);
    desk.run(&["replay", "--strict"]).exits(0);
    // Scaled down, it is drained.
    cluster.hand().merge(&format!("{path}/stubborn"), &json!({ "spec": { "replicas": 0 } }));
    run(cluster, &desk, &["retry", "tolerant/drain"]);
    run(cluster, &desk, &["resume"]).exits(0);
    let left: Vec<Value> =
        cluster.pods_on("tolerant").into_iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn who_may_do_nothing_is_told_so() {
    let Some(cluster) = Cluster::find("kube: forbidden") else { return };
    cluster.node("forbidden", &[]);
    let desk = desk(&["forbidden"], "  - cordon: { kube.cordon: {} }\n");
    // One may look at nodes, but not change them: told before anything is begun.
    let hand = cluster.hand();
    let rules = json!([{ "apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"] }]);
    let roles = "/apis/rbac.authorization.k8s.io/v1";
    hand.make(&format!("{roles}/clusterroles"), &json!({ "metadata": { "name": "looks" }, "rules": rules }));
    let bound = json!({ "metadata": { "name": "looks" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "looks" },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "looks" }] });
    hand.make(&format!("{roles}/clusterrolebindings"), &bound);
    let kubeconfig = cluster.kubeconfig_of("looks").display().to_string();
    let drains = self::desk(&["forbidden"], DRAIN);
    let out = drains.run(&["--kubeconfig", &kubeconfig, "run", "./book.yml", "-i", "hosts", "--yes"]);
    for words in ["may not create pods/eviction, list pods, patch nodes", "nothing was touched", "can-i"] {
        assert!(out.code == Some(1) && out.stderr.contains(words), "{words}: {out}");
    }
    let merge =
        "{ object: { api: apps/v1, kind: DaemonSet, namespace: default, name: x }, merge: { spec: { paused: true } } }";
    let patches = self::desk(&["forbidden"], &format!("  - merge: {{ kube.patch: {merge} }}\n"));
    let out = patches.run(&["--kubeconfig", &kubeconfig, "run", "./book.yml", "-i", "hosts", "--yes"]);
    let words = "may not get daemonsets in default, patch daemonsets in default, update daemonsets in default";
    assert!(out.code == Some(1) && out.stderr.contains(words), "{out}");
    assert!(!drains.path().join(".palinode").exists(), "no run was opened");
    for (who, words) in [("poor", "403"), ("stranger", "401")] {
        let kubeconfig = cluster.kubeconfig_of(who).display().to_string();
        let out = desk.run(&["--kubeconfig", &kubeconfig, "run", "./book.yml", "-i", "hosts", "--yes"]);
        assert!(out.code != Some(0), "{out}");
        assert!(out.stderr.contains(words), "{who}: {out}");
    }
    assert_eq!(cluster.node_now("forbidden")["spec"]["unschedulable"], Value::Null);
}

#[test]
fn a_config_map_that_a_node_uses_is_not_deleted_and_another_comes_back() {
    let Some(cluster) = Cluster::find("kube: ConfigMaps") else { return };
    for name in ["maps", "maps-user"] {
        cluster.node(name, &[]);
    }
    cluster.namespace("maps");
    let path = "/api/v1/namespaces/maps/configmaps/group";
    let config = "kubeletArguments:\n  container-runtime-endpoint: [/var/run/crio/crio.sock]\n";
    let made =
        json!({ "metadata": { "name": "group", "labels": { "a": "b" } }, "data": { "node-config.yaml": config } });
    cluster.hand().make("/api/v1/namespaces/maps/configmaps", &made);
    let desk = desk(&["maps"], "  - drop: { kube.delete: { namespace: maps, name: group } }\n");
    // The sum of what the node took over last.
    let sum = Command::new("sh").args(["-c", "printf %s \"$1\" | md5sum | cut -d' ' -f1", "sh", config]).output();
    let sum = String::from_utf8(sum.expect("md5sum can be started").stdout).expect("text");
    let note = |sum: Value| json!({ "metadata": { "annotations": { "node.openshift.io/md5sum": sum } } });
    cluster.hand().merge("/api/v1/nodes/maps-user", &note(sum.trim().into()));
    run(cluster, &desk, &RUN).exits(3).tells(&["in use", "maps-user takes its configuration from it"]);
    // However it is written.
    let other = self::desk(
        &["maps"],
        "  - drop: { kube.delete: { object: { kind: ConfigMap, namespace: maps, name: group } } }\n",
    );
    run(cluster, &other, &RUN).exits(3).tells(&["in use", "maps-user takes its configuration from it"]);
    assert_ne!(cluster.hand().get(path), Value::Null);
    cluster.hand().merge("/api/v1/nodes/maps-user", &note(Value::Null));
    run(cluster, &desk, &["retry", "maps/drop"]).exits(0);
    run(cluster, &desk, &["resume"]).exits(0);
    assert_eq!(cluster.hand().get(path), Value::Null);
    run(cluster, &desk, &["undo", "@", "--yes"]).exits(0);
    let back = cluster.hand().get(path);
    assert_eq!((&back["data"], &back["metadata"]["labels"]), (&made["data"], &made["metadata"]["labels"]));
}
