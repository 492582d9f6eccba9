//! `repository`: the files of repositories are edited, and the one that pins the release.

use super::draft::{Draft, Outside, fails};
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::files::Entry;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use crate::lab::world::repos;
use palinode_core::action::Repository;
use palinode_core::port::Job;

impl InLab for Repository {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let (name, host) = world.reach(&job.target)?;
        if let Some((id, _)) = self.wanted().find(|(id, _)| repos::is_enabled(&host.files, id).is_none()) {
            return Err(fails(1, format!("there is no repository {id}")));
        }
        let mut draft = Draft::default();
        let put = |path: &str, entry| Effect::Put { host: name.to_owned(), path: path.to_owned(), entry };
        if let Some(pinned) = self.pinned().filter(|pinned| *pinned != repos::release(&host.files)) {
            draft.then(
                2,
                match pinned {
                    Some(release) => put(repos::RELEASE, Entry::text(format!("{release}\n"))),
                    None => Effect::Remove { host: name.to_owned(), path: repos::RELEASE.to_owned() },
                },
            );
        }
        for (path, text) in repos::files(&host.files) {
            let there = repos::listed(text);
            let mut new = text.to_owned();
            for (id, on) in self.wanted().filter(|(id, on)| there.get(id).is_some_and(|now| now != on)) {
                new = repos::edited(&new, id, on);
            }
            if let Some(Entry::File { mode, owner, .. }) = host.files.get(path).filter(|_| new != text) {
                let entry = Entry::File { mode: *mode, owner: owner.clone(), content: new.into() };
                draft.then(1, put(path, entry));
            }
        }
        Ok(draft.ends(1))
    }
}
