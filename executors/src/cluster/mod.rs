//! The cluster's API: looked at and changed by requests that are made once, told one by one, and that miss rather than hit
//! something else than was meant.
//!
//! 1. [`Api`] sends a request and says what came: an answer, certainly nothing, or nobody knows. Objects stay JSON.
//! 2. A job is worked at in rounds. What a round asked for is told before the next one begins.
//! 3. A Node is claimed by an annotation before it is changed, and each change of it is tested against that claim and its
//!    UID. Pods and other objects are evicted and deleted by their UID.
//! 4. Nothing of a job stays on the target beside its effect: what became of one that was cut is told by what is there.

pub(crate) mod api;
mod bad_config;
mod checkup;
pub(crate) mod claim;
mod discovery;
pub(crate) mod draining;
pub(crate) mod evict;
pub(crate) mod exec;
mod gate;
pub(crate) mod job;
mod kubeconfig;
mod log;
pub(crate) mod look;
pub(crate) mod node;
pub(crate) mod objects;
pub(crate) mod on_cluster;
mod proxy;
pub(crate) mod rights;
pub(crate) mod time;
mod token;

pub use api::NoCluster;
pub use checkup::{ClusterCheckup, Nodes, RightsOf};
pub use discovery::{Kinds, NodeFound};
pub(crate) use exec::Spoken;
pub(crate) use gate::StoragePod;
pub(crate) use on_cluster::OnCluster;

use crate::kind::done_by;
use crate::ssh::Claim;
use api::Api;
use job::{ApiJob, Stop, failed};
use on_cluster::Memory;
use palinode_core::chain::chain;
use palinode_core::cluster::ClusterId;
use palinode_core::id::{EntryId, HostName};
use palinode_core::port::{Bodies, Ended, Job, JobStatus};
use palinode_core::record::ProgressKind;
use palinode_core::record::Why;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

/// So many requests are named where a job's end is told.
const FEW: usize = 3;

/// What a person says of a host that its node may be known by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Given {
    /// The name that its kubelet registers under.
    pub name: Option<String>,
    /// Its address.
    pub address: Option<String>,
}

/// A cluster, looked at and acted on in the name of a journal. See the module.
pub struct Cluster {
    pub(crate) api: Api,
    claim: Claim,
    names: BTreeMap<HostName, Given>,
    /// The Nodes that were claimed here.
    pub(crate) held: RefCell<BTreeSet<String>>,
    /// The versions that the server made of Nodes here, with the UID of each.
    written: RefCell<BTreeMap<String, (String, u64)>>,
    works: RefCell<BTreeMap<EntryId, Work>>,
    evictions: RefCell<Option<Option<String>>>,
}

/// A job that this process is at.
struct Work {
    memory: Memory,
    /// The number of the last thing told.
    number: u64,
    /// What the server's audit log calls the requests that were made.
    audits: Vec<String>,
    /// Whether any of them may have changed something.
    changed: bool,
    /// How it ended, while what it did is still to be told.
    end: Option<Ended>,
}

impl Cluster {
    /// Opens a way to a cluster: by a file or what `KUBECONFIG` names, and a context or the current one.
    pub async fn open(
        file: Option<&Path>,
        context: Option<&str>,
        claim: Claim,
        names: BTreeMap<HostName, Given>,
    ) -> Result<Self, NoCluster> {
        let api = Api::open(file, context).await?;
        Ok(Self {
            api,
            claim,
            names,
            held: RefCell::default(),
            written: RefCell::default(),
            works: RefCell::default(),
            evictions: RefCell::default(),
        })
    }

    /// Which cluster it is.
    pub fn id(&self) -> &ClusterId {
        self.api.id()
    }

