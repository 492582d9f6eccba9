//! A look at what a run needs of a cluster, for people. Nothing is changed there.

use super::Cluster;
use super::claim::claimant;
use super::rights::Right;
use crate::checkup::Clock;
use palinode_core::action::{Action, ApproveCsr, Bare, CertUse, Drain, Emptydir, Target};
use palinode_core::cluster::{self, ClusterId};
use palinode_core::port::LookError;
use palinode_core::span::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// So often is the clock asked; the narrowest of what all answers leave counts.
const CLOCK: u32 = 4;

/// A server tells whole seconds.
const SECOND: i64 = 1_000_000;

/// What a cluster is like. Texts stand as the server told them: escape before printing.
#[derive(Debug)]
pub struct ClusterCheckup {
    /// Which it is.
    pub id: ClusterId,
    /// What of some actions these credentials may not do; none where the server does not say.
    pub rights: Vec<RightsOf>,
    /// How far its clock is ahead of this one.
    pub clock: Option<Clock>,
    /// The groups with their versions that it has; none where it does not say.
    pub groups: Option<BTreeSet<String>>,
    /// The version of evictions; none if it has none.
    pub evictions: Option<String>,
    /// Its nodes; an error where they cannot be listed.
    pub nodes: Result<Nodes, LookError>,
}

/// What one sort of actions needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightsOf {
    /// The actions, as they are typed.
    pub of: &'static str,
    /// What is lacking, in words; none where nobody says.
    pub lacking: Option<Vec<String>>,
}

/// The nodes of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nodes {
    /// How many there are.
    pub all: usize,
    /// Those that are not Ready.
    pub not_ready: Vec<String>,
    /// Those that are cordoned.
    pub cordoned: Vec<String>,
    /// Those that a journal has: which journal, in whose words, and the nodes.
    pub claimed: BTreeMap<(String, String), Vec<String>>,
}

impl ClusterCheckup {
    /// The minor version of Kubernetes, if the server's version says it.
    pub fn minor(&self) -> Option<u32> {
        let rest = self.id.version.strip_prefix("v1.")?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().ok()
    }

    /// Whether it has a group in a version; none where it does not say.
    pub fn has(&self, api: &str) -> Option<bool> {
        self.groups.as_ref().map(|groups| groups.contains(api))
    }
}

impl Cluster {
    /// Looks at all that a run needs of it.
    pub async fn checkup(&self) -> Result<ClusterCheckup, LookError> {
        let groups = self.object("/apis").await.ok().flatten().map(|list| {
            let all = list["groups"].as_array().into_iter().flatten();
            let versions = all.flat_map(|group| group["versions"].as_array().into_iter().flatten());
            versions.filter_map(|version| version["groupVersion"].as_str().map(str::to_owned)).collect()
        });
        Ok(ClusterCheckup {
            id: self.id().clone(),
            rights: self.rights().await,
            clock: self.clock().await,
            groups,
            evictions: self.evictions().await?,
            nodes: self.nodes().await,
        })
    }

    async fn nodes(&self) -> Result<Nodes, LookError> {
        let mut nodes = Nodes::default();
        for node in self.objects("/api/v1/nodes", "").await? {
            let name = cluster::name(&node).to_owned();
            nodes.all += 1;
            if !cluster::holds(&node, "Ready") {
                nodes.not_ready.push(name.clone());
            }
            if node["spec"]["unschedulable"] == true {
                nodes.cordoned.push(name.clone());
            }
            if let Some(claim) = claimant(&node) {
                nodes.claimed.entry(claim).or_default().push(name);
            }
        }
        Ok(nodes)
    }

    /// The rights that typed actions need, as a run of them asks for them.
    async fn rights(&self) -> Vec<RightsOf> {
        let drain = Drain {
            emptydir: Emptydir::Refuse,
            bare: Bare::Refuse,
            timeout: Span::seconds(900),
            terminating: None,
            grace: None,
            retry_denied: None,
        };
        let csr = ApproveCsr {
            uses: vec![CertUse::Client, CertUse::Server],
            newer_than: Span::seconds(3600),
            timeout: Span::seconds(600),
        };
        let is_told = self.is_told_rights().await;
        // Of no node alone: with any.
        let every = Target { host: None, node: None };
        let mut all = Vec::new();
        for (of, action) in [
            ("cordon, label, taint", Action::Cordon {}),
            ("drain", Action::Drain(drain)),
            ("delete-node", Action::DeleteNode {}),
            ("approve-csr", Action::ApproveCsr(csr)),
        ] {
            let lacking = match is_told {
                true => self.lacking(&[(&action, &every)]).await.ok(),
                false => None,
            };
            all.push(RightsOf { of, lacking });
        }
        let exec = Right::of("get", "pods/exec");
        let lacking = match is_told {
            true => self.may(&exec).await.ok().map(|may| if may { Vec::new() } else { vec![exec.to_string()] }),
            false => None,
        };
        all.push(RightsOf { of: "commands in pods", lacking });
        all
    }

    /// How far the server's clock is ahead. Each answer says in which second it was given, and it was given between the
    /// question and its arrival.
    async fn clock(&self) -> Option<Clock> {
        let (mut least, mut most) = (i64::MIN, i64::MAX);
        for number in 0..CLOCK {
            // At other parts of a second.
            tokio::time::sleep(Duration::from_millis(u64::from(number) * 60)).await;
            let asked = now();
            let date = self.api.date().await?;
            let answered = now();
            let theirs = chrono::DateTime::parse_from_rfc2822(&date).ok()?.timestamp().checked_mul(SECOND)?;
            least = least.max(theirs.saturating_sub(answered));
            most = most.min(theirs.saturating_add(SECOND).saturating_sub(asked));
        }
        // A clock that was set meanwhile says nothing.
        let error = most.checked_sub(least).filter(|between| *between >= 0)? / 2;
        Some(Clock { ahead: least.saturating_add(error), error })
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
