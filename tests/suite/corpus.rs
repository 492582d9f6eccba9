//! The corpus: journals of every kind of run and of every format and rules that ever were released, as they were written.

use palinode_core::history::History;
use palinode_journal::JournalReader;
use palinode_tests::corpus::{KINDS, all, fixtures, present, write_missing};

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
