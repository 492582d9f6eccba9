//! The gate on healed storage against a real GlusterFS: three machines, each with a brick of a volume with three copies.

use palinode_tests::binary::{Desk, Out};
use palinode_tests::fake_api::{FakeApi, Reply};
use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;
use serde_json::{Value, json};
use std::sync::Arc;

const KIND: Kind = Kind { rhel7: false, disk: false, gluster: true };
pub(super) const THREE: [&str; 3] = ["gluster1.demo", "gluster2.demo", "gluster3.demo"];
const FIRST: &str = THREE[0];
const LAST: &str = THREE[2];

/// Three members and a volume `v`, mounted on the first.
struct Storage(InventoryDir);

/// What a run that waits for the gate came to.
pub(super) struct Waited {
    pub(super) out: Out,
    /// Its samples, oldest first.
    pub(super) samples: Vec<Value>,
    /// Its other events.
    events: Vec<Value>,
}

impl Waited {
    pub(super) fn new(out: Out, desk: &Desk) -> Self {
        desk.run(&["verify"]).exits(0);
        desk.run(&["replay", "--strict"]).exits(0);
        let events = desk.entries().into_iter().map(|item| item["entry"]["event"].clone());
        let (samples, events) = events.partition::<Vec<Value>, _>(|event| event["GateSampled"].is_object());
        Self { out, samples: samples.iter().map(|event| event["GateSampled"].clone()).collect(), events }
    }

    pub(super) fn last(&self) -> &Value {
        self.samples.last().expect("it was looked at")
    }

    /// A figure of the last sample.
    pub(super) fn fact(&self, name: &str) -> &str {
        self.last()["facts"][name].as_str().unwrap_or("(none)")
    }

    /// It opened, and said so.
    #[track_caller]
    pub(super) fn opened(self) -> Self {
        assert_eq!(self.out.code, Some(0), "{}\n{:#?}", self.out, self.samples);
        assert_eq!(self.last()["pass"], true);
        assert_eq!(self.fact("why"), "(none)");
        self
    }

    /// Its time was up, no look was good, and each of the last one's facts begins as is said here.
    #[track_caller]
    pub(super) fn stayed_closed(self, facts: &[(&str, &str)]) -> Self {
        assert_eq!(self.out.code, Some(3), "{}\n{:#?}", self.out, self.samples);
        assert!(self.samples.iter().all(|sample| sample["pass"] == false && sample["hopeless"] == false));
        assert!(self.events.iter().any(|event| event["TimerFired"].is_object()), "{:#?}", self.events);
        for (name, begins) in facts {
            assert!(self.fact(name).starts_with(begins), "{name}: {:#?}", self.last());
        }
        self
    }
}

pub(super) fn runbook(gate: &str, timeout: &str) -> String {
    format!(
        "runbook: storage\nhosts: {{ group: front }}\npreflight:\n  - healed: {{ gluster.healed: {{ every: 1s, {gate} }}, timeout: \
         {timeout} }}\n"
    )
}

pub(super) const ALL: &str = "hosts: [gluster1.demo, gluster2.demo, gluster3.demo]";
const TWO: &str = "hosts: [gluster1.demo, gluster2.demo]";

impl Storage {
    fn new(test: &str) -> Option<Self> {
        let site = InventoryDir::new(test, KIND, &THREE)?;
        for name in THREE {
            site.hosts.run(name, "systemctl start glusterd && mkdir -p /bricks").exits(0);
        }
        for name in &THREE[1..] {
            site.hosts.until(FIRST, &format!("gluster peer probe {name}"));
        }
        // Everybody knows of everybody.
        for name in THREE {
            site.hosts.until(name, "test \"$(gluster pool list | grep -c Connected)\" = 3");
        }
        let storage = Self(site);
        storage.volume("v", "");
        Some(storage)
    }

    fn on(&self, name: &str, command: &str) -> String {
        self.0.hosts.run(name, command).text()
    }

