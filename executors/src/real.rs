//! The real world: the operator's hosts over SSH, and the files of the machine that Palinode runs on.

use crate::control::InventoryFiles;
use crate::files::DiskFiles;
use crate::host::{self, Beyond, Looked};
use crate::ssh::{Claim, Fleet, JobError, Jobs, LinkError, Said, Watch, Word, decoded, quoted};
use futures_util::future::join_all;
use palinode_core::action::{Action, Place, Target, UndoClass};
use palinode_core::event::{Class, Why};
use palinode_core::id::{HostName, Micros, ResourceKey};
use palinode_core::port::{
    Bodies, Control, Ended, Executor, Finished, Gate, Halted, Job, JobStatus, LookError, Sample, Survey,
};
use palinode_core::resource::{CONTROL, Image, Kind};
use palinode_core::span::Span;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a host may take to come back from a reboot.
const REBOOT: Duration = Duration::from_secs(20 * 60);

/// How long to wait before a host that reboots is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// So many looks, of about ten seconds each, may find a job claimed and not begun.
const CLAIMED: u32 = 3;

/// A message is told on one screen; the whole output is a body.
const MESSAGE: usize = 1000;

const NO_CLUSTER: &str =
    "this version does not reach the cluster's API yet; leave out the steps that begin with `kube.`";

/// Looks at real hosts and acts on them. See the module.
pub struct Real {
    fleet: Fleet,
    control: InventoryFiles<DiskFiles>,
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

/// Why a host cannot be acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unready {
    /// It cannot be reached, or does not let us in; its words.
    Unreached(String),
    /// Another journal has it: who, which run, since when.
    Claimed(String),
}

impl Real {
    /// Acts on the hosts of a fleet, in the name of a journal.
    pub fn new(fleet: Fleet, claim: Claim) -> Self {
        Self {
            fleet,
            control: InventoryFiles::new(DiskFiles),
            claim,
            held: RefCell::default(),
            listener: None,
            teller: None,
        }
    }

    /// Lets someone hear what jobs print.
    pub fn listen(&mut self, listener: Listener) {
        self.listener = Some(listener);
    }

    /// Tells of targets that do not answer.
    pub fn telling(self, teller: Teller) -> Self {
        Self { teller: Some(teller), ..self }
    }

    /// Looks whether hosts can be acted on: they are reached, let us in as root, and no other journal has them. All at
    /// the same time; nothing is changed.
    pub async fn unready(&self, hosts: &[HostName]) -> Vec<(HostName, Unready)> {
        let script = format!("p_claimant {}", quoted(&self.claim.journal));
        let look = async |host: &HostName| match self.fleet.ask(host, &script).await {
            Err(error) => Some(Unready::Unreached(chain(&error))),
            Ok(reply) => {
                let claimant = reply.lines().find_map(|line| line.strip_prefix("claimant "));
                claimant.map(|words| {
                    Unready::Claimed(String::from_utf8_lossy(&decoded(words).unwrap_or_default()).into_owned())
                })
            }
        };
        let all = join_all(hosts.iter().map(look)).await;
        hosts.iter().cloned().zip(all).filter_map(|(host, found)| Some((host, found?))).collect()
    }

    /// Takes hosts from whoever has them. Only for a person who knows that nobody is at work there.
    pub async fn take(&self, hosts: &[HostName]) -> Result<(), LinkError> {
        let (journal, words) = (quoted(&self.claim.journal), quoted(&self.claim.words));
        let script = format!("p_take\np_claim {journal} {words}");
        let all = join_all(hosts.iter().map(|host| self.fleet.ask(host, &script))).await;
        all.into_iter().try_for_each(|reply| reply.map(drop))
    }

    /// Gives hosts up, at the end of a run. One that cannot be reached keeps the claim; the journal that made it goes on
    /// having it.
    pub async fn release(&self, hosts: &[HostName]) -> Vec<HostName> {
        let script = format!("p_release {}", quoted(&self.claim.journal));
        let all = join_all(hosts.iter().map(|host| self.fleet.ask(host, &script))).await;
        hosts.iter().cloned().zip(all).filter(|(_, reply)| reply.is_err()).map(|(host, _)| host).collect()
    }

