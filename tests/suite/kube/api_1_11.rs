//! What is claimed of the cluster's API is true: a server of 1.11 whose cache lags behind fails no change that nobody stood in
//! the way of, a real conflict is called one and by its name, an answer that tells nothing is looked behind, and what was
//! refused owns nothing.

use palinode_tests::binary::{Desk, Out};
use palinode_tests::chance::Chance;
use palinode_tests::fake_api::Reply;
use palinode_tests::fake_api_1_11::{FakeApi111, Store, node_path, pod_path};
use serde_json::{Value, json};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How many milliseconds the cache lags behind.
pub(crate) const LAG: RangeInclusive<u64> = 50..=500;

pub(crate) const RUN: [&str; 5] = ["run", "./book.yml", "-i", "hosts", "--yes"];
pub(crate) const UNDO: [&str; 3] = ["undo", "@", "--yes"];

pub(crate) fn go(api: &FakeApi111, desk: &Desk, args: &[&str]) -> Out {
    let kubeconfig = api.kubeconfig().display().to_string();
    let mut all = vec!["--kubeconfig", &kubeconfig];
    all.extend(args);
    desk.run(&all)
}

pub(crate) fn desk(hosts: &[String], serial: usize, steps: &str) -> Desk {
    let desk = Desk::new();
    desk.write("hosts", format!("[nodes]\n{}\n", hosts.join("\n")));
    let head = format!("runbook: book\nhosts: {{ group: nodes, serial: {serial} }}\neach_host:\n");
    desk.write("book.yml", head + steps);
    desk
}

/// A cluster of one node, and a folder with a runbook for it.
pub(crate) fn one(lag: RangeInclusive<u64>, steps: &str) -> (FakeApi111, Desk) {
    let api = FakeApi111::new(Chance::new(7), lag);
    api.store().register("n");
    (api, desk(&["n".to_owned()], 1, steps))
}

