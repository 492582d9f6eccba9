//! The figures of one vantage point, and what all of the judging needs to know.

use crate::gluster::asked::{Asked, Emptied};
use crate::gluster::info::Brick;
use crate::gluster::split::Standing;
use crate::gluster::view::Seen;
use std::collections::{BTreeMap, BTreeSet};

/// So many names are told of a longer list.
pub(super) const NAMES: usize = 8;

/// What is in the way, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
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
pub(super) struct Sum {
    pub(super) known: u64,
    pub(super) whole: bool,
}

impl Sum {
    pub(super) const NONE: Self = Self { known: 0, whole: true };
    pub(super) const UNKNOWN: Self = Self { known: 0, whole: false };

    pub(super) fn add(&mut self, more: Self) {
        self.known = self.known.saturating_add(more.known);
        self.whole &= more.whole;
    }

    pub(super) fn words(self) -> String {
        match (self.known, self.whole) {
            (known, true) => known.to_string(),
            (0, false) => "unknown".to_owned(),
            (known, false) => format!("at least {known}"),
        }
    }

    /// The worse of two.
    pub(super) fn or(self, other: Self) -> Self {
        Self { known: self.known.max(other.known), whole: self.whole && other.whole }
    }
}

/// What one vantage point says, put into figures.
pub(super) struct Figures {
    pub(super) online: usize,
    pub(super) bricks: usize,
    pub(super) connected: usize,
    pub(super) peers: usize,
    pub(super) pending: Sum,
    pub(super) split: Sum,
    pub(super) hopeless: bool,
    pub(super) on_root: BTreeSet<String>,
    pub(super) compared: Compared,
    pub(super) faults: Vec<(Kind, String)>,
}

impl Figures {
    pub(super) fn fault(&mut self, kind: Kind, what: String) {
        self.faults.push((kind, what));
    }

    /// The worse of what two vantage points say.
    pub(super) fn or(self, other: Self) -> Self {
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
pub(super) struct Look<'a> {
    pub(super) asked: &'a Asked<'a>,
    pub(super) seen: &'a Seen,
    /// Members that may be away, and are.
    pub(super) gone: &'a BTreeSet<&'a str>,
    /// What stood in split-brain across a crawl.
    pub(super) standing: &'a Standing,
    /// The bricks on disks of the system, as far as any vantage point knows.
    pub(super) on_root: &'a BTreeSet<String>,
}

impl Look<'_> {
    /// Whether a brick's member may be away, and is.
    pub(super) fn is_gone(&self, brick: &Brick) -> bool {
        self.seen.owner(brick).is_some_and(|peer| self.gone.contains(peer.uuid.as_str()))
    }
}

/// What came of comparing copies.
#[derive(Default)]
pub(super) struct Compared {
    /// Bricks that are plainly emptier than the others of their set, with what is used.
    pub(super) emptied: BTreeSet<String>,
    /// Volumes whose copies cannot be compared, by the reason.
    pub(super) not: BTreeMap<&'static str, BTreeSet<String>>,
    /// Whether there were copies at all.
    pub(super) any: bool,
}

impl Compared {
    pub(super) fn or(mut self, other: Self) -> Self {
        self.emptied.extend(other.emptied);
        for (why, names) in other.not {
            self.not.entry(why).or_default().extend(names);
        }
        self.any |= other.any;
        self
    }

    /// What is recorded of it.
    pub(super) fn facts(&self, rule: Emptied) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if self.any {
            facts.push(("emptied-below", rule.words()));
        }
        if !self.emptied.is_empty() {
            facts.push(("emptied", some(&self.emptied.iter().map(String::as_str).collect::<Vec<_>>())));
        }
        if !self.not.is_empty() {
            let reason = |(why, names): (&&str, &BTreeSet<String>)| {
                format!("{} ({why})", some(&names.iter().map(String::as_str).collect::<Vec<_>>()))
            };
            let all: Vec<String> = self.not.iter().map(reason).collect();
            facts.push(("not-compared", all[..all.len().min(NAMES)].join(", ")));
        }
        facts
    }
}

/// A list for people, cut where it is long.
pub(super) fn some(names: &[&str]) -> String {
    let shown = names[..names.len().min(NAMES)].join(" ");
    if names.len() > NAMES { format!("{shown} and {} more", names.len() - NAMES) } else { shown }
}

pub(super) fn words(brick: &Brick) -> String {
    format!("{} {}", if brick.arbiter { "arbiter brick" } else { "brick" }, brick.name)
}
