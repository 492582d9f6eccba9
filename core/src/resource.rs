//! Resources, their state, and images: what was there before an action and what is there after it.
//!
//! Keys are texts with a fixed grammar, so that they sort by host and read well in a log:
//! `HOST/unit/NAME`, `HOST/package/NAME`, `HOST/repository/ID`, `HOST/release`, `HOST/file:PATH`, `HOST/boot`,
//! `node/NAME@cluster`, `pods/NAME@cluster`,
//! `configmap/NAMESPACE/NAME@cluster`, `object/API/KIND/NAMESPACE/NAME@cluster` (`-` for the namespace of what has none; an
//! API such as `apps/v1` holds a slash), `control/file:PATH`, and in residues and requests `pod/NAMESPACE/NAME@cluster` and
//! `csr/NAME@cluster`.

use crate::action::ObjectRef;
use crate::id::{BodyId, HostName, ResourceKey, StepPath};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The host name under which files of the control side (the machine Palinode runs on) are keyed.
pub const CONTROL: &str = "control";

/// What a resource key names, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A systemd unit on a host.
    Unit(&'a str, &'a str),
    /// An installed package on a host, by name.
    Package(&'a str, &'a str),
    /// A file, link or directory tree on a host, or on the control side.
    File(&'a str, &'a str),
    /// A package repository that a host knows, by id.
    Repository(&'a str, &'a str),
    /// The release that a host's repositories are pinned to.
    Release(&'a str),
    /// The running boot of a host.
    Boot(&'a str),
    /// A Node object.
    Node(&'a str),
    /// The pods bound to a node.
    Pods(&'a str),
    /// A ConfigMap: namespace and name.
    ConfigMap(&'a str, &'a str),
    /// An object of any other kind.
    Object {
        /// Group and version: `apps/v1`.
        api: &'a str,
        /// Its kind: `DaemonSet`.
        kind: &'a str,
        /// Its namespace; none for what belongs to the whole cluster.
        namespace: Option<&'a str>,
        /// Its name.
        name: &'a str,
    },
    /// A pod: namespace and name. Only residues and requests name single pods.
    Pod(&'a str, &'a str),
    /// A node's request for a certificate, by name. Only requests to the API name it.
    Csr(&'a str),
    /// A step of a run, by its path. Only residues name it, where no resource is known.
    Step(&'a str),
}

impl ResourceKey {
    fn built(text: String) -> Self {
        // Names come from validated identifiers or were checked when the action was read; what is left is a path with
        // control characters, which the key shows escaped.
        Self::new(text.clone()).unwrap_or_else(|_| {
            let escaped: String = text.chars().take(1000).flat_map(char::escape_default).collect();
            Self::new(escaped).unwrap_or_else(|_| Self::new("unnamed").expect("a plain word is a key"))
        })
    }

    /// `HOST/unit/NAME`.
    pub fn unit(host: &HostName, unit: &str) -> Self {
        Self::built(format!("{host}/unit/{unit}"))
    }

    /// `HOST/package/NAME`.
    pub fn package(host: &HostName, name: &str) -> Self {
        Self::built(format!("{host}/package/{name}"))
    }

    /// `HOST/repository/ID`.
    pub fn repository(host: &HostName, id: &str) -> Self {
        Self::built(format!("{host}/repository/{id}"))
    }

    /// `HOST/release`.
    pub fn release(host: &HostName) -> Self {
        Self::built(format!("{host}/release"))
    }

    /// `HOST/file:PATH`.
    pub fn file(host: &HostName, path: &str) -> Self {
        Self::built(format!("{host}/file:{path}"))
    }

    /// `control/file:PATH`.
    pub fn control_file(path: &str) -> Self {
        Self::built(format!("{CONTROL}/file:{path}"))
    }

    /// `HOST/boot`.
    pub fn boot(host: &HostName) -> Self {
        Self::built(format!("{host}/boot"))
    }

    /// `node/NAME@cluster`.
    pub fn node(name: &str) -> Self {
        Self::built(format!("node/{name}@cluster"))
    }

    /// `pods/NAME@cluster`: the pods bound to a node.
    pub fn pods(node: &str) -> Self {
        Self::built(format!("pods/{node}@cluster"))
    }

    /// `configmap/NAMESPACE/NAME@cluster`.
    pub fn config_map(namespace: &str, name: &str) -> Self {
        Self::built(format!("configmap/{namespace}/{name}@cluster"))
    }

    /// `object/API/KIND/NAMESPACE/NAME@cluster`. A ConfigMap has the key that it has anywhere: one thing, one key.
    pub fn object(object: &ObjectRef) -> Self {
        let ObjectRef { api, kind, namespace, name } = object;
        match namespace {
            Some(space) if api == "v1" && kind == "ConfigMap" => Self::config_map(space, name),
            _ => Self::built(format!("object/{api}/{kind}/{}/{name}@cluster", namespace.as_deref().unwrap_or("-"))),
        }
    }

    /// `pod/NAMESPACE/NAME@cluster`.
    pub fn pod(namespace: &str, name: &str) -> Self {
        Self::built(format!("pod/{namespace}/{name}@cluster"))
    }

    /// `csr/NAME@cluster`.
    pub fn csr(name: &str) -> Self {
        Self::built(format!("csr/{name}@cluster"))
    }

    /// `step:PATH`: a step, where it is not known which resources it changed.
    pub fn step(path: &StepPath) -> Self {
        Self::built(format!("step:{path}"))
    }

    /// The host whose resource it is; none for what belongs to the cluster or the control side.
    pub fn host(&self) -> Option<&str> {
        match self.kind()? {
            Kind::Unit(host, _)
            | Kind::Package(host, _)
            | Kind::Repository(host, _)
            | Kind::Release(host)
            | Kind::File(host, _)
            | Kind::Boot(host) => (host != CONTROL).then_some(host),
            Kind::Node(_)
            | Kind::Pods(_)
            | Kind::ConfigMap(..)
            | Kind::Object { .. }
            | Kind::Pod(..)
            | Kind::Csr(_)
            | Kind::Step(_) => None,
        }
    }

    /// What the key names; nothing for a key of another grammar.
    pub fn kind(&self) -> Option<Kind<'_>> {
        let text = self.as_str();
        if let Some(step) = text.strip_prefix("step:") {
            return Some(Kind::Step(step));
        }
        if let Some(object) = text.strip_suffix("@cluster") {
            let parts: Vec<&str> = object.split('/').collect();
            match parts.as_slice() {
                ["csr", name] => return Some(Kind::Csr(name)),
                ["node", name] => return Some(Kind::Node(name)),
                ["pods", name] => return Some(Kind::Pods(name)),
                ["configmap", space, name] => return Some(Kind::ConfigMap(space, name)),
                ["pod", space, name] => return Some(Kind::Pod(space, name)),
                // A unit or file of a host may end like that too: `galera@cluster`.
                _ => {}
            }
            if let Some(rest) = object.strip_prefix("object/")
                && let [name, space, kind, api] = rest.rsplitn(4, '/').collect::<Vec<_>>().as_slice()
                && api.split('/').count() <= 2
                && !api.contains(':')
            {
                let namespace = (*space != "-").then_some(*space);
                return Some(Kind::Object { api, kind, namespace, name });
            }
        }
        let (host, rest) = text.split_once('/')?;
        if let Some(path) = rest.strip_prefix("file:") {
            return Some(Kind::File(host, path));
        }
        match rest.split_once('/') {
            Some(("unit", name)) => Some(Kind::Unit(host, name)),
            Some(("package", name)) => Some(Kind::Package(host, name)),
            Some(("repository", id)) => Some(Kind::Repository(host, id)),
            None if rest == "release" => Some(Kind::Release(host)),
            None if rest == "boot" => Some(Kind::Boot(host)),
            _ => None,
        }
    }
}

impl Kind<'_> {
    /// The object of any kind that it names.
    pub fn object(&self) -> Option<ObjectRef> {
        let Self::Object { api, kind, namespace, name } = self else { return None };
        Some(ObjectRef {
            api: (*api).to_owned(),
            kind: (*kind).to_owned(),
            namespace: namespace.map(str::to_owned),
            name: (*name).to_owned(),
        })
    }
}

/// What systemd says of a unit's run state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Active {
    /// Running.
    Active,
    /// Not running.
    Inactive,
    /// Not running because it failed.
    Failed,
}

/// One installed package: what `rpm -q` prints, epoch always written out (0 where rpm prints `(none)`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nevra {
    /// The name of the package.
    pub name: String,
    /// The epoch; 0 where rpm prints `(none)`.
    pub epoch: u32,
    /// The version of the package.
    pub version: String,
    /// The release of that version.
    pub release: String,
    /// The architecture, such as `x86_64`.
    pub arch: String,
}

impl fmt::Display for Nevra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}:{}-{}.{}", self.name, self.epoch, self.version, self.release, self.arch)
    }
}

