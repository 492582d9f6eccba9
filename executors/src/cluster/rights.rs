//! What these credentials may do, asked before anything is begun: a run shall not stop halfway for a right that it could
//! have been given before.

use super::Cluster;
use super::api::Verb;
use super::look::unseen;
use super::on_cluster::Needs;
use crate::kind::done_by;
use futures_util::future::join_all;
use palinode_core::action::Action;
use palinode_core::port::LookError;
use palinode_core::resource::ObjectRef;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt;

/// Where the server says what somebody may do. It is asked by a POST, and changes nothing.
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// Something that may be allowed: to do this with objects of a kind, everywhere or in a namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Right {
    verb: &'static str,
    group: String,
    /// The plural of the kind, and a part of it behind a slash.
    what: String,
    namespace: Option<String>,
    /// Which one: some are allowed one object alone.
    name: Option<String>,
}

impl Right {
    /// To do this with all objects of a kind.
    pub(crate) fn of(verb: &'static str, what: &str) -> Self {
        Self { verb, group: String::new(), what: what.to_owned(), namespace: None, name: None }
    }

    /// The same in one namespace.
    pub(crate) fn within(self, namespace: &str) -> Self {
        Self { namespace: Some(namespace.to_owned()), ..self }
    }

    /// The same with a kind of another group.
    pub(crate) fn group(self, group: &str) -> Self {
        Self { group: group.to_owned(), ..self }
    }

    /// What every change of a Node needs.
    pub(crate) fn node() -> Vec<Self> {
        vec![Self::of("get", "nodes"), Self::of("patch", "nodes")]
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.what)?;
        match &self.namespace {
            Some(space) => write!(f, " in {space}"),
            None => Ok(()),
        }
    }
}

impl Cluster {
    /// What these steps need and these credentials do not have, in words. A server that does not say is taken at its
    /// first refusal.
    pub(crate) async fn lacking(&self, actions: &[&Action]) -> Result<Vec<String>, LookError> {
        let mut all = BTreeSet::new();
        for kind in actions.iter().filter_map(|action| done_by(action).on_cluster()) {
            match kind.needs() {
                Needs::Rights(rights) => all.extend(rights),
                Needs::Object(object, verbs) => all.extend(self.rights_of(object, verbs).await),
            }
        }
        let found = join_all(all.iter().map(|right| self.may(right))).await;
        let mut lacking = Vec::new();
        for (right, may) in all.iter().zip(found) {
            if !may? {
                lacking.push(right.to_string());
            }
        }
        Ok(lacking)
    }

    /// The server is asked for the plural of a kind. One that it does not have yet is nobody's right: a step may make it.
    async fn rights_of(&self, object: &ObjectRef, verbs: &'static [&'static str]) -> Vec<Right> {
        let parts = [Some(&object.api), Some(&object.kind), object.namespace.as_ref(), Some(&object.name)];
        if parts.into_iter().flatten().any(|part| part.contains("{{")) {
            return Vec::new();
        }
        let Ok(Some(path)) = self.path_of(object).await else { return Vec::new() };
        let what = path.rsplit('/').nth(1).unwrap_or_default();
        let group = object.api.split_once('/').map_or("", |(group, _)| group);
        let right = |verb: &&'static str| Right {
            verb,
            group: group.to_owned(),
            what: what.to_owned(),
            namespace: object.namespace.clone(),
            // What is not there yet has no name that the server could ask about.
            name: (*verb != "create").then(|| object.name.clone()),
        };
        verbs.iter().map(right).collect()
    }

    /// Whether the server says what somebody may do.
    pub(crate) async fn is_told_rights(&self) -> bool {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": { "verb": "get", "group": "", "resource": "nodes" } },
        });
        self.api.ask(Verb::Post, REVIEWS, Some(&review)).await.is_ok_and(|answer| answer.is_good())
    }

    pub(crate) async fn may(&self, right: &Right) -> Result<bool, LookError> {
        let (resource, part) = right.what.split_once('/').unwrap_or((&right.what, ""));
        let mut wanted = json!({ "verb": right.verb, "group": right.group, "resource": resource });
        if !part.is_empty() {
            wanted["subresource"] = part.into();
        }
        if let Some(space) = &right.namespace {
            wanted["namespace"] = space.as_str().into();
        }
        if let Some(name) = &right.name {
            wanted["name"] = name.as_str().into();
        }
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": wanted },
        });
        let answer = self.api.ask(Verb::Post, REVIEWS, Some(&review)).await.map_err(unseen)?;
        Ok(!answer.is_good() || answer.body["status"]["allowed"] != false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::on_cluster::OnCluster as _;
    use palinode_core::action::{Bare, Drain, Emptydir, Terminating};
    use palinode_core::span::Span;

    #[test]
    fn a_drain_needs_evictions_and_only_by_force_deletions() {
        let drain = |terminating| {
            let (emptydir, bare, timeout) = (Emptydir::Refuse, Bare::Refuse, Span::seconds(1));
            let drain = Drain { emptydir, bare, timeout, terminating, grace: None };
            let Needs::Rights(rights) = drain.needs() else { unreachable!("it names no object") };
            rights.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let plain = ["get nodes", "patch nodes", "list pods", "create pods/eviction"];
        assert_eq!(drain(None), plain);
        let force = drain(Some(Terminating::Force { after: Span::seconds(1) }));
        assert_eq!(force, [plain.as_slice(), &["delete pods"]].concat());
    }
}
