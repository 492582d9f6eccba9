//! Whether what a job changes is still as its attempt found it: what goes back one day is what was found, and what someone
//! changed since would be lost with it.

use crate::lab::world::job::Finish;
use crate::lab::world::model::{ConfigMap, NodeRecord, World};
use palinode_core::port::{Bodies, Job};
use palinode_core::record::Why;
use palinode_core::resource::{Fields, Kind, Node, State};

impl World {
    /// Why a job must not begin that replaces files: the first of them that is not as its attempt found it.
    pub(in crate::lab) fn moved(&self, job: &Job, bodies: &dyn Bodies) -> Option<String> {
        let seen = job.seen.as_ref().filter(|_| job.action.replaces_files())?;
        let owned = job.action.footprint(&job.target).into_iter().filter(|item| item.fields != Fields::Evidence);
        owned.map(|item| item.key).find_map(|key| {
            let (Some(Kind::File(_, path)), Some(was)) = (key.kind(), seen.get(&key)) else { return None };
            let changed = self.observe(&key, bodies).is_ok_and(|now| !was.same(&now, Fields::All));
            changed.then(|| format!("{path} was changed since the step looked at it; nothing was changed here"))
        })
    }
}

fn changed(what: &str) -> Finish {
    let message = format!("{what} since it was looked at; nothing was changed here");
    Finish { why: Some(Why::Conflict), message: Some(message), ..Finish::default() }
}

/// Refuses a Node that someone else changed, as the API does. `differs` tells of the Node then and now whether the job
/// minds its scheduling, and whether labels that it minds are others.
pub(super) fn same_node(
    world: &World,
    job: &Job,
    differs: impl Fn(&Node, &NodeRecord) -> (bool, bool),
) -> Result<(), Finish> {
    for (key, was) in job.seen.iter().flat_map(|seen| seen.iter()) {
        let (Some(Kind::Node(name)), State::Node(was)) = (key.kind(), was) else { continue };
        let Some(now) = world.nodes.get(name) else { continue };
        let (scheduling, labels) = differs(was, now);
        if now.uid != was.uid {
            return Err(changed(&format!("node {name} registered again under UID {}", now.uid)));
        }
        if scheduling && now.unschedulable != was.unschedulable {
            return Err(changed(&format!("someone else cordoned or uncordoned node {name}")));
        }
        if labels {
            return Err(changed(&format!("someone else changed the labels of node {name}")));
        }
    }
    Ok(())
}

/// Refuses a ConfigMap that someone else wrote, where it is there and the job `minds` what it holds.
pub(super) fn same_map(
    world: &World,
    job: &Job,
    bodies: &dyn Bodies,
    minds: impl Fn(&ConfigMap) -> bool,
) -> Result<(), Finish> {
    for (key, was) in job.seen.iter().flat_map(|seen| seen.iter()) {
        let Some(Kind::ConfigMap(namespace, name)) = key.kind() else { continue };
        if world.config_map(namespace, name).is_some_and(&minds)
            && world.observe(key, bodies).is_ok_and(|now| now != *was)
        {
            return Err(changed(&format!("someone else wrote configmap {namespace}/{name}")));
        }
    }
    Ok(())
}
