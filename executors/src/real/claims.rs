//! Whose hosts are: looked at, claimed, taken over, given up.

use super::Real;
use crate::host;
use crate::ssh::{Claim, LinkError, Whose, refusal, whose};
use futures_util::future::join_all;
use palinode_core::action::{Action, Playbook, Target, UndoClass};
use palinode_core::chain::chain;
use palinode_core::id::{HostName, RunId};
use palinode_core::port::{Cause, Ended, Job, LookError};
use std::collections::{BTreeMap, BTreeSet};

/// Why a host cannot be acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unready {
    /// It cannot be reached, or does not let us in; its words.
    Unreached(String),
    /// Its node cannot be looked at through the API; why.
    Unseen(String),
    /// Another journal has it: who, which run, since when; and that journal's name.
    Claimed(String, String),
    /// It is another machine than the one that was recorded under its name: the machine ids then and now.
    Changed(String, String),
}

/// An inventory that could not be taken from whoever runs playbooks with it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NotTaken(Cause);

impl Real {
    /// Looks whether hosts can be acted on: they are reached, let us in as root, are the machines that they were, and no
    /// other journal has them. What those that answer know of this journal's claim comes first. All at the same time;
    /// nothing is changed.
    pub async fn unready(&self, hosts: &[HostName]) -> (BTreeMap<HostName, Whose>, Vec<(HostName, Unready)>) {
        let script = self.claim.asks_whose();
        let all = join_all(hosts.iter().map(|host| self.fleet.ask(host, &script))).await;
        let (mut known, mut unready) = (BTreeMap::new(), Vec::new());
        for (host, found) in hosts.iter().zip(all) {
            match found {
                Err(LinkError::Changed { was, now }) => unready.push((host.clone(), Unready::Changed(was, now))),
                Err(error) => unready.push((host.clone(), Unready::Unreached(chain(&error)))),
                Ok(reply) => {
                    let whose = whose(&reply);
                    let claimant = whose.claimant.clone();
                    unready.extend(claimant.map(|(words, by)| (host.clone(), Unready::Claimed(words, by))));
                    known.insert(host.clone(), whose);
                }
            }
        }
        (known, unready)
    }

    /// Which machines hosts were when they were recorded, by their machine ids: another one is not acted on.
    pub fn expect(&self, machines: &BTreeMap<HostName, String>) {
        self.fleet.expect(machines);
    }

    /// Looks whether another journal has the nodes of these hosts, where a cluster is acted on.
    pub async fn unready_nodes(&self, hosts: &[HostName]) -> Vec<(HostName, Unready)> {
        let Some(cluster) = &self.cluster else { return Vec::new() };
        let look = async |host: &HostName| {
            let found = async { cluster.claimed_by(&cluster.node_of(host, None).await?).await };
            match found.await {
                Ok(None) => None,
                Ok(Some(words)) => Some(Unready::Claimed(words, String::new())),
                Err(error) => Some(Unready::Unseen(chain(&error))),
            }
        };
        let all = join_all(hosts.iter().map(look)).await;
        hosts.iter().cloned().zip(all).filter_map(|(host, found)| Some((host, found?))).collect()
    }

    /// What these steps need of the cluster's API and these credentials do not have, in words.
    pub async fn lacking(&self, steps: &[(&Action, &Target)]) -> Result<Vec<String>, LookError> {
        match &self.cluster {
            Some(cluster) => cluster.lacking(steps).await,
            None => Ok(Vec::new()),
        }
    }

    /// Takes the nodes of hosts from whoever has them.
    pub async fn take_nodes(&self, hosts: &[HostName]) -> Result<(), LookError> {
        let Some(cluster) = &self.cluster else { return Ok(()) };
        for host in hosts {
            cluster.take_node(&cluster.node_of(host, None).await?).await?;
        }
        Ok(())
    }

