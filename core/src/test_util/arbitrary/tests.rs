//! One byte form for one value: every stored type encodes, decodes and encodes to the same bytes again. What the reader
//! takes beyond that is listed here.

use crate::action::{Action, TABLE};
use crate::canon::{decode, encode, walk};
use crate::id::{BodyId, EntryId, HostName, Label};
use crate::record::{Entry, Event, HostKeys, Place, blob_id};
use crate::resource::State;
use crate::run::plan::Plan;
use crate::test_util::random_history::config;
use crate::test_util::{Arbitrary as _, Dice};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeSet;
use std::fmt::Debug;

fn tape() -> impl Strategy<Value = Vec<u16>> {
    proptest::collection::vec(any::<u16>(), 0..300)
}

fn there_and_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Vec<u8> {
    let bytes = encode(value).expect("it encodes");
    assert_eq!(walk(&bytes), Ok(()));
    let back: T = decode(&bytes).expect("it decodes");
    assert_eq!(&back, value);
    assert_eq!(encode(&back).expect("it encodes"), bytes);
    bytes
}

/// Whether two bytes differ only in what marks them as a text or as a byte string, or as an empty map or array: of what
/// has no field that must be there, an empty array is read as an empty map.
fn is_marker_swap(a: u8, b: u8) -> bool {
    [(0xc4, 0xd9), (0xc5, 0xda), (0xc6, 0xdb), (0x80, 0x90)]
        .iter()
        .any(|(one, other)| [(a, b), (b, a)].contains(&(*one, *other)))
}

/// Whether the byte belongs to the name of a field that may be absent: under another name it is a field that this
/// version does not know, and the value is as if it were left out.
fn names_an_optional_field(bytes: &[u8], at: usize) -> bool {
    const NAMES: &[&str] = &[
        "above",
        "apart",
        "attributes",
        "audit",
        "boot",
        "by",
        "ca",
        "captures",
        "change",
        "cluster",
        "code",
        "compensates",
        "evidence",
        "found",
        "gap",
        "forced",
        "holes",
        "host_changed",
        "host_keys",
        "inode",
        "list",
        "lists",
        "login_uid",
        "losses",
        "machines",
        "message",
        "mtime",
        "names",
        "output",
        "owner",
        "ran_on",
        "reason",
        "release",
        "shown",
        "sockets",
        "sudo_user",
        "taken",
        "task",
        "uids",
        "undoes",
        "waited",
        "wall",
        "what",
        "why",
    ];
    let covers =
        |name: &str| (1..=name.len()).any(|back| at >= back && bytes[at - back + 1..].starts_with(name.as_bytes()));
    NAMES.iter().any(|name| covers(name))
}

/// What is read from changed bytes is not what was written, but for the second forms that are listed below; and it has
/// one written form of its own.
fn says_something_else(entry: &Entry, bytes: &[u8], changed: &[u8], at: usize) {
    let Ok(other) = Entry::decode(changed) else { return };
    let second_form =
        changed.len() == bytes.len() && (is_marker_swap(bytes[at], changed[at]) || names_an_optional_field(bytes, at));
    let around = String::from_utf8_lossy(&bytes[at.saturating_sub(30)..bytes.len().min(at + 30)]);
    assert!(other != *entry || second_form, "byte {at}, at {around:?}, of {entry:?}");
    let written = other.encode().expect("it encodes");
    assert_eq!(Entry::decode(&written).expect("it decodes"), other);
}

