//! `file.permissions`: mode and owner of a file; what is no file is refused.

use super::draft::{Draft, Outside, refuse};
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::files::Entry;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::FilePermissions;
use palinode_core::port::Job;

impl InLab for FilePermissions {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let (name, host) = world.reach(&job.target)?;
        let only = |what: &str| refuse(format!("{} is {what}, and file.permissions changes files only", self.path));
        let (mode, owner, content) = match host.files.get(&self.path) {
            Some(Entry::File { mode, owner, content }) => (*mode, owner, content),
            Some(Entry::Link { .. }) => return Err(only("a symbolic link")),
            Some(Entry::Dir) => return Err(only("a directory")),
            None if host.files.is_dir(&self.path) => return Err(only("a directory")),
            None => return Err(refuse(format!("{}: No such file", self.path))),
        };
        // As chown does it: a user alone leaves the group.
        let wanted = match &self.owner {
            Some(wanted) if wanted.contains(':') => wanted.clone(),
            Some(user) => format!("{user}:{}", owner.split_once(':').map_or("root", |(_, group)| group)),
            None => owner.clone(),
        };
        let entry = Entry::File { mode: self.bits().unwrap_or(mode), owner: wanted, content: content.clone() };
        let mut draft = Draft::default();
        if host.files.get(&self.path) != Some(&entry) {
            draft.then(1, Effect::Put { host: name.to_owned(), path: self.path.clone(), entry });
        }
        Ok(draft.ends(1))
    }
}
