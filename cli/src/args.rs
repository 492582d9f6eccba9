//! The arguments that all verbs have. The doc comments here are their help.

use clap::ValueEnum;
use std::path::PathBuf;

/// The variable that names a journal.
pub(crate) const JOURNAL_VARIABLE: &str = "PALINODE_JOURNAL";

/// What can be said to every verb: where things are, and how data is printed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The journal; by default `.palinode` here or in a folder above.
    #[arg(long, global = true, env = JOURNAL_VARIABLE, value_name = "DIR")]
    pub(crate) journal: Option<PathBuf>,
    /// How to print data.
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    /// A configuration of ssh in place of `~/.ssh/config` and the system's.
    #[arg(long, global = true, env = "PALINODE_SSH_CONFIG", value_name = "FILE")]
    pub(crate) ssh_config: Option<PathBuf>,
    /// How the cluster's API is reached; by default what `KUBECONFIG` names, or `~/.kube/config`.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context in it; by default its current one. It is recorded, and a run is not continued on another cluster.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    #[command(flatten)]
    pub(crate) logging: crate::logging::options::Options,
}

/// How to print data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// One JSON value.
    Json,
}

/// The run that the command line of a verb names, before or behind `--run`.
macro_rules! named {
    ($verb:ident) => {
        impl $verb {
            /// The run that is named.
            fn named(&self) -> Option<&str> {
                self.run.as_deref().or(self.of.as_deref())
            }
        }
    };
}

pub(crate) use named;
