//! Hosts over SSH.
//!
//! 1. A [`Fleet`] has one link for each host, opened when it is first needed.
//! 2. A link is the operator's own `ssh`, and on it one long-lived root shell, asked one question after the other.
//! 3. A job is a program in a folder of its own on the host. It is claimed once, outlives the link, and tells in files
//!    how it ended.

mod channel;
mod claim;
mod job;
mod link;
mod link_error;
mod local_shell;
mod log;
mod options;
#[cfg(test)]
mod package_tests;
mod settings;
#[cfg(test)]
mod shell_tests;
mod ssh_args;
mod ssh_config;
mod words;

pub use claim::{Claim, Fence, Seen, Whose};
pub use link_error::LinkError;
pub use settings::{BadSetting, SshSettings};

#[cfg(test)]
pub(crate) use channel::PRELUDE;
pub(crate) use channel::{Places, Reply};
pub(crate) use claim::{claimant, refusal, whose};
pub(crate) use job::{Asked, JobError, Jobs, Said, Watch, Word};
pub(crate) use local_shell::LocalShell;
pub(crate) use words::{decoded, encoded, quoted};

use futures_util::future::join_all;
use link::{Link, To};
use local_shell::{ANSWER, SOON};
use palinode_core::id::{EntryId, HostName};
use ssh_config::SshConfig;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Mutex;

/// What tells a unit's own name, for a job's program.
pub(crate) const NAMED: &str = include_str!("named.sh");

/// The functions that tell what a file carries and what a tree holds.
pub(crate) const CARRIED: &str = include_str!("carried.sh");

/// The hosts of a run. Links are opened when they are needed, and anew after they were lost.
pub struct Fleet {
    // In this order: a connection is ended by a socket that is in the folder of the other.
    links: RefCell<BTreeMap<HostName, Rc<Mutex<Link>>>>,
    ssh: SshConfig,
    recorded: Recorded<HostName>,
}

/// Jobs whose ends are recorded, by what they are asked of. The next question tells that.
pub(crate) struct Recorded<K>(RefCell<BTreeMap<K, Vec<EntryId>>>);

impl<K> Default for Recorded<K> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

/// So many jobs are told of at most: those that are not stay for the next owner.
const TOLD: usize = 1000;

impl<K: Ord + Clone> Recorded<K> {
    pub(crate) fn add(&self, key: K, job: EntryId) {
        let mut all = self.0.borrow_mut();
        let jobs = all.entry(key).or_default();
        if jobs.len() < TOLD {
            jobs.push(job);
        }
    }

    /// Those that there is something to tell.
    pub(crate) fn keys(&self) -> Vec<K> {
        self.0.borrow().keys().cloned().collect()
    }

    /// A question that tells it first; what it told.
    pub(crate) fn before(&self, key: &K, script: &str) -> (String, Vec<EntryId>) {
        let jobs = self.0.borrow_mut().remove(key).unwrap_or_default();
        if jobs.is_empty() {
            return (script.to_owned(), jobs);
        }
        let names: Vec<String> = jobs.iter().map(ToString::to_string).collect();
        (format!("p_settled {} >/dev/null 2>&1\n{script}", names.join(" ")), jobs)
    }

    /// Nobody knows whether it was told.
    pub(crate) fn again(&self, key: K, jobs: Vec<EntryId>) {
        jobs.into_iter().for_each(|job| self.add(key.clone(), job));
    }
}

impl Fleet {
    /// Reaches hosts as the operator's `ssh` does. `config` replaces `~/.ssh/config` and the system's configuration; what
    /// an inventory says of hosts counts before both.
    pub fn new(config: Option<&Path>, settings: BTreeMap<HostName, SshSettings>) -> io::Result<Self> {
        Ok(Self { ssh: SshConfig::new(config, settings)?, links: RefCell::default(), recorded: Recorded::default() })
    }

