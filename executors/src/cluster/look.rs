//! What is there, through the API: nodes, the pods on them, objects of any kind. Read-only.

use super::Cluster;
use super::api::{Answer, Fault, escaped, part};
use super::claim::{first_pause, rest};
use super::objects::unknown;
use palinode_core::cluster::{self, DaemonSets};
use palinode_core::id::{HostName, ResourceKey};
use palinode_core::port::{Bodies, LookError};
use palinode_core::record::Class;
use palinode_core::resource::{Image, Kind, State};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// How messages name what is looked at.
const API: &str = "the cluster's API";

/// So long it is waited for a Node to be as new as what was written. Versions may also count anew.
const BEHIND: Duration = Duration::from_secs(10);

/// An answer that could not be got, as the driver reacts to it.
pub(crate) fn unseen(fault: Fault) -> LookError {
    match fault {
        Fault::Nonsense(why) => LookError::Refused { target: API.to_owned(), why },
        fault => LookError::Unreachable { target: API.to_owned(), cause: Some(Box::new(fault)) },
    }
}

/// A refused answer: what may pass by itself is asked for again, in the open.
pub(crate) fn refused(answer: &Answer) -> LookError {
    match answer.code {
        408 | 429 | 500.. => {
            LookError::Unreachable { target: API.to_owned(), cause: Some(Box::new(Fault::Nonsense(answer.words()))) }
        }
        _ => LookError::Refused { target: API.to_owned(), why: answer.words() },
    }
}

/// The address of a Node.
pub(crate) fn node_path(name: &str) -> Result<String, Fault> {
    Ok(format!("/api/v1/nodes/{}", part(name)?))
}

/// The address of a ConfigMap.
pub(crate) fn map_path(namespace: &str, name: &str) -> Result<String, Fault> {
    Ok(format!("/api/v1/namespaces/{}/configmaps/{}", part(namespace)?, part(name)?))
}

/// The version of an object, where servers count them.
fn version(object: &Value) -> Option<u64> {
    object["metadata"]["resourceVersion"].as_str()?.parse().ok()
}

impl Cluster {
    /// An object, if it is there.
    pub(crate) async fn object(&self, path: &str) -> Result<Option<Value>, LookError> {
        let answer = self.api.get(path).await.map_err(unseen)?;
        match answer.code {
            404 => Ok(None),
            _ if answer.is_good() => Ok(Some(answer.body)),
            _ => Err(refused(&answer)),
        }
    }

    /// A list of objects.
    pub(crate) async fn objects(&self, path: &str, query: &str) -> Result<Vec<Value>, LookError> {
        self.api.list(path, query).await.map_err(unseen)?.map_err(|answer| refused(&answer))
    }

    /// A Node, if it is there. One that is older than what was written here is read again, for a while.
    pub(crate) async fn node(&self, name: &str) -> Result<Option<Value>, LookError> {
        let path = node_path(name).map_err(unseen)?;
        let (began, mut pause) = (Instant::now(), first_pause());
        loop {
            match self.object(&path).await? {
                Some(node) if self.is_behind(name, &node) && began.elapsed() < BEHIND => rest(&mut pause).await,
                found => return Ok(found),
            }
        }
    }

    /// Remembers the version of a Node that the server made of it here.
    pub(crate) fn wrote(&self, name: &str, node: &Value) {
        if let Some(version) = version(node) {
            self.written.borrow_mut().insert(name.to_owned(), (cluster::uid(node).to_owned(), version));
        }
    }

    fn is_behind(&self, name: &str, node: &Value) -> bool {
        let all = self.written.borrow();
        let Some((uid, written)) = all.get(name) else { return false };
        uid == cluster::uid(node) && version(node).is_some_and(|version| version < *written)
    }

    /// The pods that are bound to a node, all of them.
    pub(crate) async fn pods_on(&self, node: &str) -> Result<Vec<Value>, LookError> {
        self.objects("/api/v1/pods", &format!("fieldSelector=spec.nodeName%3D{}", escaped(node))).await
    }

    /// The DaemonSets that there are. Nobody knows where that may not be looked at, or the server has no such list.
    pub(crate) async fn daemon_sets(&self) -> Result<DaemonSets, LookError> {
        let found = self.api.list("/apis/apps/v1/daemonsets", "").await.map_err(unseen)?;
        let name = |set: &Value| (cluster::namespace(set).to_owned(), cluster::name(set).to_owned());
        match found {
            Ok(sets) => Ok(Some(sets.iter().map(name).collect())),
            Err(answer) if matches!(answer.code, 403 | 404) => Ok(None),
            Err(answer) => Err(refused(&answer)),
        }
    }

    /// The node that is a host's: found in the API, else what was recorded of it, else what it would be called.
    pub(crate) async fn node_of(&self, host: &HostName, known: Option<&str>) -> Result<String, LookError> {
        let given = self.names.get(host);
        let named = given.and_then(|given| given.name.clone());
        let likely = named.clone().unwrap_or_else(|| host.as_str().to_owned()).to_lowercase();
        if let Some(node) = self.node(&likely).await? {
            return Ok(cluster::name(&node).to_owned());
        }
        if named.is_none() {
            let all = self.objects("/api/v1/nodes", "").await?;
            let address = given.and_then(|given| given.address.as_deref());
            match cluster::node_of(&all, host.as_str(), None, address) {
                Ok(Some(name)) => return Ok(name.to_owned()),
                Ok(None) => {}
                Err(why) => return Err(LookError::Refused { target: API.to_owned(), why }),
            }
        }
        Ok(known.map_or(likely, str::to_owned))
    }

    /// The state of an object that is put back as a whole.
    async fn whole(&self, path: &str, bodies: &dyn Bodies) -> Result<State, LookError> {
        Ok(match self.object(path).await? {
            Some(object) => State::Object {
                uid: cluster::uid(&object).to_owned(),
                body: bodies.put(Class::Content, cluster::manifest(&object).to_string().as_bytes())?,
                marks: cluster::marks(&object),
            },
            None => State::Absent,
        })
    }

    /// The states of resources of the cluster.
    pub(crate) async fn observe(&self, keys: &[ResourceKey], bodies: &dyn Bodies) -> Result<Image, LookError> {
        let mut image = Image::new();
        let mut sets = None;
        for key in keys {
            let state = match key.kind() {
                Some(Kind::Node(name)) => match self.node(name).await? {
                    Some(node) => State::Node(Box::new(cluster::node(&node))),
                    None => State::Absent,
                },
                Some(Kind::Pods(node)) => {
                    let pods = self.pods_on(node).await?;
                    if sets.is_none() {
                        sets = Some(self.daemon_sets().await?);
                    }
                    State::Pods { pods: cluster::taken(&pods, sets.as_ref().unwrap_or(&None)) }
                }
                Some(Kind::ConfigMap(namespace, name)) => {
                    self.whole(&map_path(namespace, name).map_err(unseen)?, bodies).await?
                }
                kind => {
                    let Some(object) = kind.and_then(|kind| kind.object()) else {
                        let why = "it is not looked at through the API".to_owned();
                        return Err(LookError::Refused { target: key.to_string(), why });
                    };
                    let none = || LookError::Refused { target: API.to_owned(), why: unknown(&object) };
                    let path = self.path_of(&object).await?.ok_or_else(none)?;
                    self.whole(&path, bodies).await?
                }
            };
            image.insert(key.clone(), state);
        }
        Ok(image)
    }
}
