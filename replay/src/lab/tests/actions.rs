//! Each action once: what it promises holds on the lab's images, and what must not begin does not.

use super::super::{Effect, UnitVerb, World, nevra};
use super::{Bench, action};
use palinode_core::action::{Action, Verdict};
use palinode_core::gate::Gate;
use palinode_core::id::ResourceKey;
use palinode_core::port::Executor;
use palinode_core::record::Why;
use palinode_core::resource::State;

const G1: &str = "gluster1.demo";

fn stop(unit: &str) -> Action {
    action(&format!(r#"{{"service":{{"unit":"{unit}","state":"stopped","enabled":false}}}}"#))
}

fn drain() -> Action {
    action(r#"{"kube.drain":{"emptydir":"delete"}}"#)
}

#[test]
fn actions_do_what_they_promise_and_twice_changes_nothing() {
    let list = [
        r#"{"kube.cordon":{}}"#,
        r#"{"kube.drain":{"emptydir":"delete"}}"#,
        r#"{"kube.patch-node":{"labels":{"zone":"z","region":null}}}"#,
        r#"{"kube.patch-node":{"taints":{"dedicated=storage:NoSchedule":true,"none=:NoExecute":false}}}"#,
        r#"{"kube.uncordon":{}}"#,
        r#"{"service":{"unit":"atomic-openshift-node","state":"stopped","enabled":false}}"#,
        r#"{"service":{"unit":"cri-o","state":"stopped","enabled":false}}"#,
        r#"{"file.copy":{"from":"/etc/origin/node/resolv.conf","to":"/etc/resolv.conf","resolver":true}}"#,
        r#"{"service":{"unit":"dnsmasq","state":"stopped","enabled":false}}"#,
        r#"{"dns.check":{"names":["registry.demo"]}}"#,
        r#"{"gluster.heal":{}}"#,
        r#"{"package":{"names":["dnsmasq","cri-o","docker-client"],"state":"absent"}}"#,
        r#"{"file":{"paths":["/etc/origin","/etc/dnsmasq.d/*","/etc/nothing"],"state":"absent"}}"#,
        r#"{"kube.delete-node":{}}"#,
        r#"{"package":{"names":["dnsmasq","docker-1.13.1"],"state":"present"}}"#,
        r#"{"kube.delete":{"namespace":"openshift-node","name":"node-config-compute-crio"}}"#,
        r#"{"service":{"unit":"docker","state":"started","enabled":true}}"#,
        r#"{"record":{"units":["crio"],"packages":["docker"],"files":["/etc/resolv.conf"],"node":true}}"#,
    ];
    let mut bench = Bench::demo();
    for text in list {
        let action = action(text);
        let seen = bench.does(G1, action.clone());
        let wants =
            action.footprint(&seen.target).iter().any(|item| action.met(&item.key, None, &State::Absent).is_some());
        if wants {
            assert_eq!(action.judge(&seen.footprint, &seen.before, &seen.after), Verdict::Applied, "{text}");
        }
        let effects = bench.lab.effects().len();
        bench.does(G1, action);
        assert_eq!(bench.lab.effects().len(), effects, "the second time there is nothing left to do: {text}");
    }
    let seen = bench.does(G1, action(r#"{"reboot":{}}"#));
    assert_ne!(seen.before, seen.after);
}

#[test]
fn inverses_put_back_what_was() {
    let forward = [
        r#"{"kube.cordon":{}}"#,
        r#"{"kube.patch-node":{"unschedulable":true,"labels":{"zone":"z","new":"1"}}}"#,
        r#"{"kube.patch-node":{"taints":{"dedicated=storage:NoSchedule":true}}}"#,
        r#"{"file":{"paths":["/etc/origin","/etc/dnsmasq.d/*"],"state":"absent"}}"#,
        r#"{"file.copy":{"from":"/etc/origin/node/resolv.conf","to":"/etc/resolv.conf","resolver":true}}"#,
        r#"{"package":{"names":["cri-tools","cri-o","criu","atomic-openshift-excluder"],"state":"absent"}}"#,
        r#"{"kube.delete":{"namespace":"openshift-node","name":"node-config-compute-crio"}}"#,
        r#"{"command":{"run":["/sbin/atomic-openshift-excluder","unexclude"],"changes":["/etc/yum.conf"]}}"#,
        r#"{"service":{"unit":"dnsmasq","state":"stopped","enabled":false}}"#,
        r#"{"inventory.restore":{"file":"/lab/hosts","to":"absent"}}"#,
    ];
    for text in forward {
        let mut bench = Bench::demo();
        let digest = bench.lab.digest();
        if text.contains("inventory") {
            let edit = r#"{"inventory.edit":{"file":"/lab/hosts","edits":[]}}"#;
            let seen = bench.does(G1, action(edit));
            assert!(bench.inventory.borrow().ends_with("# edited\n"));
            for undo in action(edit).inverse(&seen.target, &seen.before) {
                bench.does(G1, undo.action);
            }
            assert_eq!(bench.lab.digest(), digest);
            continue;
        }
        let action = action(text);
        let seen = bench.does(G1, action.clone());
        assert_ne!(bench.lab.digest(), digest, "{text}");
        for undo in action.inverse(&seen.target, &seen.before) {
            bench.does(G1, undo.action);
        }
        // Package removal stops units; the inverse of the service step starts them again.
        let mut left = bench.lab.digest().diff(&digest);
        left.retain(|(key, ..)| !(text.contains("package") && (key.contains("unit/crio") || key.starts_with("node/"))));
        assert_eq!(left, Vec::new(), "{text}");
    }
}

#[test]
fn the_boot_names_the_reboot() {
    let mut bench = Bench::demo();
    let (job, _) = bench.job(G1, action(r#"{"reboot":{}}"#));
    bench.does(G1, action(r#"{"reboot":{}}"#));
    let reboots = || bench.lab.effects().iter().filter(|done| matches!(done.effect, Effect::Reboot { .. })).count();
    assert_eq!(reboots(), 1);
    let ended = super::super::block_on(&bench.lab, bench.lab.execute(&job, &bench.bodies));
    assert!(ended.is_ok());
    assert_eq!(reboots(), 1, "the boot in the intent is gone: it happened");
}

#[test]
fn drain_respects_budgets_and_what_the_runbook_allows() {
    let mut bench = Bench::demo();
    bench.does(G1, action(r#"{"kube.cordon":{}}"#));
    assert!(bench.refuses(G1, action(r#"{"kube.drain":{}}"#)).contains("emptyDir"));
    bench.does(G1, drain());
    let digest = bench.lab.digest();
    assert!(digest.lines["pod/openshift-sdn/sdn@cluster"].contains(G1), "DaemonSet pods stay");
    // One of the other nodes carries two alertmanagers then; one must be Ready elsewhere before the other may go.
    let world = bench.lab.snapshot();
    let on = |node: &str| {
        world.pods().filter(|(_, pod)| pod.node == node && pod.name.starts_with("alertmanager-main")).count()
    };
    let two = ["gluster2.demo", "gluster3.demo"].into_iter().find(|node| on(node) == 2).expect("they are three");
    for host in ["gluster2.demo", "gluster3.demo"] {
        bench.does(host, action(r#"{"kube.cordon":{}}"#));
    }
    let seen = bench.step(two, action(r#"{"kube.drain":{"emptydir":"delete","timeout":"2m"}}"#));
    assert_eq!(seen.finished.why, Some(Why::Timeout), "nowhere to go: {:?}", seen.finished);
    assert!(seen.finished.message.expect("words").contains("disruption budget"));
    bench.does(G1, action(r#"{"kube.uncordon":{}}"#));
    bench.does(two, drain());
    let mut world = World::demo();
    world.add_bare_pod("default", "lonely", "compute1.demo");
    let mut bench = Bench::new(world);
    assert!(bench.refuses("compute1.demo", drain()).contains("not cordoned"));
    bench.does("compute1.demo", action(r#"{"kube.cordon":{}}"#));
    assert!(bench.refuses("compute1.demo", drain()).contains("controller"));
    bench.does("compute1.demo", action(r#"{"kube.drain":{"bare":"delete"}}"#));
}

#[test]
fn a_node_is_not_deleted_under_a_running_kubelet_or_another_uid() {
    let mut bench = Bench::demo();
    assert!(bench.refuses(G1, action(r#"{"kube.delete-node":{}}"#)).contains("kubelet"), "T16");
    bench.does(G1, stop("atomic-openshift-node"));
    let (late, _) = bench.job(G1, action(r#"{"kube.delete-node":{}}"#));
    bench.does(G1, action(r#"{"kube.delete-node":{}}"#));
    bench.does(G1, action(r#"{"service":{"unit":"atomic-openshift-node","state":"started"}}"#));
    bench.lab.advance(palinode_core::id::Micros::seconds(60));
    bench.does(G1, stop("atomic-openshift-node"));
    let ended = super::super::block_on(&bench.lab, bench.lab.execute(&late, &bench.bodies)).expect("lives");
    let palinode_core::port::Ended::Finished(finished) = ended else { unreachable!("{ended:?}") };
    assert_eq!(finished.why, Some(Why::Precondition), "T15");
    assert!(finished.message.expect("words").contains("UID"));
}

#[test]
fn a_config_map_in_use_is_not_deleted() {
    let mut bench = Bench::demo();
    let delete = |name: &str| action(&format!(r#"{{"kube.delete":{{"namespace":"openshift-node","name":"{name}"}}}}"#));
    let words = bench.refuses(G1, delete("node-config-infra-crio"));
    assert!(words.contains("gluster2.demo"), "T1: {words}");
    bench.does(G1, delete("node-config-compute-crio"));
}

#[test]
fn name_resolution_is_not_cut_off() {
    let mut bench = Bench::demo();
    let copy =
        |from: &str| action(&format!(r#"{{"file.copy":{{"from":"{from}","to":"/etc/resolv.conf","resolver":true}}}}"#));
    assert!(bench.refuses(G1, copy("/etc/nothing")).contains("No such file"), "T9");
    bench.does(G1, action(r#"{"file":{"paths":["/etc/origin"],"state":"absent"}}"#));
    assert!(bench.refuses(G1, copy("/etc/origin/node/resolv.conf")).contains("No such file"));
    assert!(bench.refuses(G1, copy("/etc/resolv.conf")).contains("the host itself"));
    bench.does(G1, stop("dnsmasq"));
    let seen = bench.step(G1, action(r#"{"dns.check":{"names":["registry.demo"]}}"#));
    assert_eq!(seen.finished.why, Some(Why::ExitCode));
    let install = action(r#"{"package":{"names":["cockpit-docker"],"state":"present"}}"#);
    assert!(bench.refuses(G1, install).contains("resolve"));
}

#[test]
fn packages_drag_their_users_along_and_keep_changed_files_aside() {
    let mut world = World::demo();
    let host = world.host_mut(G1).expect("there");
    host.packages.insert("cockpit-docker".to_owned(), vec![nevra("cockpit-docker")]);
    let mut bench = Bench::new(world);
    let remove = action(r#"{"package":{"names":["docker","cri-o","atomic-openshift-excluder"],"state":"absent"}}"#);
    let seen = bench.does(G1, remove);
    let keys: Vec<&str> = seen.before.keys().map(ResourceKey::as_str).collect();
    for key in
        ["package/cockpit-docker", "file:/etc/crio/crio.conf", "file:/etc/crio/crio.conf.rpmsave", "file:/etc/yum.conf"]
    {
        assert!(keys.contains(&format!("{G1}/{key}").as_str()), "{key} in {keys:?}");
    }
    assert!(bench.lab.digest().lines.contains_key(&format!("{G1}/file:/etc/crio/crio.conf.rpmsave")));
    assert!(!bench.lab.digest().lines.contains_key(&format!("{G1}/unit/crio")));
    // What the repositories lack can not come back, and the gate says so beforehand.
    let gate = Gate::PackageRestorable { names: vec!["cri-tools".to_owned(), "bash".to_owned()] };
    assert!(bench.sample(G1, &gate).pass);
    let mut world = bench.lab.snapshot();
    world.drop_from_repository("cri-tools");
    bench.lab.restore(world);
    let sample = bench.sample(G1, &gate);
    assert!(!sample.pass && sample.facts["missing"].contains("cri-tools-0:1.11.1"));
}

#[test]
fn the_excluder_says_zero_whatever_it_does() {
    let run = |verb: &str| {
        action(&format!(
            r#"{{"command":{{"run":["/sbin/atomic-openshift-excluder","{verb}"],"changes":["/etc/yum.conf"]}}}}"#
        ))
    };
    let mut bench = Bench::demo();
    let install = action(r#"{"package":{"names":["atomic-openshift-node"],"state":"present"}}"#);
    bench.does("gluster2.demo", action(r#"{"package":{"names":["atomic-openshift-node"],"state":"absent"}}"#));
    assert!(bench.refuses("gluster2.demo", install.clone()).contains("exclude="));
    bench.does("gluster2.demo", run("unexclude"));
    bench.does("gluster2.demo", install);
    bench.does("gluster2.demo", run("exclude"));
    // T20: without installonly_limit= it changes nothing and says zero.
    let entry = super::super::Entry::text("[main]\nkeepcache=0\n");
    bench.lab.change(Effect::Put { host: G1.to_owned(), path: "/etc/yum.conf".to_owned(), entry });
    let seen = bench.does(G1, run("exclude"));
    assert_eq!((seen.finished.code, &seen.before), (Some(0), &seen.after));
    assert!(bench.refuses(G1, action(r#"{"command":{"run":["rm","-rf","/"]}}"#)).contains("cannot run"));
}

#[test]
fn a_started_kubelet_needs_its_files() {
    let mut bench = Bench::demo();
    bench.does(G1, stop("atomic-openshift-node"));
    bench.does(G1, action(r#"{"file":{"paths":["/etc/origin"],"state":"absent"}}"#));
    let start = action(r#"{"service":{"unit":"atomic-openshift-node","state":"started"}}"#);
    let seen = bench.step(G1, start);
    assert_eq!(seen.finished.why, Some(Why::ExitCode));
    assert!(bench.lab.digest().lines[&format!("{G1}/unit/atomic-openshift-node")].starts_with("failed"));
    let mut again = World::demo();
    bench.lab.lines().iter().for_each(|line| again.replay(line));
    assert_eq!(again.digest(), bench.lab.snapshot().digest(), "the ledger knows of the failed unit");
    bench.lab.change(Effect::Unit { host: G1.to_owned(), unit: "crio".to_owned(), verb: UnitVerb::Stop });
    let read = action(r#"{"file.read":{"path":"/etc/sysconfig/atomic-openshift-node","key":"BOOTSTRAP_CONFIG_NAME"}}"#);
    assert_eq!(bench.does(G1, read).finished.value.as_deref(), Some("node-config-infra-crio"));
}
