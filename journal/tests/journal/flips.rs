//! Whatever changes, `verify` notices and names the file.

use crate::support::{RUN, SMALL, draft, new_journal, open, opened, owner};
use palinode_core::port::Journal;
use palinode_core::record::Class;
use palinode_journal::{DiskJournal, Notice, VerifyError, create, verify};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A journal with all that one can hold: three segments, public and sealed blobs, inline bodies, keys.
fn small(root: &Path) {
    let mut journal = open(root, 1).journal;
    let vault = journal.create_keys(RUN).expect("keys");
    let plan = journal.put_public(b"plan").expect("a blob");
    journal.append(vec![opened(RUN, plan)]).expect("appends");
    let noise = blake3::hash(b"noise");
    let long: Vec<u8> = [noise.as_bytes().as_slice(), blake3::hash(noise.as_bytes()).as_bytes()].concat();
    for (index, body) in [b"short".as_slice(), &long].into_iter().enumerate() {
        let mut entry = draft(&format!("body {index}"));
        entry.bodies.extend([vault.seal(Class::Output, body).expect("seals")]);
        journal.append(vec![draft("beside"), entry]).expect("appends");
    }
    journal.close().expect("closes");
}

fn files(root: &Path, dir: &str, found: &mut Vec<String>) {
    for item in fs::read_dir(root.join(dir)).expect("reads") {
        let item = item.expect("an item");
        let name = Path::new(dir).join(item.file_name()).to_string_lossy().into_owned();
        if item.path().is_dir() { files(root, &name, found) } else { found.push(name) }
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let (_folder, root) = new_journal();
    small(&root);
    let sound = verify(&root).expect("verifies");
    assert_eq!((sound.entries, sound.batches, sound.blobs, sound.runs), (5, 3, 2, 1));
    assert_eq!(sound.notices, []);
    let mut names = Vec::new();
    files(&root, "", &mut names);
    names.sort();
    assert!(names.iter().filter(|name| name.starts_with("segments/")).count() > 1, "{names:?}");
    for name in names {
        let path = root.join(&name);
        let bytes = fs::read(&path).expect("reads");
        let file = File::options().write(true).open(&path).expect("opens");
        for bit in 0..bytes.len() * 8 {
            let flipped = bytes[bit / 8] ^ 1 << (bit % 8);
            file.write_all_at(&[flipped], bit as u64 / 8).expect("writes");
            let error = verify(&root).expect_err("damage must be found");
            assert_eq!(error.place().map(|(file, _)| file), Some(name.as_str()), "bit {bit}: {error:?}");
            file.write_all_at(&[bytes[bit / 8]], bit as u64 / 8).expect("writes");
        }
    }
    assert_eq!(verify(&root).expect("verifies again"), sound);
}

#[test]
fn what_is_gone_or_strange_is_named() {
    let (folder, root) = new_journal();
    small(&root);
    let mut names = Vec::new();
    files(&root, "", &mut names);
    for (index, name) in names.iter().enumerate() {
        let copy = folder.path().join(index.to_string());
        crate::support::copy(&root, &copy);
        fs::remove_file(copy.join(name)).expect("removes");
        let error = verify(&copy).expect_err("a missing file is damage");
        let named = error.place().map(|(file, _)| file.to_owned());
        let before = name.starts_with("segments/");
        assert!(before || named.as_deref() == Some(name) || name == "format", "{name}: {error:?}");
        if !name.starts_with("blobs/") && !name.starts_with("keys/") {
            assert!(DiskJournal::open(&copy, owner(2), SMALL).is_err() || before, "{name}");
        }
    }
    for name in ["strange", "blobs/strange", "segments/1.seg", "keys/strange"] {
        fs::write(root.join(name), "?").expect("writes");
        let found = verify(&root).expect("verifies").notices;
        assert_eq!(found, [Notice::Unknown(name.to_owned())]);
        fs::remove_file(root.join(name)).expect("removes");
    }
    let mut journal = open(&root, 2).journal;
    assert_eq!(verify(&root).expect("verifies").notices, [Notice::Alive]);
    journal.put_public(b"never named").expect("a blob");
    drop(journal);
    assert_eq!(verify(&root).expect("verifies").notices, [Notice::Unnamed(1)]);
    let none: PathBuf = folder.path().join("none");
    assert!(matches!(verify(&none), Err(VerifyError::Open(_))));
    create(&none).expect("creates");
    assert_eq!(verify(&none).expect("an empty journal verifies").last, None);
}
