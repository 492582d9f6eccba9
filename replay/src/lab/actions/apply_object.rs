//! `kube.apply`: a ConfigMap is made, or gets another content.

use super::draft::{Draft, Outside, refuse, text_of};
use super::found;
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::ApplyObject;
use palinode_core::port::Job;

impl InLab for ApplyObject {
    fn draft(&self, world: &World, job: &Job, outside: &Outside<'_>) -> Result<Draft, Finish> {
        let content = config_of(&text_of(outside.bodies, self.body)?)?;
        let name = format!("{}/{}", self.namespace, self.name);
        found::same_map(world, job, outside.bodies, |map| *map.content != *content)?;
        let mut draft = Draft::default();
        if world.config_maps.get(&name).is_none_or(|map| *map.content != *content) {
            draft.then(1, Effect::PutConfigMap { name, content: content.into() });
        }
        Ok(draft.ends(1))
    }
}

/// The one text that the lab keeps of a ConfigMap, out of its manifest.
fn config_of(manifest: &str) -> Result<String, Finish> {
    let map: serde_json::Value =
        serde_json::from_str(manifest).map_err(|error| refuse(format!("what was recorded is no manifest: {error}")))?;
    let config = palinode_core::cluster::node_config(&map).map(str::to_owned);
    config.ok_or_else(|| refuse("the lab has no ConfigMaps but those of node groups"))
}
