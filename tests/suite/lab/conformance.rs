//! Every action on the simulated lab: done twice, cut at every moment, taken back, with others about.

use palinode_core::action::runbook_names;
use palinode_executors::{Files, InventoryFiles, MemFiles};
use palinode_journal::MemJournal;
use palinode_replay::conformance::lab::{Desk, LabSubject};
use palinode_replay::conformance::{Case, Under, catalog, check, compare};
use palinode_replay::lab::{Surroundings, inventory_text};
use palinode_tests::memory::INVENTORY;
use palinode_tests::owner::owner;
use std::collections::BTreeSet;

/// A control side in memory, edited by the same code as a real one.
#[derive(Default)]
pub(crate) struct Memory(MemFiles);

impl Desk for Memory {
    type Journal = MemJournal;

    fn journal(&self) -> MemJournal {
        MemJournal::new(owner(1))
    }

    fn around(&self) -> Surroundings {
        let reader = self.0.clone();
        Surroundings {
            read_inventory: Box::new(move || Ok(reader.read(INVENTORY)?.map(|file| file.bytes).unwrap_or_default())),
            inventory_path: INVENTORY.to_owned(),
            control: Box::new(InventoryFiles::new(self.0.clone())),
        }
    }

    fn read(&self) -> String {
        let file = self.0.read(INVENTORY).expect("memory can be read");
        String::from_utf8(file.map(|file| file.bytes).unwrap_or_default()).expect("the inventory is text")
    }

    fn write(&self, text: &str) {
        self.0.replace(INVENTORY, text.as_bytes(), 0o644).expect("memory takes a file");
    }
}

/// The words that `PALINODE_TESTS_CASES` has: then only the cases whose names have one of them are tried.
fn words() -> Option<String> {
    std::env::var("PALINODE_TESTS_CASES").ok().filter(|words| !words.is_empty())
}

/// Whether some cases only are tried.
pub(crate) fn narrowed() -> bool {
    words().is_some()
}

/// Whether a case is one of those that are tried.
pub(crate) fn asked_for(case: &Case) -> bool {
    words().is_none_or(|words| words.split(',').any(|word| case.name.contains(word)))
}

/// Actions without a case. `restore` becomes `kube.patch-node` before it runs, which has cases; the others need pods and
/// objects that the lab does not have: `kube/objects.rs` and `kube/joins.rs` try them on a real API server.
const WITHOUT_A_CASE: [&str; 6] = ["kube.apply", "kube.approve-csr", "kube.exec", "kube.patch", "kube.wait", "restore"];

/// A kind of action without a case would keep no rule, and nobody would notice.
#[test]
fn every_action_of_a_runbook_has_a_case() {
    let cases = catalog::all(INVENTORY).expect("the names are names");
    let tried: BTreeSet<&str> = cases
        .iter()
        .filter_map(|case| match &case.under {
            Under::Plain(action) => Some(action.name()),
            Under::Inverse(_) => None,
        })
        .collect();
    let missing: Vec<&str> = runbook_names().filter(|name| !tried.contains(name)).collect();
    assert_eq!(missing, WITHOUT_A_CASE, "a new action gets a case in replay/src/conformance/catalog");
}

#[test]
fn every_action_keeps_every_rule_on_the_lab() {
    let cases = catalog::all(INVENTORY).expect("the names are names");
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len(), "every case has a name of its own");
    let cases: Vec<Case> = cases.into_iter().filter(asked_for).collect();
    let mut subject = LabSubject::new(Memory::default(), inventory_text());
    let report = check(&mut subject, &cases);
    println!("{report}");
    let broken: Vec<String> = report.violations.iter().map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    if narrowed() {
        return;
    }
    let mut other = report.images.clone();
    assert_eq!(compare(&report.images, &other), Vec::new());
    let left = &mut other.get_mut("cordon").expect("a case").after;
    left.values_mut().for_each(|state| *state = "schedulable".to_owned());
    let unequal = compare(&report.images, &other);
    assert_eq!(unequal.len(), 1, "{unequal:?}");
    assert_eq!((unequal[0].when, unequal[0].one.as_str()), ("after", "cordoned"));
}
