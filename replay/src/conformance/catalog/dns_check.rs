//! `dns.check`.

use super::steps::{NODE, does, stop};
use crate::conformance::Case;
use palinode_core::action::{Action, DnsCheck};
use palinode_core::id::BadId;
use palinode_core::record::Why;

fn names() -> Action {
    Action::DnsCheck(DnsCheck { names: vec!["registry.demo".to_owned(), "master1.demo".to_owned()] })
}

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    Ok(vec![
        Case::new("dns.check", NODE, names())?.nothing(),
        Case::new("dns.check, cut off", NODE, names())?.after(does([stop("dnsmasq")])).ends(Why::ExitCode, "not known"),
    ])
}
