//! [`Real`]: what it consists of, and whom it asks.

use crate::ansible::{Asker, PlaybookDirs, Playbooks};
use crate::cluster::Cluster;
use crate::control::InventoryFiles;
use crate::files::DiskFiles;
use crate::gluster::Watch;
use crate::secrets;
use crate::ssh::{Claim, Fleet};
use palinode_core::action::{Action, Place, Target};
use palinode_core::chain::chain;
use palinode_core::cluster::ClusterId;
use palinode_core::gate::Gate;
use palinode_core::id::{EntryId, HostName, Micros, ResourceKey};
use palinode_core::port::Sample;
use palinode_core::port::{Bodies, Control as _, Ended, Executor, Halted, Job, JobStatus, LookError, Report, Survey};
use palinode_core::resource::{CONTROL, Image, Kind};
use palinode_core::span::Span;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Why nothing is asked of a cluster.
pub(super) const NO_CLUSTER: &str = "no cluster was named that it could act on";

/// Looks at real hosts and acts on them. See the module.
pub struct Real {
    pub(super) fleet: Fleet,
    pub(super) control: InventoryFiles<DiskFiles>,
    pub(super) playbooks: Playbooks,
    pub(super) cluster: Option<Cluster>,
    pub(super) claim: Claim,
    /// The hosts that were claimed here, and their boot then.
    pub(super) held: RefCell<BTreeMap<HostName, String>>,
    /// What was in split-brain when storage was last looked at.
    pub(super) storage: Watch,
    pub(super) listener: Option<Listener>,
    pub(super) teller: Option<Teller>,
}

/// Hears what a job prints, while it runs. These are a host's bytes: whatever they are.
pub type Listener = Box<dyn Fn(&Job, &[u8])>;

/// Tells a person of a target that does not answer: in words, when it is tried again, and how much longer after that.
pub type Teller = fn(&str, Span, Span);

impl Real {
    /// Acts on the hosts of a fleet, in the name of a journal.
    pub fn new(fleet: Fleet, claim: Claim, dirs: PlaybookDirs) -> Self {
        Self {
            fleet,
            control: InventoryFiles::new(DiskFiles),
            playbooks: Playbooks::new(dirs),
            cluster: None,
            claim,
            held: RefCell::default(),
            storage: Watch::default(),
            listener: None,
            teller: None,
        }
    }

    /// Acts on a cluster too.
    pub fn with_cluster(self, cluster: Option<Cluster>) -> Self {
        Self { cluster, ..self }
    }

    /// Lets someone hear what jobs print.
    pub fn listen(&mut self, listener: Listener) {
        self.listener = Some(listener);
    }

    /// Has a person answer what playbooks ask.
    pub fn asking(&mut self, asker: Rc<dyn Asker>) {
        self.playbooks.asking(asker);
    }

    /// Tells of targets that do not answer.
    pub fn telling(self, teller: Teller) -> Self {
        Self { teller: Some(teller), ..self }
    }

    /// Whether a step needs the cluster's API: it is done there, or looks at something there.
    pub fn needs_cluster(action: &Action) -> bool {
        // Whatever its host and node are called.
        let target = Target { host: HostName::new("host").ok(), node: Some("host".to_owned()) };
        action.place() == Place::Cluster || action.footprint(&target).iter().any(|found| is_of_cluster(&found.key))
    }

    /// Whether a gate does.
    pub fn gate_needs_cluster(gate: &Gate) -> bool {
        match gate {
            Gate::NodeReady {} => true,
            Gate::GlusterHealed { hosts, .. } => hosts.is_empty(),
            Gate::PackageRestorable { .. } => false,
        }
    }

    /// Two of these hosts that lead to one machine, and by what that is known, as far as they were connected to.
    pub fn same_machine(&self, hosts: &[HostName]) -> Option<(HostName, HostName, String)> {
        self.fleet.same_machine(hosts)
    }

    /// The cluster, if one was named.
    pub(super) fn api(&self) -> Result<&Cluster, LookError> {
        let none = || LookError::Refused { target: "the cluster".to_owned(), why: NO_CLUSTER.to_owned() };
        self.cluster.as_ref().ok_or_else(none)
    }
}

impl Executor for Real {
    async fn survey(&self, target: &Target, action: &Action, bodies: &dyn Bodies) -> Result<Survey, LookError> {
        secrets::ready(action)?;
        self.side(action, target).survey(action, target, bodies).await
    }

    async fn node_of(&self, target: &Target) -> Result<Option<String>, LookError> {
        match &target.host {
            Some(host) => self.api()?.node_of(host, target.node.as_deref()).await.map(Some),
            None => Ok(None),
        }
    }

