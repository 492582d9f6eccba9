//! Whether volumes are healed. Pure: from what vantage points told to a verdict.
//!
//! A volume is healed if its bricks are those that it was made of, each runs, is connected and counts no entry; nothing
//! is in split-brain; every member that has a brick of it has a daemon that heals, and is connected; every brick has room;
//! and no copy is plainly emptier than the others. What was not told, or is no number, is none of that. All vantage points
//! that were asked have to say so of the same members and bricks, and they have to be different members, enough of them.

mod copies;
mod entries;
mod members;
mod processes;
mod room;
mod split;

pub(super) use split::Standing;
pub(crate) use split::Watch;

use super::Asked;
use super::info::{Brick, Volume};
use super::view::{Seen, View};
use copies::Compared;
use members::{excused, gone};
use std::collections::{BTreeMap, BTreeSet};

/// So many names are told of a longer list.
const NAMES: usize = 8;

/// So long may the words of what is in the way be.
const WORDS: usize = 300;

/// So long may a fact be: names of bricks and volumes are a host's bytes.
const FACT: usize = 1000;

/// What came out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Judged {
    /// Whether all is healed.
    pub(super) pass: bool,
    /// Whether it will never be by itself.
    pub(super) hopeless: bool,
    /// The figures, and the first thing in the way.
    pub(super) facts: BTreeMap<String, String>,
}

/// What is in the way, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// It does not heal by itself.
    Split,
    /// A member is away.
    Peer,
    /// Nobody can tell.
    Silent,
    /// A volume is not what it should be.
    Volume,
    /// A process is away.
    Process,
    /// Entries wait.
    Entries,
    /// A copy is emptier than the others.
    Emptied,
    /// There is no room.
    Room,
    /// Two say different things.
    Differ,
    /// Too few say it.
    Few,
}

/// A figure that may be known only in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sum {
    known: u64,
    whole: bool,
}

impl Sum {
    const NONE: Self = Self { known: 0, whole: true };
    const UNKNOWN: Self = Self { known: 0, whole: false };

    fn add(&mut self, more: Self) {
        self.known = self.known.saturating_add(more.known);
        self.whole &= more.whole;
    }

    fn words(self) -> String {
        match (self.known, self.whole) {
            (known, true) => known.to_string(),
            (0, false) => "unknown".to_owned(),
            (known, false) => format!("at least {known}"),
        }
    }

    /// The worse of two.
    fn or(self, other: Self) -> Self {
        Self { known: self.known.max(other.known), whole: self.whole && other.whole }
    }
}

/// What one vantage point says, put into figures.
struct Figures {
    online: usize,
    bricks: usize,
    connected: usize,
    peers: usize,
    pending: Sum,
    split: Sum,
    hopeless: bool,
    on_root: BTreeSet<String>,
    compared: Compared,
    faults: Vec<(Kind, String)>,
}

impl Figures {
    fn fault(&mut self, kind: Kind, what: String) {
        self.faults.push((kind, what));
    }

    /// The worse of what two vantage points say.
    fn or(self, other: Self) -> Self {
        Self {
            online: self.online.min(other.online),
            bricks: self.bricks.max(other.bricks),
            connected: self.connected.min(other.connected),
            peers: self.peers.max(other.peers),
            pending: self.pending.or(other.pending),
            split: self.split.or(other.split),
            hopeless: self.hopeless || other.hopeless,
            on_root: self.on_root.into_iter().chain(other.on_root).collect(),
            compared: self.compared.or(other.compared),
            faults: self.faults.into_iter().chain(other.faults).collect(),
        }
    }
}

/// Looks at one vantage point's answers: what all of the judging needs to know.
#[derive(Clone, Copy)]
struct Look<'a> {
    asked: &'a Asked<'a>,
    seen: &'a Seen,
    /// Members that may be away, and are.
    gone: &'a BTreeSet<&'a str>,
    /// What stood in split-brain across a crawl.
    standing: &'a Standing,
    /// The bricks on disks of the system, as far as any vantage point knows.
    on_root: &'a BTreeSet<String>,
}

impl Look<'_> {
    /// Whether a brick's member may be away, and is.
    fn is_gone(&self, brick: &Brick) -> bool {
        self.seen.owner(brick).is_some_and(|peer| self.gone.contains(peer.uuid.as_str()))
    }
}

