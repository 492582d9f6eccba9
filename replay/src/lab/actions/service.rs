//! `service`: units are started, stopped, enabled and disabled, as far as they are not so already.

use super::draft::{Draft, Outside, fails};
use super::in_lab::InLab;
use crate::lab::world::effect::{Effect, UnitVerb};
use crate::lab::world::job::Finish;
use crate::lab::world::model::{Host, World};
use crate::lab::world::spec;
use palinode_core::action::{Service, ServiceState, Target};
use palinode_core::id::ResourceKey;
use palinode_core::port::{Job, LookError};
use palinode_core::resource::{Fields, Footprint};
use std::collections::BTreeSet;

impl InLab for Service {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let (name, host) = world.reach(&job.target)?;
        let mut draft = Draft::default();
        let wanted = self.state == Some(ServiceState::Started) || self.enabled == Some(true);
        let missing = self.names().find(|unit| host.unit(unit).is_none());
        if let Some(unit) = missing.filter(|_| wanted && !self.units.is_empty()) {
            return Err(fails(5, format!("Unit {unit}.service not found.")));
        }
        let mut runs: BTreeSet<&str> = host.units.keys().map(String::as_str).filter(|unit| host.active(unit)).collect();
        for of in self.names() {
            let unit = |unit: &str, verb| Effect::Unit { host: name.to_owned(), unit: unit.to_owned(), verb };
            let own = spec::unit_name(of);
            match self.state {
                Some(ServiceState::Stopped) if runs.contains(own) => {
                    // What needs it stops before it.
                    for user in along(host, own, ServiceState::Stopped, &runs).into_iter().rev() {
                        runs.remove(user);
                        draft.then(0, unit(user, UnitVerb::Stop));
                    }
                    runs.remove(own);
                    draft.then(4, unit(of, UnitVerb::Stop));
                }
                Some(ServiceState::Started) => {
                    for need in along(host, own, ServiceState::Started, &runs).into_iter().rev() {
                        runs.insert(need);
                        draft.then(0, unit(need, UnitVerb::Start));
                    }
                    if runs.insert(own) {
                        draft.then(4, unit(of, UnitVerb::Start));
                    }
                }
                _ => {}
            }
            let enabled = host.unit(of).is_some_and(|unit| unit.enabled != "disabled");
            match self.enabled {
                Some(true) if !enabled => draft.then(1, unit(of, UnitVerb::Enable)),
                Some(false) if enabled => draft.then(1, unit(of, UnitVerb::Disable)),
                _ => {}
            }
        }
        Ok(draft.ends(1))
    }

    /// The units that change along: when it is done, and when it is taken back.
    fn more(&self, world: &World, target: &Target) -> Result<Vec<Footprint>, LookError> {
        let (Some(name), Some(state)) = (&target.host, self.state) else { return Ok(Vec::new()) };
        let host = world.reachable(name.as_str())?;
        let back = match state {
            ServiceState::Started => ServiceState::Stopped,
            ServiceState::Stopped => ServiceState::Started,
        };
        let named: BTreeSet<&str> =
            self.names().map(spec::unit_name).filter(|unit| host.unit(unit).is_some()).collect();
        let runs: BTreeSet<&str> = host.units.keys().map(String::as_str).filter(|unit| host.active(unit)).collect();
        let mut reached: BTreeSet<&str> = named.clone();
        reached.extend(named.iter().flat_map(|unit| along(host, unit, state, &runs)));
        let changed = |unit: &&&str| runs.contains(**unit) == (state == ServiceState::Stopped);
        let again: Vec<&str> = reached.iter().filter(changed).flat_map(|unit| along(host, unit, back, &runs)).collect();
        reached.extend(again);
        let more = reached.into_iter().filter(|unit| !named.contains(unit));
        Ok(more.map(|unit| Footprint::new(ResourceKey::unit(name, unit), Fields::All)).collect())
    }
}

/// The other units that change when a unit is stopped or started, each behind the one that it changes with.
fn along<'a>(host: &'a Host, unit: &str, state: ServiceState, runs: &BTreeSet<&str>) -> Vec<&'a str> {
    let there = |name: &str| host.units.get_key_value(name).map(|(name, _)| name.as_str());
    let mut found: Vec<&str> = Vec::new();
    let mut open: Vec<String> = vec![unit.to_owned()];
    while let Some(unit) = open.pop() {
        let next: Vec<&str> = match state {
            ServiceState::Stopped => {
                let users = host.units.keys().map(String::as_str);
                users.filter(|user| spec::unit_requires(user).contains(&unit.as_str()) && runs.contains(user)).collect()
            }
            ServiceState::Started => {
                let needs = spec::unit_requires(&unit).iter().chain(spec::unit_wants(&unit));
                // The node wants CRI-O by its other name, which is a link that goes when it is disabled.
                let known =
                    |need: &str| need != "crio" || host.unit(need).is_some_and(|unit| unit.enabled == "enabled");
                needs.filter(|need| !runs.contains(**need) && known(need)).filter_map(|need| there(need)).collect()
            }
        };
        for name in next {
            if !found.contains(&name) {
                found.push(name);
                open.push(name.to_owned());
            }
        }
    }
    found
}