    async fn observe(&self, keys: &[ResourceKey], bodies: &dyn Bodies) -> Result<Image, LookError> {
        let mut image = Image::new();
        let mut hosts: BTreeMap<HostName, Vec<ResourceKey>> = BTreeMap::new();
        let mut cluster = Vec::new();
        for key in keys {
            match key.kind() {
                Some(Kind::File(CONTROL, path)) => {
                    image.insert(key.clone(), self.control.observe(path, bodies)?);
                }
                _ => match key.host().map(HostName::new) {
                    Some(Ok(host)) => hosts.entry(host).or_default().push(key.clone()),
                    Some(Err(error)) => {
                        return Err(LookError::Refused { target: key.to_string(), why: error.to_string() });
                    }
                    None => cluster.push(key.clone()),
                },
            }
        }
        if !cluster.is_empty() {
            image.extend(self.api()?.observe(&cluster, bodies).await?);
        }
        for (host, keys) in &hosts {
            image.extend(self.look(host, keys, bodies).await?);
        }
        Ok(image)
    }

    async fn execute(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        self.side(&job.action, &job.target).execute(job, bodies).await
    }

    async fn told(&self, job: &Job, bodies: &dyn Bodies) -> Result<Vec<Report>, LookError> {
        self.side(&job.action, &job.target).told(job, bodies)
    }

    async fn status(&self, job: &Job, bodies: &dyn Bodies) -> Result<JobStatus, LookError> {
        self.side(&job.action, &job.target).status(job, bodies).await
    }

    async fn attach(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        self.side(&job.action, &job.target).attach(job, bodies).await
    }

    async fn revoke(&self, job: &Job) -> Result<bool, LookError> {
        self.side(&job.action, &job.target).revoke(job).await
    }

    fn recorded(&self, job: EntryId, action: &Action, target: &Target) {
        self.side(action, target).recorded(job);
    }

    async fn settle(&self) {
        let all = async {
            self.fleet.settle().await;
            self.playbooks.settle().await;
        };
        let _ = tokio::time::timeout(SETTLE, all).await;
    }

    async fn sample(&self, target: &Target, gate: &Gate, bodies: &dyn Bodies) -> Result<Sample, LookError> {
        self.sample_gate(target, gate, bodies).await
    }

    fn unanswered(&self, why: &LookError, again: Span, left: Span) {
        if let Some(tell) = self.teller {
            tell(&chain(why), again, left);
        }
    }

    fn host_keys(&self) -> BTreeMap<HostName, String> {
        self.fleet.host_keys()
    }

    fn machines(&self) -> BTreeMap<HostName, String> {
        self.fleet.machines()
    }

    fn cluster(&self) -> Option<ClusterId> {
        self.cluster.as_ref().map(|cluster| cluster.id().clone())
    }

    fn now(&self) -> Micros {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn is_virtual(&self) -> bool {
        false
    }

    async fn sleep(&self, until: Micros) {
        let left = until.since(self.now()).0;
        tokio::time::sleep(Duration::from_micros(u64::try_from(left).unwrap_or(0))).await;
    }

    async fn idle(&self) -> Result<(), Halted> {
        std::future::pending().await
    }
}

/// So long may it take to tell targets what is recorded, when nothing else is asked of them.
const SETTLE: Duration = Duration::from_secs(5);

/// Whether something is looked at through the API.
fn is_of_cluster(key: &ResourceKey) -> bool {
    match key.kind() {
        Some(
            Kind::ConfigMap(..) | Kind::Csr(_) | Kind::Node(_) | Kind::Object { .. } | Kind::Pod(..) | Kind::Pods(_),
        ) => true,
        Some(
            Kind::Boot(_)
            | Kind::File(..)
            | Kind::Package(..)
            | Kind::Release(_)
            | Kind::Repository(..)
            | Kind::Step(_)
            | Kind::Unit(..),
        ) => false,
        // A name that still holds a template is no name yet.
        None => key.as_str().ends_with("@cluster"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_needs_the_cluster_if_it_looks_at_something_there() {
        let needs = |text: &str| {
            let action: Action = serde_json::from_str(text).expect("an action");
            Real::needs_cluster(&action)
        };
        let playbook =
            |more: &str| needs(&format!(r#"{{"ansible.playbook":{{"path":"/p.yml","inventory":"/inv"{more}}}}}"#));
        assert!(needs(r#"{"kube.cordon":{}}"#));
        assert!(!needs(r#"{"reboot":{}}"#));
        assert!(needs(r#"{"record":{"node":true}}"#));
        assert!(!needs(r#"{"record":{"units":["a"],"node":false}}"#));
        assert!(!playbook(""));
        assert!(playbook(r#","expect":{"node-ready":{"runtime":"docker"}}"#));
        assert!(playbook(r#","expect":{"config-map-without":{"namespace":"a","name":"b","runtime":"c"}}"#));
        assert!(playbook(
            r#","expect":{"config-map-without":{"namespace":"a","name":"{{ steps.x/y.value }}","runtime":"c"}}"#
        ));
    }
}
