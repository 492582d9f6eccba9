//! `fetch`: the content of a file, or of a directory the archive that the lab itself keeps of one.

use super::draft::{Draft, Outside, fails};
use super::in_lab::InLab;
use crate::lab::world::files::Entry;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::Fetch;
use palinode_core::port::Job;

impl InLab for Fetch {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let (_, host) = world.reach(&job.target)?;
        let path = self.path.trim_end_matches('/');
        let output = match host.files.get(path) {
            Some(Entry::File { content, .. }) => content.to_string(),
            _ if host.files.is_dir(path) => serde_json::to_string(&host.files.archive(path).0).unwrap_or_default(),
            Some(_) => return Err(fails(1, format!("{path} is neither a file nor a directory"))),
            None => return Err(fails(1, format!("{path}: No such file or directory"))),
        };
        if output.len() as u64 > Fetch::LIMIT {
            return Err(fails(
                1,
                format!("{path} holds {} bytes, and no more than {} are fetched", output.len(), Fetch::LIMIT),
            ));
        }
        let finish = Finish { output: Some(output), ..Finish::default() };
        Ok(Draft { finish, ..Draft::default() }.ends(1))
    }
}
