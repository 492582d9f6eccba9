//! What one vantage point told, put together.

use super::answer::{No, Raw};
use super::ask::{Answers, Silent};
use super::heal::{self, Told};
use super::info::{self, Brick, Volume};
use super::peers::{self, HERE, Peer};
use super::status::{self, Process, What};
use std::collections::{BTreeMap, BTreeSet};

/// What one vantage point told, or why it told nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// Its name.
    pub(super) name: String,
    /// What it told.
    pub(super) told: Result<Seen, Silent>,
}

/// See [`View`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The members of the cluster.
    pub(super) peers: Vec<Peer>,
    /// The volumes as they were made.
    pub(super) volumes: Vec<Volume>,
    /// What was asked about each.
    pub(super) about: BTreeMap<String, About>,
    /// The devices that hold the system itself.
    pub(super) roots: BTreeSet<String>,
}

/// What was told about one volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct About {
    /// Its processes.
    pub(super) status: Result<Vec<Process>, No>,
    /// Its bricks with their disks.
    pub(super) detail: Result<Vec<Process>, No>,
    /// What waits to be healed.
    pub(super) heal: Result<Vec<Told>, No>,
    /// What never will be.
    pub(super) split: Result<Vec<Told>, No>,
}

impl View {
    /// From what was answered.
    pub(super) fn new(name: &str, answers: Result<Answers, Silent>) -> Self {
        Self { name: name.to_owned(), told: answers.and_then(|answers| seen(&answers)) }
    }
}

fn seen(answers: &Answers) -> Result<Seen, Silent> {
    let missing = Raw::default();
    let raw = |asked: &str| answers.get(asked).unwrap_or(&missing);
    let words = |what, no: No| Silent::NoList { what, words: no.words() };
    let peers = peers::peers(raw("pool")).map_err(|no| words("pool list", no))?;
    let volumes = info::info(raw("info")).map_err(|no| words("volume info", no))?;
    let listed = info::list(raw("list")).map_err(|no| words("volume list", no))?;
    let same = |name: &String| volumes.iter().filter(|volume| volume.name == *name).count() == 1;
    if listed.len() != volumes.len() || !listed.iter().all(same) {
        return Err(Silent::Differs);
    }
    let about = volumes.iter().map(|Volume { name, .. }| {
        let raw = |what: &str| answers.get(&format!("{what} {name}")).unwrap_or(&missing);
        let about = About {
            status: status::status(raw("status")),
            detail: status::status(raw("detail")),
            heal: heal::heal(raw("heal")),
            split: heal::heal(raw("split")),
        };
        (name.clone(), about)
    });
    Ok(Seen { about: about.collect(), roots: roots(raw("roots")), peers, volumes })
}

/// The first column of `df -P`. In a pod only the folder of glusterd is on the system's own disk.
fn roots(raw: &Raw) -> BTreeSet<String> {
    let out = String::from_utf8_lossy(&raw.out);
    out.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

impl Seen {
    /// The vantage point itself.
    pub(super) fn own(&self) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.is_here())
    }

    /// The member that has a brick.
    pub(super) fn owner(&self, brick: &Brick) -> Option<&Peer> {
        match &brick.peer {
            Some(uuid) => self.peers.iter().find(|peer| peer.uuid == *uuid),
            None => self.named(brick.host()),
        }
    }

    fn named(&self, host: &str) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.names.iter().any(|name| name == host))
    }

    /// The member that a process runs on. The one that is asked calls itself otherwise than the others do.
    pub(super) fn runs_on(&self, process: &Process) -> Option<&Peer> {
        match (&process.peer, &process.what) {
            (Some(uuid), _) => self.peers.iter().find(|peer| peer.uuid == *uuid),
            (None, What::Heals(host)) if host == HERE => self.own(),
            (None, What::Heals(host)) => self.named(host),
            (None, _) => None,
        }
    }
}
