//! One action typed on the command line, through the API: without an inventory, recorded, and taken back by `undo @`.

use palinode_tests::binary::{Desk, Out};
use palinode_tests::cluster::Cluster;
use palinode_tests::fake_api::{FakeApi, Reply};
use serde_json::{Value, json};
use std::path::Path;

fn go(kubeconfig: &Path, desk: &Desk, args: &[&str]) -> Out {
    let kubeconfig = kubeconfig.display().to_string();
    desk.run(&[&["--kubeconfig", &kubeconfig], args].concat())
}

const UNDO: [&str; 3] = ["undo", "@", "--yes"];

fn pod(name: &str, node: &str) -> Value {
    json!({ "metadata": { "name": name }, "spec": {
        "containers": [{ "name": "c", "image": "none" }], "terminationGracePeriodSeconds": 1, "nodeName": node,
    } })
}

#[test]
fn a_node_is_changed_by_typed_actions_and_each_is_taken_back() {
    let Some(cluster) = Cluster::find("kube: typed on a node") else { return };
    cluster.node("typed-node", &[("zone", "a"), ("old", "yes")]);
    let desk = Desk::new();
    let run = |args: &[&str]| go(&cluster.kubeconfig(), &desk, args);
    let node = || cluster.node_now("typed-node");
    let exec = |words: &[&str]| run(&[&["exec", "typed-node"], words].concat());
    exec(&["cordon"]).exits(0);
    assert_eq!(node()["spec"]["unschedulable"], true);
    // What is so already stays so when that is taken back.
    exec(&["cordon"]).exits(0);
    run(&UNDO).exits(0);
    assert_eq!(node()["spec"]["unschedulable"], true);
    exec(&["uncordon"]).exits(0);
    assert_eq!(node()["spec"]["unschedulable"], Value::Null);
    run(&UNDO).exits(0);
    assert_eq!(node()["spec"]["unschedulable"], true);
    exec(&["uncordon"]).exits(0);

    exec(&["label", "zone=b", "new=", "old-"]).exits(0);
    let labels = |node: &Value| ["zone", "new", "old"].map(|name| node["metadata"]["labels"][name].clone());
    assert_eq!(labels(&node()), [json!("b"), json!(""), Value::Null]);
    run(&UNDO).exits(0);
    assert_eq!(labels(&node()), [json!("a"), Value::Null, json!("yes")]);

    let taints = || {
        let node = node();
        let all = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
        let text = |taint: &Value| format!("{}={}:{}", taint["key"], taint["value"], taint["effect"]).replace('"', "");
        let mut all: Vec<String> = all.iter().map(text).collect();
        all.sort();
        all
    };
    exec(&["taint", "dedicated=storage:NoSchedule", "dedicated:NoExecute", "other=x:PreferNoSchedule"]).exits(0);
    let three = ["dedicated=null:NoExecute", "dedicated=storage:NoSchedule", "other=x:PreferNoSchedule"];
    assert_eq!(taints(), three);
    // Of a key, of a key and an effect, whatever the value.
    exec(&["taint", "dedicated:NoSchedule-"]).exits(0);
    assert_eq!(taints(), [three[0], three[2]]);
    run(&UNDO).exits(0);
    assert_eq!(taints(), three);
    exec(&["taint", "dedicated-"]).exits(0);
    assert_eq!(taints(), [three[2]]);
    exec(&["taint", "dedicated-"])
        .exits(2)
        .complains(&["no such taint `dedicated`", "it has other=x:PreferNoSchedule"]);
    run(&UNDO).exits(0);
    assert_eq!(taints(), three);

    // A kubelet that runs would register it again.
    cluster.ready("typed-node", false);
    exec(&["delete-node"]).exits(0);
    assert_eq!(node(), Value::Null);
    exec(&["cordon"]).exits(2).complains(&["no node typed-node", "nothing was touched"]);
    run(&["verify"]).exits(0);
    run(&["replay", "--strict"]).exits(0);
}

