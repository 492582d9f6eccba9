//! What differs between two states of a resource, in words: each field by its name, with both values where they are
//! public.

use super::state::{Active, Fields, Node, State};
use std::collections::{BTreeMap, BTreeSet};

/// What of these fields is not in the second state as it is in the first, one line each. Values stand as they are: escape
/// before printing. Contents are sealed, so that one is only said to be another.
pub fn differences(was: &State, is: &State, fields: Fields) -> Vec<String> {
    let mut all = Vec::new();
    match (was, is) {
        (State::Node(was), State::Node(is)) => nodes(was, is, fields, &mut all),
        (State::Unit { active: a, enabled: e }, State::Unit { active, enabled }) => {
            differs(&mut all, "it", word(*a), word(*active));
            differs(&mut all, "at boot", e, enabled);
        }
        (
            State::File { mode: m, owner: o, size: s, body: b, attributes: a, .. },
            State::File { mode, owner, size, body, attributes, .. },
        ) => {
            differs(&mut all, "mode", &format!("{m:04o}"), &format!("{mode:04o}"));
            differs(&mut all, "owner", o, owner);
            if b != body {
                all.push(format!("content: was {s} bytes, is {size} bytes, and another"));
            }
            if a != attributes {
                all.push("attributes: others than they were".to_owned());
            }
        }
        (State::Object { uid: u, body: b, .. }, State::Object { uid, body, .. }) => {
            differs(&mut all, "UID", u, uid);
            if b != body {
                all.push("content: another than it was".to_owned());
            }
        }
        (State::Tree { entries: e, body: b }, State::Tree { entries, body }) => {
            differs(&mut all, "entries", &e.to_string(), &entries.to_string());
            if b != body {
                all.push("content: another than it was".to_owned());
            }
        }
        _ => {}
    }
    // Of all other states the whole is short.
    if all.is_empty() {
        all.push(format!("was {was}, is {is}"));
    }
    all
}

fn word(active: Active) -> &'static str {
    match active {
        Active::Active => "active",
        Active::Inactive => "inactive",
        Active::Failed => "failed",
    }
}

fn differs(all: &mut Vec<String>, what: &str, was: &str, is: &str) {
    if was != is {
        all.push(format!("{what}: was {was}, is {is}"));
    }
}

fn nodes(was: &Node, is: &Node, fields: Fields, all: &mut Vec<String>) {
    let cordoned = |node: &Node| if node.unschedulable { "cordoned" } else { "schedulable" };
    differs(all, "UID", &was.uid, &is.uid);
    differs(all, "scheduling", cordoned(was), cordoned(is));
    if fields == Fields::Schedulable {
        return;
    }
    texts(all, "label", &was.labels, &is.labels);
    texts(all, "annotation", &was.annotations, &is.annotations);
    for taint in was.taints.symmetric_difference(&is.taints) {
        let how = if is.taints.contains(taint) { "was not there, is there" } else { "was there, is gone" };
        all.push(format!("taint {taint}: {how}"));
    }
    if fields == Fields::All {
        let ready = |node: &Node| if node.ready { "ready" } else { "not ready" };
        differs(all, "it", ready(was), ready(is));
        differs(all, "runtime", &was.runtime, &is.runtime);
        differs(all, "kubelet", &was.kubelet, &is.kubelet);
    }
}

fn texts(all: &mut Vec<String>, what: &str, was: &BTreeMap<String, String>, is: &BTreeMap<String, String>) {
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    for name in names {
        match (was.get(name), is.get(name)) {
            (Some(was), Some(is)) if was == is => {}
            (Some(was), Some(is)) => all.push(format!("{what} {name}: was {was}, is {is}")),
            (Some(was), None) => all.push(format!("{what} {name}: was {was}, is gone")),
            (None, Some(is)) => all.push(format!("{what} {name}: was not there, is {is}")),
            (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::BodyId;

    fn node(unschedulable: bool, labels: &[(&str, &str)], taints: &[&str]) -> State {
        State::Node(Box::new(Node {
            uid: "u".to_owned(),
            unschedulable,
            labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            annotations: BTreeMap::new(),
            taints: taints.iter().map(|taint| (*taint).to_owned()).collect(),
            ready: true,
            runtime: String::new(),
            kubelet: String::new(),
        }))
    }

    #[test]
    fn each_field_that_differs_is_named_with_both_values() {
        let was = node(false, &[("a", "1"), ("b", "2")], &["t=:NoSchedule"]);
        let is = node(true, &[("a", "3"), ("c", "4")], &["u=:NoExecute"]);
        let told = [
            "scheduling: was schedulable, is cordoned",
            "label a: was 1, is 3",
            "label b: was 2, is gone",
            "label c: was not there, is 4",
            "taint t=:NoSchedule: was there, is gone",
            "taint u=:NoExecute: was not there, is there",
        ];
        assert_eq!(differences(&was, &is, Fields::Membership), told);
        assert_eq!(differences(&was, &is, Fields::Schedulable), &told[..1]);
        let unit = |active, enabled: &str| State::Unit { active, enabled: enabled.to_owned() };
        let units = differences(&unit(Active::Active, "enabled"), &unit(Active::Failed, "disabled"), Fields::All);
        assert_eq!(units, ["it: was active, is failed", "at boot: was enabled, is disabled"]);
        let file = |mode, size, body| State::file(mode, "root:root", size, BodyId([body; 32]));
        let files = differences(&file(0o644, 3, 1), &file(0o600, 5, 2), Fields::All);
        assert_eq!(files, ["mode: was 0644, is 0600", "content: was 3 bytes, is 5 bytes, and another"]);
        assert_eq!(differences(&State::Absent, &file(0o644, 3, 1), Fields::All).len(), 1);
        assert!(differences(&State::Absent, &was, Fields::All)[0].starts_with("was absent, is ready"));
    }
}