    /// Gives the nodes of hosts up, at the end of a run; those that could not be.
    pub async fn release_nodes(&self, hosts: &[HostName]) -> Vec<HostName> {
        let Some(cluster) = &self.cluster else { return Vec::new() };
        let mut kept = Vec::new();
        for host in hosts {
            let released = async { cluster.release_node(&cluster.node_of(host, None).await?).await };
            if released.await.is_err() {
                kept.push(host.clone());
            }
        }
        kept
    }

    /// Takes hosts from whoever has them. Only for a person who knows that nobody is at work there.
    pub async fn take(&self, hosts: &[HostName]) -> Result<(), LinkError> {
        let script = self.claim.takes();
        let all = join_all(hosts.iter().map(|host| self.fleet.ask(host, &script))).await;
        all.into_iter().try_for_each(|reply| reply.map(drop))
    }

    /// Gives hosts up, at the end of a run. One that cannot be reached keeps the claim; the journal that made it goes on
    /// having it.
    pub async fn release(&self, hosts: &[HostName]) -> Vec<HostName> {
        let script = self.claim.releases();
        let all = join_all(hosts.iter().map(|host| self.fleet.ask(host, &script))).await;
        hosts.iter().cloned().zip(all).filter(|(_, reply)| reply.is_err()).map(|(host, _)| host).collect()
    }

    /// Claims a host for a step that acts on it by other ways than a job of ours.
    pub(super) async fn claimed(&self, host: &HostName, job: &Job) -> Result<(), Ended> {
        let had = self.held.borrow().contains_key(host);
        let fence = self.claim.fences(job.seq, job.name);
        let reply = self.fleet.ask(host, &format!("{}{fence}p_boot", self.claim.makes(had))).await;
        let reply = reply.map_err(|error| match error.may_pass() {
            // Nothing was begun: it is asked about once the host answers, and begun then.
            true => Ended::Unknown(chain(&error)),
            false => Ended::NotStarted(chain(&error)),
        })?;
        let boot = reply.lines().last().filter(|boot| reply.code == 0 && host::is_boot(boot));
        let boot = boot.ok_or_else(|| {
            let why = refusal(&reply, host.as_str());
            Ended::NotStarted(why.unwrap_or_else(|| format!("{host} cannot be claimed: {}", reply.why())))
        })?;
        self.held.borrow_mut().insert(host.clone(), boot.to_owned());
        Ok(())
    }

    /// Who else runs playbooks with the inventory of one of these.
    pub async fn unready_to_play(&self, playbooks: &[&Playbook]) -> Option<(String, String)> {
        for playbook in playbooks {
            if let Ok(Some(who)) = self.playbooks.claimant(playbook, &self.claim).await {
                return Some((playbook.inventory.clone(), who));
            }
        }
        None
    }

    /// Takes the inventories of playbooks from whoever runs playbooks with them; what they run is ended.
    pub async fn take_inventories(&self, playbooks: &[&Playbook]) -> Result<(), NotTaken> {
        for playbook in playbooks {
            self.playbooks.take(playbook, &self.claim).await.map_err(|error| NotTaken(Box::new(error)))?;
        }
        Ok(())
    }

    /// Gives the inventories of a closed run's playbooks up, but for those that are `kept` for another run, and removes
    /// what their jobs left on this machine.
    pub async fn release_inventories(&self, run: RunId, playbooks: &[&Playbook], kept: &BTreeSet<&str>) {
        for playbook in playbooks {
            let claim = (!kept.contains(playbook.inventory.as_str())).then_some(&self.claim);
            // What stays is looked at by whoever comes next.
            let _ = self.playbooks.release(playbook, run, claim).await;
        }
    }

    /// What only looks needs no claim.
    pub(super) fn claim_for(&self, job: &Job) -> Option<&Claim> {
        (job.action.class() != UndoClass::Read).then_some(&self.claim)
    }

    /// Whether the host was claimed here since it booted: then it is not claimed anew after someone took it. A claim may
    /// go with the power.
    pub(super) fn has(&self, host: &HostName, boot: Option<&str>) -> bool {
        boot.is_some() && self.held.borrow().get(host).map(String::as_str) == boot
    }
}
