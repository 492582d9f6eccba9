//! The real world: the operator's hosts over SSH, and the files of the machine that Palinode runs on.

mod claims;
mod errors;
mod watch;

pub use claims::Unready;
pub(crate) use errors::chain;

use crate::ansible::{PlaybookDirs, Playbooks};
use crate::cluster::Cluster;
use crate::control::InventoryFiles;
use crate::done_by::done_by;
use crate::files::DiskFiles;
use crate::gluster::{self, Vantage};
use crate::host::{self, Beyond};
use crate::secrets;
use crate::ssh::{Asked, Claim, Fleet, JobError, Jobs, Reply, Word};
use errors::{not_seen, refused, unseen};
use palinode_core::action::{Action, Place, Playbook, Target};
use palinode_core::cluster::ClusterId;
use palinode_core::event::Class;
use palinode_core::id::{EntryId, HostName, Micros, ResourceKey};
use palinode_core::port::{
    Bodies, Control, Ended, Executor, Gate, Halted, Job, JobStatus, LookError, Remains, Report, Sample, Survey,
};
use palinode_core::resource::{CONTROL, Image, Kind};
use palinode_core::span::Span;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use watch::{finished, left};

const NO_CLUSTER: &str = "no cluster was named that it could act on";

/// Looks at real hosts and acts on them. See the module.
pub struct Real {
    fleet: Fleet,
    control: InventoryFiles<DiskFiles>,
    playbooks: Playbooks,
    cluster: Option<Cluster>,
    claim: Claim,
    /// The hosts that were claimed here, and their boot then.
    held: RefCell<BTreeMap<HostName, String>>,
    listener: Option<Listener>,
    teller: Option<Teller>,
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

    /// Tells of targets that do not answer.
    pub fn telling(self, teller: Teller) -> Self {
        Self { teller: Some(teller), ..self }
    }

    /// Whether a step needs the cluster's API.
    pub fn needs_cluster(action: &Action) -> bool {
        match action {
            Action::Playbook(playbook) => playbook.expect.is_some(),
            Action::Record(record) => record.node,
            _ => action.place() == Place::Cluster,
        }
    }

    /// Whether a gate does.
    pub fn gate_needs_cluster(gate: &Gate) -> bool {
        match gate {
            Gate::NodeReady {} => true,
            Gate::GlusterHealed { hosts, .. } => hosts.is_empty(),
            Gate::PackageRestorable { .. } => false,
        }
    }

    fn api(&self) -> Result<&Cluster, LookError> {
        let none = || LookError::Refused { target: "the cluster".to_owned(), why: NO_CLUSTER.to_owned() };
        self.cluster.as_ref().ok_or_else(none)
    }

