//! An index that lies although its seal fits is found out by what it names.

use super::keys::{TIMES, at, term};
use super::place::Folder;
use super::seal;
use super::terms::Field;
use super::{Catalog, Query, reindex};
use crate::{DiskJournal, JournalReader, Options, create};
use palinode_core::id::{Micros, RunId, StepPath};
use palinode_core::port::Journal;
use palinode_core::record::{Draft, Event, Owner};
use std::collections::BTreeMap;
use std::path::Path;

fn journal(root: &Path) {
    create(root).expect("creates");
    let owner = Owner { host: "h".to_owned(), boot: "b".to_owned(), pid: 1, started: 1 };
    let mut journal = DiskJournal::open(root, owner, Options::default()).expect("opens").journal;
    let drafts = (0..50u8).map(|number| {
        let event = Event::TimerFired { step: StepPath::new(format!("host{}/step", number % 5)).expect("a path") };
        Draft {
            run: RunId([number % 2; 8]),
            time: Micros(i64::from(number)),
            wall: None,
            event,
            bodies: BTreeMap::new(),
        }
    });
    journal.append(drafts.collect()).expect("appends");
    journal.close().expect("closes");
}

#[test]
fn a_lie_is_found_out_where_it_names_something() {
    let host = |seq: u64| at(term(Field::Host, "host1", true), seq);
    // Of another host, behind the end, and not a list of places at all.
    let lies: [(Vec<u8>, Vec<u8>); 4] =
        [(host(3), vec![]), (host(60), vec![]), (host(2), vec![0x80]), (at(vec![TIMES], 9), vec![1, 2, 3])];
    for (key, value) in lies {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("journal");
        journal(&root);
        let reader = JournalReader::open(&root).expect("opens");
        reindex(&reader).expect("builds");
        {
            let index = Folder::take(&root).expect("takes").expect("is free");
            let db = sled::open(index.path()).expect("opens");
            db.insert(key, value).expect("inserts");
            drop(db);
            index.settle().expect("settles");
            seal::put(&index).expect("seals");
        }
        let query = Query { host: Some("host1".to_owned()), since: Some(Micros(0)), ..Query::default() };
        let strict = Query { since: None, ..query.clone() };
        let mut catalog = Catalog::open(&reader).expect("reads");
        assert!(catalog.is_indexed());
        for asked in [&strict, &query] {
            let expected = Catalog::scan(&reader).expect("reads").select(asked, None).expect("reads");
            assert_eq!(expected.len(), 10);
            assert_eq!(catalog.select(asked, None).expect("reads"), expected);
        }
        assert!(!catalog.is_indexed(), "it is not asked again");
        drop(catalog);
        assert!(!Folder::of(&root).join("seal").exists(), "and is built anew next time");
    }
}
