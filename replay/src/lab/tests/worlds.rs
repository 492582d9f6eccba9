//! The world by itself: it is whole, it rests, and its controllers do what the cluster's would.

use super::super::{Effect, UnitVerb, World};
use super::{Bench, action};
use palinode_core::gate::Gate;
use palinode_core::id::{HostName, Micros};
use palinode_core::port::Executor;

fn later(world: &mut World, seconds: i64) {
    world.advance_to(world.clock().plus(Micros::seconds(seconds)));
}

fn unit(host: &str, unit: &str, verb: UnitVerb) -> Effect {
    Effect::Unit { host: host.to_owned(), unit: unit.to_owned(), verb }
}

#[test]
fn the_demo_is_whole_and_rests() {
    let mut world = World::demo();
    let digest = world.digest();
    assert_eq!(world.host_names().count(), 11);
    assert!(digest.lines.values().all(|line| !line.contains("not ready")), "{digest:#?}");
    assert_eq!(digest.lines["pod/default/router-1@cluster"], "ingress1.demo, ingress2.demo, ingress3.demo");
    assert_eq!(digest.lines["volume/registry@cluster"], "3/3 bricks, healed, 0 in split brain");
    assert!(world.host("gluster1.demo").expect("there").resolves());
    assert_eq!(world.next_event(), None, "nothing is left to do");
    later(&mut world, 3600);
    assert_eq!(world.digest().diff(&digest), Vec::new());
    assert_eq!(world.digest().hash(), digest.hash());
    assert_eq!(World::demo(), World::demo());
}

#[test]
fn a_world_survives_json() {
    let world = World::demo();
    let text = serde_json::to_string(&world).expect("writes");
    assert_eq!(serde_json::from_str::<World>(&text).expect("reads"), world);
}

#[test]
fn a_stopped_kubelet_is_noticed_after_forty_seconds_and_crio_leaves_containers_running() {
    let mut world = World::demo();
    world.apply(&unit("gluster1.demo", "atomic-openshift-node", UnitVerb::Stop), None);
    later(&mut world, 30);
    assert!(world.node("gluster1.demo").expect("there").ready);
    later(&mut world, 20);
    assert!(!world.node("gluster1.demo").expect("there").ready);
    // T11: only a reboot ends what CRI-O started.
    world.apply(&unit("gluster1.demo", "crio", UnitVerb::Stop), None);
    later(&mut world, 300);
    assert!(world.storage().is_online("gluster1.demo"));
    world.apply(&Effect::Reboot { host: "gluster1.demo".to_owned() }, None);
    assert!(!world.storage().is_online("gluster1.demo"));
    assert!(!world.host("gluster1.demo").expect("there").is_up());
    later(&mut world, 600);
    let host = world.host("gluster1.demo").expect("there");
    assert!(host.is_up() && host.active("crio") && host.kubelet.is_some());
    assert!(world.node("gluster1.demo").expect("there").ready);
    assert!(world.storage().is_online("gluster1.demo"));
}

#[test]
fn a_deleted_node_registers_again_without_its_own_labels() {
    let mut world = World::demo();
    let old = world.node("gluster1.demo").expect("there").clone();
    world.apply(&unit("gluster1.demo", "atomic-openshift-node", UnitVerb::Stop), None);
    world.apply(&Effect::DeleteNode { node: "gluster1.demo".to_owned(), uid: old.uid.clone() }, None);
    later(&mut world, 60);
    assert!(world.pods().all(|(_, pod)| pod.node != "gluster1.demo"));
    world.apply(&unit("gluster1.demo", "atomic-openshift-node", UnitVerb::Start), None);
    later(&mut world, 400);
    let new = world.node("gluster1.demo").expect("it registered");
    assert_ne!(new.uid, old.uid);
    // T13: what the node group does not give is gone, and with it the gluster pod.
    assert!(new.labels.contains_key("node-role.kubernetes.io/infra") && !new.labels.contains_key("zone"));
    assert!(!world.pods().any(|(_, pod)| pod.node == "gluster1.demo" && pod.namespace == "glusterfs"));
    assert!(!world.storage().is_online("gluster1.demo"));
    let labels = old.labels.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    world.apply(&Effect::Label { node: "gluster1.demo".to_owned(), labels }, None);
    later(&mut world, 3600);
    assert!(world.storage().is_online("gluster1.demo") && world.storage().pending() == 0);
}

