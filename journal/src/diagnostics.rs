//! What a program logged at last of a run that ended badly, kept beside the journal for a bug report.
//!
//! It is no part of the history: nothing is decided by it, `verify` does not read it, and it may be deleted at any time.
//! The folder is made when it is first needed. Nothing is written or read through a link: whoever has the journal could
//! lead root elsewhere by one.

use crate::file::atomic_file::temp_name;
use crate::format::layout::DIAGNOSTICS;
use palinode_core::id::RunId;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RawMode, fstat, mkdirat, open, openat, renameat, unlinkat};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// So many runs' files are kept, the youngest.
const KEPT: usize = 8;

/// No file is longer than so many bytes.
pub const LIMIT: usize = 2 << 20;

const SUFFIX: &str = ".log";

/// The file of a run.
fn name(run: RunId) -> String {
    format!("{run}{SUFFIX}")
}

/// Keeps what was logged of a run, complete or not at all, in place of what was kept of it before. Returns the file. Of
/// other runs the youngest stay.
///
/// # Errors
/// If it cannot be written, or the folder is a link or can be written by others.
pub fn keep(root: &Path, run: RunId, text: &[u8]) -> io::Result<PathBuf> {
    let folder = made(root)?;
    let temp = temp_name()?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(&folder, &*temp, flags, Mode::RUSR | Mode::WUSR)?);
    let written = file.write_all(text.get(..LIMIT).unwrap_or(text)).and_then(|()| file.sync_all());
    let placed = written.and_then(|()| Ok(renameat(&folder, &*temp, &folder, name(run))?));
    if placed.is_err() {
        let _ = unlinkat(&folder, &*temp, AtFlags::empty());
    }
    placed?;
    for (_, old) in list(&folder)?.into_iter().skip(KEPT) {
        let _ = unlinkat(&folder, name(old), AtFlags::empty());
    }
    Ok(root.join(DIAGNOSTICS).join(name(run)))
}

/// What is kept: each run with what was logged of it, the youngest first. Empty if nothing ever was.
///
/// # Errors
/// If it cannot be read, or the folder is a link or can be written by others.
pub fn kept(root: &Path) -> io::Result<Vec<(RunId, Vec<u8>)>> {
    let folder = match opened(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        folder => folder?,
    };
    let mut found = Vec::new();
    for (_, run) in list(&folder)?.into_iter().take(KEPT) {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&folder, name(run), flags, Mode::empty())?);
        if file.metadata()?.is_file() {
            let mut bytes = Vec::new();
            file.take(LIMIT as u64).read_to_end(&mut bytes)?;
            found.push((run, bytes));
        }
    }
    Ok(found)
}

/// The runs in the folder with the times of their files, the youngest first.
fn list(folder: &OwnedFd) -> io::Result<Vec<((i64, i64), RunId)>> {
    let mut found = Vec::new();
    for item in Dir::read_from(folder)? {
        let item = item?;
        let run = item.file_name().to_str().ok().and_then(|name| name.strip_suffix(SUFFIX)?.parse::<RunId>().ok());
        let Some(run) = run else { continue };
        let about = rustix::fs::statat(folder, name(run), AtFlags::SYMLINK_NOFOLLOW)?;
        let nanos = i64::try_from(about.st_mtime_nsec).unwrap_or_default();
        found.push(((about.st_mtime, nanos), run));
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    Ok(found)
}

/// The folder, made if it is not there.
fn made(root: &Path) -> io::Result<OwnedFd> {
    let journal = open(root, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    match mkdirat(&journal, DIAGNOSTICS, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    of(&journal)
}

fn opened(root: &Path) -> io::Result<OwnedFd> {
    of(&open(root, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// The folder in a journal: of whoever has the journal, or the effective user's or root's, and of nobody else to write.
fn of(journal: &OwnedFd) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(journal, DIAGNOSTICS, flags, Mode::empty())?;
    let (about, above) = (fstat(&folder)?, fstat(journal)?);
    let trusted = [0, rustix::process::geteuid().as_raw(), above.st_uid];
    let others: RawMode = 0o022;
    if !trusted.contains(&about.st_uid) || about.st_mode & others != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("others may write {DIAGNOSTICS}/")));
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn run(number: u8) -> RunId {
        RunId([number; 8])
    }

    #[test]
    fn the_youngest_are_kept_privately_and_a_new_one_takes_the_place_of_its_elder() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(kept(dir.path()).expect("nothing is there"), []);
        for number in 0..12 {
            let file = keep(dir.path(), run(number), &[number]).expect("it is kept");
            // Times of files may be coarse.
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1000 + u64::from(number));
            File::options().write(true).open(&file).and_then(|file| file.set_modified(time)).expect("a time");
            assert_eq!(std::fs::metadata(&file).expect("it is there").permissions().mode() & 0o7777, 0o600);
        }
        let all = kept(dir.path()).expect("it is read");
        let runs: Vec<u8> = all.iter().map(|(run, _)| run.0[0]).collect();
        assert_eq!(runs, [11, 10, 9, 8, 7, 6, 5, 4]);
        keep(dir.path(), run(7), b"again").expect("it is kept");
        let all = kept(dir.path()).expect("it is read");
        assert_eq!((all.len(), &all[0]), (8, &(run(7), b"again".to_vec())));
        assert_eq!(std::fs::read_dir(dir.path().join(DIAGNOSTICS)).expect("a folder").count(), 8, "nothing else stays");
    }

    #[test]
    fn nothing_is_written_or_read_through_a_link_or_where_others_write() {
        let (dir, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let folder = dir.path().join(DIAGNOSTICS);
        symlink(other.path(), &folder).expect("a link");
        keep(dir.path(), run(1), b"x").expect_err("a link");
        kept(dir.path()).expect_err("a link");
        assert_eq!(std::fs::read_dir(other.path()).expect("a folder").count(), 0);
        std::fs::remove_file(&folder).expect("it goes");
        // A link in the place of a file is replaced, and never read.
        let victim = other.path().join("victim");
        std::fs::write(&victim, "as it was").expect("it is written");
        std::fs::create_dir(&folder).expect("a folder");
        symlink(&victim, folder.join(name(run(1)))).expect("a link");
        kept(dir.path()).expect_err("a link");
        keep(dir.path(), run(1), b"x").expect("the link is replaced");
        assert_eq!(std::fs::read(&victim).expect("it is there"), b"as it was");
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).expect("a mode");
        keep(dir.path(), run(2), b"x").expect_err("others may write there");
        kept(dir.path()).expect_err("others may write there");
    }
}
