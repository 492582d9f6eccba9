//! Whole batches and segments dropped, reordered, repeated, spliced and cut back: `verify`, the next owner and readers
//! say where, and none of them panics.

use crate::story::{empty, open_on, root};
use crate::support::{SMALL, draft};
use palinode_core::id::Seq;
use palinode_core::port::{Journal, JournalRead, ReadError};
use palinode_journal::sim::SimDisk;
use palinode_journal::{JournalReader, Notice, OpenError, OpenReadError, Options, VerifyError, create_on, verify_on};

const WIDE: Options = Options { segment_bytes: 1 << 20, grow_bytes: 64, inline_bytes: 100 };
const SEGMENT: &str = "segments/00000000000000000001.seg";

fn read(disk: &SimDisk, file: &str) -> Vec<u8> {
    disk.layer().read(&root().join(file)).expect("reads")
}

fn write(disk: &SimDisk, file: &str, bytes: &[u8]) {
    let file = disk.layer().open(&root().join(file)).expect("opens");
    file.set_len(0).and_then(|()| file.write_all_at(bytes, 0)).expect("writes");
}

/// A journal of some batches, of which those after the second say something else in each version; the bytes of its
/// batches, and the head after each. It is either closed, or what its owner's death leaves.
fn batches(options: Options, version: &str, closed: bool) -> (SimDisk, Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let disk = empty();
    create_on(disk.layer(), root()).expect("creates");
    let mut journal = open_on(&disk, 1, options).expect("opens").journal;
    let (mut parts, mut heads, mut from) = (Vec::new(), Vec::new(), 0);
    for index in 0..6 {
        let word = if index < 2 { "same" } else { version };
        journal.append(vec![draft(word), draft(&index.to_string())]).expect("appends");
        let bytes = read(&disk, SEGMENT);
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        parts.push(bytes[from..end].to_vec());
        heads.push(read(&disk, "head"));
        from = end;
    }
    if !closed {
        return (disk.killed(), parts, heads);
    }
    journal.close().expect("closes");
    (disk.killed(), parts, heads)
}

fn place(error: &ReadError) -> (String, u64) {
    match error {
        ReadError::Damaged { file, offset, .. } => (file.clone(), *offset),
        other => unreachable!("{other:?}"),
    }
}

/// Where `verify`, the next owner and a reader from the beginning find something wrong.
fn found(disk: &SimDisk) -> [Option<(String, u64)>; 3] {
    let verified = verify_on(disk.layer(), root()).err().map(|error| match error {
        VerifyError::Damaged(error) => place(&error),
        VerifyError::Open(error) => unreachable!("{error:?}"),
    });
    let opened = open_on(&disk.killed(), 2, SMALL).err().map(|error| match error {
        OpenError::Read(OpenReadError::Read(error)) => place(&error),
        other => unreachable!("{other:?}"),
    });
    let reader = JournalReader::open_on(disk.layer(), root()).expect("opens");
    let read = match reader.read(Seq(1)) {
        Ok(entries) => entries.filter_map(Result::err).next().map(|error| place(&error)),
        Err(error) => Some(place(&error)),
    };
    [verified, opened, read]
}

