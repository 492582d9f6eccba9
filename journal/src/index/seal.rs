//! The seal: names, lengths and hashes of the index's files, as they were when it was closed.

use super::place::{Folder, is_file};
use crate::file::atomic_file::TEMP;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

const SEAL: &str = "seal";
const CONTEXT: &str = "palinode 2026-11 index v1";

/// What sled keeps files in; it is empty, because no value is long enough for one of its own.
const BLOBS: &str = "blobs";

/// The text of a seal over the folder's files, and nothing if something stands there that has no place in it.
fn text(path: &Path) -> io::Result<Option<String>> {
    let mut lines = BTreeMap::new();
    for item in fs::read_dir(path)? {
        let item = item?;
        let (name, kind) = (item.file_name().to_string_lossy().into_owned(), item.file_type()?);
        match name.as_str() {
            SEAL => continue,
            BLOBS if kind.is_dir() && fs::read_dir(item.path())?.next().is_none() => continue,
            _ if kind.is_file() => {}
            _ => return Ok(None),
        }
        let (mut file, mut hasher) = (File::open(item.path())?, blake3::Hasher::new_derive_key(CONTEXT));
        let mut buffer = vec![0; 1 << 18];
        let mut length = 0u64;
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => {
                    hasher.update(&buffer[..read]);
                    length += read as u64;
                }
            }
        }
        lines.insert(name.escape_default().to_string(), format!("{length} {}", hasher.finalize().to_hex()));
    }
    let lines: String = lines.into_iter().map(|(name, line)| format!("{name} {line}\n")).collect();
    let sum = blake3::derive_key(CONTEXT, lines.as_bytes());
    Ok(Some(format!("{lines}{}\n", blake3::Hash::from_bytes(sum).to_hex())))
}

/// Whether the files are those that were sealed. What no seal names, such as a snapshot that was being written when
/// its process died, is removed.
pub(crate) fn holds(folder: &Folder) -> io::Result<bool> {
    let path = folder.path().join(SEAL);
    let sealed = match is_file(&path).then(|| fs::read_to_string(&path)) {
        None => return Ok(false),
        Some(Err(error)) if error.kind() == io::ErrorKind::InvalidData => return Ok(false),
        Some(read) => read?,
    };
    let named =
        |name: &str| [SEAL, BLOBS].contains(&name) || sealed.lines().any(|line| line.split(' ').next() == Some(name));
    folder.clear(named)?;
    Ok(text(folder.path())?.is_some_and(|text| text == sealed))
}

/// Seals the files as they are now; nothing is written if they are as they were.
pub(crate) fn put(folder: &Folder) -> io::Result<()> {
    let text = text(folder.path())?.ok_or_else(|| io::Error::other("strange files stand in the index"))?;
    let path = folder.path().join(SEAL);
    if fs::read_to_string(&path).is_ok_and(|sealed| sealed == text) {
        return Ok(());
    }
    let temp = folder.path().join(format!("{TEMP}{SEAL}"));
    fs::write(&temp, text)?;
    fs::rename(temp, path)
}

/// Takes the seal away, before anything is written.
pub(crate) fn lift(folder: &Folder) -> io::Result<()> {
    match fs::remove_file(folder.path().join(SEAL)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// A file's name, length and time.
pub(crate) type Stamp = (String, u64, Option<SystemTime>);

/// What the file system tells of the files at a glance.
pub(crate) fn stamp(folder: &Folder) -> io::Result<Vec<Stamp>> {
    let mut all = Vec::new();
    for item in fs::read_dir(folder.path())? {
        let item = item?;
        let meta = item.metadata()?;
        all.push((item.file_name().to_string_lossy().into_owned(), meta.len(), meta.modified().ok()));
    }
    all.sort();
    Ok(all)
}