    /// A volume with a brick on each machine, mounted on the first.
    fn volume(&self, name: &str, options: &str) {
        let bricks: Vec<String> = THREE.iter().map(|host| format!("{host}:/bricks/{name}")).collect();
        let bricks = bricks.join(" ");
        self.on(FIRST, &format!("gluster --mode=script volume create {name} replica 3 {bricks} force"));
        for option in options.split(',').filter(|option| !option.is_empty()) {
            self.on(FIRST, &format!("gluster --mode=script volume set {name} {option}"));
        }
        self.start(name);
        self.on(FIRST, &format!("mkdir -p /mnt/{name}"));
        self.mount(name);
    }

    fn mount(&self, name: &str) {
        self.on(FIRST, &format!("umount /mnt/{name} 2>/dev/null; mount -t glusterfs {FIRST}:/{name} /mnt/{name}"));
    }

    /// Starts the bricks that do not run; the last part of `volume` is its name, all of it its place below `/bricks`.
    fn start(&self, volume: &str) {
        let name = volume.rsplit('/').next().unwrap_or(volume);
        self.on(FIRST, &format!("gluster --mode=script volume start {name} force"));
        for host in THREE {
            self.0.hosts.until(host, &format!("pgrep -f 'glusterfs[d].*bricks/{volume}'"));
        }
    }

    /// Ends the process of a brick, by its id.
    fn kill(&self, host: &str, volume: &str) {
        self.on(host, &format!("kill -9 $(pgrep -f 'glusterfs[d].*bricks/{volume}')"));
        self.0.hosts.until(host, &format!("! pgrep -f 'glusterfs[d].*bricks/{volume}'"));
    }

    fn desk(&self, runbook: &str) -> Desk {
        let desk = Desk::new();
        desk.write("hosts", format!("[front]\n{FIRST}\n\n[glusterfs]\n{}\n", THREE.join("\n")));
        desk.write("storage.yml", runbook);
        desk
    }

    fn args(&self) -> Vec<&str> {
        self.0.args(&["run", "./storage.yml", "-i", "hosts", "--yes"])
    }

    /// Waits for a gate in a run of its own.
    fn wait(&self, gate: &str, timeout: &str) -> Waited {
        let desk = self.desk(&runbook(gate, timeout));
        let out = desk.run(&self.args());
        Waited::new(out, &desk)
    }

    /// Runs a step on the first machine; what it printed.
    fn step(&self, step: &str) -> (Out, String) {
        let runbook = format!("runbook: storage\nhosts: {{ group: front }}\neach_host:\n  - look: {step}\n");
        let desk = self.desk(&runbook);
        let out = desk.run(&self.args());
        let shown = desk.raw(&["show", "gluster1.demo/look", "--body"]);
        (out, String::from_utf8_lossy(&shown).into_owned())
    }
}

