//! The corpus: journals of every kind of run and of every format and rules that ever were released, as they were written.

use palinode_core::record::{Class, Event, RunEnd};
use palinode_core::run::history::History;
use palinode_core::run::rules::version::{RULES, RULES_KNOWN};
use palinode_journal::{DiskJournal, JournalReader};
use palinode_replay::driver::{DriveError, Stopped};
use palinode_replay::strict::strict;
use palinode_tests::corpus::{
    Fixture, KINDS, SINCE, Script, all, fixtures, paused_by_a_person, present, todays, write_missing,
};
use palinode_tests::forge::Forgery;
use palinode_tests::memory::{CRIO_TO_DOCKER, RUN};
use palinode_tests::owner::owner;
use palinode_tests::story::{SMALL, Story};
use std::path::Path;
use tempfile::TempDir;

/// The corpus is made once and then kept: a journal that was released is never written again.
#[test]
fn every_kind_of_run_has_a_journal_of_todays_format_and_rules() {
    if std::env::var_os("PALINODE_TESTS_BLESS").is_some() {
        write_missing();
    }
    let folder = fixtures().join(present());
    let missing: Vec<&str> =
        todays().map(|(name, _)| *name).filter(|name| !folder.join(name).join("head").exists()).collect();
    assert!(missing.is_empty(), "{} has no {missing:?}; fixtures/README.md says how to make them", folder.display());
}

#[test]
fn every_journal_of_the_corpus_is_sound_and_folds() {
    let corpus = all();
    assert!(corpus.len() >= KINDS.len() + todays().count());
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
        assert!(found.foreign.is_empty(), "{}: this binary has its rules", fixture.name);
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

/// What was recorded of each step, in order.
fn steps(dir: &Path) -> Vec<String> {
    let told = Forgery::of(dir).entries.into_iter().filter(|entry| entry.run == RUN);
    told.filter_map(|entry| Some(format!("{} {}", entry.event.kind(), entry.event.step()?))).collect()
}

fn told(rules: u32, story: Script) -> (TempDir, Vec<String>) {
    let folder = TempDir::new().expect("a folder can be made");
    let dir = folder.path().join("journal");
    story(&mut Story::under(rules, &dir));
    let steps = steps(&dir);
    (folder, steps)
}

/// A run keeps the rules that it was made under to its end; what takes it back follows those of today.
#[test]
fn the_same_story_goes_on_under_the_rules_that_it_began_with() {
    let corpus = all();
    for (since, (name, story)) in SINCE.iter().flat_map(|(since, stories)| stories.iter().map(move |one| (since, one)))
    {
        let all = RULES_KNOWN.map(|rules| (rules, told(rules, *story))).collect::<Vec<_>>();
        for (rules, (folder, steps_told)) in &all {
            let reader = JournalReader::open(&folder.path().join("journal")).expect("the journal can be read");
            let found = strict(&reader, None).unwrap_or_else(|error| unreachable!("{name}, rules {rules}: {error}"));
            assert_eq!((found.foreign.len(), found.unchecked.len()), (0, 0), "{name}, rules {rules}");
            let history = History::load(&reader).expect("the journal folds");
            let found: Vec<u32> = history.order.iter().map(|run| history.runs[run].rules.version()).collect();
            assert_eq!(found.first(), Some(rules), "{name}");
            let back_rules = if *name == "a-host-comes-back-whole" { 3 } else { RULES };
            assert!(found.len() > 1 && found.iter().skip(1).all(|back| *back == back_rules), "{name}: {found:?}");
            // A release that had these rules told it in the same way.
            let kept = corpus.iter().find(|one| one.name.ends_with(&format!("rules-{rules}/{name}")));
            assert_eq!(kept.is_some(), rules >= since, "{name}, rules {rules}");
            if let Some(kept) = kept {
                assert_eq!(*steps_told, steps(&kept.dir), "{name}, rules {rules}: as it is kept");
            }
        }
        let ways = all.chunk_by(|(_, (_, one)), (_, (_, other))| one == other);
        let ways: Vec<u32> = ways.filter_map(|alike| Some(alike.first()?.0)).collect();
        assert_eq!(ways, [1, *since], "{name} goes one way under rules 1, and another since rules {since}");
    }
}

/// A journal that another release left with an open run.
#[test]
fn a_run_paused_under_rules_1_is_resumed_under_them_to_its_end() {
    let corpus = all();
    let fixture = corpus.iter().find(|one| one.name.ends_with("rules-1/paused-by-a-person")).expect("a kind");
    let mut old = Forgery::of(&fixture.dir);
    let pause = old.entries.iter().position(|entry| matches!(entry.event, Event::Paused { .. })).expect("a pause");
    let whole = old.entries.split_off(pause + 1);
    assert!(!whole.is_empty(), "it went on");
    let folder = TempDir::new().expect("a folder can be made");
    // Another telling brings the lab to where the run was paused.
    let mut story = Story::new(&folder.path().join("other"));
    paused_by_a_person(&mut story);
    let dir = folder.path().join("journal");
    old.write(&dir);
    story.goes_on_in(&dir);
    let stopped = story.resume(RUN, false);
    assert!(matches!(stopped, Ok(Stopped::Closed(RunEnd::Done))), "{stopped:?}");
    assert_eq!(steps(&dir), steps(&fixture.dir), "it went on as it did then");
    let reader = JournalReader::open(&dir).expect("the journal can be read");
    let found = strict(&reader, None).unwrap_or_else(|error| unreachable!("{error}"));
    assert_eq!((found.runs, found.foreign.len(), found.unchecked.len()), (1, 0, 0));
    let history = History::load(&reader).expect("the journal folds");
    assert_eq!(history.runs[&RUN].rules.version(), 1);
}

#[test]
fn a_plan_for_rules_that_are_not_here_opens_no_run() {
    let folder = TempDir::new().expect("a folder can be made");
    let dir = folder.path().join("journal");
    let theirs = RULES + 1;
    let refused = Story::under(theirs, &dir).run(RUN, CRIO_TO_DOCKER, &["gluster1.demo"]);
    assert!(matches!(refused, Err(DriveError::OtherRules { theirs: found, .. }) if found == theirs), "{refused:?}");
    assert!(Forgery::of(&dir).entries.is_empty());
}
