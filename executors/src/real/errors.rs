//! What went wrong with a host, as the driver reacts to it.

use crate::host::Looked;
use crate::ssh::LinkError;
use palinode_core::id::HostName;
use palinode_core::port::LookError;
use std::error::Error;

pub(super) fn not_seen(host: &HostName, error: Looked) -> LookError {
    match error {
        Looked::Cannot(why) => refused(host, why),
        Looked::Body(error) => LookError::Body(error),
    }
}

pub(super) fn refused(host: &HostName, why: String) -> LookError {
    LookError::Refused { target: host.to_string(), why }
}

/// Only what may pass by itself is tried again.
pub(super) fn unseen(host: &HostName, error: LinkError) -> LookError {
    if error.may_pass() {
        LookError::Unreachable { target: host.to_string(), cause: Some(Box::new(error)) }
    } else {
        refused(host, chain(&error))
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // What ssh says may be several lines.
        let words = error.to_string();
        let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let words = lines.join(" ");
        // Some say what their cause says.
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}
