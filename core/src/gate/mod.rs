//! Gates: conditions that must hold before a run goes on.

use crate::action::{CheckError, InField as _};
use crate::id::HostName;
use crate::shown::Shown as _;
use crate::span::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A condition that must hold before going on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Gate {
    /// Waits until every volume is healed: all bricks and peers are there, nothing is to be healed, no split brain.
    #[serde(rename = "gluster.healed")]
    GlusterHealed {
        /// How many members of the storage cluster, at least, have to say so.
        #[schemars(extend("x-unit" = "members"))]
        #[serde(default = "two")]
        vantage_points: u32,
        /// The hosts that are asked, each a member; without them the pods are asked. The host of the step itself is asked
        /// only where the others are too few.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        hosts: Vec<HostName>,
        /// Only these volumes; without them all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        volumes: Vec<String>,
        /// All volumes but these: such as ones that are stopped, or whose self-heal daemon is off.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        except: Vec<String>,
        /// A brick that uses less than this share of the median of its copies, and `emptied_gib` less, counts as emptied; 0
        /// compares nothing. Only disks that hold a single brick are compared.
        #[schemars(extend("x-unit" = "percent"))]
        #[serde(default = "half", skip_serializing_if = "is_half")]
        emptied_percent: u32,
        /// How much less than that median a brick uses, at least, that counts as emptied.
        #[schemars(extend("x-unit" = "GiB"))]
        #[serde(default = "one", skip_serializing_if = "is_one")]
        emptied_gib: u32,
        /// Hosts that may be away: on the way back, the one whose own unfinished steps took it away.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schemars(skip)]
        without: Vec<HostName>,
    },
    /// Waits until every one of these packages that is installed could be installed again in exactly that version: it is
    /// fetched from the repositories into a folder that is removed again, and its signature is one that would be taken.
    #[serde(rename = "package.restorable")]
    PackageRestorable {
        /// The packages, named as in `package`.
        names: Vec<String>,
    },
    /// Waits until the node of the host is Ready, and so are the DaemonSet pods on it.
    #[serde(rename = "node.ready")]
    NodeReady {},
}

/// The names of the gates, for messages and documents.
pub(crate) const GATES: &[&str] = &["gluster.healed", "node.ready", "package.restorable"];

/// The gate that says something of the whole cluster; the others are about the host of their step.
pub(crate) const OF_THE_CLUSTER: &str = "gluster.healed";

/// A step with each gate, as a runbook writes it, sorted by name.
pub(crate) const GATE_EXAMPLES: &[(&str, &str)] = &[
    ("gluster.healed", "- healed:\n    gate: { gluster.healed: { samples: 2, vantage_points: 2 } }\n    timeout: 2h\n"),
    ("node.ready", "- ready: { gate: { node.ready: {} }, timeout: 30m }\n"),
    (
        "package.restorable",
        "- put-back:\n    gate: { package.restorable: { names: [docker, cri-o] } }\n    timeout: 1m\n",
    ),
];

fn two() -> u32 {
    2
}

fn half() -> u32 {
    50
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_half(percent: &u32) -> bool {
    *percent == half()
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_one(gib: &u32) -> bool {
    *gib == one()
}

impl Gate {
    /// Every volume, looked at from so many pods.
    pub fn gluster_healed(vantage_points: u32) -> Self {
        Self::GlusterHealed {
            vantage_points,
            hosts: Vec::new(),
            volumes: Vec::new(),
            except: Vec::new(),
            emptied_percent: half(),
            emptied_gib: one(),
            without: Vec::new(),
        }
    }

    /// The gate as it holds before the host of its step is taken back: what it says of the others. None if it says
    /// something of that host alone. `away`: the host, if its own unfinished steps may have taken it away.
    pub fn before(&self, away: Option<&HostName>) -> Option<Self> {
        match self {
            Self::GlusterHealed { .. } => {
                let mut gate = self.clone();
                if let Self::GlusterHealed { without, .. } = &mut gate {
                    *without = away.into_iter().cloned().collect();
                }
                Some(gate)
            }
            Self::PackageRestorable { .. } | Self::NodeReady {} => None,
        }
    }

    /// The hosts that it asks beside the one that it is about.
    pub fn asks(&self) -> &[HostName] {
        match self {
            Self::GlusterHealed { hosts, .. } => hosts,
            Self::PackageRestorable { .. } | Self::NodeReady {} => &[],
        }
    }

    /// Those of them that are asked for a step: not its own host, which may be the one that is sick, unless the others are
    /// too few. One that may be away is not asked.
    pub fn asked_for(&self, own: Option<&HostName>) -> Vec<&HostName> {
        let Self::GlusterHealed { vantage_points, hosts, without, .. } = self else { return Vec::new() };
        let there = || hosts.iter().filter(|host| !without.contains(host));
        let mut asked: Vec<&HostName> = there().filter(|host| Some(*host) != own).collect();
        if asked.len() < *vantage_points as usize {
            asked.extend(there().filter(|host| Some(*host) == own));
        }
        asked
    }

    /// How many members have to agree: no more than are left where some may be away.
    pub fn voices(&self) -> u32 {
        let Self::GlusterHealed { vantage_points, hosts, without, .. } = self else { return 0 };
        let there = hosts.iter().filter(|host| !without.contains(host)).count();
        match without.is_empty() || hosts.is_empty() {
            true => *vantage_points,
            false => (*vantage_points).min(u32::try_from(there).unwrap_or(u32::MAX)).max(1),
        }
    }

    /// Whether it can ever open, and its values are ones that may reach a target.
    pub fn check(&self) -> Result<(), CheckError> {
        let Self::GlusterHealed { vantage_points, hosts, volumes, except, emptied_percent, .. } = self else {
            return Ok(());
        };
        if !volumes.is_empty() && !except.is_empty() {
            return Err(CheckError::of(
                "except",
                "`volumes` says which volumes count, `except` which do not: give one of them",
            ));
        }
        if *emptied_percent > 100 {
            return Err(CheckError::of("emptied_percent", "`emptied_percent` is at most 100"));
        }
        if *vantage_points == 0 {
            return Err(CheckError::of("vantage_points", "`vantage_points` is at least 1"));
        }
        if let Some((_, host)) = hosts.iter().enumerate().find(|(at, host)| hosts[..*at].contains(host)) {
            return Err(CheckError::of("hosts", format!("the host {host} stands twice")));
        }
        if !hosts.is_empty() && hosts.len() < *vantage_points as usize {
            let why = format!(
                "{} hosts are named, and {vantage_points} have to agree: name more, or fewer `vantage_points`",
                hosts.len()
            );
            return Err(CheckError::of("hosts", why));
        }
        let known = |names: &[String]| {
            names.iter().try_for_each(|name| match name.contains("{{") {
                true => Err(format!("the volume `{}` is not known before the run begins", name.shown())),
                false => crate::action::volume(name),
            })
        };
        known(volumes).within("volumes")?;
        known(except).within("except")
    }

    /// The name that runbooks and logs use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::GlusterHealed { .. } => "gluster.healed",
            Self::PackageRestorable { .. } => "package.restorable",
            Self::NodeReady {} => "node.ready",
        }
    }

    /// How long to wait between samples, unless the runbook says otherwise.
    pub fn every(&self) -> Span {
        Span::seconds(15)
    }
}
