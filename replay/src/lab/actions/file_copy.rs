//! `file.copy`: a file takes the content of another one.

use super::draft::{Draft, Outside, refuse};
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::files::Entry;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use crate::lab::world::spec;
use palinode_core::action::FileCopy;
use palinode_core::port::Job;

impl InLab for FileCopy {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let (name, host) = world.reach(&job.target)?;
        let Some(text) = host.files.text(&self.from) else {
            return Err(refuse(format!("{}: No such file", self.from)));
        };
        if self.resolver && !spec::nameservers(text).any(|server| server != host.ip && !server.starts_with("127.")) {
            return Err(refuse(format!("{} names no name server but the host itself", self.from)));
        }
        let mut draft = Draft::default();
        if host.files.text(&self.to) != Some(text) {
            // cp keeps mode and owner of a file that is there.
            let entry = match host.files.get(&self.to) {
                Some(Entry::File { mode, owner, .. }) => {
                    Entry::File { mode: *mode, owner: owner.clone(), content: text.into() }
                }
                _ => Entry::text(text),
            };
            draft.then(1, Effect::Put { host: name.to_owned(), path: self.to.clone(), entry });
        }
        Ok(draft.ends(1))
    }
}
