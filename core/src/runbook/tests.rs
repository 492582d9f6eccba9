//! Runbooks: what is read, and that every mistake gets a place, a reason and a next step.

use super::*;
use crate::inventory::model::Reading;
use crate::run::plan::{LaneKind, Work};
use std::sync::Arc;

const INVENTORY: &str = "[gluster]\ng1.demo\ng2.demo\ng3.demo\n\n[bad]\n\"a;reboot\"\n[esc]\na\u{1b}]2J\n[ranged]\nr[1:3].demo\nr2.demo\n[taken]\ncontrol\n[none]\n";

fn given() -> Given {
    let reading = Reading::of_text("/tmp/hosts", INVENTORY.as_bytes()).expect("it is good");
    Given { inventory: Some(("/tmp/hosts".to_owned(), Arc::new(reading))), ..Given::default() }
}

fn plan(text: &str, given: &Given) -> Result<crate::run::plan::Plan, Vec<Finding>> {
    Runbook::parse(text).and_then(|runbook| runbook.expand(given))
}

const GOOD: &str = "\
runbook: demo
parameters: { units: { default: [crio, docker] }, version: { default: '3.10' } }
hosts: { group: gluster, serial: 50% }
preflight:
  - put-back: { package.restorable: { names: [docker] } }
each_host:
  - cordon: { kube.cordon: {} }
  - stop: { service: { units: \"{{ units }}\", state: stopped } }
  - name:
      file.read: { path: /etc/x, key: NAME }
      capture: found
  - drop: { kube.delete: { namespace: n, name: \"{{ found }}\" }, when: \"{{ found }} == 'x-{{ version }}'\" }
  - back: { restore: { step: cordon, fields: [unschedulable] } }
after:
  - tidy: { inventory.edit: { edits: [ { unset_host_var: { host: g1.demo, name: x } } ] } }
";

#[test]
fn a_runbook_becomes_steps_with_stable_paths() {
    let plan = plan(GOOD, &given()).expect("a good runbook");
    let paths: Vec<&str> = plan.steps.iter().map(|step| step.path.as_str()).collect();
    assert_eq!(
        &paths[..4],
        ["preflight/g1.demo/put-back", "preflight/g2.demo/put-back", "preflight/g3.demo/put-back", "g1.demo/cordon"]
    );
    let stop = plan.steps.iter().find(|step| step.path.as_str() == "g2.demo/stop").expect("one step for all units");
    let Work::Act(crate::action::Action::Service(stop)) = &stop.work else { unreachable!("{:?}", stop.work) };
    assert_eq!(stop.names().collect::<Vec<_>>(), ["crio", "docker"]);
    assert_eq!(paths.last(), Some(&"after/tidy"));
    assert_eq!(plan.serial, 1, "half of three hosts, rounded down");
    assert_eq!(plan.lanes.len(), 5);
    assert_eq!(plan.lanes[0].kind, LaneKind::First);
    let drop = plan.steps.iter().find(|step| step.path.as_str() == "g1.demo/drop").expect("the step");
    assert_eq!(drop.when.as_ref().map(|when| when.right.as_str()), Some("x-3.10"));
    assert!(
        matches!(&drop.work, Work::Act(crate::action::Action::DeleteObject(object)) if object.name == "{{ found }}")
    );
    let (bytes, digest) = plan.encode().expect("encodes");
    assert_eq!(crate::run::plan::Plan::decode(&bytes).expect("decodes"), plan);
    assert_eq!(crate::record::plan_digest(&bytes), digest);
}

#[test]
fn a_wait_takes_the_timeout_of_its_step() {
    let head =
        "runbook: demo\nhosts: { group: gluster }\npreflight:\n  - a: { wait: { unit: dnsmasq }, timeout: 20s }\n";
    let plan = plan(&format!("{head}  - b: {{ wait: {{ for: 30s }} }}\n"), &given()).expect("a good runbook");
    let waits: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.work {
            Work::Act(crate::action::Action::Wait(wait)) => Some((wait.what(), wait.timeout.to_string())),
            _ => None,
        })
        .collect();
    use crate::action::Awaited;
    assert_eq!(waits[0], (Some(Awaited::Unit("dnsmasq")), "20s".to_owned()));
    assert_eq!(waits[3], (Some(Awaited::Time(crate::span::Span::seconds(30))), "5m".to_owned()));
}

#[test]
fn a_file_with_a_content_is_written() {
    let text = "runbook: demo\nhosts: { group: gluster }\neach_host:\n  - a: { file: { path: /etc/x, content: \"{{ host }}\\n\" } }\n";
    let plan = plan(text, &given()).expect("a good runbook");
    let Work::Act(crate::action::Action::FileWrite(file)) = &plan.steps[0].work else {
        unreachable!("{:?}", plan.steps[0].work)
    };
    assert_eq!((file.path.as_str(), file.content.as_str()), ("/etc/x", "g1.demo\n"));
}

#[test]
fn every_mistake_has_a_place_a_reason_and_a_next_step() {
    let head = "runbook: demo\nhosts: { group: gluster }\neach_host:\n";
    let step = |line: &str| format!("{head}  - a: {line}\n");
    let table: Vec<(String, u32, &str)> = vec![
        (step("{ kube.cordn: {} }"), 4, "unknown action `kube.cordn`"),
        (step("{ kube.cordon: { x: 1 } }"), 4, "unknown key `x`"),
        (step("{ kube.drain: { timeout: soon } }"), 4, "expected a span of time"),
        (step("{ kube.drain: { timout: 5m } }"), 4, "unknown key `timout`"),
        (step("{ service: { unit: [a], state: stopped } }"), 4, "expected text, found a list"),
        (step("{ service: { unit: crio, state: sleeping } }"), 4, "unknown value `sleeping`"),
        (step("{ wait: { port: 22, unit: a } }"), 4, "one of"),
        (step("{ reboot: {}, timeout: 1m }"), 4, "does not fit here"),
        (step("{ file: { path: /etc/x, content: a, mode: rw } }"), 4, "octal"),
        (step("{ file: { path: /etc/x, state: absent } }"), 4, "unknown key `path`"),
        (step("{ service: { units: [], state: stopped } }"), 4, "its list is empty"),
        (step("{ service: { units: [a, b, a], state: stopped } }"), 4, "`a` stands twice"),
        (step("{ service: { unit: a, units: [b], state: stopped } }"), 4, "not both"),
        (step("{ service: { unit: '-rf', state: stopped } }"), 4, "begins with a dash"),
        (step("{ service: { unit: 'a;b', state: stopped } }"), 4, "contains `;`"),
        (step("{ file: { paths: [/], state: absent } }"), 4, "root directory"),
        (step("{ package: { names: [3.10], state: absent } }"), 4, "put it in quotes"),
        (step("{ kube.cordon: {}, kube.uncordon: {} }"), 4, "one action"),
        (step("{ kube.cordon: {}, undo_after: nowhere }"), 4, "no step `nowhere` stands before"),
        (step("{ kube.cordon: {}, when: 'maybe' }"), 4, "not one comparison"),
        (step("{ kube.delete: { namespace: n, name: '{{ nobody }}' } }"), 4, "neither a parameter nor captured"),
        (step("{ gate: { gluster.heald: {} } }"), 4, "unknown gate"),
        (step("{ gate: { gluster.healed: { host: g1.demo } } }"), 4, "unknown key `host`"),
        (step("{ gate: { gluster.healed: { vantage_points: 0 } } }"), 4, "at least 1"),
        (step("{ gate: { gluster.healed: { hosts: [g1.demo] } } }"), 4, "2 have to agree"),
        (step("{ gate: { gluster.healed: { hosts: [g1.demo, g1.demo] } } }"), 4, "g1.demo stands twice"),
        (step("{ gate: { gluster.healed: { hosts: [g1.demo, g9.demo] } } }"), 4, "does not name"),
        (step("{ gate: { gluster.healed: { volumes: ['a b'] } } }"), 4, "contains ` `"),
        (step("{ gate: { gluster.healed: { except: ['a b'] } } }"), 4, "contains ` `"),
        (step("{ gate: { gluster.healed: { volumes: [a], except: [b] } } }"), 4, "give one of them"),
        (step("{ gate: { gluster.healed: { emptied_percent: 101 } } }"), 4, "at most 100"),
        (step("{ gluster.heal: { volumes: ['$(x)'] } }"), 4, "contains `$`"),
        (step("{}"), 4, "has no action"),
        (format!("{head}  - a: {{ kube.cordon: {{}} }}\n  - a: {{ kube.cordon: {{}} }}\n"), 5, "stands twice"),
        (
            "runbook: demo\nhosts: { group: nobody }\neach_host: [ { a: { kube.cordon: {} } } ]\n".into(),
            2,
            "has no group `nobody`",
        ),
        ("runbook: demo\nhosts: { group: none }\neach_host: [ { a: { kube.cordon: {} } } ]\n".into(), 2, "is empty"),
        (
            "runbook: demo\nhosts: { group: taken }\neach_host: [ { a: { kube.cordon: {} } } ]\n".into(),
            2,
            "a word that Palinode uses",
        ),
        ("runbook: demo\nhosts: { group: bad }\neach_host: [ { a: { kube.cordon: {} } } ]\n".into(), 2, "names a host"),
        (
            "runbook: demo\nhosts: { group: gluster, serial: 0 }\neach_host: [ { a: { kube.cordon: {} } } ]\n".into(),
            2,
            "`serial`",
        ),
        ("runbook: demo\neach_host: [ { a: { kube.cordon: {} } } ]\n".into(), 1, "on which hosts"),
        ("runbook: demo\nhosts: { group: gluster }\nstages: []\n".into(), 3, "unknown key `stages`"),
        ("runbook: demo\nrunbook: demo\n".into(), 2, "duplicate"),
        ("runbook: [\n".into(), 0, "the YAML cannot be read"),
        (
            "runbook: demo\nhosts: { group: gluster }\npreflight: [ { a: { kube.cordon: {} } } ]\n".into(),
            3,
            "preflight only looks",
        ),
        ("runbook: demo\nhosts: { group: gluster }\nafter: [ { a: { kube.cordon: {} } } ]\n".into(), 3, "needs a host"),
    ];
    for (text, line, reason) in table {
        let findings = plan(&text, &given()).expect_err(&text);
        let finding = &findings[0];
        assert!(finding.what.contains(reason), "{text}\n{finding}");
        assert!(line == 0 || finding.at.line == line, "{text}\n{finding}");
        assert!(!finding.next.is_empty());
        assert!(!finding.to_string().chars().any(|c| c.is_control() && c != '\n'), "{finding:?}");
    }
}

#[test]
fn a_gate_asks_hosts_that_the_plan_then_reaches() {
    let text = "runbook: demo\nparameters: { storage: { default: [g2.demo, r1.demo] } }\nhosts: { group: gluster }\npreflight:\n  \
                - storage: { gluster.healed: { samples: 2, hosts: \"{{ storage }}\", volumes: [v] } }\n";
    let given = Given { only: vec!["g1.demo".to_owned()], ..given() };
    let plan = plan(text, &given).expect("a good runbook");
    let [step] = plan.steps.as_slice() else { unreachable!("one look for all hosts: {:?}", plan.steps) };
    let Work::Gate { gate, samples: 2, .. } = &step.work else { unreachable!("{:?}", step.work) };
    assert_eq!(gate.asks().len(), 2);
    let reached: Vec<&str> = plan.reached().into_iter().map(|host| host.as_str()).collect();
    assert_eq!(reached, ["g1.demo", "g2.demo", "r1.demo"]);
    // What says nothing is left out: a plan of an older version keeps its digest.
    let plain = serde_json::to_string(&crate::gate::Gate::gluster_healed(2)).expect("it encodes");
    assert_eq!(plain, r#"{"gluster.healed":{"vantage_points":2}}"#);
}

#[test]
fn a_range_names_its_hosts() {
    let text = "runbook: demo\nhosts: { group: ranged }\neach_host: [ { a: { kube.cordon: {} } } ]\n";
    let plan = Runbook::parse(text).expect("it can be read").expand(&given()).expect("it can be expanded");
    let host = |lane: &crate::run::plan::Lane| match &lane.kind {
        LaneKind::Host(host) => Some(host.to_string()),
        _ => None,
    };
    let hosts: Vec<String> = plan.lanes.iter().filter_map(host).collect();
    assert_eq!(hosts, ["r1.demo", "r2.demo", "r3.demo"]);
}

#[test]
fn parameters_and_hosts_are_checked_before_anything_else() {
    let with = |name: &str, value: &str| {
        let mut given = given();
        given.parameters.insert(name.to_owned(), value.to_owned());
        given
    };
    assert!(plan(GOOD, &with("verson", "3.11")).expect_err("unknown")[0].what.contains("no parameter `verson`"));
    assert!(plan(GOOD, &with("version", "3.11\u{1b}[2J")).expect_err("escape")[0].what.contains("control characters"));
    assert!(
        plan(GOOD, &with("version", "{{ version }}")).expect_err("template")[0].what.contains("control characters")
    );
    let only = Given { only: vec!["g9.demo".to_owned()], ..given() };
    assert!(plan(GOOD, &only).expect_err("host")[0].what.contains("no host `g9.demo`"));
    let esc = GOOD.replace("group: gluster", "group: esc");
    let finding = &plan(&esc, &given()).expect_err("escape")[0];
    assert!(!finding.what.contains('\u{1b}'), "{finding:?}");
    assert!(plan(GOOD, &Given::default()).expect_err("inventory")[0].next.contains("-i FILE"));
}

/// The one action of a runbook whose only step, before all hosts, is this.
fn only(step: &str) -> Result<crate::action::Action, Vec<Finding>> {
    let text = format!("runbook: demo\nhosts: {{ group: gluster }}\nbefore:\n  - it: {{ {step} }}\n");
    let plan = plan(&text, &given())?;
    let Work::Act(action) = &plan.steps[0].work else { unreachable!("{:?}", plan.steps[0].work) };
    Ok(action.clone())
}

#[test]
fn objects_are_written_as_maps_and_stored_as_text() {
    use crate::action::{Action, PatchObject, RemoveObject};
    use crate::resource::ObjectRef;
    let object = |api: &str, kind: &str, namespace: Option<&str>| ObjectRef {
        api: api.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: "web".to_owned(),
    };
    let set = object("apps/v1", "DaemonSet", Some("shop"));
    let named = "object: { api: apps/v1, kind: DaemonSet, namespace: shop, name: web }";
    let merge = r#"{"a":null,"spec":{"list":[1,"x",true],"z":"3.10"}}"#.to_owned();
    let patch = Action::PatchObject(PatchObject { object: set.clone(), merge, create: false });
    for written in [
        "{ spec: { z: '3.10', list: [1, x, true] }, a: null }",
        r#"'{ "spec": { "z": "3.10", "list": [1, "x", true] }, "a": null }'"#,
    ] {
        assert_eq!(only(&format!("kube.patch: {{ {named}, merge: {written} }}")), Ok(patch.clone()), "{written}");
    }
    let manifest =
        "apiVersion: security.openshift.io/v1, kind: SecurityContextConstraints, metadata: { name: web }, priority: 5";
    let merge = r#"{"apiVersion":"security.openshift.io/v1","kind":"SecurityContextConstraints","metadata":{"name":"web"},"priority":5}"#;
    let object_of = object("security.openshift.io/v1", "SecurityContextConstraints", None);
    let made = Action::PatchObject(PatchObject { object: object_of, merge: merge.to_owned(), create: true });
    assert_eq!(only(&format!("kube.apply: {{ manifest: {{ {manifest} }} }}")), Ok(made));
    assert_eq!(only(&format!("kube.delete: {{ {named} }}")), Ok(Action::RemoveObject(RemoveObject { object: set })));
    let map = only("kube.delete: { namespace: shop, name: web }");
    assert!(matches!(map, Ok(Action::DeleteObject(_))), "{map:?}");
}

#[test]
fn objects_of_the_wrong_shape_are_told_of_where_they_stand() {
    let named = "object: { api: apps/v1, kind: DaemonSet, namespace: shop, name: web }";
    let meta = "metadata: { namespace: shop, name: web }";
    for (step, words) in [
        (format!("kube.patch: {{ {named} }}"), "does not say what"),
        ("kube.patch: [1]".to_owned(), "takes an `object`"),
        (format!("kube.patch: {{ {named}, merge: [1] }}"), "not a list"),
        (format!("kube.patch: {{ {named}, merge: 'x: y' }}"), "or that as JSON"),
        (format!("kube.patch: {{ {named}, merge: {{}} }}"), "empty"),
        (format!("kube.patch: {{ {named}, merge: {{ status: {{}} }} }}"), "`status`"),
        (format!("kube.patch: {{ {named}, merge: {{ a: 1.5 }} }}"), "put it in quotes"),
        (format!("kube.patch: {{ {named}, merge: '{{\"a\":1.5}}' }}"), "1.5"),
        ("kube.patch: { merge: { a: 1 } }".to_owned(), "object"),
        ("kube.apply: { namespace: shop, name: web }".to_owned(), "no `namespace`"),
        ("kube.apply: {}".to_owned(), "takes a `manifest`"),
        ("kube.apply: { manifest: x }".to_owned(), "takes a map, not text"),
        (format!("kube.apply: {{ manifest: {{ kind: Service, {meta} }} }}"), "no `apiVersion`"),
        (format!("kube.apply: {{ manifest: {{ apiVersion: v1, {meta} }} }}"), "no `kind`"),
        ("kube.apply: { manifest: { apiVersion: v1, kind: Service, metadata: {} } }".to_owned(), "no `metadata.name`"),
        (format!("kube.apply: {{ manifest: {{ apiVersion: v1, kind: [x], {meta} }} }}"), "`kind` as text"),
        (
            format!("kube.apply: {{ manifest: {{ apiVersion: v1, kind: Secret, {meta}, data: {{ a: b }} }} }}"),
            "anyone may read",
        ),
        ("kube.delete: { object: { kind: Namespace, name: shop } }".to_owned(), "all that is in it"),
        ("kube.delete: { object: { kind: Service, name: '../x' } }".to_owned(), "none that an API has"),
        ("kube.remove: { object: { kind: Service, name: x } }".to_owned(), "unknown action"),
        ("kube.put-back: { object: { kind: Service, name: x } }".to_owned(), "unknown action"),
    ] {
        let found = only(&step).expect_err(&step);
        assert!(found.iter().any(|finding| finding.to_string().contains(words)), "{step}: {found:?}");
        assert!(found.iter().all(|finding| finding.at.line > 0), "{step}: {found:?}");
    }
}
