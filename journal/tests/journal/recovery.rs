//! After a crash: what was acknowledged is there, what was torn is kept aside, what is damaged is refused.

use crate::support::{RUN, SMALL, all, copy, draft, new_journal, open, owner};
use palinode_core::id::Seq;
use palinode_core::port::{Journal, JournalRead, ReadError};
use palinode_core::record::FORMAT;
use palinode_journal::{DiskJournal, JournalReader, Notice, OpenError, OpenReadError, Options, verify};
use std::fs;
use std::path::Path;

const WIDE: Options = Options { segment_bytes: 1 << 20, grow_bytes: 64, inline_bytes: 100 };
const SEGMENT: &str = "segments/00000000000000000001.seg";

/// The bytes of the segment and of the head.
type State = (Vec<u8>, Vec<u8>);

fn damage(dir: &Path) -> Option<(String, u64, String)> {
    match DiskJournal::open(dir, owner(9), WIDE).err()? {
        OpenError::Read(OpenReadError::Read(ReadError::Damaged { file, offset, what })) => Some((file, offset, what)),
        other => Some((format!("{other:?}"), 0, String::new())),
    }
}

/// Three batches; the segment and the head after each. While the journal lives, a copy is what its death would leave.
fn batches(root: &Path) -> (DiskJournal, Vec<State>) {
    let mut journal = DiskJournal::open(root, owner(1), WIDE).expect("opens").journal;
    let mut states = Vec::new();
    for batch in [vec![draft("a"), draft("b")], vec![draft("c"), draft("d")], vec![draft("e")]] {
        journal.append(batch).expect("appends");
        let read = |name: &str| fs::read(root.join(name)).expect("reads");
        let segment = read(SEGMENT);
        let end = segment.iter().rposition(|byte| *byte != 0).expect("bytes") + 1;
        states.push((segment[..end].to_vec(), read("head")));
    }
    (journal, states)
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_and_kept() {
    let (folder, root) = new_journal();
    let (_alive, states) = batches(&root);
    let (start, second) = (states[0].0.len(), &states[1].0);
    let dead = folder.path().join("dead");
    for cut in start..=second.len() {
        // As a shorter file, with zeros behind, and with a hole before the last bytes.
        for form in 0..3 {
            let mut bytes = second[..cut].to_vec();
            match form {
                1 => bytes.resize(second.len() + 100, 0),
                2 => {
                    bytes = second.clone();
                    let hole = cut..(cut + 40).min(second.len());
                    bytes[hole].fill(0);
                }
                _ => {}
            }
            copy(&root, &dead);
            fs::write(dead.join(SEGMENT), &bytes).expect("writes");
            fs::write(dead.join("head"), &states[0].1).expect("writes");
            let torn =
                bytes.len() >= start && !bytes.starts_with(second) && bytes[start..].iter().any(|byte| *byte != 0);
            let entries = if bytes.starts_with(second) { 4 } else { 2 };
            let what = format!("cut {cut}, form {form}");
            let reader = JournalReader::open(&dead).expect("opens");
            assert_eq!(all(&reader).len(), entries, "{what}");
            let notices = verify(&dead).expect("a torn tail is no damage").notices;
            let expected = torn.then(|| Notice::TornTail { file: SEGMENT.to_owned(), offset: start as u64 });
            assert_eq!(notices, Vec::from_iter(expected), "{what}");
            let mut opened = DiskJournal::open(&dead, owner(2), WIDE).expect("opens");
            assert_eq!(opened.torn.is_some(), torn, "{what}");
            if let Some(torn) = opened.torn {
                let kept = fs::read(dead.join(&torn.file)).expect("reads");
                assert!(bytes[start..].starts_with(&kept) && kept.len() as u64 == torn.bytes, "{what}");
            }
            let stored = opened.journal.append(vec![draft("next")]).expect("appends");
            assert_eq!(stored[0].entry.seq, Seq(entries as u64 + 1), "{what}");
            drop(opened.journal);
            assert_eq!(verify(&dead).expect("verifies").notices, [], "{what}");
            fs::remove_dir_all(&dead).expect("removes");
        }
    }
}

#[test]
fn damage_is_refused_and_never_cut() {
    let (folder, root) = new_journal();
    let (_alive, states) = batches(&root);
    let (first, second) = (states[0].0.len(), states[1].0.len());
    let whole = &states[2].0;
    let with = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    let table = [
        ("before the head", with(20), 2, "checksum"),
        ("behind an old head, but a later batch is complete", with(first + 20), 0, "checksum"),
        ("in a commit before the head", with(second - 3), 2, "commit"),
        ("shorter than the head", whole[..second].to_vec(), 2, "ends after entry 4"),
        ("cut inside what the head names", whole[..second - 1].to_vec(), 1, "cut off"),
        ("empty", Vec::new(), 0, "ends after entry 0"),
    ];
    for (index, (name, bytes, head, what)) in table.into_iter().enumerate() {
        let dead = folder.path().join(index.to_string());
        copy(&root, &dead);
        fs::write(dead.join(SEGMENT), &bytes).expect("writes");
        fs::write(dead.join("head"), &states[head].1).expect("writes");
        let (file, _, why) = damage(&dead).expect(name);
        assert!(file == SEGMENT && why.contains(what), "{name}: {file}: {why}");
        assert_eq!(fs::read(dead.join(SEGMENT)).expect("reads"), bytes, "{name}: nothing is cut");
        assert!(verify(&dead).is_err(), "{name}");
        let read = JournalReader::open(&dead).expect("opens").read(Seq(1)).map(|mut all| all.any(|one| one.is_err()));
        assert!(read.expect("begins") || index == 1, "{name}");
    }
}

#[test]
fn a_cut_head_is_made_good_by_the_other_half() {
    let (folder, root) = new_journal();
    let _alive = batches(&root);
    for slot in 0..2 {
        let dead = folder.path().join(slot.to_string());
        copy(&root, &dead);
        let mut head = fs::read(dead.join("head")).expect("reads");
        head[slot * 1024 + 50..slot * 1024 + 60].fill(0xaa);
        fs::write(dead.join("head"), head).expect("writes");
        assert_eq!(verify(&dead).expect("one half is enough").notices, [Notice::TornHead]);
        assert_eq!(all(&JournalReader::open(&dead).expect("opens")).len(), 5);
        drop(open(&dead, 2));
        assert_eq!(verify(&dead).expect("verifies").notices, []);
        // Whoever let go in good order had synced it: then it is damage.
        let mut head = fs::read(dead.join("head")).expect("reads");
        head[slot * 1024 + 50] ^= 1;
        fs::write(dead.join("head"), head).expect("writes");
        assert!(verify(&dead).is_err());
    }
}

#[test]
fn many_segments_read_from_anywhere() {
    let (_folder, root) = new_journal();
    let mut journal = open(&root, 1).journal;
    for index in 0..60 {
        journal.append(vec![draft(&format!("{index}")), draft("and")]).expect("appends");
    }
    drop(journal);
    assert!(fs::read_dir(root.join("segments")).expect("reads").count() > 10);
    let reader = JournalReader::open(&root).expect("opens");
    let whole = all(&reader);
    assert_eq!(whole.len(), 120);
    for from in 1..=121 {
        let tail: Vec<_> = reader.read(Seq(from)).expect("reads").collect::<Result<_, _>>().expect("sound");
        assert_eq!(tail, whole[from as usize - 1..], "{from}");
    }
    let opened = open(&root, 2);
    assert!(opened.torn.is_none() && opened.previous.is_some_and(|previous| previous.released));
    drop(opened.journal);
    let names: Vec<_> =
        fs::read_dir(root.join("segments")).expect("reads").map(|item| item.expect("item").path()).collect();
    let middle =
        names.iter().find(|path| path.to_string_lossy().contains("0011.seg")).or(names.get(3)).expect("a segment");
    fs::remove_file(middle).expect("removes");
    assert!(reader.read(Seq(1)).map_or(true, |mut all| all.any(|one| one.is_err())));
    assert!(verify(&root).is_err());
}

#[test]
fn a_newer_minor_is_read_and_not_written() {
    let (_folder, root) = new_journal();
    let _alive = batches(&root);
    let set = |text: &str| fs::write(root.join("format"), text).expect("writes");
    let newer = FORMAT.1 + 1;
    set(&format!("palinode-journal 1.{newer}\n"));
    assert_eq!(all(&JournalReader::open(&root).expect("opens")).len(), 5);
    assert!(matches!(DiskJournal::open(&root, owner(2), SMALL), Err(OpenError::Newer { found }) if found == newer));
    set("palinode-journal 2.0\n");
    assert!(matches!(JournalReader::open(&root), Err(OpenReadError::Format { .. })));
    for text in
        ["", "palinode-journal 1.0", "palinode-journal +1.0\n", "palinode-journal 1.00\n", "\u{fffd}", "x 1.0\n"]
    {
        set(text);
        assert!(matches!(JournalReader::open(&root), Err(OpenReadError::Read(_))), "{text:?}");
    }
}

#[test]
fn posted_entries_are_durable_with_the_next_append_or_close() {
    let (folder, root) = new_journal();
    let mut journal = open(&root, 1).journal;
    journal.post(vec![draft("a")]).expect("posts");
    let dead = folder.path().join("dead");
    copy(&root, &dead);
    assert_eq!(all(&JournalReader::open(&dead).expect("opens")).len(), 0);
    for _ in 0..256 {
        journal.post(vec![draft("b")]).expect("posts");
    }
    assert_eq!(all(journal.reader()).len(), 257, "too many to wait");
    journal.post(vec![draft("c")]).expect("posts");
    journal.close().expect("closes");
    assert_eq!(all(&JournalReader::open(&root).expect("opens")).len(), 258);
    assert_eq!(all(&open(&root, 2).journal)[257].entry.run, RUN);
}
