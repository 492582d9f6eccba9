//! `kube.put-back`: what brings an object of any kind back.

use crate::cluster::job::ApiJob;
use crate::cluster::on_cluster::{Memory, Needs, OnCluster, Round};
use palinode_core::action::PutObject;

impl OnCluster for PutObject {
    fn round<'a>(&'a self, job: &'a mut ApiJob<'_>, _: &'a mut Memory) -> Round<'a> {
        Box::pin(async move {
            let thing = job.thing(&self.object).await?;
            job.put(&thing, self.body).await.map(Some)
        })
    }

    fn needs(&self) -> Needs<'_> {
        Needs::Object(&self.object, &["get", "update", "create"])
    }
}
