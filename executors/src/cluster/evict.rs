//! Evictions: how one is asked for, and what an answer to it means.

use super::Cluster;
use super::api::{Answer, Fault, Verb, part};
use palinode_core::port::LookError;
use palinode_core::resource::Pod;
use palinode_core::span::Span;
use serde_json::json;
use std::time::Duration;

/// So long after a refusal that may pass a pod is evicted again.
pub(crate) const AGAIN: Duration = Duration::from_secs(5);

/// What came of one eviction.
pub(crate) enum Came {
    /// It was accepted.
    Done,
    /// The pod that was meant is no more, or somebody else wrote it at the same time.
    Gone(String),
    /// This passes by itself.
    Later(Duration, String),
    /// Somebody denies it, who may think better of it.
    Denied(String),
    /// A server error, which may pass.
    Error(String),
    /// This never passes by itself.
    Never(String),
    /// Nobody knows.
    Nobody(String),
}

/// What a webhook that says no begins with, as the server quotes it.
const WEBHOOK: &str = "admission webhook";

/// What a server says where the namespace is being deleted. Old ones say it in words alone.
const ENDING: &str = "because it is being terminated";

/// What a server says where rights are lacking: today's `cannot create resource "pods/eviction"`, before 1.12 and in OpenShift 3
/// `cannot create pods/eviction`.
const RIGHTS: [&str; 2] = ["cannot create resource", "cannot create pods/eviction"];

/// What an answer to an eviction means.
pub(crate) fn came(answer: &Result<Answer, Fault>) -> Came {
    let answer = match answer {
        Ok(answer) => answer,
        Err(Fault::Nonsense(why)) => return Came::Never(why.clone()),
        Err(fault) => return Came::Nobody(crate::cluster::chain(fault)),
    };
    let wait = answer.again.map_or(AGAIN, |seconds| Duration::from_secs(u64::from(seconds.clamp(1, 60))));
    match answer.code {
        _ if answer.is_good() => Came::Done,
        // Gone, or another one has its name: the one that was meant is no more.
        404 | 409 => Came::Gone(answer.words()),
        429 if answer.is_budget() => {
            Came::Later(wait, format!("its disruption budget allows no eviction now: {}", answer.message()))
        }
        429 if answer.message().contains(WEBHOOK) => {
            Came::Later(wait, format!("a webhook denies its eviction for now (429): {}", answer.message()))
        }
        429 => Came::Later(wait, format!("the API server has too much to do (429): {}", answer.message())),
        // This never passes by itself.
        500 if answer.message().contains("PodDisruptionBudget") => Came::Never(format!(
            "more than one disruption budget holds it, and then none can be evicted: {}",
            answer.message()
        )),
        // A server that waited too long may have done it.
        408 | 500.. => Came::Error(answer.words()),
        // What deletes the namespace deletes the pod.
        403 if answer.has_cause("NamespaceTerminating") || answer.message().contains(ENDING) => {
            Came::Later(wait, format!("its namespace is being deleted, and it goes with it: {}", answer.message()))
        }
        // A webhook may say so too, in words of its own.
        403 if answer.message().contains(WEBHOOK) || !RIGHTS.iter().any(|words| answer.message().contains(words)) => {
            Came::Denied(answer.words())
        }
        _ => Came::Never(answer.words()),
    }
}

impl Cluster {
    /// The version of evictions that the server has, as it says itself; none if it has none.
    pub(crate) async fn evictions(&self) -> Result<Option<String>, LookError> {
        if let Some(known) = self.evictions.borrow().clone() {
            return Ok(known);
        }
        let Some(list) = self.object("/api/v1").await? else { return Ok(None) };
        let mut all = list["resources"].as_array().into_iter().flatten();
        let found = all.find(|resource| resource["name"] == "pods/eviction").map(|resource| {
            match (resource["group"].as_str(), resource["version"].as_str()) {
                (Some(group), Some(version)) if !group.is_empty() => format!("{group}/{version}"),
                _ => "policy/v1beta1".to_owned(),
            }
        });
        *self.evictions.borrow_mut() = Some(found.clone());
        Ok(found)
    }

