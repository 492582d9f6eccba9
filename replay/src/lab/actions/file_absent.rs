//! `file` with `state: absent`: what is there goes, the innermost first.

use super::draft::{Draft, Outside};
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::files::Entry;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::FileAbsent;
use palinode_core::port::Job;

impl InLab for FileAbsent {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let (name, host) = world.reach(&job.target)?;
        let mut draft = Draft::default();
        for item in &self.paths {
            let (path, inside) = match item.strip_suffix("/*") {
                Some(dir) => (dir, true),
                None => (item.as_str(), false),
            };
            if inside && host.files.is_dir(path) && host.files.get(path).is_none() {
                draft.then(0, Effect::Put { host: name.to_owned(), path: path.to_owned(), entry: Entry::Dir });
            }
            let below: Vec<&str> = host.files.below(path).map(|(path, _)| path).collect();
            for path in below.into_iter().rev() {
                draft.then(0, Effect::Remove { host: name.to_owned(), path: path.to_owned() });
            }
            if !inside && host.files.exists(path) {
                draft.then(0, Effect::Remove { host: name.to_owned(), path: path.to_owned() });
            }
        }
        if let Some(first) = draft.parts.first_mut() {
            first.after = palinode_core::id::Micros::seconds(1);
        }
        Ok(draft.ends(1))
    }
}
