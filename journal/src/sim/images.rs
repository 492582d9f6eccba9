//! Every disk that a power cut may leave, or as many of them as one has time for.

use super::disk::SimDisk;
use super::state::{Change, Folder, Naming, Node, Number, Plain, SECTOR, State};
use std::collections::{BTreeMap, BTreeSet};

/// How many images are enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// All combinations are given if there are at most so many.
    pub all: usize,
    /// Else so many chosen by chance are, beside the systematic ones.
    pub sample: usize,
    /// Where chance begins.
    pub seed: u64,
}

impl Default for Bound {
    fn default() -> Self {
        Self { all: 256, sample: 16, seed: 1 }
    }
}

/// Where changes compete: the last that became durable counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Size(Number),
    Sector(Number, usize),
    /// Changes of names do not compete: each is a place of its own, by its time.
    Naming(Number, u64),
}

#[derive(Debug, Clone)]
enum Version {
    File(Change),
    Name(Naming),
}

#[derive(Debug)]
struct Cell {
    place: Place,
    /// In the order in which they were made.
    versions: Vec<(u64, Version)>,
}

/// For each cell how many of its versions came to be: 0 is what was durable.
type Choice = Vec<usize>;

impl SimDisk {
    /// The disks that a power cut may leave now, or did when the disk froze.
    pub fn images(&self, bound: Bound) -> Images {
        Images::of(&self.state(), bound)
    }
}

/// The disks that a power cut may leave: what is durable, and for every sector, length and name one of the states
/// that it had since its last sync.
///
/// If there are more combinations than [`Bound::all`], these are taken: none of the changes, all of them, every prefix
/// in the order in which they were made, each change alone, everything without the last change of one place, and a
/// sample by chance. Equal ones are taken once.
#[derive(Debug)]
pub struct Images {
    nodes: Vec<Node>,
    cells: Vec<Cell>,
    choices: Vec<Choice>,
    whole: bool,
}

impl Images {
    pub(super) fn of(state: &State, bound: Bound) -> Self {
        let cells = cells(state);
        let combinations = cells.iter().try_fold(1usize, |product, cell| product.checked_mul(cell.versions.len() + 1));
        let whole = combinations.is_some_and(|count| count <= bound.all.max(1));
        let choices = if whole { every(&cells) } else { some(&cells, bound) };
        Self { nodes: state.nodes.clone(), cells, choices, whole }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.choices.len()
    }

