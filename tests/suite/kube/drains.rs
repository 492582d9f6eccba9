//! What a drain takes for its node, what it tells as lost, and what it does not take for an end.

use crate::kube::api_1_11::{LAG, RUN, UNDO, desk, go, one, outcome, says, somebody_claims};
use palinode_tests::binary::{Desk, Out};
use palinode_tests::chance::Chance;
use palinode_tests::cluster::Cluster;
use palinode_tests::fake_api_1_11::{FakeApi111, Store, node_path, pod_path};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Steps that cordon a node and drain it for so long.
fn drain(timeout: &str, more: &str) -> String {
    format!(
        "  - cordon: {{ kube.cordon: {{}} }}\n  - drain: {{ kube.drain: {{ bare: delete, timeout: {timeout}{more} }} }}\n"
    )
}

fn evictions(api: &FakeApi111) -> usize {
    api.writes().iter().filter(|asked| asked.path.ends_with("/eviction")).count()
}

fn uncordon(store: &mut Store) {
    store.merge(&node_path("n"), &json!({ "spec": { "unschedulable": null } }));
}

/// What somebody does beside a drain, and what is said of it.
type Case = (&'static str, fn(&mut Store), &'static str);

#[test]
fn a_drain_stops_where_its_node_is_no_more_what_it_began_with() {
    let cases: [Case; 5] = [
        ("uncordoned", uncordon, "someone else uncordoned node n while it was drained"),
        (
            "made anew",
            |store| {
                store.remove(&node_path("n"));
                store.register("n");
                store.place_of("web", "n");
            },
            "node n registered again while it was drained",
        ),
        (
            "made anew, and cordoned",
            |store| {
                store.remove(&node_path("n"));
                store.register("n");
                store.merge(&node_path("n"), &json!({ "spec": { "unschedulable": true } }));
                store.place_of("web", "n");
            },
            "node n registered again while it was drained",
        ),
        (
            "gone",
            |store| {
                store.remove(&node_path("n"));
                store.place_of("web", "n");
            },
            "node n was deleted while it was drained",
        ),
        (
            "another's",
            |store| {
                somebody_claims(store);
                store.place_of("web", "n");
            },
            "another journal took node n over meanwhile (somebody else)",
        ),
    ];
    for (what, deed, words) in cases {
        let (api, book) = one(LAG, &drain("30s", ""));
        (0..3).for_each(|_| api.store().place_of("web", "n"));
        api.before_change(1, deed);
        let began = Instant::now();
        let out = go(&api, &book, &RUN).exits(3).tells(&[words, "3 pods evicted before"]);
        // What came back meanwhile was left alone.
        assert_eq!(evictions(&api), 3, "{what}: {out}");
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        assert_eq!(outcome(&book, "n/drain")["why"], "conflict", "{what}");
    }
    // A pod that was placed there while it was not yet cordoned, as far as a scheduler knew, is evicted with the others.
    let (api, book) = one(LAG, &drain("30s", ""));
    (0..3).for_each(|_| api.store().place_of("web", "n"));
    api.before_change(2, |store| store.place_of("late", "n"));
    go(&api, &book, &RUN).exits(0);
    assert_eq!(evictions(&api), 4);
}

#[test]
fn a_node_that_is_not_there_is_not_drained_cordoned_or_changed() {
    let steps = [
        "  - it: { kube.drain: {} }\n",
        "  - it: { kube.cordon: {} }\n",
        "  - it: { kube.uncordon: {} }\n",
        "  - it: { kube.patch-node: { labels: { zone: b } } }\n",
    ];
    for steps in steps {
        let api = FakeApi111::new(Chance::new(7), 0..=0);
        let book = desk(&["n".to_owned()], 1, steps);
        go(&api, &book, &RUN).exits(3).tells(&["nodes \"n\" not found"]);
        assert!(api.writes().is_empty(), "{steps}");
    }
    // Nor one that went before its turn came.
    let (api, book) = one(0..=0, &drain("5s", ""));
    api.before_change(0, |store| store.place("web", "n", &json!({})));
    go(&api, &book, &RUN).exits(0);
    api.store().remove(&node_path("n"));
    let again = desk(&["n".to_owned()], 1, "  - drain: { kube.drain: { bare: delete } }\n");
    go(&api, &again, &RUN).exits(3).tells(&["nodes \"n\" not found", "nothing was evicted"]);
}

