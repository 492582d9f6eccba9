//! Whether volumes are healed. Pure: from what vantage points told to a verdict.
//!
//! A volume is healed if its bricks are those that it was made of, each runs, is connected and counts no entry; nothing
//! is in split-brain; every member that has a brick of it has a daemon that heals, and is connected; and every brick has
//! room. What was not told, or is no number, is none of that. All vantage points that were asked have to say so of the same
//! members and bricks, and they have to be different members, enough of them.

use super::answer::No;
use super::heal::Told;
use super::info::{Brick, Volume};
use super::peers::Peer;
use super::status::{Process, What};
use super::view::{About, Seen, View};
use std::collections::{BTreeMap, BTreeSet};

/// A brick's disk may be used up to so many percent, of room and of inodes: an arbiter that has no inode left breaks
/// writes as a full disk does.
const USED: u128 = 96;

/// So many names are told of a longer list.
const NAMES: usize = 8;

/// So long may the words of what is in the way be.
const WORDS: usize = 300;

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
    faults: Vec<(Kind, String)>,
}

/// The members that may be away: those of that name, or, where all others answered, the one that did not. Where it cannot
/// be told which one is meant, none may be.
fn excused(views: &[View], away: &[&str]) -> BTreeSet<String> {
    let told: Vec<&Seen> = views.iter().filter_map(|view| view.told.as_ref().ok()).collect();
    let short = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
    let is = |peer: &Peer, name: &str| {
        peer.names.iter().any(|known| known == name || !known.contains('.') && *known == short(name))
    };
    let peers = || told.iter().flat_map(|seen| &seen.peers);
    let mut found: BTreeSet<String> = BTreeSet::new();
    for name in away {
        let named: BTreeSet<&str> = peers().filter(|peer| is(peer, name)).map(|peer| peer.uuid.as_str()).collect();
        if let (1, Some(uuid)) = (named.len(), named.first()) {
            found.insert((*uuid).to_owned());
        }
    }
    if found.len() == away.len() {
        return found;
    }
    let own: BTreeSet<&str> = told.iter().filter_map(|seen| seen.own()).map(|peer| peer.uuid.as_str()).collect();
    let all: BTreeSet<&str> = peers().map(|peer| peer.uuid.as_str()).collect();
    let silent: BTreeSet<&str> = all.difference(&own).copied().collect();
    match told.len() == views.len() && own.len() == views.len() && silent.len() == away.len() {
        true => silent.into_iter().map(str::to_owned).collect(),
        false => BTreeSet::new(),
    }
}

/// See the module. `wanted` are the volumes that count, all if it is empty; `away` are members that may be away: what
/// they should run, and the entries that wait for them, are in nobody's way. One of them that is there counts in full.
pub(super) fn healed(views: &[View], wanted: &[String], away: &[&str], vantage_points: u32) -> Judged {
    let excused = excused(views, away);
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
    if members.len() < vantage_points as usize {
        let what = format!("{} different vantage points answer, and {vantage_points} have to", members.len());
        faults.push((Kind::Few, what));
    }
    let mut facts = BTreeMap::from([("vantage-points".to_owned(), members.len().to_string())]);
    let mut hopeless = false;
    let mut all: Option<Figures> = None;
    for (name, seen) in &told {
        let mut found = figures(seen, wanted, &gone(seen, &excused));
        faults.extend(found.faults.drain(..).map(|(kind, what)| (kind, format!("{what} (seen from {name})"))));
        hopeless |= found.hopeless;
        all = Some(match all {
            None => found,
            Some(all) => Figures {
                online: all.online.min(found.online),
                bricks: all.bricks.max(found.bricks),
                connected: all.connected.min(found.connected),
                peers: all.peers.max(found.peers),
                pending: all.pending.or(found.pending),
                split: all.split.or(found.split),
                on_root: all.on_root.into_iter().chain(found.on_root).collect(),
                ..all
            },
        });
    }
    if let Some((first, rest)) = told.split_first() {
        for other in rest.iter().filter(|other| world(other.1, wanted) != world(first.1, wanted)) {
            let what = format!("{} and {} do not name the same members, volumes and bricks", first.0, other.0);
            faults.push((Kind::Differ, what));
        }
        let counted = volumes(first.1, wanted);
        facts.insert("volumes".to_owned(), counted.len().to_string());
        let single: Vec<&str> = counted.iter().filter(|volume| !volume.heals).map(|volume| &*volume.name).collect();
        if !single.is_empty() {
            facts.insert("distribute-only".to_owned(), some(&single));
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
    Judged { pass: faults.is_empty(), hopeless, facts }
}

/// A list for people, cut where it is long.
fn some(names: &[&str]) -> String {
    let shown = names[..names.len().min(NAMES)].join(" ");
    if names.len() > NAMES { format!("{shown} and {} more", names.len() - NAMES) } else { shown }
}

/// The volumes that count.
fn volumes<'a>(seen: &'a Seen, wanted: &[String]) -> Vec<&'a Volume> {
    seen.volumes.iter().filter(|volume| wanted.is_empty() || wanted.contains(&volume.name)).collect()
}

