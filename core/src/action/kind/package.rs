//! `package`: packages, installed or removed in one transaction.

use crate::action::{
    Accept, Accepted, Action, ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo,
    UndoClass, on_host, package_word, units, values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Active, Fields, Footprint, Image, Kind, Nevra, Residue, State};
use crate::shown::Shown as _;
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Whether packages shall be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PackageState {
    /// Installed.
    Present,
    /// Not installed.
    Absent,
}

/// Installs or removes packages, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// The packages: each a name, or with version, release, epoch and architecture as rpm writes them. What could be both
    /// is a name, if the host has such a package: `devtoolset-7`.
    #[serde(default)]
    pub names: Vec<String>,
    /// Whether they shall be installed.
    pub state: PackageState,
    /// Packages in an exact version, as a rollback names them; with `state: present`.
    #[serde(default)]
    pub exact: Vec<Nevra>,
    /// The packages that items of `names` mean, where only the host could tell: `devtoolset-7` is a name, or a version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(skip)]
    pub named: BTreeMap<String, String>,
    /// The units of packages that go, by name, as the host says: whether they run and are enabled comes back with them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(skip)]
    pub units: BTreeSet<String>,
}

impl Package {
    /// Packages by name, or `name-version` where a version is wanted.
    pub fn of(names: Vec<String>, state: PackageState) -> Self {
        Self { names, state, exact: Vec::new(), named: BTreeMap::new(), units: BTreeSet::new() }
    }

    /// Packages in an exact version, to be installed.
    pub fn exactly(exact: Vec<Nevra>) -> Self {
        Self { exact, ..Self::of(Vec::new(), PackageState::Present) }
    }

    /// The package that an item of `names` means: what the host said, else as far as the item alone tells.
    pub fn name_of<'a>(&'a self, item: &'a str) -> &'a str {
        self.named.get(item).map_or_else(|| Self::base_name(item), String::as_str)
    }

    /// The names of all packages that it is about.
    pub fn all_names(&self) -> impl Iterator<Item = &str> {
        let named = self.names.iter().map(|item| self.name_of(item));
        named.chain(self.exact.iter().map(|nevra| nevra.name.as_str()))
    }

    /// The package name of an item of `names`, as far as the item alone tells: `docker`, or the part before `-VERSION` or
    /// `-VERSION-RELEASE`.
    pub fn base_name(item: &str) -> &str {
        package_word::guessed(item)
    }

    /// The version of an item of `names`, if it names one.
    pub fn version(item: &str) -> Option<&str> {
        item[Self::base_name(item).len()..].strip_prefix('-')
    }

    /// Whether an item means a package in this version.
    pub fn means(item: &str, package: &Nevra) -> bool {
        package_word::means(item, package)
    }

    /// The items of which only the host can tell which package they mean.
    pub fn open(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str).filter(|item| package_word::is_open(item))
    }

    /// With what the host says of the items that are open, from the packages that it has and those that would come: the
    /// whole word is asked first, as by rpm. An item that means nothing there removes nothing.
    pub fn resolved<'a>(
        &self,
        installed: &'a [Nevra],
        coming: impl IntoIterator<Item = &'a Nevra, IntoIter: Clone>,
    ) -> Self {
        let coming = coming.into_iter();
        let mut named = BTreeMap::new();
        for item in self.open() {
            let coming = coming.clone().filter(|_| self.state == PackageState::Present);
            let name = match (package_word::meant(item, installed.iter().chain(coming)), self.state) {
                // What the item alone tells is right.
                (Some(found), PackageState::Present) if is_version(item, found) => continue,
                (Some(found), _) => found.name.clone(),
                (None, PackageState::Absent) => item.to_owned(),
                // The job says that there is no such package.
                (None, PackageState::Present) => continue,
            };
            named.insert(item.to_owned(), name);
        }
        Self { named, ..self.clone() }
    }
}

/// Whether an item is the name of a package, and its version.
fn is_version(item: &str, package: &Nevra) -> bool {
    let has = |version| package.version == version || format!("{}-{}", package.version, package.release) == version;
    Package::base_name(item) == package.name && Package::version(item).is_none_or(has)
}

impl Described for Package {
    const EXAMPLES: &'static [&'static str] = &[
        "\
- packages: { package: { names: [docker, cri-tools], state: absent } }
",
        "\
- excluder:
    package: { names: [atomic-openshift-excluder-3.11.161], state: present }
",
    ];
    const ONE_OF: &'static [&'static str] = &["names", "exact"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for Package {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        let state = dice.pick(&[PackageState::Present, PackageState::Absent]);
        let (named, units) = (dice.pairs(), dice.words());
        Self { names: dice.words(), state, exact: dice.list(Dice::nevra), named, units }
    }
}

