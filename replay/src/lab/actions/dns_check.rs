//! `dns.check`: names resolve if the host has a name server, but for those that never do.

use super::draft::{Draft, Outside, fails};
use super::in_lab::InLab;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::DnsCheck;
use palinode_core::port::Job;

impl InLab for DnsCheck {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let (name, host) = world.reach(&job.target)?;
        let unknown = self.names.iter().find(|wanted| !host.resolves() || wanted.ends_with(".invalid"));
        let mut draft = Draft::default();
        if let Some(wanted) = unknown {
            draft.finish = fails(2, format!("{name}: {wanted}: Name or service not known"));
        }
        Ok(draft.ends(2))
    }
}
