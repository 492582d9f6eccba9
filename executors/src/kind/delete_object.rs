//! `kube.delete` of a ConfigMap.

use crate::cluster::job::ApiJob;
use crate::cluster::objects::Thing;
use crate::cluster::on_cluster::{Memory, Needs, OnCluster, Round};
use crate::cluster::rights::Right;
use palinode_core::action::DeleteObject;

impl OnCluster for DeleteObject {
    fn round<'a>(&'a self, job: &'a mut ApiJob<'_>, _: &'a mut Memory) -> Round<'a> {
        Box::pin(async move {
            let thing = Thing::map(&self.namespace, &self.name)?;
            job.take_away(&thing, self.unless_used).await.map(Some)
        })
    }

    fn needs(&self) -> Needs<'_> {
        Needs::Rights(
            ["get", "delete", "create"]
                .map(|verb| Right::of(verb, "configmaps").within(&self.namespace).named(&self.name))
                .into(),
        )
    }
}
