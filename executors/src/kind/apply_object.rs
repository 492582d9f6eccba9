//! `kube.apply`: what brings a ConfigMap back.

use crate::cluster::job::ApiJob;
use crate::cluster::objects::Thing;
use crate::cluster::on_cluster::{Memory, Needs, OnCluster, Round};
use crate::cluster::rights::Right;
use palinode_core::action::ApplyObject;

impl OnCluster for ApplyObject {
    fn round<'a>(&'a self, job: &'a mut ApiJob<'_>, _: &'a mut Memory) -> Round<'a> {
        Box::pin(async move {
            let thing = Thing::map(&self.namespace, &self.name)?;
            job.put(&thing, self.body).await.map(Some)
        })
    }

    fn needs(&self) -> Needs<'_> {
        Needs::Rights(
            ["get", "update", "create"]
                .map(|verb| Right::of(verb, "configmaps").within(&self.namespace).named(&self.name))
                .into(),
        )
    }
}
