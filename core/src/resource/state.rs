//! States of resources, and which of their fields count.

use super::tree::Apart;
use crate::id::BodyId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

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
    /// Not running, while processes that it started are left in its control group.
    Leftovers,
}

impl Active {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Failed => "failed",
            Self::Leftovers => "stopped with leftovers",
        }
    }

    /// Whether systemd takes it to run.
    pub const fn runs(self) -> bool {
        match self {
            Self::Active => true,
            Self::Inactive | Self::Failed | Self::Leftovers => false,
        }
    }
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
    /// Where it is in the cluster.
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

/// Folders above a file that are not as most are, by path: `MODE USER:GROUP`, the mode in octal digits. Where one is gone when
/// the file is put back, it is made so; all others are root's, with mode 0755.
pub type Above = BTreeMap<String, String>;

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
        /// The lower twelve bits: permissions, setuid, setgid, sticky.
        mode: u32,
        /// Owner and group as `user:group`.
        owner: String,
        /// Length in bytes.
        size: u64,
        /// What is in it, sealed.
        body: BodyId,
        /// When the content was last changed, in nanoseconds since 1970; left out where nobody looked. It is put back,
        /// and never compared.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mtime: Option<i64>,
        /// What the file carries beside its mode, such as an ACL, a security context or capabilities: a line
        /// `NAME=0xHEX` for each, sorted. Left out where there is none, or nobody looked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attributes: Option<BodyId>,
        /// The number that its file system knows it by, of one that has several names (hard links); else left out, as it was
        /// before format 1.6. Never compared.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inode: Option<u64>,
        /// Whether it takes less room than its length: it has holes, and gets them back. Left out where it has none. Never
        /// compared.
        #[serde(default, skip_serializing_if = "is_false")]
        holes: bool,
        /// The folders above it that are not root's with mode 0755: see [`Above`]. Left out where all are, and where nobody
        /// looked, as before format 1.6. Never compared.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        above: Option<Box<Above>>,
    },
    /// A symbolic link.
    Link {
        /// Where it points, as stored.
        target: String,
        /// Owner and group as `user:group`; left out where nobody looked, as before format 1.6. Compared where both looks
        /// asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// The folders above it that are not root's with mode 0755: see [`Above`]. Left out where all are, and where nobody
        /// looked, as before format 1.6. Never compared.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        above: Option<Box<Above>>,
    },
    /// A directory with everything below it, as one archive.
    Tree {
        /// Number of files, links and directories below it.
        entries: u64,
        /// The archive: canonical, so trees that are equal up to the last time have equal bodies.
        body: BodyId,
        /// What is in it, without times: see [`tree`](super::tree). Trees with equal lists are the same. Left out where
        /// nobody made one, as before format 1.6.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        list: Option<BodyId>,
        /// What the archive does not hold; left out where it holds all. Never compared.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        apart: Option<Box<Apart>>,
        /// The folders above it that are not root's with mode 0755: see [`Above`]. Left out where all are, and where nobody
        /// looked, as before format 1.6. Never compared.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        above: Option<Box<Above>>,
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
    /// As the Node has them, by key.
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
    /// File: mode and owner, not what is in it.
    Permissions,
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
        let (owner, above) = (owner.into(), None);
        Self::File { mode, owner, size, body, mtime: None, attributes: None, inode: None, holes: false, above }
    }

    /// A symbolic link of which no more is known.
    pub fn link(target: impl Into<String>) -> Self {
        Self::Link { target: target.into(), owner: None, above: None }
    }

    /// A directory of which no more is known than its archive.
    pub fn tree(entries: u64, body: BodyId) -> Self {
        Self::Tree { entries, body, list: None, apart: None, above: None }
    }

    /// Whether all of it agrees. Times do not count, neither of files nor of what is in a directory: whoever writes the same
    /// again changes nothing. Attributes of files count where both looks asked for them; of trees without a list it is not
    /// known what differs, and their archives are compared.
    fn alike(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::File { mode, owner, size, body, mtime, attributes, inode: _, holes: _, above: _ },
                Self::File {
                    mode: m,
                    owner: o,
                    size: s,
                    body: b,
                    mtime: t,
                    attributes: a,
                    inode: _,
                    holes: _,
                    above: _,
                },
            ) => {
                let looked = mtime.is_some() && t.is_some();
                (mode, owner, size, body) == (m, o, s, b) && (!looked || attributes == a)
            }
            (Self::Link { target, owner, above: _ }, Self::Link { target: t, owner: o, above: _ }) => {
                target == t && (owner.is_none() || o.is_none() || owner == o)
            }
            (
                Self::Tree { entries, body, list, apart: _, above: _ },
                Self::Tree { entries: e, body: b, list: l, apart: _, above: _ },
            ) => match (list, l) {
                (Some(list), Some(l)) => list == l,
                _ => (entries, body) == (e, b),
            },
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
            Fields::Permissions => match (self, other) {
                (Self::File { mode, owner, .. }, Self::File { mode: m, owner: o, .. }) => (mode, owner) == (m, o),
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
        if let Self::Tree { list: Some(list), .. } = &mut self {
            *list = told(*list)?;
        }
        Ok(self)
    }

    /// The same file with the content of another state of it: as it was last recorded by a step that owned its content, where
    /// a later one changed only who may read it.
    pub fn with_content_of(mut self, other: &Self) -> Self {
        if let (Self::File { size, body, .. }, Self::File { size: was, body: content, .. }) = (&mut self, other) {
            (*size, *body) = (*was, *content);
        }
        self
    }

    /// The content that this state names.
    pub fn body(&self) -> Option<BodyId> {
        match self {
            Self::File { body, .. } | Self::Tree { body, .. } | Self::Object { body, .. } => Some(*body),
            _ => None,
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("absent"),
            Self::Unit { active, enabled } => write!(f, "{}, {enabled}", active.word()),
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
            Self::Link { target, .. } => write!(f, "link to {target}"),
            Self::Tree { entries, body, .. } => {
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
