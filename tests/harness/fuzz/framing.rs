//! What stands around the values: batches in a segment, the two slots of head and lock.

use super::format;
use super::msgpack::{self, Tree};
use palinode_journal::test_util::fuzz::{self, Slots};

/// How a batch is asked for.
const FIRST: u64 = 7;

/// Whatever is accepted as a batch is, byte for byte, what is written for those entries; no cut or changed copy of it
/// is. Only the checksums of its frames may be anything, if its hash covers that too: they are there to name a place.
pub(super) fn frames(bytes: &[u8]) {
    let Some((mode, bytes)) = bytes.split_first() else { return };
    let mut bytes = bytes.to_vec();
    if mode % 2 == 1 {
        format::mend_segment(&mut bytes, mode % 4 == 1);
    }
    let (mut at, mut first) = (0, FIRST);
    loop {
        match fuzz::look(&bytes, at, first) {
            Ok(Some((places, end))) => {
                let entries: Vec<&[u8]> = places.iter().map(|place| &bytes[place.clone()]).collect();
                let own = fuzz::batch(entries.iter().copied(), first);
                let mut found = bytes[at..end].to_vec();
                if mode % 4 == 3 {
                    format::mend_segment(&mut found, true);
                }
                assert_eq!(own, found, "what is accepted is what is written");
                assert_eq!(own, format::batch(&entries, first), "and it is as the format says");
                // A change anywhere in it: never another batch.
                let place = at + usize::from(*mode) % (end - at);
                let mut changed = bytes.clone();
                changed[place] ^= 1 << (mode % 8);
                let found = fuzz::look(&changed, at, first);
                assert!(!matches!(found, Ok(Some((_, other))) if other == end), "a change at {place} is found");
                assert!(!matches!(fuzz::look(&bytes[..place], at, first), Ok(Some(_))), "a cut at {place} is found");
                assert!(!matches!(fuzz::look(&bytes, at, first + 1), Ok(Some(_))), "its place counts");
                (at, first) = (end, first + entries.len() as u64);
            }
            Ok(None) => {
                assert!(bytes[at..].iter().all(|byte| *byte == 0), "behind the end are zeros");
                break;
            }
            Err(_) => break,
        }
    }
    if let Some(found) = fuzz::later_commit(&bytes, at, first) {
        assert!(found >= at && bytes[found..found + 4] == [0xff; 4]);
    }
}

/// The newest sound slot counts, a slot is sound only where it belongs, and the journal would write it just so.
pub(super) fn slots(bytes: &[u8]) {
    let Some((mode, bytes)) = bytes.split_first() else { return };
    let (context, size, read): (_, _, fn(&[u8]) -> Slots) =
        if mode & 2 == 0 { ("head", 1024, fuzz::head) } else { ("lock", 512, fuzz::lock) };
    let mut bytes = bytes.to_vec();
    if mode & 1 == 1 {
        bytes.resize(2 * size, 0);
        format::slots(size).into_iter().for_each(|range| format::mend_record(context, &mut bytes, range));
    }
    let found = read(&bytes);
    for (index, (slot, range)) in found.each.iter().zip(format::slots(size)).enumerate() {
        let Ok((generation, own)) = slot else { continue };
        let place = &bytes[range];
        let (payload, padding) = format::open_record(context, place).expect("a sound slot holds a record");
        assert!(padding.iter().all(|byte| *byte == 0));
        let Some(Tree::Map(stored)) = msgpack::read(payload) else { unreachable!("a record holds named fields") };
        assert!(stored.contains(&(Tree::Text("generation".to_owned()), Tree::Int((*generation).into()))));
        assert_eq!(generation % 2, index as u64);
        // Written again it is the same, or the shorter form of what a newer version wrote.
        let mut both = bytes.clone();
        both[index * size..][..size].copy_from_slice(&own[..size]);
        assert!(own.len() == size, "what was read fits again");
        assert_eq!(read(&both).each[index].as_ref().ok(), Some(&(*generation, own.clone())));
    }
    let newest = found.each.iter().flatten().max_by_key(|(generation, _)| *generation);
    assert_eq!(newest, found.newest.as_ref());
}
