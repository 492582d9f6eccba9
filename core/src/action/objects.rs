//! Actions on objects of any kind that the cluster has: waited for, asked inside their pods, and the certificates that a
//! node asks for when it joins.

use crate::span::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An object of the API, of whatever kind the server has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectRef {
    /// Group and version: `v1`, `apps/v1`, `network.openshift.io/v1`.
    #[serde(default = "v1")]
    pub api: String,
    /// Its kind, as manifests write it: `DaemonSet`.
    pub kind: String,
    /// Its namespace; none for what belongs to the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

fn v1() -> String {
    "v1".to_owned()
}

impl std::fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let space = self.namespace.as_ref().map(|space| format!("{space}/")).unwrap_or_default();
        write!(f, "{} {space}{}", self.kind, self.name)
    }
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Until {
    /// It exists.
    Exists,
    /// It does not exist.
    Gone,
    /// Its controller has seen the latest change of it, and as many pods as are wanted are of that change and up.
    RolledOut,
    /// A condition of it is True.
    Condition(String),
    /// A field of it has a value.
    Field {
        /// The field, as a JSON pointer: `/status/phase`.
        at: String,
        /// The value, as text.
        is: String,
    },
}

/// Waits until something holds of an object, or some time has passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubeWait {
    /// The object.
    pub object: ObjectRef,
    /// What.
    pub until: Until,
    /// How long at most; then the step fails with what was last seen.
    #[serde(default = "ten_minutes")]
    pub timeout: Span,
}

fn ten_minutes() -> Span {
    Span::seconds(600)
}

/// A pod that something is run in: by its name, or the one pod with these labels (on the step's node, if it has a host).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodRef {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Runs a command in a container of a pod. No shell reads its words, and it gets no input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubeExec {
    /// The pod.
    pub pod: PodRef,
    /// The container; without it the pod's only or first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The program and its arguments.
    pub run: Vec<String>,
    /// Whether it only looks: then it may be asked again, and nothing is to be taken back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reads: bool,
    /// How long it may take; it goes on in the pod after that, and nobody knows what became of it.
    #[serde(default = "five_minutes")]
    pub timeout: Span,
}

fn five_minutes() -> Span {
    Span::seconds(300)
}

// Serde asks with a reference.
fn is_false(value: &bool) -> bool {
    !*value
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertUse {
    /// The kubelet proves to the API server who it is.
    Client,
    /// The kubelet answers the API server.
    Server,
}

impl CertUse {
    /// The usage in a request that only this one has.
    pub fn usage(self) -> &'static str {
        match self {
            Self::Client => "client auth",
            Self::Server => "server auth",
        }
    }
}

/// Approves the certificates that the kubelet of the step's node asks for, and no other's (T30).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApproveCsr {
    /// The certificates that must be approved.
    #[serde(default = "both")]
    pub uses: Vec<CertUse>,
    /// Requests that are older are left alone: a node that was wiped may have asked before.
    #[serde(default = "an_hour")]
    pub newer_than: Span,
    /// How long to wait for the requests; then the step fails.
    #[serde(default = "ten_minutes")]
    pub timeout: Span,
}

fn both() -> Vec<CertUse> {
    vec![CertUse::Client, CertUse::Server]
}

fn an_hour() -> Span {
    Span::seconds(3600)
}

impl KubeWait {
    pub(super) fn words(&self) -> String {
        let until = match &self.until {
            Until::Exists => "is there".to_owned(),
            Until::Gone => "is gone".to_owned(),
            Until::RolledOut => "is rolled out".to_owned(),
            Until::Condition(condition) => format!("is {condition}"),
            Until::Field { at, is } => format!("has {is} at {at}"),
        };
        format!("wait until {} {until}, for at most {}", self.object, self.timeout)
    }
}

