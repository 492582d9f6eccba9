//! Whose a journal is, and whether it still is the one that was opened.

use crate::support::{copy, draft, new_journal, open, owner};
use palinode_core::port::{Journal, RecordError};
use palinode_journal::trust::{self, Distrust};
use palinode_journal::{DiskJournal, JournalId, JournalReader, Options, create_as, find_root, verify};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

/// Nobody's uid, on every machine that has one.
const NOBODY: u32 = 65534;

fn replaced(journal: &mut DiskJournal) {
    let refused = journal.append(vec![draft("after")]);
    assert!(matches!(refused, Err(RecordError::Replaced { .. })), "{refused:?}");
    let refused = journal.append(vec![draft("after that")]);
    assert!(matches!(refused, Err(RecordError::Poisoned)), "{refused:?}");
}

#[test]
fn nothing_is_recorded_in_a_journal_that_was_moved_away_or_replaced() {
    let (folder, root) = new_journal();
    let away = folder.path().join("away");
    // Moved, and nothing in its place.
    let mut journal = open(&root, 1).journal;
    journal.append(vec![draft("before")]).expect("appends");
    fs::rename(&root, &away).expect("moves");
    replaced(&mut journal);
    drop(journal);
    // Moved, and another in its place: each has an owner of its own.
    copy(&away, &root);
    let mut one = open(&root, 2).journal;
    fs::rename(&root, folder.path().join("again")).expect("moves");
    copy(&away, &root);
    let mut other = open(&root, 3).journal;
    replaced(&mut one);
    other.append(vec![draft("the one that is there")]).expect("appends");
    drop((one, other));
    verify(&root).expect("verifies");
    // Single files that were restored over it.
    for file in ["lock", "head", "segments/00000000000000000001.seg"] {
        let mut journal = open(&root, 4).journal;
        let aside = folder.path().join("aside");
        fs::copy(root.join(file), &aside).expect("copies");
        fs::rename(&aside, root.join(file)).expect("restores");
        replaced(&mut journal);
    }
}

#[test]
fn a_journal_keeps_its_id_wherever_it_is() {
    let (folder, root) = new_journal();
    let journal = open(&root, 1).journal;
    let id = journal.id().clone();
    drop(journal);
    let away = folder.path().join("away");
    fs::rename(&root, &away).expect("moves");
    assert_eq!(*open(&away, 2).journal.id(), id);
    assert_eq!(JournalReader::open(&away).expect("opens").id().expect("reads"), Some(id.clone()));
    let chosen = JournalId::random().expect("random bytes");
    create_as(&root, &chosen).expect("creates");
    assert_eq!(*open(&root, 3).journal.id(), chosen);
    assert_ne!(chosen, id);
}

#[test]
fn a_journal_of_an_older_minor_gets_an_id_when_it_is_taken_up() {
    let (folder, _) = new_journal();
    let older = folder.path().join("older");
    copy(
        Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/fixtures/journals/format-1.4-rules-3/a-host-comes-back-whole"
        )),
        &older,
    );
    assert_eq!(JournalReader::open(&older).expect("opens").id().expect("reads"), None);
    verify(&older).expect("verifies without an id");
    let id = DiskJournal::open(&older, owner(9), Options::default()).expect("opens").journal.id().clone();
    assert_eq!(JournalReader::open(&older).expect("opens").id().expect("reads"), Some(id.clone()));
    assert_eq!(*DiskJournal::open(&older, owner(9), Options::default()).expect("opens").journal.id(), id);
    verify(&older).expect("verifies");
}

fn may_chown() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn a_journal_that_was_found_is_used_only_if_nobody_else_could_have_written_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join(".palinode");
    palinode_journal::create(&root).expect("creates");
    let mode = |path: &Path, mode: u32| fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("ours");
    trust::found(&root).expect("it is ours");
    for (part, bad, good) in [("", 0o770, 0o755), ("", 0o707, 0o755), ("keys", 0o720, 0o700), ("head", 0o602, 0o600)] {
        let path = root.join(part);
        mode(&path, bad);
        let found = trust::found(&root);
        assert!(matches!(found, Err(Distrust::Writable { .. })), "{part} {bad:o}: {found:?}");
        mode(&path, good);
    }
    trust::found(&root).expect("it is ours again");
    // Where nobody else may enter, the modes inside say nothing: a umask of 002 is many a user's.
    mode(&root, 0o700);
    mode(&root.join("keys"), 0o775);
    trust::found(&root).expect("nobody else gets there");
    mode(&root.join("keys"), 0o700);
    // A folder in which everybody may put another journal into its place.
    mode(folder.path(), 0o777);
    assert!(matches!(trust::found(&root), Err(Distrust::Writable { .. })));
    mode(folder.path(), 0o1777);
    trust::found(&root).expect("a sticky folder keeps it in its place");
    // Parts that lead elsewhere.
    let elsewhere = folder.path().join("elsewhere");
    for part in ["keys", "inbox", "segments"] {
        fs::rename(root.join(part), &elsewhere).expect("moves");
        symlink(&elsewhere, root.join(part)).expect("links");
        assert!(matches!(trust::found(&root), Err(Distrust::Link(_))), "{part}");
        trust::named(&root).expect("our own link to what is ours");
        fs::remove_file(root.join(part)).expect("removes");
        fs::rename(&elsewhere, root.join(part)).expect("moves back");
    }
    // The journal may be a link of our own.
    fs::rename(&root, &elsewhere).expect("moves");
    symlink(&elsewhere, &root).expect("links");
    trust::found(&root).expect("our own link");
    if !may_chown() {
        return;
    }
    rustix::fs::chownat(
        rustix::fs::CWD,
        &root,
        Some(rustix::fs::Uid::from_raw(NOBODY)),
        None,
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
    )
    .expect("root may");
    assert!(matches!(trust::found(&root), Err(Distrust::Owner { uid: NOBODY, .. })), "somebody else's link");
    fs::remove_file(&root).expect("removes");
    fs::rename(&elsewhere, &root).expect("moves back");
    for part in ["", "keys", "lock", "segments", "index", "jobs"] {
        let path = root.join(part);
        if !path.exists() {
            fs::create_dir(&path).expect("creates");
            mode(&path, 0o700);
        }
        chown(&path, Some(NOBODY), None).expect("root may");
        assert!(matches!(trust::found(&root), Err(Distrust::Owner { uid: NOBODY, .. })), "{part}");
        let refused = trust::named(&root).is_err();
        assert_eq!(refused, ["keys", "index", "jobs"].contains(&part), "{part}");
        chown(&path, Some(0), None).expect("root may");
    }
    // Named, all of it somebody's who has the journal: a person said that it is to be used.
    for part in ["", "keys", "index", "jobs"] {
        chown(root.join(part), Some(NOBODY), None).expect("root may");
    }
    trust::named(&root).expect("its owner's own");
    assert_eq!(find_root(folder.path()), Some(root));
}
