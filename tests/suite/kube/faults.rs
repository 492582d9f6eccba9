//! What the API server may answer, or not: each with an outcome and words of its own, nothing asked again behind the
//! operator's back, nothing for ever. And the shapes of old versions.

use crate::kube::nodes::{DRAIN, desk};
use palinode_tests::binary::{Desk, Out};
use palinode_tests::fake_api::{Asked, FakeApi, Reply};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// A cluster of one node, as small as can be.
struct Small {
    version: &'static str,
    /// The version of evictions; none if the server has none.
    evictions: Option<&'static str>,
    node: Value,
    pods: Vec<Value>,
    /// What is answered to changes, before it goes on as usual; and whether they happen all the same.
    script: VecDeque<(Reply, bool)>,
    /// Whether the last of them is answered for ever.
    for_ever: bool,
}

fn pod(name: &str) -> Value {
    json!({
        "metadata": { "name": name, "namespace": "default", "uid": format!("uid-{name}") },
        "spec": { "nodeName": "n" }, "status": { "phase": "Running" },
    })
}

impl Small {
    fn new() -> Self {
        Self {
            version: "v1.11.0+d4cacc0",
            evictions: Some("v1beta1"),
            node: json!({
                // As 1.11 tells it, with a field that later versions do not have.
                "metadata": { "name": "n", "uid": "node-uid", "resourceVersion": "1", "labels": {}, "annotations": {} },
                "spec": { "externalID": "n" },
                "status": { "conditions": [{ "type": "Ready", "status": "True" }], "nodeInfo": {} },
            }),
            pods: vec![pod("web")],
            script: VecDeque::new(),
            for_ever: false,
        }
    }

    fn scripted(script: impl IntoIterator<Item = (Reply, bool)>) -> Self {
        Self { script: script.into_iter().collect(), ..Self::new() }
    }

    fn always(reply: Reply) -> Self {
        Self { for_ever: true, ..Self::scripted([(reply, false)]) }
    }

    fn api(mut self) -> FakeApi {
        FakeApi::new(move |asked| self.answer(asked))
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        let path = asked.path.split('?').next().unwrap_or_default();
        // A claim is none of the changes that the scripts are about.
        let is_claim =
            asked.body.to_string().contains("claim\",\"value") && !asked.body.to_string().contains("unschedulable");
        if asked.writes() && !is_claim {
            let next = if self.for_ever { self.script.front().cloned() } else { self.script.pop_front() };
            if let Some((reply, happens)) = next {
                if happens {
                    self.change(asked, path);
                }
                return reply;
            }
        }
        if asked.writes() {
            return self.change(asked, path);
        }
        match path {
            "/version" => Reply::Says(200, json!({ "gitVersion": self.version })),
            "/api/v1" => {
                let evictions = self.evictions.map(|version| {
                    json!({ "name": "pods/eviction", "kind": "Eviction", "group": "policy", "version": version })
                });
                Reply::Says(200, json!({ "resources": evictions.into_iter().collect::<Vec<_>>() }))
            }
            "/api/v1/nodes/n" => Reply::Says(200, self.node.clone()),
            "/api/v1/pods" => Reply::Says(200, json!({ "items": self.pods })),
            "/apis/apps/v1/daemonsets" => Reply::Says(200, json!({ "items": [] })),
            _ => {
                Reply::Says(404, json!({ "kind": "Status", "status": "Failure", "code": 404, "message": "not found" }))
            }
        }
    }

    /// Changes what is there.
    fn change(&mut self, asked: &Asked, path: &str) -> Reply {
        if path.ends_with("/eviction") {
            self.pods.clear();
            return Reply::With(
                201,
                ("Audit-ID", "audit-1".to_owned()),
                json!({ "kind": "Status", "status": "Success" }),
            );
        }
        for step in asked.body.as_array().into_iter().flatten() {
            let (op, at) = (step["op"].as_str().unwrap_or_default(), step["path"].as_str().unwrap_or_default());
            let now = self.node.pointer(at).cloned();
            let (up, name) = at.rsplit_once('/').unwrap_or_default();
            let name = name.replace("~1", "/");
            let Some(Value::Object(inside)) = self.node.pointer_mut(up) else { return Reply::Says(422, json!({})) };
            match op {
                "test" if now.as_ref() == Some(&step["value"]) => {}
                "add" => {
                    inside.insert(name, step["value"].clone());
                }
                "remove" if now.is_some() => {
                    inside.remove(&name);
                }
                _ => return Reply::Says(422, json!({ "message": "the patch does not fit" })),
            }
        }
        Reply::Says(200, self.node.clone())
    }
}

