//! `restore`: becomes `kube.patch-node` before it runs.

use crate::cluster::job::{ApiJob, failed};
use crate::cluster::on_cluster::{Memory, Needs, OnCluster, Round};
use crate::cluster::rights::Right;
use palinode_core::action::Restore;
use palinode_core::record::Why;

impl OnCluster for Restore {
    fn round<'a>(&'a self, _: &'a mut ApiJob<'_>, _: &'a mut Memory) -> Round<'a> {
        Box::pin(async { Err(failed(Why::Precondition, "restore has not been resolved to what it restores")) })
    }

    fn needs(&self) -> Needs<'_> {
        Needs::Rights(Right::node())
    }
}
