//! `wait`: one part that waits.

use super::draft::{Draft, Outside, refuse};
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::{Awaited, Wait};
use palinode_core::port::Job;
use palinode_core::span::Span;

impl InLab for Wait {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let (name, _) = world.reach(&job.target)?;
        let host = name.to_owned();
        let mut draft = Draft::default();
        let seconds = |span: Span| span.micros().0 / 1_000_000;
        let patience = seconds(self.timeout);
        match self.what() {
            Some(Awaited::Path(path)) => draft.wait(0, patience, Effect::AwaitPath { host, path: path.to_owned() }),
            Some(Awaited::Unit(unit)) => draft.wait(0, patience, Effect::AwaitUnit { host, unit: unit.to_owned() }),
            Some(Awaited::Port(port)) => draft.wait(0, patience, Effect::AwaitPort { host, port }),
            Some(Awaited::Time(span)) => draft.then(seconds(span), Effect::Pass {}),
            None => return Err(refuse("nobody knows what to wait for")),
        }
        Ok(draft.ends(0))
    }
}
