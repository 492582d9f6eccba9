//! `file.restore`: a file, link or tree is put back, as far as it is not there already.

use super::draft::{Draft, Outside, refuse, text_of};
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::files::{Archive, Entry};
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::FileRestore;
use palinode_core::port::Job;
use palinode_core::resource::State;

impl InLab for FileRestore {
    fn draft(&self, world: &World, job: &Job, outside: &Outside<'_>) -> Result<Draft, Finish> {
        let (name, host) = world.reach(&job.target)?;
        let mut draft = Draft::default();
        let path = self.path.trim_end_matches('/');
        let put = |path: String, entry: Entry| Effect::Put { host: name.to_owned(), path, entry };
        let remove = |path: &str| Effect::Remove { host: name.to_owned(), path: path.to_owned() };
        let one = match &self.state {
            State::Absent => {
                if host.files.exists(path) {
                    draft.then(1, remove(path));
                }
                return Ok(draft.ends(1));
            }
            State::File { mode, owner, body, .. } => {
                let content = text_of(outside.bodies, *body)?.into();
                Entry::File { mode: *mode, owner: owner.clone(), content }
            }
            State::Link { target, .. } => Entry::Link { target: target.clone() },
            State::Tree { body, .. } => {
                let text = text_of(outside.bodies, *body)?;
                let Ok(Archive(wanted)) = serde_json::from_str(&text) else {
                    return Err(refuse(format!("the recorded archive of {path} is not one that the lab made")));
                };
                if host.files.get(path) != Some(&Entry::Dir) {
                    draft.then(1, put(path.to_owned(), Entry::Dir));
                }
                for (found, _) in host.files.below(path) {
                    let relative = &found[path.len() + 1..];
                    let parent = format!("{relative}/");
                    let kept = wanted.keys().any(|want| want == relative || want.starts_with(&parent));
                    if !kept {
                        draft.then(0, remove(found));
                    }
                }
                for (relative, entry) in &wanted {
                    let full = format!("{path}/{relative}");
                    if host.files.get(&full) != Some(entry) {
                        draft.then(0, put(full, entry.clone()));
                    }
                }
                return Ok(draft.ends(1));
            }
            _ => return Err(refuse(format!("what was recorded of {path} is no file"))),
        };
        if host.files.get(path) != Some(&one) {
            draft.then(1, put(path.to_owned(), one));
        }
        Ok(draft.ends(1))
    }
}
