//! `gluster.heal`: what is printed, unless nothing there answers.

use super::draft::{Draft, Outside, fails};
use super::in_lab::InLab;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::GlusterHeal;
use palinode_core::port::Job;

impl InLab for GlusterHeal {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let (host, _) = world.reach(&job.target)?;
        if !world.is_vantage_point(host) {
            return Err(fails(1, format!("{host}: gluster does not answer there")));
        }
        if let Some(name) = self.volumes.iter().find(|name| !world.storage.volumes.contains_key(*name)) {
            return Err(fails(1, format!("Volume {name} does not exist")));
        }
        let finish = Finish { output: Some(world.heal_info(&self.volumes)), ..Finish::default() };
        Ok(Draft { finish, ..Draft::default() }.ends(1))
    }
}
