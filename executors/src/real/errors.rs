//! What went wrong with a host, as the driver reacts to it.

use crate::host::Looked;
use crate::ssh::LinkError;
use palinode_core::chain::chain;
use palinode_core::id::HostName;
use palinode_core::port::LookError;

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
