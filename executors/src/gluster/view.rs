//! What one vantage point told, put together.

use super::answer::{No, Raw};
use super::ask::{Answers, Silent};
use super::crawls::{self, Crawls};
use super::heal::{self, Told};
use super::info::{self, Brick, Volume, host_of};
use super::peers::{self, HERE, Peer};
use super::status::{self, Process, Statuses, What};
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
    /// Volumes of which it is not known how they were made, and why.
    pub(super) odd: BTreeMap<String, String>,
    /// What was asked about each.
    pub(super) about: BTreeMap<String, About>,
    /// The devices that hold the system itself.
    pub(super) roots: BTreeSet<String>,
    /// The bricks on each disk, which is named by its member and its device.
    pub(super) disks: BTreeMap<(String, String), BTreeSet<String>>,
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
    /// How much waits, where it could not be listed.
    pub(super) summary: Option<Vec<Told>>,
    /// When it was crawled, where that was asked.
    pub(super) crawls: Option<Crawls>,
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
    let found = info::info(raw("info")).map_err(|no| words("volume info", no))?;
    let listed = info::list(raw("list")).map_err(|no| words("volume list", no))?;
    let mut seen = Seen { peers, roots: roots(raw("roots")), ..Seen::default() };
    for found in found {
        let name = match &found {
            Ok(volume) => &volume.name,
            Err((name, _)) => name,
        };
        if seen.odd.contains_key(name) || seen.volumes.iter().any(|volume| volume.name == *name) {
            return Err(Silent::Differs);
        }
        seen.add(found, &listed);
    }
    for name in &listed {
        if seen.odd.contains_key(name) || seen.volumes.iter().any(|volume| volume.name == *name) {
            continue;
        }
        // What all of them together do not tell, the question about one may.
        let one = info::info(raw(&format!("info {name}"))).unwrap_or_default();
        match one.into_iter().find(|found| found.as_ref().map_or_else(|(one, _)| one, |one| &one.name) == name) {
            Some(found) => seen.add(found, &listed),
            None => drop(seen.odd.insert(name.clone(), differs(name))),
        }
    }
    let mut all = Statuses::new();
    let mut disks = status::statuses(raw("detail all")).unwrap_or_default();
    all.extend(status::statuses(raw("status all")).unwrap_or_default());
    for volume in &seen.volumes {
        let name = &volume.name;
        let asked = |what: &str| answers.get(&format!("{what} {name}"));
        // What it says of the volume alone came later.
        let of = |what: &str, all: Option<Result<Vec<Process>, No>>| match (asked(what), all) {
            (Some(raw), all) => status::status(raw, name).or_else(|no| match all {
                Some(Ok(told)) => Ok(told),
                _ => Err(no),
            }),
            (None, Some(told)) => told,
            (None, None) => Err(No::Unasked),
        };
        let status = of("status", all.remove(name));
        let detail = of("detail", disks.get(name).cloned());
        disks.insert(name.clone(), detail.clone());
        let heal = heal::heal(asked("heal").unwrap_or(&missing));
        let summary = asked("summary").and_then(|raw| heal::heal(raw).ok());
        let split = match (asked("split").map(heal::heal), &summary, &heal) {
            (Some(Ok(told)), _, _) => Ok(told),
            (_, Some(told), _) => Ok(told.iter().map(Told::of_split).collect()),
            (Some(Err(no)), None, _) => Err(no),
            // Nothing waits, so nothing contradicts itself: it is not asked.
            (None, None, Ok(told)) if told.iter().all(|brick| brick.entries() == Some(0)) => Ok(told.clone()),
            (None, None, Ok(_)) => Err(No::Unasked),
            (None, None, Err(no)) => Err(no.clone()),
        };
        let crawls = asked("crawls").and_then(|raw| crawls::crawls(raw).ok());
        seen.about.insert(name.clone(), About { status, detail, heal, split, summary, crawls });
    }
    for process in disks.into_values().flatten().flatten() {
        if let (What::Brick(brick), Some(device)) = (process.what, process.disk.device) {
            let member = process.peer.unwrap_or_else(|| host_of(&brick).to_owned());
            seen.disks.entry((member, device)).or_default().insert(brick);
        }
    }
    Ok(seen)
}

fn differs(name: &str) -> String {
    format!("volume list and volume info do not name the same volumes: {name}")
}

/// The first column of `df -P`. In a pod only the folder of glusterd is on the system's own disk.
fn roots(raw: &Raw) -> BTreeSet<String> {
    let out = String::from_utf8_lossy(&raw.out);
    out.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

impl Seen {
    /// A volume, if it is listed too.
    fn add(&mut self, found: info::Found, listed: &[String]) {
        match found {
            Ok(volume) => {
                if !listed.contains(&volume.name) {
                    self.odd.insert(volume.name.clone(), differs(&volume.name));
                }
                self.volumes.push(volume);
            }
            Err((name, no)) => {
                let why = format!("volume info of {name}: {}; `except: [{name}]` leaves it out", no.words());
                self.odd.insert(name, why);
            }
        }
    }

    /// The disk of a brick that has one of its own, or why that cannot be said.
    pub(super) fn shares(&self, process: &Process) -> Result<(), &'static str> {
        let What::Brick(brick) = &process.what else { return Ok(()) };
        let Some(device) = &process.disk.device else { return Err("the disk of a brick is not told") };
        let member = process.peer.as_deref().unwrap_or_else(|| host_of(brick));
        match self.disks.get(&(member.to_owned(), device.clone())) {
            Some(bricks) if bricks.len() > 1 => Err("bricks share a file system"),
            _ => Ok(()),
        }
    }

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