    /// Why a step cannot be carried out in the real world by this version; none if it can.
    pub fn cannot(action: &Action) -> Option<&'static str> {
        match (action.place(), action) {
            (Place::Cluster, _) => Some(NO_CLUSTER),
            (_, Action::Playbook(_)) => Some("this version does not run playbooks yet"),
            (_, Action::Record(record)) if record.node => Some("this version does not reach the cluster's API yet"),
            _ => None,
        }
    }

    /// The same of a gate.
    pub fn cannot_sample(gate: &Gate) -> Option<&'static str> {
        match gate {
            Gate::PackageRestorable { .. } => None,
            Gate::GlusterHealed { .. } | Gate::NodeReady {} => {
                Some("this version does not reach the cluster's API yet")
            }
        }
    }

    fn jobs<'a>(&'a self, host: &'a HostName) -> Jobs<'a> {
        Jobs { fleet: &self.fleet, host }
    }

    /// What only looks needs no claim.
    fn claim_for(&self, job: &Job) -> Option<&Claim> {
        (job.action.class() != UndoClass::Read).then_some(&self.claim)
    }

    /// Whether the host was claimed here since it booted: then it is not claimed anew after someone took it. A claim may
    /// go with the power.
    fn has(&self, host: &HostName, boot: Option<&str>) -> bool {
        boot.is_some() && self.held.borrow().get(host).map(String::as_str) == boot
    }

    /// The states of one host's resources.
    async fn look(&self, host: &HostName, keys: &[ResourceKey], bodies: &dyn Bodies) -> Result<Image, LookError> {
        let reply = self.fleet.ask(host, &host::script_of(keys)).await.map_err(|error| unseen(host, error))?;
        host::observe(keys, reply.text(), bodies).map_err(|error| not_seen(host, error))
    }

    /// What is looked at once a job ended, on its host.
    fn watch<'a>(&self, look: &'a str, shown: u64) -> Watch<'a> {
        Watch { look, shown: self.listener.is_some().then_some(shown) }
    }

    /// Tells what a job printed beyond what was told of it before.
    fn tell(&self, job: &Job, shown: &mut u64, more: &[u8]) {
        if let (Some(listener), false) = (&self.listener, more.is_empty()) {
            *shown += more.len() as u64;
            listener(job, more);
        }
    }

    /// Starts a job. A start whose answer was lost is asked about, and if the host knows nothing of it, asked for again:
    /// a job is claimed by its name, so it starts once.
    async fn start(&self, job: &Job, host: &HostName, act: &str, look: &str) -> Result<Said, JobError> {
        let mut lost = None;
        for seconds in [0, 1, 3] {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            if lost.is_some() {
                match self.jobs(host).status(job.name).await {
                    Ok(Said { word: Word::None, boot, .. }) if job.boot.as_ref() == Some(&boot) => {}
                    Err(JobError::Link(error)) if !error.was_asked() => continue,
                    other => return other,
                }
            }
            let claim = self.claim_for(job).map(|claim| (claim, self.has(host, job.boot.as_deref())));
            match self.jobs(host).start(job.name, act, claim, self.watch(look, 0)).await {
                Ok(said) => {
                    if claim.is_some() {
                        self.held.borrow_mut().insert(host.clone(), said.boot.clone());
                    }
                    return Ok(said);
                }
                Err(JobError::Link(error)) if error.was_asked() => lost = Some(error),
                // Nothing was asked this time, but before.
                Err(JobError::Link(_)) if lost.is_some() => {}
                other => return other,
            }
        }
        Err(lost.map_or_else(|| JobError::Nonsense("it was not asked".to_owned()), JobError::Link))
    }

    /// Waits for the end of a job that was started.
    async fn wait(&self, job: &Job, host: &HostName, mut said: Said, look: &str, bodies: &dyn Bodies) -> Ended {
        let (mut claimed, mut shown) = (0, 0);
        loop {
            self.tell(job, &mut shown, &said.more);
            match said.word {
                Word::Running => {}
                // What became of it went with the power, if anything did.
                Word::Claimed if said.claimed.as_ref() != Some(&said.boot) => {
                    return Ended::Unknown("the host booted since the job was claimed".to_owned());
                }
                Word::Claimed if claimed < CLAIMED => claimed += 1,
                Word::Claimed => match self.jobs(host).revoke(job.name).await {
                    Ok(true) => return Ended::NotStarted("the host claimed it and never began".to_owned()),
                    Ok(false) => claimed = 0,
                    Err(error) => return Ended::Unknown(chain(&error)),
                },
                Word::Finished { code, out, dropped } => {
                    let told = usize::try_from(shown).unwrap_or(usize::MAX);
                    self.tell(job, &mut shown, out.get(told..).unwrap_or_default());
                    let ended = finished(job, code, &out, dropped, bodies);
                    return seen(ended, job, host, said.after.as_deref(), bodies);
                }
                Word::Interrupted => return Ended::Unknown("it began and ended without a word".to_owned()),
                Word::Revoked => return Ended::NotStarted("another owner had it revoked on the host".to_owned()),
                Word::None => return Ended::Unknown("the host does not know the job".to_owned()),
            }
            said = match self.jobs(host).wait(job.name, self.watch(look, shown)).await {
                Ok(said) => said,
                Err(error) => return Ended::Unknown(chain(&error)),
            };
        }
    }

    /// Waits until the host has another boot than before, and has settled.
    async fn rebooted(&self, job: &Job, host: &HostName) -> Ended {
        let Some(old) = host::old_boot(job) else {
            return Ended::Unknown("nobody knows the boot before".to_owned());
        };
        let began = tokio::time::Instant::now();
        let mut last = "it still runs the old boot".to_owned();
        while began.elapsed() < REBOOT {
            match self.fleet.ask(host, "p_boot; systemctl is-system-running 2>/dev/null || :").await {
                Ok(reply) => {
                    let mut lines = reply.lines();
                    let boot = lines.next().filter(|boot| host::is_boot(boot));
                    // Without systemd nobody says when a host has settled.
                    let settled = lines.next().is_none_or(|state| matches!(state, "running" | "degraded"));
                    match boot {
                        Some(boot) if boot != old && settled => {
                            let message = Some(format!("boot {boot}"));
                            return Ended::Finished(Finished { code: Some(0), message, ..Finished::default() });
                        }
                        Some(boot) if boot != old => "it is still starting".clone_into(&mut last),
                        // A start that was lost on its way: nobody will reboot this host.
                        Some(_) if self.knows_nothing(job, host).await => {
                            return Ended::Unknown("the host does not know the job".to_owned());
                        }
                        _ => {}
                    }
                }
                Err(error) => last = chain(&error),
            }
            tokio::time::sleep(PAUSE).await;
        }
        let message = Some(format!("it did not come back within {} minutes: {last}", REBOOT.as_secs() / 60));
        Ended::Finished(Finished { why: Some(Why::Timeout), message, ..Finished::default() })
    }

    async fn knows_nothing(&self, job: &Job, host: &HostName) -> bool {
        let said = self.jobs(host).status(job.name).await;
        matches!(said, Ok(Said { word: Word::None | Word::Revoked, .. }))
    }

    fn on_control(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        match self.control.run(&job.action, bodies) {
            Ok(finished) => Ended::Finished(finished),
            Err(error) => Ended::Unknown(chain(&error)),
        }
    }
}

