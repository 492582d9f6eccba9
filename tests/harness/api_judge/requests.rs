//! What the server's audit log says of the requests that were made.

use super::world::World;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Whether an event is of a request that changes something in a part of the cluster.
fn is_change(event: &Value, world: &World<'_>) -> bool {
    let about = &event["objectRef"];
    let writes = matches!(event["verb"].as_str(), Some("create" | "update" | "patch" | "delete" | "deletecollection"));
    let here = |part: &str| about[part].as_str().is_some_and(|name| name.starts_with(&world.space));
    writes && about["resource"] != "selfsubjectaccessreviews" && (here("namespace") || here("name"))
}

fn is_good(event: &Value) -> bool {
    event["responseStatus"]["code"].as_u64().is_some_and(|code| (200..300).contains(&code))
}

fn named(event: &Value) -> String {
    let about = &event["objectRef"];
    let part = |name: &str| about[name].as_str().unwrap_or("-").to_owned();
    let [resource, space, name, sub] = ["resource", "namespace", "name", "subresource"].map(part);
    let (verb, code) = (event["verb"].as_str().unwrap_or_default(), &event["responseStatus"]["code"]);
    format!("{verb} {resource}/{space}/{name}/{sub} ({code}, audit {})", event["auditID"].as_str().unwrap_or_default())
}

/// Why a request could hit something else than was meant, or be done twice; none if it cannot.
fn unfenced(event: &Value) -> Option<&'static str> {
    let (about, sent) = (&event["objectRef"], &event["requestObject"]);
    let tests = |path: &str| {
        let all = sent.as_array().into_iter().flatten();
        all.filter(|step| step["op"] == "test").any(|step| step["path"].as_str().is_some_and(|at| at.starts_with(path)))
    };
    let bound = sent["metadata"]["uid"].is_string() && sent["metadata"]["resourceVersion"].is_string();
    match (event["verb"].as_str()?, about["resource"].as_str()?, about["subresource"].as_str()) {
        ("patch", "nodes", None) => {
            match tests("/metadata/uid") && (tests("/metadata/annotations") || tests("/metadata/resourceVersion")) {
                true => None,
                false => Some("a node is patched without a test of its UID and its claim"),
            }
        }
        ("create", "pods", Some("eviction")) => {
            // Some servers leave out of their log what was sent.
            let names = sent.is_null() || sent["deleteOptions"]["preconditions"]["uid"].is_string();
            (!names).then_some("an eviction names no UID")
        }
        ("delete", ..) => (!sent["preconditions"]["uid"].is_string()).then_some("a deletion names no UID"),
        ("create", _, None) => {
            let is_named = sent["metadata"]["name"].is_string() && sent["metadata"]["generateName"].is_null();
            (!is_named).then_some("what is made has no name of its own")
        }
        ("update", "certificatesigningrequests", Some("approval")) | ("patch" | "update", _, None) => {
            (!bound).then_some("a change is not bound to UID and version")
        }
        ("create", _, Some("exec")) => None,
        _ => Some("nothing here asks for that"),
    }
}

/// The requests of one user that changed something in a part of the cluster, one a line, with what was sent.
pub fn requests(audit: &[Value], user: &str, world: &World<'_>) -> String {
    let mine = audit.iter().filter(|event| event["user"]["username"] == user && is_change(event, world));
    mine.map(|event| format!("{} {}\n", named(event), event["requestObject"])).collect()
}

/// What is wrong with the requests of one user in a part of the cluster. `told`: the events of the journal; `all_heard`:
/// whether every answer came, and no process was killed.
pub fn wrong_requests(audit: &[Value], user: &str, world: &World<'_>, told: &[Value], all_heard: bool) -> Vec<String> {
    let mine: Vec<&Value> =
        audit.iter().filter(|event| event["user"]["username"] == user && is_change(event, world)).collect();
    let mut wrong: Vec<String> = mine
        .iter()
        .filter_map(|event| unfenced(event).map(|why| format!("{why}: {} {}", named(event), event["requestObject"])))
        .collect();
    // What was done twice.
    let mut done: BTreeMap<String, usize> = BTreeMap::new();
    for event in mine.iter().filter(|event| is_good(event)) {
        let (about, sent) = (&event["objectRef"], &event["requestObject"]);
        let once = match (event["verb"].as_str().unwrap_or_default(), about["subresource"].as_str()) {
            // The next one of such a set has the same name.
            ("create", Some("eviction")) if about["name"].as_str().is_some_and(|name| name.starts_with("sts-")) => {
                continue;
            }
            ("create", Some("eviction")) => format!("eviction of {}", about["name"]),
            ("delete", _) => format!("deletion of {}", sent["preconditions"]["uid"]),
            ("update", Some("approval")) => format!("approval of {}", sent["metadata"]["uid"]),
            // The claim names the request.
            ("patch", _) if about["resource"] == "nodes" => {
                let mut steps = sent.as_array().into_iter().flatten();
                let claim = steps.find(|step| step["op"] == "add" && step.to_string().contains("mark"));
                let Some(claim) = claim else { continue };
                format!("patch {claim}")
            }
            ("patch" | "update", _) => {
                format!("change of {} at {}", sent["metadata"]["uid"], sent["metadata"]["resourceVersion"])
            }
            _ => continue,
        };
        *done.entry(once).or_default() += 1;
    }
    wrong.extend(
        done.iter().filter(|(_, count)| **count > 1).map(|(what, count)| format!("done {count} times: {what}")),
    );
    // The journal has each of them, by the name that the server gave it.
    let ids: BTreeSet<&str> =
        told.iter().filter_map(|event| event.pointer("/Progress/what/request/audit")?.as_str()).collect();
    for event in mine.iter().filter(|event| is_good(event) && all_heard) {
        let id = event["auditID"].as_str().unwrap_or_default();
        let gives_up = event["requestObject"].as_array().is_some_and(|steps| {
            steps.iter().any(|step| step["op"] == "remove" && step["path"] == "/metadata/annotations/palinode~1claim")
        });
        if !ids.contains(id) && !gives_up {
            wrong.push(format!("the journal does not have it: {}", named(event)));
        }
    }
    let known: BTreeSet<&str> = audit.iter().filter_map(|event| event["auditID"].as_str()).collect();
    wrong.extend(
        ids.difference(&known).map(|id| format!("the journal tells of a request that the server never had: {id}")),
    );
    wrong
}
