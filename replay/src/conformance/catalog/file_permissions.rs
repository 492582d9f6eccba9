//! `file.permissions`.

use super::steps::{NODE, does};
use crate::conformance::Case;
use palinode_core::action::{Action, FilePermissions};
use palinode_core::id::BadId;

fn given(path: &str, mode: Option<&str>, owner: Option<&str>) -> Action {
    let (mode, owner) = (mode.map(str::to_owned), owner.map(str::to_owned));
    Action::FilePermissions(FilePermissions { path: path.to_owned(), mode, owner })
}

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    const FILE: &str = "/etc/resolv.conf";
    Ok(vec![
        Case::new("file.permissions", NODE, given(FILE, Some("0640"), Some("root:bin")))?,
        Case::new("file.permissions, mode alone", NODE, given(FILE, Some("600"), None))?,
        Case::new("file.permissions, owner alone", NODE, given(FILE, None, Some("bin")))?,
        Case::new("file.permissions, already so", NODE, given(FILE, Some("0640"), Some("bin")))?
            .after(does([given(FILE, Some("0640"), Some("bin:root"))]))
            .nothing(),
        Case::new("file.permissions, no file", NODE, given("/etc/nothing", Some("0640"), None))?
            .refused("No such file"),
        Case::new("file.permissions, a link", NODE, given("/etc/localtime", Some("0640"), None))?
            .refused("symbolic link"),
        Case::new("file.permissions, a directory", NODE, given("/etc/origin", Some("0750"), None))?
            .refused("is a directory"),
    ])
}
