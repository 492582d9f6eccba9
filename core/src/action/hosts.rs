//! Actions on a host: units, packages, name resolution, the baseline record.

use super::{Accept, Accepted, Action, Target, Undo, files, kube};
use crate::id::{HostName, ResourceKey};
use crate::resource::{Active, Fields, Footprint, Image, Kind, Nevra, State};
use serde::{Deserialize, Serialize};

fn host(target: &Target) -> Option<&HostName> {
    target.host.as_ref()
}

/// The boot of the target's host; evidence, since nobody puts a boot back.
pub(super) fn boot(target: &Target) -> Vec<Footprint> {
    host(target).map(|host| Footprint::new(ResourceKey::boot(host), Fields::Evidence)).into_iter().collect()
}

/// Records what is there, as the baseline of a migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Units.
    #[serde(default)]
    pub units: Vec<String>,
    /// Packages by name.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Files and trees.
    #[serde(default)]
    pub files: Vec<String>,
    /// Whether the Node object and the pods on it are recorded too.
    #[serde(default)]
    pub node: bool,
}

impl Record {
    pub(super) fn footprint(&self, target: &Target) -> Vec<Footprint> {
        let Some(host) = host(target) else {
            return Vec::new();
        };
        let mut keys: Vec<ResourceKey> = self.units.iter().map(|unit| ResourceKey::unit(host, unit)).collect();
        keys.extend(self.packages.iter().map(|name| ResourceKey::package(host, name)));
        keys.extend(self.files.iter().map(|path| ResourceKey::file(host, path)));
        keys.push(ResourceKey::boot(host));
        let mut all: Vec<Footprint> = keys.into_iter().map(|key| Footprint::new(key, Fields::Evidence)).collect();
        if self.node {
            all.extend(kube::node(target, Fields::Evidence));
            all.extend(kube::pods(target));
        }
        all
    }
}

/// Whether a unit shall run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceState {
    /// It runs.
    Started,
    /// It does not run.
    Stopped,
}

/// One systemd unit, or several. A unit that is not there counts as stopped and disabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The unit, without `.service`; empty, and left out, where `units` names them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// The units, in the order in which they are stopped or started. They are taken back in the opposite order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<String>,
    /// Whether it shall run; left alone if not given.
    #[serde(default)]
    pub state: Option<ServiceState>,
    /// Whether it shall start at boot; left alone if not given.
    #[serde(default)]
    pub enabled: Option<bool>,
}

impl Service {
    /// The units, in the order in which they are stopped or started.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        let one = Some(self.unit.as_str()).filter(|unit| !unit.is_empty());
        one.into_iter().chain(self.units.iter().map(String::as_str))
    }

    pub(super) fn footprint(&self, target: &Target) -> Vec<Footprint> {
        let Some(host) = host(target) else {
            return Vec::new();
        };
        self.names().map(|unit| Footprint::new(ResourceKey::unit(host, unit), Fields::All)).collect()
    }

    pub(super) fn met(&self, key: &ResourceKey, now: &State) -> Option<bool> {
        match key.kind() {
            Some(Kind::Unit(_, unit)) if self.units.is_empty() || self.names().any(|name| name == unit) => {}
            _ => return None,
        }
        Some(match now {
            State::Unit { active, enabled } => {
                self.state.is_none_or(|want| (want == ServiceState::Started) == (*active == Active::Active))
                    && self.enabled.is_none_or(|want| match enabled.as_str() {
                        "static" | "indirect" => true,
                        other => want == (other == "enabled"),
                    })
            }
            _ => self.state != Some(ServiceState::Started) && self.enabled != Some(true),
        })
    }

    /// One action for each unit, so that a rollback can leave out one of them.
    pub(super) fn inverse(&self, target: &Target, before: &Image) -> Vec<Undo> {
        let host = host(target).filter(|_| !self.units.is_empty());
        let named = host.into_iter().flat_map(|host| self.names().rev().map(|unit| ResourceKey::unit(host, unit)));
        let named: Vec<_> = named.filter_map(|key| before.get_key_value(&key)).collect();
        let others = before.iter().filter(|(key, _)| named.iter().all(|(name, _)| name != key));
        named.iter().copied().chain(others).filter_map(|(key, state)| unit_back(key, state)).collect()
    }
}

/// Puts a unit back into a recorded state. Of a unit that was not there, only what could have been changed is undone:
/// it is stopped and disabled; its file belongs to a package or file step.
pub(super) fn unit_back(key: &ResourceKey, state: &State) -> Option<Undo> {
    let Some(Kind::Unit(_, unit)) = key.kind() else {
        return None;
    };
    let (run, enabled) = match state {
        State::Unit { active, enabled } => (
            if *active == Active::Active { ServiceState::Started } else { ServiceState::Stopped },
            match enabled.as_str() {
                "enabled" => Some(true),
                "disabled" => Some(false),
                _ => None,
            },
        ),
        _ => (ServiceState::Stopped, Some(false)),
    };
    let action = Service { unit: unit.to_owned(), units: Vec::new(), state: Some(run), enabled };
    Some(Undo::new(Action::Service(action)).or(key, Accepted::Stopped))
}

