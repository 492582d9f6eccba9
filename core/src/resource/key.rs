//! Keys of resources.
//!
//! Keys are texts with a fixed grammar, so that they sort by host and read well in a log:
//! `HOST/unit/NAME`, `HOST/package/NAME`, `HOST/repository/ID`, `HOST/release`, `HOST/file:PATH`, `HOST/boot`,
//! `node/NAME@cluster`, `pods/NAME@cluster`,
//! `configmap/NAMESPACE/NAME@cluster`, `object/API/KIND/NAMESPACE/NAME@cluster` (`-` for the namespace of what has none; an
//! API such as `apps/v1` holds a slash), `control/file:PATH`, and in residues and requests `pod/NAMESPACE/NAME@cluster` and
//! `csr/NAME@cluster`.

use super::object_ref::ObjectRef;
use crate::id::{HostName, ResourceKey, StepPath};

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