/// See the module. What members that may be away should run, and the entries that wait for them, are in nobody's way. One
/// of them that is there counts in full. `standing`: what stood in split-brain across a crawl.
pub(super) fn healed(views: &[View], asked: &Asked<'_>, standing: &Standing) -> Judged {
    let excused = excused(views, asked.away);
    let mut faults: Vec<(Kind, String)> = Vec::new();
    let mut told: Vec<(&str, &Seen)> = Vec::new();
    let mut members = BTreeSet::new();
    for view in views {
        match &view.told {
            Err(why) => faults.push((Kind::Silent, format!("{} cannot be asked: {why}", view.name))),
            Ok(seen) => {
                told.push((&view.name, seen));
                match seen.own() {
                    Some(own) => {
                        members.insert(own.uuid.as_str());
                    }
                    None => faults.push((Kind::Silent, format!("{} does not tell which member it is", view.name))),
                }
            }
        }
    }
    if members.len() < asked.vantage_points as usize {
        let what = format!("{} different vantage points answer, and {} have to", members.len(), asked.vantage_points);
        faults.push((Kind::Few, what));
    }
    let mut facts = BTreeMap::from([("vantage-points".to_owned(), members.len().to_string())]);
    let on_root: BTreeSet<String> = told.iter().flat_map(|(_, seen)| room::on_root(seen)).collect();
    let mut all: Option<Figures> = None;
    for (name, seen) in &told {
        let look = Look { asked, seen, gone: &gone(seen, &excused), standing, on_root: &on_root };
        let mut found = figures(look);
        faults.extend(found.faults.drain(..).map(|(kind, what)| (kind, format!("{what} (seen from {name})"))));
        all = Some(match all {
            None => found,
            Some(all) => all.or(found),
        });
    }
    if let Some((first, rest)) = told.split_first() {
        for other in rest.iter().filter(|other| world(other.1, asked) != world(first.1, asked)) {
            let what = format!("{} and {} do not name the same members, volumes and bricks", first.0, other.0);
            faults.push((Kind::Differ, what));
        }
        let counted = volumes(first.1, asked);
        facts.insert("volumes".to_owned(), counted.len().to_string());
        let single: Vec<&str> = counted.iter().filter(|volume| !volume.heals()).map(|volume| &*volume.name).collect();
        if !single.is_empty() {
            facts.insert("distribute-only".to_owned(), some(&single));
        }
        let there = |name: &&String| {
            let of = |seen: &Seen| seen.odd.contains_key(*name) || seen.volumes.iter().any(|one| one.name == **name);
            told.iter().any(|(_, seen)| of(seen))
        };
        let (left_out, unknown): (Vec<&String>, Vec<&String>) = asked.except.iter().partition(there);
        for (fact, names) in [("left-out", left_out), ("left-out-unknown", unknown)] {
            let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
            if !names.is_empty() {
                facts.insert(fact.to_owned(), some(&names));
            }
        }
    }
    let mut fact = |name: &str, value: String| facts.insert(name.to_owned(), value);
    match &all {
        Some(all) => {
            fact("bricks", format!("{}/{}", all.online, all.bricks));
            fact("peers", format!("{}/{}", all.connected, all.peers));
            fact("pending", all.pending.words());
            fact("split-brain", all.split.words());
            if !all.on_root.is_empty() {
                let names: Vec<&str> = all.on_root.iter().map(String::as_str).collect();
                fact("on-root-disk", some(&names));
            }
            for (name, value) in all.compared.facts(asked.emptied) {
                fact(name, value);
            }
        }
        None => {
            for name in ["bricks", "peers", "pending", "split-brain", "volumes"] {
                fact(name, "unknown".to_owned());
            }
        }
    }
    // Of the same kind the first that was found.
    faults.sort_by_key(|(kind, _)| *kind);
    if let Some((_, why)) = faults.first() {
        fact("why", why.chars().take(WORDS).collect());
    }
    for value in facts.values_mut() {
        if let Some((end, _)) = value.char_indices().nth(FACT) {
            value.truncate(end);
        }
    }
    let hopeless = all.is_some_and(|all| all.hopeless);
    Judged { pass: faults.is_empty(), hopeless, facts }
}

