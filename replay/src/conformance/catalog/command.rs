//! `command`: the excluder's own.

use super::steps::{NODE, does};
use crate::conformance::Case;
use palinode_core::action::{Action, Command};
use palinode_core::id::BadId;

fn excluder(verb: &str, undo: Option<&str>) -> Action {
    let words = |verb: &str| vec![EXCLUDER.to_owned(), verb.to_owned()];
    let command = Command::of(words(verb), vec!["/etc/yum.conf".to_owned()]);
    let undo = undo.map(|verb| Command::of(words(verb), Vec::new()).run);
    Action::Command(Command { undo, ..command })
}

const EXCLUDER: &str = "/sbin/atomic-openshift-excluder";

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    Ok(vec![
        Case::new("command, unexclude", NODE, excluder("unexclude", Some("exclude")))?.repeat(),
        Case::new("command, exclude", NODE, excluder("exclude", Some("unexclude")))?
            .after(does([excluder("unexclude", None)]))
            .repeat(),
        Case::new("command, without an undo", NODE, excluder("unexclude", None))?.repeat(),
        Case::new("command, nothing to do", NODE, excluder("exclude", None))?.repeat().nothing(),
    ])
}
