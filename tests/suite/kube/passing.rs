//! What passes by itself is not the end of a step, whichever request it answers; and what it was is told where it does not pass.

use crate::kube::api_1_11::{Busy, LAG, RUN, UNDO, desk, go, one, says};
use palinode_tests::chance::Chance;
use palinode_tests::fake_api::Reply;
use palinode_tests::fake_api_1_11::{FakeApi111, node_path, pod_path};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const MAP: &str = "/api/v1/namespaces/shop/configmaps/map";

/// A cluster with a node, a pod on it, and an object.
fn small(api: &FakeApi111) {
    let mut store = api.store();
    store.register("n");
    store.place_of("web", "n");
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "map", "namespace": "shop" }, "data": { "a": "1" } });
    store.put(MAP, map);
}

const OBJECT: &str = "object: { api: v1, kind: ConfigMap, namespace: shop, name: map }";

#[test]
fn one_answer_that_passes_is_no_end_whichever_read_it_answers() {
    let answers = [
        says(503, "starting"),
        says(429, "too many requests"),
        says(500, "etcdserver: leader changed"),
        says(504, "timeout"),
        says(408, "slow"),
        Reply::Cut,
    ];
    let steps = format!(
        "  - cordon: {{ kube.cordon: {{}} }}\n  - drain: {{ kube.drain: {{ timeout: 30s }} }}\n\
         \x20 - mark: {{ kube.patch-node: {{ labels: {{ zone: b }} }} }}\n\
         \x20 - data: {{ kube.patch: {{ {OBJECT}, merge: {{ data: {{ a: '2' }} }} }} }}\n\
         \x20 - away: {{ kube.delete: {{ {OBJECT} }} }}\n"
    );
    let (next, last) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at > last.load(Ordering::Relaxed) {
                        return;
                    }
                    let api = FakeApi111::new(Chance::new(at as u64), LAG);
                    small(&api);
                    let book = desk(&["n".to_owned()], 1, &steps);
                    api.read_instead(at, answers[at % answers.len()].clone());
                    go(&api, &book, &RUN).exits(0);
                    let was_read = api.reads_left() == 0;
                    go(&api, &book, &UNDO).exits(6);
                    assert_eq!(api.store().object(MAP)["data"], json!({ "a": "1" }), "{at}");
                    let node = api.store().object(&node_path("n"));
                    assert!(node["spec"]["unschedulable"].is_null(), "{at}: {node}");
                    assert!(node["metadata"]["annotations"]["palinode/claim"].is_null(), "{at}: {node}");
                    if !was_read {
                        // There are no more reads than that.
                        last.fetch_min(at, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert!(last.into_inner() > 10, "there are more reads than that");
}

#[test]
fn a_server_that_has_no_time_at_all_is_what_is_told() {
    let steps = [
        format!("  - it: {{ kube.patch: {{ {OBJECT}, merge: {{ data: {{ a: '2' }} }} }} }}\n"),
        "  - it: { kube.apply: { manifest: { apiVersion: v1, kind: ConfigMap, metadata: { name: new, namespace: shop }, data: { a: '2' } } } }\n".to_owned(),
        format!("  - it: {{ kube.delete: {{ {OBJECT} }} }}\n"),
        "  - it: { kube.cordon: {} }\n".to_owned(),
    ];
    for steps in &steps {
        let api = FakeApi111::new(Chance::new(7), LAG);
        small(&api);
        let book = desk(&["n".to_owned()], 1, steps);
        (0..9).for_each(|time| api.instead(time, says(429, "too many requests"), false));
        let out = go(&api, &book, &RUN).exits(3).tells(&["429", "too many requests"]);
        assert!(!out.to_string().contains("others write"), "{out}");
    }
    // And on the way back.
    let api = FakeApi111::new(Chance::new(7), LAG);
    small(&api);
    let book = desk(&["n".to_owned()], 1, &steps[0]);
    go(&api, &book, &RUN).exits(0);
    (0..9).for_each(|time| api.instead(time, says(429, "too many requests"), false));
    let out = go(&api, &book, &UNDO).exits(3).tells(&["429", "too many requests"]);
    assert!(!out.to_string().contains("others write"), "{out}");
}

#[test]
fn a_claim_is_given_up_though_the_connection_ended() {
    for happens in [false, true] {
        let (api, book) = one(LAG, "  - cordon: { kube.cordon: {} }\n");
        // The change is the first request, and the last one gives the node up.
        api.instead(1, Reply::Cut, happens);
        go(&api, &book, &RUN).exits(0);
        let node = api.store().object(&node_path("n"));
        assert!(node["metadata"]["annotations"]["palinode/claim"].is_null(), "{happens}: {node}");
    }
}

#[test]
fn a_pod_that_stays_is_deleted_by_force_though_the_first_answer_does_not_say_so() {
    let drain = "  - cordon: { kube.cordon: {} }\n  - drain: { kube.drain: { bare: delete, timeout: 60s, terminating: { force: { after: 0s } } } }\n";
    for reply in [says(503, "starting"), says(429, "too many requests"), says(504, "timeout"), Reply::Cut] {
        let (api, book) = one(0..=0, drain);
        api.store().place("stays", "n", &json!({}));
        api.store().merge(&pod_path("stays"), &json!({ "metadata": { "finalizers": ["guard.demo/hold"] } }));
        // The cordon, the eviction, the deletion.
        api.instead(2, reply.clone(), false);
        api.before_change(3, |store| store.merge(&pod_path("stays"), &json!({ "metadata": { "finalizers": [] } })));
        go(&api, &book, &RUN).exits(0);
        let forced = api.writes().iter().filter(|asked| asked.method == "DELETE").count();
        assert_eq!(forced, 2, "{reply:?}");
    }
    // Where it does not pass, it is what is told.
    let (api, book) = one(0..=0, drain);
    api.store().place("stays", "n", &json!({}));
    api.store().merge(&pod_path("stays"), &json!({ "metadata": { "finalizers": ["guard.demo/hold"] } }));
    (2..12).for_each(|change| api.instead(change, says(503, "starting"), false));
    go(&api, &book, &RUN).exits(3).tells(&["stays Terminating", "503", "starting"]);
}

#[test]
fn a_node_gets_its_taints_back_although_each_cordon_takes_them_along() {
    let (api, book) = one(0..=0, "  - leave: { kube.delete-node: {} }\n");
    let taint = json!({ "key": "dedicated", "value": "x", "effect": "NoSchedule" });
    api.store().merge(&node_path("n"), &json!({ "spec": { "taints": [taint] } }));
    go(&api, &book, &RUN).exits(0);
    api.store().register("n");
    // The cluster taints what is cordoned, and writes the list as it read it some time before.
    let (mut cordoned, mut due) = (false, None);
    let controller = Busy::new(api.shared(), Duration::from_millis(5), move |store, round| {
        let now = store.object(&node_path("n"))["spec"]["unschedulable"] == true;
        if now != cordoned {
            (cordoned, due) = (now, Some(round + 4));
        }
        if due.is_some_and(|due| round >= due) {
            let own = json!([{ "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" }]);
            store.merge(&node_path("n"), &json!({ "spec": { "taints": if now { own } else { json!([]) } } }));
            due = None;
        }
    });
    go(&api, &book, &UNDO).exits(6).tells(&["new UID"]);
    drop(controller);
    let node = api.store().object(&node_path("n"));
    assert_eq!((&node["spec"]["taints"], &node["spec"]["unschedulable"]), (&json!([taint]), &serde_json::Value::Null));
}