    /// Asks for one, by the UID of the pod.
    pub(crate) async fn evict(&self, version: &str, pod: &Pod, grace: Option<Span>) -> Result<Answer, Fault> {
        let path = format!("/api/v1/namespaces/{}/pods/{}/eviction", part(&pod.namespace)?, part(&pod.name)?);
        let mut options = json!({ "preconditions": { "uid": pod.uid } });
        if let Some(grace) = grace {
            options["gracePeriodSeconds"] = (grace.micros().0 / 1_000_000).into();
        }
        let body = json!({
            "apiVersion": version,
            "kind": "Eviction",
            "metadata": { "name": pod.name, "namespace": pod.namespace },
            "deleteOptions": options,
        });
        self.api.ask(Verb::Post, &path, Some(&body)).await
    }

    /// Deletes the object of a pod, by its UID, without waiting for the pod to end.
    pub(crate) async fn force(&self, pod: &Pod) -> Result<Answer, Fault> {
        let path = format!("/api/v1/namespaces/{}/pods/{}", part(&pod.namespace)?, part(&pod.name)?);
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": { "uid": pod.uid },
        });
        self.api.ask(Verb::Delete, &path, Some(&options)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn answer(code: u16, body: Value) -> Result<Answer, Fault> {
        Ok(Answer { code, body, audit: None, again: None, size: 0 })
    }

    #[test]
    fn every_answer_to_an_eviction_has_its_own_meaning() {
        let budget = json!({ "message": "Cannot evict", "details": { "causes": [{ "reason": "DisruptionBudget" }] } });
        assert!(matches!(came(&answer(201, Value::Null)), Came::Done));
        assert!(matches!(came(&answer(404, Value::Null)), Came::Gone(_)));
        assert!(matches!(came(&answer(409, Value::Null)), Came::Gone(_)));
        assert!(matches!(came(&answer(429, budget)), Came::Later(_, why) if why.contains("budget")));
        assert!(matches!(came(&answer(429, Value::Null)), Came::Later(_, why) if why.contains("too much to do")));
        let two = json!({ "message": "This pod has more than one PodDisruptionBudget, which is not supported." });
        assert!(matches!(came(&answer(500, two)), Came::Never(_)));
        for code in [408, 500, 502, 503, 504] {
            assert!(matches!(came(&answer(code, Value::Null)), Came::Error(_)), "{code}");
        }
        for code in [401, 422] {
            assert!(matches!(came(&answer(code, Value::Null)), Came::Never(_)), "{code}");
        }
        let says = |code, words: &str| came(&answer(code, json!({ "message": words })));
        let hook = "admission webhook \"guard.demo\" denied the request: not now";
        assert!(matches!(says(429, hook), Came::Later(_, why) if why.contains("a webhook denies")));
        assert!(matches!(says(403, hook), Came::Denied(why) if why.contains("not now")));
        let rights =
            "pods \"web\" is forbidden: User \"me\" cannot create resource \"pods/eviction\" in API group \"\"";
        assert!(matches!(says(403, rights), Came::Never(_)));
        // Before 1.12, and OpenShift 3.
        for place in ["in the namespace \"shop\"", "in project \"shop\""] {
            let words = format!("pods \"web\" is forbidden: User \"me\" cannot create pods/eviction {place}");
            assert!(matches!(says(403, &words), Came::Never(_)), "{words}");
        }
        let quoted = "admission webhook \"guard.demo\" denied the request: you cannot create pods/eviction by night";
        assert!(matches!(says(403, quoted), Came::Denied(_)));
        // 1.11 sends no cause.
        let ending =
            "pods \"web\" is forbidden: unable to create new content in namespace shop because it is being terminated";
        assert!(matches!(says(403, ending), Came::Later(_, why) if why.contains("namespace is being deleted")));
        let caused = json!({ "message": "no", "details": { "causes": [{ "reason": "NamespaceTerminating" }] } });
        assert!(matches!(came(&answer(403, caused)), Came::Later(..)));
        assert!(matches!(came(&Err(Fault::Lost("x".into()))), Came::Nobody(_)));
        assert!(matches!(came(&Err(Fault::Nonsense("x".to_owned()))), Came::Never(_)));
    }
}
