//! `kube.delete` of an object of any kind.

use crate::cluster::job::ApiJob;
use crate::cluster::on_cluster::{Memory, Needs, OnCluster, Round};
use palinode_core::action::RemoveObject;
use palinode_core::resource::Kind;

impl OnCluster for RemoveObject {
    fn round<'a>(&'a self, job: &'a mut ApiJob<'_>, _: &'a mut Memory) -> Round<'a> {
        Box::pin(async move {
            let thing = job.thing(&self.object).await?;
            // Whichever way a node group's is written, nodes may be using it.
            let unless_used = matches!(thing.key.kind(), Some(Kind::ConfigMap(..)));
            job.take_away(&thing, unless_used).await.map(Some)
        })
    }

    fn needs(&self) -> Needs<'_> {
        Needs::Object(&self.object, &["get", "delete", "create"])
    }
}
