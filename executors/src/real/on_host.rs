//! Actions that are done on a host, as jobs there.

use super::Real;
use super::errors::{not_seen, refused, unseen};
use super::side::{Answer, Side};
use super::watch::left;
use crate::host::{self, Behind, Beyond, Known, OnHost};
use crate::kind::old_boot;
use crate::ssh::{Asked, JobError, Jobs, Reply, Word};
use palinode_core::action::{Action, Package, PackageState, Target};
use palinode_core::chain::chain;
use palinode_core::id::{EntryId, HostName, ResourceKey};
use palinode_core::port::{Bodies, Ended, Executor as _, Job, JobStatus, LookError, Remains, Report, Survey};
use palinode_core::record::Class;
use palinode_core::resource::{Footprint, Image};
use std::time::Duration;

/// How long a question may take that a repository has to answer.
pub(super) const LONG: Duration = Duration::from_secs(600);

/// A host, and what is done there.
pub(super) struct HostSide<'a> {
    pub(super) real: &'a Real,
    pub(super) host: &'a HostName,
    pub(super) kind: &'a dyn OnHost,
}

impl Real {
    /// The states of one host's resources.
    pub(super) async fn look(
        &self,
        host: &HostName,
        keys: &[ResourceKey],
        bodies: &dyn Bodies,
    ) -> Result<Image, LookError> {
        let reply = self.fleet.ask(host, &host::script_of(keys)).await.map_err(|error| unseen(host, error))?;
        host::observe(keys, reply.text(), bodies).map_err(|error| not_seen(host, error))
    }

    /// Refuses files that could not be put back where they are.
    pub(super) async fn may_change<'a>(
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
}

/// Whether a host's answer names no path that may not be changed.
fn may_be_changed(host: &HostName, reply: &Reply) -> Result<(), LookError> {
    host::refused(reply.text()).map_or(Ok(()), |why| Err(refused(host, why)))
}

impl HostSide<'_> {
    pub(super) fn jobs(&self) -> Jobs<'_> {
        Jobs(Asked::Host(&self.real.fleet, self.host))
    }

    /// A transaction with what the host says of the words that are open in it.
    async fn words(&self, package: Option<&Package>) -> Result<(Option<Package>, Known), LookError> {
        let (Some(package), host) = (package, self.host) else { return Ok((None, Known::default())) };
        let script = host::words_script(package);
        if script.is_empty() {
            return Ok((Some(package.clone()), Known::default()));
        }
        let reply = self.real.fleet.ask_for(host, &script, LONG).await.map_err(|error| unseen(host, error))?;
        let known = host::known(&reply).map_err(|why| refused(host, why.to_string()))?;
        Ok((Some(known.fill(package)), known))
    }

    /// Where declared files lead that are links. What could not be put back there is refused, unless the action brings its own
    /// way back.
    async fn behind(&self, action: &Action, target: &Target, reply: &Reply) -> Result<Vec<Footprint>, LookError> {
        let Behind { more, large } = host::behind(self.host, reply.text());
        let has_undo = !action.inverse(target, &Image::new()).is_empty();
        if has_undo || self.kind.special().written_through().is_empty() {
            return Ok(more);
        }
        if let Some((path, size)) = large.into_iter().next() {
            return Err(refused(
                self.host,
                format!(
                    "a link that the step declares leads to {path}, which holds {size} bytes, and no more than {} are kept: \
                     give the command an `undo`, or declare the files that it changes there",
                    host::LIMIT
                ),
            ));
        }
        self.real.may_change(self.host, more.iter().map(|found| &found.key)).await?;
        Ok(more)
    }

    /// A question about a job that its host did not answer.
    fn unanswered(&self, error: JobError) -> LookError {
        match error {
            JobError::Link(error) => unseen(self.host, error),
            other => refused(self.host, other.to_string()),
        }
    }
}

