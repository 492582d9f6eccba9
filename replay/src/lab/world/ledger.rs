//! The ledger: what was done to the world, in order, in memory or as JSON lines that survive a kill. Replayed on the
//! initial world it gives the same world again.

use super::effect::Effect;
use super::job::{End, JobRecord};
use super::model::World;
use palinode_core::id::{Attempt, EntryId, Micros, RunId, StepPath};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

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
    /// By its id, sixteen hexadecimal digits.
    pub run: RunId,
    /// By its path in the plan, such as `gluster1.demo/stop`.
    pub step: StepPath,
    /// Counted from 1 for each step; a retry is the next one.
    pub attempt: Attempt,
    /// The job.
    pub job: EntryId,
    /// What was done.
    pub effect: Effect,
}

/// An append-only list of lines. One in a file is kept there only: a long run would fill the memory with it.
#[derive(Debug, Default)]
pub struct Ledger {
    lines: Vec<Line>,
    file: Option<(File, PathBuf)>,
    count: usize,
    last: Option<Micros>,
}

impl Ledger {
    /// A ledger in memory.
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// Opens or creates a ledger file and tells every line of it. A torn last line is cut off; a line that is damaged
    /// elsewhere is an error.
    pub fn open(path: &Path, tell: impl FnMut(&Line)) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        let mut ledger = Self::default();
        let (whole, all) = ledger.read(path, tell)?;
        if whole < all {
            file.set_len(whole)?;
        }
        ledger.file = Some((file, path.to_owned()));
        Ok(ledger)
    }

    /// Tells every line of a ledger file, which is only read. A last line that another process is writing is left out.
    pub(in crate::lab) fn told(path: &Path, tell: impl FnMut(&Line)) -> io::Result<()> {
        match Self::default().read(path, tell) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    /// Tells the lines of a file; how many bytes whole lines have, and how many there are.
    fn read(&mut self, path: &Path, mut tell: impl FnMut(&Line)) -> io::Result<(u64, u64)> {
        let mut reader = BufReader::new(File::open(path)?);
        let (mut whole, mut number) = (0, 0);
        (self.count, self.last) = (0, None);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let length = reader.read_until(b'\n', &mut bytes)? as u64;
            if bytes.pop() != Some(b'\n') {
                return Ok((whole, whole + length));
            }
            (whole, number) = (whole + length, number + 1);
            if bytes.is_empty() {
                continue;
            }
            let damaged = |why: String| {
                let message = format!("{}: line {number} is damaged: {why}", path.display());
                io::Error::new(io::ErrorKind::InvalidData, message)
            };
            let line: Line = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
            if line.at < self.last.unwrap_or(Micros(0)) || line.at > LATEST {
                return Err(damaged("its time is out of order".to_owned()));
            }
            (self.count, self.last) = (self.count + 1, Some(line.at));
            tell(&line);
        }
    }

    /// Appends lines; on return they survive the death of the process.
    pub(in crate::lab) fn append(&mut self, lines: Vec<Line>) -> io::Result<()> {
        (self.count, self.last) = (self.count + lines.len(), lines.last().map(|line| line.at).or(self.last));
        if let Some((file, _)) = &mut self.file {
            let mut bytes = Vec::new();
            for line in &lines {
                serde_json::to_writer(&mut bytes, line)?;
                bytes.push(b'\n');
            }
            return file.write_all(&bytes);
        }
        self.lines.extend(lines);
        Ok(())
    }

    /// All lines, oldest first.
    ///
    /// # Errors
    /// If they are in a file that cannot be read.
    pub fn lines(&self) -> io::Result<Vec<Line>> {
        let Some((_, path)) = &self.file else {
            return Ok(self.lines.clone());
        };
        let mut lines = Vec::new();
        Self::default().read(path, |line| lines.push(line.clone()))?;
        Ok(lines)
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// When the last one was written.
    pub fn last(&self) -> Option<Micros> {
        self.last
    }
}

/// The effects that changed something, each with its step. Changes from outside have none and are left out.
pub fn effects(lines: &[Line]) -> Vec<Applied> {
    let mut jobs = std::collections::BTreeMap::new();
    let mut effects = Vec::new();
    for line in lines {
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
