//! Which processes of volumes run, and how much room their bricks have: `volume status`, and the same with `detail`, of one
//! volume or of all.

use super::answer::{No, Raw, anywhere, at, count, field, must, read};
use roxmltree::Node;
use std::collections::BTreeMap;

/// One process of a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Process {
    /// What it is.
    pub(super) what: What,
    /// The id of the member it runs on, as far as that is told.
    pub(super) peer: Option<String>,
    /// Whether it runs.
    pub(super) online: bool,
    /// What its disk is like, where that was asked for and told.
    pub(super) disk: Disk,
}

/// What a process is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum What {
    /// It serves this brick, `HOST:PATH`.
    Brick(String),
    /// It heals, on this host.
    Heals(String),
    /// Anything else.
    #[default]
    Other,
}

/// The file system that a brick is on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Disk {
    /// Its device.
    pub(super) device: Option<String>,
    /// Bytes.
    pub(super) bytes: Figures,
    /// Inodes. Some file systems have no fixed number of them.
    pub(super) inodes: Figures,
}

/// How much there is of something, and how much of it is free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// All of it.
    pub(super) all: Figure,
    /// What is free.
    pub(super) free: Figure,
}

/// A figure. glusterd leaves out a number of inodes that is 0; what is free of bytes it prints also if it is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Figure {
    /// It is left out, or 0.
    #[default]
    None,
    /// So many.
    Is(u64),
    /// There is something, and it is no number.
    Odd,
}

impl Figure {
    fn read(text: Option<&str>, number: impl Fn(&str) -> Option<u64>) -> Self {
        match text.filter(|text| !text.is_empty()) {
            None => Self::None,
            Some(text) => match number(text) {
                Some(0) => Self::None,
                Some(number) => Self::Is(number),
                None => Self::Odd,
            },
        }
    }
}

const HEALS: &str = "Self-heal Daemon";

/// The processes of each volume that is told of. What is odd about one volume is said of that one alone; gluster leaves out
/// volumes that are not started, and those that another request keeps locked.
pub(super) type Statuses = BTreeMap<String, Result<Vec<Process>, No>>;

/// The processes of all volumes that an answer names.
pub(super) fn statuses(raw: &Raw) -> Result<Statuses, No> {
    read(raw, xml, text)
}

/// The processes of one volume.
pub(super) fn status(raw: &Raw, volume: &str) -> Result<Vec<Process>, No> {
    statuses(raw)?.remove(volume).unwrap_or(Err(No::Strange("it tells of another volume")))
}

fn xml(root: Node<'_, '_>) -> Result<Statuses, No> {
    let mut all = Statuses::new();
    // Where gluster cannot print the rest of a volume, it leaves its element open: the next ones stand within.
    for volume in anywhere(at(root, &["volStatus", "volumes"])?, "volume") {
        let name = must(volume, "volName")?.to_owned();
        if all.insert(name, processes(volume)).is_some() {
            return Err(No::Strange("it tells of a volume twice"));
        }
    }
    Ok(all)
}

/// Processes stand in `node`, those of tiers in a part of their own, and some releases put further ones into a `node`.
fn processes(volume: Node<'_, '_>) -> Result<Vec<Process>, No> {
    let own = |node: &Node<'_, '_>| {
        let above = node.ancestors().skip(1).find(|above| above.tag_name().name() == "volume");
        above == Some(volume)
    };
    let told = |node: &Node<'_, '_>| node.children().any(|child| child.tag_name().name() == "hostname");
    anywhere(volume, "node").filter(own).filter(told).map(process).collect()
}

fn process(node: Node<'_, '_>) -> Result<Process, No> {
    let (host, path) = (must(node, "hostname")?, must(node, "path")?);
    let what = match host {
        HEALS => What::Heals(path.to_owned()),
        _ if path.starts_with('/') => What::Brick(format!("{host}:{path}")),
        _ => What::Other,
    };
    let figure = |name| Figure::read(field(node, name), count);
    Ok(Process {
        what,
        peer: field(node, "peerid").filter(|uuid| !uuid.is_empty()).map(str::to_owned),
        online: must(node, "status")? == "1",
        disk: Disk {
            device: field(node, "device").filter(|name| !name.is_empty() && *name != "N/A").map(str::to_owned),
            bytes: Figures { all: figure("sizeTotal"), free: figure("sizeFree") },
            inodes: Figures { all: figure("inodesTotal"), free: figure("inodesFree") },
        },
    })
}

/// What begins the part of a volume.
const VOLUME: &str = "Status of volume:";

