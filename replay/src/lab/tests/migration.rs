//! The whole migration of a storage node, forwards and back, and what scaling up asks for.

use super::super::{Fault, Lab, NODE_PACKAGES, Phase, block_on, inventory_text};
use super::{Bench, Seen, action, around};
use palinode_core::action::{Action, FileRestore, Recovery, Verdict, restore_touched};
use palinode_core::gate::Gate;
use palinode_core::id::Micros;
use palinode_core::port::Executor;
use palinode_core::resource::Image;

pub(super) fn moved(host: &str) -> String {
    let old = format!("{host} openshift_node_group_name='node-config-infra-crio'\n");
    let new = format!("\n[new_nodes]\n{host} openshift_node_group_name='node-config-infra' openshift_use_crio=False\n");
    let text = inventory_text().replace(&old, "") + &new;
    text.replace("glusterfs\n\n[OSEv3:vars]", "glusterfs\nnew_nodes\n\n[OSEv3:vars]\nopenshift_pkg_version=-3.11.161")
}

fn scaleup() -> Action {
    action(
        r#"{"ansible.playbook":{"path":"/usr/share/ansible/openshift-ansible/playbooks/openshift-node/scaleup.yml",
            "inventory":"/lab/hosts","expect":{"node-ready":{"runtime":"docker"}}}}"#,
    )
}

