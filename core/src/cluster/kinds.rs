//! The kinds of objects that a server says it has, and which of them a person's word means.

use crate::suggest::near;
use serde_json::Value;

/// A kind of objects, as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKind {
    /// Group and version: `v1`, `apps/v1`.
    pub api: String,
    /// As manifests write it: `DaemonSet`.
    pub kind: String,
    /// As addresses write it: `daemonsets`.
    pub plural: String,
    /// One of them, in small letters: `daemonset`.
    pub singular: String,
    /// What else it is called: `ds`.
    pub short: Vec<String>,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// What may be asked of its objects: `get`, `patch`.
    pub verbs: Vec<String>,
}

/// Groups that show objects of other groups once more, for old clients.
const TWINS: [&str; 2] = ["extensions", "events.k8s.io"];

impl ApiKind {
    /// Its group; empty for the oldest kinds, which have none.
    pub fn group(&self) -> &str {
        self.api.split_once('/').map_or("", |(group, _)| group)
    }

    fn version(&self) -> &str {
        self.api.split_once('/').map_or(self.api.as_str(), |(_, version)| version)
    }

    /// The word by which no other kind is called: `daemonset.apps`.
    pub fn word(&self) -> String {
        match self.group() {
            "" => self.singular.clone(),
            group => format!("{}.{group}", self.singular),
        }
    }

    fn is_called(&self, name: &str) -> bool {
        let all = [&self.plural, &self.singular].into_iter().chain(&self.short);
        self.kind.to_lowercase() == name || all.into_iter().any(|own| own == name)
    }
}

/// The kinds in one of the lists that a server gives, that of a group and version.
pub fn listed_kinds(api: &str, list: &Value) -> Vec<ApiKind> {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let all = list["resources"].as_array().into_iter().flatten();
    let read = |found: &Value| {
        let (plural, kind) = (found["name"].as_str()?, found["kind"].as_str()?);
        // Behind a slash are parts of objects.
        if plural.contains('/') || plural.is_empty() || kind.is_empty() {
            return None;
        }
        let singular = found["singularName"].as_str().filter(|name| !name.is_empty());
        Some(ApiKind {
            api: api.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            singular: singular.map_or_else(|| kind.to_lowercase(), str::to_owned),
            short: texts(&found["shortNames"]),
            namespaced: found["namespaced"] == true,
            verbs: texts(&found["verbs"]),
        })
    };
    all.filter_map(read).collect()
}

/// Why a word means no kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoKind {
    /// The server has none that is called so; the words of those that were probably meant.
    Unknown(Vec<String>),
    /// Several groups have one that is called so; the words that tell them apart.
    Many(Vec<String>),
}

/// The kind that a word means: `deployment`, `deployments`, `deploy`, `Deployment`, and with a group or a version and a
/// group behind it, as `deployment.apps` or `deployment.v1.apps`. Of several versions, the first in `all` is taken: the
/// one that the server prefers.
pub fn kind_called<'a>(all: &'a [ApiKind], word: &str) -> Result<&'a ApiKind, NoKind> {
    let word = word.to_lowercase();
    let (name, rest) = word.split_once('.').map_or((word.as_str(), None), |(name, rest)| (name, Some(rest)));
    let (version, group) = match rest.map(|rest| rest.split_once('.').unwrap_or((rest, ""))) {
        Some((first, behind)) if is_version(first) => (Some(first), Some(behind)),
        _ => (None, rest),
    };
    let mut found: Vec<&ApiKind> = Vec::new();
    for kind in all.iter().filter(|kind| kind.is_called(name)) {
        let fits = group.is_none_or(|group| kind.group() == group) && version.is_none_or(|v| kind.version() == v);
        if fits && !found.iter().any(|other| other.group() == kind.group()) {
            found.push(kind);
        }
    }
    if found.iter().any(|kind| !TWINS.contains(&kind.group())) {
        found.retain(|kind| !TWINS.contains(&kind.group()));
    }
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let words: Vec<(String, &ApiKind)> = all
                .iter()
                .flat_map(|kind| [(kind.singular.clone(), kind), (kind.plural.clone(), kind), (kind.word(), kind)])
                .collect();
            let mut near: Vec<String> = near(&word, words.iter().map(|(word, _)| word.as_str()))
                .into_iter()
                .filter_map(|near| words.iter().find(|(word, _)| word == near))
                .map(|(_, kind)| kind.word())
                .collect();
            near.dedup();
            Err(NoKind::Unknown(near))
        }
        many => Err(NoKind::Many(many.iter().map(|kind| kind.word()).collect())),
    }
}

