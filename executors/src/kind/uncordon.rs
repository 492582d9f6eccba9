//! `kube.uncordon`: the node takes pods again.

use crate::cluster::job::ApiJob;
use crate::cluster::on_cluster::{Memory, Needs, OnCluster, Round};
use crate::cluster::rights::Right;
use palinode_core::action::PatchNode;
use std::collections::BTreeMap;

/// Makes the node schedulable.
#[derive(Debug)]
pub(crate) struct Uncordon;

impl OnCluster for Uncordon {
    fn round<'a>(&'a self, job: &'a mut ApiJob<'_>, _: &'a mut Memory) -> Round<'a> {
        Box::pin(async move {
            let (labels, taints) = (BTreeMap::new(), BTreeMap::new());
            job.patch_node(&PatchNode { unschedulable: Some(false), labels, taints }).await.map(Some)
        })
    }

    fn needs(&self) -> Needs<'_> {
        Needs::Rights(Right::node())
    }
}