pub(super) fn steps() -> Vec<Action> {
    let names = serde_json::to_string(NODE_PACKAGES).expect("writes");
    let mut steps = vec![
        action(r#"{"kube.cordon":{}}"#),
        action(r#"{"kube.drain":{"emptydir":"delete"}}"#),
        action(r#"{"service":{"unit":"atomic-openshift-node","state":"stopped","enabled":false}}"#),
        action(r#"{"service":{"unit":"crio","state":"stopped","enabled":false}}"#),
        action(r#"{"service":{"unit":"docker","state":"stopped","enabled":false}}"#),
        action(r#"{"file.copy":{"from":"/etc/origin/node/resolv.conf","to":"/etc/resolv.conf","resolver":true}}"#),
        action(r#"{"service":{"unit":"dnsmasq","state":"stopped","enabled":false}}"#),
    ];
    steps.push(action(&format!(r#"{{"package":{{"names":{names},"state":"absent"}}}}"#)));
    steps.extend([
        action(
            r#"{"file":{"paths":["/etc/origin","/etc/dnsmasq.d/*","/etc/sysconfig/atomic-openshift-node.rpmsave"],
                "state":"absent"}}"#,
        ),
        action(r#"{"reboot":{}}"#),
        action(r#"{"dns.check":{"names":["registry.demo"]}}"#),
        action(r#"{"kube.delete-node":{}}"#),
        scaleup(),
        action(r#"{"kube.patch-node":{"labels":{"monitoring":"true","zone":"a","region":"demo","logging":"true"}}}"#),
        action(r#"{"package":{"names":["atomic-openshift-excluder-3.11.161"],"state":"present"}}"#),
    ]);
    steps
}

#[test]
fn three_nodes_move_to_docker_one_after_the_other() {
    let mut bench = Bench::demo();
    for host in ["gluster1.demo", "gluster2.demo", "gluster3.demo"] {
        *bench.inventory.borrow_mut() = moved(host);
        for step in steps() {
            bench.does(host, step);
        }
        let healed = Gate::gluster_healed(2);
        assert!(!bench.sample(host, &healed).pass, "it has to heal first");
        bench.lab.advance(Micros::seconds(3600));
        assert!(bench.sample(host, &healed).pass, "{:?}", bench.sample(host, &healed).facts);
        assert!(bench.sample(host, &Gate::NodeReady {}).pass);
        let world = bench.lab.snapshot();
        let node = world.node(host).expect("there");
        assert_eq!(node.runtime, "docker://1.13.1");
        assert!(!node.labels.contains_key("runtime") && node.labels["glusterfs"] == "storage-host");
        assert!(!node.unschedulable);
    }
    let world = bench.lab.snapshot();
    assert!(world.storage().volumes.values().all(|volume| volume.without_quorum == 0));
}

#[test]
fn scaling_up_asks_for_exactly_this_node() {
    let mut bench = Bench::demo();
    assert!(bench.refuses("gluster1.demo", scaleup()).contains("empty"));
    *bench.inventory.borrow_mut() = moved("gluster2.demo");
    assert!(bench.refuses("gluster1.demo", scaleup()).contains("gluster2.demo"));
    *bench.inventory.borrow_mut() = moved("gluster1.demo").replace("glusterfs\nnew_nodes\n", "glusterfs\n");
    assert!(bench.refuses("gluster1.demo", scaleup()).contains("OSEv3"), "T6");
    let other = r#"{"ansible.playbook":{"path":"/x/adhoc/uninstall.yml","inventory":"/lab/hosts",
        "expect":{"node-ready":{"runtime":"docker"}}}}"#;
    let seen = bench.step("gluster1.demo", action(other));
    assert!(seen.finished.message.expect("words").contains("no playbook"));
}

#[test]
fn neither_runtime_is_no_node() {
    // T4: openshift_use_crio=False with openshift_use_crio_only=True.
    let mut bench = Bench::demo();
    *bench.inventory.borrow_mut() =
        moved("gluster1.demo").replace("[OSEv3:vars]\n", "[OSEv3:vars]\nopenshift_use_crio_only=True\n");
    for step in steps() {
        if matches!(step, Action::Playbook(_)) {
            let seen = bench.step("gluster1.demo", step);
            assert!(seen.finished.message.expect("words").contains("did not become Ready"));
            return;
        }
        bench.does("gluster1.demo", step);
    }
}

#[test]
fn node_groups_are_made_anew_but_never_trimmed() {
    let mut bench = Bench::demo();
    *bench.inventory.borrow_mut() = moved("gluster1.demo");
    let playbook = |name: &str| {
        action(&format!(
            r#"{{"ansible.playbook":{{"path":"/p/openshift-master/openshift_node_group.yml","inventory":"/lab/hosts",
            "expect":{{"config-map-without":{{"namespace":"openshift-node","name":"{name}","runtime":"cri-o"}}}}}}}}"#
        ))
    };
    bench.does("gluster1.demo", playbook("node-config-infra"));
    let delete = r#"{"kube.delete":{"namespace":"openshift-node","name":"node-config-infra","unless_used":false}}"#;
    bench.does("gluster1.demo", action(delete));
    bench.does("gluster1.demo", playbook("node-config-infra"));
    let seen = bench.step("gluster1.demo", playbook("node-config-infra-crio"));
    assert!(playbook("node-config-infra-crio").unmet(&seen.before, &seen.after).is_some(), "T2");
}

/// The steps up to a name, each with what it saw.
fn forwards(bench: &mut Bench, host: &str, until: &str) -> Vec<(Action, Seen)> {
    let steps = steps().into_iter().take_while(|step| step.name() != until);
    steps.map(|step| (step.clone(), bench.does(host, step))).collect()
}

fn taken_back(bench: &mut Bench, host: &str, done: &[(Action, Seen)]) {
    // In reverse, but the node after its services.
    let rank = |action: &Action| match action {
        Action::DeleteNode {} => 3,
        Action::Cordon {} | Action::Drain(_) => 4,
        _ => 2,
    };
    let mut order: Vec<&(Action, Seen)> = done.iter().rev().collect();
    order.sort_by_key(|(action, _)| rank(action));
    for (action, seen) in order {
        for undo in action.inverse(&seen.target, &seen.before) {
            bench.does(host, undo.action);
        }
    }
}

/// What differs from the beginning, but for pods that moved and data that evictions cost.
fn unexplained(bench: &Bench, digest: &super::super::Digest) -> Vec<(String, Option<String>, Option<String>)> {
    bench.lab.advance(Micros::seconds(3600));
    let mut left = bench.lab.digest().diff(digest);
    left.retain(|(key, ..)| !key.starts_with("pod/"));
    left
}

#[test]
fn a_node_taken_out_comes_back_as_it_was() {
    let host = "gluster1.demo";
    let mut bench = Bench::demo();
    let digest = bench.lab.digest();
    let done = forwards(&mut bench, host, "ansible.playbook");
    taken_back(&mut bench, host, &done);
    assert_eq!(unexplained(&bench, &digest), Vec::new());
}

#[test]
fn a_node_scaled_up_comes_back_as_it_was() {
    let host = "gluster1.demo";
    let mut bench = Bench::demo();
    let digest = bench.lab.digest();
    let plain = bench.inventory.borrow().clone();
    let done = forwards(&mut bench, host, "ansible.playbook");
    *bench.inventory.borrow_mut() = moved(host);
    // What the playbook may touch: the resources of the steps before it.
    let keys: Vec<_> = done.iter().flat_map(|(_, seen)| seen.footprint.clone()).collect();
    let before: Image = bench.look(&keys);
    bench.does(host, scaleup());
    for undo in restore_touched(&before) {
        if !matches!(&undo.action, Action::FileRestore(FileRestore { path, .. }) if path.is_empty()) {
            bench.does(host, undo.action);
        }
    }
    *bench.inventory.borrow_mut() = plain;
    taken_back(&mut bench, host, &done);
    assert_eq!(unexplained(&bench, &digest), Vec::new());
}

#[test]
fn scaling_up_converges_after_death_halfway() {
    let host = "gluster1.demo";
    let mut whole = Bench::demo();
    forwards(&mut whole, host, "ansible.playbook");
    *whole.inventory.borrow_mut() = moved(host);
    let world = whole.lab.snapshot();
    let mut cut = Bench::new(world);
    *cut.inventory.borrow_mut() = moved(host);
    whole.does(host, scaleup());

    let (job, footprint) = cut.job(host, scaleup());
    cut.lab.fault(Fault { step: job.step.clone(), attempt: 1, phase: Phase::Half });
    assert!(block_on(&cut.lab, cut.lab.execute(&job, &cut.bodies)).is_err());
    cut.lab = Lab::in_memory(cut.lab.snapshot(), around(&cut.inventory));
    assert_eq!(scaleup().recovery(), Recovery::Ask);
    let now = cut.look(&footprint);
    assert_ne!(job.action.judge(&footprint, &job.before, &now), Verdict::Applied);
    cut.does(host, scaleup());
    for bench in [&whole, &cut] {
        bench.lab.advance(Micros::seconds(3600));
    }
    assert_eq!(cut.lab.digest().diff(&whole.lab.digest()), Vec::new());
}

#[test]
fn hosts_go_side_by_side() {
    let mut bench = Bench::demo();
    let hosts = ["ingress1.demo", "compute1.demo", "master2.demo"];
    let jobs = hosts.map(|host| bench.job(host, action(r#"{"reboot":{}}"#)).0);
    let start = bench.lab.now();
    let all = futures_util::future::join_all(jobs.iter().map(|job| bench.lab.execute(job, &bench.bodies)));
    assert_eq!(block_on(&bench.lab, all).expect("lives").len(), 3);
    assert!(bench.lab.now().since(start) < Micros::seconds(200), "not one after the other");
}