fn text(out: &str) -> Result<Statuses, No> {
    let mut parts: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in out.lines().filter(|line| !line.trim().is_empty()) {
        match (line.strip_prefix(VOLUME), parts.last_mut()) {
            (Some(name), _) => parts.push((name.trim(), Vec::new())),
            (None, Some((_, lines))) => lines.push(line),
            (None, None) => return Err(No::told(out)),
        }
    }
    let mut all = Statuses::new();
    for (name, lines) in parts {
        if all.insert(name.to_owned(), part(&lines)).is_some() {
            return Err(No::Strange("it tells of a volume twice"));
        }
    }
    if all.is_empty() { Err(No::told(out)) } else { Ok(all) }
}

fn part(lines: &[&str]) -> Result<Vec<Process>, No> {
    let tiers = |line: &&&str| ["Hot Bricks:", "Cold Bricks:"].contains(&line.trim());
    let lines: Vec<&str> = lines.iter().filter(|line| !line.starts_with("---") && !tiers(line)).copied().collect();
    if lines.first().is_some_and(|line| line.starts_with("Gluster process")) {
        table(&lines[1..])
    } else {
        parts(&lines)
    }
}

/// What begins a row of the table.
const ROWS: [&str; 2] = ["Brick ", "Self-heal Daemon on "];

/// The table of `volume status`. A long name is wrapped: a row ends where its four last columns stand.
fn table(lines: &[&str]) -> Result<Vec<Process>, No> {
    let mut all = Vec::new();
    let mut row = String::new();
    for line in lines {
        if line.starts_with("Task Status of Volume") || line.starts_with("There are no active volume tasks") {
            break;
        }
        if row.is_empty() && !ROWS.iter().any(|word| line.starts_with(word)) {
            let other = line.contains(" on ");
            if !other {
                return Err(No::Strange("a row of no process"));
            }
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let columns = words.len().checked_sub(4).map(|at| words.split_at(at));
        let Some((name, [_, _, online, _])) = columns.filter(|(_, columns)| are_columns(columns)) else {
            row.push_str(if row.is_empty() { line.trim_end() } else { line.trim() });
            if row.len() > 8192 {
                return Err(No::Strange("a row without an end"));
            }
            continue;
        };
        row.push_str(&name.join(" "));
        let what = match (row.strip_prefix(ROWS[0]), row.strip_prefix(ROWS[1])) {
            (Some(brick), _) => What::Brick(brick.to_owned()),
            (_, Some(host)) => What::Heals(host.to_owned()),
            _ => What::Other,
        };
        all.push(Process { what, online: *online == "Y", ..Process::default() });
        row.clear();
    }
    if row.is_empty() { Ok(all) } else { Err(No::Strange("a row without an end")) }
}

/// Two ports, whether it runs, and the process.
fn are_columns(words: &[&str]) -> bool {
    let number = |word: &str| word == "N/A" || count(word).is_some();
    matches!(words, [tcp, rdma, "Y" | "N", pid] if number(tcp) && number(rdma) && number(pid))
}

/// The parts of `volume status V detail`: a word, a colon, a value.
fn parts(lines: &[&str]) -> Result<Vec<Process>, No> {
    let mut all: Vec<Process> = Vec::new();
    let figure = |text: &str, number: fn(&str) -> Option<u64>| match text {
        "N/A" => Figure::None,
        text => Figure::read(Some(text), number),
    };
    for line in lines {
        let Some((word, value)) = line.split_once(" : ").map(|(word, value)| (word.trim(), value.trim())) else {
            return Err(No::Strange("a line without a value"));
        };
        if word == "Brick" {
            let name = value.strip_prefix("Brick ").unwrap_or(value);
            all.push(Process { what: What::Brick(name.to_owned()), ..Process::default() });
            continue;
        }
        let Some(process) = all.last_mut() else { return Err(No::Strange("a line of no brick")) };
        match word {
            "Online" => process.online = value == "Y",
            "Device" => process.disk.device = Some(value).filter(|name| *name != "N/A").map(str::to_owned),
            "Disk Space Free" => process.disk.bytes.free = figure(value, bytes),
            "Total Disk Space" => process.disk.bytes.all = figure(value, bytes),
            "Inode Count" => process.disk.inodes.all = figure(value, count),
            "Free Inodes" => process.disk.inodes.free = figure(value, count),
            _ => {}
        }
    }
    Ok(all)
}

/// A size for people, such as `973.4MB`.
fn bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, u32); 7] =
        [("PB", 50), ("TB", 40), ("GB", 30), ("MB", 20), ("KB", 10), ("Bytes", 0), ("B", 0)];
    let (number, shift) = UNITS.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?.trim(), *shift)))?;
    let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
    let tenths = tenths.get(..1).and_then(count)?;
    let whole = count(whole)?;
    let all = u128::from(whole) * 10 + u128::from(tenths);
    u64::try_from((all << shift) / 10).ok()
}