/// The peers, and for each volume whether it heals and what its bricks are.
type World<'a> = (BTreeSet<&'a str>, BTreeMap<&'a str, (bool, Vec<&'a str>)>);

/// What every vantage point has to know alike.
fn world<'a>(seen: &'a Seen, wanted: &[String]) -> World<'a> {
    let peers = seen.peers.iter().map(|peer| peer.uuid.as_str()).collect();
    let about = |volume: &'a Volume| (volume.name.as_str(), (volume.heals, names(volume)));
    (peers, volumes(seen, wanted).into_iter().map(about).collect())
}

fn names(volume: &Volume) -> Vec<&str> {
    let mut names: Vec<&str> = volume.bricks.iter().map(|brick| brick.name.as_str()).collect();
    names.sort_unstable();
    names
}

/// Whether a brick is served, as a vantage point sees it.
fn is_served(seen: &Seen, volume: &Volume, brick: &Brick) -> bool {
    let all = seen.about.get(&volume.name).and_then(|about| about.status.as_ref().ok());
    let serves = |process: &Process| process.online && process.what == What::Brick(brick.name.clone());
    all.is_some_and(|all| all.iter().any(serves))
}

/// Those of the members that may be away which are: they are not connected, or a brick of theirs is not served.
fn gone<'a>(seen: &Seen, excused: &'a BTreeSet<String>) -> BTreeSet<&'a str> {
    let connected = |uuid: &str| seen.peers.iter().any(|peer| peer.uuid == uuid && peer.connected);
    let lacks = |uuid: &str| {
        let of = |brick: &&Brick| seen.owner(brick).is_some_and(|peer| peer.uuid == uuid);
        let lacks = |volume: &Volume| volume.bricks.iter().filter(of).any(|brick| !is_served(seen, volume, brick));
        seen.volumes.iter().any(lacks)
    };
    excused.iter().map(String::as_str).filter(|uuid| !connected(uuid) || lacks(uuid)).collect()
}

fn figures(seen: &Seen, wanted: &[String], gone: &BTreeSet<&str>) -> Figures {
    let mut found = Figures {
        online: 0,
        bricks: 0,
        connected: seen.peers.iter().filter(|peer| peer.connected).count(),
        peers: seen.peers.len(),
        pending: Sum::NONE,
        split: Sum::NONE,
        hopeless: false,
        on_root: BTreeSet::new(),
        faults: Vec::new(),
    };
    for peer in seen.peers.iter().filter(|peer| !peer.connected && !gone.contains(peer.uuid.as_str())) {
        found.faults.push((Kind::Peer, format!("the peer {} is not connected", peer.name())));
    }
    for name in wanted.iter().filter(|name| !seen.volumes.iter().any(|volume| volume.name == **name)) {
        found.faults.push((Kind::Volume, format!("there is no volume {name}")));
    }
    let counted = volumes(seen, wanted);
    if counted.is_empty() && wanted.is_empty() {
        found.faults.push((Kind::Volume, "gluster names no volume".to_owned()));
    }
    for volume in counted {
        of_volume(seen, volume, gone, &mut found);
    }
    found
}

fn of_volume(seen: &Seen, volume: &Volume, gone: &BTreeSet<&str>, found: &mut Figures) {
    let name = &volume.name;
    found.bricks += volume.bricks.len();
    let about = seen.about.get(name);
    if !volume.started || volume.bricks.is_empty() {
        found.faults.push((Kind::Volume, format!("the volume {name} is not started, or has no bricks")));
    }
    let Some(about) = about else {
        found.faults.push((Kind::Silent, format!("nothing is told of the volume {name}")));
        return;
    };
    let away = |brick: &Brick| {
        seen.owner(brick).is_some_and(|peer| gone.contains(peer.uuid.as_str())) && !is_served(seen, volume, brick)
    };
    let running = processes(seen, volume, about, gone, found);
    rooms(seen, volume, about, gone, found);
    if volume.heals {
        heals(volume, about, running, &away, found);
    }
}

