//! `kube.delete`: a ConfigMap goes, unless a node takes its configuration from it.

use super::draft::{Draft, Outside, refuse};
use super::found;
use super::in_lab::InLab;
use crate::lab::world::effect::Effect;
use crate::lab::world::job::Finish;
use crate::lab::world::model::World;
use palinode_core::action::DeleteObject;
use palinode_core::id::ResourceKey;
use palinode_core::port::Job;
use palinode_core::resource::State;

impl InLab for DeleteObject {
    fn draft(&self, world: &World, job: &Job, outside: &Outside<'_>) -> Result<Draft, Finish> {
        found::same_map(world, job, outside.bodies, |_| true)?;
        let name = format!("{}/{}", self.namespace, self.name);
        let Some(map) = world.config_maps.get(&name) else {
            return Ok(Draft::default().ends(1));
        };
        let key = ResourceKey::config_map(&self.namespace, &self.name);
        if let Some(State::Object { uid, .. }) = job.before.get(&key)
            && *uid != map.uid
        {
            return Err(refuse(format!("configmap {name} was made anew since it was looked at")));
        }
        if self.unless_used {
            let own = job.target.host.as_ref().map(|host| host.as_str());
            let user = world.hosts.iter().find(|(host, found)| {
                Some(host.as_str()) != own
                    && world.nodes.contains_key(*host)
                    && world.group_of(found).as_deref() == Some(&self.name)
            });
            if let Some((user, _)) = user {
                return Err(refuse(format!("configmap {name} is in use: {user} takes its configuration from it")));
            }
        }
        let mut draft = Draft::default();
        draft.then(1, Effect::DeleteConfigMap { name });
        Ok(draft.ends(1))
    }
}
