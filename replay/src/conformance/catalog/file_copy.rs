//! `file.copy`.

use super::steps::{NODE, UPSTREAM, absent, does, resolver};
use crate::conformance::Case;
use palinode_core::id::BadId;

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    Ok(vec![
        Case::new("file.copy", NODE, resolver(UPSTREAM))?,
        Case::new("file.copy, the same already", NODE, resolver(UPSTREAM))?.after(does([resolver(UPSTREAM)])).nothing(),
        Case::new("file.copy, source names only the host", NODE, resolver("/etc/resolv.conf"))?.refused("name server"),
        Case::new("file.copy, no source", NODE, resolver("/etc/nothing"))?.refused("No such file"),
        Case::new("file.copy, no destination yet", NODE, resolver(UPSTREAM))?
            .after(does([absent(&["/etc/resolv.conf"])])),
    ])
}
