//! `file` with a content: mode and owner of a file that is there stay, unless the step names others.

use super::draft::{Draft, Outside, fails};
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::files::Entry;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::FileWrite;
use palinode_core::port::Job;

impl InLab for FileWrite {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let (name, host) = world.reach(&job.target)?;
        let (dir, _) = self.path.rsplit_once('/').unwrap_or_default();
        if !dir.is_empty() && !host.files.is_dir(dir) {
            return Err(fails(1, format!("{dir}: No such file or directory")));
        }
        if host.files.is_dir(&self.path) {
            return Err(fails(1, format!("{} is a directory", self.path)));
        }
        let (mode, owner) = match host.files.get(&self.path) {
            Some(Entry::File { mode, owner, .. }) => (*mode, owner.clone()),
            _ => (0o644, "root:root".to_owned()),
        };
        // As chown does it: a user alone leaves the group.
        let owner = match &self.owner {
            Some(wanted) if wanted.contains(':') => wanted.clone(),
            Some(user) => format!("{user}:{}", owner.split_once(':').map_or("root", |(_, group)| group)),
            None => owner,
        };
        let entry = Entry::File { mode: self.bits().unwrap_or(mode), owner, content: self.content.as_str().into() };
        let mut draft = Draft::default();
        if host.files.get(&self.path) != Some(&entry) {
            draft.then(1, Effect::Put { host: name.to_owned(), path: self.path.clone(), entry });
        }
        Ok(draft.ends(1))
    }
}
