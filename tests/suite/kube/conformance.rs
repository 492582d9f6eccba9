//! The actions through the API keep the same rules on a real API server, and find and leave there what they do in the
//! lab.
//!
//! The server has what the lab has: its nodes, its ConfigMaps, its pods where the lab has them, owned by real
//! controllers. One machine is played by a thread: the storage node that most cases act on has a kubelet that registers,
//! is heard of, and can be stopped.

use crate::lab::conformance::Memory;
use palinode_core::action::{Action, PatchObject, Place, RemoveObject, ServiceState, Target};
use palinode_core::cluster::{self, CLAIM};
use palinode_core::gate::Gate;
use palinode_core::id::{EntryId, Micros, ResourceKey};
use palinode_core::port::{
    Bodies, Ended, Executor, Finished, Halted, Job, JobStatus, LookError, Report, Sample, Survey,
};
use palinode_core::resource::ObjectRef;
use palinode_core::resource::{Active, Image, Kind, State};
use palinode_core::span::Span;
use palinode_executors::{Claim, Cluster as Api, Fence, Fleet, PlaybookDirs, Real};
use palinode_journal::MemJournal;
use palinode_replay::conformance::lab::LabSubject;
use palinode_replay::conformance::{
    Case, Change, Cut, Kept, Meddling, Prep, RULES, Rule, Subject, Trouble, Under, catalog, check_only, compare,
};
use palinode_replay::lab::{World, inventory_text};
use palinode_tests::cluster::Cluster;
use palinode_tests::memory::INVENTORY;
use palinode_tests::owner::owner;
use palinode_tests::skip;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

const NODE: &str = "gluster1.demo";

const UNIT: &str = "atomic-openshift-node";

/// Labels that are a person's, not the node group's: a node that registers anew does not have them (T13).
const CUSTOM: [&str; 5] = ["glusterfs", "logging", "monitoring", "region", "zone"];

/// So long after its start a kubelet registers its node.
const REGISTERS: Duration = Duration::from_millis(1500);

/// DaemonSets of the lab: namespace, name, and whether they are for storage nodes only.
const DAEMONS: [(&str, &str, bool); 4] = [
    ("openshift-node", "sync", false),
    ("openshift-sdn", "ovs", false),
    ("openshift-sdn", "sdn", false),
    ("glusterfs", "glusterfs-storage", true),
];

/// The kubelet of [`NODE`]: since when it runs, if it does.
type Kubelet = Arc<Mutex<Option<Instant>>>;

/// A pod as the lab has it: where, whose, its name if that is not generated, and whether it keeps data on the node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Home {
    node: String,
    name: Option<String>,
    emptydir: bool,
}

/// Kind, namespace and name of a controller.
type Owner = (String, String, String);

/// What the lab has, as its API says it.
struct InventoryDir {
    nodes: BTreeMap<String, Value>,
    maps: BTreeMap<(String, String), Value>,
    owners: BTreeMap<Owner, Vec<Home>>,
}

/// The executor of the API, as a process that can die.
struct Watched {
    real: Real,
    kubelet: Kubelet,
    cut: Cell<Option<(EntryId, Cut)>>,
    dead: Notify,
    /// How often the last job was polled until it ended: half of that is halfway.
    polls: RefCell<BTreeMap<&'static str, usize>>,
}

fn unit_of(action: &Action) -> Option<ServiceState> {
    match action {
        Action::Service(service) if service.unit == UNIT => service.state,
        _ => None,
    }
}

impl Watched {
    /// A job until it ends, or until it was polled that often. Gives how often it was.
    async fn whole(&self, job: &Job, bodies: &dyn Bodies, limit: Option<usize>) -> (Option<Ended>, usize) {
        let run = async {
            match self.real.execute(job, bodies).await {
                Ended::Telling(_) => self.attach(job, bodies).await,
                ended => ended,
            }
        };
        let (mut run, mut polls) = (pin!(run), 0);
        let ended = poll_fn(|context| {
            polls += 1;
            if limit.is_some_and(|limit| polls > limit) {
                return Poll::Ready(None);
            }
            run.as_mut().poll(context).map(Some)
        });
        (ended.await, polls)
    }

    async fn die(&self) -> Ended {
        self.dead.notify_one();
        std::future::pending().await
    }
}

impl Executor for Watched {
    async fn survey(&self, target: &Target, action: &Action, bodies: &dyn Bodies) -> Result<Survey, LookError> {
        match action.place() {
            Place::Host => Ok(Survey::default()),
            _ => self.real.survey(target, action, bodies).await,
        }
    }