/// What is told as lost, wherever it is told.
#[track_caller]
fn losses(api: &FakeApi111, book: &Desk, told: &Out) -> BTreeSet<String> {
    let keys = |value: &Value| -> BTreeSet<String> {
        let all = value["residues"].as_array().into_iter().flatten();
        all.map(|residue| format!("{} {}", residue["key"].as_str().unwrap_or_default(), residue["loss"])).collect()
    };
    let status = keys(&book.run(&["status", "-o", "json"]).exits(0).value());
    let preview = keys(&go(api, book, &["rollback", "@", "--dry-run", "-o", "json"]).value());
    let shown = book.run(&["show", "n/drain"]).exits(0);
    assert_eq!(status, preview, "{told}");
    assert_eq!(shown.stdout.matches("cannot restore").count(), status.len(), "{shown}");
    status
}

#[test]
fn only_what_is_gone_or_will_be_is_told_as_lost() {
    let disk = json!({ "volumes": [{ "name": "d", "emptyDir": {} }] });
    // Nothing was evicted.
    let (api, book) = one(0..=0, &drain("1s", ", emptydir: delete"));
    api.store().place("web", "n", &disk);
    api.store().hold("web");
    let out = go(&api, &book, &RUN).exits(3).tells(&["its disruption budget allows no eviction now"]);
    assert!(!out.to_string().contains("gone for good") && !out.to_string().contains("emptyDir data"), "{out}");
    assert_eq!(losses(&api, &book, &out), BTreeSet::new());
    go(&api, &book, &UNDO).exits(0);
    // One of two was.
    let (api, book) = one(0..=0, &drain("1s", ", emptydir: delete"));
    api.store().place("web", "n", &disk);
    api.store().place("db", "n", &disk);
    api.store().hold("web");
    let out = go(&api, &book, &RUN).exits(3);
    let lost = ["bare-pod", "empty-dir"].map(|loss| format!("pod/default/db@cluster \"{loss}\""));
    assert_eq!(losses(&api, &book, &out), BTreeSet::from(lost));
    // One was accepted, and is still there.
    let (api, book) = one(0..=0, &drain("1s", ", emptydir: delete"));
    api.store().place("web", "n", &disk);
    api.store().place("stays", "n", &json!({}));
    api.store().merge(&pod_path("stays"), &json!({ "metadata": { "finalizers": ["guard.demo/hold"] } }));
    let out = go(&api, &book, &RUN).exits(3).tells(&["it is Terminating, held by its finalizers: guard.demo/hold"]);
    let lost = losses(&api, &book, &out);
    assert!(lost.iter().any(|loss| loss.contains("stays")) && lost.iter().any(|loss| loss.contains("web")), "{lost:?}");
}

#[test]
fn a_run_that_changed_nothing_says_how_its_node_is_given_up() {
    let (api, book) = one(0..=0, "  - drain: { kube.drain: { timeout: 5s } }\n");
    api.store().merge(&node_path("n"), &json!({ "spec": { "unschedulable": true } }));
    api.store().place("bare", "n", &json!({}));
    go(&api, &book, &RUN).exits(3).tells(&["no controller", "nothing was evicted"]);
    let claim = || api.store().object(&node_path("n"))["metadata"]["annotations"]["palinode/claim"].clone();
    go(&api, &book, &["rollback", "--yes"]).exits(0).complains(&[
        "nothing to take back",
        "stays open",
        "palinode close ",
    ]);
    assert!(claim().is_string());
    let run = book.json(&["status"])["run"].as_str().unwrap_or_default().to_owned();
    go(&api, &book, &["close", &run, "--reason", "enough"]).exits(0);
    assert!(claim().is_null());
}

#[test]
fn the_reason_that_was_known_is_still_told_at_the_end() {
    let (api, book) = one(0..=0, &drain("5s", ", terminating: { force: { after: 1s } }"));
    api.store().place("stays", "n", &json!({}));
    api.store().merge(&pod_path("stays"), &json!({ "metadata": { "finalizers": ["guard.demo/hold"] } }));
    let words = "its object was deleted by force, and is still there, held by its finalizers: guard.demo/hold";
    go(&api, &book, &RUN).exits(3).tells(&["still there after 5s", words]);
}