/// Whether a word is a version as the API has them: `v1`, `v2beta2`.
fn is_version(word: &str) -> bool {
    let Some(rest) = word.strip_prefix('v') else { return false };
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let stage = digits.strip_prefix("alpha").or_else(|| digits.strip_prefix("beta"));
    rest.len() > digits.len() && (digits.is_empty() || stage.is_some_and(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn all() -> Vec<ApiKind> {
        let one = |name: &str, kind: &str, short: &[&str]| json!({ "name": name, "singularName": "", "kind": kind, "shortNames": short, "namespaced": true, "verbs": ["get"] });
        let lists = [
            (
                "v1",
                vec![
                    one("pods", "Pod", &["po"]),
                    one("pods/exec", "PodExecOptions", &[]),
                    one("events", "Event", &["ev"]),
                ],
            ),
            ("apps/v1", vec![one("deployments", "Deployment", &["deploy"]), one("daemonsets", "DaemonSet", &["ds"])]),
            ("apps/v1beta1", vec![one("deployments", "Deployment", &["deploy"])]),
            (
                "extensions/v1beta1",
                vec![one("deployments", "Deployment", &["deploy"]), one("ingresses", "Ingress", &["ing"])],
            ),
            ("events.k8s.io/v1beta1", vec![one("events", "Event", &["ev"])]),
            ("authorization.openshift.io/v1", vec![one("roles", "Role", &[])]),
            ("rbac.authorization.k8s.io/v1", vec![one("roles", "Role", &[])]),
            ("v1beta9.example.com/v1", vec![one("odds", "Odd", &[])]),
        ];
        lists.iter().flat_map(|(api, found)| listed_kinds(api, &json!({ "resources": found }))).collect()
    }

    #[test]
    fn a_word_means_the_kind_that_kubectl_would_take() {
        let all = all();
        for (word, api, kind) in [
            ("deployment", "apps/v1", "Deployment"),
            ("deployments", "apps/v1", "Deployment"),
            ("deploy", "apps/v1", "Deployment"),
            ("Deployment", "apps/v1", "Deployment"),
            ("deployment.apps", "apps/v1", "Deployment"),
            ("deploy.extensions", "extensions/v1beta1", "Deployment"),
            ("deployments.v1beta1.apps", "apps/v1beta1", "Deployment"),
            ("pod.v1", "v1", "Pod"),
            ("pods.v1.", "v1", "Pod"),
            ("po", "v1", "Pod"),
            ("ev", "v1", "Event"),
            ("ing", "extensions/v1beta1", "Ingress"),
            ("ds", "apps/v1", "DaemonSet"),
            ("role.rbac.authorization.k8s.io", "rbac.authorization.k8s.io/v1", "Role"),
            // A group that begins like a version needs its own version in front.
            ("odd.v1.v1beta9.example.com", "v1beta9.example.com/v1", "Odd"),
        ] {
            let found = kind_called(&all, word).unwrap_or_else(|why| unreachable!("{word}: {why:?}"));
            assert_eq!((found.api.as_str(), found.kind.as_str()), (api, kind), "{word}");
        }
    }

    #[test]
    fn what_no_kind_or_several_are_called_is_told_with_what_there_is() {
        let all = all();
        let many = ["role.authorization.openshift.io", "role.rbac.authorization.k8s.io"].map(str::to_owned).to_vec();
        assert_eq!(kind_called(&all, "role"), Err(NoKind::Many(many)));
        assert_eq!(kind_called(&all, "deploymnet"), Err(NoKind::Unknown(vec!["deployment.apps".to_owned()])));
        assert_eq!(kind_called(&all, "zebra"), Err(NoKind::Unknown(Vec::new())));
        for word in ["pods/exec", "deployment.v2.apps", "deployment.batch", "", "."] {
            assert!(matches!(kind_called(&all, word), Err(NoKind::Unknown(_))), "{word}");
        }
        assert_eq!(kind_called(&all, "pod.").map(|kind| kind.kind.as_str()), Ok("Pod"), "the group without a name");
    }

    #[test]
    fn versions_are_told_from_groups() {
        for (word, is) in [
            ("v1", true),
            ("v1beta1", true),
            ("v2alpha10", true),
            ("v", false),
            ("vbeta1", false),
            ("v1beta", false),
            ("apps", false),
            ("v1x", false),
        ] {
            assert_eq!(is_version(word), is, "{word}");
        }
    }

    #[test]
    fn lists_of_any_shape_are_read() {
        for list in
            [Value::Null, json!([]), json!({ "resources": [1, {}, { "name": "a" }, { "kind": "B", "name": "" }] })]
        {
            assert!(listed_kinds("v1", &list).is_empty(), "{list}");
        }
    }
}