    async fn node_of(&self, target: &Target) -> Result<Option<String>, LookError> {
        self.real.node_of(target).await
    }

    async fn observe(&self, keys: &[ResourceKey], bodies: &dyn Bodies) -> Result<Image, LookError> {
        let (units, others): (Vec<_>, Vec<_>) =
            keys.iter().cloned().partition(|key| matches!(key.kind(), Some(Kind::Unit(..))));
        let mut image = self.real.observe(&others, bodies).await?;
        let (active, enabled) = match self.kubelet.lock().expect("nobody died here").is_some() {
            true => (Active::Active, "enabled"),
            false => (Active::Inactive, "disabled"),
        };
        image.extend(units.into_iter().map(|key| (key, State::Unit { active, enabled: enabled.to_owned() })));
        Ok(image)
    }

    async fn execute(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        if let Some(state) = unit_of(&job.action) {
            let mut kubelet = self.kubelet.lock().expect("nobody died here");
            match state {
                ServiceState::Started => drop(kubelet.get_or_insert_with(Instant::now)),
                _ => *kubelet = None,
            }
            return Ended::Finished(Finished::default());
        }
        let cut = self.cut.take().filter(|(name, _)| *name == job.name);
        let half = self.polls.borrow().get(job.action.name()).map_or(1, |polls| polls / 2);
        match cut.map(|(_, cut)| cut) {
            None => {
                let (ended, polls) = self.whole(job, bodies, None).await;
                self.polls.borrow_mut().insert(job.action.name(), polls);
                ended.expect("it ends")
            }
            Some(Cut::BeforeStart) => self.die().await,
            Some(Cut::Half) => {
                self.whole(job, bodies, Some(half)).await;
                self.die().await
            }
            Some(Cut::Silent | Cut::AfterEnd) => {
                self.whole(job, bodies, None).await;
                self.die().await
            }
            // A request was made, and its answer got lost.
            Some(Cut::Link) => {
                self.whole(job, bodies, Some(half)).await;
                Ended::Unknown("the link was lost".to_owned())
            }
        }
    }

    async fn told(&self, job: &Job, bodies: &dyn Bodies) -> Result<Vec<Report>, LookError> {
        self.real.told(job, bodies).await
    }

    async fn status(&self, job: &Job, bodies: &dyn Bodies) -> Result<JobStatus, LookError> {
        self.real.status(job, bodies).await
    }

    async fn attach(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        loop {
            match self.real.attach(job, bodies).await {
                Ended::Telling(_) => {}
                ended => return ended,
            }
        }
    }

    async fn revoke(&self, job: &Job) -> Result<bool, LookError> {
        self.real.revoke(job).await
    }

    async fn sample(&self, target: &Target, gate: &Gate, bodies: &dyn Bodies) -> Result<Sample, LookError> {
        self.real.sample(target, gate, bodies).await
    }

    fn now(&self) -> Micros {
        self.real.now()
    }

    fn is_virtual(&self) -> bool {
        false
    }

    async fn sleep(&self, until: Micros) {
        self.real.sleep(until).await;
    }

    async fn idle(&self) -> Result<(), Halted> {
        self.real.idle().await
    }
}

/// What the lab's world holds, by looking at it.
fn site() -> InventoryDir {
    let world = World::demo();
    let bodies = Kept::default();
    let see = |key: &ResourceKey| world.observe(key, &bodies).expect("the lab can be looked at");
    let (mut nodes, mut maps, mut owners) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::<Owner, Vec<Home>>::new());
    let inventory = inventory_text();
    let hosts: BTreeSet<&str> = inventory
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.ends_with(".demo"))
        .collect();
    for host in hosts {
        let State::Node(node) = see(&ResourceKey::node(host)) else { continue };
        let meta = json!({ "name": host, "labels": node.labels, "annotations": node.annotations });
        nodes.insert(host.to_owned(), json!({ "metadata": meta }));
        let State::Pods { pods } = see(&ResourceKey::pods(host)) else { continue };
        for pod in pods {
            let (kind, name) = pod.owner.expect("all have one");
            let own = (kind == "StatefulSet").then_some(pod.name);
            let home = Home { node: host.to_owned(), name: own, emptydir: pod.emptydir };
            owners.entry((kind, pod.namespace, name)).or_default().push(home);
        }
    }
    for group in ["master", "infra", "infra-crio", "compute", "compute-crio"] {
        let (space, name) = ("openshift-node".to_owned(), format!("node-config-{group}"));
        let State::Object { body, .. } = see(&ResourceKey::config_map(&space, &name)) else { continue };
        let manifest = bodies.get(body).expect("it was kept");
        maps.insert((space, name), serde_json::from_slice(&manifest).expect("a manifest"));
    }
    owners.values_mut().for_each(|homes| homes.sort());
    assert!(nodes.len() == 11 && maps.len() == 5 && owners.len() > 8, "the lab is another one");
    InventoryDir { nodes, maps, owners }
}

