//! `rollback --dry-run` looks at the API as the rollback would: what someone changed since is named with both values, and
//! nothing is asked to change.

use palinode_tests::binary::{Desk, Out};
use palinode_tests::chance::Chance;
use palinode_tests::cluster::Cluster;
use palinode_tests::fake_api_1_11::FakeApi111;
use serde_json::{Value, json};
use std::path::Path;

fn go(kubeconfig: &Path, desk: &Desk, args: &[&str]) -> Out {
    let kubeconfig = kubeconfig.display().to_string();
    desk.run(&[&["--kubeconfig", &kubeconfig], args].concat())
}

const DRY: [&str; 2] = ["rollback", "--dry-run"];

#[test]
fn what_someone_changed_of_a_node_or_an_object_is_named_with_both_values() {
    let Some(cluster) = Cluster::find("kube: foresee") else { return };
    cluster.node("foresee", &[("zone", "a")]);
    cluster.namespace("foresee");
    let maps = "/api/v1/namespaces/foresee/configmaps";
    cluster.hand().make(maps, &json!({ "metadata": { "name": "map" }, "data": { "a": "1" } }));
    let desk = Desk::new();
    let run = |args: &[&str]| go(&cluster.kubeconfig_of("one"), &desk, args);
    let changes = || {
        let verbs = ["patch", "update", "create", "delete"];
        let reviews = |event: &Value| event["objectRef"]["resource"] == "selfsubjectaccessreviews";
        let own = |event: &&Value| event["user"]["username"] == "one" && !reviews(event);
        let changes = |event: &&Value| verbs.contains(&event["verb"].as_str().unwrap_or_default());
        cluster.audit().iter().filter(own).filter(changes).count()
    };
    run(&["exec", "foresee", "label", "zone=b"]).exits(0);
    let (journal, before) = (desk.files(".palinode"), changes());
    run(&DRY).exits(0).says(&["as it was last recorded, in 1 step"]);
    cluster.hand().merge(
        "/api/v1/nodes/foresee",
        &json!({ "metadata": { "labels": { "zone": "c", "new": "x" } }, "spec": { "unschedulable": true } }),
    );
    let out = run(&DRY).exits(0);
    out.clone().says(&[
        "node/foresee@cluster is not as it was last recorded, so the rollback would stop at undo/foresee/kube.patch-node",
    ]);
    let mut behind = out.stdout.lines().skip_while(|line| !line.contains("is not as it was last recorded")).skip(1);
    let what = behind.next().unwrap_or_default();
    for word in ["cordoned", "zone", " b", " c", "new", " x"] {
        assert!(what.contains(word), "{word}: {out}");
    }
    assert_eq!((desk.files(".palinode"), changes()), (journal, before), "nothing was changed or recorded");
    run(&["undo", "@", "--yes"]).exits(3);
    run(&["exec", "configmap/map", "-n", "foresee", "patch", "{data: {a: \"2\"}}"]).exits(0);
    run(&DRY).exits(0).says(&["as it was last recorded"]);
    cluster.hand().merge(&format!("{maps}/map"), &json!({ "data": { "a": "3" } }));
    run(&DRY).exits(0).says(&["is not as it was last recorded", "content"]);
    // Of another who may not look or change, what would refuse the rollback is told.
    go(&cluster.kubeconfig_of("poor"), &desk, &DRY).exits(0).says(&["it would not begin: these credentials may not"]);
    // A server that is gone.
    desk.write("gone", palinode_tests::cluster::kubeconfig("https://127.0.0.1:1", "token"));
    let out = go(Path::new("gone"), &desk, &DRY).exits(0);
    out.says(&["This is a preview", "not looked at"]);
}

#[test]
fn a_node_that_another_journal_has_is_told_beforehand() {
    let api = FakeApi111::new(Chance::new(7), 50..=50);
    api.store().register("n");
    let (desk, other) = (Desk::new(), Desk::new());
    go(&api.kubeconfig(), &desk, &["exec", "n", "cordon"]).exits(0);
    api.store().place("stays", "n", &json!({}));
    other.write("hosts", "[nodes]\nn\n");
    let steps = "  - cordon: { kube.cordon: {} }\n  - drain: { kube.drain: { timeout: 1s } }\n";
    other.write("book.yml", format!("runbook: book\nhosts: {{ group: nodes }}\neach_host:\n{steps}"));
    go(&api.kubeconfig(), &other, &["run", "./book.yml", "-i", "hosts", "--yes"]).exits(3);
    let before = api.writes().len();
    let out = go(&api.kubeconfig(), &desk, &DRY).exits(0);
    out.says(&["it would not begin: n is claimed by another journal: run", "as it was last recorded, in 1 step"]);
    assert_eq!(api.writes().len(), before);
    go(&api.kubeconfig(), &desk, &["undo", "@", "--yes"]).exits(9);
}
