//! What differs between two states of a resource, in words for people.

use super::{Node, State};
use std::collections::BTreeMap;

/// So many differences are told one by one.
const TOLD: usize = 6;

/// Values longer than this are cut.
const LONGEST: usize = 80;

fn short(value: &str) -> String {
    match value.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", value.get(..at).unwrap_or_default()),
        None => value.to_owned(),
    }
}

/// What differs between texts by name, such as labels.
fn texts(kind: &str, was: &BTreeMap<String, String>, is: &BTreeMap<String, String>, out: &mut Vec<String>) {
    for (name, old) in was {
        match is.get(name) {
            Some(new) if new == old => {}
            Some(new) => out.push(format!("{kind} {name} was {}, is {}", short(old), short(new))),
            None => out.push(format!("{kind} {name} was {}, is gone", short(old))),
        }
    }
    for (name, new) in is.iter().filter(|(name, _)| !was.contains_key(*name)) {
        out.push(format!("{kind} {name} was not there, is {}", short(new)));
    }
}

fn nodes(was: &Node, is: &Node) -> Vec<String> {
    let mut out = Vec::new();
    if was.uid != is.uid {
        out.push(format!("it registered again: its UID was {}, is {}", was.uid, is.uid));
    }
    if was.unschedulable != is.unschedulable {
        let word = |node: &Node| if node.unschedulable { "cordoned" } else { "schedulable" };
        out.push(format!("it was {}, is {}", word(was), word(is)));
    }
    texts("label", &was.labels, &is.labels, &mut out);
    texts("annotation", &was.annotations, &is.annotations, &mut out);
    out.extend(was.taints.difference(&is.taints).map(|taint| format!("taint {taint} was there, is gone")));
    out.extend(is.taints.difference(&was.taints).map(|taint| format!("taint {taint} was not there, is there")));
    out
}

impl State {
    /// What of this state is different in a later one, each with both values; both as a whole where no more is known.
    pub fn changed_to(&self, is: &Self) -> String {
        let parts = match (self, is) {
            (Self::Node(was), Self::Node(is)) => nodes(was, is),
            (Self::Object { uid: old, body: was, marks }, Self::Object { uid, body, marks: now }) => {
                let mut out = Vec::new();
                if old != uid {
                    out.push(format!("it was made anew: its UID was {old}, is {uid}"));
                }
                texts("mark", marks, now, &mut out);
                if was != body {
                    out.push(format!("its content was {}, is {}", was.short(), body.short()));
                }
                out
            }
            _ => Vec::new(),
        };
        match parts.len() {
            0 => format!("was {self}, is {is}"),
            count if count > TOLD => {
                let (told, rest) = parts.split_at(TOLD);
                format!("{}; and {} more", told.join("; "), rest.len())
            }
            _ => parts.join("; "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn node(labels: &[(&str, &str)], taints: &[&str]) -> Node {
        Node {
            uid: "u".to_owned(),
            unschedulable: false,
            labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            annotations: BTreeMap::new(),
            taints: taints.iter().map(|taint| (*taint).to_owned()).collect(),
            ready: true,
            runtime: "docker://1".to_owned(),
            kubelet: "v1.11".to_owned(),
        }
    }

    fn told(was: Node, is: Node) -> String {
        State::Node(Box::new(was)).changed_to(&State::Node(Box::new(is)))
    }

    #[test]
    fn a_difference_names_what_it_is_and_both_values() {
        let was = || node(&[("zone", "a"), ("kept", "x"), ("old", "y")], &["t=1:NoSchedule"]);
        let is = node(&[("zone", "b"), ("kept", "x"), ("new", "z")], &["t=2:NoSchedule"]);
        assert_eq!(
            told(was(), is),
            "label old was y, is gone; label zone was a, is b; label new was not there, is z; \
             taint t=1:NoSchedule was there, is gone; taint t=2:NoSchedule was not there, is there"
        );
        let again = Node { uid: "v".to_owned(), unschedulable: true, ..was() };
        assert_eq!(told(was(), again), "it registered again: its UID was u, is v; it was schedulable, is cordoned");
        // What it does not name one by one is told as a whole.
        assert_eq!(
            told(was(), Node { ready: false, ..was() }),
            "was ready, schedulable, docker://1, uid u, is not ready, schedulable, docker://1, uid u"
        );
        assert_eq!(
            State::Absent.changed_to(&State::Node(Box::new(was()))),
            "was absent, is ready, schedulable, docker://1, uid u"
        );
        let many: BTreeSet<String> = (0..9).map(|number| format!("t{number}=:NoSchedule")).collect();
        let much = Node { taints: many, annotations: [("n".to_owned(), "x".repeat(500))].into(), ..was() };
        let words = told(was(), much);
        assert!(words.ends_with("; and 5 more") && words.len() < 500, "{words}");
    }
}
