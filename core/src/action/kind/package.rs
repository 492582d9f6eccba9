//! `package`: packages, installed or removed in one transaction.

use crate::action::{
    Accept, Accepted, Action, ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo,
    UndoClass, on_host, values,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Fields, Footprint, Image, Kind, Nevra, State};
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// The packages: each a name, or `name-version` where a version is wanted.
    #[serde(default)]
    pub names: Vec<String>,
    /// Whether they shall be installed.
    pub state: PackageState,
    /// Packages in an exact version, as a rollback names them; with `state: present`.
    #[serde(default)]
    pub exact: Vec<Nevra>,
}

impl Package {
    /// The package name of an item of `names`: `docker`, or the part before `-VERSION` or `-VERSION-RELEASE`. Only parts
    /// at the end count: in `java-1.8.0-openjdk` the number belongs to the name.
    pub fn base_name(item: &str) -> &str {
        let mut name = item;
        for _ in 0..2 {
            match name.rsplit_once('-') {
                Some((before, last)) if !before.is_empty() && last.starts_with(|c: char| c.is_ascii_digit()) => {
                    name = before;
                }
                _ => break,
            }
        }
        name
    }

    /// The version of an item of `names`, if it names one.
    pub fn version(item: &str) -> Option<&str> {
        item[Self::base_name(item).len()..].strip_prefix('-')
    }
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
        Self { names: dice.words(), state, exact: dice.list(Dice::nevra) }
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
        values::words("package", &self.names, values::PACKAGE).within("names")
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        let Some(host) = &target.host else {
            return Vec::new();
        };
        let named = self.names.iter().map(|item| Self::base_name(item));
        let mut names: Vec<&str> = named.chain(self.exact.iter().map(|nevra| nevra.name.as_str())).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(|name| Footprint::new(ResourceKey::package(host, name), Fields::All)).collect()
    }

    fn met(&self, key: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        let Some(Kind::Package(_, name)) = key.kind() else {
            return None;
        };
        let exact: Vec<&Nevra> = self.exact.iter().filter(|nevra| nevra.name == name).collect();
        let item = self.names.iter().find(|item| Self::base_name(item) == name);
        match (self.state, now) {
            (PackageState::Absent, _) if item.is_none() => None,
            (PackageState::Absent, now) => Some(*now == State::Absent),
            (PackageState::Present, State::Package { installed }) if !exact.is_empty() => {
                Some(exact.iter().all(|nevra| installed.contains(nevra)))
            }
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
            let action = Self { names: Vec::new(), state: PackageState::Present, exact };
            undos.push(Undo { action: Action::Package(action), accepts });
        } else if self.state == PackageState::Present {
            if !absent.is_empty() {
                let names = absent.iter().map(|(_, name)| name.clone()).collect();
                let action = Self { names, state: PackageState::Absent, exact: Vec::new() };
                let accepts = absent.into_iter().map(|(key, _)| Accept { key, state: Accepted::Absent }).collect();
                undos.push(Undo { action: Action::Package(action), accepts });
            }
            if !exact.is_empty() {
                let action = Self { names: Vec::new(), state: PackageState::Present, exact };
                undos.push(Undo { action: Action::Package(action), accepts });
            }
        }
        // Installing lays down default configuration; what stood there is written back afterwards (T47).
        undos.extend(on_host::put_back(before).into_iter().map(|mut undo| {
            undo.accepts.iter_mut().for_each(|accept| accept.state = Accepted::Any);
            undo
        }));
        undos
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

    #[test]
    fn the_inverse_of_a_large_transaction_grows_with_it_and_not_with_its_square() {
        let host = HostName::new("gluster1.demo").expect("a host name");
        let state = State::file(0o644, "root:root", 1, BodyId([1; 32]));
        let size = |files: usize| {
            let keys = (0..files).map(|number| ResourceKey::file(&host, &format!("/etc/origin/node/{number}.conf")));
            let before: Image = keys.map(|key| (key, state.clone())).collect();
            let package = Package { names: vec!["docker".to_owned()], state: PackageState::Absent, exact: Vec::new() };
            crate::canon::encode(&package.inverse(&Target::default(), &before)).expect("it encodes").len()
        };
        assert!(size(100) <= 11 * size(10), "{} {}", size(10), size(100));
        assert!(size(100) < crate::record::ENTRY_LIMIT / 2, "{}", size(100));
    }
}
