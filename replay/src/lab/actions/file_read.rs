//! `file.read`: the value of a key.

use super::draft::{Draft, Outside, fails};
use super::in_lab::InLab;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::FileRead;
use palinode_core::port::Job;

impl InLab for FileRead {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let (_, host) = world.reach(&job.target)?;
        if host.files.text(&self.path).is_none() {
            return Err(fails(2, format!("{}: No such file or directory", self.path)));
        }
        let Some(value) = host.files.value(&self.path, &self.key) else {
            return Err(fails(1, format!("{} has no line {}=", self.path, self.key)));
        };
        let finish = Finish { value: Some(value), ..Finish::default() };
        Ok(Draft { finish, ..Draft::default() }.ends(1))
    }
}