impl KubeExec {
    pub(super) fn words(&self) -> String {
        let pod = match &self.pod.name {
            Some(name) => format!("{}/{name}", self.pod.namespace),
            None => format!("the pod in {} with its labels", self.pod.namespace),
        };
        let program = self.run.first().map_or("nothing", String::as_str);
        format!("run {program} in {pod}")
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.run.is_empty() {
            return Err("`run` names no program".to_owned());
        }
        if self.run.iter().any(|word| word.contains('\0')) {
            return Err("the command contains a NUL byte".to_owned());
        }
        for (what, text) in [("namespace", Some(&self.pod.namespace)), ("name", self.pod.name.as_ref())] {
            if let Some(text) = text.filter(|text| !text.contains("{{") && !plain(text, "-._")) {
                return Err(format!("the {what} `{text}` is none that a pod has"));
            }
        }
        match (&self.pod.name, self.pod.labels.is_empty()) {
            (Some(_), true) | (None, false) => Ok(()),
            _ => Err("`pod` takes either a `name` or `labels`".to_owned()),
        }
    }
}

fn plain(text: &str, more: &str) -> bool {
    !text.is_empty()
        && text != "."
        && text != ".."
        && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
}

impl ObjectRef {
    /// Whether its parts are such as names in the API are.
    pub(super) fn check(&self) -> Result<(), String> {
        let parts = [
            ("api", self.api.as_str(), "-./"),
            ("kind", self.kind.as_str(), ""),
            ("namespace", self.namespace.as_deref().unwrap_or("none"), "-."),
            ("name", self.name.as_str(), "-._:"),
        ];
        match parts.iter().find(|(_, text, more)| !text.contains("{{") && !plain(text, more)) {
            Some((what, text, _)) => Err(format!("the {what} `{text}` is none that an API has")),
            None => Ok(()),
        }
    }
}

impl KubeWait {
    pub(super) fn check(&self) -> Result<(), String> {
        self.object.check()?;
        match &self.until {
            Until::Field { at, .. } if !at.starts_with('/') => {
                Err(format!("`{at}` is no JSON pointer: it begins with a slash"))
            }
            _ => Ok(()),
        }
    }
}

impl ApproveCsr {
    pub(super) fn check(&self) -> Result<(), String> {
        match self.uses.is_empty() {
            true => Err("`uses` names no certificate".to_owned()),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::action::Action;

    #[test]
    fn what_no_api_could_mean_is_refused() {
        let read = |name: &str, text: &str| serde_json::from_str::<Action>(&format!("{{\"{name}\": {text}}}"));
        let object = r#""object": {"api": "apps/v1", "kind": "DaemonSet", "namespace": "a", "name": "b"}"#;
        let table = [
            ("kube.wait", format!("{{{object}, \"until\": \"rolled-out\"}}"), true),
            ("kube.wait", format!("{{{object}, \"until\": {{\"condition\": \"Available\"}}}}"), true),
            ("kube.wait", format!("{{{object}, \"until\": {{\"field\": {{\"at\": \"/a\", \"is\": \"b\"}}}}}}"), true),
            ("kube.wait", format!("{{{object}, \"until\": {{\"field\": {{\"at\": \"a\", \"is\": \"b\"}}}}}}"), false),
            ("kube.wait", r#"{"object": {"kind": "Node", "name": "../x"}, "until": "gone"}"#.to_owned(), false),
            ("kube.exec", r#"{"pod": {"namespace": "a", "name": "b"}, "run": ["x"]}"#.to_owned(), true),
            ("kube.exec", r#"{"pod": {"namespace": "a", "labels": {"b": "c"}}, "run": ["x"]}"#.to_owned(), true),
            ("kube.exec", r#"{"pod": {"namespace": "a"}, "run": ["x"]}"#.to_owned(), false),
            ("kube.exec", r#"{"pod": {"namespace": "a", "name": "b"}, "run": []}"#.to_owned(), false),
            ("kube.exec", r#"{"pod": {"namespace": "a", "name": "b/../../x"}, "run": ["x"]}"#.to_owned(), false),
            ("kube.approve-csr", "{}".to_owned(), true),
            ("kube.approve-csr", r#"{"uses": []}"#.to_owned(), false),
        ];
        for (name, text, good) in table {
            let action = read(name, &text).unwrap_or_else(|error| unreachable!("{name} {text}: {error}"));
            assert_eq!(action.check().is_ok(), good, "{name} {text}");
        }
    }
}