#[test]
fn a_drain_cordons_first_and_is_taken_back_as_two_steps() {
    let Some(cluster) = Cluster::find("kube: typed drain") else { return };
    cluster.node("typed-drain", &[]);
    cluster.namespace("typed-drain");
    cluster.hand().make("/api/v1/namespaces/typed-drain/pods", &pod("bare", "typed-drain"));
    cluster.until_up("typed-drain", 1);
    let desk = Desk::new();
    let run = |args: &[&str]| go(&cluster.kubeconfig(), &desk, args);
    let cordoned = || cluster.node_now("typed-drain")["spec"]["unschedulable"] == true;
    // Refused, it is over: nothing was evicted, and the cordon is taken back.
    let out = run(&["exec", "typed-drain", "drain"]).exits(1);
    out.tells(&["no controller", "nothing was evicted"]);
    assert!(cordoned() && cluster.pods_on("typed-drain").len() == 1);
    desk.run(&["status"]).exits(0).says(&["none needed: the run is closed"]);
    run(&UNDO).exits(0);
    assert!(!cordoned());
    run(&["exec", "typed-drain", "drain", "bare=delete", "timeout=60s"]).exits(0);
    assert!(cordoned());
    cluster.until("it is empty", |cluster| cluster.pods_on("typed-drain").is_empty());
    desk.run(&["show", "@"]).exits(0).says(&["typed-drain/kube.cordon", "typed-drain/kube.drain"]);
    let made = desk.run(&["runbook", "from-run", "@"]).exits(0);
    made.says(&["- kube-cordon: { kube.cordon: {} }", "bare: delete"]);
    run(&UNDO).exits(6).tells(&["typed-drain/bare"]);
    assert!(!cordoned());
    run(&["verify"]).exits(0);
}

