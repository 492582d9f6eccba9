//! What these credentials may do, asked before anything is begun: a run shall not stop halfway for a right that it could
//! have been given before.
//!
//! It is asked for all objects of a kind first, and only where that is not allowed for those that the plan has to do with:
//! a role may name them (`resourceNames`), or be one of a namespace.

use super::Cluster;
use super::api::Verb;
use super::checkup::minor;
use super::look::unseen;
use super::on_cluster::Needs;
use crate::kind::done_by;
use futures_util::future::join_all;
use palinode_core::action::{Action, ApproveCsr, CertUse, Target};
use palinode_core::cluster;
use palinode_core::port::LookError;
use palinode_core::resource::ObjectRef;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Where the server says what somebody may do. It is asked by a POST, and changes nothing.
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// Since this minor version a request is approved only by who may approve for its signer as well.
const SIGNERS: u32 = 18;

/// What may be approved for, in the language of rights.
const SIGNER: &str = "signers";

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

    /// The same with one object alone. What is not there yet has no name that the server could ask about.
    pub(crate) fn named(self, name: &str) -> Self {
        Self { name: (self.verb != "create").then(|| name.to_owned()), ..self }
    }

    /// The same with a kind of another group.
    pub(crate) fn group(self, group: &str) -> Self {
        Self { group: group.to_owned(), ..self }
    }

    /// What every change of a Node needs.
    pub(crate) fn node() -> Vec<Self> {
        vec![Self::of("get", "nodes"), Self::of("patch", "nodes")]
    }

    /// The same with all objects of the kind, where it is about.
    fn broad(&self) -> Self {
        Self { name: None, ..self.clone() }
    }

    /// In words that name the object.
    fn exact(&self) -> String {
        match &self.name {
            Some(name) => format!("{self} (of {name})"),
            None => self.to_string(),
        }
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

/// The rights that a plan needs, each with those that would do in its place: of the objects that it is about.
type Wanted = BTreeMap<Right, BTreeSet<(Right, Option<String>)>>;

impl Cluster {
    /// What these steps need and these credentials do not have, in words. A server that does not say is taken at its
    /// first refusal.
    pub(crate) async fn lacking(&self, steps: &[(&Action, &Target)]) -> Result<Vec<String>, LookError> {
        let mut nodes = BTreeMap::new();
        let mut wanted = Wanted::new();
        for (action, target) in steps {
            let Some(kind) = done_by(action).on_cluster() else { continue };
            let whose = (target.host.as_ref(), target.node.as_deref());
            let node: Option<String> = match nodes.get(&whose) {
                Some(known) => Option::clone(known),
                None => {
                    let node = self.node_in(target).await;
                    nodes.insert(whose, node.clone());
                    node
                }
            };
            let mut rights = match kind.needs() {
                Needs::Rights(rights) => rights,
                Needs::Object(object, verbs) => self.rights_of(object, verbs).await,
            };
            if let Action::ApproveCsr(approve) = action
                && minor(self.id()).is_some_and(|minor| minor >= SIGNERS)
            {
                rights.extend(signers(approve));
            }
            for right in rights {
                wanted.entry(right.broad()).or_default().insert((right, node.clone()));
            }
        }
        let found = join_all(wanted.keys().map(|right| self.may(right))).await;
        let mut lacking = Vec::new();
        for ((broad, all), may) in wanted.iter().zip(found) {
            if !may? {
                lacking.extend(self.lacks(broad, all).await?);
            }
        }
        Ok(lacking)
    }

    /// Which of the objects that a plan is about these credentials may not do this with, although they may not do it with all.
    async fn lacks(&self, broad: &Right, all: &BTreeSet<(Right, Option<String>)>) -> Result<Vec<String>, LookError> {
        let mut narrow = BTreeSet::new();
        for (right, node) in all {
            let mine = self.narrowed(right, node.as_deref()).await;
            // Nothing narrower would do.
            if mine.is_empty() {
                return Ok(vec![broad.to_string()]);
            }
            narrow.extend(mine);
        }
        let found = join_all(narrow.iter().map(|right| self.may(right))).await;
        let mut lacking = Vec::new();
        for (right, may) in narrow.iter().zip(found) {
            if !may? {
                lacking.push(right.exact());
            }
        }
        Ok(if lacking.len() == narrow.len() { vec![broad.to_string()] } else { lacking })
    }

    /// What of a right would do for a step on this node; nothing, where only the whole would.
    async fn narrowed(&self, right: &Right, node: Option<&str>) -> Vec<Right> {
        match (right.what.as_str(), right.verb, node) {
            _ if right.name.is_some() => vec![right.clone()],
            ("nodes", "get" | "patch" | "delete", Some(node)) => vec![right.clone().named(node)],
            ("pods/eviction", _, Some(node)) | ("pods", "delete", Some(node)) if right.namespace.is_none() => {
                let Ok(pods) = self.pods_on(node).await else { return Vec::new() };
                let moves = pods.iter().filter(|pod| cluster::stays(pod, &None).is_none());
                let spaces: BTreeSet<&str> = moves.map(cluster::namespace).collect();
                spaces.into_iter().map(|space| right.clone().within(space)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The node of a step's target, if that can be said.
    async fn node_in(&self, target: &Target) -> Option<String> {
        match &target.host {
            Some(host) => self.node_of(host, target.node.as_deref()).await.ok(),
            None => target.node.clone(),
        }
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
        let right = |verb: &&'static str| {
            let right = Right { namespace: object.namespace.clone(), ..Right::of(verb, what).group(group) };
            right.named(&object.name)
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
        let may = !answer.is_good() || answer.body["status"]["allowed"] != false;
        // A role may name all signers of a domain.
        match right.name.as_deref().and_then(|name| name.split_once('/')) {
            Some((domain, signer)) if !may && right.what == SIGNER && signer != "*" => {
                let all = Right { name: Some(format!("{domain}/*")), ..right.clone() };
                Box::pin(self.may(&all)).await
            }
            _ => Ok(may),
        }
    }
}

/// To approve for the signers of kubelets' certificates.
fn signers(approve: &ApproveCsr) -> impl Iterator<Item = Right> {
    let signer = |usage: &CertUse| match usage {
        CertUse::Client => "kubernetes.io/kube-apiserver-client-kubelet",
        CertUse::Server => "kubernetes.io/kubelet-serving",
    };
    approve.uses.iter().map(move |usage| Right::of("approve", SIGNER).group("certificates.k8s.io").named(signer(usage)))
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
            let drain = Drain { emptydir, bare, timeout, terminating, grace: None, retry_denied: None };
            let Needs::Rights(rights) = drain.needs() else { unreachable!("it names no object") };
            rights.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let plain = ["get nodes", "patch nodes", "list pods", "create pods/eviction"];
        assert_eq!(drain(None), plain);
        let force = drain(Some(Terminating::Force { after: Span::seconds(1) }));
        assert_eq!(force, [plain.as_slice(), &["delete pods"]].concat());
    }
}