#[test]
fn a_gate_opens_when_storage_is_healed_and_only_then() {
    let Some(storage) = Storage::new("gluster: the gate") else { return };
    let waited = storage.wait(&format!("samples: 2, {ALL}"), "2m").opened();
    let facts = [("bricks", "3/3"), ("peers", "3/3"), ("pending", "0"), ("split-brain", "0"), ("vantage-points", "3")];
    for (name, fact) in facts {
        assert_eq!(waited.fact(name), fact, "{:#?}", waited.last());
    }
    assert_eq!(waited.fact("volumes"), "1");
    // A folder of the system's own disk.
    assert!(waited.fact("on-root-disk").contains("gluster1.demo:/bricks/v"), "{:#?}", waited.last());
    assert!(waited.samples.len() >= 2);

    let (out, told) = storage.step("{ gluster.heal: {} }");
    out.exits(0);
    assert!(told.contains("Brick gluster3.demo:/bricks/v") && told.contains("Number of entries: 0"), "{told}");
    let (out, told) = storage.step("{ gluster.heal: { volumes: [nothing] } }");
    out.exits(3);
    assert!(told.contains("nothing"), "{told}");

    storage
        .wait("hosts: [gluster1.demo, gluster2.demo], volumes: [nothing]", "1s")
        .stayed_closed(&[("why", "there is no volume nothing")]);

    storage.kill(LAST, "v");
    storage.wait(ALL, "3s").stayed_closed(&[("bricks", "2/3"), ("why", "the brick gluster3.demo:/bricks/v of v is")]);
    storage.on(FIRST, "for i in $(seq 60); do head -c 20000 /dev/urandom >/mnt/v/file$i || exit; done");
    let waited = storage.wait(TWO, "3s").stayed_closed(&[("bricks", "2/3"), ("pending", "at least 6")]);
    assert_eq!(waited.fact("split-brain"), "unknown");

    let desk = storage.desk(&runbook(&format!("samples: 2, {ALL}"), "5m"));
    let mut live = desk.spawn(&storage.args());
    live.until("waiting for gluster.healed");
    storage.start("v");
    let waited = Waited::new(live.end(), &desk).opened();
    assert_eq!(waited.samples[0]["pass"], false, "{:#?}", waited.samples);
    for good in waited.samples.iter().filter(|sample| sample["pass"] == true) {
        assert_eq!((&good["facts"]["pending"], &good["facts"]["bricks"]), (&"0".into(), &"3/3".into()));
    }
    for host in THREE {
        let count = "ls /bricks/v | wc -l; gluster volume heal v info | grep -c 'Number of entries: 0'";
        assert_eq!(storage.on(host, count), "60\n3", "{host}");
    }

    // The last one's daemon, which tells the others of it, and not its brick.
    storage.on(LAST, "systemctl stop glusterd");
    storage.0.hosts.until(FIRST, "gluster pool list | grep -q Disconnected");
    storage.0.hosts.until(THREE[1], "gluster pool list | grep -q Disconnected");
    storage.wait(TWO, "3s").stayed_closed(&[
        ("peers", "2/3"),
        ("vantage-points", "2"),
        ("why", "the peer gluster3.demo is not connected: Peer in Cluster (Disconnected) (seen from gluster1.demo)"),
    ]);
    let waited = storage.wait("hosts: [gluster1.demo, gluster3.demo]", "3s").stayed_closed(&[("vantage-points", "1")]);
    assert!(waited.fact("why").contains("gluster3.demo"), "{:#?}", waited.last());
    storage.on(LAST, "systemctl start glusterd");
    for host in [FIRST, THREE[1]] {
        storage.0.hosts.until(host, "! gluster pool list | grep -q Disconnected");
    }

    // One that cannot be reached keeps it closed, and does not end the run.
    storage.0.hosts.stop_sshd(LAST);
    let gate = "hosts: [gluster2.demo, gluster3.demo]";
    let desk = storage.desk(&runbook(gate, "10m"));
    let mut live = desk.spawn(&storage.args());
    live.until("waiting for gluster.healed");
    storage.0.hosts.start_sshd(LAST);
    let waited = Waited::new(live.end(), &desk).opened();
    let first = &waited.samples[0];
    assert_eq!((&first["pass"], &first["facts"]["vantage-points"]), (&false.into(), &"1".into()), "{first:#?}");
    assert!(first["facts"]["why"].to_string().contains("gluster3.demo cannot be asked: no connection"), "{first:#?}");
}

