//! `palinode doctor --cluster`: what would keep a run from working is told before it is begun, and nothing is changed.

use palinode_tests::binary::{Desk, Out};
use palinode_tests::chance::Chance;
use palinode_tests::cluster::{Cluster, kubeconfig};
use palinode_tests::fake_api::{FakeApi, Reply};
use palinode_tests::fake_api_1_11::FakeApi111;
use serde_json::{Value, json};
use std::path::Path;

fn look(kubeconfig: &Path, desk: &Desk, more: &[&str]) -> Out {
    let kubeconfig = kubeconfig.display().to_string();
    desk.run(&[&["--kubeconfig", &kubeconfig, "doctor", "--cluster"], more].concat())
}

/// What was found about something, in one line each.
fn about(out: &Out, what: &str) -> Vec<(String, String)> {
    let found = out.value()["findings"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    found.iter().filter(|row| row["about"] == what).map(|row| (text(&row["level"]), text(&row["what"]))).collect()
}

#[test]
fn a_server_of_today_is_well_and_who_may_nothing_is_told_what_is_lacking() {
    let Some(cluster) = Cluster::find("kube: doctor") else { return };
    cluster.node("doctor", &[]);
    let desk = Desk::new();
    let out = look(&cluster.kubeconfig(), &desk, &[]).exits(0);
    out.says(&["good    version   v1.20", "enough for cordon, label, taint; drain; delete-node", "well: nothing"]);
    let out = look(&cluster.kubeconfig(), &desk, &["-o", "json"]).exits(0);
    assert_eq!(out.value()["well"], true, "{out}");
    let clock = &about(&out, "clock")[0];
    assert!(clock.0 == "good" && clock.1.contains("of this machine"), "{clock:?}");
    let off = out.value()["facts"]["clock_us"]["ahead"].as_i64().expect("a clock").abs();
    assert!(off < 1_500_000, "the server is this machine: {off}");
    let cannot = about(&out, "cannot");
    assert!(cannot.iter().any(|(_, what)| what.contains("no policy/v1 (1.21 has it)")), "{cannot:?}");
    assert!(!cannot.iter().any(|(_, what)| what.contains("dry run")), "{cannot:?}");
    // Nothing was claimed or changed by that.
    assert_eq!(cluster.node_now("doctor")["metadata"]["annotations"]["palinode/claim"], Value::Null);
    assert!(!desk.path().join(".palinode").exists());

    let out = look(&cluster.kubeconfig_of("poor"), &desk, &["-o", "json"]).exits(1);
    let rights = about(&out, "rights");
    let broken: Vec<_> = rights.iter().filter(|(level, _)| level == "broken").collect();
    assert!(broken.iter().any(|(_, what)| what.contains("may not get nodes, patch nodes")), "{rights:?}");
    assert!(broken.iter().any(|(_, what)| what.contains("create pods/eviction")), "{rights:?}");
    assert!(rights.iter().any(|(level, what)| level == "note" && what.contains("get pods/exec")), "{rights:?}");
    look(&cluster.kubeconfig_of("stranger"), &desk, &[]).exits(1).says(&[
        "BROKEN  reached",
        "401",
        "a run would not work there",
    ]);
}

#[test]
fn a_server_of_1_11_is_told_what_it_cannot_do() {
    let api = FakeApi111::new(Chance::new(7), 50..=50);
    api.store().register("n");
    api.store().register("m");
    api.store().merge("/api/v1/nodes/m", &json!({ "spec": { "unschedulable": true } }));
    let desk = Desk::new();
    let out = look(&api.kubeconfig(), &desk, &["-o", "json"]).exits(0);
    let cannot: Vec<String> = about(&out, "cannot").into_iter().map(|(_, what)| what).collect();
    for words in ["no policy/v1", "no dry run by the server", "no server-side apply", "patches what it remembers"] {
        assert!(cannot.iter().any(|what| what.contains(words)), "{words}: {cannot:?}");
    }
    assert!(about(&out, "nodes")[0].1.ends_with("; cordoned: m"), "{out}");
    assert!(api.writes().is_empty());
    // A claim is told with whose it is.
    let kubeconfig = api.kubeconfig().display().to_string();
    desk.write("hosts", "[nodes]\nn\n");
    desk.write("book.yml", "runbook: book\nhosts: { group: nodes }\neach_host:\n  - cordon: { kube.cordon: {} }\n  - drain: { kube.drain: { timeout: 1s } }\n");
    api.store().place("stays", "n", &json!({}));
    desk.run(&["--kubeconfig", &kubeconfig, "run", "./book.yml", "-i", "hosts", "--yes"]).exits(3);
    let own = look(&api.kubeconfig(), &desk, &["-o", "json"]).exits(0);
    assert!(about(&own, "claims")[0].1.contains("n claimed by the journal here: run"), "{own}");
    let other = look(&api.kubeconfig(), &Desk::new(), &[]).exits(0);
    other.says(&["claimed by another journal: run", "--take-over"]);
}

#[test]
fn a_clock_that_is_off_and_a_server_without_evictions_are_told() {
    let api = FakeApi::new(|asked| {
        let date = ("date", "Mon, 02 Mar 2020 08:00:00 GMT".to_owned());
        match asked.path.split('?').next().unwrap_or_default() {
            "/version" => Reply::With(200, date, json!({ "gitVersion": "v1.11.0+d4cacc0" })),
            "/api/v1" => Reply::Says(200, json!({ "resources": [] })),
            "/apis" => Reply::Says(200, json!({ "groups": [] })),
            _ => Reply::Says(200, json!({ "items": [] })),
        }
    });
    let desk = Desk::new();
    look(&api.kubeconfig(), &desk, &[]).exits(1).says(&["note    clock", "behind of this machine", "BROKEN  cannot"]);
    let out = look(&api.kubeconfig(), &desk, &["-o", "json"]).exits(1);
    let cannot: Vec<String> = about(&out, "cannot").into_iter().map(|(_, what)| what).collect();
    for words in ["it has no evictions", "`approve-csr` is refused", "no apps/v1", "does not tell rights"] {
        assert!(cannot.iter().any(|what| what.contains(words)), "{words}: {cannot:?}");
    }
}

#[test]
fn a_cluster_that_cannot_be_reached_is_told_as_such() {
    let desk = Desk::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    desk.write("kubeconfig", kubeconfig(&format!("https://{free}"), "token"));
    let out = look(Path::new("kubeconfig"), &desk, &[]).exits(2);
    out.says(&["BROKEN  reached", "does not answer", "kubectl version", "could not be looked at"]);
    let out = look(Path::new("kubeconfig"), &desk, &["-o", "json"]).exits(2);
    assert_eq!((out.value()["well"].clone(), out.value()["reached"].clone()), (json!(false), json!(false)));
    look(Path::new("nothing"), &desk, &[]).exits(2).says(&["could not be looked at"]);
    desk.run(&["doctor", "--cluster", "gluster1.demo"]).exits(2);
}