#[test]
fn what_passes_by_itself_is_not_the_end_of_a_drain() {
    let hook = "admission webhook \"guard.demo\" denied the request: not now";
    let ending =
        "pods \"web\" is forbidden: unable to create new content in namespace default because it is being terminated";
    for (what, code, words, more) in [
        ("a webhook that says later", 429, hook, ""),
        ("a webhook that says no, and is asked again", 403, hook, ", retry-denied: 1m"),
        ("a namespace that is being deleted", 403, ending, ""),
    ] {
        let (api, book) = one(0..=0, &drain("30s", more));
        api.store().place("web", "n", &json!({}));
        api.instead(1, says(code, words), false);
        go(&api, &book, &RUN).exits(0);
        assert_eq!(evictions(&api), 2, "{what}");
    }
    // Who says no is believed, and who is to be asked again is asked for so long.
    let (api, book) = one(0..=0, &drain("30s", ""));
    api.store().place("web", "n", &json!({}));
    api.instead(1, says(403, hook), false);
    go(&api, &book, &RUN).exits(3).tells(&["denied the request: not now", "`retry-denied: 5m`", "0 pods evicted"]);
    let (api, book) = one(0..=0, &drain("30s", ", retry-denied: 1s"));
    api.store().place("web", "n", &json!({}));
    (1..9).for_each(|change| api.instead(change, says(403, hook), false));
    go(&api, &book, &RUN).exits(3).tells(&["denied the request: not now (for 1s)"]);
    assert_eq!(evictions(&api), 2);
    let rights = "pods \"web\" is forbidden: User \"me\" cannot create resource \"pods/eviction\" in API group \"\"";
    let (api, book) = one(0..=0, &drain("30s", ", retry-denied: 1m"));
    api.store().place("web", "n", &json!({}));
    api.instead(1, says(403, rights), false);
    go(&api, &book, &RUN).exits(3).tells(&["cannot create resource"]);
    assert_eq!(evictions(&api), 1);
}

#[test]
fn a_list_whose_later_pages_are_forgotten_is_read_anew() {
    for expired in [1, 2, 30] {
        let (api, book) = one(LAG, &drain("30s", ""));
        (0..7).for_each(|_| api.store().place_of("web", "n"));
        api.store().pages(3, expired);
        go(&api, &book, &RUN).exits(0);
        assert_eq!(evictions(&api), 7, "{expired}");
    }
}

#[test]
fn nodes_of_a_real_server_are_drained_and_given_back_without_a_failure() {
    let Some(cluster) = Cluster::find("kube: many drains") else { return };
    let count = if palinode_tests::skip::long() { 300 } else { 12 };
    let names: Vec<String> = (0..count).map(|number| format!("many-{number}")).collect();
    cluster.namespace("many");
    for name in &names {
        cluster.node(name, &[]);
        let pod = json!({ "metadata": { "name": name }, "spec": { "nodeName": name, "terminationGracePeriodSeconds": 1,
            "containers": [{ "name": "c", "image": "none" }] } });
        cluster.hand().make("/api/v1/namespaces/many/pods", &pod);
    }
    let mark = "  - mark: { kube.patch-node: { labels: { zone: b } } }\n";
    let book = desk(&names, 10, &(drain("60s", "") + mark));
    let kubeconfig = cluster.kubeconfig().display().to_string();
    // Their kubelets are heard of all the time.
    let (stop, seen) = (Arc::new(AtomicBool::new(false)), names.clone());
    let stopped = Arc::clone(&stop);
    let beats = std::thread::spawn(move || {
        for name in seen.iter().cycle().take_while(|_| !stopped.load(Ordering::Relaxed)) {
            let condition = json!({ "type": "Ready", "status": "True", "reason": "Test", "message": "test" });
            cluster
                .hand()
                .merge(&format!("/api/v1/nodes/{name}/status"), &json!({ "status": { "conditions": [condition] } }));
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    book.run(&["--kubeconfig", &kubeconfig, "run", "./book.yml", "-i", "hosts", "--yes"]).exits(0);
    for name in &names {
        let node = cluster.node_now(name);
        assert_eq!((&node["spec"]["unschedulable"], &node["metadata"]["labels"]["zone"]), (&true.into(), &"b".into()));
        assert!(cluster.pods_on(name).is_empty(), "{name}");
    }
    book.run(&["--kubeconfig", &kubeconfig, "undo", "@", "--yes"]).exits(6);
    stop.store(true, Ordering::Relaxed);
    beats.join().expect("it ended");
    for name in &names {
        let node = cluster.node_now(name);
        assert!(node["spec"]["unschedulable"].is_null() && node["metadata"]["labels"]["zone"].is_null(), "{node}");
    }
}