#[test]
fn a_changed_group_restarts_every_kubelet_that_uses_it() {
    // T1: the CRI-O group without its CRI-O arguments, while the nodes still run CRI-O only.
    let mut world = World::demo();
    for host in ["gluster1.demo", "gluster2.demo", "gluster3.demo"] {
        world.apply(&unit(host, "docker", UnitVerb::Stop), None);
    }
    let content = world.config_map("openshift-node", "node-config-infra").expect("there").content.clone();
    let name = "openshift-node/node-config-infra-crio".to_owned();
    world.apply(&Effect::PutConfigMap { name, content }, None);
    later(&mut world, 300);
    for host in ["gluster1.demo", "gluster2.demo", "gluster3.demo"] {
        let node = world.node(host).expect("there");
        assert!(!node.ready, "{host}");
        assert_eq!(node.labels["runtime"], "cri-o", "T14: labels are added, never removed");
    }
    assert!(world.node("ingress1.demo").expect("there").ready);
}

#[test]
fn storage_falls_behind_while_a_brick_is_away_and_heals() {
    let mut bench = Bench::demo();
    let gate = Gate::gluster_healed(2);
    assert!(bench.sample("gluster1.demo", &gate).pass);
    bench.does("gluster2.demo", action(r#"{"reboot":{}}"#));
    let sample = bench.sample("gluster1.demo", &gate);
    assert!(!sample.pass && !sample.hopeless, "{:?}", sample.facts);
    assert!(sample.facts["pending"].parse::<u64>().expect("a number") > 0);
    bench.lab.advance(Micros::seconds(1800));
    let sample = bench.sample("gluster1.demo", &gate);
    assert!(sample.pass, "{:?}", sample.facts);
    let mut world = bench.lab.snapshot();
    let volume = world.storage_mut().volumes.get_mut("registry").expect("there");
    volume.bricks.get_mut("gluster3.demo").expect("there").split_brain = 2;
    bench.lab.restore(world);
    let sample = bench.sample("gluster1.demo", &gate);
    assert!(!sample.pass && sample.hopeless, "T37");
}

#[test]
fn a_gate_may_be_about_some_volumes_and_ask_some_hosts() {
    let mut bench = Bench::demo();
    let gate = |hosts: &[&str], volumes: &[&str]| {
        let hosts = hosts.iter().map(|host| HostName::new(host).expect("a host name")).collect();
        let volumes = volumes.iter().map(|name| (*name).to_owned()).collect();
        let mut gate = Gate::gluster_healed(2);
        if let Gate::GlusterHealed { hosts: asked, volumes: wanted, .. } = &mut gate {
            (*asked, *wanted) = (hosts, volumes);
        }
        gate
    };
    let but = |names: &[&str]| {
        let mut gate = Gate::gluster_healed(2);
        if let Gate::GlusterHealed { except, .. } = &mut gate {
            *except = names.iter().map(|name| (*name).to_owned()).collect();
        }
        gate
    };
    let (g1, g2, g3) = ("gluster1.demo", "gluster2.demo", "gluster3.demo");
    let others = bench.sample(g1, &gate(&[g1, g2, g3], &[]));
    assert!(
        others.pass && others.facts["vantage-points"] == "2",
        "the step's own host is left out: {:?}",
        others.facts
    );
    let all = bench.sample(g1, &gate(&[g1, g2], &[]));
    assert!(all.pass && all.facts["vantage-points"] == "2", "unless the others are too few: {:?}", all.facts);
    assert!(!bench.sample(g1, &gate(&[g2, g3, "ingress1.demo"], &[])).pass, "one of them has no gluster");
    let mut world = bench.lab.snapshot();
    let volume = world.storage_mut().volumes.get_mut("registry").expect("there");
    volume.bricks.get_mut(g3).expect("there").split_brain = 2;
    let other = world.storage().volumes.keys().find(|name| *name != "registry").expect("there are more").clone();
    bench.lab.restore(world);
    assert!(bench.sample(g1, &gate(&[], &["registry"])).hopeless);
    let sample = bench.sample(g1, &gate(&[], &[&other]));
    assert!(sample.pass && sample.facts["volumes"] == "1", "{:?}", sample.facts);
    assert!(!bench.sample(g1, &gate(&[], &["nothing"])).pass);
    let all = bench.sample(g1, &but(&[])).facts["volumes"].parse::<usize>().expect("a number");
    let sample = bench.sample(g1, &but(&["registry"]));
    assert!(sample.pass && sample.facts["volumes"] == (all - 1).to_string(), "{:?}", sample.facts);
    let heal = |volume: &str| action(&format!(r#"{{"gluster.heal":{{"volumes":["{volume}"]}}}}"#));
    assert_eq!(bench.step(g1, heal("registry")).finished.code, Some(0));
    assert_eq!(bench.step(g1, heal("nothing")).finished.code, Some(1));
    assert_eq!(bench.step("ingress1.demo", heal("registry")).finished.code, Some(1));
}

#[test]
fn time_may_be_cut_anywhere() {
    let disturb = |world: &mut World| {
        let uid = world.node("gluster1.demo").expect("there").uid.clone();
        world.apply(&Effect::Reboot { host: "gluster1.demo".to_owned() }, None);
        world.apply(&Effect::DeleteNode { node: "gluster1.demo".to_owned(), uid }, None);
        world.apply(&Effect::Reboot { host: "ingress2.demo".to_owned() }, None);
    };
    let (mut whole, mut cut) = (World::demo(), World::demo());
    disturb(&mut whole);
    disturb(&mut cut);
    later(&mut whole, 1000);
    (0..1000).for_each(|_| later(&mut cut, 1));
    assert_eq!(whole, cut);
}

#[test]
fn a_larger_lab_has_the_same_shape() {
    let world = World::of(8);
    let storage = world.storage();
    assert_eq!(storage.peers().count(), 8);
    assert_eq!((storage.pending(), storage.counts()), (0, (24, 24)));
    assert_eq!(world.vantage_points(), 8);
    for (name, volume) in &storage.volumes {
        let label = |host: &String| world.node(host).expect("a node").labels["zone"].clone();
        let zones: std::collections::BTreeSet<String> = volume.bricks.keys().map(label).collect();
        assert_eq!((volume.bricks.len(), zones.len()), (3, 3), "{name}");
    }
    let unused = storage.peers().find(|host| !storage.volumes.values().any(|volume| volume.bricks.contains_key(*host)));
    assert_eq!(unused, None, "every storage node keeps its role");
    assert!(world.pods().all(|(_, pod)| pod.ready));
    let large = World::of(300);
    let addresses: std::collections::BTreeSet<&str> = large.hosts.values().map(|host| host.ip.as_str()).collect();
    assert_eq!(addresses.len(), 300 + 6 + 30);
}

#[test]
fn what_is_not_looked_at_has_nothing_to_do() {
    // A world that was read looks at everything; a live one only at what changed. Both must do the same.
    let mut live = World::of(7);
    let read = |world: &World| -> World {
        serde_json::from_str(&serde_json::to_string(world).expect("writes")).expect("reads")
    };
    let uid = |world: &World, name: &str| world.node(name).expect("there").uid.clone();
    let first = uid(&live, "gluster1.demo");
    let effects = [
        Effect::Reboot { host: "gluster1.demo".to_owned() },
        Effect::DeleteNode { node: "gluster1.demo".to_owned(), uid: first },
        Effect::Schedulable { node: "gluster4.demo".to_owned(), on: false },
        unit("gluster5.demo", "crio", UnitVerb::Stop),
        Effect::PutConfigMap { name: "openshift-node/node-config-infra".to_owned(), content: "kind: x\n".into() },
        Effect::Reboot { host: "ingress2.demo".to_owned() },
        Effect::Label { node: "gluster2.demo".to_owned(), labels: [("glusterfs".to_owned(), None)].into() },
    ];
    for (count, effect) in effects.iter().enumerate() {
        live.apply(effect, None);
        let mut all = read(&live);
        for _ in 0..40 {
            later(&mut live, 7);
            later(&mut all, 7);
            assert_eq!(live, all, "after effect {count}");
            assert_eq!(live.vantage_points(), all.vantage_points());
            let storage =
                |world: &World| (world.storage().counts(), world.storage().connected(), world.storage().pending());
            assert_eq!(storage(&live), storage(&read(&all)));
        }
    }
}

#[test]
fn sleepers_wake_in_order_and_the_clock_is_virtual() {
    let bench = Bench::demo();
    let lab = &bench.lab;
    let start = lab.now();
    let order = std::cell::RefCell::new(Vec::new());
    let wait = |seconds: i64| {
        let order = &order;
        async move {
            lab.sleep(start.plus(Micros::seconds(seconds))).await;
            order.borrow_mut().push(seconds);
        }
    };
    let all = futures_util::future::join3(wait(30), wait(10), wait(20));
    super::super::block_on(lab, all).expect("lives");
    assert_eq!(*order.borrow(), [10, 20, 30]);
    assert_eq!(lab.now(), start.plus(Micros::seconds(30)));
    assert!(lab.is_virtual());
}
