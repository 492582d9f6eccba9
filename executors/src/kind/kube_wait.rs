//! Waiting for an object of any kind.

use crate::cluster::job::{ApiJob, Stop, failed, well};
use crate::cluster::objects::unknown;
use crate::cluster::on_cluster::{Memory, Needs, OnCluster, Round};
use palinode_core::action::{KubeWait, Until};
use palinode_core::chain::chain;
use palinode_core::cluster;
use palinode_core::port::LookError;
use palinode_core::record::Why;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// So often an object is looked at.
const EVERY: Duration = Duration::from_secs(1);

impl OnCluster for KubeWait {
    fn round<'a>(&'a self, job: &'a mut ApiJob<'_>, memory: &'a mut Memory) -> Round<'a> {
        Box::pin(async move { job.await_object(self, memory.began).await.map(Some) })
    }

    fn needs(&self) -> Needs<'_> {
        Needs::Object(&self.object, &["get"])
    }
}

impl ApiJob<'_> {
    /// Waits until it holds.
    async fn await_object(&mut self, wait: &KubeWait, began: Instant) -> Result<Stop, Stop> {
        let limit = Duration::from_micros(u64::try_from(wait.timeout.micros().0).unwrap_or(0));
        let object = &wait.object;
        loop {
            let seen = async {
                match self.cluster.path_of(object).await? {
                    Some(path) => Ok((true, self.cluster.object(&path).await?)),
                    None => Ok((false, None)),
                }
            };
            let why = match seen.await {
                Ok((known, found)) => match (standing(&wait.until, found.as_ref()), known) {
                    (None, _) => return Ok(well(format!("{object}: as waited for"))),
                    (Some(_), false) => unknown(object),
                    (Some(why), true) => why,
                },
                // A server that is restarted is waited for as well.
                Err(error @ LookError::Unreachable { .. }) => chain(&error),
                Err(error) => return Err(error.into()),
            };
            if began.elapsed() >= limit {
                return Err(failed(Why::Timeout, format!("{object} after {}: {why}", wait.timeout)));
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}

/// Why it does not hold; none if it does.
fn standing(until: &Until, found: Option<&Value>) -> Option<String> {
    let Some(object) = found else {
        return (*until != Until::Gone).then(|| "it is not there".to_owned());
    };
    match until {
        Until::Exists => None,
        Until::Gone => Some(match cluster::deleted_at(object) {
            Some(since) => format!("it is being deleted since {since}"),
            None => "it is there".to_owned(),
        }),
        Until::Condition(name) => (!cluster::holds(object, name)).then(|| {
            let all = object["status"]["conditions"].as_array().into_iter().flatten();
            let found = all.into_iter().find(|found| found["type"] == name.as_str());
            let message = found.and_then(|found| found["message"].as_str()).unwrap_or("the condition is not there");
            format!("it is not {name}: {message}")
        }),
        Until::Field { at, is } => {
            let value = object.pointer(at);
            let text = value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            (text.as_ref() != Some(is)).then(|| match text {
                Some(text) => format!("{at} is {}", text.chars().take(200).collect::<String>()),
                None => format!("it has no {at}"),
            })
        }
        Until::RolledOut => rolling(object),
    }
}

/// How far a rollout is; none if it is through. DaemonSets count nodes, all others replicas. Old servers tell less: what
/// they do not tell is not asked for.
fn rolling(object: &Value) -> Option<String> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let latest = number(&object["metadata"]["generation"]);
    if number(&status["observedGeneration"]) < latest {
        return Some("its controller has not seen the latest change".to_owned());
    }
    if status["desiredNumberScheduled"].is_u64() {
        let wanted = number(&status["desiredNumberScheduled"]);
        let (new, up) = (number(&status["updatedNumberScheduled"]), number(&status["numberAvailable"]));
        // Pods of such a set are made anew only when someone deletes them.
        let on_delete = spec["updateStrategy"]["type"] == "OnDelete";
        return (up < wanted || (new < wanted && !on_delete))
            .then(|| format!("{wanted} wanted, {new} of the latest change, {up} up"));
    }
    let wanted = spec["replicas"].as_u64().unwrap_or(1);
    let new = status.get("updatedReplicas").map_or(wanted, number);
    let up = number(if status["availableReplicas"].is_u64() {
        &status["availableReplicas"]
    } else {
        &status["readyReplicas"]
    });
    let all = number(&status["replicas"]);
    (new < wanted || up < wanted || all > wanted)
        .then(|| format!("{wanted} wanted, {new} of the latest change, {up} up, {all} in all"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_waited_for_holds_or_says_why_not() {
        let deployment =
            |status: Value| json!({ "metadata": { "generation": 3 }, "spec": { "replicas": 2 }, "status": status });
        let through = json!({ "observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2 });
        let half = json!({ "observedGeneration": 3, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 2 });
        let old = json!({ "observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2 });
        let set = |up: u64, new: u64, how: &str| {
            json!({ "metadata": { "generation": 1 }, "spec": { "updateStrategy": { "type": how } },
                "status": { "observedGeneration": 1, "desiredNumberScheduled": 2, "numberAvailable": up, "updatedNumberScheduled": new } })
        };
        let phase =
            json!({ "status": { "phase": "Bound", "conditions": [{ "type": "Available", "status": "True" }] } });
        let field = |is: &str| Until::Field { at: "/status/phase".to_owned(), is: is.to_owned() };
        let table = [
            (Until::RolledOut, Some(deployment(through)), true),
            (Until::RolledOut, Some(deployment(half)), false),
            (Until::RolledOut, Some(deployment(old)), false),
            (Until::RolledOut, Some(set(2, 2, "RollingUpdate")), true),
            (Until::RolledOut, Some(set(2, 1, "RollingUpdate")), false),
            (Until::RolledOut, Some(set(2, 1, "OnDelete")), true),
            (Until::RolledOut, Some(set(1, 2, "OnDelete")), false),
            (Until::RolledOut, Some(json!({})), false),
            (Until::RolledOut, None, false),
            (Until::Gone, None, true),
            (Until::Gone, Some(json!({})), false),
            (Until::Exists, None, false),
            (Until::Exists, Some(json!({})), true),
            (Until::Condition("Available".to_owned()), Some(phase.clone()), true),
            (Until::Condition("Ready".to_owned()), Some(phase.clone()), false),
            (field("Bound"), Some(phase.clone()), true),
            (field("Lost"), Some(phase), false),
            (field("Bound"), Some(json!([])), false),
        ];
        for (until, object, holds) in table {
            assert_eq!(standing(&until, object.as_ref()).is_none(), holds, "{until:?} of {object:?}");
        }
    }
}