fn go(api: &FakeApi, desk: &Desk, args: &[&str]) -> Out {
    let kubeconfig = api.kubeconfig().display().to_string();
    let mut all = vec!["--kubeconfig", &kubeconfig];
    all.extend(args);
    desk.run(&all)
}

const RUN: [&str; 5] = ["run", "./book.yml", "-i", "hosts", "--yes"];

fn evictions(api: &FakeApi) -> Vec<Asked> {
    api.writes().into_iter().filter(|asked| asked.path.ends_with("/eviction")).collect()
}

fn says(code: u16, message: &str) -> Reply {
    Reply::Says(code, json!({ "kind": "Status", "status": "Failure", "code": code, "message": message }))
}

fn budget() -> Reply {
    let details = json!({ "causes": [{ "reason": "DisruptionBudget", "message": "needs 1" }] });
    Reply::Says(429, json!({ "kind": "Status", "message": "Cannot evict pod", "details": details }))
}

/// A drain that ends well in the end: how often the pod was evicted, and what the log says on the way.
#[track_caller]
fn drains(what: &str, small: Small, evicted: usize, word: &str) {
    let (api, desk) = (small.api(), desk(&["n"], DRAIN));
    let out = go(&api, &desk, &RUN).exits(0);
    assert_eq!(evictions(&api).len(), evicted, "{what}: {out}");
    let log = desk.run(&["log", "--kind", "progress"]).exits(0);
    assert!(log.stdout.contains(word), "{what}: `{word}` is missing: {log}");
}

/// One that does not.
#[track_caller]
fn stops(what: &str, small: Small, evicted: usize, words: &[&str]) {
    let (api, desk) = (small.api(), desk(&["n"], DRAIN));
    go(&api, &desk, &RUN).exits(3).tells(words);
    assert_eq!(evictions(&api).len(), evicted, "{what}");
}

/// The cordon comes first, and passes.
fn then(replies: impl IntoIterator<Item = (Reply, bool)>) -> Small {
    let cordon = json!({
        "metadata": { "name": "n", "uid": "node-uid", "resourceVersion": "2", "labels": {}, "annotations": {} },
        "spec": { "unschedulable": true },
    });
    Small::scripted(std::iter::once((Reply::Says(200, cordon), true)).chain(replies))
}

#[test]
fn a_refusal_that_may_pass_is_told_and_asked_again_in_the_open() {
    drains("a budget", then([(budget(), false)]), 2, "evict pod/default/web@cluster: 429 Cannot evict pod");
    let busy = Reply::With(429, ("Retry-After", "1".to_owned()), json!({ "message": "slow down" }));
    drains("too many requests", then([(busy, false)]), 2, "429 slow down");
    drains("an error", then([(says(500, "etcd leader changed"), false)]), 2, "500 etcd leader changed");
    drains("not available", then([(says(503, "starting"), false)]), 2, "503 starting");
}

#[test]
fn the_same_refusal_is_on_the_screen_once_and_in_the_journal_each_time() {
    let (api, desk) = (then([(budget(), false), (budget(), false)]).api(), desk(&["n"], DRAIN));
    let out = go(&api, &desk, &RUN).exits(0);
    assert_eq!(out.stderr.matches("evict pod/default/web@cluster: 429").count(), 1, "{out}");
    let log = desk.run(&["log", "--kind", "progress"]).exits(0);
    assert_eq!(log.stdout.matches("429 Cannot evict pod").count(), 2, "{log}");
}

/// A conflict need not mean that another pod has its name: something else may have been in the way.
#[test]
fn a_pod_that_is_still_there_after_a_conflict_is_evicted_again() {
    drains("conflict", then([(says(409, "the object has been modified"), false)]), 2, "409 the object");
}

/// A claim is the journal's, whichever of its runs and processes wrote it.
#[test]
fn a_node_that_an_earlier_process_of_the_journal_claimed_is_changed_by_a_later_one() {
    let api = Small::scripted((0..5).map(|_| (says(500, "broken"), false))).api();
    let desk = desk(&["n"], "  - cordon: { kube.cordon: {} }\n");
    go(&api, &desk, &RUN).exits(3);
    // The words say since when.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    go(&api, &desk, &["retry", "n/cordon"]).exits(0);
    go(&api, &desk, &["resume"]).exits(0);
}

