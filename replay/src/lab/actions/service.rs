//! `service`: units are started, stopped, enabled and disabled, as far as they are not so already.

use super::draft::{Draft, Outside, fails};
use super::in_lab::InLab;
use crate::lab::world::effect::{Effect, UnitVerb};
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::{Service, ServiceState};
use palinode_core::port::Job;
use palinode_core::resource::Active;

impl InLab for Service {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let (name, host) = world.reach(&job.target)?;
        let mut draft = Draft::default();
        let wanted = self.state == Some(ServiceState::Started) || self.enabled == Some(true);
        let missing = self.names().find(|unit| host.unit(unit).is_none());
        if let Some(unit) = missing.filter(|_| wanted && !self.units.is_empty()) {
            return Err(fails(5, format!("Unit {unit}.service not found.")));
        }
        for of in self.names() {
            let unit = |verb| Effect::Unit { host: name.to_owned(), unit: of.to_owned(), verb };
            let now = host.unit(of);
            let runs = now.is_some_and(|unit| unit.active == Active::Active);
            let enabled = now.is_some_and(|unit| unit.enabled != "disabled");
            match self.state {
                Some(ServiceState::Stopped) if runs => draft.then(4, unit(UnitVerb::Stop)),
                Some(ServiceState::Started) if !runs => draft.then(4, unit(UnitVerb::Start)),
                _ => {}
            }
            match self.enabled {
                Some(true) if !enabled => draft.then(1, unit(UnitVerb::Enable)),
                Some(false) if enabled => draft.then(1, unit(UnitVerb::Disable)),
                _ => {}
            }
        }
        Ok(draft.ends(1))
    }
}