#[test]
fn what_contradicts_itself_across_a_crawl_ends_the_run() {
    let Some(storage) = Storage::new("gluster: split-brain") else { return };
    let off = "cluster.self-heal-daemon off,cluster.quorum-type none,cluster.data-self-heal off,\
               cluster.metadata-self-heal off,cluster.entry-self-heal off";
    storage.volume("w", off);
    storage.on(FIRST, "echo both >/mnt/w/file");
    // Each of two bricks gets a change that nobody else has.
    for (alone, others) in [(0, [1, 2]), (1, [0, 2])] {
        others.iter().for_each(|other| storage.kill(THREE[*other], "w"));
        storage.mount("w");
        storage.on(FIRST, &format!("echo {} >>/mnt/w/file", THREE[alone]));
        storage.start("w");
    }
    // With its daemon off a volume is told so, and may be left out.
    storage
        .wait(ALL, "1s")
        .stayed_closed(&[("split-brain", "1"), ("why", "1 entries of w are in split-brain: it is waited")]);
    storage.on(FIRST, "gluster --mode=script volume set w cluster.heal-timeout 5");
    let but = storage.wait(&format!("{ALL}, except: [w]"), "2m").opened();
    assert_eq!((but.fact("left-out"), but.fact("volumes")), ("w", "1"), "{:#?}", but.last());
    storage.on(FIRST, "gluster --mode=script volume set w cluster.self-heal-daemon on");
    let waited = storage.wait(ALL, "10m");
    let first = &waited.samples[0];
    assert_eq!(
        (&first["pass"], &first["hopeless"]),
        (&false.into(), &false.into()),
        "one look is not final: {first:#?}"
    );
    let last = waited.last();
    assert_eq!((&last["pass"], &last["hopeless"]), (&false.into(), &true.into()), "{:#?}", waited.samples);
    assert_eq!(waited.fact("split-brain"), "1");
    assert!(waited.fact("why").starts_with("1 entries of w are in split-brain"), "{last:#?}");
    assert!(!waited.events.iter().any(|event| event["TimerFired"].is_object()), "{:#?}", waited.events);
    let decided = waited.events.iter().find(|event| event["GateDecided"].is_object()).expect("it is decided");
    assert_eq!(decided["GateDecided"]["passed"], false);
    waited.out.exits(3).says(&["split-brain 1", "do not heal by themselves"]);
    // The other volume is none the worse.
    storage.wait(&format!("{ALL}, volumes: [v]"), "2m").opened();
}

#[test]
fn an_emptied_brick_keeps_the_gate_closed() {
    let Some(storage) = Storage::new("gluster: an emptied brick") else { return };
    // Each brick has a file system of its own.
    for (at, host) in THREE.iter().enumerate() {
        storage.on(host, &format!("mkdir -p /bricks/own && mount -t tmpfs -o size=200m brick-{at} /bricks/own"));
    }
    let bricks: Vec<String> = THREE.iter().map(|host| format!("{host}:/bricks/own/e")).collect();
    storage.on(FIRST, &format!("gluster --mode=script volume create e replica 3 {} force", bricks.join(" ")));
    storage.start("own/e");
    storage.on(FIRST, "mkdir -p /mnt/e");
    storage.mount("e");
    storage.on(FIRST, "for i in 1 2 3 4; do head -c 10000000 /dev/urandom >/mnt/e/file$i || exit; done; umount /mnt/e");
    let gate = format!("{ALL}, volumes: [e], emptied_gib: 0");
    let waited = storage.wait(&gate, "2m").opened();
    assert_eq!(waited.fact("emptied-below"), "50 % of the median of its copies, and 0 GiB less");
    assert_eq!(waited.fact("not-compared"), "(none)", "{:#?}", waited.last());

    storage.kill(LAST, "own/e");
    storage.on(LAST, "cd /bricks/own/e && find . -mindepth 1 -delete && mkdir -p .glusterfs/indices");
    storage.start("own/e");
    for host in THREE {
        storage.0.hosts.until(host, "test $(gluster volume heal e info | grep -c 'Number of entries: 0') = 3");
    }
    let told = storage.on(FIRST, "gluster volume heal e info");
    let waited = storage.wait(&gate, "5s").stayed_closed(&[
        ("bricks", "3/3"),
        ("pending", "0"),
        ("split-brain", "0"),
        ("emptied", "gluster3.demo:/bricks/own/e (0.0 GiB of 0.0 GiB)"),
        (
            "why",
            "the brick gluster3.demo:/bricks/own/e of e uses 0.0 GiB, and the median of its copies is 0.0 GiB: it may",
        ),
    ]);
    assert_eq!(told.matches("Number of entries: 0").count(), 3, "gluster sees nothing: {told}\n{:#?}", waited.last());
    // Less than a GiB is no difference unless the gate says so.
    storage.wait(&format!("{ALL}, volumes: [e]"), "2m").opened();
    // The volume of the other test has its bricks on the disk of the system.
    let both = storage.wait(&format!("{ALL}, emptied_gib: 0, except: [e]"), "2m").opened();
    assert_eq!(both.fact("not-compared"), "v (a brick is on the disk of the system)", "{:#?}", both.last());

    // A full heal may read the emptied brick alone: what has it marked is this.
    let brick = format!("{LAST}:/bricks/own/e");
    for what in ["start".to_owned(), format!("{brick} commit force")] {
        storage.on(FIRST, &format!("gluster --mode=script volume reset-brick e {brick} {what}"));
    }
    storage.0.hosts.until(LAST, "test $(ls /bricks/own/e | wc -l) = 4");
    storage.wait(&gate, "2m").opened();
    assert_eq!(storage.on(LAST, "cat /bricks/own/e/file* | wc -c"), "40000000");
}

