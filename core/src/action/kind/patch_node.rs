//! `kube.patch-node`: fields of the Node object, set.

use crate::action::{
    Action, ActionKind, CheckError, Described, Place, Recovery, Target, Undo, UndoClass, on_cluster, values,
};
use crate::cluster;
use crate::form::Form;
use crate::id::ResourceKey;
use crate::resource::{Fields, Footprint, Image, State};
use crate::shown::Shown as _;
#[cfg(test)]
use crate::test_util::{Arbitrary, Dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Sets fields of the Node object. Labels and taints that are not named stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchNode {
    /// Whether the node shall be cordoned; without this it is left as it is.
    #[serde(default)]
    pub unschedulable: Option<bool>,
    /// Labels, each with its value; without a value (`null`) the label is removed.
    #[serde(default)]
    pub labels: BTreeMap<String, Option<String>>,
    /// Taints as `key=value:Effect`, and whether it shall have them. One that is set takes the place of another of that
    /// key and effect.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub taints: BTreeMap<String, bool>,
}

/// Key and effect of a taint, by which the API tells taints apart.
fn key_and_effect(taint: &str) -> Option<(&str, &str)> {
    let (rest, effect) = taint.rsplit_once(':')?;
    Some((rest.split_once('=')?.0, effect))
}

impl PatchNode {
    /// The taints that a node has after it, from those that it has.
    pub fn tainted(&self, now: &BTreeSet<String>) -> BTreeSet<String> {
        let set = || self.taints.iter().filter(|(_, want)| **want).map(|(taint, _)| taint);
        let stays = |taint: &&String| {
            self.taints.get(*taint).copied().unwrap_or_else(|| {
                set().all(|other| key_and_effect(other).is_none() || key_and_effect(other) != key_and_effect(taint))
            })
        };
        now.iter().filter(stays).chain(set()).cloned().collect()
    }
}

impl Described for PatchNode {
    const EXAMPLES: &'static [&'static str] = &["\
- label:
    kube.patch-node:
      labels: { glusterfs: storage-host, old-label: null }
      taints: { \"storage=yes:NoSchedule\": true }
"];

    fn forms() -> Vec<Form> {
        vec![Form::of::<Self>()]
    }
}

#[cfg(test)]
impl Arbitrary for PatchNode {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self {
            unschedulable: dice.maybe(Dice::flag),
            labels: dice.list(|dice| (dice.word(), dice.maybe(Dice::word))),
            taints: dice.list(|dice| (dice.word(), dice.flag())),
        }
    }
}

impl ActionKind for PatchNode {
    fn place(&self) -> Place {
        Place::Cluster
    }

    fn class(&self) -> UndoClass {
        UndoClass::Reversible
    }

    fn recovery(&self) -> Recovery {
        Recovery::Repeat
    }

    fn words(&self) -> String {
        let mut parts = Vec::new();
        match self.unschedulable {
            Some(true) => parts.push("cordon the node".to_owned()),
            Some(false) => parts.push("make the node schedulable".to_owned()),
            None => {}
        }
        let labels = |set: bool| -> Vec<String> {
            let these = self.labels.iter().filter(|(_, value)| value.is_some() == set);
            these
                .map(|(label, value)| value.as_ref().map_or(label.clone(), |value| format!("{label}={value}")))
                .collect()
        };
        let taints = |set: bool| -> Vec<String> {
            self.taints.iter().filter(|(_, want)| **want == set).map(|(taint, _)| taint.clone()).collect()
        };
        for (does, names, noun) in [
            ("label the node", labels(true), "label"),
            ("remove the label", labels(false), "label"),
            ("taint the node", taints(true), "taint"),
            ("remove the taint", taints(false), "taint"),
        ] {
            if !names.is_empty() {
                parts.push(format!("{does} {}", values::list(&names, noun)));
            }
        }
        if parts.is_empty() { "leave the node as it is".to_owned() } else { parts.join(", ") }
    }

    fn check(&self) -> Result<(), CheckError> {
        let mut set = BTreeSet::new();
        for (taint, want) in &self.taints {
            let shown = taint.shown();
            let parts = key_and_effect(taint).filter(|(key, effect)| {
                let plain = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
                let value = &taint[key.len() + 1..taint.len() - effect.len() - 1];
                !key.is_empty()
                    && key.chars().all(plain)
                    && value.chars().all(|c| plain(c) && c != '/')
                    && ["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(effect)
            });
            let wrong = |why: String| CheckError::of("taints", why);
            let parts = parts.ok_or_else(|| {
                wrong(format!(
                    "`{shown}` is no taint: write `key=value:Effect`, or `key=:Effect` for one without a value"
                ))
            })?;
            if cluster::is_own_taint(parts.0) {
                return Err(wrong(format!("the taint `{shown}` comes and goes by the cluster's own hand")));
            }
            if *want && !set.insert(parts) {
                return Err(wrong(format!("a node has one taint `{}` with {}, and two are set", parts.0, parts.1)));
            }
        }
        Ok(())
    }

    fn footprint(&self, target: &Target) -> Vec<Footprint> {
        on_cluster::node(target, Fields::Membership)
    }

    fn met(&self, _: &ResourceKey, _: Option<&State>, now: &State) -> Option<bool> {
        let is_set = matches!(now, State::Node(node)
            if self.unschedulable.is_none_or(|want| want == node.unschedulable)
            && self.labels.iter().all(|(key, want)| node.labels.get(key) == want.as_ref())
            && self.taints.iter().all(|(taint, want)| node.taints.contains(taint) == *want));
        Some(is_set)
    }

    fn inverse(&self, _: &Target, before: &Image) -> Vec<Undo> {
        on_cluster::nodes(before)
            .filter_map(|(_, node)| node)
            .map(|node| {
                let old = |key: &String| (key.clone(), node.labels.get(key).cloned());
                // What it found as it was to be stays.
                let after = self.tainted(&node.taints);
                let gone = node.taints.difference(&after).map(|taint| (taint.clone(), true));
                let new = after.difference(&node.taints).map(|taint| (taint.clone(), false));
                Undo::new(Action::PatchNode(Self {
                    unschedulable: self.unschedulable.map(|_| node.unschedulable),
                    labels: self.labels.keys().map(old).collect(),
                    taints: gone.chain(new).collect(),
                }))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Node;

    fn patch(taints: &[(&str, bool)]) -> PatchNode {
        let taints = taints.iter().map(|(taint, want)| ((*taint).to_owned(), *want)).collect();
        PatchNode { unschedulable: None, labels: BTreeMap::new(), taints }
    }

    fn node(taints: &[&str]) -> Node {
        Node {
            uid: "u".to_owned(),
            unschedulable: false,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            taints: taints.iter().map(|taint| (*taint).to_owned()).collect(),
            ready: true,
            runtime: String::new(),
            kubelet: String::new(),
        }
    }

    #[test]
    fn taints_are_set_and_only_what_changed_is_put_back() {
        let met = |patch: &PatchNode, now: &State| patch.met(&ResourceKey::node("n"), None, now) == Some(true);
        let (a, b, c) = ("a=1:NoSchedule", "a=2:NoSchedule", "c=:NoExecute");
        for (before, wanted, after, back) in [
            (vec![], vec![(a, true)], vec![a], vec![(a, false)]),
            (vec![a, c], vec![(a, true)], vec![a, c], vec![]),
            (vec![a, c], vec![(a, false)], vec![c], vec![(a, true)]),
            (vec![c], vec![(a, false)], vec![c], vec![]),
            // A node has one taint of a key and an effect.
            (vec![a], vec![(b, true)], vec![b], vec![(a, true), (b, false)]),
            (vec![a], vec![(b, true), (a, true)], vec![a, b], vec![(b, false)]),
        ] {
            let wanted = patch(&wanted);
            let (before, after) = (node(&before), node(&after));
            assert_eq!(wanted.tainted(&before.taints), after.taints, "{wanted:?}");
            assert!(met(&wanted, &State::Node(Box::new(after.clone()))), "{wanted:?}");
            let image = Image::from([(ResourceKey::node("n"), State::Node(Box::new(before.clone())))]);
            let back = patch(&back);
            assert_eq!(wanted.inverse(&Target::default(), &image), [Undo::new(Action::PatchNode(back.clone()))]);
            assert_eq!(back.tainted(&after.taints), before.taints, "it is as before");
        }
        assert!(!met(&patch(&[(c, false)]), &State::Node(Box::new(node(&[c])))));
    }

    #[test]
    fn taints_that_are_none_or_not_ours_are_refused() {
        for (taints, words) in [
            (vec![("a=b:NoSchedule", true), ("a=c:NoSchedule", false), ("x/y=:NoExecute", true)], None),
            (vec![("a:NoSchedule", true)], Some("key=:Effect")),
            (vec![("a=b:Never", true)], Some("no taint")),
            (vec![("a=b", true)], Some("no taint")),
            (vec![("=b:NoExecute", true)], Some("no taint")),
            (vec![("{{ x }}=b:NoExecute", true)], Some("no taint")),
            (vec![("a=b:c:NoExecute", true)], Some("no taint")),
            (vec![("node.kubernetes.io/unreachable=:NoExecute", false)], Some("own hand")),
            (vec![("a=b:NoSchedule", true), ("a=c:NoSchedule", true)], Some("two are set")),
        ] {
            let found = Action::PatchNode(patch(&taints)).check();
            match words {
                None => assert_eq!(found, Ok(()), "{taints:?}"),
                Some(words) => {
                    assert!(found.as_ref().is_err_and(|error| error.reason.contains(words)), "{taints:?}: {found:?}");
                }
            }
        }
    }
}
