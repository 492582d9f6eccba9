//! A node joins: its certificates are approved, what runs on it is waited for, and its pods are asked.

use crate::kube::nodes::desk;
use palinode_tests::binary::{Desk, Out};
use palinode_tests::cluster::{Cluster, Hand};
use palinode_tests::fake_api::{FakeApi, Reply};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

const RUN: [&str; 5] = ["run", "./book.yml", "-i", "hosts", "--yes"];

fn go(kubeconfig: &Path, desk: &Desk) -> Out {
    let kubeconfig = kubeconfig.display().to_string();
    let mut all = vec!["--kubeconfig", &kubeconfig];
    all.extend(RUN);
    desk.run(&all)
}

/// A request for a certificate in the form that the API has it.
fn request(name: &str) -> String {
    let dir = tempfile::tempdir().expect("a folder");
    let key = dir.path().join("key");
    let out = Command::new("openssl")
        .args(["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj"])
        .arg(format!("/O=system:nodes/CN={name}"))
        .arg("-keyout")
        .arg(key)
        .stdin(Stdio::null())
        .output()
        .expect("openssl can be started");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let encoded = Command::new("sh")
        .args(["-c", "printf %s \"$1\" | base64 -w0", "sh"])
        .arg(String::from_utf8(out.stdout).expect("PEM"))
        .output()
        .expect("base64 can be started");
    String::from_utf8(encoded.stdout).expect("base64")
}

fn ask_for(hand: &Hand, name: &str, subject: &str, usage: &str, signer: &str) {
    let body = json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": { "name": name },
        "spec": { "request": request(subject), "signerName": signer,
            "usages": ["digital signature", "key encipherment", usage] },
    });
    hand.make("/apis/certificates.k8s.io/v1/certificatesigningrequests", &body);
}

fn conditions(cluster: &Cluster, name: &str) -> Vec<String> {
    let request = cluster.hand().get(&format!("/apis/certificates.k8s.io/v1/certificatesigningrequests/{name}"));
    let all = request["status"]["conditions"].as_array().cloned().unwrap_or_default();
    all.iter().filter_map(|found| found["type"].as_str().map(str::to_owned)).collect()
}

