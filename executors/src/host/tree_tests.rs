//! Lists of archives that this machine's own tar makes.

use super::*;
use crate::ssh::CARRIED;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

fn output(place: &Path, script: &str) -> Vec<u8> {
    let out = Command::new("sh").arg("-c").arg(format!("{CARRIED}{script}")).arg("sh").arg(place).output();
    let out = out.expect("a shell can be started");
    assert!(out.status.success(), "{script}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

fn looked(place: &Path) -> Listed {
    listed(&output(place, "p_tree \"$1\""), &output(place, "p_apart \"$1\"")).expect("an archive that can be read")
}

fn made(script: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().expect("a folder can be made");
    let done = Command::new("sh").arg("-ec").arg(script).current_dir(place.path()).status().expect("a shell");
    assert!(done.success(), "{script}");
    place
}

const MAKE: &str = "umask 022; echo one >file; ln file other; ln -s '../a b' link; mkfifo -m 600 fifo; mkdir -p dir/empty; \
    deep=$(printf '%0150d/%0120d' 1 2); mkdir -p $deep; echo deep >$deep/file; echo dash >./-rf; truncate -s 1048576 holes";

#[test]
fn a_list_says_all_but_times() {
    let place = made(MAKE);
    std::fs::write(place.path().join(OsStr::from_bytes(b"\xff\x01 a\nb")), "odd").expect("it can be written");
    let first = looked(place.path());
    let list = &first.list;
    for words in [
        ".\ttype=directory mode=07",
        "\nfile\ttype=file mode=0644",
        " size=4 content=2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806",
        "\nother\ttype=hard-link mode=0644",
        " target=file\n",
        " target=../a\\x20b\n",
        "\nfifo\ttype=fifo mode=0600",
        "\ndir/empty\ttype=directory mode=0755",
        "-rf\ttype=file",
        "\n\\xff\\u{1} a\\nb\ttype=file",
        "2/file\ttype=file",
        "\nholes\ttype=file mode=0644",
    ] {
        assert!(list.contains(words), "{words:?} is in\n{list}");
    }
    assert_eq!(list.lines().count(), 13, "{list}");
    assert_eq!(first.apart.holes.iter().map(String::as_str).collect::<Vec<_>>(), ["holes"]);
    assert!(first.apart.names.is_empty() && first.apart.sockets.is_empty(), "{:?}", first.apart);

    // A touch changes the archive, and no line.
    let archive = output(place.path(), "p_tree \"$1\"");
    output(place.path(), "touch -d '2001-02-03 04:05:06.789' \"$1\" \"$1/file\" \"$1/dir\"");
    assert_ne!(output(place.path(), "p_tree \"$1\""), archive);
    assert_eq!(looked(place.path()), first);
    for change in [
        "echo two >\"$1/file\"",
        "chmod 600 \"$1/dir\"",
        "rm \"$1/other\"; cp -p \"$1/file\" \"$1/other\"",
        "ln -sfn x \"$1/link\"",
        "rm \"$1/fifo\"",
    ] {
        let was = looked(place.path()).list;
        output(place.path(), change);
        assert_ne!(looked(place.path()).list, was, "{change}");
    }
}

#[test]
fn what_no_archive_holds_is_named() {
    let place =
        made("mkdir tree tree/a; echo x >tree/a/out; ln tree/a/out beside; echo y >tree/in; ln tree/in tree/two");
    let at = place.path().join("tree");
    let _socket = std::os::unix::net::UnixListener::bind(at.join("a/it's s")).expect("a socket can be made");
    let found = looked(&at);
    assert_eq!(found.apart.sockets.iter().map(String::as_str).collect::<Vec<_>>(), ["a/it's s"]);
    assert_eq!(found.apart.names.iter().map(String::as_str).collect::<Vec<_>>(), ["a/out"]);
    assert!(!found.list.contains("it's s") && found.apart.holes.is_empty(), "{found:?}");
}

#[test]
fn flags_are_in_the_list() {
    let place = made("echo x >file");
    let archive = output(place.path(), "p_tree \"$1\"");
    let found = listed(&archive, b"f -------d-----e----- ./file\0f --------e----- .\0").expect("a list");
    assert_eq!(flagged(&found.list).collect::<Vec<_>>(), [("file", "d")]);
    assert_ne!(found.list, listed(&archive, b"").expect("a list").list);
}

#[test]
fn what_is_cut_or_no_archive_is_none() {
    let place = made("echo x >file; mkdir dir");
    let archive = output(place.path(), "p_tree \"$1\"");
    assert!(listed(&archive, b"").is_some());
    for length in [0, 1, 511, 512, 1000, 1024, 1500] {
        assert!(listed(&archive[..length], b"").is_none(), "{length}");
    }
    assert!(listed(&[b'x'; 2048], b"").is_none());
    for beside in [&b"q x\0"[..], b"n 1 2 x\0", b"s"] {
        assert!(listed(&archive, beside).is_none(), "{beside:?}");
    }
    // Whatever single byte is another one, it ends.
    for at in 0..archive.len().min(3000) {
        let mut odd = archive.clone();
        odd[at] ^= 0x15;
        let _ = listed(&odd, b"");
    }
}