    /// Runs a script as root, in a subshell without input. None is run twice: what becomes of it when the link breaks is
    /// for the caller to find out.
    pub(crate) async fn ask(&self, host: &HostName, script: &str) -> Result<Reply, LinkError> {
        self.ask_for(host, script, SOON).await
    }

    /// The same, with more time.
    pub(crate) async fn ask_for(&self, host: &HostName, script: &str, time: Duration) -> Result<Reply, LinkError> {
        self.asked(host, false, script, time).await
    }

    /// The same where jobs can be started and waited for.
    pub(crate) async fn ask_jobs(&self, host: &HostName, script: &str, time: Duration) -> Result<Reply, LinkError> {
        self.asked(host, true, script, time).await
    }

    async fn asked(&self, host: &HostName, jobs: bool, script: &str, time: Duration) -> Result<Reply, LinkError> {
        let link = self.link(host);
        let mut link = link.lock().await;
        let (script, told) = self.recorded.before(host, script);
        let reply = link.ask(To::Host(host.as_str(), &self.ssh), jobs, &script, ANSWER, time).await;
        if reply.is_err() {
            self.recorded.again(host.clone(), told);
        }
        reply
    }

    /// The end of a job is recorded: the host is told with the next question.
    pub(crate) fn recorded(&self, host: &HostName, job: EntryId) {
        self.recorded.add(host.clone(), job);
    }

    /// Tells hosts what they were not told yet.
    pub(crate) async fn settle(&self) {
        let hosts = self.recorded.keys();
        join_all(hosts.iter().map(|host| self.ask(host, ":"))).await;
    }

    /// The keys by which hosts were known that were connected to and are not being asked right now: type and
    /// fingerprint, as far as ssh told them.
    pub fn host_keys(&self) -> BTreeMap<HostName, String> {
        let links = self.links.borrow();
        let known =
            links.iter().filter_map(|(host, link)| Some((host.clone(), link.try_lock().ok()?.key()?.to_owned())));
        known.collect()
    }

    /// The machine ids of the hosts that were connected to and are not being asked right now, as far as they have one.
    pub fn machines(&self) -> BTreeMap<HostName, String> {
        let links = self.links.borrow();
        let known =
            links.iter().filter_map(|(host, link)| Some((host.clone(), link.try_lock().ok()?.machine()?.to_owned())));
        known.collect()
    }

    /// Two of these hosts that lead to one machine, and by what that is known: machine id or host key, and the boot. Machines
    /// that were cloned have the former in common, and not the latter. Only those that were connected to are known.
    pub fn same_machine(&self, hosts: &[HostName]) -> Option<(HostName, HostName, String)> {
        let links = self.links.borrow();
        let mut seen: BTreeMap<String, HostName> = BTreeMap::new();
        for host in hosts {
            let Some(link) = links.get(host) else { continue };
            let Ok(link) = link.try_lock() else { continue };
            let Some(boot) = link.boot() else { continue };
            let machine = link.machine().map(|id| format!("machine id {id}"));
            for mark in machine.into_iter().chain(link.key().map(|key| format!("host key {key}"))) {
                if let Some(other) = seen.insert(format!("{boot} {mark}"), host.clone()) {
                    return Some((other, host.clone(), mark));
                }
            }
        }
        None
    }

    /// Which machines hosts are. One that turns out to be another is not asked anything.
    pub fn expect(&self, machines: &BTreeMap<HostName, String>) {
        for (host, machine) in machines {
            // Nobody asks anything yet.
            if let Ok(mut link) = self.link(host).try_lock() {
                link.expect(machine);
            }
        }
    }

    fn link(&self, host: &HostName) -> Rc<Mutex<Link>> {
        let mut links = self.links.borrow_mut();
        Rc::clone(links.entry(host.clone()).or_insert_with(|| Rc::new(Mutex::new(Link::new()))))
    }
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet").finish_non_exhaustive()
    }
}