#[test]
fn the_certificates_of_a_node_are_approved_and_no_others() {
    let Some(cluster) = Cluster::find("kube: certificates") else { return };
    let hand = cluster.hand();
    hand.make(
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        &json!({ "metadata": { "name": "joins" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:node" },
            "subjects": [{ "kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "system:node:joins" }] }),
    );
    let node = Hand::new(&cluster.kubeconfig_of("joins"));
    let (client, serving) = ("kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving");
    ask_for(hand, "joins-client", "system:node:joins", "client auth", client);
    ask_for(hand, "other-client", "system:node:other", "client auth", client);
    // Someone else who says that they are the node's server, and a node whose name only begins alike.
    ask_for(hand, "false-server", "system:node:joins", "server auth", serving);
    ask_for(hand, "longer-client", "system:node:joins.evil", "client auth", client);
    // The kubelet asks for the second one once it has the first.
    let later = std::thread::spawn(move || {
        let Some(cluster) = Cluster::find("kube: certificates") else { return };
        cluster.until("the first is approved", |cluster| conditions(cluster, "joins-client") == ["Approved"]);
        ask_for(&node, "joins-server", "system:node:joins", "server auth", serving);
    });
    let desk = desk(&["joins"], "  - certificates: { kube.approve-csr: { timeout: 60s } }\n");
    go(&cluster.kubeconfig(), &desk).exits(0);
    later.join().expect("it asked");
    assert_eq!(conditions(cluster, "joins-server"), ["Approved"]);
    for name in ["other-client", "false-server", "longer-client"] {
        assert_eq!(conditions(cluster, name), Vec::<String>::new(), "{name}");
    }
    let log = desk.run(&["log", "--kind", "progress"]).exits(0);
    log.says(&["approve csr/joins-client@cluster: 200 (audit ", "approve csr/joins-server@cluster: 200"]);
    // Nobody asks: that is said.
    let none = self::desk(&["silent"], "  - certificates: { kube.approve-csr: { timeout: 1s } }\n");
    go(&cluster.kubeconfig(), &none).exits(3).tells(&["did not ask for client auth and server auth"]);
}

#[test]
fn objects_of_any_kind_are_waited_for() {
    let Some(cluster) = Cluster::find("kube: wait") else { return };
    cluster.node("waits", &[]);
    cluster.namespace("waits");
    let labels = json!({ "app": "web" });
    let template = json!({ "metadata": { "labels": labels }, "spec": {
        "nodeSelector": { "kubernetes.io/hostname": "waits" }, "containers": [{ "name": "c", "image": "none" }] } });
    cluster.hand().make(
        "/apis/apps/v1/namespaces/waits/deployments",
        &json!({ "metadata": { "name": "web" }, "spec": { "replicas": 2, "selector": { "matchLabels": labels }, "template": template } }),
    );
    let web = "object: { api: apps/v1, kind: Deployment, namespace: waits, name: web }";
    let steps = format!(
        "  - rolled: {{ kube.wait: {{ {web}, until: rolled-out, timeout: 60s }} }}\n\
         \x20 - available: {{ kube.wait: {{ {web}, until: {{ condition: Available }} }} }}\n\
         \x20 - node: {{ kube.wait: {{ object: {{ kind: Node, name: waits }}, until: {{ field: {{ at: /metadata/name, is: waits }} }} }} }}\n\
         \x20 - none: {{ kube.wait: {{ object: {{ kind: ConfigMap, namespace: waits, name: nothing }}, until: gone }} }}\n"
    );
    let desk = desk(&["waits"], &steps);
    go(&cluster.kubeconfig(), &desk).exits(0);
    for (what, words) in [
        ("object: { kind: ConfigMap, namespace: waits, name: nothing }, until: exists", "is not there"),
        ("object: { api: example.com/v1, kind: Nothing, name: x }, until: exists", "knows no Nothing"),
        ("object: { kind: ConfigMap, name: x }, until: exists", "needs a namespace"),
    ] {
        let desk = self::desk(&["waits"], &format!("  - it: {{ kube.wait: {{ {what}, timeout: 1s }} }}\n"));
        go(&cluster.kubeconfig(), &desk).exits(3).tells(&[words]);
    }
}

/// A cluster whose pod answers so.
fn pod_that(reply: Reply) -> FakeApi {
    pod_of(move || reply.clone())
}

/// One whose pod answers each time anew.
fn pod_of(mut reply: impl FnMut() -> Reply + Send + 'static) -> FakeApi {
    FakeApi::new(move |asked| match asked.path.split('?').next() {
        Some("/version") => Reply::Says(200, json!({ "gitVersion": "v1.11.0+d4cacc0" })),
        Some("/api/v1/nodes/n") => Reply::Says(200, json!({ "metadata": { "name": "n", "uid": "u" } })),
        Some("/api/v1/namespaces/storage/pods") => {
            let pod = |name: &str, node: &str| {
                json!({ "metadata": { "name": name, "labels": { "glusterfs": "storage-pod" } }, "spec": { "nodeName": node },
                    "status": { "conditions": [{ "type": "Ready", "status": "True" }] } })
            };
            Reply::Says(200, json!({ "items": [pod("gluster-n", "n"), pod("gluster-m", "m")] }))
        }
        Some("/api/v1/namespaces/storage/pods/gluster-n/exec") => reply(),
        _ => Reply::Says(404, Value::Null),
    })
}

const ASK: &str = "  - ask: { kube.exec: { pod: { namespace: storage, labels: { glusterfs: storage-pod } }, run: [gluster, \"it's; $HOME\"], reads: true } }\n";
const ACT: &str = "  - act: { kube.exec: { pod: { namespace: storage, name: gluster-n }, run: [gluster] } }\n";

fn status(code: i32) -> Vec<u8> {
    let value = match code {
        0 => json!({ "status": "Success" }),
        code => json!({ "status": "Failure", "reason": "NonZeroExitCode", "message": "command terminated",
            "details": { "causes": [{ "reason": "ExitCode", "message": code.to_string() }] } }),
    };
    value.to_string().into_bytes()
}

#[test]
fn a_command_in_a_pod_ends_as_the_server_says() {
    let good = pod_that(Reply::Stream(vec![(1, b"all ".to_vec()), (1, b"healed\n".to_vec()), (3, status(0))]));
    let desk = desk(&["n"], ASK);
    go(&good.kubeconfig(), &desk).exits(0);
    desk.run(&["show", "n/ask"]).exits(0).says(&["all healed"]);
    // Its words come to it as they are, one by one.
    let asked = good.asked().into_iter().find(|asked| asked.path.contains("/exec")).expect("it was asked");
    assert!(asked.path.contains("command=gluster&command=it%27s%3B+%24HOME"), "{asked:?}");
    let bad = pod_that(Reply::Stream(vec![(2, b"no such volume\n".to_vec()), (3, status(2))]));
    let other = self::desk(&["n"], ASK);
    go(&bad.kubeconfig(), &other).exits(3).tells(&["no such volume"]);
}

#[test]
fn a_stream_that_ends_without_a_status_is_no_success() {
    // What only looks is asked again; what acts is for a person to decide.
    let silent = || pod_that(Reply::Stream(vec![(1, b"half".to_vec())]));
    let (api, acts) = (silent(), desk(&["n"], ACT));
    go(&api.kubeconfig(), &acts).exits(4).tells(&["ended without its status"]);
    let count = |api: &FakeApi| api.asked().iter().filter(|asked| asked.path.contains("/exec")).count();
    assert_eq!(count(&api), 1, "not done again");
    acts.run(&["resolve", "n/act", "--applied", "--reason", "seen"]).exits(0);
    // One that has no time has begun nothing either, and is asked again.
    for code in [429, 503] {
        let mut left = 1;
        let stream = Reply::Stream(vec![(1, b"done\n".to_vec()), (3, status(0))]);
        let api = pod_of(move || {
            left -= 1;
            if left == 0 { Reply::Says(code, json!({ "message": "not now", "code": code })) } else { stream.clone() }
        });
        go(&api.kubeconfig(), &self::desk(&["n"], ACT)).exits(0);
        assert_eq!(count(&api), 2, "{code}");
        let api = pod_that(Reply::Says(code, json!({ "message": "not now", "code": code })));
        go(&api.kubeconfig(), &self::desk(&["n"], ACT)).exits(3).tells(&["not now", "5 times", "nothing was changed"]);
    }
    // A server that refuses has begun nothing.
    let (api, refused) = (pod_that(Reply::Says(403, json!({ "message": "no exec", "code": 403 }))), desk(&["n"], ACT));
    go(&api.kubeconfig(), &refused).exits(3).tells(&["nothing was changed", "403"]);
}

#[test]
fn why_a_certificate_is_not_approved_is_still_told_at_the_end() {
    let asked = json!({ "metadata": { "name": "csr-1", "uid": "u", "resourceVersion": "1", "creationTimestamp": "2999-01-01T00:00:00Z" },
        "spec": { "request": request("system:node:n"), "usages": ["digital signature", "key encipherment", "client auth"] }, "status": {} });
    let api = FakeApi::new(move |request| match (request.method.as_str(), request.path.split('?').next()) {
        ("GET", Some("/version")) => Reply::Says(200, json!({ "gitVersion": "v1.11.0+d4cacc0" })),
        ("GET", Some("/apis/certificates.k8s.io")) => {
            Reply::Says(200, json!({ "versions": [{ "version": "v1beta1" }] }))
        }
        ("GET", Some("/apis/certificates.k8s.io/v1beta1/certificatesigningrequests")) => {
            Reply::Says(200, json!({ "items": [asked] }))
        }
        ("GET", Some("/api/v1/nodes")) => Reply::Says(200, json!({ "items": [] })),
        ("GET", _) => Reply::Says(404, Value::Null),
        _ => Reply::Says(503, json!({ "message": "etcdserver: no leader" })),
    });
    let desk = desk(&["n"], "  - certificates: { kube.approve-csr: { uses: [client], timeout: 2s } }\n");
    go(&api.kubeconfig(), &desk).exits(3).tells(&["could not be approved within 2s", "503", "no leader"]);
}