/// A pod as far as a drain cares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pod {
    /// Namespace.
    pub namespace: String,
    /// Name; generated names change when the owner makes the pod anew.
    pub name: String,
    /// UID: the only thing that says whether this is still the same pod.
    pub uid: String,
    /// Kind and name of the controller; none for a bare pod.
    pub owner: Option<(String, String)>,
    /// Whether it has an emptyDir volume, whose data an eviction destroys.
    pub emptydir: bool,
}

/// The state of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum State {
    /// It is not there: the file, package, unit, node or object does not exist.
    Absent,
    /// A systemd unit.
    Unit {
        /// Whether it runs.
        active: Active,
        /// `UnitFileState` as systemd prints it: `enabled`, `disabled`, `static`, `masked`.
        enabled: String,
    },
    /// Installed versions of a package, sorted; several for multi-version packages such as kernels.
    Package {
        /// Every installed version.
        installed: Vec<Nevra>,
    },
    /// A repository that the host knows.
    Repository {
        /// Whether packages come from it.
        enabled: bool,
    },
    /// A pinned release. None is [`State::Absent`].
    Release {
        /// The release.
        version: String,
    },
    /// A regular file.
    File {
        /// Permission bits.
        mode: u32,
        /// Owner and group as `user:group`.
        owner: String,
        /// Length in bytes.
        size: u64,
        /// The content.
        body: BodyId,
        /// When the content was last changed, in nanoseconds since 1970; left out where nobody looked. It is put back,
        /// and never compared.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mtime: Option<i64>,
        /// What the file carries beside its mode, such as an ACL, a security context or capabilities: a line
        /// `NAME=0xHEX` for each, sorted. Left out where there is none, or nobody looked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attributes: Option<BodyId>,
    },
    /// A symbolic link.
    Link {
        /// Where it points, as stored.
        target: String,
    },
    /// A directory with everything below it, as one archive.
    Tree {
        /// Number of files, links and directories below it.
        entries: u64,
        /// The archive: canonical, so equal trees have equal bodies.
        body: BodyId,
    },
    /// A host's boot.
    Boot {
        /// The kernel's boot id.
        id: String,
    },
    /// A Node object.
    Node(Box<Node>),
    /// The pods bound to a node that a drain would evict, sorted.
    Pods {
        /// The pods.
        pods: Vec<Pod>,
    },
    /// An API object that is stored and put back as a whole.
    Object {
        /// Its UID.
        uid: String,
        /// Its manifest without server-set fields.
        body: BodyId,
        /// Public marks derived from its content, such as `runtime: cri-o` for a node-group ConfigMap.
        marks: BTreeMap<String, String>,
    },
}

