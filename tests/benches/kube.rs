//! Draining a node of a hundred pods through a real API server, beside `kubectl drain` on the same server.

use crate::rounds::{goal, ratio, rounds_of, table};
use palinode_tests::binary::Desk;
use palinode_tests::cluster::Cluster;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::process::{Command, Stdio};
use std::time::Instant;

/// So many pods are drained at a time.
const PODS: usize = 100;

pub(crate) fn run() {
    println!("a drain of {PODS} pods, beside kubectl");
    let Some(cluster) = Cluster::find("bench: kube") else { return };
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        return println!("  kubectl is not on the PATH");
    }
    let count = RefCell::new(0);
    let full = || {
        let number = count.replace_with(|count| *count + 1);
        let name = format!("bench-{number}");
        cluster.node(&name, &[]);
        cluster.namespace(&name);
        for pod in 0..PODS {
            let spec = json!({ "nodeName": name, "terminationGracePeriodSeconds": 1, "containers": [{ "name": "c", "image": "none" }] });
            let pod = json!({ "metadata": { "name": format!("pod-{pod}") }, "spec": spec });
            cluster.hand().make(&format!("/api/v1/namespaces/{name}/pods"), &pod);
        }
        cluster.until_up(&name, PODS);
        name
    };
    let mut ours = || {
        let node = full();
        let desk = Desk::new();
        desk.write("hosts", format!("[nodes]\n{node}\n"));
        desk.write(
            "book.yml",
            "runbook: book\nhosts: { group: nodes }\neach_host:\n  - cordon: { kube.cordon: {} }\n  - drain: { kube.drain: { bare: delete } }\n",
        );
        let kubeconfig = cluster.kubeconfig_of("one").display().to_string();
        let start = Instant::now();
        desk.run(&["--kubeconfig", &kubeconfig, "run", "./book.yml", "-i", "hosts", "--yes"]).exits(0);
        start.elapsed().as_secs_f64()
    };
    let mut theirs = || {
        let node = full();
        let start = Instant::now();
        let done = Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(cluster.kubeconfig_of("two"))
            .args(["drain", &node, "--force", "--ignore-daemonsets"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(done.is_ok_and(|done| done.success()), "kubectl drains");
        start.elapsed().as_secs_f64()
    };
    let figures = rounds_of(5, &mut [("palinode run", &mut ours), ("kubectl drain", &mut theirs)]);
    print!("{}", table("s", &figures));
    let over = ratio(&figures[0], &figures[1]);
    goal("palinode over kubectl", over, over.0 <= 1.0, "at most 1");
    let audit = cluster.audit();
    let asked =
        |user: &str| audit.iter().filter(|event: &&Value| event["user"]["username"] == user).count() as f64 / 6.0;
    let (one, two) = (asked("one"), asked("two"));
    println!("  requests for each drain: palinode {one:.0}, kubectl {two:.0}");
    goal("requests, palinode over kubectl", (one / two, one / two, one / two), one <= two, "at most 1");
}
