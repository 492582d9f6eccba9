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
                closes_its_doors(&text) || !(is_another_key(&text) || is_denied(error.kind(), &text))
            }
            Self::Connect(_) | Self::Slow | Self::Lost(_) => true,
            Self::Refused(text) => closes_its_doors(text),
            Self::TooLong(_) | Self::Changed { .. } => false,
        }
    }

    /// Whether the host showed another key than the one that is known.
    pub(crate) fn is_another_key(&self) -> bool {
        matches!(self, Self::Connect(openssh::Error::Connect(error)) if is_another_key(&error.to_string()))
    }

    /// What to do about one that does not pass while a host comes back from a reboot; none for those that may pass, and for
    /// those that are no word of the host about who may come in.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        match self {
            _ if self.may_pass() => None,
            Self::Connect(openssh::Error::Connect(error)) if is_another_key(&error.to_string()) => Some(
                "its host key is not the one in known_hosts; if you know why, replace it there (`ssh-keygen -R NAME`)",
            ),
            Self::Connect(_) => Some("the login is refused; see to it that `ssh` gets in with that user and key again"),
            Self::Refused(_) => Some("see to it that the login gets a root shell again"),
            Self::Changed { .. } => Some("find out which machine answers under this name"),
            Self::Slow | Self::Lost(_) | Self::TooLong(_) => None,
        }
    }
}

fn is_another_key(text: &str) -> bool {
    ["Host key verification failed", "HOST IDENTIFICATION HAS CHANGED"].iter().any(|words| text.contains(words))
}

fn is_denied(kind: std::io::ErrorKind, text: &str) -> bool {
    kind == std::io::ErrorKind::PermissionDenied || text.contains("Permission denied (")
}

/// Whether a host says that it goes down or comes up, and lets only root in meanwhile (`pam_nologin`).
fn closes_its_doors(text: &str) -> bool {
    let text = text.to_lowercase();
    ["system is booting up", "system is going down", "pam_nologin", "unprivileged users are not permitted to log in"]
        .iter()
        .any(|words| text.contains(words))
}
