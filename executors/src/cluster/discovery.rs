//! What a person may mean by a word: the kinds, nodes and objects that the server has. Asked before anything is planned.

use super::Cluster;
use super::api::{escaped, part};
use futures_util::future::join_all;
use palinode_core::cluster::{self, ApiKind, listed_kinds};
use palinode_core::id::HostName;
use palinode_core::port::LookError;
use palinode_core::resource::{Node, ObjectRef};
use serde_json::Value;

/// The kinds that a server has.
#[derive(Debug, Default)]
pub struct Kinds {
    /// Those that it lists: the oldest first, then group by group, each in the version first that it prefers.
    pub all: Vec<ApiKind>,
    /// Groups and versions of which it does not say what they have, and why.
    pub silent: Vec<(String, String)>,
}

/// A node that was looked for.
#[derive(Debug)]
pub struct NodeFound {
    /// The name that it has in the API, or would have.
    pub name: String,
    /// What there is of it.
    pub node: Option<Node>,
}

/// So many names are told of.
const NAMES: usize = 200;

impl Cluster {
    /// The kinds that the server has, of all groups and versions.
    pub async fn kinds(&self) -> Result<Kinds, LookError> {
        let groups = self.object("/apis").await?.unwrap_or_default();
        let mut lists = vec![("v1".to_owned(), "/api/v1".to_owned())];
        for group in groups["groups"].as_array().into_iter().flatten() {
            let api = |version: &Value| version["groupVersion"].as_str().map(str::to_owned);
            let preferred = api(&group["preferredVersion"]);
            let others = group["versions"].as_array().into_iter().flatten().filter_map(api);
            let others = others.filter(|api| Some(api) != preferred.as_ref());
            for api in preferred.iter().cloned().chain(others) {
                let parts: Result<Vec<String>, _> = api.split('/').map(part).collect();
                if let Ok(parts) = parts {
                    lists.push((api.clone(), format!("/apis/{}", parts.join("/"))));
                }
            }
        }
        let answers = join_all(lists.iter().map(|(_, path)| self.object(path))).await;
        let mut kinds = Kinds::default();
        for ((api, _), answer) in lists.into_iter().zip(answers) {
            match answer {
                Ok(Some(list)) => kinds.all.extend(listed_kinds(&api, &list)),
                Ok(None) => kinds.silent.push((api, "it is not there".to_owned())),
                // Without the oldest kinds there is no API at all.
                Err(error) if api == "v1" => return Err(error),
                Err(error) => kinds.silent.push((api, palinode_core::chain::chain(&error))),
            }
        }
        Ok(kinds)
    }

    /// The node that a person means by a name, found as steps find it.
    pub async fn node_for(&self, name: &HostName) -> Result<NodeFound, LookError> {
        let name = self.node_of(name, None).await?;
        let node = self.node(&name).await?.as_ref().map(cluster::node);
        Ok(NodeFound { name, node })
    }

    /// A node by its name in the API, if it is there.
    pub async fn node_named(&self, name: &str) -> Result<Option<Node>, LookError> {
        Ok(self.node(name).await?.as_ref().map(cluster::node))
    }

    /// The names of some nodes; none where they may not be listed.
    pub async fn node_names(&self) -> Vec<String> {
        self.names_at("/api/v1/nodes").await
    }

    /// Whether an object is there. Its kind must be one that the server has.
    pub async fn has(&self, object: &ObjectRef) -> Result<bool, LookError> {
        match self.path_of(object).await? {
            Some(path) => Ok(self.object(&path).await?.is_some()),
            None => Ok(false),
        }
    }

    /// The names of some objects of a kind; none where they may not be listed.
    pub async fn names_of(&self, kind: &ApiKind, namespace: Option<&str>) -> Vec<String> {
        let root = if kind.api.contains('/') { "apis" } else { "api" };
        let within = namespace.map_or_else(String::new, |space| format!("namespaces/{}/", escaped(space)));
        self.names_at(&format!("/{root}/{}/{within}{}", kind.api, escaped(&kind.plural))).await
    }

    async fn names_at(&self, path: &str) -> Vec<String> {
        let Ok(answer) = self.api.get(&format!("{path}?limit={NAMES}")).await else { return Vec::new() };
        if !answer.is_good() {
            return Vec::new();
        }
        let all = answer.body["items"].as_array().into_iter().flatten();
        all.map(cluster::name).filter(|name| !name.is_empty()).take(NAMES).map(str::to_owned).collect()
    }
}