    /// Never: at least what was durable is left.
    pub fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }

    /// Whether these are all combinations.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// How many changes were not durable.
    pub fn changes(&self) -> usize {
        self.cells.iter().map(|cell| cell.versions.len()).sum()
    }

    /// One of them; the first has nothing but what was durable, the last everything.
    pub fn get(&self, index: usize) -> Option<SimDisk> {
        let choice = self.choices.get(index)?;
        let mut files: BTreeMap<Number, Vec<&Change>> = BTreeMap::new();
        let mut names: BTreeMap<Number, Vec<&Naming>> = BTreeMap::new();
        for (cell, chosen) in self.cells.iter().zip(choice) {
            let version = chosen.checked_sub(1).map(|last| &cell.versions[last].1);
            match (cell.place, version) {
                (Place::Size(number) | Place::Sector(number, _), Some(Version::File(change))) => {
                    files.entry(number).or_default().push(change);
                }
                (Place::Naming(number, _), Some(Version::Name(naming))) => {
                    names.entry(number).or_default().push(naming);
                }
                _ => {}
            }
        }
        let nodes = self.nodes.iter().enumerate().map(|(number, node)| match node {
            Node::Plain(plain) => {
                let mut bytes = plain.durable.clone();
                Plain::apply(&mut bytes, files.remove(&number).into_iter().flatten());
                Node::Plain(Plain { live: bytes.clone(), durable: bytes, ..Plain::default() })
            }
            Node::Folder(folder) => {
                let mut held = folder.durable.clone();
                for naming in names.remove(&number).into_iter().flatten() {
                    Folder::apply(&mut held, naming);
                }
                Node::Folder(Folder { live: held.clone(), durable: held, pending: Vec::new() })
            }
        });
        Some(SimDisk::of(State::of(nodes.collect())))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = SimDisk> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

/// What can be reached from `/` in some image.
fn reachable(state: &State) -> BTreeSet<Number> {
    let mut found = BTreeSet::from([0]);
    let mut folders = vec![0];
    while let Some(number) = folders.pop() {
        let Node::Folder(folder) = &state.nodes[number] else { continue };
        let made = folder.pending.iter().filter_map(|(_, naming)| match naming {
            Naming::Link(_, number) | Naming::Rename(_, _, number) => Some(*number),
            Naming::Unlink(_) => None,
        });
        folders.extend(folder.durable.values().copied().chain(made).filter(|number| found.insert(*number)));
    }
    found
}

fn cells(state: &State) -> Vec<Cell> {
    let mut cells: BTreeMap<Place, Vec<(u64, Version)>> = BTreeMap::new();
    for number in reachable(state) {
        match &state.nodes[number] {
            Node::Plain(plain) => {
                for (at, change) in &plain.pending {
                    let place = match change {
                        Change::Size(_) => Place::Size(number),
                        Change::Sector(index, _) => Place::Sector(number, *index),
                    };
                    let versions = cells.entry(place).or_default();
                    let was = versions.last().map(|(_, version)| version);
                    if !is_same(plain, was, change) {
                        versions.push((*at, Version::File(change.clone())));
                    }
                }
            }
            Node::Folder(folder) => {
                for (at, naming) in &folder.pending {
                    let place = Place::Naming(number, *at);
                    cells.entry(place).or_default().push((*at, Version::Name(naming.clone())));
                }
            }
        }
    }
    let cells = cells.into_iter().map(|(place, versions)| Cell { place, versions });
    cells.filter(|cell| !cell.versions.is_empty()).collect()
}

/// Whether a change leaves its place as the version before it did.
fn is_same(plain: &Plain, was: Option<&Version>, change: &Change) -> bool {
    match (was, change) {
        (Some(Version::File(was)), change) => was == change,
        (_, Change::Size(length)) => plain.durable.len() == *length,
        (_, Change::Sector(index, held)) => {
            let start = (index * SECTOR).min(plain.durable.len());
            let durable = &plain.durable[start..(start + SECTOR).min(plain.durable.len())];
            held.starts_with(durable) && held[durable.len()..].iter().all(|byte| *byte == 0)
        }
    }
}

fn every(cells: &[Cell]) -> Vec<Choice> {
    let mut choices = vec![Vec::new()];
    for cell in cells {
        let longer = |choice: &Choice| {
            (0..=cell.versions.len()).map(|version| [choice.as_slice(), &[version]].concat()).collect::<Vec<_>>()
        };
        choices = choices.iter().flat_map(longer).collect();
    }
    choices
}

fn some(cells: &[Cell], bound: Bound) -> Vec<Choice> {
    let none: Choice = vec![0; cells.len()];
    let all: Choice = cells.iter().map(|cell| cell.versions.len()).collect();
    let mut order: Vec<(u64, usize, usize)> = Vec::new();
    for (index, cell) in cells.iter().enumerate() {
        order.extend(cell.versions.iter().enumerate().map(|(version, (at, _))| (*at, index, version + 1)));
    }
    order.sort_unstable();
    let mut found = vec![none.clone()];
    let mut prefix = none.clone();
    for (_, cell, version) in &order {
        prefix[*cell] = *version;
        found.push(prefix.clone());
        let mut alone = none.clone();
        alone[*cell] = *version;
        found.push(alone);
    }
    for (cell, last) in all.iter().enumerate() {
        let mut without = all.clone();
        without[cell] = last - 1;
        found.push(without);
    }
    let mut chance = bound.seed;
    for _ in 0..bound.sample {
        found.push(all.iter().map(|last| next(&mut chance, last + 1)).collect());
    }
    let mut seen = BTreeSet::from([all.clone()]);
    found.retain(|choice| seen.insert(choice.clone()));
    found.push(all);
    found
}

/// A number below `end` (splitmix64: small, and good enough to pick tests).
fn next(chance: &mut u64, end: usize) -> usize {
    *chance = chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *chance;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
}
