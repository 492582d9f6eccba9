//! The corpus: journals of every kind of run and of every format and rules that ever were released, as they were written.

use palinode_core::event::Class;
use palinode_core::history::History;
use palinode_journal::{DiskJournal, JournalReader};
use palinode_replay::strict::strict;
use palinode_tests::corpus::{Fixture, KINDS, all, fixtures, present, write_missing};
use palinode_tests::owner::owner;
use palinode_tests::tale::SMALL;

/// The corpus is made once and then kept: a journal that was released is never written again.
#[test]
fn every_kind_of_run_has_a_journal_of_todays_format_and_rules() {
    if std::env::var_os("PALINODE_TESTS_BLESS").is_some() {
        write_missing();
    }
    let folder = fixtures().join(present());
    let missing: Vec<&str> =
        KINDS.iter().map(|(name, _)| *name).filter(|name| !folder.join(name).join("head").exists()).collect();
    assert!(missing.is_empty(), "{} has no {missing:?}; fixtures/README.md says how to make them", folder.display());
}

#[test]
fn every_journal_of_the_corpus_is_sound_and_folds() {
    let corpus = all();
    assert!(corpus.len() >= KINDS.len());
    for fixture in corpus {
        let found = palinode_journal::verify(&fixture.dir);
        assert!(found.is_ok(), "{}: {found:?}", fixture.name);
        let reader = JournalReader::open(&fixture.dir).expect("the journal can be read");
        let history = History::load(&reader);
        assert!(history.is_ok(), "{}: {:?}", fixture.name, history.err());
    }
}

fn replayed(fixture: &Fixture) -> palinode_replay::strict::Replayed {
    let reader = JournalReader::open(&fixture.dir).expect("the journal can be read");
    strict(&reader, None).unwrap_or_else(|error| unreachable!("{}: {error}", fixture.name))
}

#[test]
fn every_journal_of_the_corpus_replays_strictly() {
    for fixture in all() {
        let found = replayed(&fixture);
        assert!(found.foreign.is_empty(), "{}: its rules are those of today", fixture.name);
        let erased = fixture.name.ends_with("/erased");
        assert!(erased || found.unchecked.is_empty(), "{}: {:?}", fixture.name, found.unchecked);
    }
}

#[test]
fn every_journal_of_the_corpus_replays_strictly_after_its_secrets_were_erased() {
    let mut unchecked = 0;
    for fixture in all() {
        let before = replayed(&fixture);
        let opened = DiskJournal::open(&fixture.dir, owner(99), SMALL).expect("the journal can be opened");
        let mut journal = opened.journal;
        let history = History::load(&journal).expect("the journal folds");
        let families = history.runs.values().map(|run| run.opened.keys);
        for family in families.collect::<std::collections::BTreeSet<_>>() {
            for class in [Class::Output, Class::Content, Class::Words] {
                journal.erase(family, class).expect("a class can be erased");
            }
        }
        journal.close().expect("the journal can be closed");
        let after = replayed(&fixture);
        assert_eq!((after.runs, after.entries), (before.runs, before.entries), "{}", fixture.name);
        unchecked += after.unchecked.values().sum::<u64>();
        assert!(palinode_journal::verify(&fixture.dir).is_ok(), "{}", fixture.name);
    }
    assert!(unchecked > 0, "something was sealed");
}