/// Somebody who writes what is nobody's concern, all the time.
pub(crate) struct Busy {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Busy {
    pub(crate) fn new(
        store: Arc<Mutex<Store>>,
        every: Duration,
        mut deed: impl FnMut(&mut Store, u64) + Send + 'static,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            for round in 0.. {
                if seen.load(Ordering::Relaxed) {
                    return;
                }
                deed(&mut store.lock().expect("nobody died here"), round);
                std::thread::sleep(every);
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

pub(crate) fn heartbeat(store: &mut Store, name: &str, round: u64) {
    let condition = json!({ "type": "Ready", "status": "Unknown", "lastHeartbeatTime": round.to_string() });
    // An annotation of the cluster's own.
    let notes = json!({ "node.alpha.kubernetes.io/ttl": round.to_string() });
    let fields = json!({ "metadata": { "annotations": notes }, "status": { "conditions": [condition] } });
    store.merge(&node_path(name), &fields);
}

const CORDON: &str = "  - cordon: { kube.cordon: {} }\n";
const LABEL: &str = "  - label: { kube.patch-node: { labels: { zone: b } } }\n";

#[test]
fn nodes_of_1_11_are_drained_changed_deleted_and_given_back_without_a_failure() {
    let count = if std::env::var_os("PALINODE_TESTS_LONG").is_some() { 1000 } else { 40 };
    let api = FakeApi111::new(Chance::printed("claims: nodes of 1.11"), LAG);
    let names: Vec<String> = (0..count).map(|number| format!("n{number}")).collect();
    names.iter().for_each(|name| api.store().register(name));
    let before: Vec<Value> = names.iter().map(|name| api.store().object(&node_path(name))).collect();
    for name in &names {
        (0..2).for_each(|_| api.store().place_of(&format!("web-of-{name}"), name));
        api.store().place(&format!("bare-of-{name}"), name, &json!({}));
    }
    let steps = "  - cordon: { kube.cordon: {} }\n\
        \x20 - drain: { kube.drain: { bare: delete, timeout: 60s } }\n\
        \x20 - mark: { kube.patch-node: { labels: { zone: b }, taints: { 'dedicated=x:NoSchedule': true } } }\n\
        \x20 - leave: { kube.delete-node: {} }\n";
    let book = desk(&names, 20, steps);
    let all = names.clone();
    let busy = Busy::new(api.shared(), Duration::from_millis(5), move |store, round| {
        let number = usize::try_from(round).unwrap_or_default() % all.len();
        heartbeat(store, &all[number], round);
    });
    go(&api, &book, &RUN).exits(0);
    // Each pod was evicted, and asked for once.
    let evictions = api.writes().iter().filter(|asked| asked.path.ends_with("/eviction")).count();
    assert_eq!(evictions, 3 * names.len());
    for name in &names {
        assert!(api.store().object(&node_path(name)).is_null(), "{name} is there");
        api.store().register(name);
    }
    go(&api, &book, &UNDO).exits(6).tells(&["new UID"]);
    drop(busy);
    for (name, was) in names.iter().zip(before) {
        let now = api.store().object(&node_path(name));
        let own = |node: &Value| {
            let mut notes = node["metadata"]["annotations"].clone();
            notes.as_object_mut().map(|all| all.remove("node.alpha.kubernetes.io/ttl"));
            notes
        };
        assert_eq!(own(&now), own(&was), "{name}");
        for at in ["/metadata/labels", "/spec/unschedulable"] {
            assert_eq!(now.pointer(at), was.pointer(at), "{name}: {at}");
        }
        assert!(now["spec"]["taints"].as_array().is_none_or(Vec::is_empty), "{now}");
    }
    // The cache was in the way, and often.
    assert!(api.stale() >= count / 2, "{} of {count}", api.stale());
}

#[test]
fn objects_of_1_11_are_changed_and_put_back_without_a_failure() {
    let count = if std::env::var_os("PALINODE_TESTS_LONG").is_some() { 100 } else { 6 };
    let api = FakeApi111::new(Chance::printed("claims: objects of 1.11"), LAG);
    let names: Vec<String> = (0..count).map(|number| format!("n{number}")).collect();
    let map = |name: &str| format!("/api/v1/namespaces/shop/configmaps/{name}");
    let front = |name: &str| format!("/apis/apps/v1/namespaces/shop/deployments/{name}");
    let deployment = |name: &str| {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "namespace": "shop" },
            "spec": { "replicas": 1 }, "status": {} })
    };
    for name in &names {
        let mut store = api.store();
        store.register(name);
        let config = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": "shop" }, "data": { "a": "1" } });
        store.put(&map(name), config);
        store.put(&front(name), deployment(name));
    }
    let object =
        |api: &str, kind: &str| format!("{{ api: {api}, kind: {kind}, namespace: shop, name: '{{{{ host }}}}' }}");
    let (config, front_of) = (object("v1", "ConfigMap"), object("apps/v1", "Deployment"));
    let steps = format!(
        "  - more: {{ kube.patch: {{ object: {front_of}, merge: {{ spec: {{ replicas: 2 }} }} }} }}\n\
         \x20 - most: {{ kube.patch: {{ object: {front_of}, merge: {{ spec: {{ replicas: 3 }} }} }} }}\n\
         \x20 - data: {{ kube.patch: {{ object: {config}, merge: {{ data: {{ a: '2' }} }} }} }}\n\
         \x20 - away: {{ kube.delete: {{ object: {config} }} }}\n"
    );
    let book = desk(&names, 3, &steps);
    let all = names.clone();
    let busy = Busy::new(api.shared(), Duration::from_millis(40), move |store, round| {
        let name = &all[usize::try_from(round).unwrap_or_default() % all.len()];
        let path = format!("/apis/apps/v1/namespaces/shop/deployments/{name}");
        store.merge(&path, &json!({ "status": { "observed": round } }));
    });
    go(&api, &book, &RUN).exits(0);
    names.iter().for_each(|name| assert_eq!(api.store().object(&front(name))["spec"]["replicas"], 3));
    go(&api, &book, &UNDO).exits(6);
    drop(busy);
    for name in &names {
        assert_eq!(api.store().object(&front(name))["spec"]["replicas"], 1);
        assert_eq!(api.store().object(&map(name))["data"], json!({ "a": "1" }));
    }
}

/// What somebody else does just before a change.
type Deed = fn(&mut Store);