impl Side for HostSide<'_> {
    fn survey<'a>(
        &'a self,
        action: &'a Action,
        target: &'a Target,
        bodies: &'a dyn Bodies,
    ) -> Answer<'a, Result<Survey, LookError>> {
        Box::pin(async move {
            let (real, host) = (self.real, self.host);
            let node = if Real::needs_cluster(action) { real.node_of(target).await? } else { None };
            let (package, known) = self.words(self.kind.special().transaction()).await?;
            // What is known to be touched is looked at in the same question.
            let keys: Vec<ResourceKey> = match &package {
                Some(_) => Vec::new(),
                None => {
                    action.footprint(target).into_iter().map(|found| found.key).filter(|key| is_on(key, host)).collect()
                }
            };
            let more = match &package {
                Some(package) => host::beyond_script(package, &known),
                None => host::script_of(&keys),
            };
            let along = self.kind.special().service().map(host::along_script).unwrap_or_default();
            let asks = host::asks(action);
            let behind = host::behind_script(self.kind.special().written_through());
            let script = format!("printf 'boot '; p_boot\n{asks}{along}{behind}{more}\n");
            let reply = real.fleet.ask_for(host, &script, LONG).await.map_err(|error| unseen(host, error))?;
            let boot = reply.lines().find_map(|line| line.strip_prefix("boot ")).filter(|boot| host::is_boot(boot));
            let boot =
                boot.ok_or_else(|| refused(host, format!("it does not tell its boot: {}", reply.why())))?.to_owned();
            may_be_changed(host, &reply)?;
            // What comes tells which package a word means that nothing installed is meant by.
            let package = match package {
                Some(package) if package.state == PackageState::Present && package.open().next().is_some() => {
                    let coming = host::known(&reply).map_err(|why| refused(host, why.to_string()))?;
                    Some(known.with(coming).fill(&package))
                }
                package => package,
            };
            let package = package.map(|package| Package { units: host::units(&reply), ..package });
            let more = match package.as_ref().map(|package| host::beyond(host, package, &reply)) {
                None => match self.kind.special().service() {
                    Some(_) => host::along(host, reply.text()).map_err(|error| refused(host, error.to_string()))?,
                    None => self.behind(action, target, &reply).await?,
                },
                Some(Beyond::More(more)) => {
                    real.may_change(host, more.iter().map(|found| &found.key)).await?;
                    more
                }
                Some(Beyond::Unexpected(names)) => {
                    return Err(refused(
                        host,
                        format!(
                            "{0} would go too, needing what the step removes; nothing was changed: name {1} in the step, or \
                             where this takes back an installation that others need by now, remove {1} first (`palinode exec \
                             {host} package {2} absent`) or pass over this step with `skip`",
                            names.join(", "),
                            if names.len() == 1 { "it" } else { "them" },
                            names.join(" ")
                        ),
                    ));
                }
                Some(Beyond::Cannot(why)) => return Err(refused(host, why)),
            };
            let seen = host::observe(&keys, reply.text(), bodies).map_err(|error| not_seen(host, error))?;
            let filled = package.map(Action::Package).filter(|package| package != action);
            Ok(Survey { node, boot: Some(boot), action: filled, more, seen })
        })
    }

    fn execute<'a>(&'a self, job: &'a Job, bodies: &'a dyn Bodies) -> Answer<'a, Ended> {
        Box::pin(async move {
            let act = match host::act(job, bodies) {
                Ok(act) => act,
                Err(why) => return Ended::NotStarted(why.to_string()),
            };
            let look = host::script_of(&left(job, self.host));
            match self.start(job, &act, &look).await {
                Ok(said) if self.kind.special().reboots() && said.word != Word::Revoked => self.rebooted(job).await,
                Ok(said) => self.wait(job, said, &look, bodies).await,
                Err(JobError::NotStarted(why)) => Ended::NotStarted(why),
                // Nothing was asked. A link that is lost is no failure: the host is asked about the job once it answers.
                Err(JobError::Link(error)) if !error.was_asked() => match error.may_pass() {
                    true => Ended::Unknown(chain(&error)),
                    false => Ended::NotStarted(chain(&error)),
                },
                // A host that goes down takes the link along.
                Err(JobError::Link(_)) if self.kind.special().reboots() => self.rebooted(job).await,
                Err(error) => Ended::Unknown(chain(&error)),
            }
        })
    }

    fn told(&self, _: &Job, _: &dyn Bodies) -> Result<Vec<Report>, LookError> {
        Ok(Vec::new())
    }

    fn status<'a>(&'a self, job: &'a Job, bodies: &'a dyn Bodies) -> Answer<'a, Result<JobStatus, LookError>> {
        Box::pin(async move {
            let said = self.jobs().status(job.name).await.map_err(|error| self.unanswered(error))?;
            if self.kind.special().reboots() && old_boot(job).is_some_and(|old| old != said.boot) {
                return Ok(JobStatus::Running);
            }
            // Whether a claim, or what became of it, may have been lost with the power: only if the host booted since.
            let same = job.boot.as_deref() == Some(said.boot.as_str());
            Ok(match said.word {
                Word::Finished { code: 0, .. } if self.kind.special().reboots() => JobStatus::Running,
                Word::Finished { code, out, dropped } => match self.finished(code, &out, dropped, bodies) {
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
        })
    }

    fn attach<'a>(&'a self, job: &'a Job, bodies: &'a dyn Bodies) -> Answer<'a, Ended> {
        Box::pin(async move {
            if self.kind.special().reboots() {
                return self.rebooted(job).await;
            }
            let look = host::script_of(&left(job, self.host));
            match self.jobs().wait(job.name, self.watch(&look, 0)).await {
                Ok(said) => self.wait(job, said, &look, bodies).await,
                Err(error) => Ended::Unknown(chain(&error)),
            }
        })
    }

    fn revoke<'a>(&'a self, job: &'a Job) -> Answer<'a, Result<bool, LookError>> {
        Box::pin(async move { self.jobs().revoke(job.name).await.map_err(|error| self.unanswered(error)) })
    }

    fn recorded(&self, job: EntryId) {
        self.real.fleet.recorded(self.host, job);
    }
}

pub(super) fn is_on(key: &ResourceKey, host: &HostName) -> bool {
    key.host() == Some(host.as_str())
}
