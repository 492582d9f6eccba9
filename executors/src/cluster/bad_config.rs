//! Why the configuration of a cluster cannot be used.

use super::api::NoCluster;
use std::io;
use std::path::PathBuf;

/// Why a configuration cannot be used. It quotes no value but names: there may be a token in any of them.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadConfig {
    /// No file is there.
    #[error("there is no configuration: {0}")]
    NoFile(String),
    /// It cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// It does not say what one says.
    #[error("it is not what a configuration of a cluster is made of{place}: {}", .path.display())]
    Unread {
        /// Where in it.
        place: String,
        /// Which file.
        path: PathBuf,
    },
    /// One file gives a name twice.
    #[error("{} has two {kind} named `{name}`", .path.display())]
    Twice {
        /// Which file.
        path: PathBuf,
        /// Clusters, users or contexts.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// Nobody says which context.
    #[error("no context is the current one; {0}; name one with --context")]
    NoCurrent(String),
    /// There is no such context.
    #[error("there is no context `{0}`; {1}")]
    NoContext(String, String),
    /// A context leads to a cluster that is not there.
    #[error("context `{context}` is of the cluster `{cluster}`, which is not there; {known}")]
    NoCluster {
        /// The context.
        context: String,
        /// The cluster.
        cluster: String,
        /// Those that are there.
        known: String,
    },
    /// It does not say where the server is.
    #[error("the cluster `{0}` has no server")]
    NoServer(String),
    /// What it says of the server is no address.
    #[error("the server of the cluster `{0}` is no address, such as https://master.demo:8443")]
    BadServer(String),
    /// Two things are said of which one alone can hold.
    #[error("{0}")]
    Contradicts(String),
    /// The authority of the cluster.
    #[error("the certificate authority of the cluster `{0}` has no certificate in it")]
    NoAuthority(String),
    /// A command that gets credentials is not there.
    #[error("the command `{command}`, which gets the credentials, cannot be started{hint}")]
    NoPlugin {
        /// The command.
        command: String,
        /// What its configuration says of how to get it.
        hint: String,
        /// Why.
        #[source]
        cause: Option<io::Error>,
    },
    /// It failed.
    #[error("the command that gets the credentials failed: {0}")]
    PluginFailed(String),
    /// The file of a token.
    #[error("cannot use the token in {}", .path.display())]
    Token {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

impl From<BadConfig> for NoCluster {
    fn from(error: BadConfig) -> Self {
        Self::Config(Box::new(error))
    }
}
