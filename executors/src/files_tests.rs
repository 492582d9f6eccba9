//! Tests on a real disk.

use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::PathBuf;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("a UTF-8 path").to_owned()
    }

    fn write(&self, name: &str, bytes: &[u8], mode: u32) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("mode set");
        path
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("listed");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

#[test]
fn a_file_is_replaced_with_its_mode_and_owner() {
    let home = Home::new();
    let path = home.write("hosts", b"old", 0o640);
    let chowned = chown(&path, Some(4321), Some(8765)).is_ok();
    let before = std::fs::metadata(&path).expect("there");
    DiskFiles.replace(&path, b"new", 0o640).expect("replaced");
    let after = std::fs::metadata(&path).expect("there");
    assert_ne!(before.ino(), after.ino());
    assert_eq!((before.uid(), before.gid(), before.mode()), (after.uid(), after.gid(), after.mode()));
    let found = DiskFiles.read(&path).expect("read").expect("there");
    assert_eq!((found.mode, found.bytes.as_slice()), (0o640, b"new".as_slice()));
    if chowned {
        assert_eq!(found.owner, "4321:8765");
    }
    assert_eq!(home.names(), ["hosts"]);
}

#[test]
fn links_are_followed_and_stay() {
    let home = Home::new();
    let path = home.write("real", b"old", 0o600);
    let (direct, chain) = (home.path("direct"), home.path("chain"));
    symlink("real", &direct).expect("linked");
    symlink(&direct, &chain).expect("linked");
    for (link, text) in [(&direct, "one"), (&chain, "two")] {
        DiskFiles.replace(link, text.as_bytes(), 0o600).expect("replaced");
        assert!(std::fs::symlink_metadata(link).expect("there").is_symlink(), "{link}");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), text);
        assert_eq!(DiskFiles.read(link).expect("read").expect("there").bytes, text.as_bytes());
    }
    assert!(DiskFiles.remove(&chain).is_err());
    assert_eq!(home.names(), ["chain", "direct", "real"]);
}

#[test]
fn what_is_no_regular_file_is_refused_and_left_alone() {
    let home = Home::new();
    std::fs::create_dir(home.path("dir")).expect("created");
    symlink("nowhere", home.path("dangling")).expect("linked");
    symlink("loop", home.path("loop")).expect("linked");
    let pipe = home.path("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RUSR, 0).expect("a pipe");
    let socket = std::os::unix::net::UnixListener::bind(home.path("socket")).expect("a socket");
    home.write("long", &vec![b'x'; FILE_LIMIT as usize + 1], 0o600);
    let names = home.names();
    let table = [
        ("dir", "directory"),
        ("dangling", "leads to no file"),
        ("loop", "symbolic links"),
        ("pipe", "named pipe"),
        ("socket", "socket"),
        ("long", "longer than 16 MiB"),
    ];
    for (name, words) in table {
        let error = DiskFiles.read(&home.path(name)).expect_err(name);
        assert!(error.to_string().contains(words), "{name}: {error}");
        if name != "long" {
            DiskFiles.replace(&home.path(name), b"new", 0o600).expect_err(name);
            DiskFiles.remove(&home.path(name)).expect_err(name);
        }
    }
    let error = DiskFiles.read("/dev/null").expect_err("a device");
    assert!(error.to_string().contains("device"), "{error}");
    drop(socket);
    assert_eq!(home.names(), names, "nothing came and nothing went");
}

#[test]
fn missing_files_and_directories() {
    let home = Home::new();
    let path = home.path("new");
    assert_eq!(DiskFiles.read(&path).expect("read"), None);
    DiskFiles.remove(&path).expect("nothing to remove");
    DiskFiles.replace(&path, b"x", 0o604).expect("created");
    assert_eq!(DiskFiles.read(&path).expect("read").expect("there").mode, 0o604);
    DiskFiles.remove(&path).expect("removed");
    assert_eq!(home.names(), Vec::<String>::new());
    for bad in ["gone/new", "..", "new/", ""] {
        let bad = if bad.is_empty() { String::new() } else { home.path(bad) };
        DiskFiles.replace(&bad, b"x", 0o600).expect_err(&bad);
    }
    let long = vec![0; FILE_LIMIT as usize + 1];
    DiskFiles.replace(&path, &long, 0o600).expect_err("too long");
    assert_eq!(home.names(), Vec::<String>::new());
}

#[test]
fn files_left_by_a_crash_do_not_stand_in_the_way() {
    let home = Home::new();
    let path = home.write("hosts", b"old", 0o600);
    let left: PathBuf = home.0.path().join(format!(".palinode-{}-0", std::process::id()));
    std::fs::write(&left, b"half").expect("written");
    DiskFiles.replace(&path, b"new", 0o600).expect("replaced");
    assert_eq!(std::fs::read(&left).expect("read"), b"half");
    assert_eq!(std::fs::read(&path).expect("read"), b"new");
}

#[test]
fn what_changed_meanwhile_is_not_replaced() {
    let home = Home::new();
    let path = home.write("hosts", b"old", 0o600);
    symlink("hosts", home.path("link")).expect("linked");
    assert!(!DiskFiles.swap(&path, b"older", b"new", 0o600).expect("looked at"));
    assert_eq!(std::fs::read(&path).expect("read"), b"old");
    assert!(DiskFiles.swap(&home.path("link"), b"old", b"new", 0o600).expect("swapped"));
    assert_eq!(std::fs::read(&path).expect("read"), b"new");
    assert!(!DiskFiles.swap(&home.path("gone"), b"", b"new", 0o600).expect("looked at"));
    assert_eq!(home.names(), ["hosts", "link"], "nothing is left behind");
    let files = MemFiles::default();
    files.replace("a", b"1", 0o600).expect("replaced");
    assert!(!files.swap("a", b"2", b"3", 0o600).expect("looked at"));
    assert!(files.swap("a", b"1", b"3", 0o600).expect("swapped"));
}

#[test]
fn a_file_of_several_names_stays_one() {
    let home = Home::new();
    let path = home.write("hosts", b"old", 0o600);
    std::fs::hard_link(&path, home.path("other")).expect("linked");
    let error = DiskFiles.replace(&path, b"new", 0o600).expect_err("refused").to_string();
    assert!(error.contains("several names"), "{error}");
    assert_eq!(std::fs::read(home.path("other")).expect("read"), b"old");
    assert_eq!(home.names(), ["hosts", "other"]);
}

#[test]
fn memory_files_are_shared_and_come_back() {
    let files = MemFiles::default();
    let other = files.clone();
    files.replace("a", b"1", 0o100_644).expect("replaced");
    let snapshot = files.snapshot();
    other.replace("a", b"2", 0o600).expect("replaced");
    other.replace("b", b"3", 0o600).expect("replaced");
    assert_eq!(files.read("a").expect("read").expect("there").bytes, b"2");
    files.restore(snapshot);
    let content = FileContent { mode: 0o644, owner: "0:0".to_owned(), bytes: b"1".to_vec() };
    assert_eq!(other.read("a").expect("read"), Some(content));
    assert_eq!(other.read("b").expect("read"), None);
    other.remove("a").expect("removed");
    assert!(files.snapshot().is_empty());
}
