//! `command`: the lab has no shell. It answers the excluders' own commands and nothing else.

use super::draft::{Draft, Outside, fails, refuse};
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::files::Entry;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use crate::lab::world::spec;
use palinode_core::action::{Command, Word};
use palinode_core::port::Job;

impl InLab for Command {
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let (name, host) = world.reach(&job.target)?;
        let Some((program, on)) = excluder(&self.run) else {
            return Err(refuse(format!("the lab cannot run `{}`", Word::join(&self.run))));
        };
        if !host.packages.contains_key(program) {
            return Err(fails(127, format!("{}: No such file or directory", self.run[0])));
        }
        let mut draft = Draft::default();
        if let Some(text) = host.files.text("/etc/yum.conf") {
            let changed = spec::excluded(text, program, on);
            if changed != text {
                let entry = Entry::text(changed);
                draft.then(1, Effect::Put { host: name.to_owned(), path: "/etc/yum.conf".to_owned(), entry });
            }
        }
        Ok(draft.ends(1))
    }
}

fn excluder(run: &[Word]) -> Option<(&str, bool)> {
    let words: Vec<&str> = run.iter().map(Word::text).collect::<Option<_>>()?;
    let (program, on) = match words.as_slice() {
        [program, "exclude"] => (*program, true),
        [program, "unexclude"] => (*program, false),
        _ => return None,
    };
    let name = program.strip_prefix("/sbin/").or_else(|| program.strip_prefix("/usr/sbin/"))?;
    spec::is_excluder(name).then_some((name, on))
}

/// Whether the lab answers a command.
pub(super) fn knows_command(run: &[Word]) -> bool {
    excluder(run).is_some()
}
