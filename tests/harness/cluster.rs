//! A real API server on loopback, with etcd, controllers and scheduler, and a thread that plays the kubelets. The programs
//! are found as envtest finds them, in `KUBEBUILDER_ASSETS`; etcd may also be on the `PATH`.

use crate::skip::skip;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// So long may the servers take to answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A way to speak to an API server, for one thread.
#[derive(Debug)]
pub struct Hand {
    inner: Mutex<Inner>,
}

struct Inner {
    runtime: tokio::runtime::Runtime,
    client: kube::Client,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a client")
    }
}

impl Hand {
    /// By a kubeconfig.
    pub fn new(kubeconfig: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(async {
            let config = kube::config::Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
            let mut config = kube::Config::from_custom_kubeconfig(config, &Default::default()).await.expect("a config");
            config.default_retry = false;
            kube::Client::try_from(config).expect("a client")
        });
        Self { inner: Mutex::new(Inner { runtime, client }) }
    }

    /// One request: what came of it.
    pub fn ask(&self, method: &str, path: &str, kind: &str, body: &Value) -> Option<(u16, Value)> {
        self.ask_told(method, path, kind, body).map(|(code, _, value)| (code, value))
    }

    /// The same, with the id that the server's audit log has for the request.
    pub fn ask_told(&self, method: &str, path: &str, kind: &str, body: &Value) -> Option<(u16, Option<String>, Value)> {
        let inner = self.inner.lock().expect("nobody died here");
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = http::Request::builder().method(method).uri(path).header("content-type", kind);
        let request = request.body(kube::client::Body::from(bytes)).expect("a request");
        inner.runtime.block_on(async {
            use http_body_util::BodyExt;
            let answer = inner.client.send(request).await.ok()?;
            let code = answer.status().as_u16();
            let audit = answer.headers().get("audit-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
            let bytes = answer.into_body().collect().await.ok()?.to_bytes();
            Some((code, audit, serde_json::from_slice(&bytes).unwrap_or_default()))
        })
    }

    /// Reads an object; null if it is not there.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        match self.ask("GET", path, "application/json", &Value::Null) {
            Some((200, value)) => value,
            Some((404, _)) => Value::Null,
            other => unreachable!("{path}: {other:?}"),
        }
    }

    /// Makes an object.
    #[track_caller]
    pub fn make(&self, path: &str, object: &Value) -> Value {
        match self.ask("POST", path, "application/json", object) {
            Some((200..300, value)) => value,
            other => unreachable!("{path}: {other:?}"),
        }
    }

    /// Merges fields into an object.
    #[track_caller]
    pub fn merge(&self, path: &str, fields: &Value) -> Value {
        match self.ask("PATCH", path, "application/merge-patch+json", fields) {
            Some((200, value)) => value,
            other => unreachable!("{path}: {other:?}"),
        }
    }

    /// Deletes an object at once.
    pub fn delete(&self, path: &str) -> Option<u16> {
        let options = json!({ "gracePeriodSeconds": 0 });
        self.ask("DELETE", path, "application/json", &options).map(|(code, _)| code)
    }
}

/// The servers. Most tests of a process share them, each with nodes and namespaces of its own.
#[derive(Debug)]
pub struct Cluster {
    dir: TempDir,
    hand: Hand,
    /// The servers end when it is gone, and so do the kubelets.
    _lives: (Sender<()>, Arc<()>),
}

