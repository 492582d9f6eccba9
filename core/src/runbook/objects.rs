//! Objects of the API as a runbook writes them, in the form in which actions have them: manifests and fields become JSON
//! text.

use super::finding::Finding;
use super::node::{At, Key, Node, Value};
use crate::shown::Shown as _;
use serde_json::Value as Json;

const APPLY: &str = "write `kube.apply: { manifest: { apiVersion: v1, kind: Service, metadata: { namespace: web, name: front }, ... } }`";
const PATCH: &str =
    "write `kube.patch: { object: { api: apps/v1, kind: Deployment, namespace: web, name: front }, merge: { ... } }`";

/// The name and values of the action that is meant.
pub(super) fn meant(name: &str, params: Node) -> Result<(String, Node), Finding> {
    match name {
        "kube.patch" => Ok((name.to_owned(), patch(params)?)),
        "kube.apply" => Ok(("kube.patch".to_owned(), apply(&params)?)),
        "kube.delete" if find(&params, "object").is_some() => Ok(("kube.remove".to_owned(), params)),
        _ => Ok((name.to_owned(), params)),
    }
}

fn find<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(key, _)| key.text == name).map(|(_, value)| value)
}

/// Fields may be written as a map, or as the JSON text that they become.
fn patch(mut params: Node) -> Result<Node, Finding> {
    let Value::Map(entries) = &mut params.value else {
        return Err(Finding::new(params.at, "`kube.patch` takes an `object` and what is to be merged", PATCH));
    };
    let Some((_, merge)) = entries.iter_mut().find(|(key, _)| key.text == "merge") else {
        return Err(Finding::new(params.at, "`kube.patch` does not say what is to be merged", PATCH));
    };
    let found = match &merge.value {
        Value::Map(_) => Some(json(merge)),
        Value::Text(text) => serde_json::from_str(text).ok().filter(Json::is_object),
        _ => None,
    };
    let Some(found) = found else {
        let what = format!("`merge` takes a map of fields, or that as JSON, not {}", merge.value.kind());
        return Err(Finding::new(merge.at, what, PATCH));
    };
    merge.value = Value::Text(found.to_string());
    Ok(params)
}

/// The fields that a person typed, as JSON or as a map in YAML, in the one form in which they are stored.
pub fn typed_merge(text: &str) -> Result<String, Finding> {
    if let Some(found) = serde_json::from_str(text).ok().filter(Json::is_object) {
        return Ok(found.to_string());
    }
    let node = Node::parse(text)?;
    node.map("a map of the fields that are set, such as `{spec: {replicas: 2}}`")?;
    Ok(json(&node).to_string())
}

/// A manifest says which object it is.
fn apply(params: &Node) -> Result<Node, Finding> {
    let form = |at: At, what: &str| Finding::new(at, what, APPLY);
    let entries = match &params.value {
        Value::Map(entries) => entries.as_slice(),
        _ => &[],
    };
    if let Some((key, _)) = entries.iter().find(|(key, _)| key.text != "manifest") {
        return Err(form(key.at, &format!("`kube.apply` takes a `manifest`, and no `{}`", key.text.shown())));
    }
    let Some(manifest) = find(params, "manifest") else {
        return Err(form(params.at, "`kube.apply` takes a `manifest`"));
    };
    if !matches!(manifest.value, Value::Map(_)) {
        let what = format!("`manifest` takes a map, not {}", manifest.value.kind());
        return Err(form(manifest.at, &what));
    }
    let metadata = find(manifest, "metadata");
    let entry = |name: &str, node: Option<&Node>, called: &str| match node {
        Some(node) => {
            let text = Value::Text(node.text(&format!("`{called}` as text"))?);
            Ok((Key { at: node.at, text: name.to_owned() }, Node { at: node.at, value: text }))
        }
        None => Err(form(manifest.at, &format!("the manifest has no `{called}`"))),
    };
    let mut object = vec![
        entry("api", find(manifest, "apiVersion"), "apiVersion")?,
        entry("kind", find(manifest, "kind"), "kind")?,
        entry("name", metadata.and_then(|meta| find(meta, "name")), "metadata.name")?,
    ];
    if let Some(space) = metadata.and_then(|meta| find(meta, "namespace")) {
        object.push(entry("namespace", Some(space), "metadata.namespace")?);
    }
    let at = manifest.at;
    let made = [
        ("object", Value::Map(object)),
        ("merge", Value::Text(json(manifest).to_string())),
        ("create", Value::Bool(true)),
    ];
    let made = made.map(|(name, value)| (Key { at, text: name.to_owned() }, Node { at, value }));
    Ok(Node { at: params.at, value: Value::Map(made.into()) })
}

fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int(number) => Json::from(*number),
        Value::Text(text) => Json::String(text.clone()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| (key.text.clone(), mode(&key.text, node, value).unwrap_or_else(|| json(value))))
            .collect(),
    }
}

/// The mode of a volume's files, where it is written in octal: the API takes the number.
fn mode(key: &str, of: &Node, value: &Node) -> Option<Json> {
    let of_an_item = key == "mode" && find(of, "key").is_some() && find(of, "path").is_some();
    let Value::Text(text) = &value.value else { return None };
    let digits = text.strip_prefix("0o").or_else(|| text.strip_prefix('0'))?;
    let bits = u32::from_str_radix(digits, 8).ok().filter(|bits| *bits <= 0o777)?;
    (key == "defaultMode" || of_an_item).then(|| Json::from(bits))
}
