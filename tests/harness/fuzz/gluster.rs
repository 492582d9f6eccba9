//! What gluster printed, of each member that was asked.
//!
//! An input is parts with a zero byte between them: a question, such as `heal v`, and what came; a part `member` begins the
//! answers of the next one.

use palinode_executors::reading;
use std::collections::BTreeMap;

type Answers = BTreeMap<String, Vec<u8>>;

/// The answers of each member in an input.
fn members(bytes: &[u8]) -> Vec<Answers> {
    let mut all: Vec<Answers> = Vec::new();
    let mut parts = bytes.split(|byte| *byte == 0);
    while let Some(part) = parts.next() {
        match (part, all.last_mut()) {
            (b"member", _) => all.push(Answers::new()),
            (name, Some(answers)) => {
                let name = String::from_utf8_lossy(name).into_owned();
                answers.insert(name, parts.next().unwrap_or_default().to_vec());
            }
            (_, None) => {}
        }
    }
    all
}

/// What opens says nothing of what is in the way, and rests on what all members said; facts are short enough to be stored.
pub(super) fn gluster(bytes: &[u8]) {
    let _ = reading::printed_by_storage(bytes);
    let all = members(bytes);
    let judged = reading::healed(&all);
    assert_eq!(judged, reading::healed(&all), "the same answers mean the same");
    assert_eq!(judged.pass, !judged.facts.contains_key("why"), "{judged:?}");
    assert!(!(judged.pass && judged.hopeless), "{judged:?}");
    for (name, value) in &judged.facts {
        assert!(value.chars().count() <= 1000, "{name} has {} characters", value.chars().count());
    }
    if !judged.pass {
        return;
    }
    assert!(all.len() >= 2, "two have to say so");
    assert_eq!((&*judged.facts["pending"], &*judged.facts["split-brain"]), ("0", "0"), "{judged:?}");
    let without = |gone: &dyn Fn(&str) -> bool| {
        let mut fewer = all.clone();
        fewer.iter_mut().for_each(|answers| answers.retain(|name, _| !gone(name)));
        reading::healed(&fewer)
    };
    for needed in ["pool", "info", "list"] {
        assert!(!without(&|name| name == needed).pass, "without `{needed}` nothing is known");
    }
    assert!(!without(&|name| name.starts_with("status ")).pass, "what runs is not told");
    assert!(!without(&|name| name.starts_with("detail ")).pass, "what room there is is not told");
    if !judged.facts.contains_key("distribute-only") {
        assert!(!without(&|name| name.starts_with("heal ")).pass, "what waits is not told");
    }
    let more = [all.clone(), vec![Answers::new()]].concat();
    assert!(!reading::healed(&more).pass, "one that says nothing has to be waited for");
}