/// A Node object, as far as Palinode changes or checks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// UID: changes when the node is deleted and registers again.
    pub uid: String,
    /// Whether it is cordoned.
    pub unschedulable: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations that Palinode restores; heartbeat-like ones are left out.
    pub annotations: BTreeMap<String, String>,
    /// Taints as `key=value:Effect`.
    pub taints: BTreeSet<String>,
    /// Whether its Ready condition is True.
    pub ready: bool,
    /// `containerRuntimeVersion`, such as `docker://1.13.1`.
    pub runtime: String,
    /// `kubeletVersion`.
    pub kubelet: String,
}

/// Which fields of a resource an action declares as its own. Drift and comparison look at these and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fields {
    /// The whole state.
    All,
    /// Whether it exists at all.
    Presence,
    /// Node: whether it is cordoned.
    Schedulable,
    /// Node: existence, schedulability, labels, annotations and taints; not UID, readiness or versions.
    Membership,
    /// Object: the content, not the UID.
    Content,
    /// Nothing is compared: the resource is recorded as evidence only.
    Evidence,
}

impl Fields {
    /// The fields that cover both.
    pub fn join(self, other: Self) -> Self {
        use Fields::*;
        match (self, other) {
            (a, b) if a == b => a,
            (Evidence, x) | (x, Evidence) | (Presence, x) | (x, Presence) => x,
            (Schedulable, Membership) | (Membership, Schedulable) => Membership,
            _ => All,
        }
    }
}

