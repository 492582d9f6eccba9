//! The actions on a host keep the same rules on a real one, and find and leave there what they do in the lab.

use crate::lab::conformance::{Memory, asked_for, narrowed};
use palinode_core::action::{Action, Place};
use palinode_core::gate::Gate;
use palinode_core::id::{EntryId, Micros, ResourceKey};
use palinode_core::port::{Bodies, Ended, Executor, Halted, Job, JobStatus, LookError, Sample, Survey};
use palinode_core::resource::{Image, Kind as Sort};
use palinode_core::span::Span;
use palinode_executors::{Claim, Fence, Fleet, PlaybookDirs, Real};
use palinode_journal::MemJournal;
use palinode_replay::conformance::lab::LabSubject;
use palinode_replay::conformance::{
    Case, Change, Cut, Kept, Meddling, Prep, RULES, Rule, Subject, Trouble, Under, catalog, check_only, compare,
};
use palinode_replay::lab::{Entry, World, inventory_text};
use palinode_tests::hosts::{Hosts, Kind};
use palinode_tests::memory::INVENTORY;
use palinode_tests::owner::owner;
use palinode_tests::skip;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

const NODE: &str = "gluster1.demo";

/// All that can be looked at: units, packages, what is below `/etc`. A key and its value to a line.
const LOOK: &str = r#"
for u in atomic-openshift-node crio docker dnsmasq; do
  printf 'unit/%s\t%s, %s\n' $u $(systemctl is-active $u) $(systemctl is-enabled $u)
done
rpm -qa | sort | sed 's|^|package/|;s|$|\tthere|'
cd /etc && find . -xdev ! -name ld.so.cache -type f -printf 'file:/etc/%P\t%m %u:%g\n' | sort
find . -xdev ! -name ld.so.cache -type f -exec sha256sum {} + | sed 's|^\([0-9a-f]*\)  \./\(.*\)|file:/etc/\2 content\t\1|' | sort
find . -xdev -type l -printf 'file:/etc/%P\tlink %l\n' | sort
find . -xdev -type d -printf 'file:/etc/%P\tdirectory %m %u:%g\n' | sort
"#;

/// Keeps what is there, for [`RESET`].
const KEEP: &str = "mkdir -p /var/kept && tar -C / -cpf /var/kept/etc.tar --acls --xattrs etc && find /etc -xdev | sort >/var/kept/paths";