/// A step, what somebody else does just before it, and what is said of it.
type Case = (&'static str, &'static str, Deed, &'static str);

pub(crate) fn somebody_claims(store: &mut Store) {
    let text = json!({ "journal": "another", "words": "somebody else" }).to_string();
    store.merge(&node_path("n"), &json!({ "metadata": { "annotations": { "palinode/claim": text } } }));
}

const CONFLICTS: &[Case] = &[
    (
        "the same label",
        LABEL,
        |store| store.merge(&node_path("n"), &json!({ "metadata": { "labels": { "zone": "c" } } })),
        "someone else set label zone of node n to c",
    ),
    (
        "the same taint",
        "  - taint: { kube.patch-node: { taints: { 'dedicated=x:NoSchedule': true } } }\n",
        |store| {
            let taint = json!({ "key": "dedicated", "value": "y", "effect": "NoSchedule" });
            store.merge(&node_path("n"), &json!({ "spec": { "taints": [taint] } }));
        },
        "someone else changed the taints of node n (now dedicated=y:NoSchedule)",
    ),
    ("another journal", CORDON, somebody_claims, "another journal has n: somebody else"),
    ("gone", CORDON, |store| store.remove(&node_path("n")), "not found"),
    (
        "registered again",
        CORDON,
        |store| {
            store.remove(&node_path("n"));
            store.register("n");
        },
        "registered again",
    ),
];

#[test]
fn a_real_conflict_is_called_one_and_by_its_name() {
    for (what, steps, deed, words) in CONFLICTS {
        for lag in [0..=0, 400..=400] {
            let (api, book) = one(lag.clone(), steps);
            std::thread::sleep(Duration::from_millis(*lag.end()));
            api.before_change(0, *deed);
            let out = go(&api, &book, &RUN).exits(3).tells(&[words]);
            let changes = api.writes().len();
            assert!(changes <= 3, "{what}, {lag:?}: {changes} changes: {out}");
            let node = api.store().object(&node_path("n"));
            assert_ne!(node["metadata"]["labels"]["zone"], "b", "{what}, {lag:?}");
        }
    }
    // Where the cache is as new as the store, also that another one cordoned it. It is not ours to take back.
    let (api, book) = one(0..=0, CORDON);
    api.before_change(0, |store| store.merge(&node_path("n"), &json!({ "spec": { "unschedulable": true } })));
    go(&api, &book, &RUN).exits(3).tells(&["someone else cordoned node n at the same time"]);
    go(&api, &book, &UNDO);
    assert_eq!(api.store().object(&node_path("n"))["spec"]["unschedulable"], true);
}

#[test]
fn what_does_not_concern_a_change_is_in_nobodys_way() {
    let steps = format!("{CORDON}{LABEL}");
    let is_back = |api: &FakeApi111| {
        let node = api.store().object(&node_path("n"));
        assert!(node["metadata"]["labels"]["zone"].is_null() && node["spec"]["unschedulable"].is_null(), "{node}");
        assert!(node["metadata"]["annotations"]["palinode/claim"].is_null(), "{node}");
    };
    for lag in [0..=0, 400..=400] {
        // Just before each change.
        let (api, book) = one(lag.clone(), &steps);
        (0..6).for_each(|change| api.before_change(change, move |store| heartbeat(store, "n", change as u64)));
        go(&api, &book, &RUN).exits(0);
        go(&api, &book, &UNDO).exits(0);
        is_back(&api);
        // All the time: the cache never has what the store has.
        let (api, book) = one(lag, &steps);
        let busy = Busy::new(api.shared(), Duration::from_millis(20), |store, round| heartbeat(store, "n", round));
        go(&api, &book, &RUN).exits(0);
        go(&api, &book, &UNDO).exits(0);
        drop(busy);
        is_back(&api);
    }
}

#[test]
fn a_claim_is_given_up_whatever_the_server_says_first() {
    for (code, happens) in [(503, false), (504, true), (500, false), (409, false), (429, false)] {
        let (api, book) = one(LAG, CORDON);
        // The change is the first request, and the last one gives the node up.
        api.instead(1, says(code, "busy"), happens);
        go(&api, &book, &RUN).exits(0);
        let node = api.store().object(&node_path("n"));
        assert!(node["metadata"]["annotations"]["palinode/claim"].is_null(), "{code}: {node}");
    }
    // What was refused leaves no claim behind, though the run is open.
    let (api, book) = one(0..=0, CORDON);
    api.instead(0, says(403, "forbidden"), false);
    go(&api, &book, &RUN).exits(3);
    let node = api.store().object(&node_path("n"));
    assert!(node["metadata"]["annotations"]["palinode/claim"].is_null(), "{node}");
}

#[test]
fn a_node_that_was_taken_over_is_not_written_to_even_where_the_cache_does_not_know_it() {
    let cases: [(Deed, &str); 2] = [
        (somebody_claims, "another journal took node n over meanwhile (somebody else)"),
        (
            |store| store.merge(&node_path("n"), &json!({ "metadata": { "annotations": { "palinode/claim": null } } })),
            "this journal's claim was removed meanwhile",
        ),
    ];
    for (deed, words) in cases {
        for lag in [0..=0, 400..=400] {
            let (api, book) = one(
                lag,
                &format!(
                    "{CORDON}  - wait: {{ kube.wait: {{ object: {{ api: v1, kind: Node, name: n }}, until: exists, timeout: 1s }} }}\n{LABEL}"
                ),
            );
            // The second change is that of the label; the cache has seen the first one by then or not.
            api.before_change(1, deed);
            go(&api, &book, &RUN).exits(3).tells(&[words]);
            let node = api.store().object(&node_path("n"));
            assert!(node["metadata"]["labels"]["zone"].is_null(), "{node}");
        }
    }
}

pub(crate) fn says(code: u16, message: &str) -> Reply {
    Reply::Says(code, json!({ "kind": "Status", "status": "Failure", "code": code, "message": message }))
}

#[test]
fn an_answer_that_tells_nothing_is_looked_behind() {
    let is_cordoned = |api: &FakeApi111| api.store().object(&node_path("n"))["spec"]["unschedulable"] == true;
    for (code, words) in [(500, "broken"), (503, "starting"), (504, "timeout"), (408, "slow"), (502, "proxy")] {
        // It is there.
        let (api, book) = one(LAG, CORDON);
        api.instead(0, says(code, words), true);
        go(&api, &book, &RUN).exits(0);
        assert!(is_cordoned(&api));
        let changes = api.writes().iter().filter(|asked| asked.body.to_string().contains("unschedulable")).count();
        assert_eq!(changes, 1, "{code}");
        // It is not: one such answer is no end, for what is asked again tests what it found.
        let (api, book) = one(LAG, CORDON);
        api.instead(0, says(code, words), false);
        go(&api, &book, &RUN).exits(0);
        assert!(is_cordoned(&api));
        // A claim alone is asked for again.
        let (api, book) = one(0..=0, "  - leave: { kube.delete-node: {} }\n");
        api.instead(0, says(code, words), false);
        go(&api, &book, &RUN).exits(0);
        assert!(api.store().object(&node_path("n")).is_null());
        // A deletion that is done is done.
        let (api, book) = one(0..=0, "  - leave: { kube.delete-node: {} }\n");
        api.instead(1, says(code, words), true);
        go(&api, &book, &RUN).exits(0);
    }
    // It never is.
    let (api, book) = one(0..=0, CORDON);
    (0..5).for_each(|time| api.instead(time, says(503, "starting"), false));
    go(&api, &book, &RUN).exits(3).tells(&["503", "asked 5 times", "does not have the change so far"]);
    assert!(!is_cordoned(&api));
    // A test that failed for no reason that can be seen, in whatever words and however often.
    let words = [
        "Testing value /metadata/annotations/palinode~1claim failed",
        "jsonpatch test operation does not apply: is missing path: /metadata/annotations/palinode~1claim",
        "Unable to remove nonexistent key: unschedulable",
    ];
    let (api, book) = one(0..=0, CORDON);
    words.iter().enumerate().for_each(|(number, words)| api.instead(number, says(500, words), false));
    go(&api, &book, &RUN).exits(0);
    assert!(is_cordoned(&api));
    // A server that has too much to do is asked again.
    let (api, book) = one(0..=0, CORDON);
    let busy = json!({ "kind": "Status", "status": "Failure", "code": 429, "message": "too many requests" });
    api.instead(0, Reply::With(429, ("Retry-After", "1".to_owned()), busy), false);
    go(&api, &book, &RUN).exits(0);
    // What is not valid is no conflict.
    let (api, book) = one(0..=0, CORDON);
    let invalid = json!({ "kind": "Status", "status": "Failure", "code": 422, "reason": "Invalid", "message": "Node \"n\" is invalid",
        "details": { "causes": [{ "field": "metadata.labels", "message": "bad" }] } });
    api.instead(0, Reply::Says(422, invalid), false);
    let out = go(&api, &book, &RUN).exits(3).tells(&["is invalid"]);
    assert!(!out.to_string().contains("someone else"), "{out}");
}

#[test]
fn objects_are_looked_at_after_an_answer_that_tells_nothing() {
    let object = "{ api: apps/v1, kind: Deployment, namespace: shop, name: front }";
    let path = "/apis/apps/v1/namespaces/shop/deployments/front";
    let patch = format!("  - it: {{ kube.patch: {{ object: {object}, merge: {{ spec: {{ replicas: 3 }} }} }} }}\n");
    let delete = format!("  - it: {{ kube.delete: {{ object: {object} }} }}\n");
    let made = |steps: &str| {
        let (api, book) = one(LAG, steps);
        let front = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "front", "namespace": "shop" },
            "spec": { "replicas": 1 }, "status": {} });
        api.store().put(path, front);
        (api, book)
    };
    for code in [500, 503, 504] {
        for steps in [&patch, &delete] {
            let (api, book) = made(steps);
            api.instead(0, says(code, "slow"), true);
            go(&api, &book, &RUN).exits(0);
            assert_eq!(api.writes().len(), 1, "{code}");
            // And on the way back.
            api.instead(0, says(code, "slow"), true);
            let out = go(&api, &book, &UNDO);
            assert!(matches!(out.code, Some(0 | 6)), "{out}");
            assert_eq!(api.writes().len(), 2, "{code}");
            assert_eq!(api.store().object(path)["spec"]["replicas"], 1);
        }
        for steps in [&patch, &delete] {
            let (api, book) = made(steps);
            api.instead(0, says(code, "slow"), false);
            go(&api, &book, &RUN).exits(0);
            assert_eq!(api.writes().len(), 2, "{code}");
        }
    }
    let (api, book) = made(&patch);
    (0..5).for_each(|time| api.instead(time, says(503, "starting"), false));
    go(&api, &book, &RUN).exits(3).tells(&["503", "asked 5 times", "does not have the change so far"]);
    for steps in [&patch, &delete] {
        let (api, book) = made(steps);
        api.instead(0, says(429, "too many requests"), false);
        go(&api, &book, &RUN).exits(0);
    }
    // A conflict about the very object that was meant is tried again.
    let (api, book) = made(&delete);
    api.instead(0, says(409, "the object has been modified"), false);
    go(&api, &book, &RUN).exits(0);
}