impl Executor for Real {
    async fn survey(&self, target: &Target, action: &Action, bodies: &dyn Bodies) -> Result<Survey, LookError> {
        let Some(host) = target.host.as_ref().filter(|_| action.place() == Place::Host) else {
            return match Self::cannot(action) {
                Some(why) => Err(LookError::Refused { target: "the cluster".to_owned(), why: why.to_owned() }),
                None => Ok(Survey::default()),
            };
        };
        let package = if let Action::Package(package) = action { Some(package) } else { None };
        // What is known to be touched is looked at in the same question.
        let keys: Vec<ResourceKey> = match package {
            Some(_) => Vec::new(),
            None => {
                action.footprint(target).into_iter().map(|found| found.key).filter(|key| is_on(key, host)).collect()
            }
        };
        let more = package.map_or_else(|| host::script_of(&keys), host::beyond_script);
        let script = format!("printf 'boot '; p_boot\n{more}\n");
        let reply = self.fleet.ask_for(host, &script, LONG).await.map_err(|error| unseen(host, error))?;
        let boot = reply.lines().find_map(|line| line.strip_prefix("boot ")).filter(|boot| host::is_boot(boot));
        let boot = boot.ok_or_else(|| refused(host, format!("it does not tell its boot: {}", reply.why())))?.to_owned();
        let more = match package.map(|package| host::beyond(host, package, &reply)) {
            None => Vec::new(),
            Some(Beyond::More(more)) => more,
            Some(Beyond::Unexpected(names)) => {
                return Err(refused(
                    host,
                    format!("{} would go too; name them in the step, or keep what they need", names.join(", ")),
                ));
            }
            Some(Beyond::Cannot(why)) => return Err(refused(host, why)),
        };
        let seen = host::observe(&keys, reply.text(), bodies).map_err(|error| not_seen(host, error))?;
        Ok(Survey { node: None, boot: Some(boot), more, seen })
    }