/// An array of 256 small numbers, which a careless reader takes for as many bytes.
#[test]
fn an_array_is_no_byte_string() {
    let place = Place::Inline(vec![b'x'; 256]);
    let bytes = encode(&place).expect("it encodes");
    let at = bytes.iter().position(|byte| *byte == 0xc5).expect("a byte string of two length bytes");
    let mut changed = bytes.clone();
    changed[at] = 0xdc;
    assert!(walk(&changed).is_ok());
    assert!(crate::canon::decode::<Place>(&changed).is_err());
    assert_eq!(crate::canon::decode::<Place>(&bytes).expect("it decodes"), place);
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn every_stored_type_goes_there_and_back(tape in tape()) {
        let mut dice = Dice(&tape);
        there_and_back(&dice.entry());
        there_and_back(&dice.plan());
    }

    #[test]
    fn a_changed_byte_is_refused_or_says_something_else(tape in tape(), noise in proptest::collection::vec(any::<u8>(), 1..64)) {
        let entry = Dice(&tape).entry();
        let bytes = entry.encode().expect("it encodes");
        // Long texts are all alike: some hundred places are enough.
        for at in (0..bytes.len()).take(600) {
            let byte = noise[at % noise.len()];
            let mut changed = bytes.clone();
            changed[at] ^= byte.max(1);
            says_something_else(&entry, &bytes, &changed, at);
            // The other markers of texts and byte strings are the ones that a reader might take for each other.
            if let Some(marker) = [0xc4, 0xd9, 0xc5, 0xda].into_iter().find(|other| is_marker_swap(bytes[at], *other)) {
                changed[at] = marker;
                says_something_else(&entry, &bytes, &changed, at);
            }
            changed.clone_from(&bytes);
            changed.insert(at, byte);
            says_something_else(&entry, &bytes, &changed, at);
            changed.clone_from(&bytes);
            changed.remove(at);
            says_something_else(&entry, &bytes, &changed, at);
        }
        for end in (0..bytes.len()).step_by(7) {
            assert!(Entry::decode(&bytes[..end]).is_err(), "cut off at {end}");
        }
    }

    #[test]
    fn no_bytes_panic(noise in proptest::collection::vec(any::<u8>(), 0..200), tape in tape(), cut in any::<u16>()) {
        let _ = (Entry::decode(&noise).is_ok(), Plan::decode(&noise).is_ok(), walk(&noise).is_ok());
        // Noise in the middle of something that begins well gets further.
        let mut bytes = encode(&Dice(&tape).plan()).expect("it encodes");
        let at = usize::from(cut) % bytes.len();
        let end = bytes.len().min(at + noise.len());
        bytes[at..end].copy_from_slice(&noise[..end - at]);
        let _ = Plan::decode(&bytes).is_ok();
    }
}

/// A variant that the generators above do not know is one that the properties say nothing about.
#[test]
fn the_generators_know_every_variant() {
    let (mut events, mut actions, mut states) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for seed in 0..3000_u16 {
        let tape: Vec<u16> =
            (0..40).map(|at: u16| seed.wrapping_mul(977).wrapping_add(at.wrapping_mul(31_337))).collect();
        let mut dice = Dice(&tape);
        dice.below(usize::from(seed) + 1);
        events.insert(dice.event().kind());
        actions.insert(Action::arbitrary(&mut Dice(&tape)).name());
        states
            .insert(format!("{:?}", Dice(&tape).state()).split([' ', '(', '{']).next().unwrap_or_default().to_owned());
    }
    assert_eq!((events.len(), actions.len(), states.len()), (14, TABLE.len(), 12), "{events:?} {actions:?} {states:?}");
    // These matches do not compile without an arm for a new variant: then the counts above change too.
    let _ = |event: &Event| match event {
        Event::RunOpened(_) | Event::OwnerChanged { .. } | Event::Intent(_) | Event::Outcome(_) => {}
        Event::Probed(_) | Event::Resolved { .. } | Event::Skipped { .. } | Event::GateSampled { .. } => {}
        Event::GateDecided { .. } | Event::TimerFired { .. } | Event::Paused { .. } => {}
        Event::DriftFound { .. } | Event::RunClosed(_) | Event::Progress(_) => {}
    };
    let _ = |state: &State| match state {
        State::Absent | State::Unit { .. } | State::Package { .. } | State::File { .. } | State::Link { .. } => {}
        State::Repository { .. } | State::Release { .. } => {}
        State::Tree { .. } | State::Boot { .. } | State::Node(_) | State::Pods { .. } | State::Object { .. } => {}
    };
}

