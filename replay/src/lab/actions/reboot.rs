//! `reboot`: another boot than the one before the first attempt.

use super::draft::{Draft, Outside};
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::id::ResourceKey;
use palinode_core::port::Job;
use palinode_core::resource::State;

/// Reboots the host.
#[derive(Debug)]
pub(super) struct Reboot;

impl InLab for Reboot {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let (name, host) = world.reach(&job.target)?;
        let mut draft = Draft::default();
        // Keyed by the boot before the first attempt: another boot means that it happened.
        let first = match job.target.host.as_ref().and_then(|name| job.before.get(&ResourceKey::boot(name))) {
            Some(State::Boot { id }) => Some(id),
            _ => job.boot.as_ref(),
        };
        if first.is_none_or(|boot| *boot == host.boot) {
            draft.then(3, Effect::Reboot { host: name.to_owned() });
        }
        draft.wait(5, 1200, Effect::AwaitBoot { host: name.to_owned() });
        Ok(draft.ends(20))
    }
}