/// The API server with what the lab has.
struct ApiSubject {
    cluster: Cluster,
    watched: Watched,
    runtime: Runtime,
    bodies: Kept,
    site: InventoryDir,
    /// Whether a thread plays the kubelet by now.
    played: bool,
}

fn kind_path(kind: &str, space: &str) -> String {
    let (group, plural) = match kind {
        "StatefulSet" => ("apis/apps/v1", "statefulsets"),
        "DaemonSet" => ("apis/apps/v1", "daemonsets"),
        _ => ("api/v1", "replicationcontrollers"),
    };
    format!("/{group}/namespaces/{space}/{plural}")
}

fn pod_spec(home: Option<&Home>, emptydir: bool) -> Value {
    let mut spec = json!({ "containers": [{ "name": "c", "image": "none" }], "terminationGracePeriodSeconds": 1 });
    if let Some(home) = home {
        spec["nodeName"] = home.node.as_str().into();
    }
    if emptydir {
        spec["volumes"] = json!([{ "name": "d", "emptyDir": {} }]);
    }
    spec
}

/// The name of a pod's owner as people know it.
fn known_as(pod: &Value) -> String {
    let owner = &pod["metadata"]["ownerReferences"][0];
    match (owner["kind"].as_str(), owner["name"].as_str()) {
        (Some(kind), Some(name)) if kind != "StatefulSet" => name.to_owned(),
        _ => cluster::name(pod).to_owned(),
    }
}

impl ApiSubject {
    fn new(test: &str) -> Option<Self> {
        let cluster = Cluster::own(test)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let kubelet: Kubelet = Arc::new(Mutex::new(Some(Instant::now())));
        let site = site();
        let spaces: BTreeSet<&str> = (site.owners.keys().map(|(_, space, _)| space.as_str()))
            .chain(DAEMONS.iter().map(|(space, ..)| *space))
            .filter(|space| *space != "default")
            .collect();
        spaces.into_iter().for_each(|space| cluster.namespace(space));
        let real = real(&cluster, &runtime);
        let (kubeconfig, node) = (cluster.kubeconfig(), site.nodes[NODE].clone());
        let watched = Watched { real, kubelet, cut: Cell::default(), dead: Notify::new(), polls: RefCell::default() };
        let mut subject = Self { cluster, watched, runtime, bodies: Kept::default(), site, played: false };
        subject.nodes();
        for (space, name, storage) in DAEMONS {
            let labels = json!({ "app": name });
            let mut template = json!({ "metadata": { "labels": labels }, "spec": pod_spec(None, false) });
            if storage {
                template["spec"]["nodeSelector"] = json!({ "glusterfs": "storage-host" });
            }
            let set = json!({ "metadata": { "name": name }, "spec": { "selector": { "matchLabels": labels }, "template": template } });
            subject.cluster.hand().make(&kind_path("DaemonSet", space), &set);
        }
        let budget = json!({ "metadata": { "name": "alertmanager-main" },
            "spec": { "minAvailable": 2, "selector": { "matchLabels": { "app": "alertmanager-main" } } } });
        subject
            .cluster
            .hand()
            .make("/apis/policy/v1beta1/namespaces/openshift-monitoring/poddisruptionbudgets", &budget);
        let kubelet = Arc::clone(&subject.watched.kubelet);
        std::thread::spawn(move || play(&kubeconfig, &kubelet, &node));
        subject.played = true;
        Some(subject)
    }

