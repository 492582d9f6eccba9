//! Why a question to a host has no answer.

use std::time::Duration;

/// How long a connection may take to come about.
pub(crate) const CONNECT: Duration = Duration::from_secs(15);

/// Why a host gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No connection came about. Nothing was asked.
    #[error("no connection")]
    Connect(#[source] openssh::Error),
    /// No connection came about in time. Nothing was asked.
    #[error("no connection within {} seconds", CONNECT.as_secs())]
    Slow,
    /// There is a connection, but no root shell. Nothing was asked.
    #[error("{0}")]
    Refused(String),
    /// It is another machine than before under this name: installed anew, cloned, or its address is another's now. Nothing
    /// was asked.
    #[error("it is another machine than the one recorded under its name (machine id {now}, and it was {was})")]
    Changed {
        /// The machine id that was recorded.
        was: String,
        /// That of the machine that answers.
        now: String,
    },
    /// The link broke. What was asked may have happened.
    #[error("{0}")]
    Lost(String),
    /// The answer is longer than what was expected. What was asked may have happened.
    #[error("{0}")]
    TooLong(String),
}

impl LinkError {
    /// Whether it is certain that nothing was asked.
    pub(crate) fn was_asked(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::TooLong(_))
    }

    /// Whether it makes sense to try again without changing anything.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            // A host key that changed or a login that is not allowed will be so in a minute too.
            Self::Connect(openssh::Error::Connect(error)) => {
                let text = error.to_string();
                error.kind() != std::io::ErrorKind::PermissionDenied
                    && !text.contains("Host key verification failed")
                    && !text.contains("HOST IDENTIFICATION HAS CHANGED")
            }
            Self::Connect(_) | Self::Slow | Self::Lost(_) => true,
            Self::Refused(_) | Self::TooLong(_) | Self::Changed { .. } => false,
        }
    }
}