/// The last outcome that a journal has of a step.
#[track_caller]
pub(crate) fn outcome(book: &Desk, step: &str) -> Value {
    let log = book.run(&["log", "-o", "json"]).exits(0).value();
    let all = log.as_array().cloned().unwrap_or_default();
    let mut outcomes = all.iter().filter_map(|entry| entry.pointer("/entry/event/Outcome"));
    outcomes.rfind(|outcome| outcome["step"] == step).cloned().expect("it has an outcome")
}

const DRAIN: &str =
    "  - cordon: { kube.cordon: {} }\n  - drain: { kube.drain: { emptydir: refuse, bare: delete, timeout: 30s } }\n";

#[test]
fn a_drain_that_evicted_is_never_told_as_harmless() {
    // A pod with data of its own appears after the first eviction.
    let (api, book) = one(0..=0, DRAIN);
    api.store().place("web", "n", &json!({}));
    api.before_change(1, |store| store.place("late", "n", &json!({ "volumes": [{ "name": "d", "emptyDir": {} }] })));
    let out = go(&api, &book, &RUN).exits(3).tells(&["emptyDir", "1 pod evicted before"]);
    assert!(!out.to_string().contains("nothing was changed"), "{out}");
    assert_eq!(outcome(&book, "n/drain")["why"], "partial");
    assert!(api.store().object(&pod_path("web")).is_null());
    // The way back tells what is lost.
    let back = go(&api, &book, &UNDO).exits(6);
    assert!(back.to_string().contains("web"), "{back}");
    // Nothing was evicted: nothing is lost.
    let (api, book) = one(0..=0, DRAIN);
    api.store().place("late", "n", &json!({ "volumes": [{ "name": "d", "emptyDir": {} }] }));
    go(&api, &book, &RUN).exits(3).tells(&["emptyDir", "nothing was evicted"]);
    go(&api, &book, &UNDO).exits(0);
}