impl Cluster {
    /// The servers of this process; none where they cannot be had.
    pub fn find(test: &str) -> Option<&'static Self> {
        static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
        match CLUSTER.get_or_init(Self::start) {
            Ok(cluster) => Some(cluster),
            Err(why) => {
                skip(test, why);
                None
            }
        }
    }

    /// Servers of the caller alone; none where they cannot be had.
    pub fn own(test: &str) -> Option<Self> {
        Self::start().map_err(|why| skip(test, &why)).ok()
    }

    fn start() -> Result<Self, String> {
        // Ports that are free are free for one of them only.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().map_err(|error| error.to_string())?;
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
        let assets = assets.ok_or("KUBEBUILDER_ASSETS names no folder with kube-apiserver")?;
        let found = |name: &str| {
            let here = assets.join(name);
            let paths = std::env::var_os("PATH").unwrap_or_default();
            let mut all = std::iter::once(here).chain(std::env::split_paths(&paths).map(|dir| dir.join(name)));
            all.find(|path| path.is_file()).ok_or(format!("{name} is neither in KUBEBUILDER_ASSETS nor on the PATH"))
        };
        let programs = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
        let programs: Vec<PathBuf> = programs.into_iter().map(found).collect::<Result<_, _>>()?;
        found("openssl")?;
        found("setpriv")?;
        let dir = tempfile::Builder::new().prefix("palinode-kube-").tempdir().map_err(|error| error.to_string())?;
        // Below the ports that the system hands out: one of those could be someone else's before the server has it.
        let first = 20_000 + (std::process::id() % 10_000) as u16;
        let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let ports: Vec<u16> = (first..32_000).filter(free).take(3).collect();
        let [client_port, peer_port, api_port] = ports.as_slice() else { return Err("no port is free".to_owned()) };
        let at = |name: &str| dir.path().join(name).display().to_string();
        for args in [
            vec!["genrsa".to_owned(), "-out".to_owned(), at("sa.key"), "2048".to_owned()],
            ["rsa", "-in", &at("sa.key"), "-pubout", "-out", &at("sa.pub")].map(str::to_owned).to_vec(),
        ] {
            let done = Command::new("openssl").args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
            assert!(done.is_ok_and(|done| done.success()), "openssl makes a key");
        }
        let rules = json!({
            "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
            "rules": [
                { "level": "Request", "verbs": ["create", "update", "patch", "delete", "deletecollection"] },
                { "level": "Metadata", "omitStages": ["RequestReceived"] },
            ],
        });
        fs::write(at("audit-policy.yaml"), rules.to_string()).expect("a file");
        fs::write(at("tokens.csv"), "admintoken,admin,1,\"system:masters\"\npoortoken,poor,2\njointoken,system:node:joins,3,\"system:nodes\"\nonetoken,one,4,\"system:masters\"\ntwotoken,two,5,\"system:masters\"\nlookstoken,looks,6\napprovestoken,approves,7\n").expect("a file");
        let server = format!("https://127.0.0.1:{api_port}");
        for (name, token) in [
            ("kubeconfig", "admintoken"),
            ("poor", "poortoken"),
            ("stranger", "expired"),
            ("joins", "jointoken"),
            ("one", "onetoken"),
            ("two", "twotoken"),
            ("looks", "lookstoken"),
            ("approves", "approvestoken"),
        ] {
            fs::write(at(name), kubeconfig(&server, token)).expect("a file");
        }
        let client = format!("http://127.0.0.1:{client_port}");
        let peer = format!("http://127.0.0.1:{peer_port}");
        let text = |flags: &[(&str, String)]| flags.iter().map(|(flag, value)| format!("--{flag}={value}")).collect();
        let etcd: Vec<String> = text(&[
            ("data-dir", at("etcd")),
            ("listen-client-urls", client.clone()),
            ("advertise-client-urls", client.clone()),
            ("listen-peer-urls", peer.clone()),
            ("initial-advertise-peer-urls", peer.clone()),
            ("initial-cluster", format!("default={peer}")),
        ]);
        let api: Vec<String> = text(&[
            ("audit-policy-file", at("audit-policy.yaml")),
            ("audit-log-path", at("audit.log")),
            ("etcd-servers", client),
            ("bind-address", "127.0.0.1".to_owned()),
            ("advertise-address", "127.0.0.1".to_owned()),
            ("secure-port", api_port.to_string()),
            ("insecure-port", "0".to_owned()),
            ("cert-dir", at("certs")),
            ("service-cluster-ip-range", "10.0.0.0/24".to_owned()),
            ("token-auth-file", at("tokens.csv")),
            ("authorization-mode", "RBAC".to_owned()),
            ("service-account-key-file", at("sa.pub")),
            ("service-account-signing-key-file", at("sa.key")),
            ("service-account-issuer", "https://localhost".to_owned()),
            ("disable-admission-plugins", "ServiceAccount".to_owned()),
            ("endpoint-reconciler-type", "none".to_owned()),
            ("kubelet-timeout", "5s".to_owned()),
        ]);
        let controllers: Vec<String> = text(&[
            ("kubeconfig", at("kubeconfig")),
            ("service-account-private-key-file", at("sa.key")),
            ("leader-elect", "false".to_owned()),
            ("port", "0".to_owned()),
            ("secure-port", "0".to_owned()),
            // It approves what administrators ask for, and would be taken for us.
            ("controllers", "*,-csrapproving".to_owned()),
            ("node-monitor-grace-period", "24h".to_owned()),
            ("node-startup-grace-period", "24h".to_owned()),
        ]);
        let scheduler: Vec<String> = text(&[
            ("kubeconfig", at("kubeconfig")),
            ("leader-elect", "false".to_owned()),
            ("port", "0".to_owned()),
            ("secure-port", "0".to_owned()),
        ]);
        let all: Vec<(PathBuf, Vec<String>, String)> = programs
            .into_iter()
            .zip([etcd, api, controllers, scheduler])
            .zip(["etcd.log", "api.log", "controllers.log", "scheduler.log"])
            .map(|((program, args), log)| (program, args, at(log)))
            .collect();
        let (ready, is_ready) = channel();
        let (goes_on, go_on) = channel::<()>();
        // They end with the thread that began them, which ends with this process, however it ends.
        std::thread::spawn(move || {
            let mut children = Vec::new();
            for (number, (program, args, log)) in all.into_iter().enumerate() {
                // What asks the API server gives up where it does not answer soon.
                if number == 2 && go_on.recv().is_err() {
                    break;
                }
                let log = fs::File::create(log).expect("a log");
                let child = Command::new("setpriv")
                    .args(["--pdeathsig", "KILL", "--"])
                    .arg(program)
                    .args(args)
                    .stdin(Stdio::null())
                    .stdout(log.try_clone().expect("a log"))
                    .stderr(log)
                    .spawn();
                let told = ready.send(child.as_ref().map(drop).map_err(ToString::to_string));
                children.extend(child);
                if told.is_err() {
                    break;
                }
            }
            // Nothing more is sent: the other end goes.
            let _: Result<(), _> = go_on.recv();
            for child in &mut children {
                let _ = child.kill();
                let _ = child.wait();
            }
        });
        let begun = || is_ready.recv().map_err(|error| error.to_string())?;
        begun()?;
        begun()?;
        let hand = Hand::new(&dir.path().join("kubeconfig"));
        let began = Instant::now();
        while !matches!(hand.ask("GET", "/readyz", "application/json", &Value::Null), Some((200, _))) {
            if began.elapsed() > PATIENCE {
                let log = fs::read_to_string(dir.path().join("api.log")).unwrap_or_default();
                return Err(format!("the API server does not start: {}", log.lines().last().unwrap_or_default()));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        goes_on.send(()).map_err(|error| error.to_string())?;
        begun()?;
        begun()?;
        let alive = Arc::new(());
        let lives = Arc::downgrade(&alive);
        let cluster = Self { dir, hand, _lives: (goes_on, alive) };
        let kubeconfig = cluster.kubeconfig();
        std::thread::spawn(move || kubelets(&kubeconfig, &lives));
        Ok(cluster)
    }

    /// The file by which it is reached, as its administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }

    /// One of the other files: `poor` may do nothing, `stranger` has a token that is not known, `joins` is a node's, `one` and `two`
    /// are administrators whose requests can be told apart, `looks` and `approves` may do what a test lets them.
    pub fn kubeconfig_of(&self, who: &str) -> PathBuf {
        self.dir.path().join(who)
    }

    /// A way to speak to it.
    pub fn hand(&self) -> &Hand {
        &self.hand
    }

    /// What its audit log says: one event for each request that was answered. The server may still be at a request whose
    /// client is gone: those that it had received by now, and that change something, are waited for.
    #[track_caller]
    pub fn audit(&self) -> Vec<Value> {
        let log = self.dir.path().join("audit.log");
        let (mut wanted, began) = (None, Instant::now());
        loop {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let all = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let (begun, ended): (Vec<Value>, Vec<Value>) = all.partition(|event| event["stage"] == "RequestReceived");
            let ids = |events: &[Value]| -> BTreeSet<String> {
                events.iter().filter_map(|event| event["auditID"].as_str().map(str::to_owned)).collect()
            };
            let (over, wanted) = (ids(&ended), wanted.get_or_insert_with(|| ids(&begun)));
            if wanted.is_subset(&over) {
                return ended;
            }
            let open: Vec<&String> = wanted.difference(&over).collect();
            assert!(began.elapsed() < PATIENCE, "the server does not end these requests: {open:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Makes a namespace.
    #[track_caller]
    pub fn namespace(&self, name: &str) {
        self.hand.make("/api/v1/namespaces", &json!({ "metadata": { "name": name } }));
    }

    /// Registers a node as a kubelet does: Ready, with these labels beside its name.
    #[track_caller]
    pub fn node(&self, name: &str, labels: &[(&str, &str)]) -> Value {
        let mut all = json!({ "kubernetes.io/hostname": name });
        for (label, value) in labels {
            all[*label] = (*value).into();
        }
        let made = self.hand.make(
            "/api/v1/nodes",
            &json!({ "metadata": { "name": name, "labels": all, "annotations": { "volumes.kubernetes.io/controller-managed-attach-detach": "true" } } }),
        );
        self.ready(name, true);
        // The controller takes its taint away from what it last read: nobody may write taints meanwhile.
        self.until("the node is let be", |cluster| {
            let node = cluster.node_now(name);
            let taints = node["spec"]["taints"].as_array().into_iter().flatten();
            !taints.into_iter().any(|taint| taint["key"] == "node.kubernetes.io/not-ready")
        });
        made
    }

    /// Says whether a node's kubelet is heard of.
    #[track_caller]
    pub fn ready(&self, name: &str, ready: bool) {
        let status = if ready { "True" } else { "Unknown" };
        let room = json!({ "cpu": "64", "memory": "64Gi", "pods": "500" });
        self.hand.merge(
            &format!("/api/v1/nodes/{name}/status"),
            &json!({ "status": {
                "capacity": room, "allocatable": room,
                "conditions": [{ "type": "Ready", "status": status, "reason": "Test", "message": "test",
                    "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z" }],
                "nodeInfo": { "machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "", "osImage": "",
                    "containerRuntimeVersion": "docker://1.13.1", "kubeletVersion": "v1.11.0", "kubeProxyVersion": "",
                    "operatingSystem": "linux", "architecture": "amd64" },
            } }),
        );
    }

    /// A Node as it is now; null if it is not there.
    #[track_caller]
    pub fn node_now(&self, name: &str) -> Value {
        self.hand.get(&format!("/api/v1/nodes/{name}"))
    }

    /// The pods on a node: name and UID, those that are being deleted too.
    #[track_caller]
    pub fn pods_on(&self, node: &str) -> Vec<Value> {
        let list = self.hand.get(&format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{node}"));
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until something holds.
    #[track_caller]
    pub fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < PATIENCE, "it does not come: {what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until so many pods of a node are Ready.
    #[track_caller]
    pub fn until_up(&self, node: &str, count: usize) {
        let up = |pod: &Value| {
            let ended = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
            ended || palinode_core::cluster::holds(pod, "Ready")
        };
        self.until(&format!("{count} pods up on {node}"), |cluster| {
            cluster.pods_on(node).iter().filter(|pod| up(pod)).count() >= count
        });
    }
}

/// A kubeconfig for a server that no authority vouches for.
pub fn kubeconfig(server: &str, token: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": { "server": server, "insecure-skip-tls-verify": true } }],
        "users": [{ "name": "test", "user": { "token": token } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
    })
    .to_string()
}

/// The annotation of a pod that no kubelet ends.
pub const STUCK: &str = "test/stuck";

/// Plays the kubelets of all nodes: pods that are bound run and are Ready, pods that are being deleted go. Pods with the
/// annotation `test/crashing` are never Ready, those with `test/ended` have ended, those with [`STUCK`] never go.
fn kubelets(kubeconfig: &Path, alive: &Weak<()>) {
    let hand = Hand::new(kubeconfig);
    while alive.strong_count() > 0 {
        std::thread::sleep(Duration::from_millis(200));
        let Some((200, list)) = hand.ask("GET", "/api/v1/pods?resourceVersion=0", "", &Value::Null) else { continue };
        for pod in list["items"].as_array().into_iter().flatten() {
            let meta = &pod["metadata"];
            let says = |name: &str| meta["annotations"][name].is_string();
            let (Some(name), Some(space)) = (meta["name"].as_str(), meta["namespace"].as_str()) else { continue };
            if pod["spec"]["nodeName"].is_null() {
                continue;
            }
            let path = format!("/api/v1/namespaces/{space}/pods/{name}");
            if meta["deletionTimestamp"].is_string() {
                if !says(STUCK) {
                    let options = json!({ "gracePeriodSeconds": 0, "preconditions": { "uid": meta["uid"] } });
                    let _ = hand.ask("DELETE", &path, "application/json", &options);
                }
                continue;
            }
            if pod["status"]["phase"] != "Pending" {
                continue;
            }
            let (phase, ready) = match () {
                () if says("test/ended") => ("Succeeded", "False"),
                () if says("test/crashing") => ("Running", "False"),
                () => ("Running", "True"),
            };
            let status = json!({ "status": { "phase": phase, "conditions": [{ "type": "Ready", "status": ready }] } });
            let _ = hand.ask("PATCH", &format!("{path}/status"), "application/strategic-merge-patch+json", &status);
        }
    }
}