/// A list for people, cut where it is long.
fn some(names: &[&str]) -> String {
    let shown = names[..names.len().min(NAMES)].join(" ");
    if names.len() > NAMES { format!("{shown} and {} more", names.len() - NAMES) } else { shown }
}

/// The volumes that count.
fn volumes<'a>(seen: &'a Seen, asked: &Asked<'_>) -> Vec<&'a Volume> {
    seen.volumes.iter().filter(|volume| asked.counts(&volume.name)).collect()
}

/// The peers, and for each volume its bricks with the sets that they are in.
type World<'a> = (BTreeSet<&'a str>, BTreeMap<&'a str, Vec<(&'a str, Option<usize>)>>);

/// What every vantage point has to know alike.
fn world<'a>(seen: &'a Seen, asked: &Asked<'_>) -> World<'a> {
    let peers = seen.peers.iter().map(|peer| peer.uuid.as_str()).collect();
    let about = |volume: &'a Volume| {
        let mut bricks: Vec<_> = volume.bricks.iter().map(|brick| (brick.name.as_str(), brick.set)).collect();
        bricks.sort_unstable();
        (volume.name.as_str(), bricks)
    };
    (peers, volumes(seen, asked).into_iter().map(about).collect())
}

fn figures(look: Look<'_>) -> Figures {
    let Look { asked, seen, .. } = look;
    let mut found = Figures {
        online: 0,
        bricks: 0,
        connected: seen.peers.iter().filter(|peer| peer.connected).count(),
        peers: seen.peers.len(),
        pending: Sum::NONE,
        split: Sum::NONE,
        hopeless: false,
        on_root: BTreeSet::new(),
        compared: Compared::default(),
        faults: Vec::new(),
    };
    for peer in seen.peers.iter().filter(|peer| !peer.connected && !look.gone.contains(peer.uuid.as_str())) {
        let joined = PEER.iter().any(|word| peer.state.starts_with(word));
        let what = if joined { "is not connected" } else { "is not in the cluster for good" };
        found.fault(Kind::Peer, format!("the peer {} {what}: {}", peer.name(), peer.state));
    }
    let known = |name: &String| seen.odd.contains_key(name) || seen.volumes.iter().any(|volume| volume.name == *name);
    for name in asked.volumes.iter().filter(|name| !known(name)) {
        found.fault(Kind::Volume, format!("there is no volume {name}"));
    }
    for (_, why) in seen.odd.iter().filter(|(name, _)| asked.counts(name)) {
        found.fault(Kind::Volume, why.clone());
    }
    let counted = volumes(seen, asked);
    if counted.is_empty() && asked.volumes.is_empty() && !seen.odd.keys().any(|name| asked.counts(name)) {
        let what = if asked.except.is_empty() { "gluster names no volume" } else { "every volume is left out" };
        found.fault(Kind::Volume, what.to_owned());
    }
    for volume in counted {
        of_volume(look, volume, &mut found);
    }
    found
}

/// What begins the state of a member that has joined, or says no more than whether it is connected.
const PEER: [&str; 2] = ["Peer in Cluster", "Disconnected"];

fn of_volume(look: Look<'_>, volume: &Volume, found: &mut Figures) {
    let name = &volume.name;
    found.bricks += volume.bricks.len();
    if !volume.started() {
        let state = if volume.state.is_empty() { "nothing of its state" } else { &volume.state };
        let what = format!("the volume {name} is not started: gluster says {state}; `except: [{name}]` leaves it out");
        found.fault(Kind::Volume, what);
        return;
    }
    if volume.bricks.is_empty() {
        found.fault(Kind::Volume, format!("the volume {name} has no bricks"));
    }
    let Some(about) = look.seen.about.get(name) else {
        found.fault(Kind::Silent, format!("nothing is told of the volume {name}"));
        return;
    };
    let running = processes::running(look, volume, about, found);
    room::rooms(look, volume, about, found);
    if volume.heals() {
        copies::compare(look, volume, about, found);
        entries::waiting(look, volume, about, running, found);
    }
}

fn words(brick: &Brick) -> String {
    format!("{} {}", if brick.arbiter { "arbiter brick" } else { "brick" }, brick.name)
}