#[test]
fn altered_batches_are_damage_up_to_the_head_and_a_torn_tail_behind_it() {
    for closed in [true, false] {
        let (disk, ours, _) = batches(WIDE, "ours", closed);
        let (_, theirs, _) = batches(WIDE, "them", closed);
        assert!(ours[..2] == theirs[..2] && ours[2] != theirs[2] && ours[2].len() == theirs[2].len());
        let end = |count: usize| ours[..count].iter().map(Vec::len).sum::<usize>() as u64;
        let of = |order: &[usize]| order.iter().flat_map(|index| ours[*index].clone()).collect::<Vec<u8>>();
        let with = |index: usize, other: &[u8]| {
            let mut parts = ours.clone();
            parts[index] = other.to_vec();
            parts.concat()
        };
        let all = [0, 1, 2, 3, 4, 5];
        assert_eq!(found(&disk), [None, None, None]);
        // What was done, the bytes, and the batch in which it must be noticed.
        let mut table = vec![
            ("the last two swapped", of(&[0, 1, 2, 3, 5, 4]), 4),
            ("two swapped", of(&[0, 2, 1, 3, 4, 5]), 1),
            ("repeated", of(&[0, 1, 1, 2, 3, 4, 5]), 2),
            ("in place of its neighbour", of(&[0, 1, 1, 3, 4, 5]), 2),
            ("spliced in: the next one does not follow", with(2, &theirs[2]), 3),
            ("spliced in as the last: the head names another", with(5, &theirs[5]), 5),
            ("all from there on of the other journal", [of(&[0, 1]), theirs[2..].concat()].concat(), 5),
        ];
        for index in all {
            let rest: Vec<usize> = all.into_iter().filter(|other| *other != index).collect();
            table.push(("dropped", of(&rest), index));
            table.push(("cut back", of(&all[..index]), index));
            table.push(("blanked", with(index, &vec![0; ours[index].len()]), index));
        }
        for (what, bytes, at) in table {
            let disk = disk.killed();
            write(&disk, SEGMENT, &bytes);
            let range = end(at)..=end((at + 1).min(ours.len()));
            for (who, found) in ["verify", "the next owner", "a reader"].iter().zip(found(&disk)) {
                let (file, offset) = found.unwrap_or_else(|| unreachable!("{what} at {at}: {who} notices nothing"));
                // Where everything fits together but the head, either may be the one that was altered.
                let either = file == "head" && what.starts_with("all ");
                let named = either || (file == SEGMENT && range.contains(&offset));
                assert!(named, "{what} at {at}: {who}: byte {offset} of {file}");
            }
            assert_eq!(read(&disk, SEGMENT), bytes, "{what}: nothing is cut");
        }
        // Behind the head nothing was acknowledged: what a dead owner left there is cut, and after a living end it is
        // damage.
        let disk = disk.killed();
        write(&disk, SEGMENT, &of(&[0, 1, 2, 3, 4, 5, 5]));
        let [verified, opened, read] = found(&disk);
        assert_eq!((verified.is_some(), opened.is_some(), read.is_some()), (closed, closed, false));
        if !closed {
            let notices = verify_on(disk.layer(), root()).expect("verifies").notices;
            assert_eq!(notices, [Notice::TornTail { file: SEGMENT.to_owned(), offset: end(6) }]);
        }
    }
}

#[test]
fn an_older_head_is_fine_whatever_follows() {
    for options in [WIDE, SMALL] {
        let (disk, _, heads) = batches(options, "ours", false);
        for head in heads {
            let disk = disk.killed();
            write(&disk, "head", &head);
            assert_eq!(found(&disk), [None, None, None]);
            assert_eq!(verify_on(disk.layer(), root()).expect("verifies").entries, 12);
        }
    }
}

#[test]
fn altered_segments_are_damage() {
    let small = Options { segment_bytes: 400, ..SMALL };
    let (disk, _, heads) = batches(small, "ours", true);
    let items = disk.layer().list(&root().join("segments")).expect("lists");
    let mut names: Vec<String> =
        items.into_iter().map(|item| format!("segments/{}", item.name.to_string_lossy())).collect();
    names.sort();
    assert!(names.len() > 3, "{names:?}");
    let last = names.len() - 1;
    let remove = |disk: &SimDisk, name: &str| disk.layer().remove(&root().join(name)).expect("removes");
    // The owner reads from the head's segment on: what is before it, `verify` and readers find.
    let noticed = |disk: &SimDisk, what: &str, by_owner: bool| {
        let [verified, opened, read] = found(disk);
        for found in [&verified, &read] {
            assert!(found.as_ref().is_some_and(|(file, _)| file.starts_with("segments/")), "{what}: {found:?}");
        }
        assert!(opened.is_some() || !by_owner, "{what}: the owner notices nothing");
    };
    for (index, name) in names.iter().enumerate() {
        let gone = disk.killed();
        remove(&gone, name);
        noticed(&gone, &format!("{name} removed"), index == last);
        for keep in [0, 30] {
            let cut = disk.killed();
            let bytes = read(&cut, name);
            write(&cut, name, &bytes[..keep]);
            noticed(&cut, &format!("{name} cut to {keep}"), index == last);
        }
        if let Some(next) = names.get(index + 1) {
            let swapped = disk.killed();
            let (one, two) = (read(&swapped, name), read(&swapped, next));
            write(&swapped, name, &two);
            write(&swapped, next, &one);
            noticed(&swapped, &format!("{name} and {next} swapped"), index + 1 == last);
            let copied = disk.killed();
            write(&copied, next, &one);
            noticed(&copied, &format!("{next} replaced by {name}"), index + 1 == last);
        }
    }
    let all = disk.killed();
    names.iter().for_each(|name| remove(&all, name));
    noticed(&all, "all removed", true);
    // The last segment never happened if the head does not know of it and its owner died.
    let (dead, ..) = batches(small, "ours", false);
    remove(&dead, &names[last]);
    let old = heads.iter().rev().find(|head| {
        write(&dead, "head", head);
        verify_on(dead.layer(), root()).is_ok()
    });
    assert!(old.is_some(), "some head fits the shorter journal");
    assert_eq!(found(&dead), [None, None, None]);
}
