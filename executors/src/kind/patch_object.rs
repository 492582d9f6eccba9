//! `kube.patch`: fields are merged into an object, or it is made of them.

use crate::cluster::api::Verb;
use crate::cluster::claim::{first_pause, rest};
use crate::cluster::job::{ApiJob, Stop, failed, meaning, well};
use crate::cluster::objects::{TRIES, bound, is_to_stay};
use crate::cluster::on_cluster::{Memory, Needs, OnCluster, Round};
use palinode_core::action::PatchObject;
use palinode_core::cluster;
use palinode_core::record::Why;
use serde_json::{Value, json};

impl OnCluster for PatchObject {
    fn round<'a>(&'a self, job: &'a mut ApiJob<'_>, _: &'a mut Memory) -> Round<'a> {
        Box::pin(async move { job.patch_object(self).await.map(Some) })
    }

    fn needs(&self) -> Needs<'_> {
        match self.create {
            true => Needs::Object(&self.object, &["get", "patch", "create", "update", "delete"]),
            false => Needs::Object(&self.object, &["get", "patch", "update"]),
        }
    }
}

impl ApiJob<'_> {
    /// Merges fields into an object, or makes it of them.
    async fn patch_object(&mut self, patch: &PatchObject) -> Result<Stop, Stop> {
        let thing = self.thing(&patch.object).await?;
        let object = &thing.object;
        let merge: Value = serde_json::from_str(&patch.merge)
            .map_err(|error| failed(Why::Precondition, format!("what is merged is no JSON: {error}")))?;
        let (mut pause, mut untold, mut busy) = (first_pause(), None, None);
        for _ in 0..TRIES {
            let now = self.cluster.object(&thing.path).await?;
            let is_there = |now: &Value| cluster::manifest(&cluster::merged(now, &merge)) == cluster::manifest(now);
            // An earlier attempt, of which nobody heard, may have done it.
            if (self.job.attempt > 1 || untold.is_some()) && now.as_ref().is_some_and(is_there) {
                return Ok(well(format!("{object} is so already")));
            }
            self.as_found(&thing, now.as_ref())?;
            let (verb, how, path, body) = match &now {
                None if !patch.create => return Err(failed(Why::Precondition, format!("{object} not found"))),
                None => {
                    let mut own =
                        json!({ "apiVersion": object.api, "kind": object.kind, "metadata": { "name": object.name } });
                    if let Some(space) = &object.namespace {
                        own["metadata"]["namespace"] = space.as_str().into();
                    }
                    let made = cluster::merged(&cluster::merged(&json!({}), &merge), &own);
                    ("create", Verb::Post, thing.siblings(), made)
                }
                Some(now) => {
                    is_to_stay(object, now)?;
                    if is_there(now) {
                        return Ok(well(format!("{object} is so already")));
                    }
                    ("patch", Verb::MergePatch, thing.path.as_str(), bound(&merge, now))
                }
            };
            let answer = self.ask((verb, &thing.key), how, path, Some(&body)).await?;
            match answer.code {
                _ if answer.is_good() && now.is_some() => {
                    // Fields that a server does not know it drops without a word.
                    return match now.as_ref().map(cluster::manifest) == Some(cluster::manifest(&answer.body)) {
                        true => Err(failed(Why::Unmet, format!("the server took none of it: {object} is as before"))),
                        false => Ok(well(format!("{object} patched"))),
                    };
                }
                _ if answer.is_good() => {
                    return Ok(well(format!("{object} made, with UID {}", cluster::uid(&answer.body))));
                }
                _ if answer.is_conflict() => {
                    // An earlier one, of which nobody told, may have come late: the next look shows it.
                    if untold.is_none() {
                        self.unless_changed(&thing, now.as_ref()).await?;
                    }
                    rest(&mut pause).await;
                }
                404 if now.is_some() => {
                    return Err(failed(Why::Conflict, format!("{object} is gone since it was looked at")));
                }
                429 => {
                    tokio::time::sleep(answer.wait()).await;
                    busy = Some(answer);
                }
                _ if answer.is_open() => {
                    let uid = now.as_ref().map(|now| cluster::uid(now).to_owned());
                    let is_it = |now: Option<&Value>| {
                        now.is_some_and(|now| {
                            uid.as_deref().is_none_or(|uid| uid == cluster::uid(now)) && is_there(now)
                        })
                    };
                    if let Some(stop) = self.look_for(&thing, &answer, is_it).await? {
                        return Ok(stop);
                    }
                    untold = Some(answer);
                }
                _ => return Err(failed(meaning(&answer), answer.words())),
            }
        }
        Err(self.given_up(object, untold, busy))
    }
}
