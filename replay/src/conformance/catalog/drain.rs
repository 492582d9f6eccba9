//! `kube.drain`: budgets, emptyDir volumes, pods without a controller.

use super::steps::{NODE, does, drain};
use crate::conformance::{Case, Change, Prep};
use palinode_core::action::{Action, Bare, Emptydir};
use palinode_core::id::BadId;

pub(super) fn cases(_: &str) -> Result<Vec<Case>, BadId> {
    let cordon = || Action::Cordon {};
    let bare = || {
        let pod = Change::BarePod {
            namespace: "default".to_owned(),
            name: "lonely".to_owned(),
            node: "compute1.demo".to_owned(),
        };
        Prep::Change(pod)
    };
    Ok(vec![
        Case::new("drain", NODE, drain(Emptydir::Delete, Bare::Refuse))?.after(does([cordon()])),
        Case::new("drain, disruption budget", "gluster2.demo", drain(Emptydir::Delete, Bare::Refuse))?
            .after(does([cordon()])),
        Case::new("drain, emptyDir refused", NODE, drain(Emptydir::Refuse, Bare::Refuse))?
            .after(does([cordon()]))
            .refused("emptyDir"),
        Case::new("drain, bare pod refused", "compute1.demo", drain(Emptydir::Delete, Bare::Refuse))?
            .after([Prep::Do(cordon()), bare()])
            .refused("no controller"),
        Case::new("drain, bare pod deleted", "compute1.demo", drain(Emptydir::Delete, Bare::Delete))?
            .after([Prep::Do(cordon()), bare()]),
        Case::new("drain, not cordoned", NODE, drain(Emptydir::Delete, Bare::Refuse))?.refused("not cordoned"),
        Case::new("drain, nothing there", NODE, drain(Emptydir::Refuse, Bare::Refuse))?
            .after(does([cordon(), drain(Emptydir::Delete, Bare::Refuse)]))
            .nothing(),
    ])
}