impl State {
    /// A regular file of which no more is known: neither time nor attributes.
    pub fn file(mode: u32, owner: impl Into<String>, size: u64, body: BodyId) -> Self {
        Self::File { mode, owner: owner.into(), size, body, mtime: None, attributes: None }
    }

    /// Whether all of it agrees. Of files the time does not count: whoever writes the same again changes nothing. Their
    /// attributes count where both looks asked for them.
    fn alike(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::File { mode, owner, size, body, mtime, attributes },
                Self::File { mode: m, owner: o, size: s, body: b, mtime: t, attributes: a },
            ) => {
                let looked = mtime.is_some() && t.is_some();
                (mode, owner, size, body) == (m, o, s, b) && (!looked || attributes == a)
            }
            _ => self == other,
        }
    }

    /// Whether the two states agree on the given fields.
    pub fn same(&self, other: &Self, fields: Fields) -> bool {
        match fields {
            Fields::Evidence => true,
            Fields::Presence => (*self == Self::Absent) == (*other == Self::Absent),
            Fields::All => self.alike(other),
            Fields::Schedulable => match (self, other) {
                (Self::Node(a), Self::Node(b)) => a.unschedulable == b.unschedulable,
                _ => self.alike(other),
            },
            Fields::Membership => match (self, other) {
                (Self::Node(a), Self::Node(b)) => {
                    a.unschedulable == b.unschedulable
                        && a.labels == b.labels
                        && a.annotations == b.annotations
                        && a.taints == b.taints
                }
                _ => self.alike(other),
            },
            Fields::Content => match (self, other) {
                (Self::Object { body: a, .. }, Self::Object { body: b, .. }) => a == b,
                _ => self.alike(other),
            },
        }
    }

    /// The same state with its bodies under other ids: ids are keyed, so another run's must be told anew before two
    /// states can be compared.
    pub fn with_bodies<E>(mut self, mut told: impl FnMut(BodyId) -> Result<BodyId, E>) -> Result<Self, E> {
        if let Self::File { body, .. } | Self::Tree { body, .. } | Self::Object { body, .. } = &mut self {
            *body = told(*body)?;
        }
        if let Self::File { attributes: Some(attributes), .. } = &mut self {
            *attributes = told(*attributes)?;
        }
        Ok(self)
    }

    /// The content that this state names.
    pub fn body(&self) -> Option<BodyId> {
        match self {
            Self::File { body, .. } | Self::Tree { body, .. } | Self::Object { body, .. } => Some(*body),
            _ => None,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("absent"),
            Self::Unit { active, enabled } => {
                let active = match active {
                    Active::Active => "active",
                    Active::Inactive => "inactive",
                    Active::Failed => "failed",
                };
                write!(f, "{active}, {enabled}")
            }
            Self::Package { installed } => {
                let list: Vec<String> = installed.iter().map(Nevra::to_string).collect();
                f.write_str(&list.join(", "))
            }
            Self::File { mode, owner, size, body, attributes, .. } => {
                write!(f, "file {mode:04o} {owner}, {size} bytes, body {}", body.short())?;
                attributes.map_or(Ok(()), |attributes| write!(f, ", attributes {}", attributes.short()))
            }
            Self::Repository { enabled } => f.write_str(if *enabled { "enabled" } else { "disabled" }),
            Self::Release { version } => write!(f, "release {version}"),
            Self::Link { target } => write!(f, "link to {target}"),
            Self::Tree { entries, body } => {
                write!(f, "directory with {entries} entries, body {}", body.short())
            }
            Self::Boot { id } => write!(f, "boot {id}"),
            Self::Node(node) => write!(
                f,
                "{}, {}, {}, uid {}",
                if node.ready { "ready" } else { "not ready" },
                if node.unschedulable { "cordoned" } else { "schedulable" },
                node.runtime,
                node.uid
            ),
            Self::Pods { pods } => match pods.len() {
                0 => f.write_str("no pods to evict"),
                1 => f.write_str("1 pod to evict"),
                count => write!(f, "{count} pods to evict"),
            },
            Self::Object { uid, body, .. } => write!(f, "object uid {uid}, body {}", body.short()),
        }
    }
}