    /// Begins a job, or goes on with one that this process is at, until there is something to tell.
    pub(crate) async fn work(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        let begun = self.works.borrow_mut().remove(&job.name);
        // Whoever asks again because nobody answered gives the server a moment.
        if begun.is_none()
            && let Some(seconds) = job.attempt.checked_sub(2)
        {
            tokio::time::sleep(Duration::from_secs([1, 3].get(seconds as usize).copied().unwrap_or(10))).await;
        }
        let mut work = begun.unwrap_or_else(|| Work {
            memory: Memory::new(),
            number: job.heard,
            audits: Vec::new(),
            changed: false,
            end: None,
        });
        loop {
            if let Some(end) = work.end.take() {
                return settled(with_audits(end, &work.audits), work.changed);
            }
            let mut number = work.number;
            let mut api_job = ApiJob::new(self, job, bodies, &mut number);
            let came = match done_by(&job.action).on_cluster() {
                Some(kind) => kind.round(&mut api_job, &mut work.memory).await,
                None => Err(failed(Why::Precondition, format!("{} is not done through the API", job.action.name()))),
            };
            let reports = std::mem::take(&mut api_job.reports);
            work.changed |= api_job.changed;
            for report in &reports {
                if let ProgressKind::Request { audit: Some(audit), .. } = &report.what
                    && !work.audits.contains(audit)
                {
                    work.audits.push(audit.clone());
                }
            }
            work.number = number;
            work.end = match came {
                Ok(None) => None,
                Ok(Some(Stop::Ended(ended))) | Err(Stop::Ended(ended)) => Some(ended),
                Ok(Some(Stop::Body(error))) | Err(Stop::Body(error)) => Some(Ended::Unknown(chain(&error))),
            };
            if !reports.is_empty() {
                self.works.borrow_mut().insert(job.name, work);
                return Ended::Telling(reports);
            }
        }
    }

    /// What is known of a job: of one that another process was at, nothing but what is there.
    pub(crate) fn status(&self, job: &Job) -> JobStatus {
        match self.works.borrow().contains_key(&job.name) {
            true => JobStatus::Running,
            false => JobStatus::Unknown,
        }
    }
}

/// A step that was refused before it changed anything left nothing behind: what others did meanwhile is not looked at, so
/// that it is never taken for the step's own work, and taken back as such. A step that was refused after it changed
/// something is no harmless one, whatever the refusal was.
fn settled(ended: Ended, changed: bool) -> Ended {
    let Ended::Finished(mut finished) = ended else { return ended };
    match finished.why {
        Some(Why::Precondition) if changed => {
            finished.why = Some(Why::Partial);
            Ended::Finished(finished)
        }
        Some(Why::Precondition | Why::Conflict) if !changed && finished.output.is_none() => {
            Ended::NotStarted(finished.message.unwrap_or_default())
        }
        Some(Why::ExitCode) if !changed => Ended::NotStarted(finished.message.unwrap_or_default()),
        _ => Ended::Finished(finished),
    }
}

/// An end that names the few requests it is made of, as the server's audit log does. Of many, the progress tells.
fn with_audits(ended: Ended, audits: &[String]) -> Ended {
    match ended {
        Ended::Finished(mut finished) if (1..=FEW).contains(&audits.len()) => {
            let message = finished.message.unwrap_or_default();
            let ids = if audits.len() == 1 { "audit id" } else { "audit ids" };
            finished.message = Some(format!("{message} ({ids} {})", audits.join(", ")));
            Ended::Finished(finished)
        }
        ended => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use palinode_core::port::Finished;

    #[test]
    fn only_what_changed_nothing_is_not_begun() {
        let end = |why| Ended::Finished(Finished { why, message: Some("m".to_owned()), ..Finished::default() });
        for why in [Why::Precondition, Why::Conflict, Why::ExitCode] {
            assert_eq!(settled(end(Some(why)), false), Ended::NotStarted("m".to_owned()), "{why:?}");
        }
        assert_eq!(settled(end(Some(Why::Precondition)), true), end(Some(Why::Partial)));
        for why in [Some(Why::Conflict), Some(Why::ExitCode), Some(Why::Timeout), None] {
            assert_eq!(settled(end(why), true), end(why));
        }
        assert_eq!(settled(end(Some(Why::Timeout)), false), end(Some(Why::Timeout)));
    }
}