    /// Nodes as the lab has them.
    fn nodes(&self) {
        let hand = self.cluster.hand();
        for (name, node) in &self.site.nodes {
            if name == NODE && self.played {
                self.cluster.until("its kubelet registers it", |cluster| !cluster.node_now(name).is_null());
            }
            let now = self.cluster.node_now(name);
            if now.is_null() {
                hand.make("/api/v1/nodes", node);
            } else if !same_node(&now, node) || now["metadata"]["annotations"][CLAIM].is_string() {
                let mut meta = json!({ "labels": {}, "annotations": {} });
                for part in ["labels", "annotations"] {
                    let has = now["metadata"][part].as_object().into_iter().flatten();
                    for (key, _) in has.filter(|(key, _)| *key != "node.alpha.kubernetes.io/ttl") {
                        meta[part][key] = Value::Null;
                    }
                    for (key, value) in node["metadata"][part].as_object().into_iter().flatten() {
                        meta[part][key] = value.clone();
                    }
                }
                let fields = json!({ "metadata": meta, "spec": { "unschedulable": null, "taints": null } });
                hand.merge(&format!("/api/v1/nodes/{name}"), &fields);
            }
            if !cluster::holds(&self.cluster.node_now(name), "Ready") {
                self.cluster.ready(name, true);
            }
        }
    }

    fn sets(&self) {
        let rolling = json!({ "spec": { "updateStrategy": { "type": "RollingUpdate" } } });
        let path = format!("{}/sync", kind_path("DaemonSet", "openshift-node"));
        if self.cluster.hand().get(&path)["spec"]["updateStrategy"]["type"] != "RollingUpdate" {
            self.cluster.hand().merge(&path, &rolling);
        }
    }

    fn maps(&self) {
        let all = self.cluster.hand().get("/api/v1/namespaces/openshift-node/configmaps");
        for map in all["items"].as_array().into_iter().flatten().map(cluster::name) {
            if map != "kube-root-ca.crt" && !self.site.maps.keys().any(|(_, name)| name == map) {
                self.cluster.hand().delete(&format!("/api/v1/namespaces/openshift-node/configmaps/{map}"));
            }
        }
        for ((space, name), map) in &self.site.maps {
            let path = format!("/api/v1/namespaces/{space}/configmaps");
            let one = format!("{path}/{name}");
            let now = self.cluster.hand().get(&one);
            if cluster::manifest(&now) != *map {
                self.cluster.hand().delete(&one);
                self.cluster.hand().make(&path, map);
            }
        }
    }

    /// Pods where the lab has them. They are made first, and adopted by the controller that is made then.
    fn pods(&self) {
        let hand = self.cluster.hand();
        let all = self.all_pods();
        for pod in all.iter().filter(|pod| pod["metadata"]["ownerReferences"].is_null()) {
            hand.delete(&format!("/api/v1/namespaces/{}/pods/{}", cluster::namespace(pod), cluster::name(pod)));
        }
        for ((kind, space, name), homes) in &self.site.owners {
            let mine = |all: &[Value]| -> Vec<Value> {
                let is = |pod: &&Value| {
                    cluster::namespace(pod) == space && pod["metadata"]["labels"]["app"] == name.as_str()
                };
                all.iter().filter(is).cloned().collect()
            };
            let mut there: Vec<Home> = mine(&all).iter().map(|pod| home_of(pod, kind)).collect();
            there.sort();
            if there == *homes {
                continue;
            }
            let path = kind_path(kind, space);
            hand.delete(&format!("{path}/{name}"));
            self.cluster.until("the controller is gone", |_| hand.get(&format!("{path}/{name}")).is_null());
            self.cluster.until("its pods are gone", |_| {
                let left = mine(&self.all_pods());
                for pod in &left {
                    hand.delete(&format!("/api/v1/namespaces/{space}/pods/{}", cluster::name(pod)));
                }
                left.is_empty()
            });
            let labels = json!({ "app": name });
            for home in homes {
                let mut meta = json!({ "labels": labels });
                match &home.name {
                    Some(name) => meta["name"] = name.as_str().into(),
                    None => meta["generateName"] = format!("{name}-").into(),
                }
                let pod = json!({ "metadata": meta, "spec": pod_spec(Some(home), home.emptydir) });
                hand.make(&format!("/api/v1/namespaces/{space}/pods"), &pod);
            }
            let template = json!({ "metadata": { "labels": labels }, "spec": pod_spec(None, homes.iter().any(|home| home.emptydir)) });
            let mut spec = json!({ "replicas": homes.len(), "template": template });
            if kind == "StatefulSet" {
                spec["selector"] = json!({ "matchLabels": labels });
                spec["serviceName"] = "none".into();
                spec["podManagementPolicy"] = "Parallel".into();
                // What was adopted is not of its making, and is left so.
                spec["updateStrategy"] = json!({ "type": "OnDelete" });
            } else {
                spec["selector"] = labels;
            }
            hand.make(&path, &json!({ "metadata": { "name": name }, "spec": spec }));
        }
    }