/// States by resource: what an action found, or left.
pub type Image = BTreeMap<ResourceKey, State>;

/// One resource an action declares, and the fields that count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footprint {
    /// The resource.
    pub key: ResourceKey,
    /// The fields of it that the action owns.
    pub fields: Fields,
}

impl Footprint {
    /// The resource with the given fields.
    pub fn new(key: ResourceKey, fields: Fields) -> Self {
        Self { key, fields }
    }
}

/// The kinds of loss that no inverse mends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// The pod's emptyDir data went with the eviction.
    EmptyDir,
    /// The pod was evicted; it or its successor runs where the scheduler put it.
    Moved,
    /// The pod had no controller and is gone for good.
    BarePod,
    /// The object exists again, under a new UID.
    NewUid,
    /// Whatever ran on the node by then was evicted once more.
    EvictedAgain,
    /// The resource differs from what it was, and nothing in the plan was to restore it.
    Differs,
    /// It is not known what the step changed.
    UnknownEffect,
    /// The step's undo did not end done: skipped, failed, or never begun.
    NotUndone,
    /// The resource was not looked at before it was changed.
    NotSeenBefore,
    /// It is not known to be on the host's disk: a power cut may lose it.
    NotSynced,
}

impl Loss {
    /// The loss in words, as they stand behind the resource's key.
    pub fn words(self) -> &'static str {
        match self {
            Self::EmptyDir => "emptyDir data lost with an eviction",
            Self::Moved => "evicted; runs where the scheduler put it",
            Self::BarePod => "had no controller; gone for good",
            Self::NewUid => "exists again under a new UID",
            Self::EvictedAgain => "whatever runs there by then is evicted once more, emptyDir data included",
            Self::Differs => "differs from what it was",
            Self::UnknownEffect => "not known what it changed",
            Self::NotUndone => "was not taken back",
            Self::NotSeenBefore => "was not looked at before it was changed, so nothing puts it back",
            Self::NotSynced => "not known to be on the host's disk",
        }
    }
}

/// What a rollback could not restore.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Residue {
    /// What it is about.
    pub key: ResourceKey,
    /// What was lost.
    pub loss: Loss,
}