#[test]
fn what_may_have_happened_is_looked_at_before_it_is_asked_again() {
    drains("timed out, and done", then([(says(504, "timeout"), true)]), 1, "504 timeout");
    drains("timed out, and not done", then([(says(504, "timeout"), false)]), 2, "504 timeout");
    drains("cut, and done", then([(Reply::Cut, true)]), 1, "no answer");
    drains("cut, and not done", then([(Reply::Cut, false)]), 2, "no answer");
}

#[test]
fn a_server_that_hangs_is_not_waited_for_for_ever() {
    drains("hung, and done", then([(Reply::Hang, true)]), 1, "no answer");
}

#[test]
fn what_does_not_pass_stops_the_drain_with_its_reason() {
    let two = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    stops("two budgets", then([(says(500, two), false)]), 1, &["more than one disruption budget", "0 pods evicted"]);
    // The code of the answer is good, and what is in it is not.
    let inside = Reply::Says(201, json!({ "kind": "Status", "status": "Failure", "code": 500, "message": two }));
    stops("two budgets, told inside a good answer", then([(inside, false)]), 1, &["more than one disruption budget"]);
    stops("expired", then([(says(401, "Unauthorized"), false)]), 1, &["credentials", "401"]);
    stops("forbidden", then([(says(403, "no"), false)]), 1, &["forbids", "403"]);
    let errors = (0..9).map(|_| (says(500, "broken"), false));
    stops("errors only", then(errors), 5, &["5 times", "500", "broken"]);
}

#[test]
fn a_change_that_is_refused_is_not_made_again_and_one_that_nobody_told_of_five_times() {
    for (what, reply, words, times) in [
        // Nobody refused it: it is asked for again, as often as is told.
        ("error", says(500, "broken"), "500", 5),
        ("not available", says(503, "starting"), "503", 5),
        ("timeout", says(504, "slow"), "may be done", 5),
        ("forbidden", says(403, "no"), "403", 1),
        ("conflict", says(409, "changed"), "same fields", 1),
        ("does not fit", says(422, "test failed"), "same fields", 1),
    ] {
        let (api, desk) = (Small::always(reply).api(), desk(&["n"], "  - cordon: { kube.cordon: {} }\n"));
        let out = go(&api, &desk, &RUN).exits(3).tells(&[words]);
        let changes = api.writes().iter().filter(|asked| asked.body.to_string().contains("unschedulable")).count();
        assert_eq!(changes, times, "{what}: {out}");
    }
}

#[test]
fn a_change_that_nobody_answers_is_looked_at() {
    let changes = |api: &FakeApi| {
        let all = api.writes();
        all.iter().filter(|asked| asked.body.to_string().contains("unschedulable")).count()
    };
    // It happened: nothing is done again.
    let (api, done) = (Small::scripted([(Reply::Cut, true)]).api(), desk(&["n"], "  - cordon: { kube.cordon: {} }\n"));
    go(&api, &done, &RUN).exits(0);
    assert_eq!(changes(&api), 1);
    // It did not: it is done again, as a new attempt.
    let (api, again) =
        (Small::scripted([(Reply::Cut, false)]).api(), desk(&["n"], "  - cordon: { kube.cordon: {} }\n"));
    go(&api, &again, &RUN).exits(0);
    assert_eq!(changes(&api), 2);
    // Nobody ever answers: a person is asked in the end.
    let (api, never) = (Small::always(Reply::Cut).api(), desk(&["n"], "  - cordon: { kube.cordon: {} }\n"));
    go(&api, &never, &RUN).exits(3).tells(&["asked 4 times"]);
    assert_eq!(changes(&api), 4);
}

#[test]
fn evictions_are_written_in_the_version_that_the_server_has() {
    for (version, evictions_there) in [("v1.11.0+d4cacc0", Some("v1beta1")), ("v1.34.1", Some("v1"))] {
        let small = Small { version, evictions: evictions_there, ..then([]) };
        let (api, desk) = (small.api(), desk(&["n"], DRAIN));
        go(&api, &desk, &RUN).exits(0);
        let asked = evictions(&api);
        let wanted = format!("policy/{}", evictions_there.unwrap_or_default());
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].body["apiVersion"], wanted.as_str());
        assert_eq!(asked[0].body["deleteOptions"]["preconditions"]["uid"], "uid-web");
        // Nothing that an old server would take for the real thing, or does not know.
        for asked in api.asked() {
            assert!(!asked.path.contains("dryRun"), "{asked:?}");
            assert!(!asked.path.contains("fieldManager"), "{asked:?}");
        }
        let log = desk.run(&["log", "--kind", "progress"]).exits(0);
        log.says(&["(audit audit-1)"]);
    }
    let none = Small { evictions: None, ..then([]) };
    stops("no evictions", none, 0, &["knows no evictions"]);
}