    fn all_pods(&self) -> Vec<Value> {
        self.cluster.hand().get("/api/v1/pods")["items"].as_array().cloned().unwrap_or_default()
    }

    /// Whether nothing is on its way: each pod is up, all that are wanted are there, budgets are counted.
    fn is_at_rest(&self) -> bool {
        let hand = self.cluster.hand();
        let nodes = hand.get("/api/v1/nodes");
        let nodes: BTreeSet<&str> = nodes["items"].as_array().into_iter().flatten().map(cluster::name).collect();
        let up = |pod: &Value| {
            let there = pod["spec"]["nodeName"].as_str().is_some_and(|node| nodes.contains(node));
            there && pod["metadata"]["deletionTimestamp"].is_null() && cluster::holds(pod, "Ready")
        };
        let sets = hand.get("/apis/apps/v1/daemonsets");
        let sets = sets["items"].as_array().into_iter().flatten().all(|set| {
            let status = &set["status"];
            status["observedGeneration"] == set["metadata"]["generation"]
                && status["desiredNumberScheduled"] == status["numberReady"]
        });
        let counted = |list: &str| {
            let all = hand.get(list);
            all["items"].as_array().into_iter().flatten().all(|one| {
                one["status"]["observedGeneration"] == one["metadata"]["generation"]
                    && one["spec"]["replicas"] == one["status"]["readyReplicas"]
            })
        };
        let budget =
            hand.get("/apis/policy/v1beta1/namespaces/openshift-monitoring/poddisruptionbudgets/alertmanager-main");
        let node = self.cluster.node_now(NODE);
        let runs = self.watched.kubelet.lock().expect("nobody died here").is_some();
        sets && counted("/api/v1/replicationcontrollers")
            && counted("/apis/apps/v1/statefulsets")
            && budget["status"]["disruptionsAllowed"] == 1
            && self.all_pods().iter().all(up)
            // Its kubelet was noticed, however it is.
            && if runs { cluster::holds(&node, "Ready") } else { !cluster::holds(&node, "Ready") }
    }
}

fn home_of(pod: &Value, kind: &str) -> Home {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    Home {
        node: pod["spec"]["nodeName"].as_str().unwrap_or_default().to_owned(),
        name: (kind == "StatefulSet").then(|| cluster::name(pod).to_owned()),
        emptydir: volumes.into_iter().any(|volume| volume["emptyDir"].is_object()),
    }
}

fn same_node(now: &Value, wanted: &Value) -> bool {
    let seen = cluster::node(now);
    seen.labels == cluster::node(wanted).labels
        && seen.annotations == cluster::node(wanted).annotations
        && seen.taints.is_empty()
        && !seen.unschedulable
}

fn real(cluster: &Cluster, runtime: &Runtime) -> Real {
    let _guard = runtime.enter();
    let fleet = Fleet::new(None, BTreeMap::new()).expect("ssh can be set up");
    let claim = || Claim {
        journal: "conformance".to_owned(),
        words: "the conformance suite".to_owned(),
        fence: Fence::default(),
    };
    let work = std::env::temp_dir().join("palinode-conformance-kube");
    let real =
        Real::new(fleet, claim(), PlaybookDirs { jobs: work.join("jobs"), claims: work.join("claims"), ssh: None });
    let api = runtime.block_on(Api::open(Some(&cluster.kubeconfig()), None, claim(), BTreeMap::new()));
    real.with_cluster(Some(api.expect("the server answers")))
}

/// Plays the kubelet of [`NODE`] while it runs: the node registers as its group has it, and is heard of. When it does not
/// run, the node is missed at once, and the pods of a node that is no more are collected at once.
fn play(kubeconfig: &std::path::Path, kubelet: &Kubelet, node: &Value) {
    let hand = palinode_tests::cluster::Hand::new(kubeconfig);
    let path = format!("/api/v1/nodes/{NODE}");
    let mut beats = 0_u64;
    loop {
        std::thread::sleep(Duration::from_millis(200));
        beats += 1;
        let since = *kubelet.lock().expect("nobody died here");
        let Some((code, now)) = hand.ask("GET", &path, "", &Value::Null) else { continue };
        match (since, code) {
            (Some(since), 404) if since.elapsed() >= REGISTERS => {
                let mut anew = node.clone();
                if let Some(labels) = anew["metadata"]["labels"].as_object_mut() {
                    labels.retain(|label, _| !CUSTOM.contains(&label.as_str()));
                }
                let _ = hand.ask("POST", "/api/v1/nodes", "application/json", &anew);
            }
            (since, 200) => {
                let status = if since.is_some() { "True" } else { "Unknown" };
                let heard = since.is_some() || cluster::holds(&now, "Ready");
                let beat = format!("2026-01-01T{:02}:{:02}:{:02}Z", beats / 3600 % 24, beats / 60 % 60, beats % 60);
                let room = json!({ "cpu": "64", "memory": "64Gi", "pods": "500" });
                let condition = json!({ "type": "Ready", "status": status, "lastHeartbeatTime": beat });
                let status = json!({ "status": { "capacity": room, "allocatable": room, "conditions": [condition] } });
                if heard {
                    let _ =
                        hand.ask("PATCH", &format!("{path}/status"), "application/strategic-merge-patch+json", &status);
                }
            }
            (None, 404) => {
                let list = format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{NODE}");
                let Some((200, list)) = hand.ask("GET", &list, "", &Value::Null) else { continue };
                for pod in list["items"].as_array().into_iter().flatten() {
                    hand.delete(&format!("/api/v1/namespaces/{}/pods/{}", cluster::namespace(pod), cluster::name(pod)));
                }
            }
            _ => {}
        }
    }
}

