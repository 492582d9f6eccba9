//! `service`: systemd units, started or stopped, enabled or disabled.

use crate::action::{
    on_host, units, values, ActionKind, CheckError, Described, InField as _, Place, Recovery, Target, Undo, UndoClass,
};
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Active, Fields, Footprint, Image, Residue, State};
use crate::shown::Shown as _;
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a unit shall run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceState {
    /// It runs.
    Started,
    /// It does not run.
    Stopped,
}

/// Starts, stops, enables or disables systemd units. A unit that is not there counts as stopped and disabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The unit, without `.service`. Give this or `units`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// The units, in the order in which they are stopped or started. They are taken back in the opposite order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<String>,
    /// Whether it shall run; without this it is left as it is.
    #[serde(default)]
    pub state: Option<ServiceState>,
    /// Whether it shall start at boot; without this it is left as it is.
    #[serde(default)]
    pub enabled: Option<bool>,
}

impl Service {
    /// The units, in the order in which they are stopped or started.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        let one = Some(self.unit.as_str()).filter(|unit| !unit.is_empty());
        one.into_iter().chain(self.units.iter().map(String::as_str))
    }
}

impl Described for Service {
    const EXAMPLES: &'static [&'static str] = &[
        "\
- stop-dnsmasq: { service: { unit: dnsmasq, state: stopped, enabled: false } }
",
        "\
- stop-runtime:
    service: { units: [atomic-openshift-node, crio], state: stopped }
",
    ];
    const ONE_OF: &'static [&'static str] = &["unit", "units", "state", "enabled"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for Service {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self {
            unit: dice.word(),
            units: dice.words(),
            state: dice.maybe(|dice| dice.pick(&[ServiceState::Started, ServiceState::Stopped])),
            enabled: dice.maybe(Dice::flag),
        }
    }
}

impl ActionKind for Service {
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
        let run = self.state.map(|state| match state {
            ServiceState::Started => "start",
            ServiceState::Stopped => "stop",
        });
        let boot = self.enabled.map(|enabled| if enabled { "enable" } else { "disable" });
        let verbs: Vec<&str> = run.into_iter().chain(boot).collect();
        let units: Vec<String> = self.names().map(str::to_owned).collect();
        format!("{} {}", verbs.join(" and "), values::list(&units, "unit"))
    }

    fn subject(&self) -> String {
        self.names().collect::<Vec<_>>().join(" ")
    }

    fn check(&self) -> Result<(), CheckError> {
        match (self.unit.is_empty(), self.units.is_empty()) {
            (false, false) => return Err(CheckError::of("units", "`service` takes `unit` or `units`, not both")),
            (true, true) => return Err(CheckError::of("units", "`service` names no unit: its list is empty")),
            (false, true) => values::word("unit", &self.unit, values::UNIT).within("unit")?,
            (true, false) => values::words("unit", &self.units, values::UNIT).within("units")?,
        }
        let twice = |unit: &&String| self.units.iter().filter(|other| other == unit).count() > 1;
        if let Some(unit) = self.units.iter().find(twice) {
            return Err(CheckError::of("units", format!("the unit `{}` stands twice", unit.shown())));
        }
        if self.state.is_none() && self.enabled.is_none() {
            return Err(CheckError::whole("`service` says neither `state` nor `enabled`"));
        }
        Ok(())
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        let Some(host) = &target.host else {
            return Vec::new();
        };
        self.names().map(|unit| Footprint::new(ResourceKey::unit(host, unit), Fields::All)).collect()
    }

    fn met(&self, key: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        if !units::is_named(self, key) {
            return None;
        }
        Some(match now {
            State::Unit { active, enabled } => {
                self.state.is_none_or(|want| match active {
                    Active::Active => want == ServiceState::Started,
                    Active::Inactive | Active::Failed => want == ServiceState::Stopped,
                    // Stopped means that nothing of it runs.
                    Active::Leftovers => false,
                }) && self.enabled.is_none_or(|want| match enabled.as_str() {
                    "static" | "indirect" => true,
                    other => want == (other == "enabled"),
                })
            }
            _ => self.state != Some(ServiceState::Started) && self.enabled != Some(true),
        })
    }

    /// One action for each unit, so that a rollback can leave out one of them.
    fn inverse(&self, target: &Target, before: &Image) -> Vec<Undo> {
        let host = target.host.as_ref().filter(|_| !self.units.is_empty());
        let named = host.into_iter().flat_map(|host| self.names().rev().map(|unit| ResourceKey::unit(host, unit)));
        let named: Vec<_> = named.filter_map(|key| before.get_key_value(&key)).collect();
        let others = before.iter().filter(|(key, _)| named.iter().all(|(name, _)| name != key));
        named.iter().copied().chain(others).filter_map(|(key, state)| on_host::unit_back(key, state)).collect()
    }

    fn losses(&self, before: &Image) -> Vec<Residue> {
        units::losses(self, before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Action;
    use crate::id::HostName;

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
}