#[test]
fn what_was_refused_has_no_image_of_what_others_did() {
    // Somebody labels the node just before the change is refused, in every way that a change can be refused.
    let refusals = [
        says(400, "bad"),
        says(403, "forbidden"),
        says(404, "not found"),
        says(413, "too large"),
        says(422, "does not fit"),
        says(409, "changed"),
    ];
    for refusal in refusals {
        let (api, book) = one(0..=0, CORDON);
        api.instead(0, refusal.clone(), false);
        api.before_change(0, |store| {
            store.merge(&node_path("n"), &json!({ "spec": { "unschedulable": true } }));
        });
        go(&api, &book, &RUN).exits(3);
        let ended = outcome(&book, "n/cordon").to_string();
        assert!(!ended.contains("node/n@cluster"), "{refusal:?}: {ended}");
        go(&api, &book, &UNDO);
        assert_eq!(api.store().object(&node_path("n"))["spec"]["unschedulable"], true, "{refusal:?}");
    }
}

#[test]
fn what_somebody_changed_since_the_first_attempt_is_not_written_over() {
    let (api, book) = one(0..=0, LABEL);
    (0..5).for_each(|time| api.instead(time, says(503, "starting"), false));
    go(&api, &book, &RUN).exits(3);
    api.store().merge(&node_path("n"), &json!({ "metadata": { "labels": { "zone": "theirs" } } }));
    go(&api, &book, &["retry", "n/label"]);
    go(&api, &book, &["resume"])
        .exits(3)
        .tells(&["someone else set label zone of node n to theirs since it was looked at"]);
    assert_eq!(api.store().object(&node_path("n"))["metadata"]["labels"]["zone"], "theirs");
}

