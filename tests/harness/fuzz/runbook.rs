//! Runbooks as a person may write them, against the inventory of the lab.

use crate::memory::given;
use palinode_core::run::plan::Plan;
use palinode_core::runbook::{Finding, Given, Runbook};
use palinode_replay::lab;
use std::sync::LazyLock;

static GIVEN: LazyLock<Given> =
    LazyLock::new(|| Given { inventory: Some(given(&lab::inventory_text())), ..Given::default() });

/// A runbook becomes a plan that can be stored, always the same one; or every complaint has a place, a reason and a
/// next step.
pub(super) fn runbook(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let read = || Runbook::parse(text).and_then(|runbook| runbook.expand(&GIVEN));
    match read() {
        Ok(plan) => {
            let (stored, _) = plan.encode().expect("a plan can be stored");
            assert_eq!(Plan::decode(&stored).expect("a stored plan can be read"), plan);
            assert_eq!(read().expect("a good runbook stays good"), plan);
        }
        Err(findings) => {
            assert!(!findings.is_empty(), "what is refused has a reason");
            findings.iter().for_each(|finding| sound(finding, text));
        }
    }
}

fn sound(finding: &Finding, text: &str) {
    let said = finding.to_string();
    assert!(!finding.what.is_empty() && !finding.next.is_empty(), "{finding:?}");
    let wild = said.chars().chain(finding.next.chars()).find(|c| c.is_control() && *c != '\n');
    assert_eq!(wild, None, "nothing that a terminal acts on: {finding:?}");
    // A document's end may stand one line behind its text.
    let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count() + 1;
    assert!(finding.at.line as usize <= lines, "{finding:?}");
}