    async fn observe(&self, keys: &[ResourceKey], bodies: &dyn Bodies) -> Result<Image, LookError> {
        let mut image = Image::new();
        let mut hosts: BTreeMap<HostName, Vec<ResourceKey>> = BTreeMap::new();
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
                    None => return Err(LookError::Refused { target: key.to_string(), why: NO_CLUSTER.to_owned() }),
                },
            }
        }
        for (host, keys) in &hosts {
            image.extend(self.look(host, keys, bodies).await?);
        }
        Ok(image)
    }

    async fn execute(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        let host = match (job.action.place(), &job.target.host) {
            (Place::Host, Some(host)) => host,
            (Place::Control, _) if Self::cannot(&job.action).is_none() => return self.on_control(job, bodies),
            _ => return Ended::NotStarted(Self::cannot(&job.action).unwrap_or("the step has no host").to_owned()),
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
            Err(JobError::Link(error)) if !error.was_asked() => Ended::NotStarted(chain(&error)),
            // A host that goes down takes the link along.
            Err(JobError::Link(_)) if is_reboot(job) => self.rebooted(job, host).await,
            Err(error) => Ended::Unknown(chain(&error)),
        }
    }

    async fn status(&self, job: &Job, bodies: &dyn Bodies) -> Result<JobStatus, LookError> {
        let host = match (job.action.place(), &job.target.host) {
            (Place::Host, Some(host)) => host,
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
                _ => JobStatus::Unknown,
            },
            Word::Running => JobStatus::Running,
            Word::Interrupted => JobStatus::Interrupted,
            Word::Revoked => JobStatus::Revoked,
            Word::None if same => JobStatus::NotStarted,
            Word::Claimed if same && said.claimed.as_ref() == Some(&said.boot) => JobStatus::NotStarted,
            Word::None | Word::Claimed => JobStatus::Unknown,
        })
    }

    async fn attach(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
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
        let Some(host) = job.target.host.as_ref().filter(|_| job.action.place() == Place::Host) else {
            return Ok(true);
        };
        self.jobs(host).revoke(job.name).await.map_err(|error| match error {
            JobError::Link(error) => unseen(host, error),
            other => refused(host, other.to_string()),
        })
    }

    async fn sample(&self, target: &Target, gate: &Gate, bodies: &dyn Bodies) -> Result<Sample, LookError> {
        let (Gate::PackageRestorable { names }, Some(host)) = (gate, &target.host) else {
            let why = Self::cannot_sample(gate).unwrap_or("the gate has no host");
            return Err(LookError::Refused { target: "the cluster".to_owned(), why: why.to_owned() });
        };
        let script = host::restorable_script(names);
        let reply = self.fleet.ask_for(host, &script, LONG).await.map_err(|error| unseen(host, error))?;
        let sample = host::restorable(&reply).map_err(|why| refused(host, why))?;
        Ok(Sample { evidence: Some(bodies.put(Class::Output, &reply.out)?), ..sample })
    }

    fn unanswered(&self, why: &LookError, again: Span, left: Span) {
        if let Some(tell) = self.teller {
            tell(&chain(why), again, left);
        }
    }

    fn host_keys(&self) -> BTreeMap<HostName, String> {
        self.fleet.host_keys()
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

/// How long a question may take that a repository has to answer.
const LONG: Duration = Duration::from_secs(600);

fn is_reboot(job: &Job) -> bool {
    matches!(job.action, Action::Reboot {})
}

/// What a job's end means.
fn finished(job: &Job, code: i32, out: &[u8], dropped: Option<u64>, bodies: &dyn Bodies) -> Ended {
    let output = match (!out.is_empty()).then(|| bodies.put(Class::Output, out)).transpose() {
        Ok(output) => output,
        Err(error) => return Ended::Unknown(format!("it ended, but its output cannot be kept: {}", chain(&error))),
    };
    let value = match &job.action {
        Action::FileRead(_) if code == 0 => host::value(out),
        _ => None,
    };
    let why = match code {
        // It grew after it was measured: half of it is nothing.
        0 if matches!(job.action, Action::Fetch(_)) && dropped != Some(0) => Some(Why::Unmet),
        0 => None,
        host::TIMED_OUT if matches!(job.action, Action::Wait(_)) => Some(Why::Timeout),
        _ => Some(Why::ExitCode),
    };
    let mut message = String::new();
    if code == 0 && matches!(job.action, Action::Package(_)) {
        message = host::transaction(out).unwrap_or_default();
    }
    if code != 0 {
        let text = String::from_utf8_lossy(out);
        message = text.trim().lines().last().unwrap_or_default().chars().take(MESSAGE).collect();
    }
    if dropped != Some(0) {
        message.push_str(&match dropped {
            Some(count) => format!(" ({count} bytes more of its output were not kept)"),
            None => " (what it left running may print more, which is not kept)".to_owned(),
        });
    }
    Ended::Finished(Finished {
        why,
        code: Some(code),
        message: Some(message.trim().to_owned()).filter(|text| !text.is_empty()),
        output,
        value,
        ..Finished::default()
    })
}

/// With what was looked at after its end. What could not be told then is asked for again.
fn seen(ended: Ended, job: &Job, host: &HostName, after: Option<&str>, bodies: &dyn Bodies) -> Ended {
    let (Ended::Finished(finished), Some(after)) = (&ended, after) else { return ended };
    match host::observe(&left(job, host), after, bodies) {
        Ok(seen) => Ended::Finished(Finished { seen, ..finished.clone() }),
        Err(_) => ended,
    }
}

/// What is looked at on its host once a job ended.
fn left(job: &Job, host: &HostName) -> Vec<ResourceKey> {
    job.look.iter().filter(|key| is_on(key, host)).cloned().collect()
}

fn is_on(key: &ResourceKey, host: &HostName) -> bool {
    key.host() == Some(host.as_str())
}

fn not_seen(host: &HostName, error: Looked) -> LookError {
    match error {
        Looked::Cannot(why) => refused(host, why),
        Looked::Body(error) => LookError::Body(error),
    }
}

fn refused(host: &HostName, why: String) -> LookError {
    LookError::Refused { target: host.to_string(), why }
}

/// Only what may pass by itself is tried again.
fn unseen(host: &HostName, error: LinkError) -> LookError {
    if error.may_pass() {
        LookError::Unreachable { target: host.to_string(), cause: Some(Box::new(error)) }
    } else {
        refused(host, chain(&error))
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        // What ssh says may be several lines.
        let words = error.to_string();
        let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        text.push_str(&lines.join(" "));
        cause = error.source();
    }
    text
}