/// Whether all bricks of a volume run, and what heals it. A brick that nothing is told of does not.
fn processes(seen: &Seen, volume: &Volume, about: &About, gone: &BTreeSet<&str>, found: &mut Figures) -> bool {
    let away = |peer: Option<&Peer>| peer.is_some_and(|peer| gone.contains(peer.uuid.as_str()));
    let name = &volume.name;
    let all = match &about.status {
        Ok(all) => all,
        Err(no) => {
            found.faults.push((Kind::Silent, format!("status of {name}: {}", no.words())));
            return false;
        }
    };
    let mut running = true;
    for brick in &volume.bricks {
        let serves = |process: &&Process| process.what == What::Brick(brick.name.clone());
        let mut serving = all.iter().filter(serves);
        let online = serving.next().is_some_and(|process| process.online) && serving.next().is_none();
        found.online += usize::from(online);
        running &= online;
        if !online && !away(seen.owner(brick)) {
            found.faults.push((Kind::Process, format!("the {} of {name} is offline", words(brick))));
        }
    }
    let others = all.iter().filter(|process| match &process.what {
        What::Brick(name) => !volume.bricks.iter().any(|brick| brick.name == *name),
        _ => false,
    });
    if others.count() > 0 {
        found.faults.push((Kind::Volume, format!("status of {name} names other bricks than volume info")));
    }
    if !volume.heals {
        return running;
    }
    let daemons: Vec<&Process> = all.iter().filter(|process| matches!(process.what, What::Heals(_))).collect();
    let heals = |uuid: &str| {
        daemons.iter().any(|daemon| daemon.online && seen.runs_on(daemon).is_some_and(|peer| peer.uuid == uuid))
    };
    // Where a brick's member is not told, every member has to have one.
    let owners: Option<Vec<_>> = volume.bricks.iter().map(|brick| seen.owner(brick)).collect();
    let owners = owners.unwrap_or_else(|| seen.peers.iter().collect());
    let owners: BTreeMap<&str, &str> = owners.into_iter().map(|peer| (peer.uuid.as_str(), peer.name())).collect();
    for (_, host) in owners.iter().filter(|(uuid, _)| !heals(uuid) && !gone.contains(*uuid)) {
        found.faults.push((Kind::Process, format!("no self-heal daemon of {name} runs on {host}")));
    }
    if daemons.iter().any(|daemon| !daemon.online && !away(seen.runs_on(daemon))) {
        found.faults.push((Kind::Process, format!("a self-heal daemon of {name} does not run")));
    }
    running
}

fn words(brick: &Brick) -> String {
    format!("{} {}", if brick.arbiter { "arbiter brick" } else { "brick" }, brick.name)
}

/// Whether each brick has room, and which are on the disk of the system, as far as this vantage point can tell.
fn rooms(seen: &Seen, volume: &Volume, about: &About, gone: &BTreeSet<&str>, found: &mut Figures) {
    let name = &volume.name;
    let all = match &about.detail {
        Ok(all) => all,
        Err(no) => {
            found.faults.push((Kind::Silent, format!("room of {name}: {}", no.words())));
            return;
        }
    };
    for brick in &volume.bricks {
        let disk = all.iter().find(|process| process.what == What::Brick(brick.name.clone()));
        let Some(disk) = disk.filter(|process| process.online).map(|process| &process.disk) else {
            if seen.owner(brick).is_some_and(|peer| gone.contains(peer.uuid.as_str())) {
                continue;
            }
            found.faults.push((Kind::Process, format!("the {} of {name} is offline", words(brick))));
            continue;
        };
        let full =
            |(free, all): (u64, u64)| u128::from(all.saturating_sub(free)) * 100 > USED * u128::from(all) || free > all;
        match (disk.bytes.filter(|(_, all)| *all > 0), disk.inodes) {
            (Some(bytes), _) if full(bytes) => {
                found.faults.push((Kind::Room, format!("the disk of the {} of {name} is full", words(brick))));
            }
            // Some file systems have no fixed number of them.
            (Some(_), Some(inodes)) if inodes.1 > 0 && full(inodes) => {
                found.faults.push((Kind::Room, format!("the {} of {name} has hardly any inodes left", words(brick))));
            }
            (Some(_), Some(_)) => {}
            _ => found.faults.push((Kind::Room, format!("the room of the {} of {name} is not told", words(brick)))),
        }
        let here = seen.own().zip(seen.owner(brick)).is_some_and(|(own, owner)| own.uuid == owner.uuid);
        if here && disk.device.as_ref().is_some_and(|device| seen.roots.contains(device)) {
            found.on_root.insert(brick.name.clone());
        }
    }
}

