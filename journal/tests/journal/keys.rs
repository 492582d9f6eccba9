//! Erasing: the key goes, the chain stays.

use crate::support::{RUN, all, draft, new_journal, open};
use palinode_core::id::RunId;
use palinode_core::port::{BodyError, Journal, JournalRead, RecordError};
use palinode_core::record::Class;
use palinode_journal::{EraseError, JournalReader, verify};

#[test]
fn a_class_is_erased_and_the_others_stay() {
    let (_folder, root) = new_journal();
    let mut journal = open(&root, 1).journal;
    let vault = journal.create_keys(RUN).expect("keys");
    let bodies =
        [Class::Output, Class::Content, Class::Words].map(|class| vault.seal(class, b"secret").expect("seals"));
    for body in bodies.clone() {
        let mut entry = draft("body");
        entry.bodies.extend([body]);
        journal.append(vec![entry]).expect("appends");
    }
    let before = all(&journal);
    assert!(matches!(journal.erase(RunId([9; 8]), Class::Output), Err(EraseError::NoKeys(_))));
    let mut gone = Vec::new();
    for class in [Class::Output, Class::Content] {
        assert!(journal.erase(RUN, class).expect("erases"));
        assert!(!journal.erase(RUN, class).expect("was gone"));
        gone.push(class);
        for reader in [&journal as &dyn JournalRead, &JournalReader::open(&root).expect("opens")] {
            let vault = reader.vault(RUN).expect("a vault");
            for (id, sealed) in &bodies {
                match vault.open(*id, sealed) {
                    Ok(plain) => assert!(plain == b"secret" && !gone.contains(&sealed.class)),
                    Err(error) => assert!(matches!(error, BodyError::Erased) && gone.contains(&sealed.class)),
                }
            }
            assert_eq!(vault.digest(b"secret").is_ok(), class == Class::Output, "digests go with the content");
        }
    }
    assert_eq!(all(&journal), before);
    journal.close().expect("closes");
    assert_eq!(verify(&root).expect("the chain is whole").entries, 3);
    let reader = JournalReader::open(&root).expect("opens").vault(RUN).expect("a vault");
    assert!(matches!(reader.seal(Class::Words, b"x"), Err(BodyError::Erased)));
}

#[test]
fn readers_seal_nothing_that_needs_a_file() {
    let (_folder, root) = new_journal();
    let mut journal = open(&root, 1).journal;
    journal.create_keys(RUN).expect("keys");
    let vault = JournalReader::open(&root).expect("opens").vault(RUN).expect("a vault");
    let noise: Vec<u8> = (0..200u64).flat_map(|n| *blake3::hash(&n.to_le_bytes()).as_bytes()).collect();
    assert!(vault.seal(Class::Words, b"short").is_ok());
    assert!(matches!(vault.seal(Class::Output, &noise), Err(BodyError::Record(RecordError::NotOwner))));
}