/// Brings back what was kept, and forgets every job.
const RESET: &str = r#"
rm -rf /var/lib/palinode/jobs/* /var/lib/palinode/seen
if look | cmp -s - /var/kept/look; then exit 0; fi
find /etc -xdev | sort | comm -13 /var/kept/paths - | while IFS= read -r p; do rm -rf -- "$p"; done
tar -C / -xpf /var/kept/etc.tar --acls --xattrs
systemctl daemon-reload
systemctl start dnsmasq docker crio atomic-openshift-node
systemctl reset-failed
exit 0
"#;

/// A process with all that it started.
const KILL: &str = "kill_all() { kill -STOP $1; for c in $(pgrep -P $1); do (kill_all $c); done; kill -KILL $1; };";

/// The executor of real hosts, as a process that can die and a link that can break.
struct Watched {
    real: Real,
    hosts: Hosts,
    cut: Cell<Option<(EntryId, Cut)>>,
    dead: Notify,
}

impl Watched {
    fn inside(&self, script: &str) -> String {
        self.hosts.inside(NODE, script).stdout
    }

    async fn die(&self) -> Ended {
        self.dead.notify_one();
        std::future::pending().await
    }

    /// Until the job began on the host, or for some time at most.
    async fn begun(&self, job: &Job) {
        for _ in 0..50 {
            if self.inside(&format!("test -L /var/lib/palinode/jobs/{}/fate && echo yes", job.name)) == "yes\n" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Executor for Watched {
    async fn survey(
        &self,
        target: &palinode_core::action::Target,
        action: &Action,
        bodies: &dyn Bodies,
    ) -> Result<Survey, LookError> {
        self.real.survey(target, action, bodies).await
    }

    async fn node_of(&self, target: &palinode_core::action::Target) -> Result<Option<String>, LookError> {
        self.real.node_of(target).await
    }

    async fn observe(&self, keys: &[ResourceKey], bodies: &dyn Bodies) -> Result<Image, LookError> {
        self.real.observe(keys, bodies).await
    }

    async fn execute(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        let cut = self.cut.take().filter(|(name, _)| *name == job.name);
        let run = self.real.execute(job, bodies);
        match cut.map(|(_, cut)| cut) {
            None => run.await,
            Some(Cut::BeforeStart) => self.die().await,
            // Wherever it is by then: some jobs have ended, others have just begun.
            Some(Cut::Half) => {
                let begun = async {
                    self.begun(job).await;
                    self.inside(&format!(
                        "{KILL} kill_all $(readlink /var/lib/palinode/jobs/{}/fate | cut -d' ' -f3)",
                        job.name
                    ));
                };
                let (_, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(5), run), begun);
                self.die().await
            }
            // All is done, and its last word is lost.
            Some(Cut::Silent) => {
                run.await;
                self.inside(&format!("cd /var/lib/palinode/jobs/{} && mv ended.* out", job.name));
                self.die().await
            }
            Some(Cut::AfterEnd) => {
                run.await;
                self.die().await
            }
            Some(Cut::Link) => {
                tokio::select! {
                    _ = run => {}
                    () = self.begun(job) => {}
                }
                self.hosts.kill_sessions(NODE);
                Ended::Unknown("the link was lost".to_owned())
            }
        }
    }

    async fn status(&self, job: &Job, bodies: &dyn Bodies) -> Result<JobStatus, LookError> {
        self.real.status(job, bodies).await
    }

    async fn attach(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        self.real.attach(job, bodies).await
    }

    async fn revoke(&self, job: &Job) -> Result<bool, LookError> {
        self.real.revoke(job).await
    }

    async fn sample(
        &self,
        target: &palinode_core::action::Target,
        gate: &Gate,
        bodies: &dyn Bodies,
    ) -> Result<Sample, LookError> {
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

/// A machine that has, where the cases look, what the lab's host has.
struct HostSubject {
    watched: Watched,
    runtime: Runtime,
    bodies: Kept,
}

fn real(config: &Path) -> Real {
    let fleet = Fleet::new(Some(config), BTreeMap::new()).expect("ssh can be set up");
    let claim =
        Claim { journal: "conformance".to_owned(), words: "the conformance suite".to_owned(), fence: Fence::default() };
    let work = std::env::temp_dir().join("palinode-conformance");
    Real::new(fleet, claim, PlaybookDirs { jobs: work.join("jobs"), claims: work.join("claims"), ssh: None })
}

impl HostSubject {
    fn new(test: &str, kind: Kind) -> Option<Self> {
        let hosts = Hosts::start(test, kind, &[NODE])?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let world = World::demo();
        let host = world.host(NODE).expect("the lab has it");
        let root = tempfile::TempDir::new().expect("a folder can be made");
        let places = [
            "/etc/origin/",
            "/etc/dnsmasq.d/",
            "/etc/resolv.conf",
            "/etc/localtime",
            "/etc/sysconfig/atomic-openshift-node",
        ];
        for (path, entry) in host.files.iter().filter(|(path, _)| places.iter().any(|place| path.starts_with(place))) {
            let to = root.path().join(path.trim_start_matches('/'));
            std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder can be made");
            match entry {
                Entry::File { content, mode, .. } => {
                    use std::os::unix::fs::PermissionsExt as _;
                    std::fs::write(&to, content.as_bytes()).expect("a file can be written");
                    let mode = std::fs::Permissions::from_mode(*mode);
                    std::fs::set_permissions(&to, mode).expect("it can be given a mode");
                }
                Entry::Link { target } => std::os::unix::fs::symlink(target, &to).expect("a link can be made"),
                Entry::Dir => std::fs::create_dir_all(&to).expect("a folder can be made"),
            }
        }
        let packed = Command::new("sh")
            .args(["-c", "chmod -R go+rX . 2>/dev/null; tar -C \"$0\" -cf - --owner=0 --group=0 etc | base64 -w0"])
            .arg(root.path())
            .output()
            .expect("tar can be started");
        let packed = String::from_utf8(packed.stdout).expect("base64 is text");
        let mut lay = String::from("rm -rf /etc/origin /etc/dnsmasq.d/* /etc/localtime /etc/resolv.conf; ");
        let _ = write!(lay, "echo {packed} | base64 -d | tar -C / -xpf - --no-overwrite-dir; ");
        // Its address is the lab's, and names resolve.
        let _ = write!(
            lay,
            "ip address add {}/32 dev host0; echo 10.42.0.9 registry.demo master1.demo >>/etc/hosts; ",
            host.ip
        );
        let out = hosts.inside(NODE, &format!("look() {{ ({LOOK}) }}\n{lay}{KEEP} && look >/var/kept/look"));
        assert_eq!(out.code, Some(0), "{out}");
        let real = real(hosts.config());
        let watched = Watched { real, hosts, cut: Cell::default(), dead: Notify::new() };
        Some(Self { watched, runtime, bodies: Kept::default() })
    }
}

impl Subject for HostSubject {
    type Executor = Watched;
    type Journal = MemJournal;

    fn executor(&self) -> &Watched {
        &self.watched
    }

    fn bodies(&self) -> &dyn Bodies {
        &self.bodies
    }

    fn fresh(&mut self) -> Result<(), Trouble> {
        let out = self.watched.hosts.inside(NODE, &format!("look() {{ ({LOOK}) }}\n{RESET}"));
        self.bodies = Kept::default();
        if out.code == Some(0) { Ok(()) } else { Err(Trouble(out.to_string())) }
    }

    fn change(&mut self, change: &Change) -> Result<(), Trouble> {
        match change {
            Change::WriteFile { path, text, .. } => {
                let hex: String = text.bytes().fold(String::new(), |mut hex, byte| {
                    let _ = write!(hex, "\\{byte:03o}");
                    hex
                });
                let out = self
                    .watched
                    .hosts
                    .inside(NODE, &format!("mkdir -p \"$(dirname {path})\" && printf '{hex}' >{path}"));
                if out.code == Some(0) { Ok(()) } else { Err(Trouble(out.to_string())) }
            }
            other => Err(Trouble(format!("not on a real host: {other:?}"))),
        }
    }

    fn meddle(&self, key: &ResourceKey, how: Meddling) -> Result<bool, Trouble> {
        let Some(what) = key.kind() else { return Ok(false) };
        // A script that prints `done` if it did something.
        let script = match (what, how) {
            (Sort::Unit(_, unit), Meddling::Edit) => format!(
                "systemctl cat {unit} >/dev/null 2>&1 || exit 0; \
                 if systemctl -q is-active {unit}; then systemctl stop {unit}; else systemctl start {unit}; fi && echo done"
            ),
            (Sort::File(_, path), Meddling::Edit) => format!(
                "p='{path}'; if [ -L \"$p\" ]; then ln -sfn /etc/hostname \"$p\"; \
                 elif [ -d \"$p\" ]; then echo someone else >\"$p/else\"; else echo someone else >\"$p\"; fi && echo done"
            ),
            (Sort::File(_, path), Meddling::Replace) => format!(
                "p='{path}'; if [ -L \"$p\" ]; then rm \"$p\" && echo someone else >\"$p\" && echo done; \
                 elif [ -e \"$p\" ]; then rm -rf \"$p\" && ln -s /etc/hostname \"$p\" && echo done; \
                 else echo someone else >\"$p\" && echo done; fi"
            ),
            _ => return Ok(false),
        };
        let out = self.watched.hosts.inside(NODE, &script);
        if out.code == Some(0) { Ok(out.stdout.ends_with("done\n")) } else { Err(Trouble(out.to_string())) }
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
        let config = self.watched.hosts.config().to_owned();
        let _guard = self.runtime.enter();
        self.watched.real = real(&config);
        Ok(())
    }

    fn settle(&mut self, _: Span) -> Result<(), Trouble> {
        Ok(())
    }

    fn fingerprint(&mut self) -> Result<BTreeMap<String, String>, Trouble> {
        let out = self.watched.hosts.inside(NODE, LOOK);
        let lines = out.stdout.lines().filter_map(|line| line.split_once('\t'));
        Ok(lines.map(|(key, value)| (format!("{NODE}/{key}"), value.to_owned())).collect())
    }

    fn effects(&self, _: EntryId) -> Option<usize> {
        None
    }

    fn tells_preconditions(&self) -> bool {
        false
    }

    fn tree(&self, archive: &[u8]) -> Result<BTreeMap<String, String>, Trouble> {
        let folder = tempfile::TempDir::new().map_err(|error| Trouble(error.to_string()))?;
        let file = folder.path().join("archive");
        std::fs::write(&file, archive).map_err(|error| Trouble(error.to_string()))?;
        // Empty directories are told, others are in the paths of what is in them.
        let script = "mkdir tree && tar -C tree -xpf archive && cd tree && \
                      find . -mindepth 1 -type f -printf '%P\\t%m\\t%u:%g\\tfile\\n' -o -type l -printf '%P\\t%l\\t\\tlink\\n' \
                      -o -mindepth 1 -type d -empty -printf '%P\\t\\t\\tdirectory\\n'";
        let out = Command::new("sh").arg("-c").arg(script).current_dir(folder.path()).output();
        let out = out.map_err(|error| Trouble(error.to_string()))?;
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let mut all = BTreeMap::new();
        for line in text.lines() {
            let words: Vec<&str> = line.split('\t').collect();
            let [path, what, owner, kind] = words.as_slice() else { return Err(Trouble(line.to_owned())) };
            let words = match *kind {
                "file" => {
                    let content = std::fs::read(folder.path().join("tree").join(path)).unwrap_or_default();
                    format!("file {:0>4} {owner} {}", what, &blake3::hash(&content).to_hex()[..16])
                }
                "link" => format!("link to {what}"),
                _ => "empty directory".to_owned(),
            };
            all.insert((*path).to_owned(), words);
        }
        Ok(all)
    }
}

/// The cases of what happens on a host alone, and finds there what the lab has: not those of packages, whose
/// transactions are yum's own, of commands, which are the machine's, and of the storage cluster, which one machine is not.
fn cases() -> Vec<Case> {
    let fits = |action: &Action| {
        let other = matches!(action, Action::Package(_) | Action::Command(_) | Action::Reboot {} | Action::Record(_))
            || matches!(action, Action::GlusterHeal(_));
        action.place() == Place::Host && !other && !Real::needs_cluster(action)
    };
    let ready = |prep: &Prep| match prep {
        Prep::Do(action) | Prep::Keep(action) => fits(action),
        Prep::Change(Change::WriteFile { .. }) | Prep::Wait(_) => true,
        Prep::Change(_) => false,
    };
    let plain = |under: &Under| if let Under::Plain(action) = under { fits(action) } else { true };
    let all = catalog::all(INVENTORY).expect("the names are names").into_iter();
    // Names resolve on the machine whatever its resolver does.
    all.filter(|case| plain(&case.under) && case.prepare.iter().all(ready) && case.name != "dns.check, cut off")
        .filter(asked_for)
        .collect()
}

/// Those that go through rules each time: [`SOME`], and the first case of each kind that has none there.
fn ruled(cases: &[Case]) -> BTreeSet<&'static str> {
    let kind = |case: &Case| match &case.under {
        Under::Plain(action) => Some(action.name()),
        Under::Inverse(_) => None,
    };
    let mut ruled: BTreeSet<&'static str> = SOME.into();
    let mut kinds: BTreeSet<&str> = cases.iter().filter(|case| ruled.contains(case.name)).filter_map(kind).collect();
    for case in cases {
        if kind(case).is_some_and(|kind| kinds.insert(kind)) {
            ruled.insert(case.name);
        }
    }
    ruled
}

/// Every case is done once and its images are held against the lab's; some, or all, go through rules.
fn conforms(test: &str, kind: Kind, rules: &[Rule]) {
    let Some(mut subject) = HostSubject::new(test, kind) else { return };
    let cases = cases();
    let some = ruled(&cases);
    let some = |case: &Case| skip::long() || some.contains(case.name);
    let (ruled, plain): (Vec<Case>, Vec<Case>) = cases.iter().cloned().partition(some);
    let mut report = check_only(&mut subject, &ruled, rules);
    println!("{report}");
    let done = check_only(&mut subject, &plain, &[]);
    report.images.extend(done.images);
    report.violations.extend(done.violations);
    let mut broken: Vec<String> = report.violations.iter().map(ToString::to_string).collect();
    let mut lab = LabSubject::new(Memory::default(), inventory_text());
    let there = check_only(&mut lab, &cases, &[]);
    assert!(there.images.len() == cases.len() && (cases.len() > 40 || narrowed()), "{}", cases.len());
    broken.extend(compare(&report.images, &there.images).iter().map(ToString::to_string));
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Cases of several changes, and others that are no action's first.
const SOME: [&str; 11] = [
    "service, several",
    "service, start and enable",
    "file absent, tree",
    "file.copy",
    "file.write, with mode and owner",
    "file.restore, tree over another",
    "file.read, no such key",
    "repository, enable and disable",
    "repository, unknown",
    "wait, no port",
    "fetch, tree",
];

#[test]
fn every_action_on_a_host_keeps_the_rules_and_does_what_it_does_in_the_lab() {
    let few = [
        Rule::Promise,
        Rule::Twice,
        Rule::CutHalf,
        Rule::CutSilent,
        Rule::UndoneTwice,
        Rule::Refused,
        Rule::RetryMore,
        Rule::RefusedNoImage,
        Rule::SkippedUndo,
        Rule::OthersAtWork,
        Rule::ReplacedTarget,
    ];
    let rules: &[Rule] = if skip::long() { &RULES } else { &few };
    conforms("real hosts: conformance", Kind::default(), rules);
}
