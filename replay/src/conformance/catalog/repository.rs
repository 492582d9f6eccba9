//! `repository`: enabled, disabled, the release.

use super::steps::{NODE, does, write};
use crate::conformance::Case;
use palinode_core::action::{Action, Repository, UNSET};
use palinode_core::id::BadId;
use palinode_core::record::Why;

const REPO: &str = "/etc/yum.repos.d/extra.repo";

/// One is disabled, one says nothing and so is enabled, one says so.
const REPOS: &str = "[extra]\nname=Extra\nbaseurl=file:///srv/extra\nenabled=0\n\n# kept\n[silent]\nname=Silent\nbaseurl=file:///srv/silent\n\n\
                     [loud]\nname=Loud\nbaseurl=file:///srv/loud\nenabled = true\n";

fn repository(enable: &[&str], disable: &[&str], release: Option<&str>) -> Action {
    let list = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    Action::Repository(Repository { enable: list(enable), disable: list(disable), release: release.map(str::to_owned) })
}

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    let three = || [write(REPO, REPOS)];
    let bytes = "the line that says `enabled=` stays where it was put; what it says is what was";
    Ok(vec![
        Case::new("repository, enable and disable", NODE, repository(&["extra"], &["silent", "loud"], None))?
            .after(three())
            .leaves(format!("{NODE}/file:{REPO}"), bytes),
        Case::new("repository, one of them so already", NODE, repository(&["extra", "loud"], &[], None))?
            .after(three()),
        Case::new("repository, all so already", NODE, repository(&["silent", "loud"], &["extra"], None))?
            .after(three())
            .nothing(),
        Case::new("repository, release", NODE, repository(&[], &[], Some("7.6")))?.after(does([repository(
            &[],
            &[],
            Some("7.5"),
        )])),
        Case::new("repository, no release", NODE, repository(&[], &[], Some(UNSET)))?.after(does([repository(
            &[],
            &[],
            Some("7.5"),
        )])),
        Case::new("repository, unknown", NODE, repository(&["extra", "nothing"], &["loud"], Some("7.6")))?
            .after(three())
            .after(does([repository(&[], &[], Some("7.5"))]))
            .ends(Why::ExitCode, "no repository nothing"),
    ])
}
