//! A disk that fails at a chosen call, under the real binary.

use crate::binary::{Desk, Out};
use crate::helper;
use std::path::{Path, PathBuf};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// An I/O error.
    Eio,
    /// No space.
    Full,
    /// Half of it is written, then there is no space.
    Torn,
    /// It says that it worked, and did nothing.
    Lie,
    /// It works, and then the process stands still until it is continued. Only of `fdatasync`.
    Stop,
}

/// Which calls fail.
#[derive(Debug, Clone)]
pub struct Faults {
    /// On files below this.
    pub below: PathBuf,
    /// `write`, `fdatasync`, `fsync`, `rename`, `create`; several with commas.
    pub calls: &'static str,
    /// Which of them, from 1; with 0 they are only counted.
    pub at: u64,
    /// How.
    pub how: How,
    /// Whether all later ones fail too.
    pub stay: bool,
}

/// What the calls came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// How many there were.
    pub calls: u64,
    /// How long the watched file was at the first failure; none if no call failed, or there was no such file.
    pub watched: Option<u64>,
}

impl Faults {
    /// The settings of the preloaded library.
    pub fn settings(&self) -> Vec<(&'static str, PathBuf)> {
        let how = match self.how {
            How::Eio => "EIO",
            How::Full => "ENOSPC",
            How::Torn => "torn",
            How::Lie => "lie",
            How::Stop => "stop",
        };
        let [library, folder] = helper::preloaded(helper::faults());
        let mut all = vec![
            library,
            folder,
            ("FAULTS_BELOW", self.below.clone()),
            ("FAULTS_CALLS", self.calls.into()),
            ("FAULTS_AT", self.at.to_string().into()),
            ("FAULTS_HOW", how.into()),
        ];
        if self.stay {
            all.push(("FAULTS_STAY", "1".into()));
        }
        all
    }
}

impl Desk {
    /// Runs the binary on a disk with faults, and watches the length of a file.
    #[track_caller]
    pub fn run_faulty(&self, faults: &Faults, watched: &Path, args: &[&str]) -> (Out, Seen) {
        let note = self.path().join("faults.note");
        let mut settings = faults.settings();
        settings.extend([("FAULTS_WATCH", watched.to_owned()), ("FAULTS_NOTE", note.clone())]);
        let out = self.run_with(&settings, args);
        let text = std::fs::read_to_string(&note).expect("the library was loaded and left its note");
        std::fs::remove_file(&note).expect("a file can be removed");
        let (calls, length) = text.trim().split_once(' ').expect("two numbers");
        (out, Seen { calls: calls.parse().expect("a number"), watched: length.parse().ok() })
    }
}
