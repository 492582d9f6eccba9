//! Rights are asked for with the names and namespaces that a plan has to do with.

use crate::kube::nodes::{DRAIN, desk};
use palinode_tests::cluster::Cluster;
use serde_json::{Value, json};

const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1";

/// Lets `poor` do this: everywhere, or in one namespace.
fn allow(cluster: &Cluster, name: &str, space: Option<&str>, rules: Value) {
    allow_to(cluster, "poor", name, space, rules);
}

fn allow_to(cluster: &Cluster, who: &str, name: &str, space: Option<&str>, rules: Value) {
    let (kind, at) = match space {
        Some(space) => ("Role", format!("{ROLES}/namespaces/{space}/")),
        None => ("ClusterRole", format!("{ROLES}/cluster")),
    };
    let (roles, bindings) = (format!("{at}roles"), format!("{at}rolebindings"));
    let hand = cluster.hand();
    hand.make(&roles, &json!({ "metadata": { "name": name }, "rules": rules }));
    let bound = json!({ "metadata": { "name": name },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": who }] });
    hand.make(&bindings, &bound);
}

fn bare(name: &str, node: &str) -> Value {
    json!({ "metadata": { "name": name }, "spec": { "nodeName": node, "terminationGracePeriodSeconds": 1,
        "containers": [{ "name": "c", "image": "none" }] } })
}

#[test]
fn a_role_of_one_node_and_one_namespace_is_enough_for_them_and_no_others() {
    let Some(cluster) = Cluster::find("kube: rights by name") else { return };
    for name in ["named", "named-too"] {
        cluster.node(name, &[]);
    }
    for space in ["named", "elsewhere"] {
        cluster.namespace(space);
    }
    cluster.hand().make("/api/v1/namespaces/named/pods", &bare("web", "named"));
    cluster.until_up("named", 1);
    let rules = json!([
        { "apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "patch"], "resourceNames": ["named"] },
        { "apiGroups": [""], "resources": ["nodes"], "verbs": ["get"], "resourceNames": ["named-too"] },
        { "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] },
    ]);
    allow(cluster, "named-node", None, rules);
    let rules = json!([{ "apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"] }]);
    allow(cluster, "named-pods", Some("named"), rules);
    let kubeconfig = cluster.kubeconfig_of("poor").display().to_string();
    let run = ["--kubeconfig", &kubeconfig, "run", "./book.yml", "-i", "hosts", "--yes"];
    // A pod of another namespace, and another node.
    cluster.hand().make("/api/v1/namespaces/elsewhere/pods", &bare("db", "named"));
    cluster.until_up("named", 2);
    let book = desk(&["named"], DRAIN);
    let out =
        book.run(&run).exits(1).complains(&["may not create pods/eviction in elsewhere, which", "nothing was touched"]);
    assert!(!out.stderr.contains("nodes"), "{out}");
    cluster.hand().delete("/api/v1/namespaces/elsewhere/pods/db");
    cluster.until("it is gone", |cluster| cluster.pods_on("named").len() == 1);
    let both = desk(&["named", "named-too"], "  - cordon: { kube.cordon: {} }\n");
    both.run(&run).exits(1).complains(&["may not patch nodes (of named-too), which", "nothing was touched"]);
    // With what there is.
    book.run(&run).exits(0);
    assert!(cluster.pods_on("named").is_empty());
    book.run(&["--kubeconfig", &kubeconfig, "undo", "@", "--yes"]).exits(6);
    assert_eq!(cluster.node_now("named")["spec"]["unschedulable"], Value::Null);
    // An object of one name.
    let map = json!({ "metadata": { "name": "mine" }, "data": { "a": "1" } });
    cluster.hand().make("/api/v1/namespaces/named/configmaps", &map);
    let verbs = ["get", "patch", "update"];
    let rules = json!([{ "apiGroups": [""], "resources": ["configmaps"], "verbs": verbs, "resourceNames": ["mine"] }]);
    allow(cluster, "named-map", Some("named"), rules);
    let merge = |name: &str| {
        let object = format!("{{ api: v1, kind: ConfigMap, namespace: named, name: {name} }}");
        desk(
            &["named"],
            &format!("  - it: {{ kube.patch: {{ object: {object}, merge: {{ data: {{ a: '2' }} }} }} }}\n"),
        )
    };
    merge("mine").run(&run).exits(0);
    merge("yours").run(&run).exits(1).complains(&["may not get configmaps in named, patch configmaps in named"]);
}

/// Since 1.18 a server asks who approves whether they may approve for the signer.
#[test]
fn who_may_not_approve_for_a_signer_is_told_so_before_anything_is_begun() {
    let Some(cluster) = Cluster::find("kube: signers") else { return };
    let group = "certificates.k8s.io";
    let rules = json!([
        { "apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "patch"] },
        { "apiGroups": [group], "resources": ["certificatesigningrequests"], "verbs": ["list"] },
        { "apiGroups": [group], "resources": ["certificatesigningrequests/approval"], "verbs": ["update"] },
        { "apiGroups": [group], "resources": ["signers"], "verbs": ["approve"], "resourceNames": ["kubernetes.io/kubelet-serving"] },
    ]);
    allow_to(cluster, "approves", "approves", None, rules);
    let kubeconfig = cluster.kubeconfig_of("approves").display().to_string();
    let run = ["--kubeconfig", &kubeconfig, "run", "./book.yml", "-i", "hosts", "--yes"];
    let steps = |uses: &str| format!("  - join: {{ kube.approve-csr: {{ uses: [{uses}], timeout: 1s }} }}\n");
    let words = "may not approve signers (of kubernetes.io/kube-apiserver-client-kubelet)";
    desk(&["signs"], &steps("client, server")).run(&run).exits(1).complains(&[words, "nothing was touched"]);
    desk(&["signs"], &steps("server")).run(&run).exits(3).tells(&["did not ask for server auth"]);
    // A role may name all signers of a domain.
    let rules = json!([{ "apiGroups": [group], "resources": ["signers"], "verbs": ["approve"], "resourceNames": ["kubernetes.io/*"] }]);
    allow_to(cluster, "approves", "approves-all", None, rules);
    desk(&["signs"], &steps("client, server"))
        .run(&run)
        .exits(3)
        .tells(&["did not ask for client auth and server auth"]);
}