#[test]
fn a_server_that_is_not_ready_to_say_what_it_is_is_asked_again() {
    for (code, times, exit) in [(503, 2, 0), (429, 2, 0), (500, 3, 1), (403, 1, 1)] {
        let (mut small, mut left) = (Small::new(), times);
        let api = FakeApi::new(move |asked| match asked.path.as_str() {
            "/version" if left > 0 => {
                left -= 1;
                says(code, "not now")
            }
            _ => small.answer(asked),
        });
        let desk = desk(&["n"], "  - cordon: { kube.cordon: {} }\n");
        let out = go(&api, &desk, &RUN).exits(exit);
        let hellos = api.asked().iter().filter(|asked| asked.path == "/version").count();
        assert_eq!(hellos, if exit == 0 { times + 1 } else { times }, "{code}: {out}");
    }
}

#[test]
fn a_plan_that_is_only_looked_at_changes_nothing() {
    let (api, desk) = (Small::new().api(), desk(&["n"], DRAIN));
    // Nobody agrees.
    let out = go(&api, &desk, &["run", "./book.yml", "-i", "hosts"]);
    assert!(out.code != Some(0), "{out}");
    assert!(api.writes().is_empty(), "{:?}", api.writes());
}

#[test]
fn a_run_is_not_continued_on_another_cluster() {
    let (api, desk) = (Small::always(says(500, "broken")).api(), desk(&["n"], DRAIN));
    go(&api, &desk, &RUN).exits(3);
    let other = Small::new().api();
    go(&other, &desk, &["retry", "n/cordon"]).exits(0);
    go(&other, &desk, &["resume"]).exits(2).tells(&["not the cluster of run", "--context"]);
    assert!(other.writes().is_empty());
    let show = desk.run(&["log", "-o", "json"]).exits(0);
    show.says(&["v1.11.0+d4cacc0"]);
}

#[test]
fn what_makes_no_sense_is_an_error() {
    let shapes = [json!([]), json!("text"), json!(1), json!({ "items": [1, "x", []] }), json!({ "metadata": [] })];
    for shape in shapes {
        let answer = shape.clone();
        let api = FakeApi::new(move |asked| match asked.path.as_str() {
            "/version" => Reply::Says(200, json!({ "gitVersion": "v1.11.0\u{1b}[2J" })),
            _ => Reply::Says(200, answer.clone()),
        });
        let steps = "  - cordon: { kube.cordon: {} }\n  - drain: { kube.drain: { bare: delete } }\n  - join: { kube.approve-csr: { timeout: 1s } }\n";
        let desk = desk(&["n"], steps);
        let out = go(&api, &desk, &RUN);
        assert!(matches!(out.code, Some(1 | 3 | 4)), "{shape}: {out}");
    }
}

#[test]
fn two_nodes_that_could_be_a_host_are_one_too_many() {
    let node = |name: &str| json!({ "metadata": { "name": name, "labels": { "kubernetes.io/hostname": "n.demo" } }, "status": { "addresses": [] } });
    let nodes = vec![node("ip-10-0-0-1"), node("ip-10-0-0-2")];
    let api = FakeApi::new(move |asked| match asked.path.split('?').next() {
        Some("/version") => Reply::Says(200, json!({ "gitVersion": "v1.11.0" })),
        Some("/api/v1/nodes") => Reply::Says(200, json!({ "items": nodes })),
        _ => says(404, "not found"),
    });
    let desk = desk(&["n.demo"], DRAIN);
    let out = go(&api, &desk, &RUN);
    assert!(out.code == Some(1) && out.stderr.contains("kubectl get nodes"), "{out}");
    assert!(
        out.stderr.contains("2 nodes could be n.demo") && out.stderr.contains("openshift_kubelet_name_override"),
        "{out}"
    );
    assert!(api.writes().is_empty());
}