    /// The node that a target's host is, where a step has to do with one.
    async fn node(&self, target: &Target, action: &Action) -> Result<Option<String>, LookError> {
        match &target.host {
            Some(host) if Self::needs_cluster(action) => {
                self.api()?.node_of(host, target.node.as_deref()).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    fn jobs<'a>(&'a self, host: &'a HostName) -> Jobs<'a> {
        Jobs(Asked::Host(&self.fleet, host))
    }

    /// The states of one host's resources.
    async fn look(&self, host: &HostName, keys: &[ResourceKey], bodies: &dyn Bodies) -> Result<Image, LookError> {
        let reply = self.fleet.ask(host, &host::script_of(keys)).await.map_err(|error| unseen(host, error))?;
        host::observe(keys, reply.text(), bodies).map_err(|error| not_seen(host, error))
    }

    /// Refuses files that could not be put back where they are.
    async fn may_change<'a>(
        &self,
        host: &HostName,
        keys: impl IntoIterator<Item = &'a ResourceKey>,
    ) -> Result<(), LookError> {
        let asks = host::asks_of(keys, host);
        if asks.is_empty() {
            return Ok(());
        }
        let reply = self.fleet.ask(host, &asks).await.map_err(|error| unseen(host, error))?;
        if reply.code != 0 {
            return Err(refused(host, reply.why()));
        }
        may_be_changed(host, &reply)
    }

    /// Runs a playbook. Its host is claimed first, as for any other step.
    async fn play(&self, playbook: &Playbook, job: &Job, bodies: &dyn Bodies) -> Ended {
        if let Some(host) = &job.target.host
            && let Err(ended) = self.claimed(host, job).await
        {
            return ended;
        }
        match self.playbooks.start(playbook, job, &self.claim).await {
            Ok(_) => self.listen_to(playbook, job, bodies).await,
            Err(JobError::NotStarted(why)) => Ended::NotStarted(why),
            Err(JobError::Link(error)) if !error.was_asked() => Ended::NotStarted(chain(&error)),
            Err(error) => Ended::Unknown(chain(&error)),
        }
    }

    async fn listen_to(&self, playbook: &Playbook, job: &Job, bodies: &dyn Bodies) -> Ended {
        let tell = |bytes: &[u8]| {
            if let Some(listener) = &self.listener {
                listener(job, bytes);
            }
        };
        self.playbooks.watch(playbook, job, bodies, &tell).await
    }

    fn on_control(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        if let Some(why) = self.control.moved(job, bodies) {
            return Ended::Moved(why);
        }
        match self.control.run(&job.action, bodies) {
            Ok(finished) => Ended::Finished(finished),
            Err(error) => Ended::Unknown(chain(&error)),
        }
    }
}

impl Executor for Real {
    async fn survey(&self, target: &Target, action: &Action, bodies: &dyn Bodies) -> Result<Survey, LookError> {
        secrets::ready(action)?;
        let Some(host) = target.host.as_ref().filter(|_| action.place() == Place::Host) else {
            let node = self.node(target, action).await?;
            let Action::Playbook(playbook) = action else {
                let along =
                    done_by(action).on_cluster().zip(node.as_deref()).and_then(|(kind, node)| kind.goes_along(node));
                let more = match along {
                    Some(object) => self.api()?.goes_along(&object).await.into_iter().collect(),
                    None => Vec::new(),
                };
                return Ok(Survey { node, more, ..Survey::default() });
            };
            if let Some(why) = self.playbooks.unready(playbook) {
                return Err(LookError::Refused { target: "what the playbook needs".to_owned(), why });
            }
            let touched: Vec<ResourceKey> = action.footprint(target).into_iter().map(|found| found.key).collect();
            let hosts: BTreeSet<&str> = touched.iter().filter_map(ResourceKey::host).collect();
            for host in hosts.into_iter().filter_map(|host| HostName::new(host).ok()) {
                self.may_change(&host, &touched).await?;
            }
            let boot = std::fs::read_to_string(BOOT_ID).unwrap_or_default().trim().to_owned();
            return Ok(Survey { node, boot: Some(boot).filter(|boot| host::is_boot(boot)), ..Survey::default() });
        };
        let node = self.node(target, action).await?;
        let package = if let Action::Package(package) = action { Some(package) } else { None };
        // What is known to be touched is looked at in the same question.
        let keys: Vec<ResourceKey> = match package {
            Some(_) => Vec::new(),
            None => {
                action.footprint(target).into_iter().map(|found| found.key).filter(|key| is_on(key, host)).collect()
            }
        };
        let more = package.map_or_else(|| host::script_of(&keys), host::beyond_script);
        let asks = host::asks(action);
        let script = format!("printf 'boot '; p_boot\n{asks}{more}\n");
        let reply = self.fleet.ask_for(host, &script, LONG).await.map_err(|error| unseen(host, error))?;
        let boot = reply.lines().find_map(|line| line.strip_prefix("boot ")).filter(|boot| host::is_boot(boot));
        let boot = boot.ok_or_else(|| refused(host, format!("it does not tell its boot: {}", reply.why())))?.to_owned();
        may_be_changed(host, &reply)?;
        let more = match package.map(|package| host::beyond(host, package, &reply)) {
            None => Vec::new(),
            Some(Beyond::More(more)) => {
                self.may_change(host, more.iter().map(|found| &found.key)).await?;
                more
            }
            Some(Beyond::Unexpected(names)) => {
                return Err(refused(
                    host,
                    format!("{} would go too; name them in the step, or keep what they need", names.join(", ")),
                ));
            }
            Some(Beyond::Cannot(why)) => return Err(refused(host, why)),
        };
        let seen = host::observe(&keys, reply.text(), bodies).map_err(|error| not_seen(host, error))?;
        Ok(Survey { node, boot: Some(boot), more, seen })
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
        let host = match (job.action.place(), &job.target.host) {
            (Place::Host, Some(host)) => host,
            (Place::Cluster, _) => {
                return match &self.cluster {
                    Some(cluster) => cluster.work(job, bodies).await,
                    None => Ended::NotStarted(NO_CLUSTER.to_owned()),
                };
            }
            (Place::Control, _) => {
                return match &job.action {
                    Action::Playbook(playbook) => self.play(playbook, job, bodies).await,
                    _ => self.on_control(job, bodies),
                };
            }
            _ => return Ended::NotStarted("the step has no host".to_owned()),
        };
        let act = match host::act(job, bodies) {
            Ok(act) => act,
            Err(why) => return Ended::NotStarted(why),
        };
        let look = host::script_of(&left(job, host));
        match self.start(job, host, &act, &look).await {
            Ok(said) if is_reboot(job) && said.word != Word::Revoked => self.rebooted(job, host).await,
            Ok(said) => self.wait(job, host, said, &look, bodies).await,
            Err(JobError::NotStarted(why)) => Ended::NotStarted(why),
            // Nothing was asked. A link that is lost is no failure: the host is asked about the job once it answers.
            Err(JobError::Link(error)) if !error.was_asked() => match error.may_pass() {
                true => Ended::Unknown(chain(&error)),
                false => Ended::NotStarted(chain(&error)),
            },
            // A host that goes down takes the link along.
            Err(JobError::Link(_)) if is_reboot(job) => self.rebooted(job, host).await,
            Err(error) => Ended::Unknown(chain(&error)),
        }
    }

    async fn told(&self, job: &Job, bodies: &dyn Bodies) -> Result<Vec<Report>, LookError> {
        match &job.action {
            Action::Playbook(_) => Ok(self.playbooks.told(job, bodies)?),
            _ => Ok(Vec::new()),
        }
    }

    async fn status(&self, job: &Job, bodies: &dyn Bodies) -> Result<JobStatus, LookError> {
        if let Action::Playbook(playbook) = &job.action {
            return self.playbooks.status(playbook, job, bodies).await.map_err(|error| here(&error));
        }
        let host = match (job.action.place(), &job.target.host) {
            (Place::Host, Some(host)) => host,
            (Place::Cluster, _) => {
                return Ok(self.cluster.as_ref().map_or(JobStatus::Unknown, |cluster| cluster.status(job)));
            }
            // What is done here at once leaves no word of its own: what is there tells.
            _ => return Ok(JobStatus::Unknown),
        };
        let said = self.jobs(host).status(job.name).await.map_err(|error| match error {
            JobError::Link(error) => unseen(host, error),
            other => refused(host, other.to_string()),
        })?;
        if is_reboot(job) && host::old_boot(job).is_some_and(|old| old != said.boot) {
            return Ok(JobStatus::Running);
        }
        // Whether a claim, or what became of it, may have been lost with the power: only if the host booted since.
        let same = job.boot.as_deref() == Some(said.boot.as_str());
        Ok(match said.word {
            Word::Finished { code: 0, .. } if is_reboot(job) => JobStatus::Running,
            Word::Finished { code, out, dropped } => match finished(job, code, &out, dropped, bodies) {
                Ended::Finished(finished) => JobStatus::Finished(finished),
                Ended::NotStarted(_) | Ended::Moved(_) => JobStatus::NotStarted,
                _ => JobStatus::Unknown,
            },
            Word::Running => JobStatus::Running,
            Word::Interrupted { out } => {
                let output = (!out.is_empty()).then(|| bodies.put(Class::Output, &out)).transpose()?;
                JobStatus::Interrupted(Remains { message: None, output })
            }
            Word::Revoked => JobStatus::Revoked,
            Word::None if same => JobStatus::NotStarted,
            Word::Claimed if same && said.claimed.as_ref() == Some(&said.boot) => JobStatus::NotStarted,
            Word::None | Word::Claimed => JobStatus::Unknown,
        })
    }

    async fn attach(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        if let Action::Playbook(playbook) = &job.action {
            return self.listen_to(playbook, job, bodies).await;
        }
        if let (Place::Cluster, Some(cluster)) = (job.action.place(), &self.cluster) {
            return cluster.work(job, bodies).await;
        }
        let Some(host) = &job.target.host else { return Ended::Unknown("the step has no host".to_owned()) };
        if is_reboot(job) {
            return self.rebooted(job, host).await;
        }
        let look = host::script_of(&left(job, host));
        match self.jobs(host).wait(job.name, self.watch(&look, 0)).await {
            Ok(said) => self.wait(job, host, said, &look, bodies).await,
            Err(error) => Ended::Unknown(chain(&error)),
        }
    }

    async fn revoke(&self, job: &Job) -> Result<bool, LookError> {
        if let Action::Playbook(playbook) = &job.action {
            return self.playbooks.revoke(playbook, job).await.map_err(|error| here(&error));
        }
        let Some(host) = job.target.host.as_ref().filter(|_| job.action.place() == Place::Host) else {
            return Ok(true);
        };
        self.jobs(host).revoke(job.name).await.map_err(|error| match error {
            JobError::Link(error) => unseen(host, error),
            other => refused(host, other.to_string()),
        })
    }

    fn recorded(&self, job: EntryId, action: &Action, target: &Target) {
        match (action, action.place(), &target.host) {
            (Action::Playbook(playbook), ..) => self.playbooks.recorded(playbook, job),
            (_, Place::Host, Some(host)) => self.fleet.recorded(host, job),
            _ => {}
        }
    }

    async fn settle(&self) {
        let all = async {
            self.fleet.settle().await;
            self.playbooks.settle().await;
        };
        let _ = tokio::time::timeout(SETTLE, all).await;
    }

    async fn sample(&self, target: &Target, gate: &Gate, bodies: &dyn Bodies) -> Result<Sample, LookError> {
        match (gate, &target.host) {
            (Gate::PackageRestorable { names }, Some(host)) => {
                let script = host::restorable_script(names);
                let reply = self.fleet.ask_for(host, &script, LONG).await.map_err(|error| unseen(host, error))?;
                let sample = host::restorable(&reply).map_err(|why| refused(host, why))?;
                Ok(Sample { evidence: Some(bodies.put(Class::Output, &reply.out)?), ..sample })
            }
            (Gate::GlusterHealed { hosts, volumes, without, .. }, own) if !hosts.is_empty() => {
                let asked = gate.asked_for(own.as_ref()).into_iter();
                let vantages: Vec<Vantage<'_>> = asked.map(|host| Vantage::Host(&self.fleet, host)).collect();
                let away: Vec<&str> = without.iter().map(HostName::as_str).collect();
                Ok(gluster::sample(&vantages, (volumes, &away), gate.voices(), bodies).await?)
            }
            (Gate::NodeReady {}, _) if target.node.is_some() => {
                self.api()?.node_ready(target.node.as_deref().unwrap_or_default()).await
            }
            (Gate::GlusterHealed { vantage_points, volumes, without, .. }, _) => {
                let cluster = self.api()?;
                // A pod of a host that may be away is not asked; where it is not known which one that is, nothing may be.
                let away: Vec<&str> = match &target.node {
                    Some(_) => without.iter().map(HostName::as_str).collect(),
                    None => Vec::new(),
                };
                let wanted = if away.is_empty() { *vantage_points } else { 0 };
                let pods = cluster.storage_pods(target.node.as_deref(), wanted as usize).await?;
                let vantages: Vec<Vantage<'_>> = pods.iter().map(|pod| Vantage::Pod(cluster, pod)).collect();
                let there = u32::try_from(pods.len()).unwrap_or(u32::MAX).max(1);
                let voices = if away.is_empty() { *vantage_points } else { (*vantage_points).min(there) };
                Ok(gluster::sample(&vantages, (volumes, &away), voices, bodies).await?)
            }
            _ => {
                let why = "the gate has no host".to_owned();
                Err(LookError::Refused { target: "the cluster".to_owned(), why })
            }
        }
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

/// Whether a host's answer names no path that may not be changed.
fn may_be_changed(host: &HostName, reply: &Reply) -> Result<(), LookError> {
    host::refused(reply.text()).map_or(Ok(()), |why| Err(refused(host, why)))
}
/// So long may it take to tell targets what is recorded, when nothing else is asked of them.
const SETTLE: Duration = Duration::from_secs(5);

/// Where the kernel tells which boot this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// What went wrong on this machine.
fn here(error: &JobError) -> LookError {
    LookError::Refused { target: "this machine".to_owned(), why: chain(error) }
}

/// How long a question may take that a repository has to answer.
const LONG: Duration = Duration::from_secs(600);

fn is_reboot(job: &Job) -> bool {
    matches!(job.action, Action::Reboot {})
}

fn is_on(key: &ResourceKey, host: &HostName) -> bool {
    key.host() == Some(host.as_str())
}