/// Someone else changes an object, or puts another of the same name in its place. False if there is none.
fn meddle(cluster: &Cluster, key: &ResourceKey, how: Meddling) -> bool {
    let hand = cluster.hand();
    let maps = |space: &str| format!("/api/v1/namespaces/{space}/configmaps");
    let (list, name) = match key.kind() {
        Some(Kind::Node(name)) => ("/api/v1/nodes".to_owned(), name),
        Some(Kind::ConfigMap(space, name)) => (maps(space), name),
        Some(Kind::Object { kind: "ConfigMap", namespace: Some(space), name, .. }) => (maps(space), name),
        Some(Kind::Object { kind: kind @ "DaemonSet", namespace: Some(space), name, .. }) => {
            (kind_path(kind, space), name)
        }
        _ => return false,
    };
    let path = format!("{list}/{name}");
    let now = hand.get(&path);
    match (now.is_null(), how, key.kind()) {
        (true, _, Some(Kind::Object { kind: "ConfigMap", .. } | Kind::ConfigMap(..))) => {
            hand.make(&list, &json!({ "metadata": { "name": name }, "data": { "else": "1" } }));
        }
        (true, ..) => return false,
        (false, Meddling::Edit, Some(Kind::Node(_))) => {
            let on = now["spec"]["unschedulable"] == true;
            let fields = json!({ "spec": { "unschedulable": if on { Value::Null } else { true.into() } } });
            hand.merge(&path, &fields);
        }
        (false, Meddling::Edit, Some(Kind::Object { kind: "DaemonSet", .. })) => {
            hand.merge(&path, &json!({ "spec": { "minReadySeconds": 1 } }));
        }
        (false, Meddling::Edit, _) => {
            hand.merge(&path, &json!({ "data": { "else": "1" } }));
        }
        (false, Meddling::Replace, kind) => {
            let mut anew = now.clone();
            if let Some(meta) = anew["metadata"].as_object_mut() {
                meta.retain(|field, _| ["name", "namespace", "labels", "annotations"].contains(&field.as_str()));
            }
            hand.delete(&path);
            // The kubelet that is played may be quicker.
            let _ = hand.ask("POST", &list, "application/json", &anew);
            if let Some(Kind::Node(_)) = kind {
                hand.merge(&path, &json!({ "metadata": anew["metadata"], "spec": anew["spec"] }));
            }
            cluster.until("another one is there", |_| {
                let there = hand.get(&path);
                !there.is_null() && there["metadata"]["uid"] != now["metadata"]["uid"]
            });
        }
    }
    true
}

impl Subject for ApiSubject {
    type Executor = Watched;
    type Journal = MemJournal;

    fn executor(&self) -> &Watched {
        &self.watched
    }

    fn bodies(&self) -> &dyn Bodies {
        &self.bodies
    }

    fn fresh(&mut self) -> Result<(), Trouble> {
        self.watched.kubelet.lock().expect("nobody died here").get_or_insert_with(|| Instant::now() - REGISTERS);
        self.nodes();
        self.maps();
        self.sets();
        self.pods();
        self.cluster.until("the cluster is as the lab", |_| self.is_at_rest());
        self.bodies = Kept::default();
        self.revive()
    }

