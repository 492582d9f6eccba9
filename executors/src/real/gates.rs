//! Gates: which host or which pods are asked whether they hold.

use super::Real;
use super::errors::{refused, unseen};
use super::on_host::LONG;
use crate::gluster::{self, Asked, Emptied, Vantage};
use crate::host::{self, Known};
use crate::ssh::Reply;
use palinode_core::action::Target;
use palinode_core::gate::Gate;
use palinode_core::id::HostName;
use palinode_core::port::Sample;
use palinode_core::port::{Bodies, LookError};
use palinode_core::record::Class;

/// The exit code of a question that another process's lock stands against.
const LOCKED: i32 = 75;

impl Real {
    /// Asks a host whether what is installed of packages could be installed again.
    async fn restorable(&self, host: &HostName, names: &[String]) -> Result<Reply, LookError> {
        let words = host::restorable_words(names);
        let mut known = Known::default();
        if !words.is_empty() {
            let reply = self.fleet.ask_for(host, &words, LONG).await.map_err(|error| unseen(host, error))?;
            known = host::known(&reply).map_err(|why| refused(host, why.to_string()))?;
        }
        let script = host::restorable_script(names, &known);
        self.fleet.ask_for(host, &script, LONG).await.map_err(|error| unseen(host, error))
    }

    /// Why packages on a host could not be installed again, as far as anything stands against it. While another process
    /// has the package manager's lock that is for the step to say.
    pub async fn lost_with(&self, host: &HostName, names: &[String]) -> Result<Option<String>, LookError> {
        let reply = self.restorable(host, names).await?;
        if reply.code == LOCKED {
            return Ok(None);
        }
        let sample = host::restorable(&reply).map_err(|why| refused(host, why.to_string()))?;
        let told = sample.facts.into_iter().filter(|(name, _)| name != "installed");
        let told: Vec<String> = told.map(|(name, value)| format!("{name}: {value}")).collect();
        Ok((!sample.pass).then(|| told.join("; ")))
    }

    /// Looks at a gate's condition once.
    pub(super) async fn sample_gate(
        &self,
        target: &Target,
        gate: &Gate,
        bodies: &dyn Bodies,
    ) -> Result<Sample, LookError> {
        match (gate, &target.host) {
            (Gate::PackageRestorable { names }, Some(host)) => {
                let reply = self.restorable(host, names).await?;
                let sample = host::restorable(&reply).map_err(|why| refused(host, why.to_string()))?;
                Ok(Sample { evidence: Some(bodies.put(Class::Output, &reply.out)?), ..sample })
            }
            (Gate::GlusterHealed { hosts, without, .. }, own) if !hosts.is_empty() => {
                let asked = gate.asked_for(own.as_ref()).into_iter();
                let vantages: Vec<Vantage<'_>> = asked.map(|host| Vantage::Host(&self.fleet, host)).collect();
                let away: Vec<&str> = without.iter().map(HostName::as_str).collect();
                let Some(asked) = asked_of_storage(gate, &away, gate.voices()) else { return Err(no_host()) };
                Ok(gluster::sample(&vantages, asked, &self.storage, bodies).await?)
            }
            (Gate::NodeReady {}, _) if target.node.is_some() => {
                self.api()?.node_ready(target.node.as_deref().unwrap_or_default()).await
            }
            (Gate::GlusterHealed { vantage_points, without, .. }, _) => {
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
                let Some(asked) = asked_of_storage(gate, &away, voices) else { return Err(no_host()) };
                Ok(gluster::sample(&vantages, asked, &self.storage, bodies).await?)
            }
            (Gate::PackageRestorable { .. }, None) | (Gate::NodeReady {}, _) => Err(no_host()),
        }
    }
}

fn no_host() -> LookError {
    LookError::Refused { target: "the cluster".to_owned(), why: "the gate has no host".to_owned() }
}

/// What a gate asks of storage, if it is about that.
fn asked_of_storage<'a>(gate: &'a Gate, away: &'a [&'a str], vantage_points: u32) -> Option<Asked<'a>> {
    match gate {
        Gate::GlusterHealed { volumes, except, emptied_percent, emptied_gib, .. } => {
            let emptied = Emptied { percent: *emptied_percent, gib: *emptied_gib };
            Some(Asked { volumes, except, away, vantage_points, emptied })
        }
        Gate::PackageRestorable { .. } | Gate::NodeReady {} => None,
    }
}
