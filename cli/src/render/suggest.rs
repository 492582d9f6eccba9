//! Names that are not there: refused, with those that were probably meant.

use crate::exit::Failure;
use crate::render::some;
use palinode_core::record::Scope;
use palinode_core::run::state::RunState;
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
    let near = near(name, all);
    match near.as_slice() {
        [] if all.is_empty() => "leave it away: there is none yet".to_owned(),
        [] => format!("there are {}", some(&all.iter().copied().collect::<Vec<_>>(), 8)),
        [one] => format!("did you mean `{one}`?"),
        many => {
            format!("did you mean {}?", many.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or "))
        }
    }
}

/// Names that are written nearly so, or begin so; the nearest first, at most three.
fn near<'a>(name: &str, all: &BTreeSet<&'a str>) -> Vec<&'a str> {
    let name = name.to_lowercase();
    let mut found: Vec<(usize, &str)> = all
        .iter()
        .filter_map(|known| {
            let lower = known.to_lowercase();
            let far = distance(&name, &lower);
            let most = (name.chars().count() / 4).max(1);
            // The beginning, or the end behind the last separator: `gluster1` and `packages` are parts of longer names.
            let part =
                name.len() >= 3 && (lower.starts_with(&name) || lower.split(['/', '.']).any(|part| part == name));
            (far <= most || part).then_some((if part { 0 } else { far }, *known))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().take(3).map(|(_, known)| known).collect()
}

/// How many letters one is from the other. Long names are far from everything.
fn distance(one: &str, other: &str) -> usize {
    const LONGEST: usize = 200;
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().max(other.len()) > LONGEST {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let change = before + usize::from(a != b);
            before = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(before + 1);
        }
    }
    row[other.len()]
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
        assert_eq!(distance("", "abc"), 3);
    }
}