    fn change(&mut self, change: &Change) -> Result<(), Trouble> {
        match change {
            Change::BarePod { namespace, name, node } => {
                let home = Home { node: node.clone(), name: None, emptydir: false };
                let pod = json!({ "metadata": { "name": name }, "spec": pod_spec(Some(&home), false) });
                self.cluster.hand().make(&format!("/api/v1/namespaces/{namespace}/pods"), &pod);
                Ok(())
            }
            other => Err(Trouble(format!("not through the API: {other:?}"))),
        }
    }

    fn meddle(&self, key: &ResourceKey, how: Meddling) -> Result<bool, Trouble> {
        // The hand has a runtime of its own, which cannot be driven from within the executor's.
        let cluster = &self.cluster;
        std::thread::scope(|scope| {
            let done = scope.spawn(|| meddle(cluster, key, how)).join();
            done.map_err(|_| Trouble(format!("nobody else could change {key}")))
        })
    }

    fn journal(&self) -> MemJournal {
        MemJournal::new(owner(1))
    }

    fn drive<T>(&self, future: impl Future<Output = T>) -> Result<T, Halted> {
        self.runtime.block_on(async {
            tokio::select! {
                value = future => Ok(value),
                () = self.watched.dead.notified() => Err(Halted),
            }
        })
    }

    fn arm(&mut self, job: &Job, cut: Cut) -> Result<(), Trouble> {
        self.watched.cut.set(Some((job.name, cut)));
        Ok(())
    }

    fn revive(&mut self) -> Result<(), Trouble> {
        self.watched.real = real(&self.cluster, &self.runtime);
        Ok(())
    }

    fn settle(&mut self, _: Span) -> Result<(), Trouble> {
        self.cluster.until("the cluster comes to rest", |_| self.is_at_rest());
        Ok(())
    }

    fn fingerprint(&mut self) -> Result<BTreeMap<String, String>, Trouble> {
        let mut lines = BTreeMap::new();
        let runs = self.watched.kubelet.lock().expect("nobody died here").is_some();
        lines.insert(format!("{NODE}/unit/{UNIT}"), if runs { "active" } else { "inactive" }.to_owned());
        for node in self.cluster.hand().get("/api/v1/nodes")["items"].as_array().into_iter().flatten() {
            let seen = cluster::node(node);
            let words = format!(
                "{}, {}, {:?}, {:?}, {:?}",
                seen.ready, seen.unschedulable, seen.labels, seen.annotations, seen.taints
            );
            lines.insert(format!("node/{}@cluster", cluster::name(node)), words);
        }
        let maps = self.cluster.hand().get("/api/v1/namespaces/openshift-node/configmaps");
        for map in maps["items"].as_array().into_iter().flatten() {
            let words = cluster::manifest(map).to_string();
            lines.insert(format!("configmap/openshift-node/{}@cluster", cluster::name(map)), words);
        }
        for set in self.cluster.hand().get("/apis/apps/v1/daemonsets")["items"].as_array().into_iter().flatten() {
            let (space, name) = (cluster::namespace(set), cluster::name(set));
            let words = format!("{} {}", set["spec"], set["metadata"]["labels"]);
            lines.insert(format!("object/apps/v1/DaemonSet/{space}/{name}@cluster"), words);
        }
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pod in self.all_pods() {
            let place = pod["spec"]["nodeName"].as_str().unwrap_or("nowhere").to_owned();
            places
                .entry(format!("pod/{}/{}@cluster", cluster::namespace(&pod), known_as(&pod)))
                .or_default()
                .push(place);
        }
        for (key, mut list) in places {
            list.sort();
            lines.insert(key, list.join(", "));
        }
        Ok(lines)
    }

    fn effects(&self, _: EntryId) -> Option<usize> {
        None
    }

    fn remembers_jobs(&self) -> bool {
        false
    }

    fn tree(&self, _: &[u8]) -> Result<BTreeMap<String, String>, Trouble> {
        Err(Trouble("the API has no directories".to_owned()))
    }
}

/// The cases of what happens through the API, prepared by nothing but that and the kubelet's unit.
fn cases() -> Vec<Case> {
    let fits = |action: &Action| action.place() == Place::Cluster || unit_of(action).is_some();
    let ready = |prep: &Prep| match prep {
        Prep::Do(action) | Prep::Keep(action) => fits(action),
        Prep::Change(Change::BarePod { .. }) | Prep::Wait(_) => true,
        Prep::Change(_) => false,
    };
    let plain = |case: &Case| match &case.under {
        Under::Plain(action) => action.place() == Place::Cluster,
        Under::Inverse(_) => {
            case.prepare.iter().any(|prep| matches!(prep, Prep::Keep(action) if action.place() == Place::Cluster))
        }
    };
    let all = catalog::all(INVENTORY).expect("the names are names").into_iter();
    // A quarter of an hour long nothing registers.
    let all = all
        .filter(|case| plain(case) && case.prepare.iter().all(ready) && case.name != "restore-node, never registers");
    // Where an action begins right away, the pods of a node that left are still on their way.
    let moves =
        |case: Case| if case.hot { case.except(Rule::ReadOnly, "the world has not come to rest") } else { case };
    all.map(moves).collect()
}

