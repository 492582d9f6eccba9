//! Stored values: the canonical form itself, entries, plans.

use super::msgpack;
use palinode_core::canon;
use palinode_core::record::{Entry, entry_id, plan_digest};
use palinode_core::run::plan::Plan;

/// The walker and the second reader agree on what is canonical.
pub(super) fn canon(bytes: &[u8]) {
    let walked = canon::walk(bytes);
    let expected = msgpack::read(bytes).and_then(|tree| msgpack::write(&tree)).is_some_and(|own| own == bytes);
    assert_eq!(walked.is_ok(), expected, "{walked:?}");
    if let Err(wrong) = walked {
        assert!(wrong.offset <= bytes.len(), "{wrong}");
    }
}

/// An entry that is read says nothing that its bytes do not say, and has one form of its own.
pub(super) fn entries(bytes: &[u8]) {
    let Ok(entry) = Entry::decode(bytes) else { return };
    let own = entry.encode().expect("what was decoded can be encoded");
    assert_eq!(Entry::decode(&own).expect("what was encoded can be decoded"), entry);
    agrees(bytes, &own);
    assert_eq!(entry_id(bytes) == entry_id(&own), bytes == own);
    let event = &entry.event;
    assert!(!event.kind().is_empty());
    assert!(event.step().is_none_or(|step| !step.as_str().is_empty()));
}

/// So has a plan, and it holds what the rules rely on.
pub(super) fn plan(bytes: &[u8]) {
    let Ok(plan) = Plan::decode(bytes) else { return };
    let (own, digest) = plan.encode().expect("what was decoded can be encoded");
    assert_eq!(digest, plan_digest(&own));
    assert_eq!(Plan::decode(&own).expect("what was encoded can be decoded"), plan);
    agrees(bytes, &own);
    let mut at = 0;
    for lane in &plan.lanes {
        assert!(lane.start == at && lane.end >= at, "the lanes cover the steps");
        at = lane.end;
    }
    assert_eq!(at as usize, plan.steps.len());
}

/// Bytes of a newer version may say more; they never say something else.
fn agrees(bytes: &[u8], own: &[u8]) {
    let [whole, part] = [bytes, own].map(|bytes| msgpack::read(bytes).expect("what was decoded is canonical"));
    assert!(msgpack::agree(&part, &whole), "{whole:?}\nwas read as\n{part:?}");
}
