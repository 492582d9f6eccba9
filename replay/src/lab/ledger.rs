//! The ledger: what was done to the world, in order, in memory or as JSON lines that survive a kill. Replayed on the
//! initial world it gives the same world again.

use super::effect::Effect;
use super::job::{End, JobRecord};
use super::world::World;
use palinode_core::id::{Attempt, EntryId, Micros, RunId, StepPath};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// No line is later than the end of the year 9999.
const LATEST: Micros = Micros::seconds(253_402_300_800);

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The virtual time.
    pub at: Micros,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A job was claimed on its target.
    Claimed {
        /// Its name: the id of its intent.
        job: EntryId,
        /// What it will do.
        record: Box<JobRecord>,
    },
    /// A part of a job was applied.
    Applied {
        /// The job.
        job: EntryId,
        /// What it did.
        effect: Effect,
    },
    /// A part of a job failed; it may have left a trace, such as a failed unit.
    Tried {
        /// The job.
        job: EntryId,
        /// What it tried.
        effect: Effect,
    },
    /// A job ended: finished, died, or was revoked.
    Ended {
        /// The job.
        job: EntryId,
        /// How.
        end: End,
    },
    /// Someone outside every job changed something.
    Outside {
        /// What.
        effect: Effect,
    },
    /// The clock moved here.
    Advanced {},
}

/// One applied effect, with the step that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The virtual time.
    pub at: Micros,
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: StepPath,
    /// The attempt.
    pub attempt: Attempt,
    /// The job.
    pub job: EntryId,
    /// What was done.
    pub effect: Effect,
}

/// An append-only list of lines.
#[derive(Debug, Default)]
pub struct Ledger {
    lines: Vec<Line>,
    file: Option<File>,
}

impl Ledger {
    /// A ledger in memory.
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// A ledger of lines that were read elsewhere.
    pub fn of(lines: Vec<Line>) -> Self {
        Self { lines, file: None }
    }

    /// Opens or creates a ledger file. A torn last line is cut off; a line that is damaged elsewhere is an error.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        let bytes = std::fs::read(path)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut lines: Vec<Line> = Vec::new();
        for (number, line) in bytes[..whole].split(|byte| *byte == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            let damaged = |why: String| {
                let message = format!("{}: line {} is damaged: {why}", path.display(), number + 1);
                io::Error::new(io::ErrorKind::InvalidData, message)
            };
            let line: Line = serde_json::from_slice(line).map_err(|error| damaged(error.to_string()))?;
            let earliest = lines.last().map_or(Micros(0), |line| line.at);
            if line.at < earliest || line.at > LATEST {
                return Err(damaged("its time is out of order".to_owned()));
            }
            lines.push(line);
        }
        if whole < bytes.len() {
            file.set_len(whole as u64)?;
        }
        Ok(Self { lines, file: Some(file) })
    }

    /// Appends lines; on return they survive the death of the process.
    pub(super) fn append(&mut self, lines: Vec<Line>) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            let mut bytes = Vec::new();
            for line in &lines {
                serde_json::to_writer(&mut bytes, line)?;
                bytes.push(b'\n');
            }
            file.write_all(&bytes)?;
        }
        self.lines.extend(lines);
        Ok(())
    }

    /// All lines, oldest first.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The effects that changed something, each with its step. Changes from outside have none and are left out.
    pub fn effects(&self) -> Vec<Applied> {
        let mut jobs = std::collections::BTreeMap::new();
        let mut effects = Vec::new();
        for line in &self.lines {
            match &line.what {
                What::Claimed { job, record } => {
                    jobs.insert(*job, record);
                }
                What::Applied { job, effect } if effect.mutates() => {
                    if let Some(record) = jobs.get(job) {
                        effects.push(Applied {
                            at: line.at,
                            run: record.run,
                            step: record.step.clone(),
                            attempt: record.attempt,
                            job: *job,
                            effect: effect.clone(),
                        });
                    }
                }
                _ => {}
            }
        }
        effects
    }
}

impl World {
    /// Does what a line says: the controllers work until its time, then it is applied.
    pub fn replay(&mut self, line: &Line) {
        self.tick_to(line.at);
        match &line.what {
            What::Claimed { job, record } => self.claim(*job, (**record).clone()),
            What::Applied { job, effect } => {
                self.apply(effect, Some(*job));
                self.applied(*job);
            }
            What::Tried { job, effect } => {
                self.apply(effect, Some(*job));
            }
            What::Ended { job, end } => self.end(*job, end.clone(), &mut Vec::new()),
            What::Outside { effect } => {
                self.apply(effect, None);
            }
            What::Advanced {} => {}
        }
    }
}
