//! The pods, found by UID, by node and by owner: the controllers ask for them thousands of times in a large cluster.

use super::model::PodRecord;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Pods by UID. Node and owner of a pod never change once it is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::lab) struct Pods {
    all: BTreeMap<Arc<str>, PodRecord>,
    by_node: BTreeMap<String, BTreeSet<Arc<str>>>,
    by_owner: BTreeMap<OwnerKey, BTreeSet<Arc<str>>>,
}

/// Namespace, kind and name of an owner.
type OwnerKey = (String, String, String);

fn owner_of(pod: &PodRecord) -> Option<OwnerKey> {
    let (kind, name) = pod.owner.as_ref()?;
    Some((pod.namespace.clone(), kind.clone(), name.clone()))
}

impl Pods {
    /// A pod.
    pub(in crate::lab) fn get(&self, uid: &str) -> Option<&PodRecord> {
        self.all.get(uid)
    }

    /// All pods, by UID.
    pub(in crate::lab) fn iter(&self) -> impl Iterator<Item = (&str, &PodRecord)> {
        self.all.iter().map(|(uid, pod)| (&**uid, pod))
    }

    /// The nodes that pods are bound to.
    pub(in crate::lab) fn nodes(&self) -> impl Iterator<Item = &str> {
        self.by_node.keys().map(String::as_str)
    }

    /// The pods of a node, by UID.
    pub(in crate::lab) fn on(&self, node: &str) -> impl Iterator<Item = (&str, &PodRecord)> {
        self.these(self.by_node.get(node))
    }

    /// How many pods a node has.
    pub(in crate::lab) fn count_on(&self, node: &str) -> usize {
        self.by_node.get(node).map_or(0, BTreeSet::len)
    }

    /// The pods of an owner, by UID.
    pub(in crate::lab) fn of(
        &self,
        namespace: &str,
        kind: &str,
        name: &str,
    ) -> impl Iterator<Item = (&str, &PodRecord)> {
        let key = (namespace.to_owned(), kind.to_owned(), name.to_owned());
        self.these(self.by_owner.get(&key))
    }

    /// How many pods an owner has.
    pub(in crate::lab) fn count_of(&self, namespace: &str, kind: &str, name: &str) -> usize {
        let key = (namespace.to_owned(), kind.to_owned(), name.to_owned());
        self.by_owner.get(&key).map_or(0, BTreeSet::len)
    }

    fn these<'a>(&'a self, uids: Option<&'a BTreeSet<Arc<str>>>) -> impl Iterator<Item = (&'a str, &'a PodRecord)> {
        uids.into_iter().flatten().filter_map(|uid| self.all.get(uid).map(|pod| (&**uid, pod)))
    }

    /// Adds a pod.
    pub(in crate::lab) fn insert(&mut self, uid: String, pod: PodRecord) {
        let uid: Arc<str> = uid.into();
        self.by_node.entry(pod.node.clone()).or_default().insert(Arc::clone(&uid));
        if let Some(owner) = owner_of(&pod) {
            self.by_owner.entry(owner).or_default().insert(Arc::clone(&uid));
        }
        self.all.insert(uid, pod);
    }

    /// Removes a pod.
    pub(in crate::lab) fn remove(&mut self, uid: &str) -> Option<PodRecord> {
        let pod = self.all.remove(uid)?;
        forget(&mut self.by_node, &pod.node, uid);
        if let Some(owner) = owner_of(&pod) {
            forget(&mut self.by_owner, &owner, uid);
        }
        Some(pod)
    }

    /// Removes the pods of a node; tells whether there were any.
    pub(in crate::lab) fn clear(&mut self, node: &str) -> bool {
        let gone: Vec<Arc<str>> = self.by_node.get(node).into_iter().flatten().cloned().collect();
        gone.iter().for_each(|uid| drop(self.remove(uid)));
        !gone.is_empty()
    }

    /// Changes the pods of a node, all but where they are and whose.
    pub(in crate::lab) fn change_on(&mut self, node: &str, mut change: impl FnMut(&mut PodRecord)) {
        for uid in self.by_node.get(node).into_iter().flatten() {
            if let Some(pod) = self.all.get_mut(uid) {
                change(pod);
            }
        }
    }

    /// Changes every pod, all but where they are and whose.
    pub(in crate::lab) fn change_all(&mut self, change: impl FnMut(&mut PodRecord)) {
        self.all.values_mut().for_each(change);
    }
}

fn forget<K: Ord>(index: &mut BTreeMap<K, BTreeSet<Arc<str>>>, key: &K, uid: &str) {
    if let Some(uids) = index.get_mut(key) {
        uids.remove(uid);
        if uids.is_empty() {
            index.remove(key);
        }
    }
}

impl Serialize for Pods {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Pods {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut pods = Self::default();
        for (uid, pod) in BTreeMap::<String, PodRecord>::deserialize(from)? {
            pods.insert(uid, pod);
        }
        Ok(pods)
    }
}
