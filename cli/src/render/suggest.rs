//! Names that are not there: refused, with those that were probably meant.

use crate::error::Failure;
use crate::render::some;
use palinode_core::record::Scope;
use palinode_core::run::state::RunState;
use palinode_core::suggest::near;
use std::collections::BTreeSet;

/// A name that must be one of these. `what`: what it is a name of; `missing`: what is said before it, such as `the journal
/// has no`.
pub(crate) fn known<'a>(
    name: &str,
    all: impl IntoIterator<Item = &'a str>,
    what: &str,
    missing: &str,
) -> Result<(), Failure> {
    let all: BTreeSet<&str> = all.into_iter().collect();
    if all.contains(name) {
        return Ok(());
    }
    Err(Failure::usage(format!("{missing} {what} {name}"), meant(name, &all)))
}

/// A step that a run must have.
pub(crate) fn step(run: &RunState, id: &str, path: &str) -> Result<(), Failure> {
    known(path, run.plan.steps.iter().map(|step| step.path.as_str()), "step", &format!("run {id} has no"))
}

/// What is taken back must be there.
pub(crate) fn scope(run: &RunState, id: &str, scope: &Scope) -> Result<(), Failure> {
    match scope {
        Scope::Run => Ok(()),
        Scope::Host(host) => {
            known(host.as_str(), run.plan.hosts().map(|host| host.as_str()), "host", &format!("run {id} has no"))
        }
        Scope::Step(path) => step(run, id, path.as_str()),
    }
}

/// What was probably meant, or what there is.
pub(crate) fn meant(name: &str, all: &BTreeSet<&str>) -> String {
    let near = near(name, all.iter().copied());
    match near.as_slice() {
        [] if all.is_empty() => "leave it away: there is none yet".to_owned(),
        [] => format!("there are {}", some(&all.iter().copied().collect::<Vec<_>>(), 8)),
        [one] => format!("did you mean `{one}`?"),
        many => {
            format!("did you mean {}?", many.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_probably_meant_comes_first() {
        let hosts = BTreeSet::from(["gluster1.demo", "gluster2.demo", "master1.demo"]);
        assert_eq!(meant("gluster1", &hosts), "did you mean `gluster1.demo`?");
        assert_eq!(meant("glutser1.demo", &hosts), "did you mean `gluster1.demo` or `gluster2.demo`?");
        assert_eq!(meant("zebra", &hosts), "there are gluster1.demo, gluster2.demo, master1.demo");
        assert_eq!(meant("zebra", &BTreeSet::new()), "leave it away: there is none yet");
        let actions = BTreeSet::from(["kube.drain", "kube.cordon", "service"]);
        assert_eq!(meant("drain", &actions), "did you mean `kube.drain`?");
        assert_eq!(meant("kube.darin", &actions), "did you mean `kube.drain`?");
    }
}