impl fmt::Display for Residue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.loss.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_file_the_time_does_not_count_and_attributes_do_where_both_were_looked_at() {
        let of = |mtime, attributes: Option<u8>| State::File {
            mode: 0o644,
            owner: "root:root".to_owned(),
            size: 1,
            body: BodyId([1; 32]),
            mtime,
            attributes: attributes.map(|byte| BodyId([byte; 32])),
        };
        let unknown = State::file(0o644, "root:root", 1, BodyId([1; 32]));
        let same = |one: &State, other: &State| one.same(other, Fields::All) && other.same(one, Fields::All);
        assert!(same(&of(Some(1), None), &of(Some(2), None)));
        assert!(
            !same(&of(Some(1), None), &of(Some(1), Some(2))) && !same(&of(Some(1), Some(3)), &of(Some(1), Some(2)))
        );
        assert!(same(&of(Some(1), Some(2)), &unknown), "what an older look did not ask for is not known");
        assert!(!same(&of(Some(1), None), &State::file(0o600, "root:root", 1, BodyId([1; 32]))));
        assert!(!same(&of(Some(1), None), &State::Absent));
    }

    /// What stands in journals of format 1.0 is still the one form of its value.
    #[test]
    fn a_file_of_which_no_more_is_known_is_stored_as_it_ever_was() {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        enum Old {
            File { mode: u32, owner: String, size: u64, body: BodyId },
        }
        let old = Old::File { mode: 0o644, owner: "root:root".to_owned(), size: 1, body: BodyId([1; 32]) };
        let old = crate::canon::encode(&old).expect("it encodes");
        let state = State::file(0o644, "root:root", 1, BodyId([1; 32]));
        assert_eq!(crate::canon::decode::<State>(&old).expect("it decodes"), state);
        assert_eq!(crate::canon::encode(&state).expect("it encodes"), old);
    }

    #[test]
    fn keys_come_apart_as_they_were_built() {
        let host = HostName::new("gluster1.demo").expect("a host name");
        let table = [
            (ResourceKey::unit(&host, "crio"), Kind::Unit("gluster1.demo", "crio")),
            (ResourceKey::package(&host, "docker"), Kind::Package("gluster1.demo", "docker")),
            (ResourceKey::file(&host, "/etc/a:b/c"), Kind::File("gluster1.demo", "/etc/a:b/c")),
            (ResourceKey::control_file("/home/x/hosts"), Kind::File("control", "/home/x/hosts")),
            (ResourceKey::boot(&host), Kind::Boot("gluster1.demo")),
            (ResourceKey::node("gluster1.demo"), Kind::Node("gluster1.demo")),
            (ResourceKey::pods("gluster1.demo"), Kind::Pods("gluster1.demo")),
            (ResourceKey::config_map("openshift-node", "cm"), Kind::ConfigMap("openshift-node", "cm")),
            (ResourceKey::repository(&host, "a/b"), Kind::Repository("gluster1.demo", "a/b")),
            (ResourceKey::release(&host), Kind::Release("gluster1.demo")),
            (ResourceKey::unit(&host, "galera@cluster"), Kind::Unit("gluster1.demo", "galera@cluster")),
            (ResourceKey::file(&host, "/etc/x@cluster"), Kind::File("gluster1.demo", "/etc/x@cluster")),
        ];
        for (key, kind) in table {
            assert_eq!(key.kind(), Some(kind), "{key}");
        }
        let object = |api: &str, kind: &str, namespace: Option<&str>, name: &str| ObjectRef {
            api: api.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        for (api, kind, namespace, name, text) in [
            ("apps/v1", "DaemonSet", Some("a"), "b", "object/apps/v1/DaemonSet/a/b@cluster"),
            ("v1", "Service", Some("a"), "b", "object/v1/Service/a/b@cluster"),
            ("v1", "Namespace", None, "b", "object/v1/Namespace/-/b@cluster"),
            (
                "rbac.authorization.k8s.io/v1",
                "ClusterRole",
                None,
                "system:b",
                "object/rbac.authorization.k8s.io/v1/ClusterRole/-/system:b@cluster",
            ),
            ("x/v1", "ConfigMap", Some("a"), "b", "object/x/v1/ConfigMap/a/b@cluster"),
        ] {
            let key = ResourceKey::object(&object(api, kind, namespace, name));
            assert_eq!(key.as_str(), text);
            assert_eq!(key.kind(), Some(Kind::Object { api, kind, namespace, name }), "{key}");
            assert_eq!(key.host(), None);
            assert_eq!(key.kind().and_then(|kind| kind.object()), Some(object(api, kind, namespace, name)));
        }
        // One thing has one key.
        let map = ResourceKey::object(&object("v1", "ConfigMap", Some("a"), "b"));
        assert_eq!(map, ResourceKey::config_map("a", "b"));
        for (text, none) in
            [("object/v1/a/b@cluster", true), ("object/a/b/v1/K/n/m@cluster", true), ("object/v1/K/a/b", true)]
        {
            let key = ResourceKey::new(text).expect("a key");
            assert_eq!(key.kind().is_none(), none, "{text}");
        }
        let key = ResourceKey::file(&HostName::new("object").expect("a host name"), "/etc/x/y/z@cluster");
        assert_eq!(key.kind(), Some(Kind::File("object", "/etc/x/y/z@cluster")));
        assert!(!ResourceKey::file(&host, "/tmp/\u{1b}[2J").as_str().contains('\u{1b}'));
    }
}
