//! Packages beyond those that were named: what a transaction takes along or brings, and whether it can be undone.

use super::units::{ALONG, unit_key};
use crate::ssh::{Reply, decoded, quoted};
use palinode_core::action::{Package, PackageState};
use palinode_core::id::{HostName, ResourceKey};
use palinode_core::port::Sample;
use palinode_core::resource::{Fields, Footprint, Nevra};
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

/// What a host has of packages that words may mean, or would get.
#[derive(Debug, Default)]
pub(crate) struct Known {
    installed: Vec<Nevra>,
    coming: Vec<Nevra>,
}

/// The question which installed packages the words of an action may mean; empty if they tell it alone.
pub(crate) fn words_script(package: &Package) -> String {
    let words = list(package.open());
    if words.is_empty() { words } else { format!("p_words {words} || exit\n") }
}

/// The answer, beside any other.
pub(crate) fn known(reply: &Reply) -> Result<Known, NoAnswer> {
    if reply.code != 0 {
        return Err(NoAnswer(reply.why()));
    }
    let nevra = |mut words: std::str::Split<'_, char>| {
        let mut next = || words.next().map(str::to_owned);
        Some(Nevra { name: next()?, epoch: next()?.parse().ok()?, version: next()?, release: next()?, arch: next()? })
    };
    let of = |word: &str| reply.lines().filter_map(|line| nevra(line.strip_prefix(word)?.split(' '))).collect();
    Ok(Known { installed: of("is "), coming: of("comes ") })
}

impl Known {
    /// With what another answer says.
    pub(crate) fn with(mut self, more: Self) -> Self {
        self.installed.extend(more.installed);
        self.coming.extend(more.coming);
        self
    }

    /// The action with what it says of the words that are open.
    pub(crate) fn fill(&self, package: &Package) -> Package {
        package.resolved(&self.installed, &self.coming)
    }

    /// What rpm has to be told of a removal: names, and where only some versions are meant, those.
    fn labels(&self, package: &Package) -> Vec<String> {
        let meant = |item: &str| -> Vec<String> {
            let name = package.name_of(item);
            if item == name || !package.named.contains_key(item) {
                return vec![name.to_owned()];
            }
            let all = self.installed.iter().filter(|nevra| nevra.name == name && Package::means(item, nevra));
            all.map(|Nevra { name, version, release, arch, .. }| format!("{name}-{version}-{release}.{arch}")).collect()
        };
        package.names.iter().flat_map(|item| meant(item)).collect()
    }
}

/// The question.
pub(crate) fn beyond_script(package: &Package, known: &Known) -> String {
    let asked = match package.state {
        PackageState::Absent => {
            let labels: BTreeSet<String> = known.labels(package).into_iter().collect();
            format!("p_removal {}", list(labels.iter().map(String::as_str)))
        }
        PackageState::Present if package.exact.is_empty() => {
            format!("p_arrival {}", list(package.names.iter().map(String::as_str)))
        }
        PackageState::Present => {
            let exact: Vec<String> = package.exact.iter().map(ToString::to_string).collect();
            format!("p_arrival {EXACTLY} {}", list(exact.iter().map(String::as_str)))
        }
    };
    format!("{ALONG}{asked}")
}

/// How exact versions are installed: also those that are kept back by an exclude, or that another package replaces.
pub(crate) const EXACTLY: &str = "--disableexcludes=all --setopt=obsoletes=0";

/// The units of the packages that go, as keys name them.
pub(crate) fn units(reply: &Reply) -> BTreeSet<String> {
    let all = reply.lines().filter_map(|line| line.strip_prefix("unit "));
    all.map(|unit| unit.strip_suffix(".service").unwrap_or(unit).to_owned()).collect()
}

/// The answer.
pub(crate) fn beyond(host: &HostName, package: &Package, reply: &Reply) -> Beyond {
    if reply.code != 0 || reply.lines().last() != Some("end") {
        return Beyond::Cannot(reply.why());
    }
    let named: BTreeSet<&str> = package.all_names().collect();
    let words = |word: &'static str| reply.lines().filter_map(move |line| line.strip_prefix(word)?.strip_prefix(' '));
    let unexpected: BTreeSet<&str> = words("needs").filter(|name| !named.contains(name)).collect();
    if !unexpected.is_empty() {
        return Beyond::Unexpected(unexpected.into_iter().map(str::to_owned).collect());
    }
    // What is replaced goes as what is removed does.
    let all: BTreeSet<&str> = words("brings").chain(words("replaces")).chain(words("removes")).collect();
    let others = all.difference(&named).map(|name| ResourceKey::package(host, name));
    // rpm lays a changed file of a package that goes aside under another name, and a new one beside it.
    let aside: &[&str] = match package.state {
        PackageState::Absent => &["", ".rpmsave"],
        PackageState::Present => &["", ".rpmsave", ".rpmnew"],
    };
    let changed = words("changed").filter_map(decoded).filter_map(|path| String::from_utf8(path).ok());
    let files = changed.flat_map(|path| aside.iter().map(move |end| ResourceKey::file(host, &format!("{path}{end}"))));
    // What a scriptlet stops, systemd stops with others. They are no business of the transaction, and come back with it.
    let along = words("along").map(|unit| Footprint::new(unit_key(host, unit), Fields::Evidence));
    Beyond::More(others.chain(files).map(|key| Footprint::new(key, Fields::All)).chain(along).collect())
}

/// The question which of these are installed, for words that are open; empty if there are none.
pub(crate) fn restorable_words(names: &[String]) -> String {
    words_script(&Package::of(names.to_vec(), PackageState::Absent))
}

/// The question whether what is installed of these could be installed again.
pub(crate) fn restorable_script(names: &[String], known: &Known) -> String {
    let package = known.fill(&Package::of(names.to_vec(), PackageState::Absent));
    format!("p_restorable {}", list(known.labels(&package).iter().map(String::as_str)))
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
    let have: BTreeSet<&str> = words("have").filter_map(|line| line.split(' ').next()).collect();
    let want: BTreeSet<&str> = words("want").collect();
    let missing: Vec<&str> = want.iter().filter(|nevra| !have.contains(*nevra)).copied().collect();
    // Many may have one reason.
    let mut bad: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (nevra, why) in words("bad").filter_map(|line| line.split_once(' ')) {
        let why = decoded(why).map_or_else(String::new, |why| String::from_utf8_lossy(&why).into_owned());
        bad.entry(why).or_default().push(nevra);
    }
    let mut facts = BTreeMap::from([("installed".to_owned(), want.len().to_string())]);
    if !missing.is_empty() {
        facts.insert("not in the repositories".to_owned(), missing.join(", "));
    }
    if !bad.is_empty() {
        let told = bad.iter().map(|(why, all)| format!("{}: {why}", all.join(", ")));
        facts.insert("cannot be fetched and checked".to_owned(), told.collect::<Vec<_>>().join("; "));
    }
    // A mirror may come back, and a key may be brought meanwhile; what is in no repository stays away.
    Ok(Sample { pass: missing.is_empty() && bad.is_empty(), hopeless: !missing.is_empty(), facts, evidence: None })
}