/// Which host stands first in the plan says nothing of which was first.
#[test]
fn an_object_that_hosts_changed_side_by_side_goes_back_to_what_the_first_of_them_found() {
    let path = |name: &str| format!("/api/v1/namespaces/shop/configmaps/{name}");
    let map = |name: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": "shop" }, "data": { "by": "nobody" } });
    let object = |name: &str| format!("{{ api: v1, kind: ConfigMap, namespace: shop, name: {name} }}");
    let steps = format!(
        "  - turn: {{ kube.wait: {{ object: {}, until: exists, timeout: 30s }} }}\n\
         \x20 - it: {{ kube.patch: {{ object: {}, merge: {{ data: {{ by: '{{{{ host }}}}' }} }} }} }}\n",
        object("'go-{{ host }}'"),
        object("map")
    );
    for (first, last) in [("a", "b"), ("b", "a")] {
        let api = FakeApi111::new(Chance::new(7), 0..=0);
        for name in ["a", "b"] {
            api.store().register(name);
        }
        let go_on = format!("go-{last}");
        api.store().put(&path("map"), map("map"));
        api.store().put(&path(&format!("go-{first}")), map(&format!("go-{first}")));
        let made = map(&go_on);
        let at = path(&go_on);
        api.before_change(0, move |store| drop(store.put(&at, made)));
        let book = desk(&["a".to_owned(), "b".to_owned()], 2, &steps);
        go(&api, &book, &RUN).exits(0);
        assert_eq!(api.store().object(&path("map"))["data"]["by"], last);
        go(&api, &book, &UNDO).exits(0);
        assert_eq!(api.store().object(&path("map"))["data"]["by"], "nobody", "{first} was first");
        book.run(&["replay", "--strict"]).exits(0);
    }
}