impl ActionKind for Package {
    fn place(&self) -> Place {
        Place::Host
    }

    fn class(&self) -> UndoClass {
        UndoClass::Reversible
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn words(&self) -> String {
        let mut names = self.names.clone();
        names.extend(self.exact.iter().map(ToString::to_string));
        match self.state {
            PackageState::Absent => format!("remove {}", values::list(&names, "package")),
            PackageState::Present if self.exact.len() > 2 => {
                format!("install {} packages in the versions that were there", self.exact.len())
            }
            PackageState::Present => format!("install {}", values::list(&names, "package")),
        }
    }

    fn subject(&self) -> String {
        match self.state {
            PackageState::Absent => "remove".to_owned(),
            PackageState::Present => "install".to_owned(),
        }
    }

    fn check(&self) -> Result<(), CheckError> {
        values::not_empty("packages", self.names.len() + self.exact.len()).within("names")?;
        if self.state == PackageState::Absent && !self.exact.is_empty() {
            return Err(CheckError::of("exact", "`exact` goes with `state: present`"));
        }
        values::words("package", &self.names, values::PACKAGE).within("names")?;
        let mut wrong =
            self.named.iter().filter(|(item, name)| !self.names.contains(item) || !package_word::may_mean(item, name));
        values::words("unit", &self.units, values::UNIT).within("units")?;
        match wrong.next() {
            Some((item, _)) => {
                let why = format!("`named` says what `{}` is, which only the host tells: leave it away", item.shown());
                Err(CheckError::of("named", why))
            }
            None => Ok(()),
        }
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        let Some(host) = &target.host else {
            return Vec::new();
        };
        let mut names: Vec<&str> = self.all_names().collect();
        names.sort_unstable();
        names.dedup();
        let packages = names.into_iter().map(|name| ResourceKey::package(host, name));
        let units = self.units.iter().map(|unit| ResourceKey::unit(host, unit));
        // A unit may have another name that a step of its own uses, and what that step does to it is no business of this one.
        let units = units.map(|key| Footprint::new(key, Fields::Evidence));
        packages.map(|key| Footprint::new(key, Fields::All)).chain(units).collect()
    }

    fn met(&self, key: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        let Some(Kind::Package(_, name)) = key.kind() else {
            return None;
        };
        let exact: Vec<&Nevra> = self.exact.iter().filter(|nevra| nevra.name == name).collect();
        let mut told =
            self.names.iter().filter(|item| self.named.get(*item).is_some_and(|told| told == name)).peekable();
        let item = self.names.iter().find(|item| !self.named.contains_key(*item) && Self::base_name(item) == name);
        let meant = |item: &str, now: &State| match now {
            State::Package { installed } => installed.iter().any(|nevra| Self::means(item, nevra)),
            _ => false,
        };
        match (self.state, now) {
            (PackageState::Absent, now) if item.is_some() => Some(*now == State::Absent),
            (PackageState::Absent, now) => told.peek().is_some().then(|| !told.any(|item| meant(item, now))),
            (PackageState::Present, State::Package { installed }) if !exact.is_empty() => {
                Some(exact.iter().all(|nevra| installed.contains(nevra)))
            }
            (PackageState::Present, now) if told.peek().is_some() => Some(told.all(|item| meant(item, now))),
            (PackageState::Present, State::Package { installed }) => item.map(|item| {
                Self::version(item).is_none_or(|version| {
                    installed.iter().any(|nevra| {
                        nevra.version == version || format!("{}-{}", nevra.version, nevra.release) == version
                    })
                })
            }),
            (PackageState::Present, _) => (item.is_some() || !exact.is_empty()).then_some(false),
        }
    }

    fn fills_in(&self, written: &Action) -> bool {
        let Action::Package(written) = written else { return false };
        self.check().is_ok() && Self { named: BTreeMap::new(), units: BTreeSet::new(), ..self.clone() } == *written
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        let mut exact = Vec::new();
        let mut absent = Vec::new();
        let mut accepts = Vec::new();
        for (key, state) in before {
            let Some(Kind::Package(_, name)) = key.kind() else {
                continue;
            };
            match state {
                State::Package { installed } => {
                    exact.extend(installed.iter().cloned());
                    accepts.push(Accept { key: key.clone(), state: Accepted::Absent });
                }
                _ => absent.push((key.clone(), name.to_owned())),
            }
        }
        let mut undos = Vec::new();
        if !exact.is_empty() && self.state == PackageState::Absent {
            let action = Self::exactly(exact);
            undos.push(Undo { action: Action::Package(action), accepts });
        } else if self.state == PackageState::Present {
            if !absent.is_empty() {
                let names = absent.iter().map(|(_, name)| name.clone()).collect();
                let action = Self::of(names, PackageState::Absent);
                let accepts = absent.into_iter().map(|(key, _)| Accept { key, state: Accepted::Absent }).collect();
                undos.push(Undo { action: Action::Package(action), accepts });
            }
            if !exact.is_empty() {
                let action = Self::exactly(exact);
                undos.push(Undo { action: Action::Package(action), accepts });
            }
        }
        // Installing lays down default configuration; what stood there is written back afterwards (T47).
        let matters = |state: &State| matches!(state, State::Unit { active, enabled } if *active == Active::Active || enabled == "enabled");
        let units = before.iter().filter(|(key, state)| {
            matches!(key.kind(), Some(Kind::Unit(_, unit)) if self.units.contains(unit)) && matters(state)
        });
        // A unit starts with the configuration that it had.
        let units: Vec<Undo> = units.filter_map(|(key, state)| on_host::unit_back(key, state)).collect();
        undos.extend(on_host::put_back(before).into_iter().chain(units).map(|mut undo| {
            undo.accepts.iter_mut().for_each(|accept| accept.state = Accepted::Any);
            undo
        }));
        undos
    }

    fn lost(&self, announced: &[Residue], _: &Image, after: &Image) -> Vec<Residue> {
        units::are_down(announced, after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{BodyId, HostName};

    /// A transaction of an OpenShift node: its inverse stands in an entry, which is bounded.
    #[test]
    fn a_version_is_what_stands_at_the_end() {
        let table = [
            ("docker", "docker", None),
            ("atomic-openshift-excluder-3.11.161", "atomic-openshift-excluder", Some("3.11.161")),
            ("docker-1.13.1-108.git4ef4b30.el7", "docker", Some("1.13.1-108.git4ef4b30.el7")),
            ("java-1.8.0-openjdk", "java-1.8.0-openjdk", None),
            ("cri-o", "cri-o", None),
            ("-1", "-1", None),
            ("", "", None),
        ];
        for (item, name, version) in table {
            assert_eq!((Package::base_name(item), Package::version(item)), (name, version), "{item}");
        }
    }

    fn nevra(name: &str, version: &str, release: &str) -> Nevra {
        let [name, version, release, arch] = [name, version, release, "x86_64"].map(str::to_owned);
        Nevra { name, epoch: 0, version, release, arch }
    }

    #[test]
    fn the_host_says_which_package_a_word_means() {
        let host = HostName::new("gluster1.demo").expect("a host name");
        let target = Target { host: Some(host.clone()), node: None };
        let installed = [
            nevra("llvm-toolset", "5.0", "1.el7"),
            nevra("devtoolset-7", "7.1", "4.el7"),
            nevra("kernel", "3.10.0", "957.el7"),
            nevra("kernel", "3.10.0", "1062.el7"),
        ];
        let step = |state, names: &[&str]| Package::of(names.iter().map(|name| (*name).to_owned()).collect(), state);
        let state = |of: &[&Nevra]| match of {
            [] => State::Absent,
            of => State::Package { installed: of.iter().map(|nevra| (*nevra).clone()).collect() },
        };
        let words = ["devtoolset-7", "llvm-toolset-7", "kernel-3.10.0-957.el7", "docker"];
        let gone = step(PackageState::Absent, &words).resolved(&installed, &[]);
        let keys: Vec<ResourceKey> = gone.footprint(&target).into_iter().map(|found| found.key).collect();
        let named = ["devtoolset-7", "docker", "kernel", "llvm-toolset-7"];
        assert_eq!(keys, named.map(|name| ResourceKey::package(&host, name)));
        let met =
            |step: &Package, name: &str, of: &[&Nevra]| step.met(&ResourceKey::package(&host, name), None, &state(of));
        let [llvm, tools, old, new] = &installed;
        assert_eq!(met(&gone, "devtoolset-7", &[tools]), Some(false));
        assert_eq!(met(&gone, "devtoolset-7", &[]), Some(true));
        assert_eq!(met(&gone, "llvm-toolset", &[llvm]), None, "another version was not named");
        assert_eq!(met(&gone, "llvm-toolset-7", &[]), Some(true));
        assert_eq!(met(&gone, "kernel", &[old, new]), Some(false));
        assert_eq!(met(&gone, "kernel", &[new]), Some(true));
        assert_eq!(met(&gone, "docker", &[]), Some(true));
        // What comes tells it too, and what the word alone tells is not stored.
        let names = ["devtoolset-8", "devtoolset-7", "llvm-toolset-5.0", "docker-1.13.1.x86_64", "unknown-1"];
        let present = step(PackageState::Present, &names);
        let docker = nevra("docker", "1.13.1", "109");
        let there = present.resolved(&installed, &[nevra("devtoolset-8", "8.1", "1.el7"), docker.clone()]);
        let told: Vec<&str> = there.named.keys().map(String::as_str).collect();
        assert_eq!(told, ["devtoolset-7", "devtoolset-8", "docker-1.13.1.x86_64"]);
        assert_eq!(met(&there, "devtoolset-8", &[]), Some(false));
        assert_eq!(met(&there, "devtoolset-7", &[tools]), Some(true));
        assert_eq!(met(&there, "docker", &[&docker]), Some(true));
        assert_eq!(met(&there, "docker", &[&nevra("docker", "1.12", "1")]), Some(false));
        assert_eq!(met(&there, "llvm-toolset", &[llvm]), Some(true));
        // It is the step as it was written, and no other.
        let of = |package: &Package| Action::Package(package.clone());
        assert!(of(&there).fills_in(&of(&present)) && !of(&there).fills_in(&of(&step(PackageState::Present, &words))));
        let forged = BTreeMap::from([("devtoolset-7".to_owned(), "docker".to_owned())]);
        assert!(!of(&Package { named: forged, ..present.clone() }).fills_in(&of(&present)));
    }

    #[test]
    fn a_unit_comes_back_with_its_package_after_its_files_as_it_was() {
        let host = HostName::new("gluster1.demo").expect("a host name");
        let unit = |active, enabled: &str| State::Unit { active, enabled: enabled.to_owned() };
        let before: Image = [
            (
                ResourceKey::package(&host, "docker"),
                State::Package { installed: vec![nevra("docker", "1.13.1", "109")] },
            ),
            (ResourceKey::file(&host, "/etc/docker.conf"), State::file(0o644, "root:root", 1, BodyId([1; 32]))),
            (ResourceKey::unit(&host, "docker"), unit(Active::Active, "enabled")),
            (ResourceKey::unit(&host, "docker-storage-setup"), unit(Active::Inactive, "disabled")),
            (ResourceKey::unit(&host, "other"), unit(Active::Active, "enabled")),
        ]
        .into();
        let gone = Package::of(vec!["docker".to_owned()], PackageState::Absent);
        let names = |package: &Package| -> Vec<String> {
            package.inverse(&Target::default(), &before).iter().map(|undo| undo.action.words()).collect()
        };
        assert_eq!(names(&gone).len(), 2, "what nobody asked about is not touched");
        let gone = Package { units: ["docker", "docker-storage-setup"].map(str::to_owned).into(), ..gone };
        let undos = gone.inverse(&Target::default(), &before);
        let last = undos.last().expect("there are some");
        assert_eq!((undos.len(), last.action.name()), (3, "service"), "{:?}", names(&gone));
        let starting = unit(Active::Inactive, "disabled");
        assert!(last.accepts(&ResourceKey::unit(&host, "docker"), &starting, |_| false));
    }

    #[test]
    fn the_inverse_of_a_large_transaction_grows_with_it_and_not_with_its_square() {
        let host = HostName::new("gluster1.demo").expect("a host name");
        let state = State::file(0o644, "root:root", 1, BodyId([1; 32]));
        let size = |files: usize| {
            let keys = (0..files).map(|number| ResourceKey::file(&host, &format!("/etc/origin/node/{number}.conf")));
            let before: Image = keys.map(|key| (key, state.clone())).collect();
            let package = Package::of(vec!["docker".to_owned()], PackageState::Absent);
            crate::canon::encode(&package.inverse(&Target::default(), &before)).expect("it encodes").len()
        };
        assert!(size(100) <= 11 * size(10), "{} {}", size(10), size(100));
        assert!(size(100) < crate::record::ENTRY_LIMIT / 2, "{}", size(100));
    }
}