#[test]
fn an_object_is_patched_and_deleted_and_comes_back() {
    let Some(cluster) = Cluster::find("kube: typed object") else { return };
    let space = "typed-object";
    cluster.namespace(space);
    let labels = json!({ "app": "web" });
    let made = json!({ "metadata": { "name": "web" }, "spec": { "replicas": 0, "selector": { "matchLabels": labels },
        "template": { "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "c", "image": "one" }] } } } });
    let all = format!("/apis/apps/v1/namespaces/{space}/deployments");
    cluster.hand().make(&all, &made);
    let path = format!("{all}/web");
    let desk = Desk::new();
    let run = |args: &[&str]| go(&cluster.kubeconfig(), &desk, args);
    let paused = || cluster.hand().get(&path)["spec"]["paused"].clone();
    for (kind, fields) in [
        ("deployment", r#"{"spec":{"paused":true}}"#),
        ("deploy", "spec: { paused: true }"),
        ("Deployments.apps", "{ spec: { paused: true } }"),
        ("deployment.v1.apps", "{ spec: { paused: true } }"),
    ] {
        run(&["exec", &format!("{kind}/web"), "-n", space, "patch", fields]).exits(0);
        assert_eq!(paused(), true, "{kind}");
        run(&UNDO).exits(0);
        assert_eq!(paused(), Value::Null, "{kind}");
    }
    run(&["exec", "deployment/web", "--namespace", space, "delete"]).exits(0);
    assert_eq!(cluster.hand().get(&path), Value::Null);
    desk.run(&["runbook", "from-run", "@"]).exits(0).says(&["kube.delete: { object: {", "name: web"]);
    run(&UNDO).exits(6).tells(&["new UID"]);
    assert_eq!(cluster.hand().get(&path)["spec"]["replicas"], 0);

    // What is not there, or not meant so, is told with what there is. Nothing is recorded of it.
    let entries = desk.entries().len();
    let table: [(&[&str], &[&str]); 12] = [
        (&["deployment/wbe", "-n", space, "delete"], &["no Deployment typed-object/wbe", "`web`"]),
        (&["deploymnet/web", "-n", space, "delete"], &["no kind `deploymnet`", "did you mean `deployment.apps`?"]),
        (&["zebra/web", "-n", space, "delete"], &["no kind `zebra`", "there are ", "kubectl api-resources"]),
        (&["deployment/web", "delete"], &["are in namespaces", "-n NAMESPACE"]),
        (&["clusterrole/admin", "-n", space, "delete"], &["belongs to the whole cluster"]),
        (&["deployment/web", "-n", space, "patch"], &["what is to be merged"]),
        (&["deployment/web", "-n", space, "patch", "[1]"], &["not what can be merged"]),
        (&["deployment/web", "-n", space, "patch", "{status: {}}"], &["`status` is what the cluster says"]),
        (&["web", "-n", space, "delete"], &["which object is meant", "KIND/NAME"]),
        (&["namespace/typed-object", "delete"], &["with a Namespace goes all that is in it"]),
        (&["secret/x", "-n", space, "patch", "{a: b}"], &["a Secret is not written"]),
        (&["node/typed-object", "delete"], &["actions of its own", "palinode exec typed-object delete-node"]),
    ];
    for (words, wanted) in table {
        run(&[&["exec"], words].concat()).exits(2).complains(wanted);
    }
    assert_eq!(desk.entries().len(), entries);
    run(&["replay", "--strict"]).exits(0);
}

#[test]
fn a_name_that_is_a_hosts_and_a_nodes_is_told_apart() {
    let Some(cluster) = Cluster::find("kube: typed which node") else { return };
    for name in ["which-a", "which-b", "which-c"] {
        cluster.node(name, &[]);
    }
    let desk = Desk::new();
    desk.write(
        "hosts",
        "[nodes]\nhost-a openshift_kubelet_name_override=which-a\nwhich-b openshift_kubelet_name_override=which-c\nwhich-d openshift_kubelet_name_override=gone\n",
    );
    let run = |args: &[&str]| go(&cluster.kubeconfig(), &desk, args);
    let cordoned = |name: &str| cluster.node_now(name)["spec"]["unschedulable"] == true;
    run(&["exec", "host-a", "cordon", "-i", "hosts"])
        .exits(0)
        .complains(&["host-a, a host of the inventory hosts, is the node which-a"]);
    assert!(cordoned("which-a"));
    run(&UNDO).exits(0);
    assert!(!cordoned("which-a"));
    // By the name of the node: the host whose node it is.
    run(&["exec", "which-a", "cordon", "-i", "hosts"]).exits(0).complains(&["which-a is the node of host-a"]);
    desk.run(&["show", "@"]).exits(0).says(&["host-a/kube.cordon"]);
    run(&UNDO).exits(0);
    // A host of that name has another node: nobody can say which is meant.
    run(&["exec", "which-b", "cordon", "-i", "hosts"]).exits(2).complains(&[
        "whose node is which-c, and the name of another node",
        "palinode exec node/which-c",
        "palinode exec node/which-b",
    ]);
    assert!(!cordoned("which-b") && !cordoned("which-c"));
    run(&["exec", "node/which-b", "cordon"]).exits(0);
    assert!(cordoned("which-b") && !cordoned("which-c"));
    run(&["exec", "node/which-b", "cordon", "-i", "hosts"]).exits(2).complains(&["leave -i away"]);
    // Of no host.
    run(&["exec", "which-c", "uncordon", "-i", "hosts"]).exits(0).complains(&["which-c is the node of which-b"]);
    run(&["exec", "which-d", "cordon", "-i", "hosts"]).exits(2).complains(&["no node gone"]);
    run(&["exec", "which-x", "cordon", "-i", "hosts"])
        .exits(2)
        .complains(&["neither a host of the inventory hosts nor a node"]);
    run(&["exec", "which-x", "cordon"]).exits(2).complains(&["no node which-x"]);
}

/// What a server of one pod, one node and few kinds says.
fn small(stream: Vec<(u8, Vec<u8>)>) -> FakeApi {
    FakeApi::new(move |asked| {
        let path = asked.path.split('?').next().unwrap_or_default();
        let kind = |name: &str, kind: &str, group: &str| json!({ "name": name, "singularName": "", "kind": kind, "namespaced": true, "verbs": ["get", "patch", "delete"], "group": group });
        match path {
            "/version" => Reply::Says(200, json!({ "gitVersion": "v1.11.0+d4cacc0" })),
            "/apis" => {
                let groups = [
                    "apps/v1",
                    "extensions/v1beta1",
                    "authorization.openshift.io/v1",
                    "rbac.authorization.k8s.io/v1",
                    "metrics.k8s.io/v1beta1",
                ];
                let groups: Vec<Value> = groups.iter().map(|api| json!({ "name": api.split('/').next(), "preferredVersion": { "groupVersion": api }, "versions": [{ "groupVersion": api }] })).collect();
                Reply::Says(200, json!({ "groups": groups }))
            }
            "/api/v1" => Reply::Says(
                200,
                json!({ "resources": [kind("pods", "Pod", ""), kind("pods/exec", "PodExecOptions", "")] }),
            ),
            "/apis/apps/v1" => Reply::Says(200, json!({ "resources": [kind("deployments", "Deployment", "apps")] })),
            "/apis/extensions/v1beta1" => {
                Reply::Says(200, json!({ "resources": [kind("deployments", "Deployment", "extensions")] }))
            }
            "/apis/authorization.openshift.io/v1" | "/apis/rbac.authorization.k8s.io/v1" => {
                Reply::Says(200, json!({ "resources": [kind("roles", "Role", "")] }))
            }
            "/apis/metrics.k8s.io/v1beta1" => Reply::Says(
                503,
                json!({ "kind": "Status", "status": "Failure", "code": 503, "message": "no endpoints" }),
            ),
            "/api/v1/namespaces/web/pods/front-0" => Reply::Says(
                200,
                json!({ "metadata": { "name": "front-0", "namespace": "web", "uid": "u" }, "spec": { "containers": [{ "name": "c" }] }, "status": { "phase": "Running" } }),
            ),
            "/api/v1/namespaces/web/pods" => {
                Reply::Says(200, json!({ "items": [{ "metadata": { "name": "front-0" } }] }))
            }
            "/api/v1/namespaces/web/pods/front-0/exec" => Reply::Stream(stream.clone()),
            _ => Reply::Says(
                404,
                json!({ "kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "message": "not found" }),
            ),
        }
    })
}

#[test]
fn a_command_in_a_pod_prints_what_it_printed_and_ends_as_it_ended() {
    let said = |status: Value| {
        vec![(1, b"moved 3\n".to_vec()), (2, b"careful\n".to_vec()), (3, status.to_string().into_bytes())]
    };
    let api = small(said(json!({ "kind": "Status", "status": "Success" })));
    let desk = Desk::new();
    let run = |args: &[&str]| go(&api.kubeconfig(), &desk, args);
    let out = run(&["exec", "web/front-0", "-c", "c", "--", "nginx", "-s", "a b"]).exits(0);
    assert!(out.stdout.contains("moved 3") && out.stdout.contains("careful"), "{out}");
    let asked = api.asked();
    let asked = asked.iter().find(|asked| asked.path.contains("/exec")).expect("it was asked");
    assert!(asked.path.contains("command=a+b") || asked.path.contains("command=a%20b"), "{}", asked.path);
    assert!(asked.path.contains("container=c"), "{}", asked.path);
    // It is not known what it changed; one that only looks leaves nothing.
    run(&UNDO).exits(6).tells(&["not known what it changed"]);
    run(&["exec", "web/front-0", "--reads", "--", "cat", "/x"]).exits(0);
    run(&UNDO).exits(0).complains(&["nothing to take back"]);

    let failed = json!({ "kind": "Status", "status": "Failure", "reason": "NonZeroExitCode",
        "details": { "causes": [{ "reason": "ExitCode", "message": "3" }] } });
    let api = small(said(failed));
    let desk = Desk::new();
    let run = |args: &[&str]| go(&api.kubeconfig(), &desk, args);
    let out = run(&["exec", "web/front-0", "--", "false"]).exits(1);
    assert!(out.stdout.contains("careful"), "{out}");
    desk.run(&["status"]).exits(0).says(&["none needed: the run is closed"]);

    let before = api.writes().len();
    let table: [(&[&str], &[&str]); 6] = [
        (&["web/front-1", "--", "true"], &["no Pod web/front-1", "front-0"]),
        (&["web/front/0", "--", "true"], &["NAMESPACE/POD"]),
        (&["web/front-0", "--changes", "/etc/x", "--", "true"], &["--changes"]),
        (&["web/front-0", "-n", "web", "--", "true"], &["NAMESPACE/POD"]),
        (&["host", "--reads", "--", "true"], &["--reads is for a command in a pod"]),
        (&["web/front-0", "--lab-state", "lab", "--", "true"], &["the lab has no commands in pods"]),
    ];
    for (words, wanted) in table {
        run(&[&["exec"], words].concat()).exits(2).complains(wanted);
    }
    assert_eq!(api.writes().len(), before);
}

#[test]
fn kinds_are_those_that_the_server_has() {
    let api = small(Vec::new());
    let desk = Desk::new();
    let run = |args: &[&str]| go(&api.kubeconfig(), &desk, args);
    // Old servers show Deployments in two groups; roles of two groups are two things.
    run(&["exec", "deployment/x", "-n", "web", "delete"]).exits(2).complains(&["no Deployment web/x"]);
    run(&["exec", "role/x", "-n", "web", "delete"]).exits(2).complains(&[
        "several kinds are called `role`",
        "`role.authorization.openshift.io` or `role.rbac.authorization.k8s.io`",
    ]);
    run(&["exec", "nodemetrics/x", "delete"])
        .exits(2)
        .complains(&["does not tell what it has in metrics.k8s.io/v1beta1"]);
    assert!(!desk.path().join(".palinode").exists(), "nothing was recorded");
}
