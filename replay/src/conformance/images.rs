//! Images in a form that two executors can agree on: contents instead of ids, numbers instead of UIDs.

use super::Subject;
use palinode_core::id::ResourceKey;
use palinode_core::resource::{Fields, Footprint, Image, Node, State};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The states of resources in words, by resource key.
pub type Canon = BTreeMap<String, String>;

/// What a case found and what it left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Images {
    /// Before the action.
    pub before: Canon,
    /// After it.
    pub after: Canon,
}

/// A resource that two subjects found in different states.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{case}: {key} {when} the action: `{one}` here, `{other}` there")]
pub struct Unequal {
    /// The case.
    pub case: String,
    /// The resource.
    pub key: String,
    /// `before` or `after`.
    pub when: &'static str,
    /// The state that the one has.
    pub one: String,
    /// The state that the other has.
    pub other: String,
}

/// Holds the images of two subjects against each other, for the cases that both have.
pub fn compare(one: &BTreeMap<String, Images>, other: &BTreeMap<String, Images>) -> Vec<Unequal> {
    let mut found = Vec::new();
    for (case, mine) in one {
        let Some(theirs) = other.get(case) else { continue };
        for (when, mine, theirs) in [("before", &mine.before, &theirs.before), ("after", &mine.after, &theirs.after)] {
            for (key, one, other) in differences(mine, theirs) {
                found.push(Unequal { case: case.clone(), key, when, one, other });
            }
        }
    }
    found
}

/// What differs between two maps of words: key, here, there.
pub(super) fn differences(one: &Canon, other: &Canon) -> Vec<(String, String, String)> {
    let word = |map: &Canon, key: &String| map.get(key).cloned().unwrap_or_else(|| "nothing".to_owned());
    let mut keys: Vec<&String> = one.keys().chain(other.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
        .filter(|key| one.get(*key) != other.get(*key))
        .map(|key| (key.clone(), word(one, key), word(other, key)))
        .collect()
}

/// Numbers identifiers in the order in which they are met.
#[derive(Default)]
struct Names(BTreeMap<String, usize>);

impl Names {
    fn number(&mut self, id: &str) -> usize {
        let next = self.0.len() + 1;
        *self.0.entry(id.to_owned()).or_insert(next)
    }
}

/// Before and after of an action in canonical form, on the fields that the action declares.
pub(super) fn canonical<S: Subject>(
    subject: &S,
    footprint: &[Footprint],
    before: &Image,
    after: &Image,
) -> Result<Images, String> {
    let mut names = Names::default();
    let mut side = |image: &Image| -> Result<Canon, String> {
        let mut canon = Canon::new();
        for Footprint { key, fields } in footprint {
            if let Some(state) = image.get(key) {
                canon.insert(key.as_str().to_owned(), words(subject, &mut names, key, *fields, state)?);
            }
        }
        Ok(canon)
    };
    Ok(Images { before: side(before)?, after: side(after)? })
}

fn words<S: Subject>(
    subject: &S,
    names: &mut Names,
    key: &ResourceKey,
    fields: Fields,
    state: &State,
) -> Result<String, String> {
    let open = |id| subject.bodies().get(id).map_err(|error| format!("the content of {key} cannot be opened: {error}"));
    let digest = |bytes: &[u8]| blake3::hash(bytes).to_hex()[..16].to_owned();
    if fields == Fields::Presence {
        return Ok(if *state == State::Absent { "absent" } else { "there" }.to_owned());
    }
    Ok(match state {
        State::Absent => "absent".to_owned(),
        State::Unit { active, enabled } => format!("{}, {enabled}", active.word()),
        State::Package { installed } => {
            let list: Vec<String> = installed.iter().map(ToString::to_string).collect();
            list.join(", ")
        }
        State::File { mode, owner, size, body, attributes, .. } => {
            let mut text = format!("file {mode:04o} {owner} {size} bytes {}", digest(&open(*body)?));
            if let Some(attributes) = attributes {
                let _ = write!(text, ", {}", String::from_utf8_lossy(&open(*attributes)?).trim());
            }
            text
        }
        State::Repository { .. } | State::Release { .. } => state.to_string(),
        State::Link { target, .. } => format!("link to {target}"),
        State::Tree { entries, body, .. } => {
            let tree = subject.tree(&open(*body)?).map_err(|error| format!("the archive of {key}: {error}"))?;
            let mut text = format!("directory with {entries} entries");
            for (path, what) in tree {
                let _ = write!(text, "\n  {path}: {what}");
            }
            text
        }
        State::Boot { id } => format!("boot {}", names.number(id)),
        State::Node(node) => node_words(names, fields, node),
        State::Pods { pods } => {
            let mut list: Vec<String> = pods
                .iter()
                .map(|pod| {
                    let owner = pod.owner.as_ref().filter(|(kind, _)| kind != "StatefulSet");
                    let name = owner.map_or(&pod.name, |(_, name)| name);
                    let emptydir = if pod.emptydir { " with emptyDir" } else { "" };
                    format!("{}/{name}{emptydir}", pod.namespace)
                })
                .collect();
            list.sort_unstable();
            format!("pods {}", list.join(", "))
        }
        State::Object { body, marks, .. } => format!("object {} {marks:?}", digest(&open(*body)?)),
    })
}

/// The fields that count; readiness and versions of a running node come and go by themselves.
fn node_words(names: &mut Names, fields: Fields, node: &Node) -> String {
    let scheduling = if node.unschedulable { "cordoned" } else { "schedulable" };
    match fields {
        Fields::Schedulable => scheduling.to_owned(),
        Fields::Membership => {
            format!(
                "{scheduling}, labels {:?}, annotations {:?}, taints {:?}",
                node.labels, node.annotations, node.taints
            )
        }
        _ => format!("node {}, {scheduling}, labels {:?}", names.number(&node.uid), node.labels),
    }
}
