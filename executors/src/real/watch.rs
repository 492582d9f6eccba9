//! Starting a job and waiting for its end, whatever becomes of the link.

use super::on_host::{HostSide, is_on};
use crate::host;
use crate::kind::old_boot;
use crate::ssh::{JobError, Said, Watch, Word};
use palinode_core::chain::chain;
use palinode_core::id::{HostName, ResourceKey};
use palinode_core::port::{Bodies, Ended, Finished, Job};
use palinode_core::record::{Class, Why};
use palinode_core::resource::{Loss, Residue};
use std::time::Duration;

/// How long a host may take to come back from a reboot.
const REBOOT: Duration = Duration::from_secs(20 * 60);

/// How long to wait before a host that reboots is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// So many looks, of about ten seconds each, may find a job claimed and not begun.
const CLAIMED: u32 = 3;

/// A message is told on one screen; the whole output is a body.
const MESSAGE: usize = 1000;

impl HostSide<'_> {
    /// What is looked at once a job ended, on its host.
    pub(super) fn watch<'a>(&self, look: &'a str, shown: u64) -> Watch<'a> {
        Watch { look, shown: self.real.listener.is_some().then_some(shown) }
    }

    /// Tells what a job printed beyond what was told of it before.
    pub(super) fn tell(&self, job: &Job, shown: &mut u64, more: &[u8]) {
        if let (Some(listener), false) = (&self.real.listener, more.is_empty()) {
            *shown += more.len() as u64;
            listener(job, more);
        }
    }

    /// Starts a job. A start whose answer was lost is asked about, and if the host knows nothing of it, asked for again:
    /// a job is claimed by its name, so it starts once.
    pub(super) async fn start(&self, job: &Job, act: &str, look: &str) -> Result<Said, JobError> {
        let mut lost = None;
        for seconds in [0, 1, 3] {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            if lost.is_some() {
                match self.jobs().status(job.name).await {
                    Ok(Said { word: Word::None, boot, .. }) if job.boot.as_ref() == Some(&boot) => {}
                    Err(JobError::Link(error)) if !error.was_asked() => continue,
                    other => return other,
                }
            }
            let claim = self.real.claim_for(job).map(|claim| (claim, self.real.has(self.host, job.boot.as_deref())));
            match self.jobs().start((job.name, job.seq), act, claim, self.watch(look, 0)).await {
                Ok(said) => {
                    if claim.is_some() {
                        self.real.held.borrow_mut().insert(self.host.clone(), said.boot.clone());
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
    pub(super) async fn wait(&self, job: &Job, mut said: Said, look: &str, bodies: &dyn Bodies) -> Ended {
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
                Word::Claimed => match self.jobs().revoke(job.name).await {
                    Ok(true) => return Ended::NotStarted("the host claimed it and never began".to_owned()),
                    Ok(false) => claimed = 0,
                    Err(error) => return Ended::Unknown(chain(&error)),
                },
                Word::Finished { code, out, dropped } => {
                    let told = usize::try_from(shown).unwrap_or(usize::MAX);
                    self.tell(job, &mut shown, out.get(told..).unwrap_or_default());
                    let ended = self.finished(code, &out, dropped, bodies);
                    return seen(ended, job, self.host, said.after.as_deref(), bodies);
                }
                Word::Interrupted { .. } => return Ended::Unknown("it began and ended without a word".to_owned()),
                Word::Revoked => return Ended::NotStarted("another owner had it revoked on the host".to_owned()),
                Word::None => return Ended::Unknown("the host does not know the job".to_owned()),
            }
            said = match self.jobs().wait(job.name, self.watch(look, shown)).await {
                Ok(said) => said,
                Err(error) => return Ended::Unknown(chain(&error)),
            };
        }
    }

    /// Waits until the host has another boot than before, and has settled.
    pub(super) async fn rebooted(&self, job: &Job) -> Ended {
        let Some(old) = old_boot(job) else {
            return Ended::Unknown("nobody knows the boot before".to_owned());
        };
        let began = tokio::time::Instant::now();
        let mut last = "it still runs the old boot".to_owned();
        while began.elapsed() < REBOOT {
            match self.real.fleet.ask(self.host, "p_boot; systemctl is-system-running 2>/dev/null || :").await {
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
                        Some(_) if self.knows_nothing(job).await => {
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

    pub(super) async fn knows_nothing(&self, job: &Job) -> bool {
        let said = self.jobs().status(job.name).await;
        matches!(said, Ok(Said { word: Word::None | Word::Revoked, .. }))
    }

    /// What a job's end means.
    pub(super) fn finished(&self, code: i32, out: &[u8], dropped: Option<u64>, bodies: &dyn Bodies) -> Ended {
        if let Some(why) = host::stopped(code, out) {
            return Ended::NotStarted(why);
        }
        if let Some(why) = host::moved(code, out) {
            return Ended::Moved(why);
        }
        let (said, unsynced) = host::unsynced(out);
        let output = match (!out.is_empty()).then(|| bodies.put(Class::Output, out)).transpose() {
            Ok(output) => output,
            Err(error) => return Ended::Unknown(format!("it ended, but its output cannot be kept: {}", chain(&error))),
        };
        let value = self.kind.special().value(out).filter(|_| code == 0);
        let why = self.kind.why(code, dropped == Some(0));
        let mut message = String::new();
        if code == 0 {
            message = self.kind.message(out).unwrap_or_default();
        }
        if code != 0 {
            let text = String::from_utf8_lossy(said);
            message = text.trim().lines().last().unwrap_or_default().chars().take(MESSAGE).collect();
        }
        let mut losses = Vec::new();
        for told in unsynced {
            message.push_str(&format!(" (not known to be on the disk: {told})"));
            let path = told.split_once(": ").map_or(told.as_str(), |(path, _)| path);
            losses.push(Residue { key: ResourceKey::file(self.host, path), loss: Loss::NotSynced });
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
            value: value.map(String::into_boxed_str),
            losses: (!losses.is_empty()).then(|| Box::new(losses)),
            ..Finished::default()
        })
    }
}

/// With what was looked at after its end. What could not be told then is asked for again.
pub(super) fn seen(ended: Ended, job: &Job, host: &HostName, after: Option<&str>, bodies: &dyn Bodies) -> Ended {
    let (Ended::Finished(finished), Some(after)) = (&ended, after) else { return ended };
    match host::observe(&left(job, host), after, bodies) {
        Ok(seen) => Ended::Finished(Finished { seen, ..finished.clone() }),
        Err(_) => ended,
    }
}

/// What is looked at on its host once a job ended.
pub(super) fn left(job: &Job, host: &HostName) -> Vec<ResourceKey> {
    job.look.iter().filter(|key| is_on(key, host)).cloned().collect()
}