/// A value in an address, as it was.
fn unescaped(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let pair: Vec<u8> = rest.by_ref().take(2).collect();
                let pair = std::str::from_utf8(&pair).expect("two digits");
                u8::from_str_radix(pair, 16).expect("two digits")
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).expect("a text")
}

/// An API whose storage pods are these machines: a command in a pod is run on the machine, for real.
fn pods(storage: &Arc<Storage>) -> FakeApi {
    // The server outlives the test, the machines do not.
    let storage = Arc::downgrade(storage);
    let pod = |host: &&str| {
        json!({ "metadata": { "name": format!("glusterfs-{host}"), "namespace": "storage" }, "spec": { "nodeName": host },
            "status": { "conditions": [{ "type": "Ready", "status": "True" }] } })
    };
    let all: Vec<Value> = THREE.iter().map(pod).collect();
    FakeApi::new(move |asked| {
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        if let Some(host) =
            path.strip_prefix("/api/v1/namespaces/storage/pods/glusterfs-").and_then(|rest| rest.strip_suffix("/exec"))
        {
            let words = query.split('&').filter_map(|part| part.strip_prefix("command="));
            let words = words.map(|word| format!("'{}'", unescaped(word).replace('\'', "'\\''")));
            let command = words.collect::<Vec<_>>().join(" ");
            let Some(storage) = storage.upgrade() else { return Reply::Cut };
            let said = storage.0.hosts.inside(host, &command);
            let status = match said.code {
                Some(0) => json!({ "status": "Success" }),
                code => json!({ "status": "Failure", "details": { "causes": [
                    { "reason": "ExitCode", "message": code.unwrap_or(255).to_string() }] } }),
            };
            return Reply::Stream(vec![(1, said.stdout.into_bytes()), (3, status.to_string().into_bytes())]);
        }
        match path {
            "/version" => Reply::Says(200, json!({ "gitVersion": "v1.11.0+d4cacc0" })),
            "/api/v1/pods" if query.contains("labelSelector=glusterfs-node%3Dpod") => {
                Reply::Says(200, json!({ "items": all }))
            }
            _ => Reply::Says(404, Value::Null),
        }
    })
}

#[test]
fn pods_of_the_storage_are_asked_where_no_hosts_are_named() {
    let Some(storage) = Storage::new("gluster: pods") else { return };
    let storage = Arc::new(storage);
    let api = pods(&storage);
    let kubeconfig = api.kubeconfig().display().to_string();
    let wait = |timeout: &str| {
        let desk = storage.desk(&runbook("vantage_points: 3", timeout));
        let mut args = vec!["--kubeconfig", &kubeconfig];
        args.extend(storage.args());
        Waited::new(desk.run(&args), &desk)
    };
    let open = wait("60s").opened();
    assert_eq!((open.fact("bricks"), open.fact("vantage-points")), ("3/3", "3"));
    storage.kill(LAST, "v");
    wait("3s").stayed_closed(&[("bricks", "2/3")]);
}
