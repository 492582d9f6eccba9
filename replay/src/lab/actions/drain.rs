//! `kube.drain`: pods that can move are evicted one after the other.

use super::draft::{Draft, Outside, node_of, refuse};
use super::in_lab::InLab;
use crate::lab::world::controllers::is_of;
use crate::lab::world::effect::Effect;
use crate::lab::world::job::Finish;
use crate::lab::world::model::{PodRecord, World};
use palinode_core::action::{Bare, Drain, Emptydir};
use palinode_core::port::Job;

impl InLab for Drain {
    /// Filters as `oc adm drain` does: any pod in the way, and nothing is evicted. Evicts in the order in which the
    /// controllers make successors, so that it does not matter how many go between two of their rounds: the successors
    /// are placed one after the other either way, on the same nodes.
    fn draft(&self, world: &World, job: &Job, _: &Outside<'_>) -> Result<Draft, Finish> {
        let node = node_of(job)?;
        let Some(found) = world.nodes.get(node) else {
            return Err(refuse(format!("nodes \"{node}\" not found: there is nothing to drain; nothing was evicted")));
        };
        if !found.unschedulable {
            return Err(refuse(format!(
                "node {node} is not cordoned: what is evicted could come back at once; nothing was evicted"
            )));
        }
        let mut pods: Vec<_> = world.pods.on(node).filter(|(_, pod)| World::evictable(pod)).collect();
        let place = |pod: &PodRecord| world.owners.iter().position(|owner| is_of(pod, owner)).unwrap_or(usize::MAX);
        pods.sort_by_key(|(_, pod)| (place(pod), &pod.namespace, &pod.name));
        for (_, pod) in &pods {
            let name = format!("{}/{}", pod.namespace, pod.name);
            if pod.emptydir && self.emptydir == Emptydir::Refuse {
                return Err(refuse(format!("pod {name} has an emptyDir volume, and emptydir is refuse")));
            }
            if pod.owner.is_none() && self.bare == Bare::Refuse {
                return Err(refuse(format!("pod {name} has no controller, and bare is refuse")));
            }
        }
        let mut draft = Draft { patience: Some(self.timeout.micros()), ..Draft::default() };
        let patience = self.timeout.micros().0 / 1_000_000;
        for (uid, pod) in pods {
            let pod = format!("{}/{}", pod.namespace, pod.name);
            draft.wait(3, patience, Effect::Evict { uid: uid.to_owned(), pod });
        }
        Ok(draft.ends(10))
    }
}