/// The order in which units stop: whatever restarts others goes first.
pub(super) fn stop_rank(key: &ResourceKey) -> u8 {
    match key.kind() {
        Some(Kind::Unit(_, unit)) if unit.ends_with("-node") || unit == "kubelet" => 0,
        Some(Kind::Unit(_, "crio" | "cri-o" | "docker" | "containerd")) => 1,
        _ => 2,
    }
}

/// Whether the unit answers the host's own name look-ups.
pub(super) fn is_resolver(key: &ResourceKey) -> bool {
    matches!(key.kind(), Some(Kind::Unit(_, "dnsmasq" | "unbound" | "systemd-resolved")))
}

/// Whether packages shall be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageState {
    /// Installed.
    Present,
    /// Not installed.
    Absent,
}

/// Packages, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Names, or `name-version` where a version is wanted.
    #[serde(default)]
    pub names: Vec<String>,
    /// What they shall be.
    pub state: PackageState,
    /// Exact versions, as an inverse names them.
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

    pub(super) fn footprint(&self, target: &Target) -> Vec<Footprint> {
        let Some(host) = host(target) else {
            return Vec::new();
        };
        let named = self.names.iter().map(|item| Self::base_name(item));
        let mut names: Vec<&str> = named.chain(self.exact.iter().map(|nevra| nevra.name.as_str())).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(|name| Footprint::new(ResourceKey::package(host, name), Fields::All)).collect()
    }

    pub(super) fn met(&self, key: &ResourceKey, now: &State) -> Option<bool> {
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

    pub(super) fn inverse(&self, before: &Image) -> Vec<Undo> {
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
        undos.extend(files::put_back(before).into_iter().map(|mut undo| {
            undo.accepts.iter_mut().for_each(|accept| accept.state = Accepted::Any);
            undo
        }));
        undos
    }
}

/// Names that must resolve on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsCheck {
    /// The names.
    pub names: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::BodyId;

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
    fn several_units_come_back_in_the_opposite_order_each_as_it_was() {
        let host = HostName::new("gluster1.demo").expect("a host name");
        let target = Target { host: Some(host.clone()), node: None };
        let units: Vec<String> = ["z-node", "crio", "docker"].map(str::to_owned).into();
        let service = |unit: &str, units: Vec<String>, state, enabled| {
            Action::Service(Service { unit: unit.to_owned(), units, state: Some(state), enabled })
        };
        let stop = service("", units.clone(), ServiceState::Stopped, Some(false));
        assert_eq!(stop.check(), Ok(()));
        let unit = |active, enabled: &str| State::Unit { active, enabled: enabled.to_owned() };
        let states =
            [unit(Active::Active, "enabled"), unit(Active::Inactive, "disabled"), unit(Active::Active, "static")];
        let keys = units.iter().map(|unit| ResourceKey::unit(&host, unit));
        let before: Image = keys.zip(states).collect();
        let undo: Vec<Action> = stop.inverse(&target, &before).into_iter().map(|undo| undo.action).collect();
        let back = |unit, state, enabled| service(unit, Vec::new(), state, enabled);
        let wanted = [
            back("docker", ServiceState::Started, None),
            back("crio", ServiceState::Stopped, Some(false)),
            back("z-node", ServiceState::Started, Some(true)),
        ];
        assert_eq!(undo, wanted);
        let met = |unit: &str| {
            let key = ResourceKey::unit(&host, unit);
            stop.met(&key, None, &before[&key])
        };
        assert_eq!((met("z-node"), met("crio")), (Some(false), Some(true)));
        let other = ResourceKey::unit(&host, "dnsmasq");
        assert_eq!(stop.met(&other, None, &unit(Active::Active, "enabled")), None, "it promises nothing of others");
    }

    /// What stands in journals of format 1.0 is still the one form of its value.
    #[test]
    fn one_unit_is_stored_as_it_ever_was() {
        #[derive(Serialize)]
        struct Old {
            unit: &'static str,
            state: Option<ServiceState>,
            enabled: Option<bool>,
        }
        let old = crate::canon::encode(&Old { unit: "crio", state: None, enabled: Some(true) }).expect("it encodes");
        let service = Service { unit: "crio".to_owned(), units: Vec::new(), state: None, enabled: Some(true) };
        assert_eq!(crate::canon::decode::<Service>(&old).expect("it decodes"), service);
        assert_eq!(crate::canon::encode(&service).expect("it encodes"), old);
    }

    #[test]
    fn the_inverse_of_a_large_transaction_grows_with_it_and_not_with_its_square() {
        let host = HostName::new("gluster1.demo").expect("a host name");
        let state = State::file(0o644, "root:root", 1, BodyId([1; 32]));
        let size = |files: usize| {
            let keys = (0..files).map(|number| ResourceKey::file(&host, &format!("/etc/origin/node/{number}.conf")));
            let before: Image = keys.map(|key| (key, state.clone())).collect();
            let package = Package { names: vec!["docker".to_owned()], state: PackageState::Absent, exact: Vec::new() };
            crate::canon::encode(&package.inverse(&before)).expect("it encodes").len()
        };
        assert!(size(100) <= 11 * size(10), "{} {}", size(10), size(100));
        assert!(size(100) < crate::event::ENTRY_LIMIT / 2, "{}", size(100));
    }
}