/// Cases of what the lab has nothing of: objects of any kind.
fn objects() -> Vec<Case> {
    let object = |api: &str, kind: &str, name: &str| ObjectRef {
        api: api.to_owned(),
        kind: kind.to_owned(),
        namespace: Some("openshift-node".to_owned()),
        name: name.to_owned(),
    };
    let merge =
        |object, merge: Value, create| Action::PatchObject(PatchObject { object, merge: merge.to_string(), create });
    let sync = object("apps/v1", "DaemonSet", "sync");
    let by_hand = json!({ "spec": { "updateStrategy": { "type": "OnDelete", "rollingUpdate": null } } });
    let map = object("v1", "ConfigMap", "made");
    let unused = object("v1", "ConfigMap", "node-config-compute-crio");
    let words = json!({ "data": { "text": "moving" } });
    let case = |name, action| Case::new(name, NODE, action).expect("a host");
    // What a merge comes to only the server knows: one in doubt is made again, and finds that it is so already.
    let blind = |case: Case| case.except(Rule::Judged, "nothing but the merge itself tells whether it is there");
    vec![
        blind(case("kube.patch, strategy", merge(sync.clone(), by_hand.clone(), false))),
        blind(case("kube.patch, so already", merge(sync, by_hand, false)))
            .after([Prep::Do(merge(
                object("apps/v1", "DaemonSet", "sync"),
                json!({ "spec": { "updateStrategy": { "type": "OnDelete", "rollingUpdate": null } } }),
                false,
            ))])
            .nothing(),
        case("kube.patch, none there", merge(map.clone(), words.clone(), false)).refused("not found"),
        blind(case("kube.apply, made", merge(map, words.clone(), true))),
        blind(case("kube.apply, changed", merge(unused.clone(), words, true))),
        case("kube.remove", Action::RemoveObject(RemoveObject { object: unused })),
        case(
            "kube.remove, none there",
            Action::RemoveObject(RemoveObject { object: object("v1", "ConfigMap", "none") }),
        )
        .nothing(),
    ]
}

/// One of each action, and those that are made of several changes.
const SOME: [&str; 11] = [
    "kube.patch, strategy",
    "kube.apply, made",
    "kube.remove",
    "patch-node, taints",
    "cordon",
    "drain",
    "delete-node",
    "delete-node, kubelet runs",
    "restore-node, registered again",
    "patch-node, both",
    "apply ConfigMap, deleted",
];

#[test]
fn every_action_through_the_api_keeps_the_rules_and_does_what_it_does_in_the_lab() {
    let Some(mut subject) = ApiSubject::new("kube: conformance") else { return };
    let few = [
        Rule::Promise,
        Rule::CutHalf,
        Rule::CutSilent,
        Rule::Undone,
        Rule::UndoneTwice,
        Rule::Refused,
        Rule::RetryMore,
        Rule::RefusedNoImage,
        Rule::SkippedUndo,
        Rule::OthersAtWork,
        Rule::ReplacedTarget,
    ];
    let rules: &[Rule] = if skip::long() { &RULES } else { &few };
    let cases = [cases(), objects()].concat();
    let some = |case: &Case| skip::long() || SOME.contains(&case.name);
    let (ruled, plain): (Vec<Case>, Vec<Case>) = cases.iter().cloned().partition(some);
    let mut report = check_only(&mut subject, &ruled, rules);
    println!("{report}");
    let done = check_only(&mut subject, &plain, &[Rule::Refused]);
    println!("{done}");
    report.images.extend(done.images);
    report.violations.extend(done.violations);
    let mut broken: Vec<String> = report.violations.iter().map(ToString::to_string).collect();
    let mut lab = LabSubject::new(Memory::default(), inventory_text());
    let cases = self::cases();
    let there = check_only(&mut lab, &cases, &[]);
    assert!(there.images.len() == cases.len() && cases.len() > 24, "{}", cases.len());
    broken.extend(compare(&report.images, &there.images).iter().map(ToString::to_string));
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
