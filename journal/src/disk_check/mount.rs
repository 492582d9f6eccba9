//! The file system that a folder is on, its device, and the room it has left.

use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Its kind: `ext4`, `nfs4`, `tmpfs`.
    pub kind: String,
    /// Where it comes from: a device, a server.
    pub source: String,
    /// Where it is mounted.
    pub point: PathBuf,
    /// The options of the mount and of the file system.
    pub options: Vec<String>,
    /// Device number; the major one is 0 where no single device is below.
    pub number: (u32, u32),
}

impl Mount {
    /// The one that a folder is on.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let folder = folder.canonicalize()?;
        let table = fs::read("/proc/self/mountinfo")?;
        Self::find(&table, &folder)
            .ok_or_else(|| io::Error::other(format!("no mount point above {} is listed", folder.display())))
    }

    /// The last listed of the deepest: a later mount hides an earlier one at the same place.
    fn find(table: &[u8], folder: &Path) -> Option<Self> {
        let all = table.split(|byte| *byte == b'\n').filter_map(Self::parse);
        all.filter(|mount| folder.starts_with(&mount.point)).max_by_key(|mount| mount.point.components().count())
    }

    /// One line of proc(5)'s mountinfo.
    fn parse(line: &[u8]) -> Option<Self> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(&unescape(bytes)).into_owned();
        let mut words = line.split(|byte| *byte == b' ');
        let number = str::from_utf8(words.nth(2)?).ok()?.split_once(':')?;
        let number = (number.0.parse().ok()?, number.1.parse().ok()?);
        let point = PathBuf::from(std::ffi::OsString::from_vec(unescape(words.nth(1)?)));
        let here = words.next()?;
        // Optional fields up to a dash.
        words.find(|word| *word == b"-")?;
        let (kind, source, whole) = (words.next()?, words.next()?, words.next().unwrap_or_default());
        let mut options: Vec<String> = Vec::new();
        for option in here.split(|byte| *byte == b',').chain(whole.split(|byte| *byte == b',')).map(text) {
            if !option.is_empty() && !options.contains(&option) {
                options.push(option);
            }
        }
        Some(Self { kind: text(kind), source: text(source), point, options, number })
    }

    /// Whether one of these options is set.
    pub fn has(&self, options: &[&str]) -> bool {
        self.options.iter().any(|option| options.contains(&option.as_str()))
    }
}

/// Blanks, tabs, line breaks and backslashes are written as three octal digits.
fn unescape(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, more)) = rest.split_first() {
        let octal = more.get(..3).and_then(|digits| str::from_utf8(digits).ok());
        match octal.filter(|_| *first == b'\\').and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &more[3..];
            }
            None => {
                out.push(*first);
                rest = more;
            }
        }
    }
    out
}

/// A block device, as the kernel describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its name: `sda`.
    pub name: String,
    /// Whether it says that it has a volatile write cache. None: it does not say.
    pub volatile_cache: Option<bool>,
    folder: PathBuf,
}

impl Device {
    /// The device below a file system. None if there is no single one, as with tmpfs or NFS.
    pub fn of(mount: &Mount) -> Option<Self> {
        let (major, minor) = match mount.number {
            // btrfs numbers its volumes itself; the source names one device of possibly many.
            (0, _) if mount.kind == "btrfs" => {
                let number = fs::metadata(&mount.source).ok()?.rdev();
                (rustix::fs::major(number), rustix::fs::minor(number))
            }
            number => number,
        };
        let mut folder = fs::canonicalize(format!("/sys/dev/block/{major}:{minor}")).ok()?;
        if !folder.join("queue").exists() {
            // A partition: the queue is the whole disk's.
            folder.pop();
        }
        let name = String::from_utf8_lossy(folder.file_name()?.as_bytes()).into_owned();
        let cache = fs::read_to_string(folder.join("queue/write_cache")).ok();
        let volatile_cache = match cache.as_deref().map(str::trim) {
            Some("write back") => Some(true),
            Some("write through") => Some(false),
            _ => None,
        };
        Some(Self { name, volatile_cache, folder })
    }

    /// How often it was told to empty its cache since it is there, by anybody. None where the kernel does not count
    /// that: for devices put together from others.
    pub fn flushes(&self) -> Option<u64> {
        // Only request queues count flushes; a device without one (LVM, RAID) always shows 0.
        if !self.folder.join("mq").exists() {
            return None;
        }
        fs::read_to_string(self.folder.join("stat")).ok()?.split_whitespace().nth(15)?.parse().ok()
    }
}

/// What a file system has left for this user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes.
    pub bytes: u64,
    /// Files. None where they are not counted.
    pub files: Option<u64>,
    /// Whether nothing may be written at all.
    pub read_only: bool,
}

impl Room {
    /// Of the file system that a folder is on.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let found = rustix::fs::statvfs(folder)?;
        Ok(Self {
            bytes: found.f_bavail.saturating_mul(found.f_frsize),
            files: (found.f_files > 0).then_some(found.f_favail),
            read_only: found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n\
30 27 0:27 / /srv rw shared:5 master:1 - nfs4 box:/export rw,soft\n\
31 27 8:1 /sub /srv/a\\040b rw,noatime - xfs /dev/sda1 rw,nobarrier\n\
32 27 0:40 / /srv rw - tmpfs none rw\n\
not a line\n";

    #[test]
    fn the_deepest_and_latest_mount_is_found() {
        for (folder, kind, source) in [
            ("/", "ext4", "/dev/vda"),
            ("/srvx", "ext4", "/dev/vda"),
            ("/srv/other", "tmpfs", "none"),
            ("/srv/a b/deep", "xfs", "/dev/sda1"),
        ] {
            let found = Mount::find(TABLE, Path::new(folder)).expect("a mount");
            assert_eq!((found.kind.as_str(), found.source.as_str()), (kind, source), "{folder}");
        }
        let xfs = Mount::find(TABLE, Path::new("/srv/a b")).expect("a mount");
        assert!(xfs.has(&["barrier=0", "nobarrier"]) && xfs.has(&["noatime"]) && !xfs.has(&["discard"]));
        assert_eq!((xfs.number, xfs.options.len()), ((8, 1), 3));
        assert_eq!(Mount::find(b"garbage\n1 2 x - y", Path::new("/")), None);
    }

    #[test]
    fn this_machine_can_be_looked_at() {
        let folder = tempfile::tempdir().expect("a folder");
        let mount = Mount::of(folder.path()).expect("a mount");
        assert!(folder.path().canonicalize().expect("a path").starts_with(&mount.point));
        assert!(!Room::of(folder.path()).expect("statvfs").read_only);
        assert!(Mount::of(&folder.path().join("none")).is_err());
    }
}