fn spliced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|part| part == from).expect("it stands there");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// What the reader takes beyond what is ever written. The walker knows no types and refuses none of these, so that
/// entries of a newer minor version stay readable; whoever must know that bytes are the one form of their value
/// encodes it again and compares.
#[test]
fn second_forms_differ_from_the_bytes_of_their_value() {
    let entry = Entry {
        prev: EntryId([b'a'; 32]),
        wall: None,
        event: Event::GateSampled {
            step: crate::test_util::fixture::path("a/healed"),
            pass: true,
            hopeless: false,
            facts: [("x", "1"), ("y", "2")].map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            evidence: Some(BodyId([b'b'; 32])),
            waited: None,
        },
        ..Dice(&[]).entry()
    };
    let bytes = there_and_back(&entry);
    let table: [(&str, &[u8], &[u8]); 4] = [
        ("a byte string for a text", b"\xa11\xa1y", b"\xc4\x011\xa1y"),
        ("a map out of order", b"\xa1x\xa11\xa1y\xa12", b"\xa1y\xa12\xa1x\xa11"),
        ("an optional field that is left out", b"\x88\xa3seq", b"\x87\xa3seq"),
        ("a field that this version does not know", b"\x88\xa3seq", b"\x89\xa3new\x01\xa3seq"),
    ];
    // Of hashes and names there is one form only.
    for (from, to) in [(b"\xc4\x20aaaaaa" as &[u8], b"\xd9\x20aaaaaa" as &[u8]), (b"\xa8a/healed", b"\xc4\x08a/healed")]
    {
        let second = spliced(&bytes, from, to);
        assert!(walk(&second).is_ok() && Entry::decode(&second).is_err(), "{from:?}");
    }
    for (what, from, to) in table {
        let mut second = spliced(&bytes, from, to);
        if what.contains("left out") {
            second = spliced(&second, b"\xa4wall\xc0", b"");
        }
        assert_eq!(walk(&second), Ok(()), "{what}");
        let read = Entry::decode(&second).unwrap_or_else(|error| unreachable!("{what}: {error}"));
        assert_eq!(read, entry, "{what}");
        assert_eq!(read.encode().expect("it encodes"), bytes, "{what}");
    }
}

/// Maps and sets are written in the order of their keys, whatever order they were made in, and integers as short as
/// they can be.
#[test]
fn what_is_written_is_ordered_and_short() {
    use std::collections::BTreeMap;
    let label = |text: &str| Label::new(text).expect("a label");
    let made: BTreeMap<Label, u64> = [("c", 1), ("a", 2), ("b", 3)].map(|(name, value)| (label(name), value)).into();
    assert_eq!(encode(&made).expect("it encodes"), b"\x83\xa1a\x02\xa1b\x03\xa1c\x01");
    let table: [(i64, &[u8]); 12] = [
        (0x7f, b"\x7f"),
        (0x80, b"\xcc\x80"),
        (0xff, b"\xcc\xff"),
        (0x100, b"\xcd\x01\x00"),
        (0x1_0000, b"\xce\x00\x01\x00\x00"),
        (0x1_0000_0000, b"\xcf\x00\x00\x00\x01\x00\x00\x00\x00"),
        (-1, b"\xff"),
        (-32, b"\xe0"),
        (-33, b"\xd0\xdf"),
        (-129, b"\xd1\xff\x7f"),
        (-0x8001, b"\xd2\xff\xff\x7f\xff"),
        (-0x8000_0001, b"\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"),
    ];
    for (number, bytes) in table {
        assert_eq!(encode(&number).expect("it encodes"), bytes, "{number}");
    }
}

#[test]
fn host_keys_that_are_too_many_for_an_entry_rest_in_a_blob() {
    use std::collections::BTreeMap;
    let keys = |count: usize| -> BTreeMap<HostName, String> {
        let host = |number| HostName::new(format!("node{number}.demo")).expect("a host name");
        (0..count).map(|number| (host(number), format!("ssh-ed25519 SHA256:{}", "a".repeat(43)))).collect()
    };
    assert_eq!(HostKeys::too_long(&keys(100)).expect("it encodes"), None);
    let many = keys(1000);
    let bytes = HostKeys::too_long(&many).expect("it encodes").expect("they are too many");
    let blob = HostKeys::Blob(blob_id(&bytes));
    assert_eq!(blob.all(|_| Ok(bytes.clone())).expect("it can be read"), many);
    assert!(blob.all(|_| Ok(bytes[1..].to_vec())).is_err());
    assert_eq!(HostKeys::Here(keys(3)).all(|_| unreachable!("nothing is fetched")).expect("they are here"), keys(3));
}
