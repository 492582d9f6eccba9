//! The cluster, asked what a person's words mean there. Nothing is changed and nothing is recorded.

use crate::args::Args;
use crate::error::{Exit, Failure};
use crate::render::{escape, suggest};
use crate::run::{self, NodeNames};
use palinode_core::chain::chain;
use palinode_core::cluster::ApiKind;
use palinode_core::id::HostName;
use palinode_core::port::LookError;
use palinode_core::resource::{Node, ObjectRef};
use palinode_executors::{Cluster, Kinds, NodeFound};
use tokio::runtime::Runtime;

/// See the module.
pub(super) struct Ask {
    cluster: Cluster,
    // After what waits with it.
    runtime: Runtime,
}

impl Ask {
    /// Opens a way to the cluster, where hosts may be known by these names.
    pub(super) fn open(args: &Args, names: NodeNames) -> Result<Self, Failure> {
        let runtime = run::runtime()?;
        let cluster = run::cluster_to_ask(args, &runtime, names)?;
        Ok(Self { cluster, runtime })
    }

    /// The node that a person means by the name of a host.
    pub(super) fn node_for(&self, host: &HostName) -> Result<NodeFound, Failure> {
        self.runtime.block_on(self.cluster.node_for(host)).map_err(|error| unseen(host.as_str(), &error))
    }

    /// A node by its own name.
    pub(super) fn node_named(&self, name: &str) -> Result<Option<Node>, Failure> {
        self.runtime.block_on(self.cluster.node_named(name)).map_err(|error| unseen(name, &error))
    }

    /// A node that is not there.
    pub(super) fn no_node(&self, name: &str) -> Failure {
        let names = self.runtime.block_on(self.cluster.node_names());
        Failure::usage(
            format!("the cluster has no node {}; nothing was touched", escape(name)),
            escape(&suggest::meant(name, &names.iter().map(String::as_str).collect())),
        )
    }

    /// The kinds that there are.
    pub(super) fn kinds(&self) -> Result<Kinds, Failure> {
        self.runtime.block_on(self.cluster.kinds()).map_err(|error| {
            Failure::new(
                Exit::Failed,
                format!("the cluster does not tell which kinds it has: {}", escape(&chain(&error))),
                "see that `kubectl api-resources` works from here with the same --kubeconfig and --context",
            )
        })
    }

    /// Whether an object is there.
    pub(super) fn has(&self, object: &ObjectRef) -> Result<bool, LookError> {
        self.runtime.block_on(self.cluster.has(object))
    }

    /// An object that is not there, with those that there are.
    pub(super) fn none_such(&self, object: &ObjectRef, plural: &str) -> Failure {
        let kind = ApiKind {
            api: object.api.clone(),
            kind: object.kind.clone(),
            plural: plural.to_owned(),
            singular: String::new(),
            short: Vec::new(),
            namespaced: object.namespace.is_some(),
            verbs: Vec::new(),
        };
        let names = self.runtime.block_on(self.cluster.names_of(&kind, object.namespace.as_deref()));
        let next = match names.is_empty() {
            true => format!("`kubectl get {plural} --all-namespaces` shows where there are any"),
            false => escape(&suggest::meant(&object.name, &names.iter().map(String::as_str).collect())),
        };
        Failure::usage(format!("the cluster has no {}; nothing was touched", escape(&object.to_string())), next)
    }
}

fn unseen(name: &str, error: &LookError) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("the node {} cannot be looked at: {}; nothing was touched", escape(name), escape(&chain(error))),
        "see that `kubectl get nodes` works from here with the same --kubeconfig and --context",
    )
}
