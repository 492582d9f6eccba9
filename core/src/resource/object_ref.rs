//! An object of the cluster's API by name.

use crate::action::values;
use serde::{Deserialize, Serialize};

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

impl ObjectRef {
    /// Whether its parts are such as names in the API are.
    pub(crate) fn check(&self) -> Result<(), String> {
        let parts = [
            ("api", self.api.as_str(), "-./"),
            ("kind", self.kind.as_str(), ""),
            ("namespace", self.namespace.as_deref().unwrap_or("none"), "-."),
            ("name", self.name.as_str(), "-._:"),
        ];
        match parts.iter().find(|(_, text, more)| !text.contains("{{") && !values::is_plain(text, more)) {
            Some((what, text, _)) => Err(format!("the {what} `{text}` is none that an API has")),
            None => Ok(()),
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
