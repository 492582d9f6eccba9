//! `file` with a content.

use super::steps::{NODE, does};
use crate::conformance::Case;
use palinode_core::action::{Action, FileWrite};
use palinode_core::id::BadId;
use palinode_core::record::Why;

fn written(path: &str, mode: Option<&str>, owner: Option<&str>) -> Action {
    let (mode, owner) = (mode.map(str::to_owned), owner.map(str::to_owned));
    Action::FileWrite(FileWrite { path: path.to_owned(), content: "it's\n$a b\n".to_owned(), mode, owner })
}

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    Ok(vec![
        Case::new("file.write", NODE, written("/etc/new", None, None))?,
        Case::new("file.write, over a file", NODE, written("/etc/resolv.conf", None, None))?,
        Case::new(
            "file.write, with mode and owner",
            NODE,
            written("/etc/resolv.conf", Some("0600"), Some("root:bin")),
        )?,
        Case::new("file.write, over a link", NODE, written("/etc/localtime", None, None))?,
        Case::new("file.write, already so", NODE, written("/etc/new", Some("0640"), None))?
            .after(does([written("/etc/new", Some("0640"), Some("root:root"))]))
            .nothing(),
        Case::new("file.write, no directory", NODE, written("/etc/none/new", None, None))?
            .ends(Why::ExitCode, "No such file"),
        Case::new("file.write, over a directory", NODE, written("/etc/origin", None, None))?
            .ends(Why::ExitCode, "is a directory"),
    ])
}
