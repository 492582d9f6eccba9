//! `kube.exec`: a command is run in a pod, once.

use crate::cluster::exec::NotSpoken;
use crate::cluster::job::{ApiJob, Stop, failed};
use crate::cluster::on_cluster::{Memory, Needs, OnCluster, Round};
use crate::cluster::rights::Right;
use palinode_core::action::KubeExec;
use palinode_core::port::{Ended, Finished};
use palinode_core::record::{Class, Why};
use std::time::Duration;

/// So often a server is asked that has too much to do, or starts.
const TRIES: u32 = 5;

/// The pause between two of them.
const EVERY: Duration = Duration::from_secs(1);

impl OnCluster for KubeExec {
    fn round<'a>(&'a self, job: &'a mut ApiJob<'_>, _: &'a mut Memory) -> Round<'a> {
        Box::pin(async move { job.exec(self).await.map(Some) })
    }

    fn needs(&self) -> Needs<'_> {
        // A socket is opened by a GET, and that is what servers ask the right for.
        let right = Right::of("get", "pods/exec").within(&self.pod.namespace);
        Needs::Rights(vec![match &self.pod.name {
            Some(name) => right.named(name),
            None => right,
        }])
    }
}

impl ApiJob<'_> {
    /// Runs it once.
    async fn exec(&mut self, exec: &KubeExec) -> Result<Stop, Stop> {
        let node = self.job.target.node.as_deref().filter(|_| exec.pod.name.is_none());
        let pod = self.cluster.pod_of(&exec.pod, node).await?;
        let limit = Duration::from_micros(u64::try_from(exec.timeout.micros().0).unwrap_or(0));
        let speak = || self.cluster.speak(&exec.pod.namespace, &pod, exec.container.as_deref(), &exec.run, limit);
        let (mut spoken, mut tries) = (speak().await, 1);
        while matches!(spoken, Err(NotSpoken::NotYet(_))) && tries < TRIES {
            tokio::time::sleep(EVERY).await;
            (spoken, tries) = (speak().await, tries + 1);
        }
        let spoken = match spoken {
            Ok(spoken) => spoken,
            Err(NotSpoken::NotBegun(why)) => return Err(failed(Why::Precondition, why)),
            Err(NotSpoken::NotYet(why)) => {
                return Err(failed(Why::Precondition, format!("{why}; it was asked {TRIES} times, and never begun")));
            }
            Err(NotSpoken::Unknown(why)) => return Err(self.unheard(why)),
        };
        let Some(code) = spoken.code else {
            return Err(self.unheard(spoken.words.unwrap_or_default()));
        };
        // Whatever a command did, its exit code does not tell.
        self.changed = true;
        let mut all = spoken.out;
        all.extend_from_slice(&spoken.err);
        let output = if all.is_empty() { None } else { Some(self.bodies.put(Class::Output, &all)?) };
        let text = String::from_utf8_lossy(&spoken.err);
        let last = text.trim().lines().last().unwrap_or_default().chars().take(1000).collect::<String>();
        let message = match code {
            0 => format!("in pod {}/{pod}", exec.pod.namespace),
            _ if last.is_empty() => spoken.words.unwrap_or_default(),
            _ => last,
        };
        let why = (code != 0).then_some(Why::ExitCode);
        let finished = Finished { why, code: Some(code), message: Some(message), output, ..Finished::default() };
        Ok(Stop::Ended(Ended::Finished(finished)))
    }
}
