//! What differs between two states of a resource, for people: each field that does, with both values.

use super::state::{Active, Nevra, State};
use crate::id::BodyId;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

impl State {
    /// What differs, field by field; both states where they are of another kind. Contents are told apart by short digests.
    /// Empty if nothing does that is ever compared.
    pub fn difference(&self, is: &Self) -> Vec<String> {
        let mut all = Fields(Vec::new());
        match (self, is) {
            (
                Self::File { mode, owner, size, body, attributes, .. },
                Self::File { mode: m, owner: o, size: s, body: b, attributes: a, .. },
            ) => {
                all.field("mode", &format!("{mode:04o}"), &format!("{m:04o}"));
                all.field("owner", owner, o);
                all.field("size", &size.to_string(), &s.to_string());
                all.field("content", &body.short(), &b.short());
                all.field("attributes", &digest(*attributes), &digest(*a));
            }
            (Self::Link { target, owner, .. }, Self::Link { target: t, owner: o, .. }) => {
                all.field("target", target, t);
                if let (Some(owner), Some(o)) = (owner, o) {
                    all.field("owner", owner, o);
                }
            }
            (Self::Tree { entries, body, list, .. }, Self::Tree { entries: e, body: b, list: l, .. }) => {
                all.field("entries", &entries.to_string(), &e.to_string());
                match (list, l) {
                    (Some(list), Some(l)) => all.field("what is in it", &list.short(), &l.short()),
                    _ => all.field("archive", &body.short(), &b.short()),
                }
            }
            (Self::Unit { active, enabled }, Self::Unit { active: a, enabled: e }) => {
                all.field("state", runs(*active), runs(*a));
                all.field("enabled", enabled, e);
            }
            (Self::Package { installed }, Self::Package { installed: i }) => {
                let list = |all: &[Nevra]| all.iter().map(Nevra::to_string).collect::<Vec<_>>().join(", ");
                all.field("installed", &list(installed), &list(i));
            }
            (Self::Node(was), Self::Node(is)) => {
                all.field("uid", &was.uid, &is.uid);
                all.field("cordoned", &was.unschedulable.to_string(), &is.unschedulable.to_string());
                all.fields("label", &was.labels, &is.labels);
                all.fields("annotation", &was.annotations, &is.annotations);
                let gone = was.taints.difference(&is.taints).map(|taint| format!("taint {taint} is gone"));
                let new = is.taints.difference(&was.taints).map(|taint| format!("taint {taint} is new"));
                all.0.extend(gone.chain(new));
            }
            (Self::Object { uid, body, marks }, Self::Object { uid: u, body: b, marks: m }) => {
                all.field("uid", uid, u);
                all.fields("mark", marks, m);
                all.field("content", &body.short(), &b.short());
            }
            (was, is) if was == is => {}
            (was, is) => all.0.push(format!("{was} -> {is}")),
        }
        all.0
    }
}

/// Values longer than this are cut.
const LONGEST: usize = 80;

fn short(value: String) -> String {
    match value.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", value.get(..at).unwrap_or_default()),
        None => value,
    }
}

fn digest(body: Option<BodyId>) -> String {
    body.map_or_else(|| "none".to_owned(), |body| body.short())
}

fn runs(active: Active) -> &'static str {
    match active {
        Active::Active => "active",
        Active::Inactive => "inactive",
        Active::Failed => "failed",
        Active::Leftovers => "inactive, with processes left",
    }
}

/// The fields that differ, in words.
struct Fields(Vec<String>);

impl Fields {
    fn field(&mut self, name: &str, was: &(impl Display + ?Sized), is: &(impl Display + ?Sized)) {
        let (was, is) = (was.to_string(), is.to_string());
        if was != is {
            self.0.push(format!("{name} {} -> {}", short(was), short(is)));
        }
    }

    fn fields(&mut self, name: &str, was: &BTreeMap<String, String>, is: &BTreeMap<String, String>) {
        let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        for key in names {
            let value = |all: &BTreeMap<String, String>| all.get(key).map_or("none", |value| value).to_owned();
            self.field(&format!("{name} {key}"), &value(was), &value(is));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Node;
    use super::*;

    #[test]
    fn each_field_that_differs_is_named_with_both_values() {
        let body = |byte| BodyId([byte; 32]);
        let file = |mode, owner: &str, size, byte| State::file(mode, owner, size, body(byte));
        let told = |was: &State, is: &State| was.difference(is).join(", ");
        assert_eq!(told(&file(0o644, "a:a", 1, 1), &file(0o600, "b:b", 1, 1)), "mode 0644 -> 0600, owner a:a -> b:b");
        let (one, two) = (body(1).short(), body(2).short());
        assert_eq!(
            told(&file(0o644, "a:a", 1, 1), &file(0o644, "a:a", 2, 2)),
            format!("size 1 -> 2, content {one} -> {two}")
        );
        assert_eq!(told(&State::link("x"), &State::link("y")), "target x -> y");
        assert_eq!(told(&State::Absent, &State::link("y")), "absent -> link to y");
        assert_eq!(told(&State::tree(1, body(1)), &State::tree(2, body(1))), "entries 1 -> 2");
        let unit = |active, enabled: &str| State::Unit { active, enabled: enabled.to_owned() };
        let (up, down) = (unit(Active::Active, "enabled"), unit(Active::Inactive, "disabled"));
        assert_eq!(told(&up, &down), "state active -> inactive, enabled enabled -> disabled");
        let node = |labels: &[(&str, &str)], taints: &[&str]| {
            let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            State::Node(Box::new(Node {
                uid: "1".to_owned(),
                unschedulable: false,
                labels,
                annotations: BTreeMap::new(),
                taints: taints.iter().map(|taint| (*taint).to_owned()).collect(),
                ready: true,
                runtime: String::new(),
                kubelet: String::new(),
            }))
        };
        let words = "label a 1 -> 2, label b none -> 3, taint t is gone";
        assert_eq!(told(&node(&[("a", "1")], &["t"]), &node(&[("a", "2"), ("b", "3")], &[])), words);
        let cut = format!("label a 1 -> {}...", "x".repeat(80));
        assert_eq!(told(&node(&[("a", "1")], &[]), &node(&[("a", &"x".repeat(500))], &[])), cut);
        for state in [up, file(0o644, "a:a", 1, 1), State::Absent, node(&[], &[])] {
            assert_eq!(told(&state, &state), "");
        }
    }
}
