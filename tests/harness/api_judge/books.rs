//! Random runbooks of actions through the API.

use super::world::{SORTS, Sort};
use crate::chance::Chance;
use std::fmt::Write as _;

/// A runbook, and what has to be there for it.
#[derive(Debug, Clone)]
pub struct ApiBook {
    /// The text of the file.
    pub text: String,
    /// Whether a Node is deleted in it, so that no kubelet may be heard of.
    pub deletes_node: bool,
    /// Whether certificates are approved in it.
    pub approves: bool,
}

fn pick<'a, T>(chance: &mut Chance, of: &'a [T]) -> &'a T {
    let at = usize::try_from(chance.below(u64::try_from(of.len()).expect("a length"))).expect("it is small");
    &of[at]
}

fn drain(chance: &mut Chance) -> String {
    let emptydir = *pick(chance, &["delete", "delete", "refuse"]);
    let bare = *pick(chance, &["delete", "delete", "refuse"]);
    let timeout = *pick(chance, &["2s", "8s", "8s"]);
    let more = *pick(
        chance,
        &[
            "",
            "",
            ", grace: 0s",
            ", grace: 2s",
            ", terminating: { force: { after: 1s } }",
            ", terminating: { ask: { after: 1s } }",
            ", retry-denied: 2s",
        ],
    );
    format!("kube.drain: {{ emptydir: {emptydir}, bare: {bare}, timeout: {timeout}{more} }}")
}

fn patch_node(chance: &mut Chance) -> String {
    let labels =
        *pick(chance, &["", "zone: b", "old: null", "new: x, zone: null", "no-such: null", "region: ''", "zone: a"]);
    let taints = *pick(
        chance,
        &[
            "",
            "",
            "'storage=yes:NoSchedule': true",
            "'dedicated=x:NoSchedule': false",
            "'dedicated=y:NoSchedule': true",
            "'dedicated=:PreferNoSchedule': true, 'storage=:NoSchedule': false",
        ],
    );
    let cordoned = *pick(chance, &["", "", "", "unschedulable: true, ", "unschedulable: false, "]);
    let mut all = cordoned.to_owned();
    if !labels.is_empty() {
        let _ = write!(all, "labels: {{ {labels} }}, ");
    }
    if !taints.is_empty() {
        let _ = write!(all, "taints: {{ {taints} }}, ");
    }
    match all.strip_suffix(", ") {
        Some(all) => format!("kube.patch-node: {{ {all} }}"),
        None => "kube.patch-node: { labels: { zone: c } }".to_owned(),
    }
}

/// A step on a node; `deletes` is set where it deletes one.
fn on_node(chance: &mut Chance, number: usize, book: &mut ApiBook) -> String {
    match chance.below(14) {
        0..=2 => "kube.cordon: {}".to_owned(),
        3 => "kube.uncordon: {}".to_owned(),
        4..=6 => drain(chance),
        7..=9 => patch_node(chance),
        10 => {
            book.deletes_node = true;
            "kube.delete-node: {}".to_owned()
        }
        11 => {
            book.approves = true;
            format!("kube.approve-csr: {{ uses: [client], timeout: {} }}", pick(chance, &["1s", "5s"]))
        }
        12 if number > 0 => {
            let fields = *pick(chance, &["unschedulable", "labels", "unschedulable, labels"]);
            format!("restore: {{ step: s{}, fields: [{fields}] }}", chance.below(number as u64))
        }
        _ => patch_node(chance),
    }
}

fn object(sort: &Sort, space: &str, name: &str) -> String {
    match sort.namespaced {
        true => format!("{{ api: {}, kind: {}, namespace: {space}, name: {name} }}", sort.api, sort.kind),
        false => format!("{{ api: {}, kind: {}, name: {name} }}", sort.api, sort.kind),
    }
}

/// A step on an object.
fn on_object(chance: &mut Chance, space: &str, of_host: bool) -> String {
    let sort = pick(chance, SORTS);
    let name = sort.name_in(space);
    let named = object(sort, space, &name);
    match chance.below(12) {
        0..=3 => format!("kube.patch: {{ object: {named}, merge: {} }}", pick(chance, sort.merges)),
        // What each host makes another one of.
        4 if of_host => format!(
            "kube.patch: {{ object: {named}, merge: {{ metadata: {{ labels: {{ by: '{{{{ host }}}}' }} }} }} }}"
        ),
        5..=6 if sort.kind == "ConfigMap" => {
            format!("kube.delete: {{ namespace: {space}, name: {name}, unless_used: true }}")
        }
        5..=7 => format!("kube.delete: {{ object: {named} }}"),
        8 => {
            let made = *pick(chance, &["made", "map"]);
            format!(
                "kube.apply: {{ manifest: {{ apiVersion: v1, kind: ConfigMap, metadata: {{ namespace: {space}, name: {made} }}, data: {{ m: '{}' }} }} }}",
                chance.below(3)
            )
        }
        9 => {
            let map = {
                let name = *pick(chance, &["new", "map"]);
                object(&SORTS[0], space, name)
            };
            format!("kube.patch: {{ object: {map}, merge: {{ data: {{ n: '1' }} }}, create: true }}")
        }
        10 => format!(
            "kube.patch: {{ object: {}, merge: {{ data: {{ n: '1' }} }} }}",
            object(&SORTS[0], space, "no-such")
        ),
        _ => {
            let until = *pick(chance, &["exists", "gone", "{ field: { at: /metadata/annotations/note, is: kept } }"]);
            format!("kube.wait: {{ object: {named}, until: {until}, timeout: 2s }}")
        }
    }
}

/// A runbook of one to five steps for each node, and as many as that before and after them.
pub fn api_book(chance: &mut Chance, space: &str) -> ApiBook {
    let mut book = ApiBook { text: String::new(), deletes_node: false, approves: false };
    let section = |name: &str, steps: &[String], first: usize| {
        if steps.is_empty() {
            return String::new();
        }
        let lines = steps.iter().enumerate().map(|(at, step)| format!("  - s{}: {{ {step} }}\n", first + at));
        format!("{name}:\n{}", lines.collect::<String>())
    };
    let serial = 1 + chance.below(2);
    let before: Vec<String> = (0..chance.below(3)).map(|_| on_object(chance, space, false)).collect();
    let after: Vec<String> = (0..chance.below(2)).map(|_| on_object(chance, space, false)).collect();
    let each: Vec<String> = (0..=chance.below(5) as usize)
        .map(|number| match chance.below(6) {
            0..=1 => on_object(chance, space, true),
            _ => on_node(chance, number, &mut book),
        })
        .collect();
    let mut text = format!("runbook: random\nhosts: {{ group: nodes, serial: {serial} }}\n");
    text += &section("before", &before, 100);
    text += &section("each_host", &each, 0);
    text += &section("after", &after, 200);
    book.text = text;
    book
}
