//! `wait`: each condition, met and not.

use super::steps::{NODE, does, stop};
use crate::conformance::Case;
use palinode_core::action::{Action, Wait};
use palinode_core::id::BadId;
use palinode_core::record::Why;
use palinode_core::span::Span;

fn wait(what: fn(&mut Wait)) -> Action {
    let mut wait = Wait { port: None, path: None, unit: None, span: None, timeout: Span::seconds(2) };
    what(&mut wait);
    Action::Wait(wait)
}

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    Ok(vec![
        Case::new("wait, unit", NODE, wait(|wait| wait.unit = Some("dnsmasq".to_owned())))?.nothing(),
        Case::new("wait, path", NODE, wait(|wait| wait.path = Some("/etc/origin".to_owned())))?.nothing(),
        Case::new("wait, port", NODE, wait(|wait| wait.port = Some(22)))?.nothing(),
        Case::new("wait, time", NODE, wait(|wait| wait.span = Some(Span::seconds(1))))?.nothing(),
        Case::new("wait, unit that does not run", NODE, wait(|wait| wait.unit = Some("dnsmasq".to_owned())))?
            .after(does([stop("dnsmasq")]))
            .ends(Why::Timeout, "dnsmasq is inactive"),
        Case::new("wait, no path", NODE, wait(|wait| wait.path = Some("/etc/nothing".to_owned())))?
            .ends(Why::Timeout, "No such file"),
        Case::new("wait, no port", NODE, wait(|wait| wait.port = Some(9)))?
            .ends(Why::Timeout, "nothing listens on port 9"),
    ])
}
