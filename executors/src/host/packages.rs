//! Packages beyond those that were named: what a transaction takes along or brings, and whether it can be undone.

use crate::ssh::{Reply, decoded, quoted};
use palinode_core::action::{Package, PackageState};
use palinode_core::id::{HostName, ResourceKey};
use palinode_core::port::Sample;
use palinode_core::resource::{Fields, Footprint};
use std::collections::{BTreeMap, BTreeSet};

/// What a transaction touches that its action does not name.
pub(crate) enum Beyond {
    /// These resources.
    More(Vec<Footprint>),
    /// Packages that would go and were not named.
    Unexpected(Vec<String>),
    /// The host gives no answer, and says why.
    Cannot(String),
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quoted).collect::<Vec<_>>().join(" ")
}

fn names(package: &Package) -> BTreeSet<&str> {
    let named = package.names.iter().map(|item| Package::base_name(item));
    named.chain(package.exact.iter().map(|nevra| nevra.name.as_str())).collect()
}

/// The question.
pub(crate) fn beyond_script(package: &Package) -> String {
    match package.state {
        PackageState::Absent => format!("p_removal {}", list(names(package).into_iter())),
        PackageState::Present if package.exact.is_empty() => {
            format!("p_arrival {}", list(package.names.iter().map(String::as_str)))
        }
        PackageState::Present => {
            let exact: Vec<String> = package.exact.iter().map(ToString::to_string).collect();
            format!("p_arrival --disableexcludes=all {}", list(exact.iter().map(String::as_str)))
        }
    }
}

/// The answer.
pub(crate) fn beyond(host: &HostName, package: &Package, reply: &Reply) -> Beyond {
    if reply.code != 0 || reply.lines().last() != Some("end") {
        return Beyond::Cannot(reply.why());
    }
    let named = names(package);
    let words = |word: &'static str| reply.lines().filter_map(move |line| line.strip_prefix(word)?.strip_prefix(' '));
    let unexpected: BTreeSet<&str> = words("needs").filter(|name| !named.contains(name)).collect();
    if !unexpected.is_empty() {
        return Beyond::Unexpected(unexpected.into_iter().map(str::to_owned).collect());
    }
    let brought = words("brings").filter(|name| !named.contains(name)).map(|name| ResourceKey::package(host, name));
    // rpm lays a changed file of a package that goes aside under another name.
    let changed = words("changed").filter_map(decoded).filter_map(|path| String::from_utf8(path).ok());
    let files =
        changed.flat_map(|path| [ResourceKey::file(host, &path), ResourceKey::file(host, &format!("{path}.rpmsave"))]);
    Beyond::More(brought.chain(files).map(|key| Footprint::new(key, Fields::All)).collect())
}

/// The question whether what is installed of these could be installed again.
pub(crate) fn restorable_script(names: &[String]) -> String {
    format!("p_restorable {}", list(names.iter().map(|item| Package::base_name(item))))
}

/// A package manager that gave no whole answer: what it complained about.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoAnswer(String);

/// The answer.
pub(crate) fn restorable(reply: &Reply) -> Result<Sample, NoAnswer> {
    if reply.code != 0 || reply.lines().last() != Some("end") {
        return Err(NoAnswer(reply.why()));
    }
    let words = |word: &'static str| reply.lines().filter_map(move |line| line.strip_prefix(word)?.strip_prefix(' '));
    let have: BTreeSet<&str> = words("have").collect();
    let want: BTreeSet<&str> = words("want").collect();
    let missing: Vec<&str> = want.iter().filter(|nevra| !have.contains(*nevra)).copied().collect();
    let mut facts = BTreeMap::from([("installed".to_owned(), want.len().to_string())]);
    if !missing.is_empty() {
        facts.insert("not in the repositories".to_owned(), missing.join(", "));
    }
    Ok(Sample { pass: missing.is_empty(), hopeless: !missing.is_empty(), facts, evidence: None })
}
