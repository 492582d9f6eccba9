//! A folder to work in, removed when dropped.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A private folder of its own; gone, with all that is in it, when dropped.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// How its name begins; the id of the process that made it follows.
    pub const PREFIX: &str = ".palinode-doctor-";

    /// A new one inside a folder. Its name says whose it is.
    pub fn new(inside: &Path) -> io::Result<Self> {
        let path = inside.join(format!("{}{}", Self::PREFIX, std::process::id()));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Best effort: whoever made it can see its name.
        let _ = fs::remove_dir_all(&self.0);
    }
}