/// What waits to be healed, and what never will be.
/// `away`: bricks whose member may be away and is: what those with the same files count may wait for it.
fn heals(volume: &Volume, about: &About, running: bool, away: &dyn Fn(&Brick) -> bool, found: &mut Figures) {
    let excused = |told: &&Told| volume.bricks.iter().any(|brick| brick.name == told.name && away(brick));
    let name = &volume.name;
    let waiting = bricks(volume, &about.heal);
    let split = match &about.split {
        // It is asked of volumes with copies only.
        Err(No::OneCopy) if waiting.is_ok() => Ok(Vec::new()),
        answer => bricks(volume, answer),
    };
    match &waiting {
        Err(why) => {
            found.pending.add(Sum { known: 0, whole: false });
            found.faults.push((Kind::Silent, format!("heal info of {name}: {why}")));
        }
        Ok(told) => {
            let pending = most(volume, told);
            found.pending.add(pending);
            if let Some(brick) = told.iter().find(|brick| brick.entries().is_none() && !excused(brick)) {
                found
                    .faults
                    .push((Kind::Process, format!("the brick {} of {name} does not tell its entries", brick.name)));
            }
            let others = most_of(volume, told, |set| !set.iter().any(|brick| excused(&brick)));
            if others.known > 0 {
                found.faults.push((Kind::Entries, format!("{} entries of {name} wait to be healed", others.words())));
            }
        }
    }
    let contradict = match &split {
        Err(why) => {
            found.faults.push((Kind::Silent, format!("heal info split-brain of {name}: {why}")));
            Sum { known: 0, whole: false }
        }
        Ok(told) => most(volume, told),
    };
    found.split.add(contradict);
    if let Ok(told) = &split
        && let Some(brick) = told.iter().find(|brick| brick.entries().is_none() && !excused(brick))
    {
        found.faults.push((Kind::Process, format!("the brick {} of {name} does not tell of split-brain", brick.name)));
    }
    if contradict.known > 0 {
        // A brick that is away may have the copy that decides.
        found.hopeless |= running && contradict.whole && !volume.decides;
        let what = format!(
            "{} entries of {name} are in split-brain and do not heal by themselves: choose a copy of each",
            contradict.known
        );
        found.faults.push((Kind::Split, what));
    }
}

/// What the bricks of a volume say, in the order in which it was made, if they are its bricks and no others.
fn bricks(volume: &Volume, answer: &Result<Vec<Told>, No>) -> Result<Vec<Told>, String> {
    let told = answer.as_ref().map_err(No::words)?;
    let mut found: Vec<&str> = told.iter().map(|brick| brick.name.as_str()).collect();
    found.sort_unstable();
    if found != names(volume) {
        return Err("it names other bricks than volume info".to_owned());
    }
    let place = |told: &Told| volume.bricks.iter().position(|brick| brick.name == told.name);
    let mut ordered = told.clone();
    ordered.sort_by_key(|told| place(told));
    Ok(ordered)
}

/// How many entries there are: of bricks with the same files the most that one counts, for each lists what it knows of.
fn most(volume: &Volume, told: &[Told]) -> Sum {
    most_of(volume, told, |_| true)
}

/// The same of those sets of bricks only that count.
fn most_of(volume: &Volume, told: &[Told], counts: impl Fn(&[Told]) -> bool) -> Sum {
    let set = if volume.set == 0 || !volume.bricks.len().is_multiple_of(volume.set) {
        volume.bricks.len()
    } else {
        volume.set
    };
    let mut sum = Sum::NONE;
    for set in told.chunks(set.max(1)).filter(|set| counts(set)) {
        let known = set.iter().filter_map(|brick| brick.entries().or(brick.count)).max().unwrap_or(0);
        sum.known = sum.known.saturating_add(known);
        sum.whole &= set.iter().all(|brick| brick.entries().is_some());
    }
    sum
}
