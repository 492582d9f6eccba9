//! Where the journal is: named, or found by looking upwards.

use crate::actor;
use crate::error::Failure;
use crate::render::hints;
use palinode_core::chain::chain;
use palinode_journal::{ROOT_NAME, find_root, trust};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The journal that is there.
pub(crate) fn find(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(dir) = given {
        let root = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
        hints::about_journal(&root);
        readable(&root)?;
        return named(root);
    }
    let here = here()?;
    let root = find_root(&here);
    if let Some(root) = &root {
        hints::about_journal(root);
    }
    if let Some(root) =
        root.clone().or_else(|| here.ancestors().map(|dir| dir.join(ROOT_NAME)).find(|dir| is_kept(dir)))
    {
        readable(&root)?;
    }
    let root = root.ok_or_else(|| {
        Failure::usage(
            format!("there is no journal here or in any folder above ({})", here.display()),
            "go to the folder where the run was started, or name its journal with --journal DIR",
        )
    })?;
    found(root)
}

/// A journal that was found by looking upwards: used only if nobody else can have written it.
fn found(root: PathBuf) -> Result<PathBuf, Failure> {
    trust::found(&root).map_err(|why| {
        Failure::usage(
            format!(
                "the journal {}, found by looking upwards from here, is not used: {}; nothing was read",
                root.display(),
                chain(&why)
            ),
            format!(
                "if you trust whoever may write it, name it: --journal {}; else name your own with --journal DIR",
                shlex::try_quote(&root.to_string_lossy()).unwrap_or_default()
            ),
        )
    })?;
    Ok(root)
}

/// A journal that a person named. It may be of another user; its keys, jobs and index may not be of a third one.
fn named(root: PathBuf) -> Result<PathBuf, Failure> {
    trust::named(&root).map_err(|why| {
        Failure::usage(
            format!("the journal {} is not used: {}; nothing was read", root.display(), chain(&why)),
            "see who put that there; what belongs to the journal belongs to its owner, and nobody else may write it",
        )
    })?;
    Ok(root)
}

/// The journal that is there, or the place for a new one.
pub(crate) fn find_or_new(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(dir) = given {
        hints::about_journal(dir);
        readable(dir)?;
        return named(dir.to_owned());
    }
    let here = here()?;
    let there = find_root(&here);
    let root = there.clone().unwrap_or_else(|| here.join(ROOT_NAME));
    hints::about_journal(&root);
    readable(&root)?;
    there.map_or(Ok(root), found)
}

/// Whether something is at a place that this user may not look into. Nothing is opened: it may be a pipe.
fn is_kept(dir: &Path) -> bool {
    use rustix::fs::{Access, access};
    let denied = |path: &Path| access(path, Access::READ_OK) == Err(rustix::io::Errno::ACCESS);
    denied(dir) || ["format", "head", "segments"].iter().any(|name| denied(&dir.join(name)))
}

/// A journal that may not be read is there all the same: whose it is, and who is asking.
fn readable(root: &Path) -> Result<(), Failure> {
    if !is_kept(root) {
        return Ok(());
    }
    // It, or the first folder above that can be looked at from outside.
    let seen = root.ancestors().find_map(|dir| Some((dir, std::fs::symlink_metadata(dir).ok()?)));
    let what = match seen {
        Some((dir, found)) if dir == root => format!(
            "the journal {} cannot be read: it belongs to {} (mode {:04o}), and you are {}",
            root.display(),
            actor::name_of(found.uid()),
            found.mode() & 0o7777,
            actor::name_of(rustix::process::geteuid().as_raw())
        ),
        Some((dir, found)) => format!(
            "it cannot be told whether there is a journal at {}: {} belongs to {} (mode {:04o}), and you are {}",
            root.display(),
            dir.display(),
            actor::name_of(found.uid()),
            found.mode() & 0o7777,
            actor::name_of(rustix::process::geteuid().as_raw())
        ),
        None => format!("the journal {} cannot be read: permission denied", root.display()),
    };
    Err(Failure::usage(what, "type the same as that user or as root, or name another journal with --journal DIR"))
}

fn here() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| {
        Failure::usage(format!("cannot tell the working folder: {error}"), "go to a folder that exists")
    })
}

/// Where a journal is, whatever way it was named.
pub(crate) fn place_of(journal: &Path) -> PathBuf {
    // It may not be made yet, its folder is there.
    let place = std::path::absolute(journal).unwrap_or_else(|_| journal.to_owned());
    match (place.parent().map(Path::canonicalize), place.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => place,
    }
}
